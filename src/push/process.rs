//! A process that can be told from a later one with the same number.

use std::{fmt, fs, os::fd::OwnedFd};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, getppid, pidfd_open},
};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How far up the process tree a `git receive-pack` is looked for, through the shells of hook runners.
const MAX_PARENTS: usize = 16;

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
        let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
        let mut next = parent;
        for _ in 0..MAX_PARENTS {
            let Some(pid) = next.filter(|pid| *pid > 1) else { break };
            if is_receiver(pid)
                && let Some(found) = Self::find(pid)
            {
                return Ok(found);
            }
            next = stat(pid).map(|(parent, _)| parent);
        }
        let orphaned = || Error::server("the hook has no parent process").help("push again");
        parent.and_then(Self::find).ok_or_else(orphaned)
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

fn is_receiver(pid: i32) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.split(|b| *b == 0).take(4).any(|a| a == b"receive-pack" || a.ends_with(b"git-receive-pack"))
}
