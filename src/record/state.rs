//! What the journal's entries add up to.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Counts, DeploymentId, Entry, Intent, Outcome, OutcomeKind};

/// What is remembered of every environment.
#[derive(Debug, Clone, Default)]
pub struct State {
    environments: BTreeMap<String, Environment>,
    outcomes: HashMap<DeploymentId, Outcome>,
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
    /// The newest that was cut off after it had begun to change the target, and then superseded: what runs is
    /// not what `last` says, until something newer is deployed.
    begun: Option<Outcome>,
    /// The newest that was deployed.
    deployed: Option<Outcome>,
}

impl Environment {
    fn ended(&mut self, outcome: &Outcome) {
        // Told apart by their names, which sort by time: rewriting the journal changes the order of its lines.
        let newest = |known: &mut Option<Outcome>| {
            if known.as_ref().is_none_or(|known| known.id < outcome.id) {
                *known = Some(outcome.clone());
            }
        };
        if outcome.outcome == OutcomeKind::Superseded {
            if !outcome.changes.is_empty() {
                newest(&mut self.begun);
            }
            return;
        }
        if outcome.outcome == OutcomeKind::Deployed {
            newest(&mut self.deployed);
        }
        self.last = Some(outcome.clone());
    }

    /// The revision that is known to run, unmixed with any other.
    #[must_use]
    pub fn runs_cleanly(&self) -> Option<String> {
        let id = |outcome: &Option<Outcome>| outcome.as_ref().map(|outcome| outcome.id.clone());
        let begun =
            id(&self.begun) > id(&self.deployed) || self.open.iter().any(|open| open.started.is_some());
        let last = self.last.as_ref().filter(|last| last.outcome == OutcomeKind::Deployed && !begun);
        last.map(|last| last.revision.clone())
    }
}

/// An intent without an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The intent.
    pub intent: Intent,
    /// Whether Git is known to have moved the ref.
    pub landed: bool,
    /// What its plan was going to change, where one had begun and did not end.
    pub started: Option<Counts>,
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
                        started: None,
                    });
                }
                Entry::Started { id, changes } => {
                    if let Some(open) = state.all_open().find(|open| open.intent.id == id) {
                        open.started = Some(changes);
                    }
                }
                Entry::Landed(id) => {
                    if let Some(open) = state.all_open().find(|open| open.intent.id == id) {
                        open.landed = true;
                    }
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
        for environment in self.environments.into_values() {
            let Environment { open, unrecorded, last, begun, deployed } = environment;
            let recorded = |outcome: &Outcome| unrecorded.iter().all(|o| o.id != outcome.id);
            let keep = |outcome: Outcome| {
                let id = outcome.id.clone();
                [Entry::Outcome(outcome), Entry::Recorded(id)]
            };
            let last = last.filter(recorded);
            let is_last = |outcome: &Outcome| last.as_ref().is_some_and(|last| last.id == outcome.id);
            let earlier =
                begun.into_iter().chain(deployed).filter(|outcome| recorded(outcome) && !is_last(outcome));
            entries.extend(earlier.flat_map(keep));
            entries.extend(unrecorded.iter().cloned().map(Entry::Outcome));
            entries.extend(last.clone().into_iter().flat_map(keep));
            for Open { intent, landed, started } in open {
                let landed = landed.then(|| Entry::Landed(intent.id.clone()));
                let started = started.map(|changes| Entry::Started { id: intent.id.clone(), changes });
                entries.push(Entry::Intent(intent));
                entries.extend(landed.into_iter().chain(started));
            }
        }
        entries
    }

    fn entry(&mut self, name: &str) -> &mut Environment {
        self.environments.entry(name.to_owned()).or_default()
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
        proptest::collection::vec((0usize..6, 0usize..8), 0..40).prop_map(move |steps| {
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
            }),
            1 => Entry::Withdrawn(id),
            2 => Entry::Started { id, changes: Counts { created: 1, ..Counts::default() } },
            5 => Entry::Landed(id),
            3 | 4 | 6 => Entry::Outcome(Outcome {
                id,
                environment,
                revision: "1".repeat(40),
                outcome: if what == 3 { OutcomeKind::Deployed } else { OutcomeKind::Superseded },
                who: "ana".into(),
                accepted: at,
                ended: at,
                before: None,
                changes: Counts { created: usize::from(what == 6), ..Counts::default() },
                unhealthy: false,
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
        fn rewriting_the_journal_forgets_nothing_that_is_still_needed(entries in histories()) {
            let state = State::replay(entries);
            let again = State::replay(state.clone().into_entries());
            for name in ["a", "b"] {
                let (before, after) = (state.environment(name), again.environment(name));
                prop_assert_eq!(before.runs_cleanly(), after.runs_cleanly());
                prop_assert_eq!(before.open, after.open);
                prop_assert_eq!(before.unrecorded, after.unrecorded);
                prop_assert_eq!(before.last, after.last);
            }
        }
    }
}
