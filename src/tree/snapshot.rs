//! Which files of a revision are the manifests of an environment.

use std::{collections::HashMap, os::unix::ffi::OsStrExt};

use gix::{
    bstr::{BStr, BString, ByteSlice},
    glob::pattern::Case,
    ignore::search::Ignore,
};

use super::{Entry, Files, Kind, MAX_DEPTH, MAX_ENTRIES, MAX_FILE, MAX_FILES, MAX_TOTAL};
use crate::{
    error::{Doing, Result},
    finding::{self, Code, Finding},
    source::Place,
    text,
};

/// The file that names what is no manifest.
pub const IGNORE: &str = ".instateignore";
/// The largest `.instateignore`, in bytes.
const MAX_IGNORE: u64 = 16 << 10;
/// All of them together, in bytes: their patterns are kept, and each is compared with every name.
const MAX_IGNORES: u64 = 64 << 10;
/// The longest name of a file, and the longest path, in bytes, that a file system takes.
const MAX_NAME: usize = 255;
pub const MAX_PATH: usize = 2000;

/// A manifest file, unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File<Id> {
    /// Its path in the repository, which is plain text.
    pub path: String,
    /// Where in it the path below the environment's path begins.
    below: usize,
    /// How to ask for its bytes.
    pub id: Id,
}

impl<Id> File<Id> {
    pub(super) fn new(path: String, below: usize, id: Id) -> Self {
        Self { path, below, id }
    }

    /// Its path below the environment's path.
    #[must_use]
    pub fn below(&self) -> &str {
        self.path.get(self.below..).unwrap_or(&self.path)
    }
}

/// The manifests of an environment in one revision.
#[derive(Debug, Clone)]
pub struct Snapshot<Id> {
    /// Sorted by path.
    pub files: Vec<File<Id>>,
    /// What is wrong with the tree itself.
    pub findings: Vec<Finding>,
}

/// Finds the manifests under `path` (`.` is all): `*.yaml`, `*.yml` and `*.json`, except in folders that
/// begin with a dot and what `.instateignore` names.
///
/// `size` knows how large some files are, which then are not asked.
///
/// # Errors
/// The revision's objects cannot be read, which is not the pusher's fault.
pub fn snapshot<F: Files>(
    files: &F,
    path: &str,
    size: &dyn Fn(&F::Id) -> Option<u64>,
) -> Result<Snapshot<F::Id>> {
    let mut walk = Walk {
        files,
        size,
        ignored: gix::ignore::Search::default(),
        names: 0,
        bytes: 0,
        ignores: 0,
        listed: Listed::default(),
        found: Snapshot { files: Vec::new(), findings: Vec::new() },
    };
    let mut folder = files.root();
    let mut prefix = BString::default();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        let entries = files.list(&folder)?;
        walk.ignore_file(&entries, prefix.as_ref())?;
        let entry = entries.into_iter().find(|entry| entry.name == part);
        let Some(entry) = entry.filter(|entry| entry.kind == Kind::Folder) else {
            let message =
                format!("the environment's path `{}` is no folder in this revision", text::clean(path));
            let finding = Finding::error(Code::PathMissing, message);
            walk.found.findings.push(finding.help("add it, or let the server's administrator change `path`"));
            return Ok(walk.found);
        };
        folder = entry.id;
        prefix = join(prefix.as_ref(), part.into());
    }
    let root = prefix.clone();
    walk.folder(&folder, prefix.as_ref(), root.as_ref(), 0)?;
    walk.found.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.found)
}

struct Walk<'f, F: Files> {
    files: &'f F,
    size: &'f dyn Fn(&F::Id) -> Option<u64>,
    ignored: gix::ignore::Search,
    names: usize,
    bytes: u64,
    /// The bytes of patterns.
    ignores: u64,
    listed: Listed<F::Id>,
    found: Snapshot<F::Id>,
}

/// Folders that links were looked for in, by what names them, and how many names that are: many links lead to few folders.
struct Listed<Id> {
    folders: HashMap<BString, HashMap<BString, (Kind, Id)>>,
    names: usize,
}

impl<Id> Default for Listed<Id> {
    fn default() -> Self {
        Self { folders: HashMap::new(), names: 0 }
    }
}

impl<F: Files> Walk<'_, F> {
    fn folder(&mut self, folder: &F::Id, prefix: &BStr, root: &BStr, depth: usize) -> Result<()> {
        // Said already, and one folder may stand for very many.
        if self.names > MAX_ENTRIES {
            return Ok(());
        }
        let entries = self.files.list(folder)?;
        self.names += entries.len();
        if self.names > MAX_ENTRIES {
            let message = format!("the tree has more than {MAX_ENTRIES} names");
            self.once(Code::TreeTooLarge, message, None, "keep manifests in a repository of their own");
            return Ok(());
        }
        self.ignore_file(&entries, prefix)?;
        if self.needs_rendering(&entries, prefix) {
            return Ok(());
        }
        for Entry { name, kind, id } in entries {
            let path = join(prefix, name.as_ref());
            if kind == Kind::Impossible {
                let help = "make the tree with git add and git commit; what is wrong with it says: git fsck";
                self.error(
                    Code::FileName,
                    "is a name that no file can have, or that stands there twice",
                    path.as_ref(),
                    help,
                );
                continue;
            }
            if name == ".git" || self.is_ignored(path.as_ref(), kind == Kind::Folder) {
                continue;
            }
            match kind {
                Kind::Folder if name.starts_with(b".") => {}
                Kind::Folder if depth + 1 > MAX_DEPTH => {
                    let message = format!("folders are nested more than {MAX_DEPTH} deep");
                    self.once(Code::TreeTooDeep, message, Some(path.as_ref()), "flatten the folder");
                }
                Kind::Folder => self.folder(&id, path.as_ref(), root, depth + 1)?,
                Kind::File | Kind::Other if !is_manifest(name.as_ref()) => {}
                Kind::File => self.file(&id, path.as_ref(), root)?,
                Kind::Other | Kind::Impossible => {
                    self.error(Code::NotText, "is no file", path.as_ref(), "name it in .instateignore");
                }
                Kind::Link if is_manifest(name.as_ref()) || self.leads_to_folder(&id, prefix)? => {
                    self.error(
                        Code::SymbolicLink,
                        "is a symbolic link, which would not be followed",
                        path.as_ref(),
                        "put the manifests themselves there, or name the link in .instateignore",
                    );
                }
                Kind::Link => {}
                Kind::Submodule => self.error(
                    Code::Submodule,
                    "is a submodule, whose files are not in this repository",
                    path.as_ref(),
                    "copy the manifests into this repository, or name the folder in .instateignore",
                ),
            }
        }
        Ok(())
    }

    fn file(&mut self, id: &F::Id, path: &BStr, root: &BStr) -> Result<()> {
        let plain = path.to_str().ok().filter(|path| text::is_clean(path));
        let Some(plain) = plain else {
            let help = "rename the file with plain characters: git mv";
            self.error(Code::FileName, "is a file name with control characters or invalid UTF-8", path, help);
            return Ok(());
        };
        if plain.len() > MAX_PATH || plain.split('/').any(|name| name.len() > MAX_NAME) {
            let what = "is longer than a file system takes (255 bytes a name, 2000 in all)";
            self.error(Code::FileName, what, path, "give it a shorter name: git mv");
            return Ok(());
        }
        let size = (self.size)(id).map_or_else(|| self.files.size(id), Ok)?;
        if size > MAX_FILE {
            let message =
                format!("is {} MiB large, more than the {} MiB of a manifest", size >> 20, MAX_FILE >> 20);
            self.error(Code::FileTooLarge, &message, path, "split it, or name it in .instateignore");
            return Ok(());
        }
        self.bytes += size;
        if self.bytes > MAX_TOTAL || self.found.files.len() >= MAX_FILES {
            let message =
                format!("the environment has more than {MAX_FILES} manifests or {} MiB", MAX_TOTAL >> 20);
            self.once(Code::TreeTooLarge, message, None, "divide it into several environments");
            return Ok(());
        }
        let below = if root.is_empty() { 0 } else { root.len() + 1 };
        self.found.files.push(File::new(plain.to_owned(), below, id.clone()));
        Ok(())
    }

    /// A folder of kustomize or Helm is never deployed as plain files.
    fn needs_rendering(&mut self, entries: &[Entry<F::Id>], prefix: &BStr) -> bool {
        let marker = |entry: &&Entry<F::Id>| {
            renders(entry.name.as_ref())
                && !self.is_ignored(join(prefix, entry.name.as_ref()).as_ref(), false)
        };
        let Some(entry) = entries.iter().find(marker) else { return false };
        let (path, tool) = (
            join(prefix, entry.name.as_ref()),
            if entry.name == "Chart.yaml" { "Helm" } else { "kustomize" },
        );
        let message = format!("belongs to a folder that {tool} renders, which instate cannot do yet");
        self.error(
            Code::NeedsRendering,
            &message,
            path.as_ref(),
            "commit the rendered manifests, or name the folder in .instateignore",
        );
        true
    }

    /// Whether a link in `folder` leads to a folder or another link of this tree, or out of it.
    fn leads_to_folder(&mut self, link: &F::Id, folder: &BStr) -> Result<bool> {
        if self.files.size(link)? > 4096 {
            return Ok(true);
        }
        let target = self.files.read(link)?;
        let mut parts: Vec<BString> =
            folder.split_str("/").filter(|p| !p.is_empty()).map(BString::from).collect();
        if target.starts_with(b"/") {
            return Ok(false);
        }
        for part in target.split_str("/") {
            match part {
                b"" | b"." => {}
                b".." => {
                    if parts.pop().is_none() {
                        return Ok(false);
                    }
                }
                name => parts.push(name.into()),
            }
        }
        let (mut id, mut path) = (self.files.root(), BString::default());
        for (depth, part) in parts.iter().enumerate() {
            if !self.listed.folders.contains_key(&path) {
                let entries = self.files.list(&id)?;
                self.listed.names += entries.len();
                if self.listed.names > MAX_ENTRIES {
                    // Where it leads is not looked for any more.
                    return Ok(true);
                }
                let named = entries.into_iter().map(|entry| (entry.name, (entry.kind, entry.id)));
                self.listed.folders.insert(path.clone(), named.collect());
            }
            let found = self.listed.folders.get(&path).and_then(|folder| folder.get(part)).cloned();
            match found {
                Some((Kind::Folder, folder)) if depth < MAX_DEPTH => id = folder,
                Some((kind, _)) => return Ok(matches!(kind, Kind::Link | Kind::Folder | Kind::Submodule)),
                None => return Ok(false),
            }
            path = join(path.as_ref(), part.as_ref());
        }
        Ok(true)
    }

    fn ignore_file(&mut self, entries: &[Entry<F::Id>], prefix: &BStr) -> Result<()> {
        let found = entries.iter().find(|e| e.name == ".instateignore" && e.kind == Kind::File);
        let Some(entry) = found else { return Ok(()) };
        // Every name is compared with every pattern.
        let size = self.files.size(&entry.id)?;
        self.ignores += size;
        if self.ignores > MAX_IGNORES {
            let message = "the files .instateignore have more than 64 KiB together".to_owned();
            self.once(Code::TreeTooLarge, message, Some(prefix), "name more in fewer of them");
            return Ok(());
        }
        if size > MAX_IGNORE {
            self.error(
                Code::FileTooLarge,
                "is larger than 16 KiB",
                join(prefix, IGNORE.into()).as_ref(),
                "shorten it",
            );
            return Ok(());
        }
        let bytes = self.files.read(&entry.id)?;
        let parse = Ignore { support_precious: false };
        let path = join(prefix, IGNORE.into());
        let path = std::path::PathBuf::from(std::ffi::OsStr::from_bytes(path.as_ref()));
        let added = self.ignored.add_patterns_buffer(&bytes, &path, Some(std::path::Path::new("")), parse);
        added.doing("read the patterns of", &path)
    }

    fn is_ignored(&self, path: &BStr, is_folder: bool) -> bool {
        if self.ignored.patterns.is_empty() {
            return false;
        }
        let found = self.ignored.pattern_matching_relative_path(path, Some(is_folder), Case::Sensitive);
        found.is_some_and(|found| !found.pattern.is_negative())
    }

    fn error(&mut self, code: Code, what: &str, path: &BStr, help: &str) {
        if self.found.findings.len() >= finding::MOST {
            return;
        }
        let path = text::excerpt_bytes(path, 200);
        let message = format!("{path} {what}");
        self.found.findings.push(Finding::error(code, message).at(Place::file(path)).help(help));
    }

    /// A finding about the tree as a whole is made once, however many files are over the limit.
    fn once(&mut self, code: Code, message: String, path: Option<&BStr>, help: &str) {
        if self.found.findings.iter().any(|f| f.code == code) {
            return;
        }
        let mut finding = Finding::error(code, message).help(help);
        if let Some(path) = path {
            finding = finding.at(Place::file(text::excerpt_bytes(path, 200)));
        }
        self.found.findings.push(finding);
    }
}

fn join(prefix: &BStr, name: &BStr) -> BString {
    if prefix.is_empty() {
        return name.to_owned();
    }
    let (prefix, name): (&[u8], &[u8]) = (prefix.as_ref(), name.as_ref());
    [prefix, b"/", name].concat().into()
}

/// Whether a folder with that name in it is one that a tool renders.
pub fn renders(name: &BStr) -> bool {
    let name: &[u8] = name.as_ref();
    matches!(name, b"kustomization.yaml" | b"kustomization.yml" | b"Kustomization" | b"Chart.yaml")
}

/// Whether a file of that name is a manifest.
pub fn is_manifest(name: &BStr) -> bool {
    [&b".yaml"[..], b".yml", b".json"].iter().any(|end| name.ends_with(end))
}
