//! What would change in an object, field by field.

use serde_json::Value as Json;

use crate::text;

/// So many characters of a value are shown.
const VALUE: usize = 60;
/// So many fields of one object are shown.
const FIELDS: usize = 40;

/// Fields that the server writes, which are nobody's change.
const SERVERS: [&str; 6] =
    ["managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink"];

/// The fields in which `after` differs from `before`, as `spec.replicas: 2 -> 3`. What a Secret holds is
/// shown only as changed.
#[must_use]
pub fn differences(before: &Json, after: &Json) -> Vec<String> {
    let secret = after["kind"] == "Secret" || before["kind"] == "Secret";
    let mut found = Vec::new();
    walk("", before, after, secret, &mut found);
    let more = found.len().saturating_sub(FIELDS);
    found.truncate(FIELDS);
    if more > 0 {
        found.push(format!("... and {more} more"));
    }
    found
}

/// Whether an apply changed nothing but what the server writes at every one.
#[must_use]
pub fn is_same(before: &Json, after: &Json) -> bool {
    let mut found = Vec::new();
    walk("", before, after, false, &mut found);
    found.is_empty()
}

fn walk(path: &str, before: &Json, after: &Json, secret: bool, found: &mut Vec<String>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Json::Object(old), Json::Object(new)) => {
            let mut keys: Vec<&String> =
                old.keys().chain(new.keys().filter(|k| !old.contains_key(*k))).collect();
            keys.sort();
            for key in keys {
                if (path == "metadata" && SERVERS.contains(&key.as_str()))
                    || (path.is_empty() && key == "status")
                {
                    continue;
                }
                let (old, new) = (&before[key], &after[key]);
                walk(&join(path, key), old, new, secret, found);
            }
        }
        (Json::Array(old), Json::Array(new)) if named(old) && named(new) => {
            let names = old.iter().chain(new).filter_map(|item| item["name"].as_str());
            let (mut seen, before) = (Vec::new(), found.len());
            for name in names {
                if !seen.contains(&name) {
                    seen.push(name);
                    let of =
                        |list: &[Json]| list.iter().find(|i| i["name"] == name).cloned().unwrap_or_default();
                    walk(&format!("{path}[{name}]"), &of(old), &of(new), secret, found);
                }
            }
            if found.len() == before {
                found.push(format!("{path}: in another order"));
            }
        }
        (Json::Array(old), Json::Array(new)) if old.len() == new.len() => {
            for (n, (old, new)) in old.iter().zip(new).enumerate() {
                walk(&format!("{path}[{n}]"), old, new, secret, found);
            }
        }
        _ if secret && hides(path) => found.push(format!("{}: changed", text::clean(path))),
        _ => found.push(format!("{}: {} -> {}", text::clean(path), show(before), show(after))),
    }
}

/// Whether the values below a field of a Secret are secret: all but what every object has.
fn hides(path: &str) -> bool {
    !["metadata.labels", "metadata.name", "type", "immutable"].iter().any(|open| path.starts_with(open))
}

fn named(list: &[Json]) -> bool {
    list.iter().all(|item| item["name"].is_string())
}

fn join(path: &str, key: &str) -> String {
    match (path.is_empty(), key.contains('.')) {
        (true, _) => key.to_owned(),
        (false, true) => format!("{path}[{key}]"),
        (false, false) => format!("{path}.{key}"),
    }
}

fn show(value: &Json) -> String {
    match value {
        Json::Null => "(none)".to_owned(),
        Json::String(value) => text::excerpt(value, VALUE),
        other => text::excerpt(&other.to_string(), VALUE),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn changes_are_told_by_the_field_and_a_secret_only_as_changed() {
        let before = json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2, "c": [{"name": "web", "image": "a"}]}, "status": {"x": 1}});
        let after = json!({"metadata": {"resourceVersion": "2", "labels": {"a.b/c": "d"}}, "spec": {"replicas": 3, "c": [{"name": "web", "image": "b"}]}});
        assert_eq!(
            differences(&before, &after),
            [
                "metadata.labels: (none) -> {\"a.b/c\":\"d\"}",
                "spec.c[web].image: a -> b",
                "spec.replicas: 2 -> 3"
            ]
        );
        let before = json!({"kind": "Secret", "data": {"p": "aHVudGVyMg=="}});
        let after = json!({"kind": "Secret", "data": {"p": "aHVudGVyMw==", "q": "eA=="}});
        assert_eq!(differences(&before, &after), ["data.p: changed", "data.q: changed"]);
        assert_eq!(differences(&json!({}), &after), ["data: changed", "kind: changed"]);
    }
}
