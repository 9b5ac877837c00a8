//! The record in Git: a note on every commit that was deployed, and a ref to what runs.

use std::fs;

use gix::{ObjectId, refs::transaction::PreviousValue};

use super::{Lock, Note, Outcome, OutcomeKind, history::recorded};
use crate::{
    error::{Doing, Error, Result},
    point,
    repository::Repository,
    text,
};

/// The ref that holds the notes.
pub const NOTES: &str = "refs/notes/instate";

/// The ref to the revision that runs in an environment.
#[must_use]
pub fn deployed_ref(environment: &str) -> String {
    format!("refs/instate/{environment}/deployed")
}

/// Writes the note of an outcome and, where its revision runs now, the ref. Doing it again changes nothing.
///
/// # Errors
/// Git's files cannot be written.
pub fn write(repository: &Repository, outcome: &Outcome) -> Result<()> {
    let mut lock = Lock::acquire(&repository.state(), "record")?;
    remove_left_locks(repository, &lock)?;
    lock.done();
    let revision = ObjectId::from_hex(outcome.revision.as_bytes()).map_err(Error::server)?;
    let note = Note { outcomes: recorded(repository, revision)? };
    let known = note.outcomes.iter().any(|o| o == outcome);
    let deployed = deployed_ref(&outcome.environment);
    let moves = outcome.outcome == OutcomeKind::Deployed && repository.tip(&deployed)? != Some(revision);
    if known && !moves {
        return Ok(());
    }
    // A process that is killed while it moves a ref leaves Git's lock file behind, which would stop every
    // later one. These refs are written under this lock alone, so the next holder may remove it.
    lock.promise(&format!("{NOTES} {deployed}"))?;
    let done = move_refs(repository, outcome, revision, (!known).then_some(note), moves);
    // Whoever comes here is alive and left nothing: a lock file that stopped it is somebody else's.
    lock.done();
    done
}

/// Takes the ref to what runs away: nothing does any more. Its notes stay. Doing it again changes nothing.
///
/// # Errors
/// Git's files cannot be written.
pub fn retire(repository: &Repository, environment: &str) -> Result<()> {
    let mut lock = Lock::acquire(&repository.state(), "record")?;
    remove_left_locks(repository, &lock)?;
    let deployed = deployed_ref(environment);
    lock.promise(&deployed)?;
    let failed = |error: &dyn std::fmt::Display| Error::server(format!("cannot remove {deployed}: {error}"));
    let found = repository.gix().try_find_reference(deployed.as_str()).map_err(|error| failed(&error));
    let done = found.and_then(|found| found.map_or(Ok(()), |it| it.delete().map_err(|error| failed(&error))));
    lock.done();
    done
}

fn move_refs(
    repository: &Repository,
    outcome: &Outcome,
    revision: ObjectId,
    note: Option<Note>,
    moves: bool,
) -> Result<()> {
    if let Some(mut note) = note {
        note.add(outcome.clone());
        replace(repository, revision, &note, outcome)?;
    }
    point::reach("note-written");
    if moves {
        let deployed = deployed_ref(&outcome.environment);
        let log = format!("instate: deployment {}", outcome.id);
        let done = repository.gix().reference(deployed.as_str(), revision, PreviousValue::Any, log);
        done.map_err(|error| Error::server(format!("cannot move {deployed}: {error}")))?;
    }
    Ok(())
}

fn replace(repository: &Repository, revision: ObjectId, note: &Note, outcome: &Outcome) -> Result<()> {
    let (word, short) = (outcome.outcome.word(), text::short(&outcome.revision));
    let message = format!(
        "{}: {word} {short}\n\nRevision: {}\nDeployment: {}\n",
        outcome.environment, outcome.revision, outcome.id,
    );
    let failed = |error: gix::Error| Error::server(format!("cannot write {NOTES}: {error}"));
    let name: gix::refs::FullName = NOTES.try_into().map_err(Error::server)?;
    let notes = repository.gix().notes().map_err(failed)?;
    notes
        .with_commit_message(message)
        .replace_at_ref(name.as_ref(), revision, note.to_text())
        .map_err(failed)?;
    Ok(())
}

/// Removes the lock files of refs that a killed process was moving under our lock.
fn remove_left_locks(repository: &Repository, lock: &Lock) -> Result<()> {
    let left = lock.left().unwrap_or_default();
    for name in left.split(' ').filter(|name| *name == NOTES || name.starts_with("refs/instate/")) {
        let path = repository.git_dir().join(format!("{name}.lock"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            other => other.doing("remove what a killed process left, ", &path)?,
        }
    }
    Ok(())
}
