//! What is wrong with how instate stands on a server, and what puts it right.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    finding::{Finding, Severity},
    text,
};

/// Something that `instate doctor` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// An error where the gate is open, a push would be refused or nothing would be deployed; else a warning.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do, in words.
    pub help: Option<String>,
    /// What to type or to write for that, line by line.
    #[serde(default)]
    pub lines: Vec<String>,
    /// Places in the server's configuration.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

impl Trouble {
    /// The gate is open, or nothing goes through it.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message.into())
    }

    /// It works, but not as people expect.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message.into())
    }

    fn new(severity: Severity, message: String) -> Self {
        Self { severity, message, help: None, lines: Vec::new(), findings: Vec::new() }
    }

    /// The same with what to do, in words.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with one more line to type or to write.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// As bad as a warning.
    #[must_use]
    pub fn only_warns(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let Error { message, help, findings, .. } = error;
        Self { help, findings, ..Self::error(message) }
    }
}

/// A path as one types it in a shell.
#[must_use]
pub fn typed(path: &Path) -> String {
    text::shell_word(&path.to_string_lossy())
}
