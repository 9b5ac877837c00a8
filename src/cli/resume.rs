//! `instate resume`: ends what something cut off.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{Where, deploy::follow, exit};
use crate::{
    config::{Config, Environment},
    error::{Doing, Result},
    record::{Journal, Open, OutcomeKind},
    report::{Event, Report},
    repository::Repository,
    text,
    worker::{self, Until},
};

/// So many folders below each other are looked into for repositories.
const DEEPEST: usize = 4;

/// End what was cut off: every accepted revision gets its outcome
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Needed only after the server itself went down. It deploys a tip that has no outcome yet, and
writes notes that are missing. Where nothing is left to do, nothing is done and nothing is said.

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
    let (mut found, mut code) = (Vec::new(), exit(true));
    repositories(folder, 0, &mut found)?;
    found.sort();
    for path in found {
        // What is wrong with one keeps no other from being looked at.
        let done = Repository::open(&path).and_then(|repository| {
            let left = left(&repository)?;
            if !left.is_empty() {
                report.event(&Event::said(format!("{}:", path.display())));
            }
            resume(&repository, &left, report)
        });
        match done {
            Ok(true) => {}
            Ok(false) => code = exit(false),
            Err(error) => {
                code = ExitCode::from(error.exit());
                report.event(&Event::said(format!("{}:", path.display())));
                report.event(&Event::stopped(error));
            }
        }
    }
    Ok(code)
}

/// The repositories with instate's hooks in a folder and below it. Links are not followed, and nothing is looked for
/// in a repository.
fn repositories(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    if folder.join("HEAD").is_file() && folder.join("objects").is_dir() {
        if folder.join("instate").join("id").is_file() {
            found.push(folder.to_owned());
        }
        return Ok(());
    }
    let entries = match fs::read_dir(folder) {
        // Somebody else's, beside those of the user that this runs as.
        Err(_) if depth > 0 => return Ok(()),
        other => other.doing("read the folder", folder)?,
    };
    for entry in entries.flatten().filter(|_| depth < DEEPEST) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            repositories(&entry.path(), depth + 1, found)?;
        }
    }
    Ok(())
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
