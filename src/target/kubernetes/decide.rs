//! What is to be done about one object, with the API server asked by dry-run where it cannot be told otherwise.

use std::collections::BTreeSet;

use http::Method;
use kube::core::Status;
use serde_json::{Value as Json, json};

use super::{
    answer,
    client::{Api, Failure, segment},
    conflicts::{Conflict, Wish, conflicts, settle, wish},
    handover::{self, Handover, Terms, is_first, other_versions},
    inventory::{self, Owner, REPOSITORY, Us},
    jobs,
    kinds::{self, Kind},
    managers::{Marked, marked},
    planning::For,
    redact::Redact,
    survey::{Object, Survey, list},
};
use crate::{
    error::Result,
    finding::{Code, Finding},
    manifest::{Manifest, ObjectKey},
    plan::{self, Action, diff, fields::Fields},
    policy::Confirmed,
    text,
};

/// What is to be done about one object.
#[derive(Default)]
pub(super) struct Decision {
    pub write: Option<Change>,
    pub wrong: Vec<Finding>,
    pub said: Vec<String>,
    /// Of the live object.
    pub uid: Option<String>,
    /// What it did, where it has ended well and may be gone.
    pub ran: Option<String>,
}

pub(super) struct Change {
    pub action: Action,
    pub force: bool,
    pub replaces: Option<String>,
    pub fields: Vec<String>,
    /// Where it is another than the manifest's.
    pub body: Option<Json>,
    /// Who is to hold what before.
    pub handover: Option<Box<Handover>>,
    /// The fields of others that are taken.
    pub taken: Vec<Conflict>,
}

impl Change {
    fn new(action: Action) -> Self {
        Self {
            action,
            force: false,
            replaces: None,
            fields: Vec::new(),
            body: None,
            handover: None,
            taken: Vec::new(),
        }
    }
}

impl Decision {
    fn wrong(wrong: Vec<Finding>) -> Self {
        Self { wrong, ..Self::default() }
    }
}

pub(super) async fn decide(
    api: &Api<'_>,
    us: &Us,
    survey: &Survey,
    object: &Object,
    confirmed: &Confirmed,
    redact: &Redact,
    whom: For,
) -> Result<Decision> {
    let manifest = &survey.manifests[object.manifest];
    let wish = match wish(&object.body, manifest) {
        Ok(wish) => wish,
        Err(wrong) => return Ok(Decision::wrong(vec![wrong])),
    };
    let create = || Decision { write: Some(Change::new(Action::Create)), ..Decision::default() };
    let passing = jobs::passing(&object.body);
    let Some(live) = survey.live.get(&object.key) else {
        let listed = survey.inventory.entries.get(&object.key);
        if let Some((passing, listed)) = passing.zip(listed)
            && listed.ran.as_ref() == Some(&passing.digest)
        {
            return Ok(Decision {
                uid: listed.uid.clone(),
                ran: Some(passing.digest),
                ..Decision::default()
            });
        }
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
            Some(Failure::Refused(status)) if is_blind(&status) => Ok(unseen(create(), manifest, BLIND)),
            Some(Failure::Refused(status)) if is_of_before(object, &status) => {
                Ok(unseen(create(), manifest, REDEFINED))
            }
            // Who may not give every right has a binding judged by its Role, which comes with the same push.
            Some(Failure::Refused(status)) if status.code == 404 && has_its_role(survey, object) => {
                Ok(create())
            }
            Some(Failure::Refused(status)) => {
                Ok(Decision::wrong(answer::findings(manifest, &status, redact)))
            }
        };
    };
    let uid = live["metadata"]["uid"].as_str().map(ToOwned::to_owned);
    if let Owner::Other(owner) = us.owner(live) {
        let sibling = us.sibling(&owner);
        let name = name_of(api, us, &object.key, &owner).await;
        return Ok(Decision::wrong(vec![owned(manifest, &object.key, &name, sibling)]));
    }
    if live["metadata"]["deletionTimestamp"].is_string() {
        // What would be changed of it goes with it.
        let said = vec![format!("{} is being deleted; it is created anew once it is gone", object.key)];
        let change = Change { replaces: uid, ..Change::new(Action::Create) };
        return Ok(Decision { write: Some(change), said, ..Decision::default() });
    }
    if us.owner(live) == Owner::Us
        && let Some(why) = jobs::runs_again(&object.key, &object.body, live)
    {
        let change = Change {
            force: true,
            replaces: uid.clone(),
            fields: vec![why.to_owned()],
            ..Change::new(Action::Replace)
        };
        return Ok(Decision { write: Some(change), uid, ..Decision::default() });
    }
    let ran = passing.filter(|_| jobs::has_succeeded(live)).map(|passing| passing.digest);
    if plan::unchanged(&object.body, live, &us.manager) {
        return Ok(Decision { uid, ran, ..Decision::default() });
    }
    let asked = Asked { api, us, survey, object, live, manifest, confirmed, redact };
    let decided = asked.decide(wish).await?;
    let ran = ran.filter(|_| decided.write.is_none());
    Ok(Decision { uid, ran, ..decided })
}

/// An object that is there and may have to change, and whom to ask about it.
struct Asked<'a> {
    api: &'a Api<'a>,
    us: &'a Us,
    survey: &'a Survey,
    object: &'a Object,
    live: &'a Json,
    manifest: &'a Manifest,
    confirmed: &'a Confirmed,
    redact: &'a Redact,
}

impl Asked<'_> {
    /// What the API server makes of it.
    async fn decide(&self, wish: Wish) -> Result<Decision> {
        let Self { object, live, manifest, .. } = *self;
        let first = is_first(live, &self.us.manager);
        let unserved = self.unserved().await?;
        if let Some(gone) = unserved.iter().find(|version| !self.goes(version)) {
            // The API server can apply nothing before its list of field managers is mended.
            let reason = format!("it was applied with {gone}, which the cluster no longer serves");
            let terms = self.terms(&Json::Null, unserved.clone());
            let handover = terms.handover(live, &self.us.manager).map(Box::new);
            let change = Change { handover, ..Change::new(Action::Update) };
            return Ok(unseen(Decision { write: Some(change), ..Decision::default() }, manifest, &reason));
        }
        let mut body = object.body.clone();
        let (mut said, mut taken) = (Vec::new(), Vec::new());
        // Once as it is, once without the fields that are left to others, once by force.
        for _ in 0..3 {
            let force = !taken.is_empty();
            let status = match dry_run(self.api, self.us, object, &body, force).await {
                Ok(after) => {
                    let terms = self.terms(&after, unserved);
                    return self.changed(after, terms, body, taken, said, wish).await;
                }
                Err(Failure::Away(reason)) => return Err(Failure::Away(reason).into()),
                Err(Failure::Refused(status)) => status,
            };
            let blind = is_blind(&status).then_some(BLIND);
            if let Some(why) = blind.or(is_of_before(object, &status).then_some(REDEFINED)) {
                let change = Change { force, taken, body: Some(body), ..Change::new(Action::Update) };
                return Ok(unseen(
                    Decision { write: Some(change), said, ..Decision::default() },
                    manifest,
                    why,
                ));
            }
            let conflicts = conflicts(&status);
            if conflicts.is_empty() {
                return Ok(self.refused(&status, said));
            }
            let settled = settle(conflicts, wish, first, &mut body, &object.key, manifest);
            if !settled.wrong.is_empty() {
                return Ok(Decision::wrong(settled.wrong));
            }
            taken.extend(settled.taken);
            said.extend(settled.said);
        }
        let message = format!("{}: the cluster finds a conflict at every try", object.key);
        Ok(Decision::wrong(vec![Finding::error(Code::Invalid, message).at(manifest.place())]))
    }

    /// What is to be done where an apply of `body` would make `after` of it.
    async fn changed(
        &self,
        mut after: Json,
        terms: Terms,
        body: Json,
        taken: Vec<Conflict>,
        mut said: Vec<String>,
        wish: Wish,
    ) -> Result<Decision> {
        let Self { object, live, .. } = *self;
        if diff::is_same(live, &after) && plan::owns_the_same(live, &after, &self.us.manager) {
            return Ok(Decision { said, ..Decision::default() });
        }
        let mut handover = None;
        if wish != Wish::Leave {
            handover = terms.handover(live, &self.us.manager);
            if let Some(handover) = &handover {
                handover.gone.remove_from(&mut after, &handover.held);
                match self.forecast(&after).await {
                    Ok(forecast) => after = forecast,
                    Err(Failure::Away(reason)) => return Err(Failure::Away(reason).into()),
                    Err(Failure::Refused(status)) => return Ok(self.refused(&status, said)),
                }
            }
            if self.would_scale(&after).await? {
                let replicas = &live["spec"]["replicas"];
                after["spec"]["replicas"] = replicas.clone();
                said.push(format!("{}: spec.replicas stays {replicas} for its autoscaler", object.key));
                handover = Terms { autoscaled: true, ..terms }.handover(live, &self.us.manager);
            }
        }
        let mut wrong = Vec::new();
        if let Some(Handover { from, .. }) = handover.as_ref().filter(|handover| !handover.from.is_empty()) {
            let from: Vec<&str> = from.iter().copied().collect();
            said.push(format!("{} is taken over from {}", object.key, from.join(" and ")));
        }
        if is_first(live, &self.us.manager) {
            wrong.extend(marked(live).map(|marked| also_managed(self.manifest, &object.key, live, marked)));
        }
        let fields = diff::differences(live, &after);
        let handover = handover.map(Box::new);
        let force = !taken.is_empty();
        let change =
            Change { force, fields, body: Some(body), handover, taken, ..Change::new(Action::Update) };
        Ok(Decision { write: Some(change), said, wrong, ..Decision::default() })
    }

    /// A refusal: a finding, or the object is replaced.
    fn refused(&self, status: &Status, said: Vec<String>) -> Decision {
        let Self { object, live, manifest, .. } = *self;
        let causes = answer::causes(status);
        let immutable = status.code == 422 && causes.iter().all(answer::is_immutable);
        if !immutable || !(may_be_replaced(&object.key, live) || self.confirmed.replaces(&object.key)) {
            return Decision::wrong(answer::findings(manifest, status, self.redact));
        }
        let replaces = live["metadata"]["uid"].as_str().map(ToOwned::to_owned);
        let fields = causes
            .iter()
            .map(|cause| format!("{}: cannot be changed in place", text::excerpt(&cause.field, 80)));
        let change =
            Change { force: true, replaces, fields: fields.collect(), ..Change::new(Action::Replace) };
        Decision { write: Some(change), said, ..Decision::default() }
    }

    /// What is known of who holds what. `after`: what an apply makes of the object.
    fn terms(&self, after: &Json, unserved: BTreeSet<String>) -> Terms {
        let wanted = plan::entry(after, &self.us.manager).map(Fields::of_entry).unwrap_or_default();
        let version = self.object.kind.api_version.clone();
        Terms { wanted, version, unserved, autoscaled: false }
    }

    /// Versions in which fields are held and that are not served, or not any more once this is deployed.
    async fn unserved(&self) -> Result<BTreeSet<String>> {
        let mut unserved = BTreeSet::new();
        for other in other_versions(self.live, &self.object.kind.api_version) {
            if self.goes(&other) || self.api.find(&kinds::root(&other)).await?.is_none() {
                unserved.insert(other);
            }
        }
        Ok(unserved)
    }

    /// Whether the revision's own definition of the kind does not serve a version.
    fn goes(&self, version: &str) -> bool {
        let Kind { plural, .. } = &self.object.kind;
        let name = format!("{plural}.{}", self.object.key.group);
        let is_it = |manifest: &&Manifest| {
            manifest.key.kind == "CustomResourceDefinition" && manifest.key.name == name
        };
        let definition = self.survey.manifests.iter().find(is_it).and_then(|found| found.json().ok());
        let serves = |definition: &Json| {
            let mut versions = definition["spec"]["versions"].as_array().into_iter().flatten();
            versions.any(|one| {
                one["served"] == true && one["name"].as_str() == version.split_once('/').map(|(_, name)| name)
            })
        };
        definition.is_some_and(|definition| !serves(&definition))
    }

    /// What the API server makes of the object once the fields are handed over. Only an apply after that can
    /// really show it, and nothing is changed here.
    async fn forecast(&self, after: &Json) -> Result<Json, Failure> {
        let path = format!(
            "{}?fieldManager={}&fieldValidation=Strict&dryRun=All",
            self.object.path(),
            self.us.manager
        );
        self.api.call(Method::PATCH, &path, Some(&handover::forecast(self.live, after))).await
    }

    /// Whether Git gives up the number of replicas of what an autoscaler scales, which would then fall to its
    /// default.
    async fn would_scale(&self, after: &Json) -> Result<bool> {
        let Self { object, live, survey, .. } = *self;
        let replicas = |of: &Json| of["spec"]["replicas"].as_u64();
        if object.body["spec"].get("replicas").is_some() || replicas(live).is_none_or(|live| live == 0) {
            return Ok(false);
        }
        let (Some(namespace), true) = (&object.key.namespace, replicas(live) != replicas(after)) else {
            return Ok(false);
        };
        let scales = |scaler: &Json| {
            let target = &scaler["spec"]["scaleTargetRef"];
            // A ScaledObject means a Deployment where it names no kind.
            let kind = target["kind"].as_str().unwrap_or("Deployment");
            target["name"] == *object.key.name && kind == object.key.kind
        };
        let of_this_push = survey.manifests.iter().filter(|manifest| {
            let declared = manifest.key.namespace.as_ref().unwrap_or(&self.us.namespace);
            declared == namespace && manifest.locate("spec.scaleTargetRef").whole
        });
        if of_this_push.filter_map(|manifest| manifest.json().ok()).any(|scaler| scales(&scaler)) {
            return Ok(true);
        }
        let path = format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers", segment(namespace));
        match list(self.api, &path).await {
            Ok(found) => Ok(found.iter().any(scales)),
            // Who may not see them harms nobody by leaving the number as it is.
            Err(Failure::Refused(status)) => Ok(status.code == 403),
            Err(away) => Err(away.into()),
        }
    }
}

fn also_managed(manifest: &Manifest, key: &ObjectKey, live: &Json, marked: &Marked) -> Finding {
    let Marked { tool, mark, .. } = marked;
    let message = format!("{key} is also deployed by {tool}, which has set `{mark}` on it");
    let help = format!("stop that first, or the two undo each other's changes: {}", marked.stop(live));
    Finding::warning(Code::AlsoManaged, message).at(manifest.place()).help(help)
}

/// Whether an object gives the rights of a Role.
pub(super) fn is_binding(key: &ObjectKey) -> bool {
    key.group == "rbac.authorization.k8s.io" && key.kind.ends_with("RoleBinding")
}

/// Whether a binding's Role is in the same revision.
fn has_its_role(survey: &Survey, object: &Object) -> bool {
    let role = &object.body["roleRef"];
    let is_it = |key: &ObjectKey| role["kind"] == *key.kind && role["name"] == *key.name;
    is_binding(&object.key)
        && survey.manifests.iter().any(|other| other.key.group == object.key.group && is_it(&other.key))
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

const REDEFINED: &str = "its definition changes with the same push";

/// Whether an API server judges an object by a definition that it has only until this push.
pub(super) fn is_of_before(object: &Object, status: &Status) -> bool {
    object.is_redefined && matches!(status.code, 400 | 422 | 500) && conflicts(status).is_empty()
}

const BLIND: &str = "one of its webhooks does not support dry-run";

/// Whether a webhook cannot be asked without doing something.
fn is_blind(status: &Status) -> bool {
    status.message.contains("does not support dry run")
}

fn unseen(mut decision: Decision, manifest: &Manifest, why: &str) -> Decision {
    let message = format!("{} was not checked by the cluster: {why}", manifest.key);
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

/// `sibling` is the other environment where it is one of the same repository.
fn owned(manifest: &Manifest, key: &ObjectKey, owner: &str, sibling: Option<&str>) -> Finding {
    let message = format!("{key} belongs to {owner}");
    let help = match sibling {
        Some(sibling) => format!(
            "give this one another name or namespace; if `{sibling}` is to end, on the server: instate retire {sibling}"
        ),
        None => "an object belongs to one environment: give this one another name or namespace, or remove it there first"
            .to_owned(),
    };
    Finding::error(Code::Owned, message).at(manifest.place()).help(help)
}
