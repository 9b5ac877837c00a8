//! Carrying out a plan: listed, then written stage by stage; deleted at the end, then no longer listed.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::{Duration, Instant},
};

use http::Method;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{
    AT_ONCE, answer,
    client::{Api, Failure},
    inventory::{Inventory, Owner, Us},
    inventory_path,
    lease::Held,
    planning::{self, Delete, Plan, Write, apply_path},
    redact::Redact,
};
use crate::{
    apply,
    error::{Error, Result},
    manifest::ObjectKey,
    plan::{Action, order::Stage},
    point,
    target::Say,
    text,
    wait::health::health,
};

/// So many lines say what is done to one object each; from then on one stands for many.
const LINES: usize = 60;
/// What an object needs of the cluster's own controllers may take so long to come.
const GROUND: Duration = Duration::from_secs(60);
/// Of what was done before it stopped, so many objects are named.
const NAMED: usize = 5;
/// Between two looks.
const PACE: Duration = Duration::from_millis(100);

/// Carries out plans.
pub(super) struct Carrier<'c> {
    pub api: &'c Api<'c>,
    pub us: &'c Us,
    pub held: Option<&'c Held>,
    pub redact: &'c Redact,
    pub say: Say<'c>,
    /// How many writes were begun and not refused.
    pub wrote: Cell<usize>,
    /// What was written and answered.
    pub done: RefCell<Vec<String>>,
}

impl Carrier<'_> {
    /// Whether what runs may not be any more what ran before.
    pub fn wrote(&self) -> bool {
        self.wrote.get() > 0 || self.api.is_in_doubt()
    }

    /// Sends a request that changes an object. It counts from its beginning, since it may be given up.
    async fn change(&self, method: Method, path: &str, body: &Json) -> Result<Json, Failure> {
        self.wrote.set(self.wrote.get() + 1);
        let done = self.api.call(method, path, Some(body)).await;
        if matches!(done, Err(Failure::Refused(_))) {
            self.wrote.set(self.wrote.get() - 1);
        }
        done
    }

    /// Writes everything that is wanted.
    pub async fn apply(&self, plan: &mut Plan) -> Result<()> {
        let mut before = plan.inventory.clone();
        for (key, entry) in &plan.listed {
            before.entries.entry(key.clone()).or_insert_with(|| entry.clone());
        }
        plan.inventory = self.list(&plan.inventory, before).await?;
        point::reach("listed");
        let progress = Progress::new(plan.writes.len(), self.say);
        let uids = RefCell::new(BTreeMap::new());
        for stage in Stage::ALL {
            let writes: Vec<&Write> = plan.writes.iter().filter(|write| write.stage == stage).collect();
            apply::all(writes.iter().copied(), AT_ONCE, async |write: &Write| {
                let live = self.write(write).await?;
                let uid = live["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
                uids.borrow_mut().insert(write.object.key.clone(), uid);
                progress.line(write.action, &write.object.key);
                self.done.borrow_mut().push(format!("{} {}", write.action.done(), write.object.key));
                point::reach("object-applied");
                Ok(())
            })
            .await?;
            if stage == Stage::Ground {
                self.ground(&writes).await?;
            }
        }
        for (key, uid) in uids.into_inner() {
            if let Some(entry) = plan.listed.get_mut(&key) {
                entry.uid = Some(uid);
            }
        }
        let mut after = Inventory { entries: plan.listed.clone(), version: plan.inventory.version.clone() };
        for delete in &plan.deletes {
            if let Some(entry) = plan.inventory.entries.get(&delete.key) {
                after.entries.insert(delete.key.clone(), entry.clone());
            }
        }
        plan.inventory = self.list(&plan.inventory, after).await?;
        point::reach("applied");
        Ok(())
    }

    /// Deletes what is no longer wanted, and waits until it is gone.
    pub async fn prune(&self, plan: &mut Plan, until: Instant) -> Result<()> {
        if plan.deletes.is_empty() {
            return Ok(());
        }
        let progress = Progress::new(plan.deletes.len(), self.say);
        for stage in Stage::ALL.into_iter().rev() {
            let of = |delete: &&Delete| Stage::of(&delete.key.group, &delete.key.kind) == stage;
            let deletes: Vec<&Delete> = plan.deletes.iter().filter(of).collect();
            apply::all(deletes, AT_ONCE, async |delete: &Delete| {
                self.delete(&delete.key, &delete.path, &delete.uid, until).await?;
                progress.line(Action::Delete, &delete.key);
                self.done.borrow_mut().push(format!("deleted {}", delete.key));
                Ok(())
            })
            .await?;
        }
        let mut after = plan.inventory.clone();
        for delete in &plan.deletes {
            after.entries.remove(&delete.key);
        }
        plan.inventory = self.list(&plan.inventory, after).await?;
        point::reach("pruned");
        Ok(())
    }

    /// Writes the inventory, unless it is so already.
    async fn list(&self, before: &Inventory, after: Inventory) -> Result<Inventory> {
        if before.entries == after.entries {
            return Ok(before.clone());
        }
        self.may_write()?;
        let body = after.to_json(self.us)?;
        let path = inventory_path(self.us);
        let done = match before.version {
            Some(_) => self.api.call(Method::PUT, &path, Some(&body)).await,
            None => {
                let all = path.rsplit_once('/').map_or(path.as_str(), |(all, _)| all);
                self.api.call(Method::POST, all, Some(&body)).await
            }
        };
        let written = match done {
            // An answer that was lost on its way, or somebody else's writing: what is there tells which.
            Err(failure) if failure.code() == 409 => {
                let there = self.api.find(&path).await?;
                let there = Inventory::read(there.as_ref(), self.us)?;
                if there.entries != after.entries {
                    let message = "the environment's inventory was changed by somebody else meanwhile";
                    return Err(Error::later(message).help("try again: what is there is then looked at anew"));
                }
                return Ok(there);
            }
            done => done?,
        };
        let version = written["metadata"]["resourceVersion"].as_str().map(ToOwned::to_owned);
        Ok(Inventory { version, ..after })
    }

    async fn write(&self, write: &Write) -> Result<Json> {
        let (object, mut replaced) = (&write.object, None);
        if let (Action::Replace, Some(uid)) = (write.action, &write.replaces) {
            self.delete(&object.key, &object.path(), uid, Instant::now() + GROUND).await?;
            point::reach("object-deleted");
            replaced = Some(format!("deleted {}", object.key));
        }
        let began = Instant::now();
        loop {
            self.may_write()?;
            let path = apply_path(self.us, &object.path(), write.force, false);
            match self.change(Method::PATCH, &path, &object.body).await {
                Ok(live) => {
                    if let Owner::Other(owner) = self.us.owner(&live) {
                        self.release(write).await;
                        let owner = planning::name_of(self.api, self.us, &object.key, &owner).await;
                        return Err(Error::revision(format!("{} belongs to {owner}", object.key)));
                    }
                    return Ok(live);
                }
                // A kind, a namespace or an account of the same push takes a moment to be known everywhere.
                Err(Failure::Refused(status))
                    if began.elapsed() < GROUND && comes(&status, object.needs.is_some()) =>
                {
                    tokio::time::sleep(PACE).await;
                }
                Err(failure) => {
                    self.done.borrow_mut().extend(replaced);
                    return Err(self.refused(&object.key, failure));
                }
            }
        }
    }

    /// Gives back what was taken of an object that another environment created at the same moment.
    async fn release(&self, write: &Write) {
        let object = &write.object;
        let body = json!({
            "apiVersion": object.kind.api_version,
            "kind": object.kind.name,
            "metadata": {"name": object.key.name, "namespace": object.key.namespace},
        });
        let _ = self
            .api
            .call(Method::PATCH, &apply_path(self.us, &object.path(), true, false), Some(&body))
            .await;
    }

    /// Waits until what others live in or are instances of is ready.
    async fn ground(&self, writes: &[&Write]) -> Result<()> {
        let until = Instant::now() + GROUND;
        for write in writes {
            let key = &write.object.key;
            loop {
                let live =
                    self.api.get(&write.object.path()).await.map_err(|failure| self.refused(key, failure))?;
                let is = health(&key.group, &key.kind, &live, Timestamp::now());
                if is.is_ready() {
                    break;
                }
                let why = self.redact.clean(&is.reason, 300);
                if is.is_final() {
                    return Err(Error::revision(format!("{key}: {why}")));
                }
                if Instant::now() > until {
                    return Err(Error::revision(format!("{key} is not ready: {why}")));
                }
                tokio::time::sleep(PACE).await;
            }
        }
        Ok(())
    }

    /// Deletes one object, by its UID, with all that belongs to it, and waits until it is gone.
    async fn delete(&self, key: &ObjectKey, path: &str, uid: &str, until: Instant) -> Result<()> {
        self.may_write()?;
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": uid},
        });
        match self.change(Method::DELETE, path, &options).await {
            Ok(_) => {}
            Err(failure) if failure.is_not_found() => return Ok(()),
            // Somebody created it anew: it is not the one that was ours.
            Err(failure) if failure.code() == 409 => return Ok(()),
            Err(failure) => return Err(self.refused(key, failure)),
        }
        point::reach("object-deleting");
        loop {
            let live = self.api.find(path).await.map_err(|failure| self.refused(key, failure))?;
            let Some(live) = live.filter(|live| live["metadata"]["uid"] == uid) else { return Ok(()) };
            if Instant::now() > until {
                let holders = live["metadata"]["finalizers"].as_array().into_iter().flatten();
                let holders: Vec<&str> = holders.filter_map(Json::as_str).collect();
                let message = format!("{key} is not gone: it is held by {}", holders.join(", "));
                return Err(
                    Error::revision(message).help("see what those finalizers wait for, then deploy again")
                );
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// What is other than before, after a run that stopped.
    pub fn difference(&self, of: usize) -> String {
        let done = self.done.borrow();
        let named = done.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        match done.len() {
            0 => format!("it is not known whether any of {} was made", text::count(of, "change")),
            n if n <= NAMED => format!("of {} these were made: {named}", text::count(of, "change")),
            n => format!("{n} of {} were made: {named} and {} more", text::count(of, "change"), n - NAMED),
        }
    }

    fn may_write(&self) -> Result<()> {
        self.held.map_or(Ok(()), Held::check)
    }

    fn refused(&self, key: &ObjectKey, failure: Failure) -> Error {
        match failure {
            Failure::Refused(status) => {
                let secret = key.kind == "Secret";
                let words = answer::one_line(&status, secret, self.redact);
                match planning::conflicts(&status).first() {
                    Some(conflict) => Error::revision(format!(
                        "{key}: {} changed {} just now",
                        self.redact.clean(&conflict.manager, 80),
                        self.redact.clean(&conflict.field, 80)
                    )),
                    None => Error::revision(format!("{key}: the cluster refuses it: {words}")),
                }
            }
            away @ Failure::Away(_) => Error::from(away),
        }
    }
}

/// Whether what is missing is on its way.
fn comes(status: &kube::core::Status, of_this_push: bool) -> bool {
    let words = &status.message;
    match status.code {
        404 => of_this_push,
        403 => {
            words.contains("error looking up service account")
                || words.contains("serviceaccount \"") && words.contains("not found")
                || words.contains("no API token found for service account")
                // An object that quota knows of only in a moment.
                || words.contains("status unknown for quota")
        }
        409 => words.contains("please apply your changes to the latest version"),
        _ => false,
    }
}

/// Says what was done, a line an object at first.
struct Progress<'s> {
    total: usize,
    done: Cell<usize>,
    say: Say<'s>,
}

impl<'s> Progress<'s> {
    fn new(total: usize, say: Say<'s>) -> Self {
        Self { total, done: Cell::new(0), say }
    }

    fn line(&self, action: Action, key: &ObjectKey) {
        let done = self.done.get() + 1;
        self.done.set(done);
        if done <= LINES {
            (self.say)(format!("{} {key}", action.done()));
        } else if done == self.total || done.is_multiple_of((self.total / 10).max(1)) {
            (self.say)(format!("{done} of {} objects", self.total));
        }
    }
}
