//! Who deploys: a process in a session of its own, which nobody has to watch.
//!
//! Under the environment's lock it settles what earlier processes left, then looks at the branch's tip and
//! deploys it, until there is nothing left to do. Whoever waits for the lock looks again when it has it;
//! so a revision that is accepted while another is deployed is never forgotten.

mod attempt;
mod branch;
mod launch;
mod output;
mod settle;
mod told;
mod watch;

pub use launch::{Until, announce, detach, inherited, start};
pub use settle::{is_settled, nothing_left};
pub use watch::{From, has_ended, watch};

use gix::ObjectId;

use crate::{
    announce::{self, Note},
    config::{Destination, Environment},
    error::{Error, Fault, Result},
    finding::{Severity, Verdict},
    path::{self, Goal},
    point,
    push::Update,
    record::{
        self, Begun, Cancel, Counts, DeploymentId, Entry, Intent, Journal, Lock, Outcome, OutcomeKind,
        deployed_ref, now,
    },
    report::{Ended, Event, Progress},
    repository::Repository,
    target::{Left, Stopped},
};
use output::Output;
use settle::{Next, next};
use told::{Told, Towards};

/// Does everything that is to be done for an environment, and returns when nothing is left.
///
/// # Errors
/// The record cannot be kept, so that what was done is not known to anybody; doing it again is safe.
pub fn run(repository: &Repository, environment: &Environment, announced: &[Destination]) -> Result<()> {
    let journal = Journal::new(&repository.state());
    let mut lock = Lock::acquire(&repository.state(), &environment.name)?;
    lock.say("looking at the tip");
    point::reach("worker-locked");
    let worker = Worker { repository, environment, announced, journal };
    let mut recorded = Ok(());
    loop {
        recorded = worker.record_outcomes(recorded);
        launch::announce(repository);
        match next(repository, environment, &worker.journal)? {
            Next::Nothing => break,
            Next::Settled => {}
            Next::Deploy(intent, counts) => {
                lock.say(&format!("deploying {}", crate::text::short(&intent.new)));
                worker.deploy(&intent, counts)?;
            }
            Next::Attempt(open) => {
                lock.say(&format!("deploying {}", crate::text::short(&open.intent.new)));
                worker.attempt(&open)?;
            }
            Next::Arrived(open) => worker.arrived(&open)?,
            Next::Adopt(tip) => worker.adopt(tip)?,
        }
    }
    worker.journal.compact()?;
    output::tidy(repository)?;
    lock.done();
    recorded
}

/// Judges the tip of an environment's branch and journals the intent to deploy it.
///
/// # Errors
/// It cannot be judged; a tip that is refused is the verdict with errors.
pub fn intend(
    repository: &Repository,
    environment: &Environment,
    tip: ObjectId,
    who: &str,
) -> Result<(Verdict, Option<Intent>)> {
    let objects = repository.objects(None)?;
    let runs = repository.tip(&deployed_ref(&environment.name))?;
    let judged = path::judge_revision(repository, environment, &objects, tip, runs)?;
    let verdict = Verdict::new(judged.findings);
    if verdict.refuses() {
        return Ok((verdict, None));
    }
    let update = Update { reference: environment.reference.clone(), old: Some(tip), new: Some(tip) };
    let intent =
        intent(environment, &update, who, &verdict).ok_or_else(|| Error::server("the branch has no tip"))?;
    Journal::new(&repository.state()).append(&[Entry::Intent(intent.clone())])?;
    Ok((verdict, Some(intent)))
}

/// The intent that an accepted update is; `None` where it deletes.
#[must_use]
pub fn intent(environment: &Environment, update: &Update, who: &str, verdict: &Verdict) -> Option<Intent> {
    let at = now();
    Some(Intent {
        id: DeploymentId::new(at),
        environment: environment.name.clone(),
        reference: environment.reference.clone(),
        old: update.old.map(|id| id.to_string()),
        new: update.new?.to_string(),
        who: who.to_owned(),
        at,
        push: None,
        warnings: verdict.count(Severity::Warning),
        beside: 0,
    })
}

struct Worker<'r> {
    repository: &'r Repository,
    environment: &'r Environment,
    /// Who hears of it.
    announced: &'r [Destination],
    journal: Journal,
}

impl Worker<'_> {
    /// Writes the notes of outcomes that have none yet, oldest first. Where Git's files cannot be written
    /// the journal keeps the outcome, the next worker tries again, and no deployment waits for it. Newer
    /// outcomes do: the ref to what runs is moved by the last that is written. `done` is how it went before;
    /// one that failed is not tried again, since trying takes time in which nothing is deployed.
    fn record_outcomes(&self, mut done: Result<()>) -> Result<()> {
        let state = self.journal.state()?;
        for outcome in state.environment(&self.environment.name).unrecorded {
            let output = Output::of(self.repository, &outcome.id);
            Begun::forget(self.repository, &outcome, &state)?;
            Cancel::forget(self.repository, &outcome.id)?;
            self.announce(&Note::Ended(outcome.clone()), &output);
            done = done.and_then(|()| record::write(self.repository, &outcome));
            match &done {
                Ok(()) => {
                    point::reach("recorded");
                    self.journal.append(&[Entry::Recorded(outcome.id.clone())])?;
                }
                Err(error) => {
                    output.event(&Event::said(format!("the record in Git has to wait: {error}")));
                }
            }
            output.event(&Event::Deployment(Progress::Ended(self.ended(outcome)?)));
        }
        done
    }

    /// Says that a deployment begins.
    fn begin(&self, intent: &Intent) -> Output {
        let output = Output::of(self.repository, &intent.id);
        let (environment, revision) = (self.environment.name.clone(), intent.new.clone());
        output.event(&Event::Deployment(Progress::Started { environment, revision }));
        self.announce(&Note::started(intent), &output);
        launch::announce(self.repository);
        output
    }

    /// Leaves a note for whoever announces it. No deployment waits for that, and none fails for it.
    fn announce(&self, note: &Note, output: &Output) {
        match announce::add(self.repository, self.announced, note) {
            Ok(()) if self.announced.is_empty() => {}
            Ok(()) => point::reach("outbox-filled"),
            Err(error) => output.event(&Event::said(format!("it cannot be announced: {error}"))),
        }
    }

    /// `earlier` is what a run that was cut off had begun to change.
    fn deploy(&self, intent: &Intent, earlier: Option<Counts>) -> Result<()> {
        let output = self.begin(intent);
        let id = ObjectId::from_hex(intent.new.as_bytes()).map_err(Error::server)?;
        let before = self.runs()?;
        let told = Told::new(self, &output, intent, Towards::Tip(id));
        let done = match Cancel::of(self.repository, &intent.id) {
            // What a run that was cut off left behind is nobody's revision.
            Some(Cancel { who }) if earlier.is_some() => Err(Stopped {
                error: Error::revision(format!("cancelled by {who} after it had been cut off")),
                left: Left::Between,
            }),
            Some(Cancel { who }) => {
                Err(Error::revision(format!("cancelled by {who} before it began")).into())
            }
            None => path::deploy(self.repository, self.environment, Goal::Revision(id), &told),
        };
        if let Some(lost) = told.lost.take() {
            return Err(lost);
        }
        point::reach("deployed");
        let outcome = match done {
            Ok(changes) => {
                // What was begun and cut off was done by this deployment too.
                let changes = if changes.is_empty() { earlier.unwrap_or_default() } else { changes };
                Outcome { before, changes, ..intent.end(OutcomeKind::Deployed) }
            }
            Err(Stopped { error, left: Left::Before }) => failed(intent, &error),
            Err(Stopped { error, left: Left::Unhealthy }) => {
                let changes = told.changes.get();
                Outcome { unhealthy: true, before, changes, ..failed(intent, &error) }
            }
            Err(Stopped { error, left: Left::Overtaken }) => {
                let (changes, reason) = (told.changes.get(), Some(error.message));
                Outcome { before, changes, reason, ..intent.end(OutcomeKind::Superseded) }
            }
            Err(Stopped { error, left: Left::Between }) => {
                Outcome { outcome: OutcomeKind::Diverged, before, ..failed(intent, &error) }
            }
        };
        self.journal.append(&[Entry::Outcome(outcome)])?;
        point::reach("outcome-journalled");
        Ok(())
    }

    /// A tip that no push brought: an administrator moved the branch, or instate was installed after it.
    fn adopt(&self, tip: ObjectId) -> Result<()> {
        let who = "an administrator (the branch was moved without a push)";
        let error = match intend(self.repository, self.environment, tip, who) {
            Ok((_, Some(_))) => return Ok(()),
            Ok((verdict, None)) => {
                let first = verdict.refusing().next().map(|f| f.message.clone()).unwrap_or_default();
                Error::revision(format!("the revision is refused: {first}")).help("instate check shows all")
            }
            Err(error) if error.fault == Fault::Server => error,
            Err(error) => return Err(error),
        };
        let update = Update { reference: self.environment.reference.clone(), old: None, new: Some(tip) };
        let Some(intent) = intent(self.environment, &update, who, &Verdict::default()) else { return Ok(()) };
        self.journal.append(&[Entry::Outcome(failed(&intent, &error))])
    }

    /// The revision that runs, by the record.
    fn runs(&self) -> Result<Option<String>> {
        Ok(self.repository.tip(&deployed_ref(&self.environment.name))?.map(|id| id.to_string()))
    }

    fn ended(&self, outcome: Outcome) -> Result<Ended> {
        ended(self.repository, self.environment, outcome)
    }
}

/// The outcome of a revision that does not run, with whose fault that is.
fn failed(intent: &Intent, error: &Error) -> Outcome {
    let whose = if error.fault == Fault::Server { "the server: " } else { "" };
    let help = error.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    let reason = crate::text::clean(&format!("{whose}{}{help}", error.message));
    Outcome { reason: Some(reason), ..intent.end(OutcomeKind::Failed) }
}

/// How a deployment ended, with what runs now.
pub(crate) fn ended(repository: &Repository, environment: &Environment, outcome: Outcome) -> Result<Ended> {
    let runs = repository.tip(&deployed_ref(&environment.name))?.map(|id| id.to_string());
    let again = if outcome.unmoved {
        match (outcome.outcome, &outcome.before) {
            (OutcomeKind::Diverged, Some(_)) => format!(
                "push what mends it; to bring back what {} says, on the server: instate deploy {}",
                environment.branch(),
                environment.name
            ),
            (OutcomeKind::Superseded, _) => "git pull --rebase, then git push".to_owned(),
            _ => "mend that, then push again".to_owned(),
        }
    } else if outcome.unhealthy {
        format!(
            "push what mends it, or a revert; to wait once more, on the server: instate deploy {}",
            environment.name
        )
    } else {
        format!("when that is mended, on the server: instate deploy {}", environment.name)
    };
    let Outcome { revision, outcome, before, changes, reason, unhealthy, unmoved, .. } = outcome;
    Ok(Ended {
        environment: environment.name.clone(),
        runs: runs.filter(|runs| *runs != revision),
        before: before.filter(|before| *before != revision),
        help: (unmoved || matches!(outcome, OutcomeKind::Failed | OutcomeKind::Diverged)).then_some(again),
        branch: environment.branch().to_owned(),
        revision,
        outcome,
        changes,
        unhealthy,
        unmoved,
        reason,
    })
}
