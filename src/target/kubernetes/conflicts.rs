//! Who else holds a field, and who wins.

use kube::core::Status;
use serde_json::Value as Json;

use super::managers::{FOR_AUTOSCALER, Holder};
use crate::{
    finding::{Code, Finding},
    manifest::{Manifest, ObjectKey},
    plan::field_path,
    text,
};

/// Says what an object's conflicts come to.
pub(super) const ANNOTATION: &str = "instate.dev/conflicts";
const WISHES: [&str; 3] = ["take", "leave", "refuse"];

/// What an object's conflicts come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// A deployer's and a person's fields are taken, a controller's are left.
    ByHolder,
    /// All are taken.
    Take,
    /// All are left.
    Leave,
    /// There are to be none.
    Refuse,
}

/// What an object says of its conflicts.
pub(super) fn wish(body: &Json, manifest: &Manifest) -> Result<Wish, Finding> {
    let said = &body["metadata"]["annotations"][ANNOTATION];
    match said.as_str() {
        None => Ok(Wish::ByHolder),
        Some("take") => Ok(Wish::Take),
        Some("leave") => Ok(Wish::Leave),
        Some("refuse") => Ok(Wish::Refuse),
        Some(other) => {
            let at = manifest.locate(&format!("metadata.annotations[{ANNOTATION}]")).value;
            let message = format!(
                "{}: `{ANNOTATION}` is `take`, `leave` or `refuse`, and not `{}`",
                manifest.key,
                text::excerpt(other, 40)
            );
            let finding = Finding::error(Code::ConflictsUnknown, message).at(manifest.source.place(at));
            Err(match text::nearest(other, WISHES) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding,
            })
        }
    }
}

/// A field that somebody else set to another value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Conflict {
    pub field: String,
    pub manager: String,
}

pub(super) fn conflicts(status: &Status) -> Vec<Conflict> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts = causes.filter(|cause| cause.reason == "FieldManagerConflict");
    let mut conflicts: Vec<Conflict> = conflicts
        .map(|cause| Conflict {
            field: cause.field.clone(),
            manager: cause.message.split('"').nth(1).unwrap_or("another").to_owned(),
        })
        .collect();
    // A server names them in no order.
    conflicts.sort();
    conflicts
}

/// What was decided about the conflicts of one object.
#[derive(Default)]
pub(super) struct Settled {
    /// Fields of others that are taken.
    pub taken: Vec<Conflict>,
    pub said: Vec<String>,
    pub wrong: Vec<Finding>,
}

/// Decides who wins, field by field, and takes out of `body` what is left to others. `first`: nothing of the
/// object was ours before.
pub(super) fn settle(
    conflicts: Vec<Conflict>,
    wish: Wish,
    first: bool,
    body: &mut Json,
    key: &ObjectKey,
    manifest: &Manifest,
) -> Settled {
    let mut settled = Settled::default();
    for conflict in conflicts {
        let Conflict { field, manager } = &conflict;
        let holder = Holder::of(manager);
        let path = field.trim_start_matches('.');
        let (shown, who) = (text::excerpt(path, 80), text::excerpt(manager, 80));
        let finding = |words: &str, help: &str| {
            let at = manifest.source.place(manifest.locate(path).value);
            Finding::error(Code::Held, format!("{key}: `{shown}` {words}")).at(at).help(help)
        };
        match (wish, holder) {
            (Wish::Refuse, _) => settled.wrong.push(finding(
                &format!("is held by {who}, with another value"),
                "take the field out of the manifest, or have it overwritten: instate.dev/conflicts: take",
            )),
            (Wish::Leave, _) | (Wish::ByHolder, Holder::Controller) => {
                if field_path::remove(body, field) {
                    settled.said.push(format!("{key}: {shown} is left to {who}"));
                } else {
                    settled.wrong.push(finding(
                        &format!("is held by {who}, and cannot be left to it"),
                        "take the field out of the manifest, or annotate the object with instate.dev/conflicts: take",
                    ));
                }
            }
            (Wish::Take | Wish::ByHolder, _) => {
                // Of what is taken over as a whole one line tells.
                let is_told = first && matches!(holder, Holder::Deployer(_)) || manager == FOR_AUTOSCALER;
                if !is_told {
                    settled.said.push(format!("{key}: {shown} is taken back from {who}"));
                }
                settled.taken.push(conflict);
            }
        }
    }
    settled
}
