//! Which files a command is about: a revision, a folder, files by their names, standard input.

use std::{
    fs,
    io::{self, Read},
    path::PathBuf,
};

use crate::{
    error::{Doing, Error, Result},
    finding::{Code, Finding},
    source::Place,
    text,
    tree::{self, Disk, Files, GitFiles, MAX_FILE, MAX_TOTAL, Named, Objects},
};

/// How standard input is named, in arguments and in findings.
const STDIN: &str = "-";

/// Files as somebody named them.
pub(super) enum Input {
    /// The manifests of a folder on this machine.
    Folder(PathBuf),
    /// The manifests of a commit of the repository that the command runs in.
    Revision { objects: Objects, id: gix::ObjectId, tree: gix::ObjectId },
    /// These, whatever they are called and whatever `.instateignore` says of them.
    Files(Vec<String>),
}

impl Input {
    /// What `what` names: one revision or folder, or any number of files; the folder that the command runs in
    /// where it names nothing.
    pub(super) fn of(what: &[String]) -> Result<Self> {
        let is_file = |name: &String| name == STDIN || fs::metadata(name).is_ok_and(|found| !found.is_dir());
        match what {
            [] => Ok(Self::Folder(".".into())),
            [one] if fs::metadata(one).is_ok_and(|found| found.is_dir()) => Ok(Self::Folder(one.into())),
            names if names.iter().all(is_file) => Ok(Self::Files(names.to_vec())),
            [one] => revision(one),
            names => {
                let other = names.iter().find(|name| !is_file(name)).map_or("", String::as_str);
                let error = Error::server(format!("`{}` is no file", text::excerpt(other, 60)));
                Err(error.help("name files only, or one folder, or one revision"))
            }
        }
    }

    /// Hands over each file with its path and its bytes, and says what is wrong with the files themselves.
    /// `path` is the environment's, in a folder or a revision.
    pub(super) fn each(&self, path: &str, mut to: impl FnMut(&str, Vec<u8>)) -> Result<Vec<Finding>> {
        match self {
            Self::Folder(folder) => manifests(&Disk::new(folder), path, to),
            Self::Revision { objects, tree, .. } => manifests(&GitFiles::new(objects, *tree), path, to),
            Self::Files(names) => {
                let (files, findings) = read(names)?;
                files.0.into_iter().for_each(|(name, bytes)| to(&name, bytes));
                Ok(findings)
            }
        }
    }

    /// The commit that `name` stands for as git has it, tags followed to what they name.
    pub(super) fn revision(name: &str) -> Result<Self> {
        revision(name)
    }
}

/// The files of these names, and what is wrong with the files themselves.
pub(super) fn read(names: &[String]) -> Result<(Named, Vec<Finding>)> {
    let mut left = MAX_TOTAL;
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    for name in names {
        let bytes = bytes(name)?;
        let size = bytes.len() as u64;
        if size > MAX_FILE || size > left {
            let message = format!("is more than the {} MiB that a manifest may have", MAX_FILE >> 20);
            let shown = text::excerpt(name, 200);
            let finding = Finding::error(Code::FileTooLarge, format!("{shown} {message}"));
            findings.push(finding.at(Place::file(shown)).help("split it"));
            continue;
        }
        left -= size;
        files.push((name.clone(), bytes));
    }
    Ok((Named(files), findings))
}

fn manifests<F: Files>(files: &F, path: &str, mut to: impl FnMut(&str, Vec<u8>)) -> Result<Vec<Finding>> {
    let found = tree::snapshot(files, path, &|_| None)?;
    for file in &found.files {
        to(&file.path, files.read(&file.id)?);
    }
    Ok(found.findings)
}

/// The bytes of a file that was named, as far as they are read.
fn bytes(name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let path = PathBuf::from(name);
    match name {
        STDIN => io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes).doing("read", &path)?,
        name => {
            let file = fs::File::open(name).doing("open", &path)?;
            file.take(MAX_FILE + 1).read_to_end(&mut bytes).doing("read", &path)?
        }
    };
    Ok(bytes)
}

/// What a name stands for as git has it, tags followed to what they name.
fn revision(name: &str) -> Result<Input> {
    let shown = text::excerpt(name, 60);
    let found = gix::discover(".").ok().and_then(|git| {
        let found = git.rev_parse_single(name).ok()?.object().ok()?;
        let id = found.peel_tags_to_end().ok()?.id;
        Some((id, git.common_dir().to_owned()))
    });
    let Some((id, repository)) = found else {
        let error = Error::server(format!("`{shown}` is neither a file, a folder nor a revision here"));
        return Err(error.help("name files, a folder, or a revision as git does, as in `HEAD`"));
    };
    let objects = Objects::open(&repository, None)?;
    let tree = objects.tree_of_commit(id)?.ok_or_else(|| {
        Error::server(format!("`{shown}` is no commit")).help("name a commit, as in `HEAD`")
    })?;
    Ok(Input::Revision { objects, id, tree })
}
