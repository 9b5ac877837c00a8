//! Where an environment runs. Only this room knows how a target is laid out, and it knows nothing of Git
//! but the hashes by which contents are compared.

mod directory;

use gix::ObjectId;

use crate::{config, error::Result, plan::Items};
use directory::Directory;

/// The bytes of a wanted item.
pub type Read<'a> = &'a dyn Fn(&ObjectId) -> Result<Vec<u8>>;

/// A place where an environment runs.
pub trait Target {
    /// What it holds now. It changes nothing, and fails where a deployment would be bound to fail: a
    /// target that is unreachable, read-only or not ours.
    ///
    /// # Errors
    /// What the server's administrator has to mend.
    fn inspect(&self) -> Result<Items>;

    /// Makes it hold exactly `wanted`. A run that was cut off at any point is completed by another.
    ///
    /// # Errors
    /// It holds what it held before.
    fn apply(&self, wanted: &Items, read: Read<'_>) -> Result<()>;
}

/// The target of an environment. `owner` is the identity of its repository.
#[must_use]
pub fn of(environment: &config::Environment, owner: &str) -> Box<dyn Target> {
    match &environment.target {
        config::Target::Directory(folder) => Box::new(Directory::new(folder, owner, &environment.name)),
    }
}
