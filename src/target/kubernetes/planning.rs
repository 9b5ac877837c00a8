//! What to do: wanted against live, with the API server asked by dry-run where it cannot be told otherwise.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use http::Method;
use kube::core::Status;
use serde_json::{Value as Json, json};

use super::{
    AT_ONCE, answer,
    client::{Api, Failure, segment},
    deletions::Deletions,
    inventory::{self, Entry, Inventory, Owner, REPOSITORY, Us},
    redact::Redact,
    survey::{Object, Survey},
};
use crate::{
    error::{Error, Result},
    finding::{Code, Finding},
    manifest::{Manifest, ObjectKey},
    plan::{self, Action, diff, order::Stage},
    policy::Confirmed,
    record::Counts,
    target::{Planned, Wanted},
    text,
    wait::health,
};

/// What is done to a cluster, in the order in which it is done.
#[derive(Debug, Default)]
pub struct Plan {
    pub(super) writes: Vec<Write>,
    pub(super) deletes: Vec<Delete>,
    /// Whose health is the deployment's.
    pub(super) watched: Vec<Watched>,
    /// As the cluster has it.
    pub(super) inventory: Inventory,
    /// As it is to be when all is done; UIDs of what is created are not known yet.
    pub(super) listed: BTreeMap<ObjectKey, Entry>,
    /// The namespace of the inventory, if it was made before the inventory could be.
    pub(super) ground: Option<ObjectKey>,
    /// Conflicts, and objects that are left alone.
    pub(super) said: Vec<String>,
}

/// One object to be written.
#[derive(Debug)]
pub(super) struct Write {
    pub action: Action,
    pub stage: Stage,
    /// With the body that is sent: without what is left to others.
    pub object: Object,
    /// Fields of others are taken.
    pub force: bool,
    /// The UID of what is replaced.
    pub replaces: Option<String>,
    /// What changes, field by field.
    pub fields: Vec<String>,
}

/// One object to be deleted.
#[derive(Debug)]
pub(super) struct Delete {
    pub key: ObjectKey,
    pub path: String,
    pub uid: String,
}

/// One object whose health is waited for.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub key: ObjectKey,
    pub path: String,
    /// The path of all objects of its kind beside it.
    pub beside: String,
}

impl Plan {
    /// Whether carrying it out sends no write request.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.deletes.is_empty() && self.inventory.entries == self.listed
    }
}

impl Plan {
    /// Counts an object that was made before the inventory could be.
    pub(super) fn made_before(&mut self, key: ObjectKey) {
        match self.writes.iter_mut().find(|write| write.object.key == key) {
            Some(write) => write.action = Action::Create,
            None => self.ground = Some(key),
        }
    }
}

impl Planned for Plan {
    fn counts(&self) -> Counts {
        let ground = self.ground.iter().map(|_| Action::Create);
        let writes = self.writes.iter().map(|write| write.action);
        plan::counts(ground.chain(writes).chain(self.deletes.iter().map(|_| Action::Delete)))
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn speaks(&self) -> bool {
        true
    }

    fn lines(&self, _: &Wanted<'_>) -> Vec<(Action, String, Vec<String>)> {
        let writes = self.writes.iter().map(|w| (w.action, w.object.key.to_string(), w.fields.clone()));
        let deletes = self.deletes.iter().map(|d| (Action::Delete, d.key.to_string(), Vec::new()));
        writes.chain(deletes).collect()
    }
}

/// For whom a plan is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Somebody who wants to know everything that the API server will say.
    Verdict,
    /// A deployment: an API server that refuses will say so itself.
    Deployment,
}

/// Makes the plan; or says why there is none.
pub(super) async fn plan(
    api: &Api<'_>,
    us: &Us,
    survey: &mut Survey,
    redact: &Redact,
    deletions: &Deletions<'_>,
    whom: For,
) -> Result<Plan> {
    let objects = std::mem::take(&mut survey.objects);
    let seen: &Survey = survey;
    let decided = objects.into_iter().map(async |object| {
        let decision = decide(api, us, seen, &object, deletions.confirmed, redact, whom).await?;
        Ok::<_, Error>((object, decision))
    });
    let mut decided = stream::iter(decided).buffered(AT_ONCE);
    let mut plan = Plan { inventory: seen.inventory.clone(), ..Plan::default() };
    plan.listed = seen
        .kept
        .iter()
        .filter_map(|key| Some((key.clone(), seen.inventory.entries.get(key)?.clone())))
        .collect();
    let mut findings = Vec::new();
    while let Some(decision) = decided.next().await {
        let (mut object, Decision { write, wrong, said, uid }) = decision?;
        findings.extend(wrong);
        plan.said.extend(said);
        plan.listed.insert(object.key.clone(), Entry { api_version: object.kind.api_version.clone(), uid });
        if health::is_waited_for(&object.key.group, &object.key.kind) {
            let beside = object.kind.path(object.key.namespace.as_deref());
            plan.watched.push(Watched { key: object.key.clone(), path: object.path(), beside });
        }
        if let Some(Change { action, force, replaces, fields, body }) = write {
            let stage = Stage::of(&object.key.group, &object.key.kind);
            object.body = body.unwrap_or(object.body);
            plan.writes.push(Write { action, stage, object, force, replaces, fields });
        }
    }
    drop(decided);
    plan.writes.sort_by_key(|write| write.stage);
    findings.extend(deletions.of(&mut plan, &seen.gone, us));
    plan.deletes.sort_by_key(|delete| std::cmp::Reverse(Stage::of(&delete.key.group, &delete.key.kind)));
    // What is deleted is listed until it is gone.
    for delete in &plan.deletes {
        if let Some(entry) = seen.inventory.entries.get(&delete.key) {
            plan.listed.entry(delete.key.clone()).or_insert_with(|| entry.clone());
        }
    }
    survey.findings.extend(findings);
    Ok(plan)
}

/// What is to be done about one object.
#[derive(Default)]
struct Decision {
    write: Option<Change>,
    wrong: Vec<Finding>,
    said: Vec<String>,
    /// Of the live object.
    uid: Option<String>,
}

struct Change {
    action: Action,
    force: bool,
    replaces: Option<String>,
    fields: Vec<String>,
    /// Where it is another than the manifest's.
    body: Option<Json>,
}

impl Change {
    fn new(action: Action) -> Self {
        Self { action, force: false, replaces: None, fields: Vec::new(), body: None }
    }
}

impl Decision {
    fn wrong(wrong: Vec<Finding>) -> Self {
        Self { wrong, ..Self::default() }
    }
}

async fn decide(
    api: &Api<'_>,
    us: &Us,
    survey: &Survey,
    object: &Object,
    confirmed: &Confirmed,
    redact: &Redact,
    whom: For,
) -> Result<Decision> {
    let manifest = &survey.manifests[object.manifest];
    let create = || Decision { write: Some(Change::new(Action::Create)), ..Decision::default() };
    let Some(live) = survey.live.get(&object.key) else {
        if whom == For::Deployment {
            return Ok(create());
        }
        let refused = match object.needs {
            None => dry_run(api, us, object, &object.body, false).await.err(),
            Some(_) => stand_in(api, us, object).await.err(),
        };
        return match refused {
            None => Ok(create()),
            Some(Failure::Away(reason)) => Err(Failure::Away(reason).into()),
            Some(Failure::Refused(status)) if is_blind(&status) => Ok(unseen(create(), manifest)),
            Some(Failure::Refused(status)) => {
                Ok(Decision::wrong(answer::findings(manifest, &status, redact)))
            }
        };
    };
    let uid = live["metadata"]["uid"].as_str().map(ToOwned::to_owned);
    if let Owner::Other(owner) = us.owner(live) {
        let owner = name_of(api, us, &object.key, &owner).await;
        return Ok(Decision::wrong(vec![owned(manifest, &object.key, &owner)]));
    }
    if plan::unchanged(&object.body, live, &us.manager) {
        return Ok(Decision { uid, ..Decision::default() });
    }
    let asked = asked(api, us, object, live, manifest, confirmed, redact).await?;
    Ok(Decision { uid: asked.uid.clone().or(uid), ..asked })
}

/// What the API server makes of an object that is there and may have to change.
async fn asked(
    api: &Api<'_>,
    us: &Us,
    object: &Object,
    live: &Json,
    manifest: &Manifest,
    confirmed: &Confirmed,
    redact: &Redact,
) -> Result<Decision> {
    let mut body = object.body.clone();
    let (mut said, mut force) = (Vec::new(), false);
    // Once as it is, once without the fields that are left to others, once by force.
    for _ in 0..3 {
        let status = match dry_run(api, us, object, &body, force).await {
            Ok(after) => {
                let same = diff::is_same(live, &after) && plan::owns_the_same(live, &after, &us.manager);
                if same {
                    return Ok(Decision { said, ..Decision::default() });
                }
                let fields = diff::differences(live, &after);
                let change = Change { force, fields, body: Some(body), ..Change::new(Action::Update) };
                return Ok(Decision { write: Some(change), said, ..Decision::default() });
            }
            Err(Failure::Away(reason)) => return Err(Failure::Away(reason).into()),
            Err(Failure::Refused(status)) => status,
        };
        if is_blind(&status) {
            let change = Change { force, body: Some(body), ..Change::new(Action::Update) };
            return Ok(unseen(Decision { write: Some(change), said, ..Decision::default() }, manifest));
        }
        let conflicts = conflicts(&status);
        if conflicts.is_empty() {
            let causes = answer::causes(&status);
            let immutable = status.code == 422 && causes.iter().all(answer::is_immutable);
            if immutable && (may_be_replaced(&object.key, live) || confirmed.replaces(&object.key)) {
                let uid = live["metadata"]["uid"].as_str().map(ToOwned::to_owned);
                let fields = causes
                    .iter()
                    .map(|cause| format!("{}: cannot be changed in place", text::excerpt(&cause.field, 80)));
                let change = Change {
                    force: true,
                    replaces: uid,
                    fields: fields.collect(),
                    ..Change::new(Action::Replace)
                };
                return Ok(Decision { write: Some(change), said, ..Decision::default() });
            }
            return Ok(Decision::wrong(answer::findings(manifest, &status, redact)));
        }
        for Conflict { field, manager } in conflicts {
            let shown = text::excerpt(field.trim_start_matches('.'), 80);
            let manager_shown = text::excerpt(&manager, 80);
            if field == ".spec.replicas" && !is_persons(&manager) {
                if let Some(spec) = body["spec"].as_object_mut() {
                    spec.remove("replicas");
                }
                said.push(format!("{}: {shown} is left to {manager_shown}", object.key));
            } else {
                force = true;
                said.push(format!("{}: {shown} is taken back from {manager_shown}", object.key));
            }
        }
    }
    let message = format!("{}: the cluster finds a conflict at every try", object.key);
    Ok(Decision::wrong(vec![Finding::error(Code::Invalid, message).at(manifest.place())]))
}

/// A field that somebody else set to another value.
pub(super) struct Conflict {
    pub field: String,
    pub manager: String,
}

pub(super) fn conflicts(status: &Status) -> Vec<Conflict> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts = causes.filter(|cause| cause.reason == "FieldManagerConflict");
    conflicts
        .map(|cause| Conflict {
            field: cause.field.clone(),
            manager: cause.message.split('"').nth(1).unwrap_or("another").to_owned(),
        })
        .collect()
}

/// Whether a field manager is a person's tool and not a controller that keeps a field up to date.
fn is_persons(manager: &str) -> bool {
    [
        "kubectl",
        "helm",
        "argocd",
        "kapp",
        "kustomize",
        "before-first-apply",
        "flux",
        "terraform",
        "pulumi",
        "k9s",
        "lens",
        "curl",
    ]
    .iter()
    .any(|tool| manager.to_ascii_lowercase().starts_with(tool))
}

/// Whether an object may be deleted and created where it cannot be changed: a Job has done its work.
fn may_be_replaced(key: &ObjectKey, live: &Json) -> bool {
    (key.group == "batch" && key.kind == "Job")
        || live["metadata"]["annotations"]["instate.dev/replace"] == "allowed"
}

/// The parameters of an apply.
pub(super) fn apply_path(us: &Us, path: &str, force: bool, dry: bool) -> String {
    let dry = if dry { "&dryRun=All" } else { "" };
    format!("{path}?fieldManager={}&force={force}&fieldValidation=Strict{dry}", us.manager)
}

async fn dry_run(api: &Api<'_>, us: &Us, object: &Object, body: &Json, force: bool) -> Result<Json, Failure> {
    api.call(Method::PATCH, &apply_path(us, &object.path(), force, true), Some(body)).await
}

/// Checks an object whose namespace is not there yet as far as can be: in another namespace, under another
/// name, and only for what is wrong with the object itself.
async fn stand_in(api: &Api<'_>, us: &Us, object: &Object) -> Result<(), Failure> {
    if !object.needs.as_ref().is_some_and(|needs| needs.starts_with("Namespace/")) {
        return Ok(());
    }
    let mut body = object.body.clone();
    body["metadata"]["namespace"] = json!("default");
    if let Some(metadata) = body["metadata"].as_object_mut() {
        metadata.remove("name");
        metadata.insert("generateName".to_owned(), json!("instate-"));
    }
    let path = format!(
        "{}?dryRun=All&fieldValidation=Strict&fieldManager={}",
        object.kind.path(Some("default")),
        us.manager
    );
    match api.call(Method::POST, &path, Some(&body)).await {
        Err(Failure::Refused(status))
            if matches!(status.code, 400 | 422) && !status.message.contains("admission") =>
        {
            Err(Failure::Refused(status))
        }
        Err(Failure::Away(reason)) => Err(Failure::Away(reason)),
        _ => Ok(()),
    }
}

/// Whether a webhook cannot be asked without doing something.
fn is_blind(status: &Status) -> bool {
    status.message.contains("does not support dry run")
}

fn unseen(mut decision: Decision, manifest: &Manifest) -> Decision {
    let message = format!(
        "{} was not checked by the cluster: one of its webhooks does not support dry-run",
        manifest.key
    );
    decision.wrong.push(Finding::warning(Code::NotChecked, message).at(manifest.place()));
    decision
}

/// An owner by the name that a person knows, which its inventory has.
pub(super) async fn name_of(api: &Api<'_>, us: &Us, key: &ObjectKey, owner: &str) -> String {
    for namespace in [key.namespace.as_deref(), Some(us.namespace.as_str())].into_iter().flatten() {
        let path = format!("/api/v1/namespaces/{}/configmaps/{}", segment(namespace), segment(owner));
        if let Ok(Some(inventory)) = api.find(&path).await {
            return inventory::describe(owner, inventory["metadata"]["annotations"][REPOSITORY].as_str());
        }
    }
    inventory::describe(owner, None)
}

fn owned(manifest: &Manifest, key: &ObjectKey, owner: &str) -> Finding {
    let message = format!("{key} belongs to {owner}");
    let help = "an object belongs to one environment: give this one another name or namespace, or remove it there first";
    Finding::error(Code::Owned, message).at(manifest.place()).help(help)
}
