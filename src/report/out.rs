//! Lines to a reader that may be slow or dead.

use std::{
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, write},
};

/// How long a line waits for its reader. Git's client reads at once, unless it is gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// A pipe that has room has room for so many bytes.
const AT_ONCE: usize = 4096;

/// Where lines go. Standard streams are written through here alone: `eprintln!` panics when the reader
/// is gone, and a plain write to a full pipe waits for ever when a dead client's receive-pack holds it.
#[derive(Debug)]
pub struct Out {
    to: To,
    dead: bool,
}

#[derive(Debug)]
enum To {
    Stdout,
    Stderr,
    #[cfg(test)]
    Fd(std::os::fd::OwnedFd),
}

impl Out {
    /// Standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self { to: To::Stdout, dead: false }
    }

    /// Standard error, which Git shows to the person who pushes.
    #[must_use]
    pub fn stderr() -> Self {
        Self { to: To::Stderr, dead: false }
    }

    /// Whether the reader is gone; nothing is written any more.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// Writes a line, in one write where it is not overlong.
    pub fn line(&mut self, line: &str) {
        self.bytes(format!("{line}\n").as_bytes());
    }

    /// Writes bytes, for a reader that is a program.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.dead {
            match self.some(&rest[..rest.len().min(AT_ONCE)]) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => self.dead = true,
            }
        }
    }

    fn some(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
        let fd: BorrowedFd<'_> = match &self.to {
            To::Stdout => stdout.as_fd(),
            To::Stderr => stderr.as_fd(),
            #[cfg(test)]
            To::Fd(fd) => fd.as_fd(),
        };
        let patience = Timespec::try_from(PATIENCE).map_err(|_| Errno::INVAL)?;
        let mut fds = [PollFd::new(&fd, PollFlags::OUT)];
        match poll(&mut fds, Some(&patience))? {
            0 => Err(Errno::TIMEDOUT),
            _ => write(fd, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_is_gone_stops_the_lines_and_not_the_work() {
        let (reader, writer) = rustix::pipe::pipe().expect("because there are handles");
        drop(reader);
        let mut out = Out { to: To::Fd(writer), dead: false };
        out.line("anything");
        assert!(out.is_dead());
        out.line("more");
    }
}
