//! Who holds which field before an object is applied, so that a field that Git gives up really goes: an apply
//! takes away only what nobody but its own manager holds.
//!
//! - An object that becomes ours is taken over: what tools that deploy whole objects hold of it is ours from
//!   then on, and what of that Git does not declare goes with the first apply.
//! - Of an object that is ours already, what Git declares or gives up is held by no person's tool beside us.
//! - Fields of controllers stay theirs, and `spec.replicas` that Git gives up under an autoscaler stays as it is.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::managers::{FOR_AUTOSCALER, Holder};
use crate::plan::{self, fields::Fields};

const REPLICAS: [&str; 2] = ["f:spec", "f:replicas"];

/// What is known of an object when it is planned.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// What our field manager holds after the apply.
    pub wanted: Fields,
    /// The version that Git declares.
    pub version: String,
    /// Versions that are not served any more, in which somebody holds something.
    pub unserved: BTreeSet<String>,
    /// `spec.replicas` is left as it is.
    pub autoscaled: bool,
}

/// What an object's `managedFields` are to be before the apply.
#[derive(Debug, Clone)]
pub(super) struct Handover {
    pub terms: Terms,
    pub managed: Vec<Json>,
    /// What goes from the object with the apply.
    pub gone: Fields,
    /// What others hold, or we still want.
    pub held: Fields,
    /// The deployers whose object it was.
    pub from: BTreeSet<&'static str>,
}

/// Whether no revision has been applied to an object yet.
pub(super) fn is_first(live: &Json, us: &str) -> bool {
    plan::entry(live, us).is_none()
}

impl Terms {
    /// What is to be handed over of `live`; `None` where everything is as it should be.
    pub fn handover(&self, live: &Json, us: &str) -> Option<Handover> {
        let entries = live["metadata"]["managedFields"].as_array()?;
        let first = is_first(live, us);
        let is_ours = |entry: &Json| plan::entry(live, us) == Some(entry);
        let is_taken = |entry: &Json| {
            first && entry["subresource"].is_null() && matches!(holder(entry), Holder::Deployer(_))
        };
        let version = self.version_of(entries.iter().filter(|entry| is_ours(entry) || is_taken(entry)));
        let mut ours = Fields::default();
        for entry in entries.iter().filter(|entry| is_ours(entry) || is_taken(entry)) {
            let fields = Fields::of_entry(entry);
            ours.add(&if entry["apiVersion"] == version { fields } else { fields.found_in(live) });
        }
        let mut declared = ours.clone();
        declared.add(&self.wanted);
        let (mut managed, mut held, mut from) = (Vec::new(), self.wanted.clone(), BTreeSet::new());
        for entry in entries.iter().filter(|entry| !is_ours(entry)) {
            let mut entry = entry.clone();
            if entry["apiVersion"].as_str().is_some_and(|version| self.unserved.contains(version)) {
                entry["apiVersion"] = json!(self.version);
                entry["fieldsV1"] = Fields::of_entry(&entry).found_in(live).to_json();
            }
            let (fields, who) = (Fields::of_entry(&entry), holder(&entry));
            match who {
                Holder::Deployer(tool) if is_taken(&entry) => {
                    from.insert(tool);
                }
                Holder::Deployer(_) | Holder::Person if entry["subresource"].is_null() => {
                    let theirs = fields.without(&declared);
                    held.add(&theirs);
                    if theirs != fields {
                        entry["fieldsV1"] = theirs.to_json();
                    }
                    if !theirs.is_empty() {
                        managed.push(entry);
                    }
                }
                _ => {
                    held.add(&fields);
                    managed.push(entry);
                }
            }
        }
        let replicas = Fields::one(&REPLICAS);
        if self.autoscaled && !ours.shared_with(&replicas).without(&self.wanted).is_empty() {
            ours = ours.without(&replicas);
            held.add(&replicas);
            managed.push(entry(FOR_AUTOSCALER, "Update", &self.version, &replicas));
        }
        if !ours.is_empty() {
            managed.push(entry(us, "Apply", &version, &ours));
        }
        let gone = ours.without(&held);
        let same = managed.len() == entries.len() && entries.iter().all(|entry| has(&managed, entry));
        (!same).then(|| Handover { terms: self.clone(), managed, gone, held, from })
    }

    /// The version in which our fields are written: a field manager has one.
    fn version_of<'e>(&self, entries: impl Iterator<Item = &'e Json>) -> String {
        let versions: BTreeSet<&str> = entries.filter_map(|entry| entry["apiVersion"].as_str()).collect();
        match versions.first() {
            Some(only) if versions.len() == 1 && !self.unserved.contains(*only) => (*only).to_owned(),
            _ => self.version.clone(),
        }
    }
}

/// The versions in which fields of an object are held, beside `version`.
pub(super) fn other_versions(live: &Json, version: &str) -> BTreeSet<String> {
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let versions = entries.filter_map(|entry| entry["apiVersion"].as_str());
    versions.filter(|other| *other != version).map(ToOwned::to_owned).collect()
}

/// Whether `entry` is among them, be it with another time.
fn has(managed: &[Json], entry: &Json) -> bool {
    let parts = ["manager", "operation", "apiVersion", "subresource", "fieldsV1"];
    managed.iter().any(|other| parts.iter().all(|part| other[part] == entry[part]))
}

fn holder(entry: &Json) -> Holder {
    Holder::of(entry["manager"].as_str().unwrap_or_default())
}

fn entry(manager: &str, operation: &str, version: &str, fields: &Fields) -> Json {
    json!({
        "manager": manager,
        "operation": operation,
        "apiVersion": version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.to_json(),
    })
}

impl Handover {
    /// The JSON patch that carries it out on `live`, and on no later state of it.
    pub fn patch(&self, live: &Json) -> Json {
        json!([
            {"op": "replace", "path": "/metadata/managedFields", "value": self.managed},
            // A test would be answered as if the patch were wrong; this is a conflict.
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        ])
    }
}

/// The JSON patch that makes `after` of `live`: what an apply would do once the fields are handed over, for a
/// dry-run.
pub(super) fn forecast(live: &Json, after: &Json) -> Json {
    let mut patch = Vec::new();
    let mut compare = |parent: &str, before: &Json, after: &Json, names: &[&str]| {
        for name in names {
            let at = format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"));
            match (before.get(name), after.get(name)) {
                (before, Some(after)) if before != Some(after) => {
                    patch.push(json!({"op": "add", "path": at, "value": after}));
                }
                (Some(_), None) => patch.push(json!({"op": "remove", "path": at})),
                _ => {}
            }
        }
    };
    compare(
        "/metadata",
        &live["metadata"],
        &after["metadata"],
        &["labels", "annotations", "finalizers", "ownerReferences"],
    );
    let tops = [live, after].into_iter().filter_map(Json::as_object).flat_map(serde_json::Map::keys);
    let tops: BTreeSet<&str> = tops.map(String::as_str).collect();
    let tops: Vec<&str> =
        tops.into_iter().filter(|top| !["apiVersion", "kind", "metadata", "status"].contains(top)).collect();
    compare("", live, after, &tops);
    Json::Array(patch)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn live(entries: &[(&str, &str, &str, Json)]) -> Json {
        let entries: Vec<Json> = entries
            .iter()
            .map(|(manager, operation, version, fields)| {
                json!({"manager": manager, "operation": operation, "apiVersion": version, "fieldsV1": fields})
            })
            .collect();
        json!({"metadata": {"managedFields": entries}, "spec": {"a": 1, "b": 2, "replicas": 3}})
    }

    fn terms(wanted: &Json) -> Terms {
        Terms {
            wanted: Fields::of_entry(&json!({"fieldsV1": wanted})),
            version: "v1".to_owned(),
            unserved: BTreeSet::new(),
            autoscaled: false,
        }
    }

    /// The entries that are to be, as `manager version fields`.
    fn told(handover: Option<&Handover>) -> Vec<String> {
        let entries = handover.into_iter().flat_map(|handover| &handover.managed);
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        entries
            .map(|e| format!("{} {} {}", text(&e["manager"]), text(&e["apiVersion"]), e["fieldsV1"]))
            .collect()
    }

    #[test]
    fn what_a_deployer_holds_is_taken_over_once_and_a_controllers_fields_never() {
        let live = live(&[
            ("helm", "Update", "v1", json!({"f:spec": {"f:a": {}, "f:b": {}}})),
            ("kubectl-edit", "Update", "v1", json!({"f:spec": {"f:a": {}, "f:c": {}}})),
            ("vpa", "Update", "v1", json!({"f:spec": {"f:b": {}}})),
        ]);
        let handover = terms(&json!({"f:spec": {"f:a": {}}})).handover(&live, "us");
        assert_eq!(
            told(handover.as_ref()),
            [
                r#"kubectl-edit v1 {"f:spec":{"f:c":{}}}"#,
                r#"vpa v1 {"f:spec":{"f:b":{}}}"#,
                r#"us v1 {"f:spec":{"f:a":{},"f:b":{}}}"#,
            ]
        );
        let handover = handover.expect("because it was told");
        assert!(handover.gone.is_empty(), "a controller holds it too: {:?}", handover.gone);
        assert_eq!(handover.from.into_iter().collect::<Vec<_>>(), ["Helm"]);
    }

    #[test]
    fn what_git_gives_up_goes_although_a_persons_tool_holds_it_too_and_what_a_person_added_stays() {
        let live = live(&[
            ("us", "Apply", "v1", json!({"f:spec": {"f:a": {}, "f:b": {}}})),
            ("kubectl", "Apply", "v1", json!({"f:spec": {"f:b": {}, "f:c": {}}})),
        ]);
        let handover = terms(&json!({"f:spec": {"f:a": {}}})).handover(&live, "us");
        assert_eq!(
            told(handover.as_ref()),
            [r#"kubectl v1 {"f:spec":{"f:c":{}}}"#, r#"us v1 {"f:spec":{"f:a":{},"f:b":{}}}"#]
        );
        let handover = handover.expect("because it was told");
        assert_eq!(handover.gone.to_json(), json!({"f:spec": {"f:b": {}}}));
        assert!(handover.from.is_empty());
    }

    #[test]
    fn fields_of_several_versions_become_those_that_the_object_has() {
        let live = live(&[("us", "Apply", "v1beta1", json!({"f:spec": {"f:a": {}, "f:old": {}}}))]);
        let mut terms = terms(&json!({"f:spec": {"f:a": {}}}));
        assert!(terms.handover(&live, "us").is_none(), "the API server converts what it serves");
        terms.unserved.insert("v1beta1".to_owned());
        assert_eq!(told(terms.handover(&live, "us").as_ref()), [r#"us v1 {"f:spec":{"f:a":{}}}"#]);
    }

    #[test]
    fn replicas_that_git_gives_up_are_kept_for_an_autoscaler() {
        let live = live(&[("us", "Apply", "v1", json!({"f:spec": {"f:a": {}, "f:replicas": {}}}))]);
        let mut terms = terms(&json!({"f:spec": {"f:a": {}}}));
        assert!(terms.handover(&live, "us").is_none());
        terms.autoscaled = true;
        assert_eq!(
            told(terms.handover(&live, "us").as_ref()),
            [r#"instate-for-autoscaler v1 {"f:spec":{"f:replicas":{}}}"#, r#"us v1 {"f:spec":{"f:a":{}}}"#,]
        );
    }
}
