//! What stops instate: whose fault it is, what happened, and the one next step.

use std::{fmt, io, path::Path};

use crate::{finding::Finding, text};

/// Whose fault it is, and so what the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The revision or the deployment: exit 1.
    Revision,
    /// How the program was called or how the server is set up: exit 2.
    Server,
    /// Nothing is wrong, but it cannot be done now: exit 3.
    Later,
}

/// An error as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Whose fault it is.
    pub fault: Fault,
    /// What happened, in one line.
    pub message: String,
    /// The next step.
    pub help: Option<String>,
    /// Places in the server's own configuration, where it is about them.
    pub findings: Vec<Finding>,
}

/// The result of nearly everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn new(fault: Fault, message: impl fmt::Display) -> Self {
        Self { fault, message: text::clean(&message.to_string()), help: None, findings: Vec::new() }
    }

    /// The revision does not work, or its deployment failed.
    pub fn revision(message: impl fmt::Display) -> Self {
        Self::new(Fault::Revision, message)
    }

    /// The server or its configuration is at fault, or the call was.
    pub fn server(message: impl fmt::Display) -> Self {
        Self::new(Fault::Server, message)
    }

    /// It can work later.
    pub fn later(message: impl fmt::Display) -> Self {
        Self::new(Fault::Later, message)
    }

    /// The same error with its next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The program's exit code.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self.fault {
            Fault::Revision => 1,
            Fault::Server => 2,
            Fault::Later => 3,
        }
    }

    /// A failed call of the operating system on `path`.
    #[must_use]
    pub fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let new = Self::server(format!("cannot {doing} {}: {}", path.display(), reason(error)));
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                new.help("make room on the server's disk")
            }
            io::ErrorKind::ReadOnlyFilesystem => new.help("mount that file system so that it can be written"),
            io::ErrorKind::PermissionDenied => new.help("let the user that git runs as write there"),
            _ => new,
        }
    }
}

/// The operating system's words without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Says what was being done to which path when the operating system refused.
pub trait Doing<T> {
    /// `cannot {doing} {path}: {reason}`.
    ///
    /// # Errors
    /// The same failure, told to a person.
    fn doing(self, doing: &str, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing(self, doing: &str, path: &Path) -> Result<T> {
        self.map_err(|error| Error::io(doing, path, &error.into()))
    }
}
