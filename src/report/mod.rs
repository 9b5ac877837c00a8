//! Events in, lines out: for a person or, one JSON object a line, for a program.
//!
//! This is the only room that prints. Whatever reads the lines may be slow or dead: a line waits for its
//! reader for a bounded time, then no more lines are written and the work goes on.

mod event;
mod finding;
mod human;
mod out;

pub use event::{Ended, Event, PlanLine, Progress, Standing};
#[cfg(test)]
pub(crate) use finding::all as findings;
pub use human::Voice;
pub use out::Out;

use clap::ValueEnum;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Lines for a person.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Writes events.
pub struct Report {
    format: Format,
    voice: Voice,
    out: Out,
}

impl Report {
    /// Writes events as `format` to `out`.
    #[must_use]
    pub fn new(format: Format, voice: Voice, out: Out) -> Self {
        Self { format, voice, out }
    }

    /// Writes one event.
    pub fn event(&mut self, event: &Event) {
        match self.format {
            Format::Human => human::lines(event, self.voice).iter().for_each(|line| self.out.line(line)),
            Format::Json => self.out.line(&serde_json::to_string(event).unwrap_or_default()),
        }
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.out.is_dead()
    }
}
