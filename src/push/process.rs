//! A process that can be told from a later one with the same number.

use std::{
    fmt, fs,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    text,
};

/// How far up the process tree a `git receive-pack` is looked for, through the shells of hook runners.
const MAX_PARENTS: usize = 16;
/// Of a program so many arguments are looked at.
const ARGUMENTS: usize = 4;

/// A process, by its number and the moment it was started (in clock ticks since boot).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it was started, as `/proc/PID/stat` says.
    pub started: u64,
}

impl Process {
    /// The process with this number, if it lives.
    #[must_use]
    pub fn find(pid: i32) -> Option<Self> {
        let (_, started) = stat(pid)?;
        Some(Self { pid, started })
    }

    /// This process.
    #[must_use]
    pub fn own() -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self::find(pid).unwrap_or(Self { pid, started: 0 })
    }

    /// The `git receive-pack` above this process: the parent of a hook, or further up where a shell
    /// runs several hooks. Its parent where none is found.
    ///
    /// # Errors
    /// It has no parent.
    pub fn receiver() -> Result<Self> {
        let own = Self::own();
        let found = own.parents().find(|above| above.is_receiver());
        // Whose own parent has ended was given another, which is no push.
        let nearest = || own.parents().next().filter(|parent| parent.pid > 1);
        let orphaned = || Error::server("the hook has no parent process").help("push again");
        found.or_else(nearest).ok_or_else(orphaned)
    }

    /// The processes above it, the nearest first.
    fn parents(self) -> impl Iterator<Item = Self> {
        let parent = |below: &Self| stat(below.pid).and_then(|(parent, _)| Self::find(parent));
        std::iter::successors(Some(self), parent).skip(1).take(MAX_PARENTS)
    }

    /// With what it was started, its own name first.
    fn arguments(self) -> Vec<Vec<u8>> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        line.split(|byte| *byte == 0).take(ARGUMENTS).map(<[u8]>::to_vec).collect()
    }

    fn is_receiver(self) -> bool {
        let is_it = |word: &Vec<u8>| word == b"receive-pack" || word.ends_with(b"git-receive-pack");
        self.arguments().iter().any(is_it)
    }

    /// The programs above it, the nearest first, as far as the system shows them.
    pub(super) fn above(self) -> Vec<Above> {
        let program = |process: &str| {
            fs::metadata(format!("/proc/{process}/exe")).ok().map(|file| (file.dev(), file.ino()))
        };
        let own = program("self");
        let account = rustix::process::geteuid().as_raw();
        let look = |above: Self| {
            let pid = above.pid.to_string();
            // Another's program vouches for nobody, however it is called.
            let uid = fs::metadata(format!("/proc/{pid}")).ok()?.uid();
            if uid != account && uid != 0 {
                return None;
            }
            let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
            let name = String::from_utf8_lossy(&name).trim_end().to_owned();
            let is_ours = own.is_some() && program(&pid) == own;
            Some(Above { name, arguments: above.arguments(), is_ours })
        };
        self.parents().filter_map(look).collect()
    }

    /// Whether it still runs.
    #[must_use]
    pub fn lives(self) -> bool {
        Self::find(self.pid) == Some(self)
    }

    /// A handle on which its end can be waited for.
    ///
    /// # Errors
    /// The kernel has no such handles (Linux before 5.3).
    pub fn handle(self) -> Result<Option<Handle>> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(None) };
        match pidfd_open(pid, PidfdFlags::empty()) {
            // Between looking and opening the number may have been given to another.
            Ok(handle) => Ok(self.lives().then_some(Handle(handle))),
            Err(rustix::io::Errno::SRCH) => Ok(None),
            Err(error) => Err(Error::server(format!("cannot wait for a process to end: {error}"))
                .help("instate needs Linux 5.3 or newer")),
        }
    }
}

/// A program that stands above a hook.
#[derive(Debug, Clone)]
pub(super) struct Above {
    /// The kernel's word for it, of at most 15 bytes.
    pub name: String,
    /// With what it was started, its own name first.
    pub arguments: Vec<Vec<u8>>,
    /// Whether it is this very program.
    pub is_ours: bool,
}

/// The account that this process runs as, by the system's list of them: asking for more would ask a network.
pub(super) fn account() -> String {
    let uid = rustix::process::geteuid().as_raw();
    account_of(uid).unwrap_or_else(|| format!("uid {uid}"))
}

/// The name of an account, by the same list.
#[must_use]
pub fn account_of(uid: u32) -> Option<String> {
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| text::excerpt(name, 80))
    })
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)
    }
}

/// A living process that can be waited for.
#[derive(Debug)]
pub struct Handle(OwnedFd);

impl Handle {
    /// Returns when the process has ended.
    pub fn wait(&self) {
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        while let Err(rustix::io::Errno::INTR) = poll(&mut fds, None) {}
    }
}

/// The parent and the start of a process. The name in `/proc/PID/stat` may hold anything, so the
/// fields are counted from behind it.
fn stat(pid: i32) -> Option<(i32, u64)> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
    let zombie = matches!(fields.first(), Some(&"Z" | &"X"));
    if zombie { None } else { Some((fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?)) }
}
