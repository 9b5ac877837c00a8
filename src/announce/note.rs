//! What is said of a deployment: that it begins, and how it ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    config::{Destination, To},
    record::{DeploymentId, Intent, Outcome, OutcomeKind},
    text,
};

/// A description of a commit status has at most so many characters, by GitHub's rule.
const DESCRIPTION: usize = 140;

/// One thing to say. It holds all that is said, since the journal forgets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Note {
    /// A deployment begins.
    Started(Started),
    /// It ended.
    Ended(Outcome),
}

/// A deployment that begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The deployment.
    pub id: DeploymentId,
    /// The environment's name.
    pub environment: String,
    /// The revision, in hex.
    pub revision: String,
    /// Who pushed or asked.
    pub who: String,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// When it began.
    pub began: Timestamp,
}

impl Note {
    /// That of an intent which is being deployed from now on.
    #[must_use]
    pub fn started(intent: &Intent) -> Self {
        Self::Started(Started {
            id: intent.id.clone(),
            environment: intent.environment.clone(),
            revision: intent.new.clone(),
            who: intent.who.clone(),
            accepted: intent.at,
            began: crate::record::now(),
        })
    }

    pub(super) fn deployment(&self) -> &DeploymentId {
        match self {
            Self::Started(Started { id, .. }) | Self::Ended(Outcome { id, .. }) => id,
        }
    }

    pub(super) fn environment(&self) -> &str {
        match self {
            Self::Started(Started { environment, .. }) | Self::Ended(Outcome { environment, .. }) => {
                environment
            }
        }
    }

    pub(super) fn revision(&self) -> &str {
        match self {
            Self::Started(Started { revision, .. }) | Self::Ended(Outcome { revision, .. }) => revision,
        }
    }

    /// When it happened.
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::Started(started) => started.began,
            Self::Ended(outcome) => outcome.ended,
        }
    }

    /// `started`, `ended`.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Ended(_) => "ended",
        }
    }

    /// What of two notes about the same is the newer: deployments' names sort by time.
    pub(super) fn order(&self) -> (&DeploymentId, bool) {
        (self.deployment(), matches!(self, Self::Ended(_)))
    }

    /// What a newer note to the same destination takes the place of: a commit has one status in an environment; a
    /// receiver of webhooks hears of every deployment how it ended.
    pub(super) fn about(&self, to: &To) -> String {
        match to {
            To::Webhook => self.deployment().to_string(),
            _ => format!("{}.{}", self.environment(), self.revision()),
        }
    }

    /// The message's name: the same however often it is sent, and whoever sends it after a crash. It has no dot, which
    /// Standard Webhooks keeps for itself.
    pub(super) fn message_id(&self, destination: &Destination) -> String {
        format!("{}-{}-{}", self.deployment(), self.word(), destination.key())
    }

    /// One line for a commit status.
    pub(super) fn description(&self) -> String {
        let text = match self {
            Self::Started(_) => "deploying".to_owned(),
            Self::Ended(outcome) => {
                let why = outcome.reason.clone().unwrap_or_else(|| outcome.changed());
                let word = outcome.outcome.word();
                if why.starts_with(word) { why } else { format!("{word}: {why}") }
            }
        };
        text::excerpt(&text, DESCRIPTION)
    }

    /// The state of a commit status, as `to` calls it.
    pub(super) fn status(&self, to: &To) -> &'static str {
        let outcome = match self {
            Self::Started(_) => None,
            Self::Ended(outcome) => Some(outcome.outcome),
        };
        match (outcome, to) {
            (None, To::Gitlab(_)) => "running",
            (None, _) => "pending",
            (Some(OutcomeKind::Deployed), _) => "success",
            (Some(OutcomeKind::Failed | OutcomeKind::Diverged), To::Gitlab(_)) => "failed",
            (Some(OutcomeKind::Superseded), To::Gitlab(_)) => "canceled",
            (Some(OutcomeKind::Failed), _) => "failure",
            // Not the revision's own fault, or more than it.
            (Some(OutcomeKind::Diverged | OutcomeKind::Superseded), _) => "error",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::record::Counts;

    /// A destination of each kind.
    pub fn everywhere() -> Vec<Destination> {
        let name = || "ops/production".to_owned();
        let all = [
            (To::Gitea(name()), "http://127.0.0.1:3000"),
            (To::Forgejo(name()), "https://forge.example/git"),
            (To::Github(name()), "https://api.github.com"),
            (To::Gitlab("ops/shop/production".to_owned()), "https://gitlab.com"),
            (To::Webhook, "https://chat.example/hooks/instate"),
        ];
        let new =
            |(to, url): (To, &str)| Destination { to, url: url.to_owned(), secret: PathBuf::from("/t") };
        all.map(new).into()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().expect("it is one")
    }

    pub fn started(id: &str) -> Note {
        Note::Started(Started {
            id: serde_json::from_value(id.into()).expect("it is a text"),
            environment: "production".to_owned(),
            revision: "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d".to_owned(),
            who: "ana".to_owned(),
            accepted: time("2026-11-22T10:00:00Z"),
            began: time("2026-11-22T10:00:01Z"),
        })
    }

    pub fn ended(id: &str, outcome: OutcomeKind, reason: Option<&str>) -> Note {
        Note::Ended(Outcome {
            id: serde_json::from_value(id.into()).expect("it is a text"),
            environment: "production".to_owned(),
            revision: "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d".to_owned(),
            outcome,
            who: "ana".to_owned(),
            accepted: time("2026-11-22T10:00:00Z"),
            ended: time("2026-11-22T10:00:09Z"),
            before: Some("0a0b0c0d0e0f0a0b0c0d0a0b0c0d0e0f0a0b0c0d".to_owned()),
            changes: Counts { created: 2, updated: 1, ..Counts::default() },
            unhealthy: false,
            unmoved: false,
            reason: reason.map(ToOwned::to_owned),
        })
    }

    #[test]
    fn every_outcome_has_its_status_on_every_server() {
        let notes = [
            started("20261122T100000Z-00000001"),
            ended("20261122T100000Z-00000001", OutcomeKind::Deployed, None),
            ended("20261122T100000Z-00000001", OutcomeKind::Failed, Some("Deployment/web is not healthy")),
            ended("20261122T100000Z-00000001", OutcomeKind::Superseded, Some("superseded by 2b3c4d5")),
            ended("20261122T100000Z-00000001", OutcomeKind::Diverged, Some("going back failed, too")),
        ];
        let line = |note: &Note| {
            let of = |to: &Destination| format!("{} {}", to.to.word(), note.status(&to.to));
            let statuses: Vec<String> = everywhere().iter().take(4).map(of).collect();
            format!("{} ({})", note.description(), statuses.join(", "))
        };
        insta::assert_snapshot!(notes.iter().map(line).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_description_is_one_line_of_so_many_characters() {
        let long = format!("a\u{1b}[31m\n\u{202e}{}", "\u{5e97}".repeat(300));
        let said = ended("20261122T100000Z-00000001", OutcomeKind::Failed, Some(&long)).description();
        assert_eq!(said.chars().count(), DESCRIPTION);
        assert!(text::is_clean(&said), "{said}");
    }
}
