//! Sets of an object's fields, as a cluster keeps them for each field manager (`FieldsV1`).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

/// A set of fields: whether this one is in it, and which are below it. A part of its path is written
/// `f:spec`, `k:{"name":"web"}` for an item of a list, `v:"x"` for one of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    here: bool,
    below: BTreeMap<String, Fields>,
}

impl Fields {
    /// Those of one entry of `managedFields`.
    #[must_use]
    pub fn of_entry(entry: &Json) -> Self {
        Self { here: false, ..Self::read(&entry["fieldsV1"]) }
    }

    /// The one field at a path.
    #[must_use]
    pub fn one(path: &[&str]) -> Self {
        let leaf = Self { here: true, below: BTreeMap::new() };
        path.iter().rev().fold(leaf, |below, part| Self {
            here: false,
            below: BTreeMap::from([((*part).to_owned(), below)]),
        })
    }

    fn read(json: &Json) -> Self {
        let Some(map) = json.as_object() else { return Self::default() };
        let below = map.iter().filter(|(part, _)| *part != ".");
        Self {
            here: map.is_empty() || map.contains_key("."),
            below: below.map(|(part, below)| (part.clone(), Self::read(below))).collect(),
        }
    }

    /// As `fieldsV1` has it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut map = Map::new();
        if self.here && !self.below.is_empty() {
            map.insert(".".to_owned(), json!({}));
        }
        map.extend(self.below.iter().map(|(part, below)| (part.clone(), below.to_json())));
        Json::Object(map)
    }

    /// Whether no field is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.here && self.below.is_empty()
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Self) {
        self.here |= other.here;
        for (part, below) in &other.below {
            self.below.entry(part.clone()).or_default().add(below);
        }
    }

    /// Without those of another.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let below = self.below.iter().map(|(part, below)| match other.below.get(part) {
            Some(theirs) => (part, below.without(theirs)),
            None => (part, below.clone()),
        });
        Self {
            here: self.here && !other.here,
            below: below.filter(|(_, b)| !b.is_empty()).map(|(part, b)| (part.clone(), b)).collect(),
        }
    }

    /// Those that another has too.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }

    /// Those that `object` has, for fields that another version of its kind may not have.
    #[must_use]
    pub fn found_in(&self, object: &Json) -> Self {
        let below = self.below.iter().filter_map(|(part, below)| {
            let found = below.found_in(child(object, part)?);
            (!found.is_empty()).then(|| (part.clone(), found))
        });
        Self { here: self.here, below: below.collect() }
    }

    /// Takes these fields out of `object`, as an apply does with those that are no longer wanted: what is in
    /// `held` stays, and what it is in.
    pub fn remove_from(&self, object: &mut Json, held: &Self) {
        for (part, below) in &self.below {
            let theirs = held.below.get(part);
            if below.here && theirs.is_none() {
                remove(object, part);
            } else if let Some(child) = child_mut(object, part) {
                below.remove_from(child, theirs.unwrap_or(&Self::default()));
            }
        }
    }
}

/// Where `part` of a path leads.
fn child<'j>(object: &'j Json, part: &str) -> Option<&'j Json> {
    match object {
        Json::Object(map) => map.get(part.strip_prefix("f:")?),
        Json::Array(items) => items.get(position(items, part)?),
        _ => None,
    }
}

fn child_mut<'j>(object: &'j mut Json, part: &str) -> Option<&'j mut Json> {
    match object {
        Json::Object(map) => map.get_mut(part.strip_prefix("f:")?),
        Json::Array(items) => {
            let at = position(items, part)?;
            items.get_mut(at)
        }
        _ => None,
    }
}

fn remove(object: &mut Json, part: &str) {
    match object {
        Json::Object(map) => {
            part.strip_prefix("f:").and_then(|key| map.remove(key));
        }
        Json::Array(items) => {
            position(items, part).map(|at| items.remove(at));
        }
        _ => {}
    }
}

fn position(items: &[Json], part: &str) -> Option<usize> {
    let (sort, rest) = part.split_once(':')?;
    let said: Json = serde_json::from_str(rest).ok()?;
    match (sort, said) {
        ("v", value) => items.iter().position(|item| *item == value),
        ("k", Json::Object(keys)) => {
            items.iter().position(|item| keys.iter().all(|(key, value)| item.get(key) == Some(value)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::Fields;

    fn fields(json: &Json) -> Fields {
        Fields::of_entry(&json!({"fieldsV1": json}))
    }

    #[test]
    fn fields_are_added_and_taken_away() {
        let one = json!({"f:spec": {"f:a": {}, "f:list": {"k:{\"name\":\"x\"}": {".": {}, "f:name": {}}}}});
        let other =
            json!({"f:spec": {"f:a": {".": {}, "f:b": {}}, "f:list": {"k:{\"name\":\"x\"}": {".": {}}}}});
        let mut both = fields(&one);
        both.add(&fields(&other));
        assert_eq!(
            both.to_json(),
            json!({"f:spec": {"f:a": {".": {}, "f:b": {}}, "f:list": {"k:{\"name\":\"x\"}": {".": {}, "f:name": {}}}}})
        );
        assert_eq!(
            fields(&one).without(&fields(&other)).to_json(),
            json!({"f:spec": {"f:list": {"k:{\"name\":\"x\"}": {"f:name": {}}}}})
        );
        assert_eq!(
            fields(&one).shared_with(&fields(&other)).to_json(),
            json!({"f:spec": {"f:a": {}, "f:list": {"k:{\"name\":\"x\"}": {}}}})
        );
        assert!(fields(&one).without(&fields(&one)).is_empty());
        assert!(fields(&json!({})).is_empty(), "an entry of no fields");
    }

    #[test]
    fn fields_that_nobody_else_holds_are_taken_out_of_an_object() {
        let live = json!({
            "metadata": {"annotations": {"a": "1", "b": "2"}, "finalizers": ["x", "y"]},
            "spec": {"list": [{"name": "x", "of": 1, "theirs": 2}, {"name": "y"}], "only": {"z": 1}},
        });
        let gone = fields(&json!({
            "f:metadata": {"f:annotations": {".": {}, "f:a": {}}, "f:finalizers": {"v:\"x\"": {}}},
            "f:spec": {
                "f:list": {
                    "k:{\"name\":\"x\"}": {".": {}, "f:of": {}},
                    "k:{\"name\":\"y\"}": {".": {}, "f:name": {}},
                },
                "f:only": {},
                "f:never": {},
            },
        }));
        let held = fields(&json!({
            "f:metadata": {"f:annotations": {"f:b": {}}},
            "f:spec": {"f:list": {"k:{\"name\":\"x\"}": {"f:theirs": {}}}},
        }));
        let mut after = live.clone();
        gone.remove_from(&mut after, &held);
        assert_eq!(
            after,
            json!({
                "metadata": {"annotations": {"b": "2"}, "finalizers": ["y"]},
                "spec": {"list": [{"name": "x", "theirs": 2}]},
            })
        );
        let found = gone.found_in(&live);
        assert_eq!(
            found,
            gone.without(&fields(&json!({"f:spec": {"f:never": {}}}))),
            "all but what the object does not have"
        );
    }
}
