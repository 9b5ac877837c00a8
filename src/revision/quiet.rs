//! Whether there is nothing to say of a revision, found out folder by folder: Git gives a folder that did not
//! change the hash that it had, and what was quiet under that hash still is.
//!
//! It answers "nothing to say" or "look at it whole": whatever is unusual, be it a warning, is left to the
//! reading of all files.

use std::{cell::OnceCell, hash::Hash};

use gix::{ObjectId, bstr::ByteSlice};
use serde::{Deserialize, Serialize};

use super::{
    by_itself,
    says::{Says, Sum, Summing},
};
use crate::{
    cache::Cache,
    check::schema::{Minor, Schemas},
    error::Result,
    text,
    tree::{
        Entry, Files, IGNORE, Kind, MAX_DEPTH, MAX_ENTRIES, MAX_FILE, MAX_FILES, MAX_OBJECTS, MAX_PATH,
        MAX_TOTAL, is_manifest, renders,
    },
};

/// Names that are at most so long, in bytes, make no path too long, however deep they are.
const SHORT: usize = MAX_PATH / (MAX_DEPTH + 1);

/// A revision of which nothing is to be said by its files one by one.
pub(super) struct Quiet {
    /// How many objects it has.
    pub objects: usize,
    /// Under this the cache remembers that nothing is to be said of them together either.
    pub together: ObjectId,
    /// What the cache has not yet.
    pub new: Vec<(ObjectId, Vec<u8>)>,
}

/// What is below a quiet folder.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Below {
    names: usize,
    files: usize,
    bytes: u64,
    objects: usize,
    /// Of folders in folders.
    depth: usize,
    /// What tells what its objects say from anything else.
    sum: Sum,
}

impl Below {
    fn add(&mut self, other: &Self) {
        self.names += other.names;
        self.files += other.files;
        self.bytes += other.bytes;
        self.objects += other.objects;
        self.depth = self.depth.max(other.depth + 1);
    }

    fn fits(&self) -> bool {
        self.names <= MAX_ENTRIES
            && self.files <= MAX_FILES
            && self.bytes <= MAX_TOTAL
            && self.objects <= MAX_OBJECTS
            && self.depth <= MAX_DEPTH
    }
}

/// Looks at the folder `path` of a revision. `None` where it has to be looked at whole.
///
/// # Errors
/// It cannot be read.
pub(super) fn look<F: Files>(
    files: &F,
    path: &str,
    (minor, namespace): (Minor, &str),
    cache: &Cache,
) -> Result<Option<Quiet>> {
    let mut folder = files.root();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        let entries = files.list(&folder)?;
        if entries.iter().any(|entry| entry.name == IGNORE) {
            return Ok(None);
        }
        match entries.into_iter().find(|entry| entry.name == part) {
            Some(entry) if entry.kind == Kind::Folder => folder = entry.id,
            _ => return Ok(None),
        }
    }
    let mut looking = Looking { files, minor, cache, schemas: OnceCell::new(), names: 0, new: Vec::new() };
    let Some(below) = looking.folder(&folder, 0)?.filter(Below::fits) else { return Ok(None) };
    let together = key(&("together", minor.0, namespace, below.sum));
    Ok(Some(Quiet { objects: below.objects, together, new: looking.new }))
}

struct Looking<'l, F> {
    files: &'l F,
    minor: Minor,
    cache: &'l Cache,
    /// Read when the first file is that nobody has seen before.
    schemas: OnceCell<Schemas>,
    /// That were listed.
    names: usize,
    new: Vec<(ObjectId, Vec<u8>)>,
}

impl<F: Files> Looking<'_, F> {
    fn folder(&mut self, id: &F::Id, depth: usize) -> Result<Option<Below>> {
        let Some(known) = F::blob(id).map(|id| key(&("folder", self.minor.0, id.as_slice()))) else {
            return Ok(None);
        };
        let remembered = self.cache.find(&known).map(|bytes| postcard::from_bytes(&bytes));
        if let Some(Ok(below)) = remembered {
            return Ok(Some(below));
        }
        let entries = self.files.list(id)?;
        self.names += entries.len();
        if depth > MAX_DEPTH || self.names > MAX_ENTRIES {
            return Ok(None);
        }
        let (mut all, mut summing) = (Below { names: entries.len(), ..Below::default() }, Summing::new());
        for Entry { name, kind, id } in entries {
            if name == IGNORE || renders(name.as_ref()) {
                return Ok(None);
            }
            let one = match kind {
                // Paths are not known here: what could make one too long is looked at where they are.
                _ if name.len() > SHORT => None,
                Kind::Folder if name.starts_with(b".") => continue,
                Kind::Folder => self.folder(&id, depth + 1)?,
                Kind::File | Kind::Other if !is_manifest(name.as_ref()) => continue,
                Kind::File if name.to_str().is_ok_and(text::is_clean) => self.file(&id)?,
                _ => None,
            };
            let Some(one) = one.filter(Below::fits) else { return Ok(None) };
            if kind == Kind::Folder {
                all.add(&one);
            } else {
                all.files += 1;
                all.bytes += one.bytes;
                all.objects += one.objects;
            }
            one.sum.hash(&mut summing);
        }
        all.sum = summing.sum();
        self.new.extend(postcard::to_stdvec(&all).ok().map(|bytes| (known, bytes)));
        Ok(Some(all))
    }

    fn file(&mut self, id: &F::Id) -> Result<Option<Below>> {
        let Some(blob) = F::blob(id) else { return Ok(None) };
        let known = self.cache.find(&blob).and_then(Says::from_bytes);
        let says = match known.filter(|says| says.checked() == Some(self.minor)) {
            Some(says) => says,
            None => {
                if self.files.size(id)? > MAX_FILE {
                    return Ok(None);
                }
                let schemas = self.schemas.get_or_init(|| Schemas::compiled(self.minor));
                let says = by_itself("", self.files.read(id)?, Some(schemas));
                self.new.push((blob, says.to_bytes()));
                says
            }
        };
        let below = Below { bytes: says.size(), objects: says.count(), sum: *says.sum(), ..Below::default() };
        Ok(says.is_quiet().then_some(below))
    }
}

fn key(of: &impl Hash) -> ObjectId {
    let mut summing = Summing::new();
    of.hash(&mut summing);
    ObjectId::Sha1(summing.sum())
}
