//! A path as an API server writes it when fields are in conflict:
//! `.spec.template.spec.containers[name="web"].image`.
//!
//! Names in it are not quoted and may hold dots, so that it can only be read beside an object that has them.

use serde_json::{Map, Value as Json};

/// Takes the field at `path` out of `object`, and the maps that have nothing else in them. `false` where the
/// object does not have it: then nothing is changed.
#[must_use]
pub fn remove(object: &mut Json, path: &str) -> bool {
    match object {
        Json::Object(map) => remove_from_map(map, path),
        Json::Array(items) => remove_from_list(items, path),
        _ => false,
    }
}

fn remove_from_map(map: &mut Map<String, Json>, path: &str) -> bool {
    let Some(path) = path.strip_prefix('.') else { return false };
    // The longest name first: `a.b` before `a`, where the object has both.
    let mut names: Vec<(String, usize)> = map
        .keys()
        .filter(|name| path.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || begins(rest)))
        .map(|name| (name.clone(), name.len()))
        .collect();
    names.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    names.into_iter().any(|(name, length)| {
        let rest = &path[length..];
        if rest.is_empty() {
            return map.remove(&name).is_some();
        }
        let Some(below) = map.get_mut(&name) else { return false };
        let removed = remove(below, rest);
        if removed && below.as_object().is_some_and(Map::is_empty) {
            map.remove(&name);
        }
        removed
    })
}

/// Whether another part begins.
fn begins(rest: &str) -> bool {
    rest.starts_with(['.', '['])
}

fn remove_from_list(items: &mut Vec<Json>, path: &str) -> bool {
    let Some((item, rest)) = item(path) else { return false };
    let Some(at) = item.position(items) else { return false };
    if rest.is_empty() {
        items.remove(at);
        return true;
    }
    remove(&mut items[at], rest)
}

/// What a path says of an item of a list.
enum Item {
    /// `[name="web"]`
    Keys(Vec<(String, Json)>),
    /// `[="x"]`
    Value(Json),
    /// `[0]`
    At(usize),
}

impl Item {
    /// The one that is meant.
    fn position(&self, items: &[Json]) -> Option<usize> {
        match self {
            Self::Keys(keys) => {
                let says = |item: &Json| keys.iter().all(|(key, value)| item.get(key) == Some(value));
                // A key that is not written has its default.
                let may_say = |item: &Json| {
                    keys.iter().any(|(key, _)| item.get(key).is_some())
                        && keys.iter().all(|(key, value)| item.get(key).is_none_or(|said| said == value))
                };
                only(items, says).or_else(|| only(items, may_say))
            }
            Self::Value(value) => only(items, |item| item == value),
            Self::At(at) => (*at < items.len()).then_some(*at),
        }
    }
}

/// Of two that may be meant, neither is known to be it.
fn only(items: &[Json], is: impl Fn(&Json) -> bool) -> Option<usize> {
    let mut found = items.iter().enumerate().filter(|(_, item)| is(item)).map(|(at, _)| at);
    found.next().filter(|_| found.next().is_none())
}

/// The item that a path begins with, and what follows.
fn item(path: &str) -> Option<(Item, &str)> {
    let path = path.strip_prefix('[')?;
    if let Some(path) = path.strip_prefix('=') {
        let (value, rest) = value(path)?;
        return Some((Item::Value(value), rest.strip_prefix(']')?));
    }
    if path.starts_with(|c: char| c.is_ascii_digit()) {
        let (at, rest) = path.split_once(']')?;
        return Some((Item::At(at.parse().ok()?), rest));
    }
    let (mut keys, mut rest) = (Vec::new(), path);
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        keys.push((key.to_owned(), value));
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Some((Item::Keys(keys), after.strip_prefix(']')?)),
        }
    }
}

/// A text in quotes, a number, a boolean or null, and what follows.
fn value(text: &str) -> Option<(Json, &str)> {
    let end = if text.starts_with('"') {
        let mut escaped = false;
        let quote = text.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        quote + 2
    } else {
        text.find([',', ']'])?
    };
    let (value, rest) = text.split_at(end);
    Some((serde_json::from_str(value).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::remove;

    fn object() -> Json {
        json!({
            "metadata": {
                "annotations": {"foo.bar/baz": "1", "foo": "2", "a[b]": "3", "a": {"b": "deeper"}, "a.b": "4"},
                "finalizers": ["x", "y \"quoted\", [1]"],
            },
            "spec": {
                "replicas": 2,
                "ports": [{"port": 80}, {"port": 80, "protocol": "UDP"}, {"port": 81, "nodePort": 30000}],
                "containers": [
                    {"name": "web", "resources": {"limits": {"cpu": "1"}}},
                    {"name": "web.side", "image": "b"},
                ],
                "list": [1, 2],
            },
        })
    }

    #[test]
    fn a_field_is_found_by_the_path_that_a_cluster_writes() {
        for (path, pointer) in [
            (".spec.replicas", "/spec/replicas"),
            (".metadata.annotations.foo.bar/baz", "/metadata/annotations/foo.bar~1baz"),
            (".metadata.annotations.foo", "/metadata/annotations/foo"),
            (".metadata.annotations.a[b]", "/metadata/annotations/a[b]"),
            (".metadata.annotations.a.b", "/metadata/annotations/a.b"),
            (".spec.containers[name=\"web.side\"].image", "/spec/containers/1/image"),
            (".spec.ports[port=81,protocol=\"TCP\"].nodePort", "/spec/ports/2/nodePort"),
            (".spec.ports[port=80,protocol=\"UDP\"].protocol", "/spec/ports/1/protocol"),
        ] {
            let mut found = object();
            assert!(found.pointer(pointer).is_some(), "{pointer}");
            assert!(remove(&mut found, path), "{path}");
            assert_eq!(found.pointer(pointer), None, "{path}");
        }
    }

    #[test]
    fn items_go_and_maps_with_nothing_else_in_them() {
        let mut left = object();
        assert!(remove(&mut left, ".metadata.finalizers[=\"y \\\"quoted\\\", [1]\"]"));
        assert!(remove(&mut left, ".spec.ports[port=80,protocol=\"UDP\"]"));
        assert!(remove(&mut left, ".spec.containers[name=\"web\"].resources.limits.cpu"));
        assert!(remove(&mut left, ".spec.list[0]"));
        assert_eq!(left["metadata"]["finalizers"], json!(["x"]));
        assert_eq!(left["spec"]["ports"], json!([{"port": 80}, {"port": 81, "nodePort": 30000}]));
        assert_eq!(left["spec"]["containers"][0], json!({"name": "web"}));
        assert_eq!(left["spec"]["list"], json!([2]));
    }

    #[test]
    fn what_is_not_there_or_cannot_be_told_changes_nothing() {
        for path in [
            "",
            ".",
            "spec",
            ".spec.replica",
            ".spec.replicas.x",
            ".spec.containers",
            ".spec.containers[name=\"x\"].image",
            ".spec.containers[name=\"web\"",
            ".spec.containers[name=\"web\\",
            ".spec.containers[other=\"web\"]",
            ".spec.ports[port=80,protocol=\"TCP\"].x",
            ".metadata.finalizers[=\"z\"]",
            ".metadata.finalizers[=",
            ".spec.list[7]",
            ".spec.list[99999999999999999999]",
        ] {
            let mut left = object();
            if path == ".spec.containers" {
                assert!(remove(&mut left, path));
                continue;
            }
            assert!(!remove(&mut left, path), "{path}");
            assert_eq!(left, object(), "{path}");
        }
    }
}
