//! What of what is no longer wanted is deleted: only what is ours, and nothing that somebody protects.

use serde_json::Value as Json;

use super::{
    inventory::{Owner, Us},
    planning::{Delete, Plan},
    survey::Gone,
};
use crate::{
    config,
    finding::{Code, Finding},
    manifest::ObjectKey,
    plan,
    policy::{Confirmed, Spared, confirmed},
    text,
};

/// Annotations by which an object stays when it is no longer declared: ours, and that of Flux.
const STAYS: [(&str, &str); 2] =
    [("instate.dev/delete", "never"), ("kustomize.toolkit.fluxcd.io/prune", "disabled")];

/// What may be deleted.
pub(super) struct Deletions<'a> {
    /// On the server.
    pub policy: &'a config::Deletions,
    /// In the commits.
    pub confirmed: &'a Confirmed,
}

/// What becomes of an object that is no longer wanted.
pub(super) enum Fate {
    /// It is deleted, by its UID.
    Deleted(String),
    /// It is there no more.
    Gone,
    /// It is ours, but somebody wants it to stay, and why.
    Stays(String),
    /// It is not ours any more, and why.
    Left(String),
}

impl Deletions<'_> {
    /// Adds them to the plan, and says which of them somebody has to confirm.
    pub fn of(&self, plan: &mut Plan, gone: &[Gone], us: &Us) -> Vec<Finding> {
        let mut findings = Vec::new();
        for one in gone {
            let key = &one.key;
            match (fate(one, us), self.confirmed.spares(key)) {
                (Fate::Deleted(_), Some(why)) => {
                    if why != Spared::Foreign {
                        plan.listed.insert(key.clone(), one.entry.clone());
                    }
                    match why {
                        Spared::AsBefore => {}
                        Spared::Foreign => plan.left.push(format!("{key}, which was there before")),
                        Spared::Ground => plan.left.push(format!("{key}, which holds the inventory")),
                    }
                }
                (Fate::Deleted(_), None) if protects(self.policy, key) && !self.confirmed.deletes(key) => {
                    findings.push(protected(key));
                }
                (Fate::Deleted(uid), None) => {
                    let node = plan.deletes.len();
                    plan.deletes.push(Delete { node, key: key.clone(), path: one.path.clone(), uid });
                }
                (Fate::Gone, _) => {}
                (Fate::Stays(why) | Fate::Left(why), _) => {
                    plan.said.push(format!("{key} is left alone: {why}"));
                }
            }
        }
        findings.extend(self.too_many(plan));
        findings
    }

    fn too_many(&self, plan: &Plan) -> Option<Finding> {
        let most = self.policy.max?;
        if self.confirmed.deletes_many() {
            return None;
        }
        let unconfirmed = plan.deletes.iter().filter(|delete| !self.confirmed.deletes(&delete.key)).count();
        let all = plan.inventory.len();
        if unconfirmed <= most.of(all) {
            return None;
        }
        let message = format!(
            "{unconfirmed} of {} would be deleted, and the server allows {most} at once",
            text::count(all, "object")
        );
        let help =
            format!("declare them again, delete fewer, or confirm it: {}", confirmed::deletion_of_many());
        Some(Finding::error(Code::TooManyDeletions, message).help(help))
    }
}

/// Whether objects of a kind are deleted only with somebody's word.
pub(super) fn protects(policy: &config::Deletions, key: &ObjectKey) -> bool {
    match &policy.protect {
        Some(kinds) => kinds.contains(&key.kind),
        None => plan::is_protected(&key.group, &key.kind),
    }
}

fn protected(key: &ObjectKey) -> Finding {
    let what = match key.kind.as_str() {
        "Namespace" => " with everything in it",
        "CustomResourceDefinition" => " with every object of its kind",
        "PersistentVolumeClaim" => " with the data that it holds",
        _ => "",
    };
    let message = format!("{key} is no longer declared, and would be deleted{what}");
    let help = format!("declare it again; or, to lose it for good: {}", confirmed::deletion(key));
    Finding::error(Code::Protected, message).help(help)
}

pub(super) fn fate(gone: &Gone, us: &Us) -> Fate {
    let Some(live) = &gone.live else { return Fate::Gone };
    let left = |why: &str| Fate::Left(why.to_owned());
    let uid = live["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    if gone.entry.uid.as_ref().is_some_and(|known| *known != uid) {
        return left("somebody else created it anew");
    }
    match us.owner(live) {
        Owner::Us => {}
        Owner::Nobody => return left("it does not carry instate's label any more"),
        Owner::Other(_) => return left("it belongs to somebody else now"),
    }
    match stays(live) {
        Some((annotation, value)) => Fate::Stays(format!("it carries {annotation}: {value}")),
        None => Fate::Deleted(uid),
    }
}

fn stays(live: &Json) -> Option<(&'static str, &'static str)> {
    STAYS.into_iter().find(|(annotation, value)| live["metadata"]["annotations"][*annotation] == *value)
}
