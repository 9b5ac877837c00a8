//! Events in, lines out: for a person or, one JSON object a line, for a program.
//!
//! This is the only room that prints. Whatever reads the lines may be slow or dead: a line waits for its
//! reader for a bounded time, then no more lines are written and the work goes on.

mod event;
mod finding;
mod github;
mod human;
mod out;
mod sarif;

pub use event::{Ended, Event, PlanLine, Progress, Standing};
#[cfg(test)]
pub(crate) use finding::all as findings;
pub use human::Voice;
pub use out::Out;

use clap::ValueEnum;

use crate::finding::{Finding, Verdict};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Lines for a person.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
    /// One SARIF document of what was checked.
    Sarif,
    /// What was checked as workflow commands.
    Github,
}

impl Format {
    /// Whether it can say anything but what was checked.
    #[must_use]
    pub fn is_of_every_command(self) -> bool {
        matches!(self, Self::Human | Self::Json)
    }

    /// The format of that name that every command has.
    #[must_use]
    pub fn of_every_command(name: &str) -> Option<Self> {
        Self::from_str(name, false).ok().filter(|format| format.is_of_every_command())
    }
}

/// Writes events.
pub struct Report {
    format: Format,
    voice: Voice,
    out: Out,
    /// What was checked, where it becomes one document.
    checked: Vec<Finding>,
}

impl Report {
    /// Writes events as `format` to `out`.
    #[must_use]
    pub fn new(format: Format, voice: Voice, out: Out) -> Self {
        Self { format, voice, out, checked: Vec::new() }
    }

    /// From now on events are written as `format`.
    pub fn speak(&mut self, format: Format) {
        self.format = format;
    }

    /// Writes one event.
    pub fn event(&mut self, event: &Event) {
        let lines = match (self.format, event) {
            (Format::Json, event) => vec![serde_json::to_string(event).unwrap_or_default()],
            (Format::Github, Event::Checked { verdict, .. }) => github::commands(verdict),
            (Format::Sarif, Event::Checked { verdict, .. }) => {
                self.checked.extend_from_slice(verdict.findings());
                return;
            }
            // Nothing stands beside the document.
            (Format::Sarif, _) => return,
            (Format::Human | Format::Github, event) => human::lines(event, self.voice),
        };
        for line in lines {
            self.out.line(&line);
        }
    }

    /// Writes what could not be written before everything was known.
    pub fn finish(&mut self) {
        if self.format == Format::Sarif {
            let document = sarif::document(&Verdict::new(std::mem::take(&mut self.checked)));
            self.out.line(&serde_json::to_string_pretty(&document).unwrap_or_default());
        }
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.out.is_dead()
    }
}
