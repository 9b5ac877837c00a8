//! What is remembered: the journal on the server, and the record in Git.
//!
//! - An intent is durable before pre-receive accepts; an outcome is durable before it is shown.
//! - Every intent ends in exactly one outcome, or is withdrawn because Git did not accept the push.
//! - The note and the ref follow from the outcome in the journal; a crash between the two is repaired
//!   by whoever holds the environment's lock next.
//!
//! Nothing is printed here.

mod begun;
mod cancel;
mod entry;
mod history;
mod journal;
mod lock;
mod note;
mod place;
mod refs;
mod state;

pub use begun::Begun;
pub use cancel::Cancel;
pub use entry::{Counts, DeploymentId, Entry, Intent, Outcome, OutcomeKind};
pub use history::{history, recorded};
pub use journal::Journal;
pub use lock::{Holder, Lock};
pub use note::Note;
pub use place::{forget, place, places, remember};
pub use refs::{NOTES, deployed_ref, retire, write};
pub use state::{Environment, Fate, Open, Stage, State};

/// Now, in whole seconds, as every record writes it.
#[must_use]
pub fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}
