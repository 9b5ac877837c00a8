//! Reading and writing the files of a folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path, PathBuf},
};

use gix::{ObjectId, hash, objs::Kind};

use super::{
    super::Read,
    marker::{MARKER, NEW_MARKER},
};
use crate::{
    error::{Doing, Error, Result},
    files::sync_folder,
    plan::files::Items,
    tree::{Disk, Files, Kind as EntryKind, MAX_DEPTH, MAX_ENTRIES},
};

/// What is in a folder, down to the last file.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Plain files by their path below it, and where they are.
    pub files: BTreeMap<String, PathBuf>,
    /// Links, pipes, names that are no text: nothing that instate writes.
    strange: Vec<String>,
}

impl Names {
    /// The first name that is not in `known`.
    pub fn foreign(&self, known: &BTreeSet<String>) -> Option<&str> {
        let unknown = self.files.keys().filter(|name| !known.contains(*name));
        unknown.chain(&self.strange).next().map(String::as_str)
    }

    /// The files, with the hash that Git gives their bytes. Every byte is hashed: times and sizes can be set,
    /// and manifests are small.
    pub fn read(self) -> Result<Items> {
        let disk = Disk::new(Path::new("/"));
        let hashed = self.files.into_iter().map(|(below, path)| Ok((below, hash_of(&disk.read(&path)?)?)));
        hashed.collect()
    }
}

/// Lists a folder; no file is read.
pub(super) fn names(folder: &Path) -> Result<Names> {
    let disk = Disk::new(folder);
    let mut found = Names::default();
    let mut left = vec![(disk.root(), String::new(), 0)];
    let mut names = 0;
    while let Some((path, prefix, depth)) = left.pop() {
        for entry in disk.list(&path)? {
            names += 1;
            if names > MAX_ENTRIES || depth > MAX_DEPTH + 1 {
                return Err(Error::server(format!(
                    "{} holds more than instate ever writes",
                    folder.display()
                )));
            }
            let below = format!("{prefix}{}", crate::text::excerpt_bytes(&entry.name, 300));
            match entry.kind {
                EntryKind::Folder => left.push((entry.id, format!("{below}/"), depth + 1)),
                EntryKind::File if below == MARKER || below == NEW_MARKER => {}
                EntryKind::File => {
                    found.files.insert(below, entry.id);
                }
                _ => found.strange.push(below),
            }
        }
    }
    Ok(found)
}

/// Makes a folder that nobody reads hold what is `wanted`, and only that, on the disk.
pub(super) fn update(folder: &Path, found: &Items, wanted: &Items, read: Read<'_>) -> Result<()> {
    let mut touched = BTreeSet::new();
    for below in found.keys().filter(|below| !wanted.contains_key(*below)) {
        let path = inside(folder, below)?;
        fs::remove_file(&path).doing("remove", &path)?;
        remove_empty(folder, &path);
        touched.extend(path.parent().map(Path::to_owned));
    }
    let mut written = Vec::new();
    for (below, id) in wanted.iter().filter(|(below, id)| found.get(*below) != Some(*id)) {
        let path = inside(folder, below)?;
        for parent in path.ancestors().skip(1).take_while(|parent| parent.starts_with(folder)) {
            touched.insert(parent.to_owned());
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).doing("make the folder", parent)?;
        }
        let bytes = read(id)?;
        let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let opened =
            OpenOptions::new().write(true).create(true).truncate(true).custom_flags(nofollow).open(&path);
        opened.and_then(|mut file| file.write_all(&bytes)).doing("write", &path)?;
        written.push(path);
    }
    // Only now, so that the system may write many at once; and only these, since what others write to the
    // same disk is not waited for.
    for path in written {
        fs::File::open(&path).and_then(|file| file.sync_all()).doing("sync", &path)?;
    }
    touched.iter().filter(|folder| folder.is_dir()).try_for_each(|folder| sync_folder(folder))
}

/// The path of a file in `folder`. Names that lead elsewhere were refused before; here it would be too late.
fn inside(folder: &Path, below: &str) -> Result<PathBuf> {
    let is_plain = Path::new(below).components().all(|part| matches!(part, Component::Normal(_)));
    if is_plain && !below.is_empty() {
        return Ok(folder.join(below));
    }
    Err(Error::revision(format!("`{}` leads out of the folder", crate::text::excerpt(below, 80))))
}

/// Removes the folders above a removed file that hold nothing any more.
fn remove_empty(folder: &Path, removed: &Path) {
    let above = removed.ancestors().skip(1).take_while(|path| *path != folder);
    for path in above {
        if fs::remove_dir(path).is_err() {
            return;
        }
    }
}

fn hash_of(bytes: &[u8]) -> Result<ObjectId> {
    gix::objs::compute_hash(hash::Kind::Sha1, Kind::Blob, bytes).map_err(Error::server)
}
