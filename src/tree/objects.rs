//! Git's objects through gix, those of a push that is not accepted yet included.
//!
//! While pre-receive runs, the pushed objects are in quarantine, which `gix::open` does not know of; so
//! a quarantine and the repository's own store are two stores asked in turn. Neither obeys
//! `refs/replace/*`: what was pushed there must not change what is read here.

use std::{collections::HashSet, path::Path};

use gix::{
    ObjectId,
    bstr::BStr,
    hash,
    objs::{Data, Find, FindHeader, Header, Kind as ObjectKind, TreeRefIter, tree::EntryKind},
};

use super::{Entry, Files, Kind, MAX_FILE};
use crate::error::{Doing, Error, Result};

/// The largest commit or folder that is read, in bytes.
const MAX_META: u64 = 16 << 20;

/// So many messages of a history are read, the newest first.
const MOST_COMMITS: usize = 10_000;

/// The objects of a repository.
pub struct Objects {
    stores: Vec<gix::odb::Handle>,
}

impl Objects {
    /// Opens the store of the repository at `git_dir`, behind a quarantine where there is one.
    ///
    /// # Errors
    /// A store cannot be opened.
    pub fn open(git_dir: &Path, quarantine: Option<&Path>) -> Result<Self> {
        let own = git_dir.join("objects");
        let open = |path: &Path| -> Result<_> {
            let mut store = gix::odb::at(path, hash::Kind::Sha1).doing("open the objects in", path)?;
            store.ignore_replacements = true;
            Ok(store)
        };
        let mut stores = Vec::new();
        if let Some(quarantine) = quarantine {
            let mut store = open(quarantine)?;
            // It is complete: looking into it anew for everything that the repository itself has would be most
            // of what is asked of the kernel.
            store.refresh_never();
            stores.push(store);
        }
        stores.push(open(&own)?);
        Ok(Self { stores })
    }

    /// The folder of the commit that `id` is; `None` where it is something else, be it a tag.
    ///
    /// # Errors
    /// The object is missing or broken.
    pub fn tree_of_commit(&self, id: ObjectId) -> Result<Option<ObjectId>> {
        if self.header(id)?.kind != ObjectKind::Commit {
            return Ok(None);
        }
        let mut buffer = Vec::new();
        let data = self.meta(id, &mut buffer)?;
        let tree = gix::objs::CommitRefIter::from_bytes(data.data, hash::Kind::Sha1).tree_id();
        tree.map(Some).map_err(|error| broken(id, &error))
    }

    /// Whether `old` is in the history of `new`.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn is_ancestor(&self, old: ObjectId, new: ObjectId) -> Result<bool> {
        if old == new {
            return Ok(true);
        }
        let mut graph = gix::revision::plumbing::Graph::new(self, None);
        let bases = gix::revision::plumbing::merge_base(old, &[new], &mut graph)
            .map_err(|error| broken(new, &error))?;
        Ok(bases.is_some_and(|bases| bases.contains(&old)))
    }

    /// Hands over the message of each commit that `to` has and `from` has not, where that is not the same; of
    /// `to` alone where there is nothing to begin from.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn messages(&self, from: Option<ObjectId>, to: ObjectId, mut each: impl FnMut(&[u8])) -> Result<()> {
        let mut buffer = Vec::new();
        let mut hand = |id: ObjectId| -> Result<()> {
            let data = self.meta(id, &mut buffer)?;
            let commit = gix::objs::CommitRefIter::from_bytes(data.data, hash::Kind::Sha1);
            each(commit.message().map_err(|error| broken(id, &error))?);
            Ok(())
        };
        let Some(from) = from.filter(|from| *from != to && self.has(*from)) else { return hand(to) };
        let walk = gix::traverse::commit::Simple::new([to], self).hide([from]);
        for commit in walk.map_err(|error| broken(to, &error))?.take(MOST_COMMITS) {
            hand(commit.map_err(|error| broken(to, &error))?.id)?;
        }
        Ok(())
    }

    /// Whether there is such an object.
    #[must_use]
    pub fn has(&self, id: ObjectId) -> bool {
        matches!(self.try_header(&id), Ok(Some(_)))
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// It is missing, broken, or larger than [`MAX_FILE`].
    pub fn blob(&self, id: ObjectId) -> Result<Vec<u8>> {
        if self.header(id)?.size > MAX_FILE {
            return Err(Error::revision(format!("object {id} is larger than {} MiB", MAX_FILE >> 20)));
        }
        let mut buffer = Vec::new();
        let found = self.try_find(&id, &mut buffer).map_err(|error| broken(id, &error))?;
        found.map(|_| ()).ok_or_else(|| missing(id))?;
        Ok(buffer)
    }

    fn header(&self, id: ObjectId) -> Result<Header> {
        let found = self.try_header(&id).map_err(|error| broken(id, &error))?;
        found.ok_or_else(|| missing(id))
    }

    fn meta<'a>(&self, id: ObjectId, buffer: &'a mut Vec<u8>) -> Result<Data<'a>> {
        if self.header(id)?.size > MAX_META {
            return Err(Error::revision(format!("object {id} is larger than {} MiB", MAX_META >> 20)));
        }
        let found = self.try_find(&id, buffer).map_err(|error| broken(id, &error))?;
        found.ok_or_else(|| missing(id))
    }
}

fn missing(id: ObjectId) -> Error {
    Error::server(format!("object {id} is missing in the repository"))
        .help("push again; if it stays so, on the server: git fsck")
}

fn broken(id: ObjectId, error: &dyn std::fmt::Display) -> Error {
    Error::server(format!("object {id} cannot be read: {error}"))
        .help("push again; if it stays so, on the server: git fsck")
}

impl Find for Objects {
    fn try_find<'a>(&self, id: &hash::oid, buffer: &'a mut Vec<u8>) -> gix::Result<Option<Data<'a>>> {
        for store in &self.stores {
            // Asked twice, because a borrow of `buffer` that may be returned cannot be taken back.
            if store.try_header(id)?.is_some() {
                return Find::try_find(store, id, buffer);
            }
        }
        Ok(None)
    }
}

impl FindHeader for Objects {
    fn try_header(&self, id: &hash::oid) -> gix::Result<Option<Header>> {
        for store in &self.stores {
            if let Some(header) = FindHeader::try_header(store, id)? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

/// The files of one commit.
pub struct GitFiles<'o> {
    objects: &'o Objects,
    root: ObjectId,
}

impl<'o> GitFiles<'o> {
    /// The files of the commit whose tree is `root`.
    #[must_use]
    pub fn new(objects: &'o Objects, root: ObjectId) -> Self {
        Self { objects, root }
    }
}

impl Files for GitFiles<'_> {
    type Id = ObjectId;

    fn blob(id: &ObjectId) -> Option<ObjectId> {
        Some(*id)
    }

    fn root(&self) -> ObjectId {
        self.root
    }

    fn list(&self, folder: &ObjectId) -> Result<Vec<Entry<ObjectId>>> {
        if folder.is_empty_tree() {
            return Ok(Vec::new());
        }
        let mut buffer = Vec::new();
        let data = self.objects.meta(*folder, &mut buffer)?;
        let mut seen = HashSet::new();
        let entries = TreeRefIter::from_bytes(data.data, hash::Kind::Sha1).map(|entry| {
            let entry = entry.map_err(|error| broken(*folder, &error))?;
            let kind = match entry.mode.kind() {
                // No folder has a name twice, and which of them is meant nobody knows.
                _ if is_impossible(entry.filename) || !seen.insert(entry.filename) => Kind::Impossible,
                EntryKind::Tree => Kind::Folder,
                EntryKind::Blob | EntryKind::BlobExecutable => Kind::File,
                EntryKind::Link => Kind::Link,
                EntryKind::Commit => Kind::Submodule,
            };
            Ok(Entry { name: entry.filename.to_owned(), kind, id: entry.oid.to_owned() })
        });
        entries.collect()
    }

    fn size(&self, file: &ObjectId) -> Result<u64> {
        Ok(self.objects.header(*file)?.size)
    }

    fn read(&self, file: &ObjectId) -> Result<Vec<u8>> {
        self.objects.blob(*file)
    }
}

/// Whether a name in a tree is more than one name, or a way up. Git refuses such a tree where `receive.fsckObjects` is on,
/// and that is a setting.
fn is_impossible(name: &BStr) -> bool {
    name.is_empty() || name == "." || name == ".." || name.contains(&b'/')
}
