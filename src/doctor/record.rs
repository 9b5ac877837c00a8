//! Whether the record can be kept, and whether something in it waits for nobody.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::Patient;
use crate::{
    config::Environment,
    error::Result,
    push::Process,
    record::{self, Journal, Lock},
    text,
    trouble::{Trouble, typed},
    worker::nothing_left,
};

/// Between the end of a push and its deployment's beginning there is a moment in which nobody is at work.
const MOMENT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// What is wrong with the record.
pub(super) fn examine(patient: &Patient<'_>) -> Vec<Trouble> {
    let Patient { repository, config, .. } = *patient;
    let mut found = Vec::new();
    found.extend(identity(patient));
    found.extend(record::places(repository).err().map(Trouble::from));
    found.extend(kernel());
    let journal = Journal::new(&repository.state());
    if let Err(error) = journal.glance() {
        found.push(error.into());
        return found;
    }
    let environments = config.into_iter().flat_map(|config| &config.environments);
    for environment in environments {
        match forgotten(patient, &journal, environment) {
            Ok(trouble) => found.extend(trouble),
            Err(error) => found.push(error.into()),
        }
    }
    found
}

/// The identity that is gone comes back where nothing runs under it yet.
fn identity(patient: &Patient<'_>) -> Option<Trouble> {
    let repository = patient.repository;
    let trouble = Trouble::from(repository.identity().err()?);
    let path = repository.state().join("id");
    let mut environments = patient.config.into_iter().flat_map(|config| &config.environments);
    let runs =
        environments.any(|one| repository.tip(&record::deployed_ref(&one.name)).is_ok_and(|at| at.is_some()));
    if path.exists() || !runs {
        return Some(trouble);
    }
    Some(trouble.help(format!(
        "bring {} back from a backup: what runs belongs to the identity in it, and to no new one",
        path.display()
    )))
}

/// What waits to be deployed, or to be recorded, and nobody is at work.
fn forgotten(patient: &Patient<'_>, journal: &Journal, environment: &Environment) -> Result<Option<Trouble>> {
    let until = Instant::now() + MOMENT;
    loop {
        let found = at_once(patient, journal, environment)?;
        if found.is_none() || Instant::now() >= until {
            return Ok(found);
        }
        thread::sleep(PAUSE);
    }
}

fn at_once(patient: &Patient<'_>, journal: &Journal, environment: &Environment) -> Result<Option<Trouble>> {
    let repository = patient.repository;
    let name = &environment.name;
    // In this order: whoever works writes its outcome before it lets go.
    if Lock::holder(&repository.state(), name).is_some() {
        return Ok(None);
    }
    let tip = repository.tip(&environment.reference)?.map(|id| id.to_string());
    let state = journal.glance()?.environment(name);
    let under_way = state.open.iter().any(|open| open.intent.push.is_some_and(Process::lives));
    if under_way || nothing_left(&state, tip.as_deref()) {
        return Ok(None);
    }
    let resume = format!("instate resume --repo {}", typed(repository.git_dir()));
    let tip_is_open = state.open.iter().rev().find(|open| Some(&open.intent.new) == tip.as_ref());
    let owed = tip_is_open.or_else(|| state.open.iter().rev().find(|open| open.admitted.is_some()));
    let trouble = match (owed, state.unrecorded.last(), tip) {
        (Some(open), ..) => Trouble::error(format!(
            "{} was accepted for `{name}` and has no outcome, and nobody is deploying it",
            text::short(&open.intent.new)
        )),
        (None, Some(outcome), _) => Trouble::warning(format!(
            "the outcome of {} in `{name}` is not in Git yet, and nobody is writing it",
            text::short(&outcome.revision)
        )),
        // Pushes that git did not take in the end are withdrawn by whoever comes next.
        (None, None, tip) if tip.is_none() || is_known(&state, tip.as_deref()) => return Ok(None),
        (None, None, tip) => Trouble::warning(format!(
            "{} at {} came without a push, and `{name}` does not run it",
            environment.branch(),
            tip.as_deref().map_or("", text::short)
        )),
    };
    Ok(Some(trouble.help(resume)))
}

fn is_known(state: &record::Environment, tip: Option<&str>) -> bool {
    state.last.as_ref().map(|last| last.revision.as_str()) == tip
}

/// What workers need of the kernel.
fn kernel() -> Option<Trouble> {
    let own = Process::own();
    if !own.lives() {
        let message = "/proc is not there, by which a deployment knows the push that it belongs to";
        return Some(Trouble::error(message).help("sudo mount -t proc proc /proc"));
    }
    own.handle().err().map(Trouble::from)
}
