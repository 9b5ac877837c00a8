//! Starting a worker that outlives its starter.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{
    announce::{self, Log},
    error::{Doing, Error, Result},
    push::Process,
    repository::Repository,
};

/// What a worker says when it is in a session of its own.
const READY: &str = "ready";

/// Variables that a worker inherits. Of a push it needs none: those of Git name the quarantine, those of
/// a web server were set by whoever sent the request.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "RUST_BACKTRACE",
    #[cfg(feature = "failpoints")]
    "FAILPOINTS",
];

/// What of this process's variables a process is given that nobody but the server has a word in.
pub fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| INHERITED.iter().any(|known| name == known))
}

/// When a worker begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At once.
    Now,
    /// When this process has ended.
    Ends(Process),
}

/// Starts a worker for some environments and returns when nothing that happens to this process, its
/// group or its terminal can reach it any more.
///
/// # Errors
/// It could not be started.
pub fn start(repository: &Repository, environments: &[&str], until: Until) -> Result<Child> {
    let mut arguments = Vec::new();
    if let Until::Ends(Process { pid, started }) = until {
        arguments.push(format!("--after={pid}:{started}"));
    }
    arguments.extend(environments.iter().flat_map(|name| ["--environment".to_owned(), (*name).to_owned()]));
    launch(repository, "worker", &arguments, &repository.state().join("worker.log"))
}

/// Starts whoever announces what waits to be said, unless somebody does so already. In vain it is the same to everybody:
/// the next worker, or `instate resume`, starts it.
pub fn announce(repository: &Repository) {
    if announce::is_forgotten(repository) {
        let log = Log::in_folder(&repository.state());
        log.turn();
        let _ = launch(repository, "announce", &[], log.path());
    }
}

/// Starts `instate hook WORD` with its complaints in the file `log`.
fn launch(repository: &Repository, word: &str, arguments: &[String], log: &Path) -> Result<Child> {
    let program = std::env::current_exe()
        .map_err(|error| Error::server(format!("cannot find instate itself: {error}")))?;
    let stderr = OpenOptions::new().create(true).append(true).open(log).doing("open", log)?;
    let mut command = Command::new(&program);
    command.args(["hook", word, "--repo"]).arg(repository.git_dir()).args(arguments);
    command.env_clear().envs(inherited());
    command.current_dir(repository.git_dir()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
    let mut child = command.spawn().doing("start a worker with", &program)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    match line.trim_end() {
        READY => Ok(child),
        said => {
            let _ = child.kill();
            let _ = child.wait();
            let said = if said.is_empty() { "it ended at once" } else { said };
            Err(Error::server(format!("the worker did not start: {said}"))
                .help(format!("see {}", log.display())))
        }
    }
}

/// The worker's first act: a session of its own, no way back to whoever started it.
///
/// # Errors
/// It is already the leader of a session, or the process to wait for cannot be waited for.
pub fn detach(until: Until) -> Result<Option<crate::push::Handle>> {
    rustix::process::setsid().map_err(|error| Error::server(format!("cannot begin a session: {error}")))?;
    let handle = match until {
        Until::Now => None,
        Until::Ends(process) => process.handle()?,
    };
    let mut out = crate::report::Out::stdout();
    out.line(READY);
    let null = OpenOptions::new().write(true).open("/dev/null");
    let null = null.doing("open", Path::new("/dev/null"))?;
    rustix::stdio::dup2_stdout(&null)
        .map_err(|error| Error::server(format!("cannot let go of the terminal: {error}")))?;
    Ok(handle)
}
