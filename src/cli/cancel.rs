//! `instate cancel`: a deployment is given up.

use std::process::ExitCode;

use super::{Where, exit};
use crate::{
    error::Result,
    push::Pusher,
    record::{Cancel, Journal, OutcomeKind},
    report::{Event, Report},
    worker::{self, From, Until, has_ended},
};

/// Give up a deployment that is under way
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It ends as `failed`, cancelled by you. What is being written is written to the end, so that nothing is
left between two revisions: the new one stays, and is waited for no longer. The branch stays, too: to go back,
revert in Git and push, which takes over from a deployment that only waits in any case.

Examples:
  instate cancel --repo /srv/git/production.git
  instate cancel production"
)]
pub(super) struct Arguments {
    /// The environment; may be left out where there is one
    environment: Option<String>,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let (repository, environment) = arguments.at.environment(arguments.environment.as_deref())?;
    let state = Journal::new(&repository.state()).state()?;
    let Some(open) = state.environment(&environment.name).open.pop() else {
        report.event(&Event::said(format!("{}: nothing is under way", environment.name)));
        return Ok(exit(false));
    };
    let who = Pusher::here().to_string();
    // Whoever works on it may end it at once.
    let from = From::now(&repository, &open.intent.id);
    Cancel { who }.ask(&repository, &open.intent.id)?;
    // Whoever works on it hears of it; where nobody does, this one ends it.
    let mut worker = worker::start(&repository, &[&environment.name], Until::Now)?;
    let over = has_ended(&mut worker);
    let ended = worker::watch(&repository, &environment, &open.intent.id, from, over, report)?;
    if ended == Some(OutcomeKind::Deployed) {
        report.event(&Event::said("it had been deployed by then"));
    }
    Ok(exit(ended.is_some_and(|ended| ended != OutcomeKind::Deployed)))
}
