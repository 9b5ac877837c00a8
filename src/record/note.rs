//! The note on a commit: what became of the revision in each environment, one block a deployment.
//!
//! It reads well in `git log --notes=instate`, and is read back by `instate log`.

use super::{Counts, DeploymentId, Outcome, OutcomeKind};

/// The blocks of one commit's note, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// One a deployment.
    pub outcomes: Vec<Outcome>,
}

impl Note {
    /// Reads a note. What is not understood is left out: somebody may have written into it by hand.
    #[must_use]
    pub fn parse(text: &str, revision: &str) -> Self {
        Self { outcomes: text.split("\n\n").filter_map(|block| parse(block, revision)).collect() }
    }

    /// Adds an outcome; one that is there already, because a crash came after it, stays one.
    pub fn add(&mut self, outcome: Outcome) {
        self.outcomes.retain(|known| known.id != outcome.id);
        self.outcomes.push(outcome);
    }

    /// The note's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.outcomes.iter().map(block).collect::<Vec<_>>().join("\n")
    }
}

fn block(outcome: &Outcome) -> String {
    let Outcome { id, environment, who, accepted, ended, before, reason, .. } = outcome;
    let before = before.as_ref().map(|before| format!("Before: {before}\n")).unwrap_or_default();
    let healthy = if outcome.unhealthy { "Healthy: no\n" } else { "" };
    let moved = if outcome.unmoved { "Branch: not moved\n" } else { "" };
    let reason = reason.as_ref().map(|reason| format!("Reason: {reason}\n")).unwrap_or_default();
    format!(
        "Environment: {environment}\nOutcome: {}\nChanges: {}\n{healthy}{moved}{before}{reason}Who: {who}\nAccepted: {accepted}\nEnded: {ended}\nDeployment: {id}\n",
        outcome.outcome.word(),
        outcome.changed(),
    )
}

fn parse(block: &str, revision: &str) -> Option<Outcome> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let kinds = [OutcomeKind::Deployed, OutcomeKind::Failed, OutcomeKind::Superseded, OutcomeKind::Diverged];
    let word = field("Outcome")?;
    Some(Outcome {
        id: serde_json::from_value::<DeploymentId>(field("Deployment")?.into()).ok()?,
        environment: field("Environment")?.to_owned(),
        revision: revision.to_owned(),
        outcome: kinds.into_iter().find(|kind| kind.word() == word)?,
        who: field("Who")?.to_owned(),
        accepted: field("Accepted")?.parse().ok()?,
        ended: field("Ended")?.parse().ok()?,
        before: field("Before").map(ToOwned::to_owned),
        changes: counts(field("Changes")?),
        unhealthy: field("Healthy") == Some("no"),
        unmoved: field("Branch") == Some("not moved"),
        reason: field("Reason").map(ToOwned::to_owned),
    })
}

fn counts(text: &str) -> Counts {
    let of = |word: &str| {
        let part = text.split(", ").find_map(|part| part.strip_suffix(word));
        part.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
    };
    Counts {
        created: of("created"),
        updated: of("updated"),
        replaced: of("replaced"),
        deleted: of("deleted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::now;

    #[test]
    fn a_note_reads_back_as_it_was_written_and_one_deployment_stands_in_it_once() {
        let mut note = Note::default();
        for (kind, reason) in
            [(OutcomeKind::Failed, Some("no room".to_owned())), (OutcomeKind::Deployed, None)]
        {
            let changes = Counts { created: 2, replaced: 1, deleted: 13, ..Counts::default() };
            note.add(Outcome {
                id: DeploymentId::new(now()),
                environment: "production".into(),
                revision: "1".repeat(40),
                outcome: kind,
                who: "ana from ::1".into(),
                accepted: now(),
                ended: now(),
                before: Some("2".repeat(40)),
                changes,
                unhealthy: kind == OutcomeKind::Failed,
                unmoved: kind == OutcomeKind::Failed,
                reason,
            });
        }
        let again = note.outcomes[1].clone();
        note.add(again);
        assert_eq!(note.outcomes.len(), 2);
        assert_eq!(Note::parse(&note.to_text(), &"1".repeat(40)), note);
    }
}
