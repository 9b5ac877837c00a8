//! The bytes of a revision, and which of its files are manifests.
//!
//! Everything here was pushed by somebody: sizes are asked before bytes are read, depth and number are
//! bounded, links are not followed. Nothing is parsed.

mod changed;
mod disk;
mod named;
mod objects;
mod snapshot;

pub use changed::{Changed, changed};
pub use disk::Disk;
pub use named::Named;
pub use objects::{GitFiles, Objects};
pub use snapshot::{File, Snapshot, snapshot};
pub(crate) use snapshot::{IGNORE, MAX_PATH, is_manifest, renders};

use gix::{ObjectId, bstr::BString};

use crate::error::Result;

/// The largest manifest, in bytes. Ten times what an API server stores as one object.
pub const MAX_FILE: u64 = 16 << 20;
/// All manifests of an environment together, in bytes.
pub const MAX_TOTAL: u64 = 64 << 20;
/// Manifests of an environment.
pub const MAX_FILES: usize = 20_000;
/// Objects of an environment.
pub const MAX_OBJECTS: usize = 50_000;
/// Everything below an environment's path that is looked at, in names.
pub const MAX_ENTRIES: usize = 500_000;
/// Folders in folders.
pub const MAX_DEPTH: usize = 32;

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    File,
    /// More names.
    Folder,
    /// A symbolic link.
    Link,
    /// A commit of another repository.
    Submodule,
    /// A socket, a pipe, a device: only on a disk.
    Other,
    /// Whatever it is, no file can have that name: only in a tree that was made by hand.
    Impossible,
}

/// A name in a folder.
#[derive(Debug, Clone)]
pub struct Entry<Id> {
    /// The name alone, as bytes, since Git allows any.
    pub name: BString,
    /// What it is.
    pub kind: Kind,
    /// How to ask for it.
    pub id: Id,
}

/// Where files come from: a revision, or a working folder on a laptop.
pub trait Files {
    /// Names a file or folder.
    type Id: Clone;

    /// The hash of a file's bytes, where that is known without reading it.
    #[must_use]
    fn blob(_: &Self::Id) -> Option<ObjectId> {
        None
    }

    /// The folder that everything is in.
    fn root(&self) -> Self::Id;

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// The folder cannot be read.
    fn list(&self, folder: &Self::Id) -> Result<Vec<Entry<Self::Id>>>;

    /// The size of a file in bytes, without reading it.
    ///
    /// # Errors
    /// There is no such file.
    fn size(&self, file: &Self::Id) -> Result<u64>;

    /// The bytes of a file, or the text of a link.
    ///
    /// # Errors
    /// It cannot be read, or is larger than [`MAX_FILE`].
    fn read(&self, file: &Self::Id) -> Result<Vec<u8>>;
}
