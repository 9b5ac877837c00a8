//! `accept: deployed`: git asks before it moves the branch of such an environment. The worker deploys the revision and
//! moves the branch itself; git is told how that ended, in its own words: `ok`, or `ng` with the reason.

use std::process::{Child, ExitCode};

use super::{here, speak};
use crate::{
    config::{Config, Environment},
    error::Result,
    point,
    push::{
        Process, Update,
        proc_receive::{Answer, Asked, answers},
    },
    record::{DeploymentId, Entry, Intent, Journal, Outcome, OutcomeKind},
    report::{Event, Out, Report},
    repository::Repository,
    worker::{self, From, Until, has_ended},
};

pub(super) fn run(report: &mut Report) -> Result<ExitCode> {
    let mut git = Out::stdout();
    let mut asked = Asked::new(std::io::stdin());
    let offer = asked.offer()?;
    git.bytes(&offer.answer());
    let (updates, options) = asked.push(offer)?;
    speak(report, &options);
    let ended = match serve(&updates, offer.atomic, report) {
        Ok(ended) => ended,
        Err(error) => {
            let reason = format!("deploy failed: {}", error.message);
            report.event(&Event::stopped(error));
            vec![Answer::Refused(reason); updates.len()]
        }
    };
    let references = updates.iter().map(|update| update.reference.as_str());
    git.bytes(&answers(references.zip(&ended)));
    Ok(ExitCode::SUCCESS)
}

/// What is asked of us for one ref.
enum Part<'c> {
    /// It is to be deployed.
    Deploys(&'c Environment, DeploymentId),
    /// It is answered already.
    Answered(Answer),
}

fn serve(updates: &[Update], atomic: bool, report: &mut Report) -> Result<Vec<Answer>> {
    let repository = here()?;
    let config = Config::load(&repository)?;
    let journal = Journal::new(&repository.state());
    let mut parts = Vec::new();
    for update in updates {
        parts.push(part(&config, &journal, update, atomic)?);
    }
    let is_refused = |part: &Part| matches!(part, Part::Answered(Answer::Refused(_)));
    if atomic && parts.iter().any(is_refused) {
        report.event(&Event::said("refused: with --atomic all refs move or none, so nothing was deployed."));
        let refused = parts.into_iter().map(|part| match part {
            Part::Answered(answer @ Answer::Refused(_)) => answer,
            _ => Answer::Refused(NOT_ATOMIC.to_owned()),
        });
        return Ok(refused.collect());
    }
    let admitted = parts.iter().filter_map(|part| match part {
        Part::Deploys(_, id) => Some(Entry::Admitted(id.clone())),
        Part::Answered(_) => None,
    });
    journal.append(&admitted.collect::<Vec<_>>())?;
    point::reach("admitted");
    let mut running = Vec::new();
    for part in parts {
        running.push(match part {
            Part::Deploys(environment, id) => {
                let worker = worker::start(&repository, &[&environment.name], Until::Now);
                if let Err(error) = &worker {
                    // The watcher that was left behind takes it up when the push has ended.
                    report.event(&Event::stopped(error.clone()));
                }
                Ok((environment, id, worker.ok()))
            }
            Part::Answered(answer) => Err(answer),
        });
    }
    point::reach("worker-started");
    let mut ended = Vec::new();
    for part in running {
        ended.push(match part {
            Ok((environment, id, worker)) => follow(&repository, environment, &id, worker, report)
                .unwrap_or_else(|error| {
                    report.event(&Event::stopped(error));
                    answer(environment, None)
                }),
            Err(answer) => answer,
        });
    }
    Ok(ended)
}

/// What an atomic push of several refs is told: git moves the others after this one, or does not.
const NOT_ATOMIC: &str = "it moves once it runs: push it alone, or without --atomic";

/// Finds what pre-receive accepted: nothing else is deployed.
fn part<'c>(config: &'c Config, journal: &Journal, update: &Update, atomic: bool) -> Result<Part<'c>> {
    let refuse = |reason: String| Ok(Part::Answered(Answer::Refused(reason)));
    let environment = config.accept_deployed().find(|found| found.reference == update.reference);
    let (Some(environment), Some(new)) = (environment, update.new) else {
        return refuse("no environment here moves it once it runs".to_owned());
    };
    let receiver = Process::receiver()?;
    let (old, new) = (update.old.map(|id| id.to_string()), new.to_string());
    let state = journal.state()?;
    let is_own =
        |intent: &Intent| intent.push == Some(receiver) && (&intent.old, &intent.new) == (&old, &new);
    let open = state.environment(&environment.name).open;
    let own = open.into_iter().rev().find(|open| open.admitted.is_none() && is_own(&open.intent));
    let Some(own) = own else {
        // Somebody else pushed the same at the same time, and it has ended: that is the end of both.
        return match state.outcome_of(&environment.name, &new) {
            Some(outcome) if outcome.before == old => Ok(Part::Answered(answer(environment, Some(outcome)))),
            _ => refuse("it was not judged: push again".to_owned()),
        };
    };
    if atomic && own.intent.beside > 0 {
        return refuse(NOT_ATOMIC.to_owned());
    }
    Ok(Part::Deploys(environment, own.intent.id))
}

/// Shows a deployment and says how it ended. Where nobody looks any more its end is waited for all the same, since
/// git has other hooks that want to know.
fn follow(
    repository: &Repository,
    environment: &Environment,
    id: &DeploymentId,
    mut worker: Option<Child>,
    report: &mut Report,
) -> Result<Answer> {
    let gone = |worker: &mut Option<Child>| worker.as_mut().is_none_or(|worker| has_ended(worker)());
    worker::watch(repository, environment, id, From::BEGINNING, || gone(&mut worker), report)?;
    if let Some(worker) = worker.as_mut().filter(|_| report.is_dead()) {
        let _ = worker.wait();
    }
    let state = Journal::new(&repository.state()).state()?;
    Ok(answer(environment, state.outcome(id)))
}

fn answer(environment: &Environment, outcome: Option<&Outcome>) -> Answer {
    let Some(Outcome { outcome, reason, .. }) = outcome else {
        let branch = environment.branch();
        return Answer::Refused(format!("not known yet: {branch} moves if it runs; git fetch shows it"));
    };
    let reason = reason.as_deref().unwrap_or_default();
    match outcome {
        OutcomeKind::Deployed => Answer::Moved,
        OutcomeKind::Failed => Answer::Refused(format!("deploy failed: {reason}")),
        OutcomeKind::Diverged => {
            let name = &environment.name;
            Answer::Refused(format!("deploy failed, and {name} is not as it was: {reason}"))
        }
        OutcomeKind::Superseded => Answer::Refused(reason.to_owned()),
    }
}
