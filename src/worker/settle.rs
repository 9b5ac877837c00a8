//! What is to be done next for an environment, from the journal and the branch's tip.

use gix::ObjectId;

use crate::{
    config::Environment,
    error::Result,
    push::Process,
    record::{Counts, Entry, Fate, Intent, Journal, Open, Outcome, OutcomeKind},
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

/// Looks at every open intent and at the tip. Called under the environment's lock, while pushes go on: so
/// the order of looking matters. Whether a push still runs is asked before where the branch points, since
/// one that ended in between may have moved it; and that a tip has no intent is believed only of a journal
/// that is read after the tip, since every intent is journalled before its ref moves.
pub(super) fn next(repository: &Repository, environment: &Environment, journal: &Journal) -> Result<Next> {
    let state = journal.state()?.environment(&environment.name);
    let runs: Vec<bool> =
        state.open.iter().map(|open| open.intent.push.is_some_and(Process::lives)).collect();
    let tip = repository.tip(&environment.reference)?;
    let objects = repository.objects(None)?;
    let (mut entries, mut deploy, mut cut_off) = (Vec::new(), None::<Open>, false);
    // The newest intent for the tip is the one to deploy; another for the same revision is over with it.
    for (open, runs) in state.open.into_iter().zip(runs).rev() {
        let intent = &open.intent;
        let new = ObjectId::from_hex(intent.new.as_bytes()).ok();
        let is_tip = new.is_some() && new == tip;
        // The branch may have been moved back since; that the revision landed is then known or not.
        // A push that git refused leaves no objects behind, so its revision may not be there at all.
        let was_tip = match (new.filter(|id| objects.has(*id)), tip) {
            _ if open.landed => true,
            (Some(new), Some(tip)) => objects.is_ancestor(new, tip)?,
            _ => false,
        };
        let superseded = |reason: String| {
            // What it had begun to change is not as it was before.
            let changes = open.started.unwrap_or_default();
            Entry::Outcome(Outcome { reason: Some(reason), changes, ..intent.end(OutcomeKind::Superseded) })
        };
        match Fate::of(is_tip, was_tip, runs) {
            Fate::Deploy if deploy.is_none() => {
                deploy = Some(open);
                continue;
            }
            // One deployment is the end of both.
            Fate::Deploy if deploy.as_ref().is_some_and(|first| first.intent.is_twin(intent)) => continue,
            Fate::Deploy => {
                entries.push(superseded("it is deployed once more, by a newer deployment".to_owned()));
            }
            Fate::Superseded => {
                let at = tip.map(|id| id.to_string()).unwrap_or_default();
                entries.push(superseded(format!("the branch is at {}", text::short(&at))));
            }
            Fate::Withdrawn => entries.push(Entry::Withdrawn(intent.id.clone())),
            Fate::Pending => continue,
        }
        cut_off |= open.started.is_some();
    }
    let deployed = state.last.filter(|last| last.outcome == OutcomeKind::Deployed).map(|last| last.revision);
    if let (Some(tip), None, true) = (tip, &deploy, cut_off)
        && deployed == Some(tip.to_string())
    {
        // The branch was moved back to what ran before, and the run that was cut off may have changed that.
        return Ok(Next::Adopt(tip));
    }
    if !entries.is_empty() {
        entries.reverse();
        journal.append(&entries)?;
        return Ok(Next::Settled);
    }
    if let Some(open) = deploy {
        return Ok(Next::Deploy(Box::new(open.intent), open.started));
    }
    let Some(tip) = tip else { return Ok(Next::Nothing) };
    let now = journal.state()?.environment(&environment.name);
    if now.open.iter().any(|open| open.intent.new == tip) {
        return Ok(Next::Settled);
    }
    let known = now.last.is_some_and(|outcome| outcome.revision == tip);
    Ok(if known { Next::Nothing } else { Next::Adopt(tip) })
}
