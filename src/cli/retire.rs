//! `instate retire`: the end of an environment.

use std::{cell::RefCell, process::ExitCode};

use super::{Where, exit};
use crate::{
    config::{Config, Environment},
    error::{Error, Result},
    policy::Confirmed,
    record::{self, Journal, Lock},
    report::{Event, Report},
    repository::Repository,
    target::{self, Retire},
    text,
};

/// So many objects are shown.
const SHOWN: usize = 20;

/// End an environment: delete what it runs, or leave that to nobody
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Needed before an environment is taken out of the configuration, is renamed, or gets another namespace or
target: what it runs would be left behind. Without --delete, --keep or --gone it only shows what there is.

A command that was cut off is typed again. The branch stays as it is, and so do the notes of what was deployed.

Examples:
  instate retire production --repo /srv/git/production.git
  instate retire production --delete --allow-delete PersistentVolumeClaim/data
  instate retire production --keep"
)]
pub(super) struct Arguments {
    /// The environment
    environment: String,
    /// Delete everything that it runs, in reverse order
    #[arg(long, group = "how")]
    delete: bool,
    /// Leave everything as it is, belonging to no environment; another one, or another tool, may take it over
    #[arg(long, group = "how")]
    keep: bool,
    /// Its cluster or folder is there no more: forget it, and ask nobody
    #[arg(long, group = "how")]
    gone: bool,
    /// Delete this object too, of a kind that holds what is not in Git: Kind/name, or Kind/namespace/name
    #[arg(long, value_name = "OBJECT", requires = "delete")]
    allow_delete: Vec<String>,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let repository = arguments.at.open()?;
    let (config, name) = (Config::load(&repository)?, arguments.environment.as_str());
    let known = record::places(&repository)?.remove(name);
    let is_listed = config.environments.iter().any(|environment| environment.name == name);
    if let (Some(place), false, false) = (&known, is_listed, arguments.gone) {
        let error =
            Error::server(format!("{} has no `{name}`, which runs in {place}", config.path.display()));
        return Err(error.help("put it back as it was, then try again"));
    }
    if !(arguments.gone && known.is_some()) {
        config.environment(name)?;
    }
    let _lock = idle(&repository, name)?;
    if arguments.gone {
        forget(&repository, name)?;
        report.event(&Event::said(format!("{name} is forgotten; nothing was asked or deleted")));
        return Ok(exit(true));
    }
    let (environment, owner) = (config.environment(name)?, repository.owner()?);
    // What the configuration names now has to be where it runs.
    target::place(environment, &owner, known.as_ref())?;
    let how = match (arguments.delete, arguments.keep) {
        (true, _) => Retire::Delete(Confirmed::of(&arguments.allow_delete, &environment.namespace)),
        (_, true) => Retire::Keep,
        (false, false) => return show(environment, &owner, report),
    };
    let told = RefCell::new(&mut *report);
    let say = |line| told.borrow_mut().event(&Event::said(format!("  {line}")));
    let was = target::retire(environment, &owner, &how, &say)?;
    forget(&repository, name)?;
    let done = match (was, how) {
        (false, _) => "had nothing that runs",
        (true, Retire::Keep) => "is retired; what it ran stays and belongs to nobody",
        (true, Retire::Delete(_)) => "is retired; what it ran is deleted",
    };
    report.event(&Event::said(format!("{name} {done}")));
    let config = config.path.display();
    report.event(&Event::said(format!("help: take it out of {config}, or the next push deploys it anew")));
    Ok(exit(true))
}

/// Holds the environment's lock, where nothing is under way.
fn idle(repository: &Repository, name: &str) -> Result<Lock> {
    let busy = || {
        Error::later(format!("{name} is being deployed"))
            .help(format!("wait for it (instate watch {name}), or give it up: instate cancel {name}"))
    };
    let mut lock = Lock::try_acquire(&repository.state(), name)?.ok_or_else(busy)?;
    if !Journal::new(&repository.state()).state()?.environment(name).open.is_empty() {
        let error = Error::later(format!("{name} has an accepted revision that is not deployed yet"));
        return Err(error.help(format!("end that first: instate resume, or instate cancel {name}")));
    }
    lock.say("retiring");
    Ok(lock)
}

/// Nothing of it runs any more. Where it ran is forgotten last, so that what is cut off can be done again.
fn forget(repository: &Repository, name: &str) -> Result<()> {
    record::retire(repository, name)?;
    crate::point::reach("ref-retired");
    record::forget(repository, name)
}

fn show(environment: &Environment, owner: &target::Owner, report: &mut Report) -> Result<ExitCode> {
    let (name, runs) = (&environment.name, target::holds(environment, owner)?);
    let Some(runs) = runs else {
        report.event(&Event::said(format!(
            "{name} has nothing that runs in {}",
            environment.target.describe()
        )));
        report.event(&Event::said(format!("help: to forget it: instate retire {name} --keep")));
        return Ok(exit(false));
    };
    report.event(&Event::said(format!("{name} runs {}:", text::count(runs.len(), "object"))));
    for one in runs.iter().take(SHOWN) {
        report.event(&Event::said(format!("  {one}")));
    }
    if runs.len() > SHOWN {
        report.event(&Event::said(format!("  and {} more", runs.len() - SHOWN)));
    }
    report.event(&Event::said("nothing was changed"));
    let help = format!(
        "help: to delete all of it: instate retire {name} --delete; to leave it as it is, belonging to nobody: instate \
         retire {name} --keep"
    );
    report.event(&Event::said(help));
    Ok(exit(false))
}
