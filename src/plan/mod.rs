//! Wanted against live against inventory: the ordered changes that make one the other. Nothing is changed
//! here, and no connection is open: what is live is handed in as values.

pub mod diff;
pub mod field_path;
pub mod fields;
pub mod files;
mod owned;
mod protected;

pub use owned::{entry, owns_the_same, unchanged};
pub use protected::is_protected;

use serde::{Deserialize, Serialize};

use crate::record::Counts;

/// What is done to one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there.
    Create,
    /// It is there and different.
    Update,
    /// It is there and different where it cannot be changed: deleted and created.
    Replace,
    /// It is there and no longer wanted.
    Delete,
}

impl Action {
    /// The word that messages use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }

    /// The word for what was done.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Replace => "replaced",
            Self::Delete => "deleted",
        }
    }
}

/// How much these actions change.
#[must_use]
pub fn counts(actions: impl Iterator<Item = Action>) -> Counts {
    let mut counts = Counts::default();
    for action in actions {
        match action {
            Action::Create => counts.created += 1,
            Action::Update => counts.updated += 1,
            Action::Replace => counts.replaced += 1,
            Action::Delete => counts.deleted += 1,
        }
    }
    counts
}
