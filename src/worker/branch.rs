//! Moving an environment's branch to a revision that runs: from where the push found it, and from nowhere else.

use std::fs;

use gix::{
    ObjectId,
    refs::{Target, transaction::PreviousValue},
};

use crate::{
    error::{Doing, Error, Result},
    files::sync_folder,
    point,
    record::{DeploymentId, Lock},
    repository::Repository,
};

/// What became of a move.
pub(super) enum Moved {
    /// The branch points to the revision.
    Here,
    /// Somebody else has moved it meanwhile, to there.
    Elsewhere(Option<ObjectId>),
}

/// Moves the branch `reference` from `old` to `new`.
///
/// # Errors
/// It cannot be moved, and points to `old`.
pub(super) fn advance(
    repository: &Repository,
    reference: &str,
    (old, new): (Option<ObjectId>, ObjectId),
    id: &DeploymentId,
) -> Result<Moved> {
    // A process that is killed while it moves a ref leaves Git's lock file behind, which would stop every later
    // push. Whoever reads this promise knows whose it is.
    let mut lock = Lock::acquire(&repository.state(), "branch")?;
    let left = lock.left().is_some_and(|left| left == reference);
    lock.promise(reference)?;
    let mut done = advance_once(repository, reference, (old, new), id);
    if done.is_err() && left {
        // Git holds its own for moments, and that long was waited.
        let path = repository.git_dir().join(format!("{reference}.lock"));
        if path.exists() {
            fs::remove_file(&path).doing("remove what a killed process left, ", &path)?;
            done = advance_once(repository, reference, (old, new), id);
        }
    }
    lock.done();
    done
}

fn advance_once(
    repository: &Repository,
    reference: &str,
    (old, new): (Option<ObjectId>, ObjectId),
    id: &DeploymentId,
) -> Result<Moved> {
    let expected = match old {
        Some(old) => PreviousValue::MustExistAndMatch(Target::Object(old)),
        None => PreviousValue::MustNotExist,
    };
    point::reach("branch-moving");
    let log = format!("instate: deployment {id}");
    if let Err(error) = repository.gix().reference(reference, new, expected, log) {
        let at = repository.tip(reference)?;
        if at != old {
            return Ok(Moved::Elsewhere(at));
        }
        let error = Error::server(format!("cannot move {reference}: {error}"));
        return Err(error.help(format!("look at {}", repository.git_dir().join(reference).display())));
    }
    // The outcome must not outlive the move.
    let path = repository.git_dir().join(reference);
    fs::File::open(&path).and_then(|file| file.sync_all()).doing("sync", &path)?;
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    Ok(Moved::Here)
}
