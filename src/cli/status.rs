//! `instate status`: what runs, what should run, and what is under way.

use std::process::ExitCode;

use super::{Where, exit};
use crate::{
    announce,
    config::Config,
    error::Result,
    path::left_behind,
    record::{Journal, Lock, deployed_ref},
    report::{Event, Report, Standing},
    target,
};

/// Show what runs in each environment and what is under way
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 1 where an environment does not run the tip of its branch.

Examples:
  instate status --repo /srv/git/production.git
  instate status --format json")]
pub(super) struct Arguments {
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let repository = arguments.at.open()?;
    let config = Config::load(&repository)?;
    let state = Journal::new(&repository.state()).state()?;
    let mut good = true;
    for environment in &config.environments {
        let known = state.environment(&environment.name);
        let tip = repository.tip(&environment.reference)?.map(|id| id.to_string());
        let runs = repository.tip(&deployed_ref(&environment.name))?.map(|id| id.to_string());
        let target = target::probe(environment, &repository.owner()?).err();
        let between = known.is_between() && known.open.is_empty();
        good &= tip == runs && target.is_none() && !between;
        let wrong = target.map(|error| error.to_string()).or_else(|| {
            let name = &environment.name;
            between
                .then(|| format!("it is between two revisions; to bring back the tip: instate deploy {name}"))
        });
        report.event(&Event::Standing(Standing {
            environment: environment.name.clone(),
            branch: environment.branch().to_owned(),
            target: environment.target.describe(),
            wrong,
            under_way: Lock::holder(&repository.state(), &environment.name).map(|holder| holder.doing),
            open: known
                .open
                .iter()
                .any(|open| open.admitted.is_some() || Some(&open.intent.new) == tip.as_ref()),
            tip,
            runs,
            last: known.newest().cloned(),
        }));
    }
    for line in left_behind(&repository, &config)? {
        good = false;
        report.event(&Event::said(line));
    }
    // What runs does not depend on it.
    for line in announce::troubles(&repository, &config.announce) {
        report.event(&Event::said(line));
    }
    Ok(exit(good))
}
