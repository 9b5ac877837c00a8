//! The end of an environment in a cluster: what is listed is deleted, or set free, and then the list.
//!
//! - The list goes last, so that whatever is cut off is taken up by doing it again.
//! - What is deleted is what a deployment would delete: by its UID, ours, in reverse order, and nothing that somebody
//!   protects or that holds what is not in Git without a word.
//! - What is set free stays as it is, fields and UID: our label goes, and what our field manager held is held by
//!   `instate`, so that whoever takes it over, another environment too, takes all of it.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use http::Method;
use serde_json::{Value as Json, json};

use super::{
    AT_ONCE, Cluster,
    carry::Carrier,
    client::{Api, Failure, segment},
    deletions::{Fate, fate, protects},
    inventory::{Inventory, PART_OF, Us},
    inventory_path, lease,
    managers::FREED,
    planning::{self, Delete, Plan},
    survey::{self, Gone, Survey},
};
use crate::{
    error::{Error, Result},
    manifest::ObjectKey,
    plan::{self, fields::Fields},
    point,
    policy::Confirmed,
    target::{Retire, Say},
    text,
};

/// So many objects are named.
const NAMED: usize = 10;
/// Between two tries.
const PACE: Duration = Duration::from_millis(100);
/// An object that others change all the time is tried no longer.
const GROUND: Duration = Duration::from_secs(30);

impl Cluster {
    /// What belongs to the environment, by its inventory; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn holds(&self) -> Result<Option<Vec<ObjectKey>>> {
        self.runtime.block_on(async {
            let api = self.api(self.deploying(), &|_| {}).await?;
            let Some(found) = api.find(&inventory_path(&self.us)).await? else { return Ok(None) };
            Ok(Some(Inventory::read(Some(&found), &self.us)?.entries.into_keys().collect()))
        })
    }

    /// Ends the environment; whether there was anything of it.
    ///
    /// # Errors
    /// Why it stopped. Doing it again goes on where it did.
    pub fn retire(&self, how: &Retire, say: Say<'_>) -> Result<bool> {
        self.runtime.block_on(async {
            let api = self.api(self.deploying(), say).await?;
            if api.find(&inventory_path(&self.us)).await?.is_none() {
                // Of a run that was cut off.
                self.end_lease(&api).await;
                return Ok(false);
            }
            let held = self.take_lease(&api, say).await?;
            let api = self.api(self.deploying(), say).await?.under(Some(&held));
            let carrier = self.carrier(&api, Some(&held), say);
            // Read once more, since somebody may have deployed until now.
            let survey = survey::listed_alone(&api, &self.us).await?;
            survey.gone.iter().filter_map(|gone| gone.live.as_ref()).for_each(|live| self.redact.learn(live));
            match how {
                Retire::Keep => self.free_all(&carrier, survey.gone.iter().collect(), say).await?,
                Retire::Delete(confirmed) => self.delete_all(&carrier, &survey, confirmed, say).await?,
            }
            point::reach("retired");
            self.end_inventory(&carrier).await?;
            drop(held);
            let api = self.api(self.deploying(), say).await?;
            self.end_lease(&api).await;
            Ok(true)
        })
    }

    async fn delete_all(
        &self,
        carrier: &Carrier<'_>,
        survey: &Survey,
        confirmed: &Confirmed,
        say: Say<'_>,
    ) -> Result<()> {
        let mut plan = Plan { inventory: survey.inventory.clone(), ..Plan::default() };
        let (mut staying, mut lost, mut ground) = (Vec::new(), Vec::new(), None);
        for one in &survey.gone {
            match fate(one, &self.us) {
                Fate::Deleted(_) if protects(&self.delete, &one.key) && !confirmed.deletes(&one.key) => {
                    lost.push(&one.key);
                }
                Fate::Deleted(uid) => {
                    let (key, path) = (one.key.clone(), one.path.clone());
                    let delete = Delete { node: plan.deletes.len(), key, path, uid };
                    // With it goes the inventory, so it goes last.
                    let is_ground = one.key == self.namespace_key();
                    if is_ground { ground = Some(delete) } else { plan.deletes.push(delete) }
                }
                Fate::Gone => {}
                Fate::Stays(why) => {
                    say(format!("{} stays: {why}", one.key));
                    staying.push(one);
                }
                Fate::Left(why) => say(format!("{} is left alone: {why}", one.key)),
            }
        }
        if !lost.is_empty() {
            return Err(unconfirmed(&lost, &self.us.namespace));
        }
        self.free_all(carrier, staying, say).await?;
        plan.back = planning::back(&plan.deletes, &survey.gone);
        plan.listed = survey.inventory.entries.clone();
        carrier.prune(&mut plan, Instant::now() + self.timeout).await?;
        if let Some(Delete { key, path, uid, .. }) = ground {
            carrier.delete(&key, &path, &uid, Instant::now() + self.timeout).await?;
            say(format!("deleted {key}"));
        }
        Ok(())
    }

    async fn free_all(&self, carrier: &Carrier<'_>, all: Vec<&Gone>, say: Say<'_>) -> Result<()> {
        let freed = all.into_iter().map(async |one| {
            if self.free(carrier, one).await? {
                say(format!("set free {}", one.key));
                point::reach("object-freed");
            }
            Ok::<_, Error>(())
        });
        stream::iter(freed).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Takes our marks off an object; whether it was ours.
    async fn free(&self, carrier: &Carrier<'_>, one: &Gone) -> Result<bool> {
        let began = Instant::now();
        let mut live = one.live.clone();
        while let Some(object) = &live {
            let now = Gone { live: live.clone(), ..one.clone() };
            if !matches!(fate(&now, &self.us), Fate::Deleted(_) | Fate::Stays(_)) {
                return Ok(false);
            }
            let path = format!("{}?fieldManager={FREED}", one.path);
            match carrier.change(Method::PATCH, &path, &freeing(object, &self.us)).await {
                Ok(_) => return Ok(true),
                Err(failure) if failure.is_not_found() => return Ok(false),
                // Somebody changed it meanwhile.
                Err(Failure::Refused(status)) if status.code == 409 && began.elapsed() < GROUND => {
                    tokio::time::sleep(PACE).await;
                    live = carrier.api.find(&one.path).await?;
                }
                Err(failure) => return Err(carrier.refused(&one.key, failure)),
            }
        }
        Ok(false)
    }

    async fn end_inventory(&self, carrier: &Carrier<'_>) -> Result<()> {
        let path = inventory_path(&self.us);
        // It went with its namespace.
        let Some(found) = carrier.api.find(&path).await? else { return Ok(()) };
        let uid = found["metadata"]["uid"].as_str().unwrap_or_default();
        let key = ObjectKey {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: Some(self.us.namespace.clone()),
            name: self.us.manager.clone(),
        };
        carrier.delete(&key, &path, uid, Instant::now() + self.timeout).await
    }

    /// A Lease that nobody holds, or a run of ours that was killed. It harms nobody: where it may not be deleted, it
    /// stays.
    async fn end_lease(&self, api: &Api<'_>) {
        let path = lease::object(&self.us);
        let Ok(Some(found)) = api.find(&path).await else { return };
        let holder = found["spec"]["holderIdentity"].as_str().unwrap_or_default();
        if !(holder.is_empty() || holder == self.holder()) {
            return;
        }
        let metadata = &found["metadata"];
        let only = json!({"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]});
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": only});
        let _ = api.call(Method::DELETE, &path, Some(&options)).await;
    }

    /// Whether the environment has an inventory in another namespace, or none here that says that a cluster with
    /// another address is the same.
    pub(in crate::target) fn leaves(&self, server: &str, namespace: &str) -> Result<bool> {
        self.runtime.block_on(async {
            let api = self.api(super::Patience::judging(), &|_| {}).await?;
            if namespace == self.us.namespace {
                return Ok(api.find(&inventory_path(&self.us)).await?.is_none());
            }
            if api.server() != server {
                return Ok(true);
            }
            let path =
                format!("/api/v1/namespaces/{}/configmaps/{}", segment(namespace), segment(&self.us.manager));
            match api.find(&path).await {
                Ok(found) => Ok(found.is_some()),
                Err(Failure::Refused(_)) => Ok(true),
                Err(away) => Err(away.into()),
            }
        })
    }
}

fn unconfirmed(lost: &[&ObjectKey], namespace: &str) -> Error {
    let name = |key: &ObjectKey| match &key.namespace {
        Some(own) if own != namespace => format!("{}/{own}/{}", key.kind, key.name),
        _ => format!("{}/{}", key.kind, key.name),
    };
    let named: Vec<String> = lost.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if lost.len() > NAMED { format!(" and {} more", lost.len() - NAMED) } else { String::new() };
    let options: Vec<String> =
        lost.iter().map(|key| format!("--allow-delete {}", text::shell_word(&name(key)))).collect();
    let error = Error::revision(format!(
        "nothing was deleted: no revert brings back what is in {}{more}",
        named.join(", ")
    ));
    error.help(format!("to lose it for good, add: {}", options.join(" ")))
}

/// The JSON patch that takes our marks off `live`, and off no later state of it.
fn freeing(live: &Json, us: &Us) -> Json {
    let label = Fields::one(&["f:metadata", "f:labels", &format!("f:{PART_OF}")]);
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let ours = plan::entry(live, &us.manager);
    let is_our_label = ours.is_some_and(|ours| !Fields::of_entry(ours).shared_with(&label).is_empty())
        || live["metadata"]["labels"][PART_OF] == us.part_of.as_str();
    let managed: Vec<Json> = entries
        .map(|entry| {
            let mut entry = entry.clone();
            if entry["manager"] == us.manager.as_str() {
                entry["manager"] = json!(FREED);
                entry["fieldsV1"] = Fields::of_entry(&entry).without(&label).to_json();
            }
            entry
        })
        .filter(|entry| entry["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty()))
        .collect();
    let mut patch = vec![
        json!({"op": "replace", "path": "/metadata/managedFields", "value": managed}),
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]}),
    ];
    if is_our_label && live["metadata"]["labels"][PART_OF].is_string() {
        let at = format!("/metadata/labels/{}", PART_OF.replace('/', "~1"));
        patch.push(json!({"op": "remove", "path": at}));
    }
    Json::Array(patch)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::inventory::Owner, *};
    use crate::target;

    #[test]
    fn what_is_set_free_loses_our_marks_and_nothing_else() {
        let owner =
            target::Owner { id: "0123456789abcdef".into(), repository: "here".into(), lock: String::new() };
        let us = Us::new(&owner, "production", "shop");
        let mut live = json!({
            "metadata": {
                "resourceVersion": "7",
                "labels": {PART_OF: us.part_of, "app": "web"},
                "managedFields": [
                    {"manager": us.manager, "operation": "Apply", "fieldsV1":
                        {"f:metadata": {"f:labels": {format!("f:{PART_OF}"): {}, "f:app": {}}}, "f:spec": {"f:a": {}}}},
                    {"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                ],
            },
        });
        let patch = freeing(&live, &us);
        assert_eq!(
            patch[0]["value"],
            json!([
                {"manager": "instate", "operation": "Apply", "fieldsV1":
                    {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:a": {}}}},
                {"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            ])
        );
        assert_eq!(patch[1]["value"], "7");
        assert_eq!(patch[2]["path"], "/metadata/labels/applyset.kubernetes.io~1part-of");
        live["metadata"]["managedFields"] = patch[0]["value"].clone();
        live["metadata"]["labels"] = json!({"app": "web"});
        assert_eq!(us.owner(&live), Owner::Nobody);
        // The label of another tool is another tool's.
        live["metadata"]["labels"] = json!({PART_OF: "applyset-of-kubectl-v1"});
        assert_eq!(freeing(&live, &us).as_array().map(Vec::len), Some(2));
    }
}
