//! The same object may stand in an environment once: of two, the one that is applied last would win.

use std::collections::{HashMap, hash_map::Entry};

use super::At;
use crate::{
    finding::{self, Code, Finding},
    revision::Declared,
};

/// A finding at the second and every further place of an object.
pub(super) fn check(objects: &[Declared], namespace: &str, at: At<'_>) -> Vec<Finding> {
    let mut first = HashMap::with_capacity(objects.len());
    let mut findings = Vec::new();
    for object in objects {
        if findings.len() >= finding::MOST_OF_ONE {
            break;
        }
        let key = &object.facts.key;
        let namespace = key.namespace.as_deref().unwrap_or(namespace);
        match first.entry((&key.group, &key.kind, namespace, &key.name)) {
            Entry::Vacant(place) => {
                place.insert(object);
            }
            Entry::Occupied(other) => {
                let place = at(other.get().file, other.get().facts.name);
                let message = format!("{key} is declared twice");
                let finding =
                    Finding::error(Code::SameObjectTwice, message).at(at(object.file, object.facts.name));
                let help =
                    format!("it already stands in {}:{}: remove one of the two", place.path, place.line);
                findings.push(finding.help(help));
            }
        }
    }
    findings
}
