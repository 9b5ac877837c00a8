//! `instate resume`: ends what something cut off.

use std::{path::PathBuf, process::ExitCode};

use super::{Where, deploy::follow, every, exit};
use crate::{
    config::{Config, Environment},
    error::Result,
    record::{Journal, Open, OutcomeKind},
    report::{Event, Report},
    repository::Repository,
    text,
    worker::{self, Until},
};

/// End what was cut off: every accepted revision gets its outcome
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Needed only after the server itself went down. It deploys a tip that has no outcome yet, and
writes notes that are missing, and announces what was not announced yet. Where nothing is left to
do, nothing is done and nothing is said.

Examples:
  instate resume --repo /srv/git/production.git
  instate resume --all /srv/git"
)]
pub(super) struct Arguments {
    /// Every repository with instate's hooks below this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "path")]
    all: Option<PathBuf>,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let Some(folder) = &arguments.all else {
        let repository = arguments.at.open()?;
        let left = left(&repository)?;
        return Ok(exit(resume(&repository, &left, report)?));
    };
    every::repository(folder, report, |repository, report| {
        let left = left(repository)?;
        if !left.is_empty() {
            report.event(&Event::said(format!("{}:", repository.git_dir().display())));
        }
        resume(repository, &left, report)
    })
}

/// The environments for which something is left to do.
fn left(repository: &Repository) -> Result<Vec<Environment>> {
    let environments = Config::load(repository)?.environments.into_iter();
    let settled = environments.map(|one| Ok((worker::is_settled(repository, &one)?, one)));
    let all: Vec<(bool, Environment)> = settled.collect::<Result<_>>()?;
    Ok(all.into_iter().filter(|(settled, _)| !settled).map(|(_, one)| one).collect())
}

/// Whether all of what was left has ended well.
fn resume(repository: &Repository, left: &[Environment], report: &mut Report) -> Result<bool> {
    worker::announce(repository);
    let journal = Journal::new(&repository.state());
    let mut good = true;
    for environment in left {
        let before = journal.state()?.environment(&environment.name);
        let tip = repository.tip(&environment.reference)?.map(|id| id.to_string());
        let owed = |open: &&Open| open.admitted.is_some() || Some(&open.intent.new) == tip.as_ref();
        let open = before.open.iter().rev().find(owed);
        if let Some(open) = open {
            good &= follow(repository, environment, &open.intent, report)? == Some(OutcomeKind::Deployed);
            continue;
        }
        // Nothing to watch by name: the worker settles, and deploys a tip that no push brought.
        let mut child = worker::start(repository, &[&environment.name], Until::Now)?;
        let ended = child.wait().is_ok_and(|status| status.success());
        let after = journal.state()?.environment(&environment.name);
        let said = match after.newest() {
            _ if !ended => {
                Some(format!("the worker failed; see worker.log in {}", repository.state().display()))
            }
            Some(outcome) if before.newest().map(|before| &before.id) != Some(&outcome.id) => {
                good &= matches!(outcome.outcome, OutcomeKind::Deployed | OutcomeKind::Superseded);
                let reason = outcome.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                Some(format!("{} {}{reason}", outcome.outcome.word(), text::short(&outcome.revision)))
            }
            _ => None,
        };
        good &= ended;
        if let Some(said) = said {
            report.event(&Event::said(format!("{}: {said}", environment.name)));
        }
    }
    Ok(good)
}
