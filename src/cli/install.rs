//! `instate install`: hooks into a repository, and out of it again.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    error::Result,
    install,
    report::{Event, Report},
    repository::Repository,
};

/// Put the hooks into a bare repository
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instate install /srv/git/production.git
  instate install /srv/git/production.git --config production.yaml
  instate install --uninstall /srv/git/production.git")]
pub(super) struct Arguments {
    /// The bare repository
    repository: PathBuf,
    /// Copy this configuration into the repository; without it a commented one is written
    #[arg(long, value_name = "FILE", conflicts_with = "uninstall")]
    config: Option<PathBuf>,
    /// Take the hooks away; the record and the journal stay
    #[arg(long)]
    uninstall: bool,
    /// With --uninstall: remove the record, the journal and the configuration too
    #[arg(long, requires = "uninstall")]
    purge: bool,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    install::kind(&arguments.repository)?;
    let repository = Repository::open(&arguments.repository)?;
    let said = if arguments.uninstall {
        install::uninstall(&repository, arguments.purge)?
    } else {
        install::install(&repository, arguments.config.as_deref())?
    };
    for line in said {
        report.event(&Event::said(line));
    }
    Ok(ExitCode::SUCCESS)
}
