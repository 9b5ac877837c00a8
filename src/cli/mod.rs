//! The command: one file a verb. Arguments are read here; what they mean is elsewhere.

mod cancel;
mod check;
mod demo;
mod deploy;
mod doctor;
mod drift;
mod every;
mod explain;
mod health;
mod hook;
mod input;
mod install;
mod log;
mod manual;
mod plan;
mod render;
mod resume;
mod retire;
mod serve_ssh;
mod status;
mod watch;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use rustix::fs::Mode;

use crate::{
    config::{Config, Environment},
    error::{Error, Result},
    report::{Event, Format, Out, Report, Voice},
    repository::{NAME_ONE, Repository},
};

/// `git push` is the deployment.
///
/// instate stands on the server that holds an environment repository. A push that would not work is
/// refused with file, line and column; an accepted one is deployed while you watch.
#[derive(Debug, Parser)]
#[command(name = "instate", version, propagate_version = true)]
struct Arguments {
    /// How to write what happens: for a person, or one JSON object a line; `check` also as one SARIF document,
    /// or as workflow commands
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "human|json|sarif|github"
    )]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Install(install::Arguments),
    Doctor(doctor::Arguments),
    Check(check::Arguments),
    Render(render::Arguments),
    Health(health::Arguments),
    Explain(explain::Arguments),
    Plan(plan::Arguments),
    Deploy(deploy::Arguments),
    Drift(drift::Arguments),
    Status(status::Arguments),
    Log(log::Arguments),
    Watch(watch::Arguments),
    Cancel(cancel::Arguments),
    Resume(resume::Arguments),
    Retire(retire::Arguments),
    ServeSsh(serve_ssh::Arguments),
    Demo(demo::Arguments),
    Completions(manual::Completions),
    Man(manual::Man),
    Hook(hook::Arguments),
}

/// `instate hook` as Git calls it. To make all of the command line takes as long as many a verdict, and twice a
/// push, so the hooks' own line is made alone.
#[derive(Debug, Parser)]
#[command(name = "instate hook")]
struct Hook {
    #[command(flatten)]
    arguments: hook::Arguments,
}

/// What was written behind the program's name.
fn arguments() -> Arguments {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "hook")
        && let Ok(hook) = Hook::try_parse_from(std::iter::once("instate hook".into()).chain(words))
    {
        return Arguments { format: Format::default(), command: Command::Hook(hook.arguments) };
    }
    // Says what is wrong with it, too.
    Arguments::parse()
}

/// Opens what is named as `--repo`.
fn open(path: &Path) -> Result<Repository> {
    Repository::open(path).map_err(|error: Error| match error.help.as_deref() {
        Some(NAME_ONE) => {
            error.help("name the bare repository that people push to: --repo /srv/git/production.git")
        }
        _ => error,
    })
}

/// Which repository a command is about.
#[derive(Debug, clap::Args)]
struct Where {
    /// The bare repository
    #[arg(long = "repo", value_name = "REPOSITORY", default_value = ".")]
    path: PathBuf,
}

impl Where {
    fn open(&self) -> Result<Repository> {
        open(&self.path)
    }

    /// The repository, and its environment of that name; the only one where none is named.
    fn environment(&self, name: Option<&str>) -> Result<(Repository, Environment)> {
        let repository = self.open()?;
        let environment = Config::load(&repository)?.environment_or_only(name)?.clone();
        Ok((repository, environment))
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    // What others may write, others could change: the account's own mask may let its group.
    let others = Mode::WGRP | Mode::WOTH;
    let mask = rustix::process::umask(others);
    rustix::process::umask(mask | others);
    let arguments = arguments();
    let (voice, out) = match arguments.command {
        // Of the second the standard output is git's.
        Command::Hook(_) | Command::ServeSsh(_) => (Voice::Hook, Out::stderr()),
        // Its standard output is for documents alone.
        Command::Render(_) | Command::Health(_) | Command::Completions(_) => (Voice::Command, Out::stderr()),
        _ => (Voice::Command, Out::stdout()),
    };
    // A format that only a verdict has would leave the rest unsaid.
    if !arguments.format.is_of_every_command() && !matches!(arguments.command, Command::Check(_)) {
        let message =
            "--format sarif and --format github are for `instate check` alone; others have human and json";
        Arguments::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
    let format = arguments.format;
    let mut report = Report::new(format, voice, out);
    let done = match arguments.command {
        Command::Install(arguments) => install::run(&arguments, &mut report),
        Command::Doctor(arguments) => doctor::run(&arguments, &mut report),
        Command::Check(arguments) => check::run(&arguments, &mut report),
        Command::Render(arguments) => render::run(&arguments, &mut report),
        Command::Health(arguments) => health::run(&arguments, format, &mut report),
        Command::Explain(arguments) => explain::run(&arguments, &mut report),
        Command::Plan(arguments) => plan::run(&arguments, &mut report),
        Command::Deploy(arguments) => deploy::run(&arguments, &mut report),
        Command::Drift(arguments) => drift::run(&arguments, &mut report),
        Command::Status(arguments) => status::run(&arguments, &mut report),
        Command::Log(arguments) => log::run(&arguments, &mut report),
        Command::Watch(arguments) => watch::run(&arguments, &mut report),
        Command::Cancel(arguments) => cancel::run(&arguments, &mut report),
        Command::Resume(arguments) => resume::run(&arguments, &mut report),
        Command::Retire(arguments) => retire::run(&arguments, &mut report),
        Command::ServeSsh(arguments) => serve_ssh::run(&arguments, &mut report),
        Command::Demo(arguments) => demo::run(&arguments, &mut report),
        Command::Completions(arguments) => Ok(manual::completions(&arguments)),
        Command::Man(arguments) => manual::man(&arguments, &mut report),
        Command::Hook(arguments) => hook::run(&arguments, &mut report),
    };
    match done {
        Ok(code) => {
            report.finish();
            code
        }
        Err(error) => {
            let code = error.exit();
            let format = if arguments.format == Format::Json { Format::Json } else { Format::Human };
            let mut report = Report::new(format, voice, Out::stderr());
            report.event(&Event::stopped(error));
            ExitCode::from(code)
        }
    }
}

/// The exit code of a command that did its work: 1 where the answer is no.
fn exit(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
