//! Which files of two revisions are not the same: folders that are the same are not looked into.

use gix::{ObjectId, bstr::ByteSlice};

use super::{Entry, Files, GitFiles, Kind, MAX_DEPTH, is_manifest};
use crate::error::Result;

/// What is different between two revisions, as far as it may be a manifest.
#[derive(Debug, Default)]
pub struct Changed {
    /// Files of the later one, by their path in the repository.
    pub now: Vec<(String, ObjectId)>,
    /// Files of the earlier one.
    pub was: Vec<(String, ObjectId)>,
}

/// Compares the folder `path` of two revisions.
///
/// # Errors
/// A folder cannot be read.
pub fn changed(was: &GitFiles<'_>, now: &GitFiles<'_>, path: &str) -> Result<Changed> {
    let mut found = Changed::default();
    let (before, after) = (folder(was, path)?, folder(now, path)?);
    if before != after {
        let prefix = if path == "." { String::new() } else { format!("{path}/") };
        compare(&Both { was, now }, before, after, &prefix, 0, &mut found)?;
    }
    Ok(found)
}

struct Both<'g, 'o> {
    was: &'g GitFiles<'o>,
    now: &'g GitFiles<'o>,
}

/// The folder at a path; `None` where there is no such folder.
fn folder(files: &GitFiles<'_>, path: &str) -> Result<Option<ObjectId>> {
    let mut id = files.root();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        let found = files.list(&id)?.into_iter().find(|entry| entry.name == part);
        let Some(entry) = found.filter(|entry| entry.kind == Kind::Folder) else { return Ok(None) };
        id = entry.id;
    }
    Ok(Some(id))
}

fn compare(
    both: &Both<'_, '_>,
    was: Option<ObjectId>,
    now: Option<ObjectId>,
    prefix: &str,
    depth: usize,
    found: &mut Changed,
) -> Result<()> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    let list = |files: &GitFiles<'_>, id: Option<ObjectId>| id.map_or(Ok(Vec::new()), |id| files.list(&id));
    let mut was = list(both.was, was)?;
    let mut now = list(both.now, now)?;
    was.sort_by(|a, b| a.name.cmp(&b.name));
    now.sort_by(|a, b| a.name.cmp(&b.name));
    let (mut was, mut now) = (was.into_iter().peekable(), now.into_iter().peekable());
    loop {
        let order = match (was.peek(), now.peek()) {
            (Some(before), Some(after)) => before.name.cmp(&after.name),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return Ok(()),
        };
        let before = was.next_if(|_| order.is_le());
        let after = now.next_if(|_| order.is_ge());
        if let (Some(before), Some(after)) = (&before, &after)
            && (before.id, before.kind) == (after.id, after.kind)
        {
            continue;
        }
        let name = before.as_ref().or(after.as_ref()).map(|entry| entry.name.clone()).unwrap_or_default();
        // A name that is no text is refused elsewhere.
        let Ok(name) = name.to_str() else { continue };
        let path = format!("{prefix}{name}");
        let folder = |entry: &Option<Entry<ObjectId>>| {
            entry.as_ref().filter(|entry| entry.kind == Kind::Folder).map(|entry| entry.id)
        };
        let file = |entry: &Option<Entry<ObjectId>>| {
            let entry = entry.as_ref().filter(|entry| entry.kind == Kind::File);
            entry.filter(|entry| is_manifest(entry.name.as_ref())).map(|entry| entry.id)
        };
        found.was.extend(file(&before).map(|id| (path.clone(), id)));
        found.now.extend(file(&after).map(|id| (path.clone(), id)));
        if folder(&before).is_some() || folder(&after).is_some() {
            compare(both, folder(&before), folder(&after), &format!("{path}/"), depth + 1, found)?;
        }
    }
}
