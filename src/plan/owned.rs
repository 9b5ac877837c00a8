//! Whether an object in the cluster already is what is wanted, by the fields that our field manager owns.
//!
//! "Yes" is certain; "no" may also mean that it cannot be told without asking the server, which writes
//! quantities and defaults in ways of its own.

use serde_json::{Map, Value as Json};

/// Whether applying `wanted` as `manager` would change nothing of `live`, its ownership included.
#[must_use]
pub fn unchanged(wanted: &Json, live: &Json, manager: &str) -> bool {
    let Some(entry) = entry(live, manager) else { return false };
    if entry["apiVersion"] != wanted["apiVersion"] {
        return false;
    }
    let (Some(fields), Some(top)) = (entry["fieldsV1"].as_object(), wanted.as_object()) else { return false };
    let mut top = top.clone();
    // What identifies the object is owned by nobody.
    top.remove("apiVersion");
    top.remove("kind");
    if let Some(metadata) = top.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.remove("name");
        metadata.remove("namespace");
    }
    same_map(&top, live, fields)
}

/// Whether `manager` owns the same fields in both.
#[must_use]
pub fn owns_the_same(before: &Json, after: &Json, manager: &str) -> bool {
    match (entry(before, manager), entry(after, manager)) {
        (Some(before), Some(after)) => {
            before["fieldsV1"] == after["fieldsV1"] && before["apiVersion"] == after["apiVersion"]
        }
        _ => false,
    }
}

/// The entry of `manager` for what it applied.
#[must_use]
pub fn entry<'l>(live: &'l Json, manager: &str) -> Option<&'l Json> {
    let entries = live["metadata"]["managedFields"].as_array()?;
    let is_it = |entry: &&Json| {
        entry["manager"] == manager && entry["operation"] == "Apply" && entry["subresource"].is_null()
    };
    entries.iter().find(is_it)
}

fn same(wanted: &Json, live: &Json, fields: &Map<String, Json>) -> bool {
    if fields.is_empty() {
        return wanted == live;
    }
    match wanted {
        Json::Object(wanted) => same_map(wanted, live, fields),
        Json::Array(wanted) => same_list(wanted, live, fields),
        _ => false,
    }
}

fn same_map(wanted: &Map<String, Json>, live: &Json, fields: &Map<String, Json>) -> bool {
    let owned = fields.keys().filter(|field| field.as_str() != ".");
    if owned.count() != wanted.len() {
        return false;
    }
    wanted.iter().all(|(key, wanted)| {
        let below = fields.get(&format!("f:{key}")).and_then(Json::as_object);
        matches!((below, live.get(key)), (Some(below), Some(live)) if same(wanted, live, below))
    })
}

/// A list whose items have identities: by keys (`k:{"name":"web"}`) or by what they are (`v:"a"`).
fn same_list(wanted: &[Json], live: &Json, fields: &Map<String, Json>) -> bool {
    let Some(live) = live.as_array() else { return false };
    let owned: Vec<_> = fields.iter().filter(|(field, _)| field.as_str() != ".").collect();
    owned.len() == wanted.len()
        && in_order(wanted, live)
        && owned.into_iter().all(|(field, below)| {
            let Some(below) = below.as_object() else { return false };
            if let Some(value) = field.strip_prefix("v:") {
                let value: Option<Json> = serde_json::from_str(value).ok();
                return value.is_some_and(|value| wanted.contains(&value) && live.contains(&value));
            }
            let keys = field.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Json>(keys).ok());
            let Some(Json::Object(keys)) = keys else { return false };
            // A key that is not written has its default.
            let is_wanted =
                |item: &&Json| keys.iter().all(|(key, value)| item.get(key).is_none_or(|said| said == value));
            let is_live = |item: &&Json| keys.iter().all(|(key, value)| item.get(key) == Some(value));
            let mut wanted = wanted.iter().filter(is_wanted);
            let one = (wanted.next(), wanted.next(), live.iter().find(is_live));
            matches!(one, (Some(wanted), None, Some(live)) if same(wanted, live, below))
        })
}

/// Whether items stand in the order that is wanted: of environment variables, the later may use the earlier.
fn in_order(wanted: &[Json], live: &[Json]) -> bool {
    let name = |item: &Json| item.get("name").cloned();
    let wanted: Vec<_> = wanted.iter().filter_map(name).collect();
    let live: Vec<_> = live.iter().filter_map(name).filter(|name| wanted.contains(name)).collect();
    wanted == live
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::unchanged;

    fn wanted() -> Json {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "labels": {"a": "b"}, "finalizers": ["x/y"]},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}, {"port": 81, "protocol": "UDP"}]},
        })
    }

    fn live() -> Json {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": "web", "labels": {"a": "b", "other": "c"}, "uid": "1", "finalizers": ["x/y", "z/z"],
                "managedFields": [{
                    "manager": "us", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                    "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:a": {}}, "f:finalizers": {".": {}, "v:\"x/y\"": {}}},
                        "f:spec": {"f:selector": {}, "f:ports": {
                            "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}},
                            "k:{\"port\":81,\"protocol\":\"UDP\"}": {".": {}, "f:port": {}, "f:protocol": {}},
                        }},
                    },
                }],
            },
            "spec": {
                "selector": {"app": "web"}, "clusterIP": "10.0.0.1",
                "ports": [
                    {"port": 80, "protocol": "TCP", "targetPort": 80},
                    {"port": 81, "protocol": "UDP", "targetPort": 81},
                ],
            },
        })
    }

    #[test]
    fn defaults_and_fields_of_others_make_no_difference() {
        assert!(unchanged(&wanted(), &live(), "us"));
    }

    #[test]
    fn any_wanted_value_that_is_not_there_makes_a_difference() {
        for pointer in [
            "/metadata/labels/a",
            "/spec/selector/app",
            "/spec/ports/0/port",
            "/spec/ports/1/protocol",
            "/metadata/finalizers/0",
        ] {
            let mut wanted = wanted();
            *wanted.pointer_mut(pointer).expect("it is there") = json!("other");
            assert!(!unchanged(&wanted, &live(), "us"), "{pointer}");
        }
    }

    #[test]
    fn a_field_that_is_no_longer_wanted_makes_a_difference() {
        for (pointer, key) in [("/metadata/labels", "a"), ("/spec", "ports"), ("/spec/ports/1", "protocol")] {
            let mut wanted = wanted();
            let map = wanted.pointer_mut(pointer).and_then(Json::as_object_mut).expect("it is there");
            map.remove(key);
            assert!(!unchanged(&wanted, &live(), "us"), "{pointer}/{key}");
        }
    }

    #[test]
    fn what_somebody_changed_or_took_over_makes_a_difference() {
        let mut changed = live();
        changed["spec"]["selector"]["app"] = json!("x");
        assert!(!unchanged(&wanted(), &changed, "us"));
        assert!(!unchanged(&wanted(), &live(), "them"));
    }
}
