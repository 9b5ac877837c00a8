//! `instate deploy`: the tip of an environment's branch, once more.

use std::process::ExitCode;

use super::{Where, exit};
use crate::{
    config::Environment,
    error::{Error, Result},
    push::Pusher,
    record::{Intent, OutcomeKind},
    report::{Event, Report},
    repository::Repository,
    worker::{self, Until},
};

/// Deploy the tip of an environment's branch once more
#[derive(Debug, clap::Args)]
#[command(after_help = "What is deployed is always the tip: to go back, revert in Git and push.

Examples:
  instate deploy production --repo /srv/git/production.git
  cd /srv/git/production.git && instate deploy")]
pub(super) struct Arguments {
    /// The environment; may be left out where there is one
    environment: Option<String>,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let (repository, environment) = arguments.at.environment(arguments.environment.as_deref())?;
    Ok(exit(again(&repository, &environment, "instate deploy", report)? == Some(OutcomeKind::Deployed)))
}

/// Deploys the tip of an environment's branch once more, and shows it until it ends; `None` where the tip is refused.
pub(super) fn again(
    repository: &Repository,
    environment: &Environment,
    command: &str,
    report: &mut Report,
) -> Result<Option<OutcomeKind>> {
    let tip = tip(repository, environment)?;
    let who = Pusher::here().to_string();
    let (verdict, intent) = worker::intend(repository, environment, tip, &format!("{who} ({command})"))?;
    let Some(intent) = intent else {
        let what = format!("{} at {}", environment.name, crate::text::short(&tip.to_string()));
        report.event(&Event::Checked { what, objects: 0, verdict });
        return Ok(None);
    };
    follow(repository, environment, &intent, report)
}

/// The tip of an environment's branch, which has to be there.
pub(super) fn tip(repository: &Repository, environment: &Environment) -> Result<gix::ObjectId> {
    repository.tip(&environment.reference)?.ok_or_else(|| {
        Error::revision(format!("{} has no revision yet", environment.branch())).help("push one")
    })
}

/// Starts a worker and shows one deployment until it ends.
pub(super) fn follow(
    repository: &Repository,
    environment: &Environment,
    intent: &Intent,
    report: &mut Report,
) -> Result<Option<OutcomeKind>> {
    let mut child = worker::start(repository, &[&environment.name], Until::Now)?;
    worker::watch(
        repository,
        environment,
        &intent.id,
        worker::From::BEGINNING,
        worker::has_ended(&mut child),
        report,
    )
}
