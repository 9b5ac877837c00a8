//! The lines of the journal.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::push::Process;

/// Names one deployment: the time it was accepted and some random digits, so that names sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeploymentId(String);

impl DeploymentId {
    /// A name that no other deployment has.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        let mut random = [0u8; 4];
        let got = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).unwrap_or(0);
        let random = if got == random.len() { u32::from_ne_bytes(random) } else { std::process::id() };
        Self(format!("{}-{random:08x}", at.strftime("%Y%m%dT%H%M%SZ")))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// The revision runs.
    Deployed,
    /// It does not, and what ran before still does.
    Failed,
    /// A newer revision was deployed in its place.
    Superseded,
    /// What runs is neither this revision nor the one before.
    Diverged,
}

impl OutcomeKind {
    /// The word that messages, notes and the journal use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::Diverged => "diverged",
        }
    }
}

/// How much a deployment changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Items that were not there.
    pub created: usize,
    /// Items that were different.
    pub updated: usize,
    /// Items that were deleted and created, since they could not be changed.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub replaced: usize,
    /// Items that no longer belong.
    pub deleted: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Counts {
    /// Whether nothing was changed.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Counts {
    /// As a plan says it: `3 to create, 1 to update`.
    #[must_use]
    pub fn ahead(self) -> String {
        let Self { created, updated, replaced, deleted } = self;
        let parts = [(created, "create"), (updated, "update"), (replaced, "replace"), (deleted, "delete")];
        let said: Vec<_> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} to {word}")).collect();
        if said.is_empty() { "nothing to change".to_owned() } else { said.join(", ") }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, updated, replaced, deleted } = *self;
        let parts =
            [(created, "created"), (updated, "updated"), (replaced, "replaced"), (deleted, "deleted")];
        let said: Vec<_> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        f.write_str(if said.is_empty() { "nothing to change" } else { "" })?;
        f.write_str(&said.join(", "))
    }
}

/// A revision that pre-receive found good, or that somebody asked to deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The deployment that will come of it.
    pub id: DeploymentId,
    /// The environment's name.
    pub environment: String,
    /// The branch's full name.
    pub reference: String,
    /// The revision before, in hex.
    pub old: Option<String>,
    /// The revision, in hex.
    pub new: String,
    /// Who pushed or asked.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// The `git receive-pack` that has yet to move the ref; `None` where the ref has moved already.
    pub push: Option<Process>,
    /// How many warnings the verdict had.
    pub warnings: usize,
    /// How many other refs the same push moves.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub beside: usize,
}

impl Intent {
    /// Whether both are pushes of one revision in the place of another: Git lets only one of them through,
    /// and does not say which.
    #[must_use]
    pub fn is_twin(&self, other: &Self) -> bool {
        let key = |intent: &Self| (intent.environment.clone(), intent.old.clone(), intent.new.clone());
        self.id != other.id && self.push.is_some() && other.push.is_some() && key(self) == key(other)
    }

    /// The outcome of this intent, ended now, before anything was changed.
    #[must_use]
    pub fn end(&self, outcome: OutcomeKind) -> Outcome {
        Outcome {
            id: self.id.clone(),
            environment: self.environment.clone(),
            revision: self.new.clone(),
            outcome,
            who: self.who.clone(),
            accepted: self.at,
            ended: super::now(),
            before: None,
            changes: Counts::default(),
            unhealthy: false,
            unmoved: false,
            reason: None,
        }
    }
}

/// How a deployment ended, and all that the note about it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The deployment.
    pub id: DeploymentId,
    /// The environment's name.
    pub environment: String,
    /// The revision, in hex.
    pub revision: String,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// Who pushed or asked.
    pub who: String,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// The revision that ran before, in hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// What it changed.
    pub changes: Counts,
    /// Whether the revision is there, and only not healthy.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unhealthy: bool,
    /// Whether the branch never pointed to it: it was to move once the revision runs.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unmoved: bool,
    /// Why it failed, or what superseded it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl Outcome {
    /// What it changed, in words.
    #[must_use]
    pub fn changed(&self) -> String {
        match self.outcome {
            OutcomeKind::Deployed => self.changes.to_string(),
            _ if self.changes.is_empty() => "nothing changed".to_owned(),
            _ => self.changes.to_string(),
        }
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// Accepted by instate; Git may still refuse.
    Intent(Intent),
    /// Git moved the ref, which is worth knowing if it is moved back before anything else was done.
    Landed(DeploymentId),
    /// Git let the push through and leaves the ref to us, which moves once the revision runs: from now on an
    /// outcome is owed, whatever becomes of the push.
    Admitted(DeploymentId),
    /// The revision of an admitted push runs, and nothing is left to do but to move the ref.
    Runs(DeploymentId),
    /// The revision of an admitted push does not run, and what ran before is to be brought back.
    GivenUp {
        /// The deployment.
        id: DeploymentId,
        /// Why.
        reason: String,
    },
    /// Git did not accept the push.
    Withdrawn(DeploymentId),
    /// A plan was made and is being carried out.
    Started {
        /// The deployment.
        id: DeploymentId,
        /// What it will change.
        changes: Counts,
    },
    /// It ended.
    Outcome(Outcome),
    /// The note and the ref of the outcome are in Git.
    Recorded(DeploymentId),
}
