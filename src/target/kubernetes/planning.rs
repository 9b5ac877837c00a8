//! What to do: wanted against live, object by object.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use super::{
    AT_ONCE,
    client::Api,
    conflicts::Conflict,
    decide::{Change, Decision, decide},
    deletions::Deletions,
    handover::Handover,
    inventory::{Entry, Inventory, Us},
    jobs::{self, Passing},
    redact::Redact,
    survey::{Gone, Object, Survey},
};
use crate::{
    check::{
        Facts,
        order::{Node, Order, Way, order},
    },
    config::HealthRule,
    error::{Error, Result},
    manifest::ObjectKey,
    plan::{self, Action},
    record::Counts,
    target::{Mark, Planned, Wanted},
    wait::health,
};

/// What is done to a cluster, in the order in which it is done.
#[derive(Debug, Default)]
pub struct Plan {
    pub(super) writes: Vec<Write>,
    pub(super) deletes: Vec<Delete>,
    /// Whose health is the deployment's.
    pub(super) watched: Vec<Watched>,
    /// As the cluster has it.
    pub(super) inventory: Inventory,
    /// What it is to list when all is done, besides what is put aside; UIDs of what is created are not known yet.
    pub(super) listed: BTreeMap<ObjectKey, Entry>,
    /// The namespace of the inventory, if it was made before the inventory could be.
    pub(super) ground: Option<ObjectKey>,
    /// Conflicts, and objects that are left alone.
    pub(super) said: Vec<String>,
    /// In which order all objects of the revision are written.
    pub(super) order: Order,
    /// In which order the deletions are made.
    pub(super) back: Order,
    /// What was said to be healthy while the plan was carried out.
    pub(super) told: BTreeSet<ObjectKey>,
    /// On the way back: what is left as it is although it should not be so, in words.
    pub(super) left: Vec<String>,
}

/// One object to be written.
#[derive(Debug)]
pub(super) struct Write {
    pub action: Action,
    /// With the body that is sent: without what is left to others.
    pub object: Object,
    /// Fields of others are taken.
    pub force: bool,
    /// The UID of what is replaced, or of what is being deleted already and goes before.
    pub replaces: Option<String>,
    /// What changes, field by field.
    pub fields: Vec<String>,
    /// Who is to hold what before it is applied.
    pub handover: Option<Box<Handover>>,
    /// The fields of others that are taken, and no others.
    pub taken: Vec<Conflict>,
}

/// One object to be deleted.
#[derive(Debug)]
pub(super) struct Delete {
    /// Which of the plan's deletions it is, by [`Plan::back`].
    pub node: usize,
    pub key: ObjectKey,
    pub path: String,
    pub uid: String,
}

/// One object whose health is waited for.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub key: ObjectKey,
    pub path: String,
    /// The path of all objects of its kind beside it.
    pub beside: String,
    /// Which of the plan's order it is.
    pub node: usize,
    /// Of what may be gone once it has ended.
    pub passing: Option<Passing>,
}

impl Plan {
    /// Whether carrying it out sends no write request.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
            && self.deletes.is_empty()
            && self.inventory.entries == self.listed
            && self.passing().next().is_none()
    }
}

impl Plan {
    /// What is to be remembered once it has ended, and is not yet.
    pub(super) fn passing(&self) -> impl Iterator<Item = (&Watched, &Passing)> {
        let passing = self.watched.iter().filter_map(|watched| Some((watched, watched.passing.as_ref()?)));
        passing.filter(|(watched, passing)| {
            let listed = self.listed.get(&watched.key);
            passing.is_deleted || listed.is_none_or(|entry| entry.ran.as_ref() != Some(&passing.digest))
        })
    }

    /// Counts an object that was made before the inventory could be.
    pub(super) fn made_before(&mut self, key: ObjectKey) {
        match self.writes.iter_mut().find(|write| write.object.key == key) {
            Some(write) => write.action = Action::Create,
            None => self.ground = Some(key),
        }
    }
}

impl Planned for Plan {
    fn counts(&self) -> Counts {
        let ground = self.ground.iter().map(|_| Action::Create);
        let writes = self.writes.iter().map(|write| write.action);
        plan::counts(ground.chain(writes).chain(self.deletes.iter().map(|_| Action::Delete)))
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn speaks(&self) -> bool {
        true
    }

    fn lines(&self, _: &Wanted<'_>) -> Vec<(Action, String, Vec<String>)> {
        let writes = self.writes.iter().map(|w| (w.action, w.object.key.to_string(), w.fields.clone()));
        let deletes = self.deletes.iter().map(|d| (Action::Delete, d.key.to_string(), Vec::new()));
        writes.chain(deletes).collect()
    }

    fn marks(&self) -> Vec<(Mark, ObjectKey)> {
        let ground = self.ground.iter().map(|key| (Mark::Created, key.clone()));
        let writes = self.writes.iter().filter_map(|write| {
            let key = &write.object.key;
            let mark = match write.action {
                Action::Create => Mark::Created,
                Action::Update if !self.inventory.entries.contains_key(key) => Mark::Found,
                Action::Replace => Mark::Replaced,
                Action::Update | Action::Delete => return None,
            };
            Some((mark, key.clone()))
        });
        ground.chain(writes).collect()
    }

    fn left(&self) -> Vec<String> {
        let protected = |write: &&Write| plan::is_protected(&write.object.key.group, &write.object.key.kind);
        let anew = self.writes.iter().filter(|write| write.action == Action::Create).filter(protected);
        let anew =
            anew.map(|write| format!("{}, which is made anew without what was in it", write.object.key));
        self.left.iter().cloned().chain(anew).collect()
    }
}

/// For whom a plan is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Somebody who wants to know everything that the API server will say.
    Verdict,
    /// A deployment: an API server that refuses will say so itself.
    Deployment,
}

/// Makes the plan; or says why there is none.
pub(super) async fn plan(
    api: &Api<'_>,
    us: &Us,
    survey: &mut Survey,
    redact: &Redact,
    (deletions, rules): (&Deletions<'_>, &[HealthRule]),
    whom: For,
) -> Result<Plan> {
    let objects = std::mem::take(&mut survey.objects);
    let seen: &Survey = survey;
    let decided = objects.into_iter().map(async |object| {
        let decision = decide(api, us, seen, &object, deletions.confirmed, redact, whom).await?;
        Ok::<_, Error>((object, decision))
    });
    let mut decided = stream::iter(decided).buffered(AT_ONCE);
    let mut plan = Plan { inventory: seen.inventory.clone(), ..Plan::default() };
    let mut findings = Vec::new();
    while let Some(decision) = decided.next().await {
        let (mut object, Decision { write, wrong, said, uid, ran }) = decision?;
        findings.extend(wrong);
        plan.said.extend(said);
        let passing = jobs::passing(&object.body);
        let is_gone = ran.is_some() && !seen.live.contains_key(&object.key);
        let api_version = object.kind.api_version.clone();
        plan.listed.insert(object.key.clone(), Entry { api_version, uid, ran });
        if !is_gone && health::is_waited_for(&object.key.group, &object.key.kind, rules) {
            let beside = object.kind.path(object.key.namespace.as_deref());
            plan.watched.push(Watched {
                key: object.key.clone(),
                path: object.path(),
                beside,
                node: object.node,
                passing,
            });
        }
        if let Some(Change { action, force, replaces, fields, body, handover, taken }) = write {
            object.body = body.unwrap_or(object.body);
            plan.writes.push(Write { action, object, force, replaces, fields, handover, taken });
        }
    }
    drop(decided);
    findings.extend(deletions.of(&mut plan, &seen.gone, us));
    plan.back = back(&plan.deletes, &seen.gone);
    let positions = plan.back.positions();
    plan.deletes.sort_by_key(|delete| positions[delete.node]);
    plan.order = seen.order.clone();
    if plan.writes.len() > 1 {
        let positions = plan.order.positions();
        plan.writes.sort_by_key(|write| positions[write.object.node]);
    }
    // What is deleted is listed until it is gone.
    for delete in &plan.deletes {
        if let Some(entry) = seen.inventory.entries.get(&delete.key) {
            plan.listed.entry(delete.key.clone()).or_insert_with(|| entry.clone());
        }
    }
    survey.findings.extend(findings);
    Ok(plan)
}

/// The order in which objects are deleted, by what the live ones say: what needed something goes before it.
pub(super) fn back(deletes: &[Delete], gone: &[Gone]) -> Order {
    let live = |delete: &Delete| gone.iter().find(|gone| gone.key == delete.key)?.live.as_ref();
    let facts: Option<Vec<Facts>> =
        deletes.iter().map(|delete| live(delete).and_then(Facts::of_live)).collect();
    let nodes: Option<Vec<Node<'_>>> = facts.as_ref().map(|facts| {
        let both = facts.iter().zip(deletes);
        both.map(|(facts, delete)| Node { facts, namespace: delete.key.namespace.as_deref() }).collect()
    });
    let found = nodes.and_then(|nodes| order(&nodes, Way::Delete).ok());
    // What cannot be read goes in any order rather than not at all.
    found.map_or_else(|| Order::new(deletes.len(), 0, std::iter::empty()), |order| order.reversed())
}
