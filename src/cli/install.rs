//! `instate install`: hooks into a repository, and out of it again.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::every;
use crate::{
    config::Server,
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
  instate install ~/gitea-repositories/ops/production.git --server gitea
  instate install --all /srv/git
  instate install --uninstall /srv/git/production.git")]
pub(super) struct Arguments {
    /// The bare repository
    #[arg(required_unless_present = "all")]
    repository: Option<PathBuf>,
    /// Bring the hooks up to date in every repository below this folder that has them, or take them away from all
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["repository", "config", "server", "purge"])]
    all: Option<PathBuf>,
    /// Copy this configuration into the repository; without it a commented one is written
    #[arg(long, value_name = "FILE", conflicts_with = "uninstall")]
    config: Option<PathBuf>,
    /// What people push through; without it what the configuration says, or whose hooks are there
    #[arg(long, value_name = "SERVER", value_parser = server(), conflicts_with = "uninstall")]
    server: Option<Server>,
    /// Take the hooks away; the record and the journal stay
    #[arg(long)]
    uninstall: bool,
    /// With --uninstall: remove the record, the journal and the configuration too
    #[arg(long, requires = "uninstall")]
    purge: bool,
}

/// Reads the word of a server.
fn server() -> impl TypedValueParser<Value = Server> {
    PossibleValuesParser::new(Server::ALL.map(Server::word))
        .map(|word| Server::of_word(&word).unwrap_or_default())
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let Some(folder) = &arguments.all else {
        let path = arguments.repository.as_deref().unwrap_or(Path::new("."));
        install::kind(path)?;
        return install_one(arguments, &Repository::open(path)?, report).map(|()| ExitCode::SUCCESS);
    };
    every::repository(folder, report, |repository, report| {
        // Those that it was taken away from keep their record, and stay without.
        if install::is_installed(repository) {
            report.event(&Event::said(format!("{}:", repository.git_dir().display())));
            install_one(arguments, repository, report)?;
        }
        Ok(true)
    })
}

fn install_one(arguments: &Arguments, repository: &Repository, report: &mut Report) -> Result<()> {
    let said = if arguments.uninstall {
        install::uninstall(repository, arguments.purge)?
    } else {
        install::install(repository, arguments.config.as_deref(), arguments.server)?
    };
    for line in said {
        report.event(&Event::said(line));
    }
    Ok(())
}
