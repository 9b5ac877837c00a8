//! Carrying out a plan: listed, then written in their order; deleted at the end, then no longer listed.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Value as Json, json};

use super::{
    AT_ONCE, answer,
    client::{Api, Failure},
    conflicts::conflicts,
    decide::{apply_path, is_binding, is_of_before, name_of},
    handover::Handover,
    inventory::{Inventory, Owner, Us},
    inventory_path,
    jobs::Passing,
    lease::Held,
    planning::{Delete, Plan, Watched, Write},
    ready::{GROUND, Halt, Readiness},
    redact::Redact,
    survey::Object,
};
use crate::{
    apply,
    error::{Error, Result},
    manifest::ObjectKey,
    plan::Action,
    point,
    target::Say,
    text,
};

/// So many lines say what is done to one object each; from then on one stands for many.
const LINES: usize = 60;
/// So long an API server may judge by a definition that was just changed.
const REDEFINED: Duration = Duration::from_secs(10);
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
    pub async fn change(&self, method: Method, path: &str, body: &Json) -> Result<Json, Failure> {
        self.wrote.set(self.wrote.get() + 1);
        let done = self.api.call(method, path, Some(body)).await;
        if matches!(done, Err(Failure::Refused(_))) {
            self.wrote.set(self.wrote.get() - 1);
        }
        done
    }

    /// Writes everything that is wanted, in its order.
    pub async fn apply(&self, plan: &mut Plan, ready: &Readiness<'_>) -> Result<(), Halt> {
        let mut before = plan.inventory.clone();
        if !plan.is_empty() {
            before.writer = Some(self.us.writer.clone());
        }
        let mut known = std::mem::replace(&mut before.entries, plan.listed.clone());
        before.entries.append(&mut known);
        plan.inventory = self.list(&plan.inventory, before).await?;
        point::reach("listed");
        let progress = Progress::new(plan.writes.len(), self.say);
        let uids = RefCell::new(BTreeMap::new());
        let writes: BTreeMap<usize, &Write> =
            plan.writes.iter().map(|write| (write.object.node, write)).collect();
        let write = async |object: usize| {
            let write = writes[&object];
            let live = self.write(write).await?;
            let uid = live["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
            uids.borrow_mut().insert(write.object.key.clone(), uid);
            progress.line(write.action, &write.object.key);
            self.done.borrow_mut().push(format!("{} {}", write.action.done(), write.object.key));
            point::reach("object-applied");
            Ok(())
        };
        let has_work = |object| writes.contains_key(&object);
        apply::in_order(&plan.order, has_work, AT_ONCE, write, async |objects: &[usize]| {
            ready.of(objects).await
        })
        .await?;
        for (key, uid) in uids.into_inner() {
            if let Some(entry) = plan.listed.get_mut(&key) {
                entry.uid = Some(uid);
            }
        }
        let mut after = plan.inventory.clone();
        after.entries = plan.listed.clone();
        for delete in &plan.deletes {
            if let Some(entry) = plan.inventory.entries.get(&delete.key) {
                after.entries.insert(delete.key.clone(), entry.clone());
            }
        }
        plan.inventory = self.list(&plan.inventory, after).await?;
        point::reach("applied");
        Ok(())
    }

    /// Remembers what has ended, and deletes what its hook wants deleted then: in this order, so that nothing runs
    /// twice.
    async fn end_passing(&self, plan: &mut Plan, until: Instant) -> Result<()> {
        let passing: Vec<(Watched, Passing)> =
            plan.passing().map(|(watched, passing)| (watched.clone(), passing.clone())).collect();
        let mut after = plan.inventory.clone();
        for (watched, passing) in &passing {
            for entries in [&mut after.entries, &mut plan.listed] {
                if let Some(entry) = entries.get_mut(&watched.key) {
                    entry.ran = Some(passing.digest.clone());
                }
            }
        }
        plan.inventory = self.list(&plan.inventory, after).await?;
        point::reach("ended");
        for (watched, _) in passing.iter().filter(|(_, passing)| passing.is_deleted) {
            if let Some(uid) = plan.listed.get(&watched.key).and_then(|entry| entry.uid.as_ref()) {
                self.delete(&watched.key, &watched.path, uid, until).await?;
                (self.say)(format!("deleted {}, which has ended", watched.key));
            }
        }
        Ok(())
    }

    /// Deletes what is no longer wanted, and waits until it is gone.
    pub async fn prune(&self, plan: &mut Plan, until: Instant) -> Result<()> {
        self.end_passing(plan, until).await?;
        if plan.deletes.is_empty() {
            return Ok(());
        }
        let progress = Progress::new(plan.deletes.len(), self.say);
        let deletes: BTreeMap<usize, &Delete> =
            plan.deletes.iter().map(|delete| (delete.node, delete)).collect();
        let delete = async |object: usize| -> Result<()> {
            let delete = deletes[&object];
            self.delete(&delete.key, &delete.path, &delete.uid, until).await?;
            progress.line(Action::Delete, &delete.key);
            self.done.borrow_mut().push(format!("deleted {}", delete.key));
            Ok(())
        };
        // What is gone is not waited for once more.
        let gone = async |objects: &[usize]| Ok(objects.to_vec());
        apply::in_order(&plan.back, |_| true, AT_ONCE, delete, gone).await?;
        let mut after = plan.inventory.clone();
        for delete in &plan.deletes {
            after.entries.remove(&delete.key);
        }
        plan.inventory = self.list(&plan.inventory, after).await?;
        point::reach("pruned");
        Ok(())
    }

    /// Writes the inventory, unless it is so already.
    async fn list(&self, before: &Inventory, mut after: Inventory) -> Result<Inventory> {
        if after.says(before) {
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
                if !after.says(&there) {
                    let message = "the environment's inventory was changed by somebody else meanwhile";
                    return Err(Error::later(message).help("try again: what is there is then looked at anew"));
                }
                return Ok(there);
            }
            done => done?,
        };
        after.version = written["metadata"]["resourceVersion"].as_str().map(ToOwned::to_owned);
        Ok(after)
    }

    async fn write(&self, write: &Write) -> Result<Json> {
        let (object, mut replaced) = (&write.object, None);
        let until = Instant::now() + GROUND;
        match (write.action, &write.replaces) {
            (Action::Replace, Some(uid)) => {
                self.delete(&object.key, &object.path(), uid, until).await?;
                point::reach("object-deleted");
                replaced = Some(format!("deleted {}", object.key));
            }
            // Somebody else has deleted it.
            (_, Some(uid)) => self.gone(&object.key, &object.path(), uid, until).await?,
            (_, None) => {}
        }
        if write.force && write.action == Action::Update {
            self.takes_what_was_planned(write).await?;
        }
        if let Some(handover) = &write.handover {
            self.hand_over(object, handover).await?;
            point::reach("object-handed-over");
        }
        // A Role is known to those who judge its bindings a moment after it is there.
        let needs = object.needs.is_some() || is_binding(&object.key);
        let began = Instant::now();
        loop {
            self.may_write()?;
            let path = apply_path(self.us, &object.path(), write.force, false);
            match self.change(Method::PATCH, &path, &object.body).await {
                Ok(live) => {
                    if let Owner::Other(owner) = self.us.owner(&live) {
                        self.release(write).await;
                        let owner = name_of(self.api, self.us, &object.key, &owner).await;
                        return Err(Error::revision(format!("{} belongs to {owner}", object.key)));
                    }
                    return Ok(live);
                }
                // A kind, a namespace or an account of the same push takes a moment to be known everywhere.
                Err(Failure::Refused(status))
                    if began.elapsed() < GROUND && comes(&status, needs)
                        // Every API server knows a new definition a moment later.
                        || began.elapsed() < REDEFINED && is_of_before(object, &status) =>
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

    /// Asks once more whose fields an apply would take: what is written by force is written over whatever is
    /// there.
    async fn takes_what_was_planned(&self, write: &Write) -> Result<()> {
        let (object, key) = (&write.object, &write.object.key);
        let path = apply_path(self.us, &object.path(), false, true);
        let Err(Failure::Refused(status)) = self.api.call(Method::PATCH, &path, Some(&object.body)).await
        else {
            return Ok(());
        };
        // Whatever else it says, it says to the apply.
        match conflicts(&status).iter().find(|conflict| !write.taken.contains(conflict)) {
            Some(_) => Err(self.refused(key, Failure::Refused(status))),
            None => Ok(()),
        }
    }

    /// Has the fields of an object held by those who are to hold them, as it was planned.
    async fn hand_over(&self, object: &Object, planned: &Handover) -> Result<()> {
        let (path, began) = (object.path(), Instant::now());
        loop {
            let live = self.api.get(&path).await.map_err(|failure| self.refused(&object.key, failure))?;
            // What stands as it should needs nothing: an answer was lost on its way.
            let Some(now) = planned.terms.handover(&live, &self.us.manager) else { return Ok(()) };
            if now.gone != planned.gone {
                let message = format!("{} was changed by somebody else just now", object.key);
                return Err(Error::later(message).help("try again: what is there is then looked at anew"));
            }
            self.may_write()?;
            let as_us = format!("{path}?fieldManager={}", self.us.manager);
            match self.change(Method::PATCH, &as_us, &now.patch(&live)).await {
                Ok(_) => return Ok(()),
                // Somebody wrote a status meanwhile.
                Err(Failure::Refused(status)) if status.code == 409 && began.elapsed() < GROUND => {
                    tokio::time::sleep(PACE).await;
                }
                Err(failure) => return Err(self.refused(&object.key, failure)),
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

    /// Deletes one object, by its UID, with all that belongs to it, and waits until it is gone.
    pub async fn delete(&self, key: &ObjectKey, path: &str, uid: &str, until: Instant) -> Result<()> {
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
        self.gone(key, path, uid, until).await
    }

    /// Waits until an object that is being deleted is gone.
    async fn gone(&self, key: &ObjectKey, path: &str, uid: &str, until: Instant) -> Result<()> {
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
        if self.held.is_some_and(Held::is_lost) {
            let error = Error::later("another server has begun to deploy to this cluster meanwhile");
            return Err(error.help("try again when it has ended"));
        }
        Ok(())
    }

    pub fn refused(&self, key: &ObjectKey, failure: Failure) -> Error {
        match failure {
            Failure::Refused(status) => {
                let secret = key.kind == "Secret";
                let words = answer::one_line(&status, secret, self.redact);
                match conflicts(&status).first() {
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

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::comes;

    #[test]
    fn what_is_on_its_way_is_waited_for_and_what_is_missing_is_not() {
        let status = |code: u16, words: &str| Status { code, ..Status::failure(words, "") };
        for (code, words, of_this_push) in [
            (404, "namespaces \"shop\" not found", true),
            (404, "the server could not find the requested resource", true),
            (
                403,
                "pods \"web\" is forbidden: error looking up service account shop/web: serviceaccount \"web\" not found",
                false,
            ),
            (
                403,
                "configmaps \"a\" is forbidden: status unknown for quota: much, resources: count/configmaps",
                false,
            ),
            (
                409,
                "Operation cannot be fulfilled on resourcequotas \"much\": the object has been modified; please apply your changes to the latest version and try again",
                false,
            ),
        ] {
            assert!(comes(&status(code, words), of_this_push), "{code} {words}");
        }
        for (code, words, of_this_push) in [
            (404, "namespaces \"shop\" not found", false),
            (403, "configmaps \"a\" is forbidden: exceeded quota: much", true),
            (403, "configmaps is forbidden: User \"a\" cannot patch resource \"configmaps\"", true),
            (
                403,
                "configmaps \"a\" is forbidden: unable to create new content in namespace shop because it is being terminated",
                false,
            ),
            (409, "Apply failed with 1 conflict: conflict with \"x\": .spec.a", true),
            (422, "Deployment.apps \"a\" is invalid", true),
        ] {
            assert!(!comes(&status(code, words), of_this_push), "{code} {words}");
        }
    }
}
