//! `instate log`: what was deployed, newest first, out of the record in Git.

use std::process::ExitCode;

use super::Where;
use crate::{
    config::Config,
    error::Result,
    record::history,
    report::{Event, Report},
};

/// Show past deployments, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "The record is in Git itself; this shows the same in a clone:
  git fetch origin refs/notes/instate:refs/notes/instate && git log --notes=instate

Examples:
  instate log --repo /srv/git/production.git
  instate log production -n 3")]
pub(super) struct Arguments {
    /// Of this environment only
    environment: Option<String>,
    /// How many at most
    #[arg(short = 'n', long = "number", default_value_t = 20)]
    number: usize,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let repository = arguments.at.open()?;
    let wanted = |name: &str| arguments.environment.as_ref().is_none_or(|only| only == name);
    let all = history(&repository, &wanted, arguments.number)?;
    // An environment that is configured no more still has its past.
    if let (true, Some(name)) = (all.is_empty(), &arguments.environment) {
        Config::load(&repository)?.environment(name)?;
    }
    if all.is_empty() {
        report.event(&Event::said("nothing was deployed yet"));
    }
    for outcome in all {
        report.event(&Event::Past(outcome));
    }
    Ok(ExitCode::SUCCESS)
}
