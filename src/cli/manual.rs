//! `instate completions` and `instate man`: what a shell completes and what `man` shows, both made from the command
//! line itself.

use std::{path::PathBuf, process::ExitCode};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    error::{Doing, Error, Result},
    report::{Event, Out, Report},
};

/// Print what a shell needs to complete this command
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instate completions bash > /usr/share/bash-completion/completions/instate
  instate completions fish > ~/.config/fish/completions/instate.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write those of all commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instate man | man -l -
  instate man --to /usr/local/share/man/man1")]
pub(super) struct Man {
    /// Write all pages into this folder
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

pub(super) fn completions(arguments: &Completions) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "instate", &mut text);
    Out::stdout().bytes(&text);
    ExitCode::SUCCESS
}

pub(super) fn man(arguments: &Man, report: &mut Report) -> Result<ExitCode> {
    let command = super::Arguments::command();
    match &arguments.to {
        Some(folder) => {
            clap_mangen::generate_to(command, folder).doing("write manual pages into", folder)?;
            report.event(&Event::said(format!("manual pages: {}", folder.display())));
        }
        None => {
            let mut text = Vec::new();
            clap_mangen::Man::new(command).render(&mut text).map_err(Error::server)?;
            Out::stdout().bytes(&text);
        }
    }
    Ok(ExitCode::SUCCESS)
}
