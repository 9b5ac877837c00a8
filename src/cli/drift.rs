//! `instate drift`: what in the target is not as the revision that runs declares it.

use std::process::ExitCode;

use super::{Where, deploy::again, exit, plan::planned};
use crate::{
    config::Environment,
    error::{Error, Result},
    record::{OutcomeKind, deployed_ref},
    report::Report,
    repository::Repository,
    text,
};

/// Show what was changed past Git since it was deployed
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every object is compared with the revision that runs, field by field: those fields that it declares, and
objects of the environment that it does not. What others add beside them is theirs.

Exit code 1 where something differs.

Examples:
  instate drift --repo /srv/git/production.git
  instate drift production --heal"
)]
pub(super) struct Arguments {
    /// The environment; may be left out where there is one
    environment: Option<String>,
    /// Deploy the revision that runs once more
    #[arg(long)]
    heal: bool,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let (repository, environment) = arguments.at.environment(arguments.environment.as_deref())?;
    let runs = repository.tip(&deployed_ref(&environment.name))?.ok_or_else(|| {
        Error::revision(format!("nothing runs in {} yet", environment.name)).help("push a revision")
    })?;
    let (plan, differs) = planned(&repository, &environment, runs)?;
    report.event(&plan);
    if !(differs && arguments.heal) {
        return Ok(exit(!differs));
    }
    is_tip(&repository, &environment, runs)?;
    let ended = again(&repository, &environment, "instate drift --heal", report)?;
    Ok(exit(ended == Some(OutcomeKind::Deployed)))
}

/// What is deployed is always the tip: where something else runs, that is not what heals.
fn is_tip(repository: &Repository, environment: &Environment, runs: gix::ObjectId) -> Result<()> {
    if repository.tip(&environment.reference)? == Some(runs) {
        return Ok(());
    }
    let short = text::short(&runs.to_string()).to_owned();
    let message =
        format!("{} runs {short}, which is not the tip of {}", environment.name, environment.branch());
    Err(Error::revision(message)
        .help("to deploy the tip: instate deploy; to keep what runs: revert to it and push"))
}
