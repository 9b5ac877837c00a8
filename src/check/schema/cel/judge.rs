//! Asking the process that answers, which is this program once more.

use std::{
    io::{Read, Write, stdin, stdout},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio, exit},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::{
    process::{Resource, Rlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use serde::de::DeserializeOwned;

use super::{Answer, Question, evaluate::Evaluator};

/// Milliseconds of processor time for one answer.
const MOST: u64 = 400;
/// How often that is looked at.
const PACE: Duration = Duration::from_millis(40);
/// Seconds of processor time for all answers.
const MOST_OF_ALL: u64 = 5;
/// Bytes of memory that it may take, the program itself among them.
const MEMORY: u64 = 160 << 20;
/// The largest question, in bytes.
const LARGEST: usize = 4 << 20;
/// What it says first, so that nothing else is taken for it.
const READY: &[u8; 16] = b"instate rules 2\n";

/// Who knows whether rules hold. The process is started with the first question.
#[derive(Default)]
pub struct Judge(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Runs(Process),
    /// One question was too much; no other is asked, so that a push can cost no more than that.
    GivenUp,
}

struct Process {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
}

impl Judge {
    /// The answer; `None` where that takes too long, or too much memory.
    pub(super) fn ask(&self, question: &Question) -> Option<Answer> {
        let question = postcard::to_stdvec(question).ok().filter(|question| question.len() <= LARGEST)?;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Idle) {
            *state = Process::start().map_or(State::GivenUp, State::Runs);
        }
        if let State::Runs(process) = &mut *state {
            if let Some(answer) = process.ask(&question) {
                return Some(answer);
            }
            *state = State::GivenUp;
        }
        None
    }
}

impl Process {
    fn start() -> Option<Self> {
        let mut command = Command::new(std::env::current_exe().ok()?);
        command.args(["hook", "rules"]).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let (to, from) = (child.stdin.take()?, child.stdout.take()?);
        let mut process = Self { child, to, from };
        let mut ready = [0; READY.len()];
        process.from.read_exact(&mut ready).ok()?;
        (ready == *READY).then_some(process)
    }

    fn ask(&mut self, question: &[u8]) -> Option<Answer> {
        send(&mut self.to, question)?;
        receive(&mut self.from)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(to: &mut impl Write, bytes: &[u8]) -> Option<()> {
    to.write_all(&u32::try_from(bytes.len()).ok()?.to_le_bytes()).ok()?;
    to.write_all(bytes).ok()?;
    to.flush().ok()
}

fn receive<T: DeserializeOwned>(from: &mut impl Read) -> Option<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let length = usize::try_from(u32::from_le_bytes(length)).ok().filter(|length| *length <= LARGEST)?;
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).ok()?;
    postcard::from_bytes(&bytes).ok()
}

/// Answers the questions on standard input until there is no other. Whatever an expression does, it is done to
/// this process alone.
pub fn serve() {
    let limits =
        [(Resource::Cpu, MOST_OF_ALL), (Resource::As, MEMORY), (Resource::Core, 0), (Resource::Nofile, 16)];
    for (resource, most) in limits {
        let most = Rlimit { current: Some(most), maximum: Some(most) };
        if setrlimit(resource, most).is_err() {
            return;
        }
    }
    let (mut from, mut to) = (stdin().lock(), stdout().lock());
    let mut evaluator = Evaluator::new();
    if to.write_all(READY).and_then(|()| to.flush()).is_err() {
        return;
    }
    thread::spawn(watch);
    while let Some(question) = receive::<Question>(&mut from) {
        SINCE.store(taken(), Ordering::Relaxed);
        let Ok(answer) = postcard::to_stdvec(&evaluator.answer(question)) else { return };
        SINCE.store(u64::MAX, Ordering::Relaxed);
        if send(&mut to, &answer).is_none() {
            return;
        }
    }
}

/// What the process had taken when it began the answer that it is at.
static SINCE: AtomicU64 = AtomicU64::new(u64::MAX);

/// Ends the process where an answer takes too much.
fn watch() {
    loop {
        thread::sleep(PACE);
        if taken().saturating_sub(SINCE.load(Ordering::Relaxed)) > MOST {
            exit(1);
        }
    }
}

/// Milliseconds of processor time that the process has taken.
fn taken() -> u64 {
    let taken = clock_gettime(ClockId::ProcessCPUTime);
    (taken.tv_sec * 1000 + taken.tv_nsec / 1_000_000).unsigned_abs()
}
