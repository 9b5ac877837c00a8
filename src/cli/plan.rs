//! `instate plan`: what deploying a revision would change, field by field.

use std::process::ExitCode;

use super::{Where, deploy::tip};
use crate::{
    config::Environment,
    error::Result,
    path, plan,
    report::{Event, PlanLine, Report},
    repository::Repository,
    text,
};

/// Show what deploying a revision would change
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every object is compared with what runs; nothing is changed. Values of Secrets are not shown.

Examples:
  instate plan --repo /srv/git/production.git
  instate plan HEAD~1 --environment production
  instate plan --format json"
)]
pub(super) struct Arguments {
    /// The revision; the tip of the environment's branch if left out
    revision: Option<String>,
    /// The environment; may be left out where there is one
    #[arg(long)]
    environment: Option<String>,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let (repository, environment) = arguments.at.environment(arguments.environment.as_deref())?;
    let id = match &arguments.revision {
        Some(name) => repository.commit(name)?,
        None => tip(&repository, &environment)?,
    };
    let (plan, _) = planned(&repository, &environment, id)?;
    report.event(&plan);
    Ok(ExitCode::SUCCESS)
}

/// What deploying a revision would change, and whether that is anything.
pub(super) fn planned(
    repository: &Repository,
    environment: &Environment,
    id: gix::ObjectId,
) -> Result<(Event, bool)> {
    let objects = repository.objects(None)?;
    let changes = path::plan(repository, environment, &objects, id)?;
    let counts = plan::counts(changes.iter().map(|(action, ..)| *action));
    let line = |(action, item, fields): (plan::Action, String, Vec<String>)| PlanLine {
        action: action.word().to_owned(),
        item,
        fields,
    };
    let what = format!("{} at {}", environment.name, text::short(&id.to_string()));
    let changes: Vec<PlanLine> = changes.into_iter().map(line).collect();
    let differs = !changes.is_empty();
    Ok((Event::Plan { what, changes, counts }, differs))
}
