//! What is to be done next for an environment, from the journal and the branch's tip.

use gix::ObjectId;

use crate::{
    config::Environment,
    error::Result,
    record::{Counts, Entry, Fate, Intent, Journal, Outcome, OutcomeKind},
    repository::Repository,
    text,
};

/// The next thing to do.
pub(super) enum Next {
    /// The tip has its outcome.
    Nothing,
    /// Intents that will not be deployed got their end; look again.
    Settled,
    /// The tip is to be deployed; with what an earlier run had begun.
    Deploy(Box<Intent>, Option<Counts>),
    /// The tip has no intent.
    Adopt(ObjectId),
}

/// Looks at every open intent and at the tip. Called under the environment's lock.
pub(super) fn next(repository: &Repository, environment: &Environment, journal: &Journal) -> Result<Next> {
    let state = journal.state()?.environment(&environment.name);
    let tip = repository.tip(&environment.reference)?;
    let objects = repository.objects(None)?;
    let (mut entries, mut deploy) = (Vec::new(), None);
    // The newest intent for the tip is the one to deploy; a second one for the same revision is over with it.
    for open in state.open.into_iter().rev() {
        let intent = &open.intent;
        let new = ObjectId::from_hex(intent.new.as_bytes()).ok();
        let is_tip = new.is_some() && new == tip;
        // A push that git refused leaves no objects behind, so its revision may not be there at all.
        let in_history = match (new.filter(|id| objects.has(*id)), tip) {
            (Some(new), Some(tip)) => objects.is_ancestor(new, tip)?,
            _ => false,
        };
        let runs = intent.push.is_some_and(crate::push::Process::lives);
        match Fate::of(is_tip, in_history, runs) {
            Fate::Deploy if deploy.is_none() => deploy = Some(open),
            Fate::Deploy | Fate::Superseded => {
                let by = format!(
                    "the branch is at {}",
                    text::short(&tip.map(|id| id.to_string()).unwrap_or_default())
                );
                entries.push(Entry::Outcome(Outcome {
                    reason: Some(by),
                    ..intent.end(OutcomeKind::Superseded)
                }));
            }
            Fate::Withdrawn => entries.push(Entry::Withdrawn(intent.id.clone())),
            Fate::Pending => {}
        }
    }
    if !entries.is_empty() {
        entries.reverse();
        journal.append(&entries)?;
        return Ok(Next::Settled);
    }
    if let Some(open) = deploy {
        return Ok(Next::Deploy(Box::new(open.intent), open.started));
    }
    let known = state.last.map(|outcome| outcome.revision);
    Ok(match tip {
        Some(tip) if known != Some(tip.to_string()) => Next::Adopt(tip),
        _ => Next::Nothing,
    })
}
