//! What a worker journals and shows while it deploys, and what it heeds.

use std::cell::{Cell, RefCell};

use gix::ObjectId;

use super::{
    Worker,
    output::Output,
    settle::{competitor, is_at},
};
use crate::{
    error::{Error, Result},
    path::Steps,
    plan::Action,
    point,
    record::{Begun, Cancel, Counts, Entry, Intent},
    report::{Event, PlanLine, Progress},
    target::{Interruption, Planned, Wanted},
};

/// So many changes are shown; the rest is counted.
const SHOWN: usize = 20;

/// Where a deployment leads.
pub(super) enum Towards<'w> {
    /// To the revision that the branch points to.
    Tip(ObjectId),
    /// To one that the branch points to afterwards, and what is begun on the way.
    Candidate(&'w RefCell<Begun>),
    /// Back to where the branch still points, and what stays although it does not belong there.
    Back(&'w RefCell<Vec<String>>),
}

/// Journals and shows a plan before it is carried out.
pub(super) struct Told<'w> {
    worker: &'w Worker<'w>,
    output: &'w Output,
    intent: &'w Intent,
    towards: Towards<'w>,
    /// The journal could not be written: nothing may be done that it does not know of.
    pub lost: RefCell<Option<Error>>,
    /// What the plan was going to change.
    pub changes: Cell<Counts>,
    /// How long the journal was when it was last looked at.
    looked: Cell<u64>,
}

impl<'w> Told<'w> {
    pub fn new(worker: &'w Worker<'w>, output: &'w Output, intent: &'w Intent, towards: Towards<'w>) -> Self {
        let (lost, changes, looked) = (RefCell::default(), Cell::default(), Cell::default());
        Self { worker, output, intent, towards, lost, changes, looked }
    }

    fn show(&self, plan: &dyn Planned, wanted: &Wanted<'_>) {
        let lines = if plan.speaks() { Vec::new() } else { plan.lines(wanted) };
        let more = lines.len().saturating_sub(SHOWN);
        let show = |(action, item, _): (Action, String, Vec<String>)| PlanLine {
            action: action.word().to_owned(),
            item,
            fields: Vec::new(),
        };
        let first: Vec<PlanLine> = lines.into_iter().take(SHOWN).map(show).collect();
        self.output.event(&Event::Deployment(Progress::Planned { changes: plan.counts(), first, more }));
    }

    fn cancelled(&self) -> Option<String> {
        Cancel::of(self.worker.repository, &self.intent.id).map(|cancel| cancel.who)
    }

    /// Whether another push came after this one that wants the same branch to move from the same revision. What
    /// cannot be read now is no reason to stop.
    fn has_competitor(&self) -> bool {
        let journal = &self.worker.journal;
        let length = journal.path().metadata().map_or(0, |found| found.len());
        if self.looked.replace(length) == length {
            return false;
        }
        competitor(journal, self.intent).ok().flatten().is_some()
    }
}

impl Steps for Told<'_> {
    fn planned(&self, plan: &dyn Planned, wanted: &Wanted<'_>) -> Result<()> {
        let changes = plan.counts();
        self.show(plan, wanted);
        let Worker { repository, environment, journal, .. } = self.worker;
        match &self.towards {
            Towards::Back(left) => {
                left.replace(plan.left());
                // That something was begun is journalled since it was.
                point::reach("back-planned");
                return Ok(());
            }
            Towards::Candidate(begun) if !plan.is_empty() => {
                let lines = plan.lines(wanted).into_iter();
                let lines = lines.map(|(action, item, _)| format!("{} {item}", action.word()));
                begun.borrow_mut().add(plan.marks(), lines);
                begun.borrow().save(repository, &environment.name)?;
                point::reach("begun-saved");
            }
            Towards::Candidate(_) | Towards::Tip(_) => {}
        }
        self.changes.set(changes);
        if let Some(who) = self.cancelled() {
            return Err(Error::revision(format!("cancelled by {who} before anything was changed")));
        }
        if !plan.is_empty() {
            let started = Entry::Started { id: self.intent.id.clone(), changes };
            if let Err(error) = journal.append(&[started]) {
                self.lost.replace(Some(error.clone()));
                return Err(error);
            }
        }
        point::reach("planned");
        Ok(())
    }

    fn interruption(&self) -> Option<Interruption> {
        let Worker { repository, environment, .. } = self.worker;
        // A branch that cannot be read now is no reason to stop.
        let tip = repository.tip(&environment.reference);
        let overtaken = match (&self.towards, tip) {
            (_, Err(_)) => false,
            (Towards::Tip(revision), Ok(tip)) => tip.is_some_and(|tip| tip != *revision),
            (_, Ok(tip)) => !is_at(self.intent.old.as_ref(), tip) || self.has_competitor(),
        };
        if overtaken {
            return Some(Interruption::Overtaken);
        }
        // Who gave it up wants what ran before to come back.
        match self.towards {
            Towards::Back(_) => None,
            Towards::Tip(_) | Towards::Candidate(_) => self.cancelled().map(Interruption::Cancelled),
        }
    }

    fn step(&self, text: String) {
        self.output.event(&Event::Deployment(Progress::Step { text }));
    }
}
