//! Reading the record back out of Git.

use gix::ObjectId;

use super::{NOTES, Note, Outcome};
use crate::{
    error::{Error, Result},
    repository::Repository,
};

/// The largest note that is read, in bytes.
const MAX_NOTE: usize = 4 << 20;

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::server(format!("{NOTES} cannot be read: {error}"))
}

/// What the note on a commit says, oldest first.
///
/// # Errors
/// The notes are damaged.
pub fn recorded(repository: &Repository, revision: ObjectId) -> Result<Vec<Outcome>> {
    let mut notes = repository.gix().notes().map_err(unreadable)?.with_refs([NOTES]).map_err(unreadable)?;
    let found = notes.get(revision).map_err(unreadable)?;
    let data = found.first().map(|note| note.blob.data.as_slice()).unwrap_or_default();
    let text = String::from_utf8_lossy(data.get(..MAX_NOTE).unwrap_or(data));
    Ok(Note::parse(&text, &revision.to_string()).outcomes)
}

/// The newest `most` deployments of the environments that are `wanted`, newest first: every one was a
/// commit of the notes.
///
/// # Errors
/// The notes are damaged.
pub fn history(repository: &Repository, wanted: &dyn Fn(&str) -> bool, most: usize) -> Result<Vec<Outcome>> {
    let mut next = repository.tip(NOTES)?;
    let mut found = Vec::new();
    while let Some(id) = next.filter(|_| found.len() < most) {
        let commit = repository.gix().find_commit(id).map_err(unreadable)?;
        next = commit.parent_ids().next().map(gix::Id::detach);
        let message = commit.message_raw_sloppy().to_string();
        let trailer = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let (Some(revision), Some(deployment)) = (trailer("Revision:"), trailer("Deployment:")) else {
            continue;
        };
        let Ok(revision) = ObjectId::from_hex(revision.as_bytes()) else { continue };
        found.extend(
            recorded(repository, revision)?
                .into_iter()
                .filter(|o| o.id.as_str() == deployment && wanted(&o.environment)),
        );
    }
    Ok(found)
}
