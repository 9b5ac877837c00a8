//! The same object may stand in an environment once: of two, the one that is applied last would win.

use std::collections::{HashMap, hash_map::Entry};

use crate::{
    finding::{self, Code, Finding},
    manifest::{Manifest, ObjectKey},
};

/// A finding at the second and every further place of an object.
pub(super) fn check(manifests: &[Manifest], namespace: &str) -> Vec<Finding> {
    let mut first: HashMap<ObjectKey, &Manifest> = HashMap::new();
    let mut findings = Vec::new();
    for manifest in manifests {
        if findings.len() >= finding::MOST_OF_ONE {
            break;
        }
        let mut key = manifest.key.clone();
        key.namespace.get_or_insert_with(|| namespace.to_owned());
        match first.entry(key) {
            Entry::Vacant(place) => {
                place.insert(manifest);
            }
            Entry::Occupied(other) => {
                let place = other.get().place();
                let message = format!("{} is declared twice", manifest.key);
                let finding = Finding::error(Code::SameObjectTwice, message).at(manifest.place());
                let help =
                    format!("it already stands in {}:{}: remove one of the two", place.path, place.line);
                findings.push(finding.help(help));
            }
        }
    }
    findings
}
