//! `instate hook`: what the entry files in `hooks/` call, and the worker that they start.

mod proc_receive;

use std::{
    io::Write,
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
};

use clap::Subcommand;

use super::Where;
use crate::{
    announce,
    check::schema::cel,
    config::{Accept, Config, Environment},
    error::{Doing, Error, Fault, Result},
    finding::{Certainty, Finding, Verdict},
    install::{self, HOOKS},
    path::{Judgement, judge},
    point, policy,
    push::{self, By, Process, Push, Pusher, Update},
    record::{DeploymentId, Entry, Intent, Journal},
    report::{Event, Report},
    repository::Repository,
    text,
    worker::{self, From, Until, has_ended},
};

/// What Git's hooks call; not for people
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    hook: Hook,
}

#[derive(Debug, Subcommand)]
enum Hook {
    /// Judge a push
    PreReceive,
    /// Deploy what the branch moves to only when it runs, and show how it ends
    ProcReceive,
    /// Deploy an accepted push and show how it ends
    PostReceive,
    /// Say whether rules of definitions hold
    Rules,
    /// Announce what waits to be said
    Announce {
        #[command(flatten)]
        at: Where,
    },
    /// Deploy what is to be deployed
    Worker {
        #[command(flatten)]
        at: Where,
        /// The environments
        #[arg(long, required = true)]
        environment: Vec<String>,
        /// Begin when this process has ended
        #[arg(long, value_name = "PID:STARTED", value_parser = process)]
        after: Option<Process>,
    },
}

fn process(text: &str) -> Result<Process, String> {
    let parsed =
        text.split_once(':').and_then(|(pid, started)| Some((pid.parse().ok()?, started.parse().ok()?)));
    let (pid, started) = parsed.ok_or("not PID:STARTED")?;
    Ok(Process { pid, started })
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    match &arguments.hook {
        Hook::PreReceive => pre_receive(report),
        Hook::ProcReceive => proc_receive::run(report),
        Hook::PostReceive => post_receive(report),
        Hook::Rules => {
            cel::serve();
            Ok(ExitCode::SUCCESS)
        }
        Hook::Announce { at } => {
            worker::detach(Until::Now)?;
            announce::run(&at.open()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Hook::Worker { at, environment, after } => work(at, environment, *after),
    }
}

/// Obeys `git push -o instate.format=json`. What is no format is refused when the push is judged.
fn speak(report: &mut Report, options: &[String]) {
    options.iter().filter_map(|option| policy::format(option)).for_each(|format| report.speak(format));
}

/// Git runs a hook in the repository.
fn here() -> Result<Repository> {
    Repository::open(&PathBuf::from("."))
}

fn pre_receive(report: &mut Report) -> Result<ExitCode> {
    speak(report, &push::options());
    let input = push::input(std::io::stdin())?;
    point::reach("judging");
    let repository = here().map_err(|error| shut(report, Stay::new(), error));
    let Ok(repository) = repository else { return Ok(ExitCode::FAILURE) };
    match earlier(&repository, HOOKS[0], &input) {
        Ok(None) => {}
        Ok(Some(code)) => return Ok(code),
        Err(error) => {
            shut(report, Stay::new(), error);
            return Ok(ExitCode::FAILURE);
        }
    }
    let mut stay = Vec::new();
    match accept(&repository, &input, &mut stay, report) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        Err(error) => {
            shut(report, stay, error);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Branches that stay where they are when a push is refused.
type Stay = Vec<(String, Option<String>)>;

/// Judges a push; where it is good, journals the intent and leaves a worker behind that waits for the end
/// of receive-pack, in case post-receive never runs. `stay` is filled for the message.
fn accept(repository: &Repository, input: &[u8], stay: &mut Stay, report: &mut Report) -> Result<bool> {
    let push = Push::from_git(repository, input)?;
    let name = |reference: &str| reference.strip_prefix("refs/heads/").unwrap_or(reference).to_owned();
    stay.extend(
        push.updates.iter().map(|update| (name(&update.reference), update.old.map(|id| id.to_string()))),
    );
    let config = Config::load(repository)?;
    install::stands(repository, &config)?;
    no_detour(&config, &push)?;
    let Judgement { verdict, who, moves, said } = judge(repository, &config, &push)?;
    point::reach("judged");
    if verdict.refuses() {
        report.event(&Event::Refused { stay: stay.clone(), again: again(&moves, &verdict), verdict });
        return Ok(false);
    }
    let intents = moves.iter().filter_map(|(environment, update)| {
        let intent = worker::intent(environment, update, &who.to_string(), &verdict)?;
        let beside = push.updates.len() - 1;
        Some(Entry::Intent(Intent { push: Some(push.receiver), beside, ..intent }))
    });
    let intents: Vec<Entry> = intents.collect();
    if !intents.is_empty() {
        // Looked at while nobody adds an outcome: so an intent that is older in the journal than the outcome
        // of the same revision was a push at the same time, and one that is newer is a push of its own.
        let mut quicker = Vec::new();
        let journalled = Journal::new(&repository.state()).append_if(&intents, || {
            quicker = overtaken(repository, &moves)?;
            Ok(quicker.is_empty())
        })?;
        if !journalled {
            report.event(&Event::Refused {
                stay: stay.clone(),
                again: Vec::new(),
                verdict: Verdict::new(quicker),
            });
            return Ok(false);
        }
        point::reach("intent-journalled");
        let names: Vec<&str> = moves.iter().map(|(environment, _)| environment.name.as_str()).collect();
        worker::start(repository, &names, Until::Ends(push.receiver))?;
        point::reach("watcher-left");
    }
    if !verdict.findings().is_empty() {
        report.event(&Event::Warned { verdict });
    }
    for line in said {
        report.event(&Event::said(line));
    }
    Ok(true)
}

/// Refuses what would move a branch that moves only when its revision runs under another name, under which git moves it
/// at once.
fn no_detour(config: &Config, push: &Push) -> Result<()> {
    let branches: Vec<&str> =
        config.accept_deployed().map(|environment| environment.reference.as_str()).collect();
    let detour = push.links.iter().find(|(_, to)| branches.contains(&to.as_str()));
    let namespace = std::env::var_os("GIT_NAMESPACE").is_some_and(|name| !name.is_empty());
    let (what, help) = match detour {
        Some((link, to)) => {
            let (link, to) = (text::excerpt(link, 80), text::excerpt(to, 80));
            (
                format!("{link} leads to {to}, which moves only when its revision runs"),
                format!("push to {to} itself"),
            )
        }
        None if namespace && !branches.is_empty() => {
            let what =
                "the push is to a namespace of refs, which cannot be with `accept: deployed`".to_owned();
            (what, "unset GIT_NAMESPACE on the server, or write `accept: checked`".to_owned())
        }
        None => return Ok(()),
    };
    Err(Error::server(what).help(help))
}

/// What finds in a clone what refuses the push, as far as files alone can tell.
fn again(moves: &[(&Environment, Update)], verdict: &Verdict) -> Vec<String> {
    let local = verdict.refusing().filter(|finding| finding.code.certainty() != Certainty::Cluster);
    let files: Vec<&str> = local.filter_map(|finding| Some(finding.place.as_ref()?.path.as_str())).collect();
    let concerned = moves.iter().filter(|(environment, _)| files.iter().any(|file| environment.holds(file)));
    let mut commands: Vec<String> = concerned.map(|(environment, _)| environment.check_command()).collect();
    commands.sort();
    commands.dedup();
    commands
}

/// What is wrong with moves that Git will refuse, since another push was quicker.
fn overtaken(repository: &Repository, moves: &[(&Environment, Update)]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (environment, update) in moves {
        let at = repository.tip(&update.reference)?;
        findings.extend((at != update.old).then(|| policy::overtaken(environment.branch(), at)));
    }
    Ok(findings)
}

/// Says that the server could not judge, whose fault that is, and that nothing was done.
fn shut(report: &mut Report, stay: Stay, error: Error) {
    let later = error.fault == Fault::Later;
    let Error { message, findings, help, .. } = error;
    report.event(&Event::Shut { stay, message, findings, help, later });
}

fn post_receive(report: &mut Report) -> Result<ExitCode> {
    speak(report, &push::options());
    let input = push::input(std::io::stdin())?;
    let repository = here()?;
    point::reach("landed");
    // First of all: the hook that was there before may hang, as one does that writes much to a client
    // which is gone, and receive-pack with it.
    let deploying = deploy(&repository, &input);
    if let Err(error) = earlier(&repository, HOOKS[1], &input) {
        report.event(&Event::stopped(error));
    }
    let (config, who, running) = deploying?;
    // A server that pushed by itself shows nothing of this, and somebody waits for its answer.
    let is_watched = who.by == By::Themselves;
    for Running { environment, deployment, mut worker } in running {
        match deployment {
            Some(id) if is_watched => {
                let environment = config.environment(&environment)?;
                worker::watch(
                    &repository,
                    environment,
                    &id,
                    From::BEGINNING,
                    has_ended(&mut worker),
                    report,
                )?;
            }
            _ => report.event(&Event::said(format!(
                "{environment} is being deployed; see how it ends, on the server: instate watch"
            ))),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A deployment that a push began.
struct Running {
    environment: String,
    deployment: Option<DeploymentId>,
    worker: Child,
}

/// Starts a worker for every environment whose branch was moved.
fn deploy(repository: &Repository, input: &[u8]) -> Result<(Config, Pusher, Vec<Running>)> {
    let push = Push::from_git(repository, input)?;
    let config = Config::load(repository)?;
    let mut running = Vec::new();
    for environment in &config.environments {
        let Some(update) = push.updates.iter().find(|update| update.reference == environment.reference)
        else {
            continue;
        };
        let Some(new) = update.new else { continue };
        let journal = Journal::new(&repository.state());
        let new = new.to_string();
        let open = journal.state()?.environment(&environment.name).open;
        if environment.accept == Accept::Deployed && open.iter().all(|open| open.intent.new != new) {
            // It moved because it runs.
            continue;
        }
        let deployment = landed(&journal, &environment.name, &new, push.receiver)?;
        let worker = worker::start(repository, &[&environment.name], Until::Now)?;
        let environment = environment.name.clone();
        running.push(Running { environment, deployment, worker });
    }
    point::reach("worker-started");
    let who = push.who(config.server);
    Ok((config, who, running))
}

/// The deployment of a revision that landed; it may have ended already, if another worker was quicker.
fn landed(
    journal: &Journal,
    environment: &str,
    new: &str,
    receiver: Process,
) -> Result<Option<DeploymentId>> {
    let state = journal.state()?;
    let open = state.environment(environment).open.into_iter().rev().map(|open| open.intent);
    let brought: Vec<Intent> = open.filter(|intent| intent.new == new).collect();
    let own = brought.iter().find(|intent| intent.push == Some(receiver));
    if let Some(own) = own {
        // Without it the revision would be forgotten only if the branch was moved back: no reason to stop.
        let _ = journal.append(&[Entry::Landed(own.id.clone())]);
    }
    let ended = || state.outcome_of(environment, new).map(|outcome| outcome.id.clone());
    Ok(own.or(brought.first()).map(|intent| intent.id.clone()).or_else(ended))
}

/// Runs the hook that was there before ours, with the same input. Where it refuses, its words are final.
fn earlier(repository: &Repository, name: &str, input: &[u8]) -> Result<Option<ExitCode>> {
    let Some(earlier) = install::earlier(repository, name).filter(|earlier| earlier.ran) else {
        return Ok(None);
    };
    let path = earlier.path;
    let mut child = Command::new(&path)
        .stdin(Stdio::piped())
        .spawn()
        .doing("run the hook that was there before instate,", &path)
        .map_err(|error| error.help("restore it, or remove it and run: instate install"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook may end without reading what it is given.
        let _ = stdin.write_all(input);
    }
    let status = child.wait().doing("wait for", &path)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok((!status.success()).then(|| ExitCode::from(code.max(1))))
}

fn work(at: &Where, names: &[String], after: Option<Process>) -> Result<ExitCode> {
    // First of all: whoever starts a worker waits for this, and has read the rest a moment ago.
    let handle = worker::detach(after.map_or(Until::Now, Until::Ends))?;
    let repository = at.open()?;
    let config = Config::load(&repository)?;
    if let Some(handle) = handle {
        handle.wait();
    }
    let mut done = Ok(ExitCode::SUCCESS);
    for name in names {
        // What stops one environment does not stop the next.
        if let Err(error) =
            config.environment(name).and_then(|e| worker::run(&repository, e, &config.announce))
        {
            done = Err(error);
        }
    }
    done
}
