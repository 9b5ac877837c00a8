//! What is to be done next for an environment, from the journal and the branch's tip.

use gix::ObjectId;

use crate::{
    config::Environment,
    error::Result,
    push::Process,
    record::{self, Counts, Entry, Fate, Intent, Journal, Open, Outcome, OutcomeKind, Stage},
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
    /// It is to be deployed, and then the branch is to move to it.
    Attempt(Box<Open>),
    /// The branch has moved to what was deployed before, and only its outcome is missing.
    Arrived(Box<Open>),
    /// The tip has no intent.
    Adopt(ObjectId),
}

/// Whether nothing is left to do for an environment, so that no worker need be started for it.
///
/// # Errors
/// The journal or the branch cannot be read.
pub fn is_settled(repository: &Repository, environment: &Environment) -> Result<bool> {
    // In this order, as below.
    let tip = repository.tip(&environment.reference)?.map(|id| id.to_string());
    let state = Journal::new(&repository.state()).state()?.environment(&environment.name);
    Ok(nothing_left(&state, tip.as_deref()))
}

/// Whether nothing is left to do for an environment whose branch is at `tip`.
#[must_use]
pub fn nothing_left(state: &record::Environment, tip: Option<&str>) -> bool {
    let is_known = tip.is_none_or(|tip| state.last.as_ref().is_some_and(|outcome| outcome.revision == tip));
    state.open.is_empty() && state.unrecorded.is_empty() && is_known
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
    let mut attempt = None::<Open>;
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
        let superseded = |reason: String| Entry::Outcome(self::superseded(&open, reason));
        match (&open.admitted, &mut attempt) {
            (Some(Stage::Running), _) if is_tip || was_tip => return Ok(Next::Arrived(Box::new(open))),
            (Some(_), None) if is_at(intent.old.as_ref(), tip) => {
                attempt = Some(open);
                continue;
            }
            // One deployment is the end of both.
            (Some(_), Some(first)) if first.intent.is_twin(intent) => continue,
            // It came first, and does not run yet: what comes after it may be what mends it.
            (Some(_), Some(first)) => {
                entries.push(superseded(by(&first.intent)));
                continue;
            }
            (Some(_), None) if !is_tip => {
                entries.push(superseded(quicker(environment, tip)));
                cut_off |= open.started.is_some();
                continue;
            }
            _ => {}
        }
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
    if let (Some(tip), None, None, true) = (tip, &deploy, &attempt, cut_off)
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
    if let Some(open) = attempt {
        return Ok(Next::Attempt(Box::new(open)));
    }
    let Some(tip) = tip else { return Ok(Next::Nothing) };
    let now = journal.state()?.environment(&environment.name);
    if now.open.iter().any(|open| open.intent.new == tip) {
        return Ok(Next::Settled);
    }
    let known = now.last.is_some_and(|outcome| outcome.revision == tip);
    Ok(if known { Next::Nothing } else { Next::Adopt(tip) })
}

/// Whether a branch that pointed to `old` still does.
pub(super) fn is_at(old: Option<&String>, tip: Option<ObjectId>) -> bool {
    old.map(String::as_str) == tip.map(|tip| tip.to_string()).as_deref()
}

/// The admitted push of another revision in the place of the same that came after this one.
pub(super) fn competitor(journal: &Journal, intent: &Intent) -> Result<Option<Intent>> {
    let open = journal.state()?.environment(&intent.environment).open;
    let after = open.into_iter().rev().take_while(|open| open.intent.id != intent.id);
    let mut others = after.filter(|open| {
        open.admitted.is_some() && open.intent.old == intent.old && open.intent.new != intent.new
    });
    Ok(others.next().map(|open| open.intent))
}

/// The end of an intent that was not deployed to its end; what it had begun to change is not as it was before.
pub(super) fn superseded(open: &Open, reason: String) -> Outcome {
    let changes = open.started.unwrap_or_default();
    let unmoved = open.admitted.is_some();
    let before = open.intent.old.clone().filter(|_| unmoved);
    Outcome { reason: Some(reason), changes, unmoved, before, ..open.intent.end(OutcomeKind::Superseded) }
}

/// Why a revision is not deployed whose branch has moved meanwhile.
pub(super) fn quicker(environment: &Environment, tip: Option<ObjectId>) -> String {
    let at = tip.map_or("is gone".to_owned(), |tip| format!("is at {} now", text::short(&tip.to_string())));
    format!("{} {at}: another push was quicker", environment.branch())
}

/// Why a revision is not deployed that another push took over from.
pub(super) fn by(other: &Intent) -> String {
    format!("superseded by {}, which was pushed after it", text::short(&other.new))
}
