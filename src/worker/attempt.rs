//! `accept: deployed`: a revision is deployed while its branch still points to the one before. Where it runs the
//! branch moves to it; where it does not, what ran before is brought back.
//!
//! Every way out says what is true then: branch, target and record agree, or the outcome is `diverged` and says
//! what differs.

use std::cell::RefCell;

use gix::ObjectId;

use super::{
    Worker,
    branch::{Moved, advance},
    failed,
    output::Output,
    settle::{by, competitor, quicker, superseded},
    told::{Told, Towards},
};
use crate::{
    error::{Error, Result},
    path::{self, Goal},
    point,
    record::{Begun, Cancel, Counts, Entry, Intent, Open, Outcome, OutcomeKind, Stage},
    report::{Event, Progress},
    target::{Left, Stopped},
    text,
};

/// So many objects that stay are named.
const NAMED: usize = 20;

impl Worker<'_> {
    /// Deploys the revision of an admitted push, and moves its branch.
    pub(super) fn attempt(&self, open: &Open) -> Result<()> {
        let output = self.begin(&open.intent);
        let outcome = self.attempted(open, &output)?;
        self.end(outcome)
    }

    /// Ends what was cut off after the branch had moved.
    pub(super) fn arrived(&self, open: &Open) -> Result<()> {
        self.end(deployed(&open.intent, open.started.unwrap_or_default()))
    }

    fn end(&self, outcome: Outcome) -> Result<()> {
        self.journal.append(&[Entry::Outcome(outcome)])?;
        point::reach("outcome-journalled");
        Ok(())
    }

    fn attempted(&self, open: &Open, output: &Output) -> Result<Outcome> {
        let intent = &open.intent;
        let state = self.journal.state()?;
        let between = state.environment(&self.environment.name).is_between();
        let begun = RefCell::new(Begun::take(self.repository, &self.environment.name, &state, &intent.id)?);
        if let Some(Stage::GivenUp(reason)) = &open.admitted {
            return self.go_back(open, &begun.borrow(), reason, output);
        }
        let told = Told::new(self, output, intent, Towards::Candidate(&begun));
        let done = match Cancel::of(self.repository, &intent.id) {
            Some(Cancel { who }) => {
                let when =
                    if open.started.is_some() { "after it had been cut off" } else { "before it began" };
                Err(Error::revision(format!("cancelled by {who} {when}")).into())
            }
            None => path::deploy(self.repository, self.environment, Goal::Revision(new(intent)?), &told),
        };
        if let Some(lost) = told.lost.take() {
            return Err(lost);
        }
        point::reach("deployed");
        // What was begun and cut off was done by this deployment too.
        let changes = Some(told.changes.get()).filter(|changes| !changes.is_empty()).or(open.started);
        let open = &Open { started: changes, ..open.clone() };
        let Stopped { error, left } = match done {
            Ok(_) => match self.arrive(open)? {
                Arrival::Ended(outcome) => return Ok(outcome),
                Arrival::Stuck(error) => Stopped { error, left: Left::Between },
            },
            Err(stopped) => stopped,
        };
        match left {
            Left::Overtaken => return self.overtaken(open, None),
            Left::Before if !between => {
                return Ok(unmoved(intent, Counts::default(), failed(intent, &error)));
            }
            Left::Before | Left::Unhealthy | Left::Between => {}
        }
        let reason = failed(intent, &error).reason.unwrap_or_default();
        self.journal.append(&[Entry::GivenUp { id: intent.id.clone(), reason: reason.clone() }])?;
        point::reach("given-up");
        self.go_back(open, &begun.borrow(), &reason, output)
    }

    /// The revision runs: its branch moves.
    fn arrive(&self, open: &Open) -> Result<Arrival> {
        let intent = &open.intent;
        self.journal.append(&[Entry::Runs(intent.id.clone())])?;
        point::reach("runs");
        let from = (old(intent)?, new(intent)?);
        Ok(match advance(self.repository, &self.environment.reference, from, &intent.id) {
            Ok(Moved::Here) => {
                point::reach("branch-moved");
                Arrival::Ended(deployed(intent, open.started.unwrap_or_default()))
            }
            Ok(Moved::Elsewhere(tip)) => Arrival::Ended(superseded(open, quicker(self.environment, tip))),
            Err(error) => Arrival::Stuck(error),
        })
    }

    /// Brings back what ran before.
    fn go_back(&self, open: &Open, begun: &Begun, reason: &str, output: &Output) -> Result<Outcome> {
        let intent = &open.intent;
        let to = old(intent)?;
        let text = match &intent.old {
            Some(old) => format!("it does not run: going back to {}", text::short(old)),
            None => "it does not run: what was created is taken away again".to_owned(),
        };
        output.event(&Event::Deployment(Progress::Step { text }));
        let left = RefCell::default();
        let told = Told::new(self, output, intent, Towards::Back(&left));
        let done = path::deploy(self.repository, self.environment, Goal::Back(to, begun), &told);
        point::reach("went-back");
        let changes = open.started.unwrap_or_default();
        let diverged = |more: String| {
            let reason = Some(text::clean(&format!("{reason}; {more}")));
            let outcome = Outcome { reason, ..intent.end(OutcomeKind::Diverged) };
            unmoved(intent, changes, outcome)
        };
        let left = left.into_inner();
        Ok(match done {
            Ok(_) if left.is_empty() => {
                let outcome = Outcome { reason: Some(reason.to_owned()), ..intent.end(OutcomeKind::Failed) };
                unmoved(intent, changes, outcome)
            }
            Ok(_) => {
                let named = left.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
                let more = left.len().saturating_sub(NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                diverged(format!("all is as before but for: {named}{more}"))
            }
            Err(Stopped { left: Left::Overtaken, .. }) => return self.overtaken(open, Some(reason)),
            Err(Stopped { error, left: Left::Unhealthy }) => {
                diverged(format!("what ran before is back, but {}", error.message))
            }
            Err(Stopped { error, .. }) => {
                let begun = begun.describe().map(|begun| format!("; it had begun to {begun}"));
                diverged(format!("going back failed, too: {}{}", error.message, begun.unwrap_or_default()))
            }
        })
    }

    /// The end of one that another took over from. `failed` is why it did not run.
    fn overtaken(&self, open: &Open, failed: Option<&str>) -> Result<Outcome> {
        let why = match competitor(&self.journal, &open.intent)? {
            Some(other) => by(&other),
            None => quicker(self.environment, self.repository.tip(&self.environment.reference)?),
        };
        Ok(superseded(open, failed.map_or(why.clone(), |failed| format!("{why}; {failed}"))))
    }
}

/// How moving the branch went.
enum Arrival {
    /// It is over.
    Ended(Outcome),
    /// The branch cannot be moved.
    Stuck(Error),
}

fn deployed(intent: &Intent, changes: Counts) -> Outcome {
    Outcome { before: intent.old.clone(), changes, ..intent.end(OutcomeKind::Deployed) }
}

/// The outcome of one that the branch never pointed to.
fn unmoved(intent: &Intent, changes: Counts, outcome: Outcome) -> Outcome {
    Outcome { before: intent.old.clone(), changes, unmoved: true, ..outcome }
}

fn old(intent: &Intent) -> Result<Option<ObjectId>> {
    let old = intent.old.as_ref().map(|old| ObjectId::from_hex(old.as_bytes()));
    old.transpose().map_err(Error::server)
}

fn new(intent: &Intent) -> Result<ObjectId> {
    ObjectId::from_hex(intent.new.as_bytes()).map_err(Error::server)
}
