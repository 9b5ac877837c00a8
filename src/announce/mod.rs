//! Deployments announced where people look: commit statuses, and a signed webhook.
//!
//! - Nothing waits for it. A worker puts a note on the disk and goes on; a process of its own sends it.
//! - What is on the disk is said, whatever dies: at least once, under one name, and of one commit never an older
//!   status after a newer one. After a day it is given up.
//! - A deployment that has not begun is not announced: before acceptance nobody else can see its commit.
//!
//! docs/announce.md is for those who set it up and for those who listen.

mod lane;
mod log;
mod note;
mod outbox;
mod request;
mod secret;
mod send;
mod sender;

pub use log::Log;
pub use note::Note;
pub use outbox::{Outbox, Waiting};
pub use sender::run;

use jiff::Timestamp;
use secret::Secret;
use send::Answer;

use crate::{config::Destination, error::Result, record::Lock, repository::Repository, text};

/// Puts a note on the disk for every destination. Doing it again changes nothing.
///
/// # Errors
/// It cannot be written.
pub fn add(repository: &Repository, destinations: &[Destination], note: &Note) -> Result<()> {
    let outbox = Outbox::of(repository);
    destinations.iter().try_for_each(|destination| outbox.add(destination, note))
}

/// Whether something waits and nobody sends it.
#[must_use]
pub fn is_forgotten(repository: &Repository) -> bool {
    // In this order: who sends looks once more after it has let go of the lock.
    !Outbox::of(repository).is_empty() && Lock::holder(&repository.state(), sender::LOCK).is_none()
}

/// What could not be announced yet, in a line for each destination.
#[must_use]
pub fn troubles(repository: &Repository, destinations: &[Destination]) -> Vec<String> {
    let outbox = Outbox::of(repository);
    let nobody = is_forgotten(repository);
    let trouble = |destination: &Destination| {
        let waiting = outbox.waiting(&destination.key());
        let since = waiting.first()?.since;
        let since = Timestamp::from_second(since.as_second()).unwrap_or(since);
        let error = waiting.iter().find_map(|waiting| waiting.error.clone());
        let error = error.or_else(|| nobody.then(|| "nobody sends it: instate resume".to_owned()))?;
        let many = text::count(waiting.len(), "deployment");
        Some(format!("{many} not announced since {since} to {destination}: {error}"))
    };
    destinations.iter().filter_map(trouble).collect()
}
