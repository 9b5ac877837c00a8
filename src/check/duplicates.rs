//! The same object may stand in an environment once: of two, the one that is applied last would win.

use super::across::Across;
use crate::finding::{self, Code, Finding};

/// A finding at the second and every further place of an object.
pub(super) fn check(across: &Across<'_>) -> Vec<Finding> {
    if across.found.len() == across.objects.len() {
        return Vec::new();
    }
    let again = across.objects.iter().enumerate().filter_map(|(at, object)| {
        let first = *across.found.get(&object.id())?;
        (first != at).then(|| (*object, across.objects[first]))
    });
    let finding = |(object, first): (super::across::Object<'_>, super::across::Object<'_>)| {
        let place = across.place(first, first.facts.at.name);
        let (key, version) = (&object.facts.key, &object.facts.api_version);
        let mut message = format!("{key} is declared twice");
        if first.facts.api_version != *version {
            // It is one object to the cluster, and a person sees two.
            message = format!("{message}, as {} and as {version}", first.facts.api_version);
        }
        Finding::error(Code::SameObjectTwice, message)
            .at(across.place(object, object.facts.at.name))
            .help(format!("it already stands in {}:{}: remove one of the two", place.path, place.line))
    };
    again.take(finding::MOST_OF_ONE).map(finding).collect()
}
