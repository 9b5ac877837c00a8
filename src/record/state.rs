//! What the journal's entries add up to.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Counts, DeploymentId, Entry, Intent, Outcome, OutcomeKind};

/// What is remembered of every environment.
#[derive(Debug, Clone, Default)]
pub struct State {
    environments: BTreeMap<String, Environment>,
    outcomes: HashMap<DeploymentId, Outcome>,
    /// In which order deployments ended.
    order: Vec<DeploymentId>,
}

/// What is remembered of one environment.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Intents without an end, oldest first.
    pub open: Vec<Open>,
    /// Outcomes whose note is not in Git yet, oldest first.
    pub unrecorded: Vec<Outcome>,
    /// The newest outcome of a revision that was not superseded: what became of the tip.
    pub last: Option<Outcome>,
    /// The newest since then of a revision that the branch never pointed to, since it does not run.
    refused: Option<Outcome>,
    /// The newest that left the target between two revisions, and is not the tip's: what runs is not what `last`
    /// says. There is none where something was deployed since.
    begun: Option<Outcome>,
}

impl Environment {
    fn ended(&mut self, outcome: &Outcome) {
        let kept = || Some(outcome.clone());
        match outcome.outcome {
            OutcomeKind::Deployed => self.begun = None,
            OutcomeKind::Superseded if !outcome.changes.is_empty() => self.begun = kept(),
            OutcomeKind::Diverged if outcome.unmoved => self.begun = kept(),
            OutcomeKind::Superseded | OutcomeKind::Diverged | OutcomeKind::Failed => {}
        }
        match outcome.outcome {
            OutcomeKind::Superseded => {}
            _ if outcome.unmoved => self.refused = kept(),
            _ => {
                self.last = kept();
                self.refused = None;
            }
        }
    }

    /// The newest outcome of a revision that was not superseded, whether the branch got to it or not.
    #[must_use]
    pub fn newest(&self) -> Option<&Outcome> {
        self.refused.as_ref().or(self.last.as_ref())
    }

    /// Whether something was begun and not brought to its end since a revision was last deployed.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.begun.is_some() || self.open.iter().any(|open| open.started.is_some())
    }

    /// The revision that is known to run, unmixed with any other.
    #[must_use]
    pub fn runs_cleanly(&self) -> Option<String> {
        let last = self.last.as_ref().filter(|last| last.outcome == OutcomeKind::Deployed);
        last.filter(|_| !self.is_between()).map(|last| last.revision.clone())
    }
}

/// An intent without an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The intent.
    pub intent: Intent,
    /// Whether Git is known to have moved the ref.
    pub landed: bool,
    /// How far it is, where the ref is moved only when it runs.
    pub admitted: Option<Stage>,
    /// What its plan was going to change, where one had begun and did not end.
    pub started: Option<Counts>,
}

/// How far the deployment of an admitted push is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It is to be deployed.
    Deploying,
    /// It runs, and its ref is to be moved.
    Running,
    /// It does not run, and why; what ran before is to be brought back.
    GivenUp(String),
}

/// What becomes of an open intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its revision is the tip.
    Deploy,
    /// The tip is newer, so its revision was accepted and is not to be deployed any more.
    Superseded,
    /// Git may still move the ref.
    Pending,
    /// Git did not accept the push.
    Withdrawn,
}

impl Fate {
    /// Judges by where the branch points: whether `is_tip`, whether the revision `was_tip`, as far as that
    /// is known, and whether the push that brought it still `runs`.
    #[must_use]
    pub fn of(is_tip: bool, was_tip: bool, runs: bool) -> Self {
        match (is_tip, was_tip, runs) {
            (true, _, _) => Self::Deploy,
            (false, true, _) => Self::Superseded,
            (false, false, true) => Self::Pending,
            (false, false, false) => Self::Withdrawn,
        }
    }
}

impl State {
    /// Adds up entries in the order in which they were written.
    #[must_use]
    pub fn replay(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut state = Self::default();
        let (mut known, mut ended) = (HashSet::new(), HashSet::new());
        for entry in entries {
            match entry {
                Entry::Intent(intent) if !ended.contains(&intent.id) && known.insert(intent.id.clone()) => {
                    state.entry(&intent.environment.clone()).open.push(Open {
                        intent,
                        landed: false,
                        admitted: None,
                        started: None,
                    });
                }
                Entry::Started { id, changes } => state.of(&id, |open| open.started = Some(changes)),
                Entry::Landed(id) => state.of(&id, |open| open.landed = true),
                Entry::Admitted(id) => state.of(&id, |open| open.admitted = Some(Stage::Deploying)),
                Entry::Runs(id) => state.of(&id, |open| open.admitted = Some(Stage::Running)),
                Entry::GivenUp { id, reason } => {
                    state.of(&id, |open| open.admitted = Some(Stage::GivenUp(reason)));
                }
                Entry::Withdrawn(id) => state.end(&id, &mut ended),
                // The first outcome of a deployment is its only one.
                Entry::Outcome(outcome) if !ended.contains(&outcome.id) => {
                    // A revision that two pushed at once has one outcome, which is that of both.
                    for twin in state.twins(&outcome.id) {
                        state.end(&twin, &mut ended);
                        state.outcomes.insert(twin, outcome.clone());
                    }
                    state.end(&outcome.id.clone(), &mut ended);
                    state.order.push(outcome.id.clone());
                    let environment = state.entry(&outcome.environment.clone());
                    environment.unrecorded.push(outcome.clone());
                    environment.ended(&outcome);
                    state.outcomes.insert(outcome.id.clone(), outcome);
                }
                Entry::Recorded(id) => {
                    state
                        .environments
                        .values_mut()
                        .for_each(|e| e.unrecorded.retain(|outcome| outcome.id != id));
                }
                Entry::Intent(_) | Entry::Outcome(_) => {}
            }
        }
        state
    }

    /// What is remembered of one environment.
    #[must_use]
    pub fn environment(&self, name: &str) -> Environment {
        self.environments.get(name).cloned().unwrap_or_default()
    }

    /// How a deployment ended, if the journal still knows.
    #[must_use]
    pub fn outcome(&self, id: &DeploymentId) -> Option<&Outcome> {
        self.outcomes.get(id)
    }

    /// How deployments ended, as far as the journal still knows.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.values()
    }

    /// The newest outcome of a revision in an environment, if the journal still knows.
    #[must_use]
    pub fn outcome_of(&self, environment: &str, revision: &str) -> Option<&Outcome> {
        let of = self.outcomes.values().filter(|o| o.environment == environment && o.revision == revision);
        of.max_by_key(|outcome| &outcome.id)
    }

    /// The fewest entries that add up to the same.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let order: HashMap<_, _> = self.order.iter().enumerate().map(|(at, id)| (id, at)).collect();
        for environment in self.environments.into_values() {
            let Environment { open, unrecorded, last, refused, begun } = environment;
            let mut outcomes: Vec<(Outcome, bool)> = unrecorded.into_iter().map(|o| (o, false)).collect();
            for outcome in last.into_iter().chain(refused).chain(begun) {
                if outcomes.iter().all(|(known, _)| known.id != outcome.id) {
                    outcomes.push((outcome, true));
                }
            }
            // What follows from them follows from their order.
            outcomes.sort_by_key(|(outcome, _)| order.get(&outcome.id));
            for (outcome, recorded) in outcomes {
                let recorded = recorded.then(|| Entry::Recorded(outcome.id.clone()));
                entries.extend(std::iter::once(Entry::Outcome(outcome)).chain(recorded));
            }
            for Open { intent, landed, admitted, started } in open {
                let id = &intent.id;
                let landed = landed.then(|| Entry::Landed(id.clone()));
                let admitted = admitted.map(|stage| match stage {
                    Stage::Deploying => Entry::Admitted(id.clone()),
                    Stage::Running => Entry::Runs(id.clone()),
                    Stage::GivenUp(reason) => Entry::GivenUp { id: id.clone(), reason },
                });
                let started = started.map(|changes| Entry::Started { id: id.clone(), changes });
                let more = landed.into_iter().chain(admitted).chain(started);
                entries.extend(std::iter::once(Entry::Intent(intent.clone())).chain(more));
            }
        }
        entries
    }

    fn entry(&mut self, name: &str) -> &mut Environment {
        self.environments.entry(name.to_owned()).or_default()
    }

    fn of(&mut self, id: &DeploymentId, change: impl FnOnce(&mut Open)) {
        if let Some(open) = self.all_open().find(|open| open.intent.id == *id) {
            change(open);
        }
    }

    fn all_open(&mut self) -> impl Iterator<Item = &mut Open> {
        self.environments.values_mut().flat_map(|e| e.open.iter_mut())
    }

    fn twins(&mut self, id: &DeploymentId) -> Vec<DeploymentId> {
        let Some(of) = self.all_open().find(|open| open.intent.id == *id) else { return Vec::new() };
        let of = of.intent.clone();
        let twins = self.all_open().filter(|open| open.intent.is_twin(&of));
        twins.map(|open| open.intent.id.clone()).collect()
    }

    fn end(&mut self, id: &DeploymentId, ended: &mut HashSet<DeploymentId>) {
        self.environments.values_mut().for_each(|e| e.open.retain(|open| open.intent.id != *id));
        ended.insert(id.clone());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{push::Process, record::now};

    /// Histories of up to six deployments in two environments, in any order that a crash could leave.
    fn histories() -> impl Strategy<Value = Vec<Entry>> {
        let ids: Vec<DeploymentId> = (0..6).map(|_| DeploymentId::new(now())).collect();
        proptest::collection::vec((0usize..6, 0usize..13), 0..40).prop_map(move |steps| {
            steps
                .into_iter()
                .map(|(which, what)| entry(&ids[which], if which % 2 == 0 { "a" } else { "b" }, what))
                .collect()
        })
    }

    fn entry(id: &DeploymentId, environment: &str, what: usize) -> Entry {
        let (id, environment, at) = (id.clone(), environment.to_owned(), now());
        match what {
            0 => Entry::Intent(Intent {
                id,
                environment,
                reference: "refs/heads/main".into(),
                old: None,
                new: "1".repeat(40),
                who: "ana".into(),
                at,
                push: Some(Process { pid: 1, started: 1 }),
                warnings: 0,
                beside: 0,
            }),
            1 => Entry::Withdrawn(id),
            2 => Entry::Started { id, changes: Counts { created: 1, ..Counts::default() } },
            5 => Entry::Landed(id),
            8 => Entry::Admitted(id),
            9 => Entry::Runs(id),
            10 => Entry::GivenUp { id, reason: "not healthy".into() },
            3 | 4 | 6 | 11 | 12 => Entry::Outcome(Outcome {
                id,
                environment,
                revision: "1".repeat(40),
                outcome: match what {
                    3 => OutcomeKind::Deployed,
                    11 => OutcomeKind::Failed,
                    12 => OutcomeKind::Diverged,
                    _ => OutcomeKind::Superseded,
                },
                who: "ana".into(),
                accepted: at,
                ended: at,
                before: None,
                changes: Counts { created: usize::from(what == 6), ..Counts::default() },
                unhealthy: false,
                unmoved: what > 10,
                reason: None,
            }),
            _ => Entry::Recorded(id),
        }
    }

    proptest! {
        #[test]
        fn a_deployment_has_at_most_one_outcome_and_is_then_not_open(entries in histories()) {
            let state = State::replay(entries.clone());
            for environment in state.environments.values() {
                for open in &environment.open {
                    prop_assert!(state.outcome(&open.intent.id).is_none());
                }
                let mut unrecorded: Vec<_> = environment.unrecorded.iter().map(|o| &o.id).collect();
                unrecorded.sort();
                let all = unrecorded.len();
                unrecorded.dedup();
                prop_assert_eq!(unrecorded.len(), all);
            }
        }

        #[test]
        fn what_the_branch_never_got_to_is_not_what_became_of_its_tip(entries in histories()) {
            let state = State::replay(entries);
            for environment in state.environments.values() {
                prop_assert!(environment.last.as_ref().is_none_or(|last| !last.unmoved));
            }
        }

        #[test]
        fn rewriting_the_journal_forgets_nothing_that_is_still_needed(entries in histories()) {
            let state = State::replay(entries);
            let again = State::replay(state.clone().into_entries());
            for name in ["a", "b"] {
                let (before, after) = (state.environment(name), again.environment(name));
                prop_assert_eq!(before.runs_cleanly(), after.runs_cleanly());
                prop_assert_eq!(before.newest(), after.newest());
                prop_assert_eq!(before.is_between(), after.is_between());
                prop_assert_eq!(before.open, after.open);
                prop_assert_eq!(before.unrecorded, after.unrecorded);
                prop_assert_eq!(before.last, after.last);
            }
        }
    }
}
