//! What Git handed us: ref updates, the quarantine, who pushed. Nothing is judged here.

pub mod proc_receive;
mod process;
mod pusher;

pub use process::{Handle, Process, account_of};
pub use pusher::{By, Pusher, VARIABLE, Vouched, is_name};

use std::{collections::HashSet, io::Read, path::PathBuf};

use gix::{ObjectId, hash};

use crate::{
    config::Server,
    error::{Error, Result},
    repository::Repository,
    text,
};

/// The most that is read of a hook's standard input, in bytes: some 10,000 refs.
const MAX_INPUT: u64 = 1 << 20;

/// The most push options that are looked at.
const MAX_OPTIONS: usize = 100;

/// One ref that a push would move.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Update {
    /// The ref's full name, as bytes that were made text.
    pub reference: String,
    /// Where it points now; `None` where the push creates it.
    pub old: Option<ObjectId>,
    /// Where it would point; `None` where the push deletes it.
    pub new: Option<ObjectId>,
}

/// A push as a hook sees it.
#[derive(Debug, Clone)]
pub struct Push {
    /// The refs that it moves.
    pub updates: Vec<Update>,
    /// Which of them were pushed to under the name of a link to them: the link, and the ref.
    pub links: Vec<(String, String)>,
    /// Where its objects are until it is accepted.
    pub quarantine: Option<PathBuf>,
    /// What came with `git push -o`.
    pub options: Vec<String>,
    /// The `git receive-pack` that runs the hook.
    pub receiver: Process,
}

impl Push {
    /// Reads a push from the environment of this process and from `input`, the hook's standard input.
    ///
    /// # Errors
    /// The input is not what Git writes.
    pub fn from_git(repository: &Repository, input: &[u8]) -> Result<Self> {
        let (mut updates, mut links) = (updates(input)?, Vec::new());
        for update in &mut updates {
            // Git names the ref that was pushed to, and moves the one that it is a link to.
            let leads_to = repository.leads_to(&update.reference)?;
            if leads_to != update.reference {
                links.push((std::mem::replace(&mut update.reference, leads_to.clone()), leads_to));
            }
        }
        let mut seen = HashSet::new();
        updates.retain(|update| seen.insert(update.clone()));
        // Git moves one of them at most, and each would be judged.
        let mut names = HashSet::new();
        if let Some(twice) = updates.iter().find(|update| !names.insert(&update.reference)) {
            let name = text::excerpt(&twice.reference, 80);
            let error = Error::revision(format!("the push would move {name} to several places"));
            return Err(error.help("push one of them"));
        }
        let receiver = Process::receiver()?;
        Ok(Self {
            updates,
            links,
            quarantine: std::env::var_os("GIT_QUARANTINE_PATH")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            options: options(),
            receiver,
        })
    }

    /// Who pushed, as `server` knows it.
    #[must_use]
    pub fn who(&self, server: Server) -> Pusher {
        Pusher::below(self.receiver, server)
    }
}

/// Reads a hook's whole standard input, which a hook that was there before wants too.
///
/// # Errors
/// It is longer than any real push.
pub fn input(from: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_INPUT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::server(format!("the hook has no input: {error}")))?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(Error::revision("the push moves too many refs at once").help("push fewer refs"));
    }
    Ok(bytes)
}

/// The push options that Git hands to this process, a hook, as text.
#[must_use]
pub fn options() -> Vec<String> {
    let variable = |name: &str| std::env::var_os(name);
    let count = variable("GIT_PUSH_OPTION_COUNT").and_then(|n| n.to_str()?.parse().ok()).unwrap_or(0);
    (0..MAX_OPTIONS.min(count))
        .filter_map(|n| variable(&format!("GIT_PUSH_OPTION_{n}")))
        .map(|o| text_of(o.as_encoded_bytes()))
        .collect()
}

fn updates(input: &[u8]) -> Result<Vec<Update>> {
    let lines = input.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| update(line).ok_or_else(|| malformed(line))).collect()
}

fn update(line: &[u8]) -> Option<Update> {
    let mut parts = line.splitn(3, |b| *b == b' ');
    let mut id = || {
        let id = ObjectId::from_hex(parts.next()?).ok().filter(|id| id.kind() == hash::Kind::Sha1)?;
        Some((!id.is_null()).then_some(id))
    };
    let (old, new) = (id()?, id()?);
    // A name that is not UTF-8 is no environment's and cannot be the record's, so a lossy one will do.
    let reference = String::from_utf8_lossy(parts.next()?).into_owned();
    (!reference.is_empty()).then_some(Update { reference, old, new })
}

fn malformed(line: &[u8]) -> Error {
    let error =
        Error::server(format!("the hook was not given ref updates but `{}`", text::excerpt_bytes(line, 60)));
    error.help("let git run the hook; a hook that runs others must hand on its standard input")
}

/// Reads a variable or an option as text that is fit for a message and a note.
fn text_of(value: &[u8]) -> String {
    text::excerpt_bytes(value, 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_of_a_push_are_read_and_anything_else_is_refused() {
        let (a, z) = ("1".repeat(40), "0".repeat(40));
        let input = format!("{z} {a} refs/heads/new\n{a} {z} refs/heads/gone and more\n");
        let read = updates(input.as_bytes()).expect("because git writes this");
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].old, read[0].new.is_some()), (None, true));
        assert_eq!((read[1].reference.as_str(), read[1].new), ("refs/heads/gone and more", None));
        for wrong in ["x", "1 2 refs/heads/main", &format!("{a} {a}"), &format!("{a} {a} ")] {
            assert!(updates(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
