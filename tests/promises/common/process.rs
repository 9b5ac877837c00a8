//! Child processes that cannot hang a test, and what they printed.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process_group};

use super::tree::{kill_tree, pid};

/// How long a child may take, including all who inherited its output.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// How long to pause between two looks at a condition that nobody announces.
pub const POLL: Duration = Duration::from_millis(5);

/// Held while a child is started and while a script is written.
static FORK: Mutex<()> = Mutex::new(());

/// Keeps other threads from forking: a fork inherits the files that are open
/// for writing at that moment, and Linux then refuses to run such a script
/// ("text file busy") until the other child has called exec.
fn no_fork() -> MutexGuard<'static, ()> {
    FORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a script that may be run.
pub fn write_executable(path: &Path, text: &str) {
    let _guard = no_fork();
    fs::write(path, text).unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .unwrap_or_else(|err| panic!("cannot make {} executable: {err}", path.display()));
}

/// Starts a child whose streams the caller has chosen.
pub(super) fn start(command: &mut Command) -> Child {
    let _guard = no_fork();
    command.spawn().unwrap_or_else(|err| panic!("cannot start {command:?}: {err}"))
}

/// What a finished child left.
#[derive(Debug)]
pub struct Output {
    /// The exit code, `None` when a signal ended the child.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Standard output, then standard error.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// What the server's side said to the person who pushed, line by line.
    /// git pads each line with blanks to overwrite its own progress display.
    pub fn remote_lines(&self) -> Vec<String> {
        self.stderr
            .split(['\n', '\r'])
            .filter_map(|line| line.strip_prefix("remote: "))
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// Passes the output on, or fails the test with it.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "the command failed:\n{self}");
        self
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code: {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Runs a command to its end, with nothing to read on its standard input.
#[track_caller]
pub fn run(command: Command) -> Output {
    spawn(command).finish()
}

/// Runs a command to its end and feeds it `input`.
#[track_caller]
pub fn run_with_input(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped());
    let mut running = spawn_with_stdin(command);
    if let Some(mut stdin) = running.child.stdin.take() {
        let input = input.as_bytes().to_owned();
        // A thread, since the child may print more than a pipe holds before it
        // reads; a child that reads nothing breaks the pipe, which is its right.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    running.finish()
}

/// Starts a command, with nothing to read, and collects its output meanwhile.
#[track_caller]
pub fn spawn(mut command: Command) -> Running {
    command.stdin(Stdio::null());
    spawn_with_stdin(command)
}

#[track_caller]
fn spawn_with_stdin(mut command: Command) -> Running {
    // Its own process group, so that `Running::signal` reaches the helpers of
    // git (ssh, remote-http) as Ctrl-C in a terminal would.
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let what = format!("{command:?}");
    let mut child = start(&mut command);
    let captured = Arc::new((Mutex::new(Captured::default()), Condvar::new()));
    if let Some(stream) = child.stdout.take() {
        collect(stream, &captured, |captured| &mut captured.stdout);
    }
    if let Some(stream) = child.stderr.take() {
        collect(stream, &captured, |captured| &mut captured.stderr);
    }
    Running { child, what, captured, deadline: Instant::now() + TIMEOUT, status: None }
}

#[derive(Default)]
struct Captured {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    open: usize,
}

type Shared = Arc<(Mutex<Captured>, Condvar)>;

fn collect(mut stream: impl Read + Send + 'static, shared: &Shared, part: fn(&mut Captured) -> &mut Vec<u8>) {
    lock(shared).open += 1;
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        loop {
            let read = stream.read(&mut chunk).unwrap_or(0);
            let mut captured = lock(&shared);
            part(&mut captured).extend_from_slice(&chunk[..read]);
            captured.open -= usize::from(read == 0);
            shared.1.notify_all();
            if read == 0 {
                return;
            }
        }
    });
}

fn lock(shared: &Shared) -> MutexGuard<'_, Captured> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child at work. Dropping it kills it and its descendants.
pub struct Running {
    child: Child,
    what: String,
    captured: Shared,
    deadline: Instant,
    status: Option<ExitStatus>,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `text` has been printed on either stream.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
        self.wait_while(&format!("until it printed {text:?}"), |captured| {
            !has(&captured.stdout) && !has(&captured.stderr)
        });
    }

    /// What it has printed.
    pub fn so_far(&self) -> String {
        let Output { stdout, stderr, .. } = self.output();
        stdout + &stderr
    }

    /// Sends a signal to the child and its process group.
    pub fn signal(&self, signal: Signal) {
        // An error means that nobody is left to be signalled.
        let _ = kill_process_group(pid(self.id()), signal);
    }

    /// Waits for the end of the child and of all who inherited its output.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        self.wait_while("for the end of its output", |captured| captured.open > 0);
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < self.deadline => thread::sleep(POLL),
                Ok(None) => self.give_up("for its exit"),
                Err(err) => panic!("cannot wait for {}: {err}", self.what),
            }
        };
        self.status = Some(status);
        self.output()
    }

    #[track_caller]
    fn wait_while(&self, why: &str, mut condition: impl FnMut(&Captured) -> bool) {
        let patience = self.deadline.saturating_duration_since(Instant::now());
        let mut ended = false;
        let (guard, waited) = self
            .captured
            .1
            .wait_timeout_while(lock(&self.captured), patience, |captured| {
                let unmet = condition(captured);
                ended = unmet && captured.open == 0;
                unmet && !ended
            })
            .unwrap_or_else(PoisonError::into_inner);
        drop(guard);
        if waited.timed_out() || ended {
            self.give_up(why);
        }
    }

    #[track_caller]
    fn give_up(&self, why: &str) -> ! {
        kill_tree(self.id());
        panic!("waited in vain {why}: {}\n{}", self.what, self.output());
    }

    fn output(&self) -> Output {
        let captured = lock(&self.captured);
        Output {
            code: self.status.and_then(|status| status.code()),
            stdout: String::from_utf8_lossy(&captured.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&captured.stderr).into_owned(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status.is_none() {
            kill_tree(self.id());
            let _ = self.child.wait();
        }
    }
}
