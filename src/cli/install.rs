//! `instate install`: hooks into a repository, and out of it again.

use std::{path::PathBuf, process::ExitCode};

use clap::builder::{PossibleValuesParser, TypedValueParser};

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
  instate install --uninstall /srv/git/production.git")]
pub(super) struct Arguments {
    /// The bare repository
    repository: PathBuf,
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
    install::kind(&arguments.repository)?;
    let repository = Repository::open(&arguments.repository)?;
    let said = if arguments.uninstall {
        install::uninstall(&repository, arguments.purge)?
    } else {
        install::install(&repository, arguments.config.as_deref(), arguments.server)?
    };
    for line in said {
        report.event(&Event::said(line));
    }
    Ok(ExitCode::SUCCESS)
}
