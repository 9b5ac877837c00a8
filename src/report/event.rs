//! What happens, as values. The worker writes them to a file, and whoever watches renders them.

use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    finding::{Code, Finding, Verdict},
    record::{Counts, Outcome, OutcomeKind},
    trouble::Trouble,
};

/// A thing that happened, complete enough to be shown without knowing what came before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A push was refused for what it holds.
    Refused {
        /// Branches that stay, and where: `main`, `1a2b3c4`.
        stay: Vec<(String, Option<String>)>,
        /// What finds the same in a clone; nothing where only the server can find it.
        #[serde(default)]
        again: Vec<String>,
        /// Why.
        verdict: Verdict,
    },
    /// A push was refused because the server could not judge it.
    Shut {
        /// As in `Refused`.
        stay: Vec<(String, Option<String>)>,
        /// Why, in one line.
        message: String,
        /// Places in the server's configuration.
        findings: Vec<Finding>,
        /// The next step.
        help: Option<String>,
        /// Whether pushing again later may work.
        later: bool,
    },
    /// A push is good, but its author should know something.
    Warned {
        /// The warnings.
        verdict: Verdict,
    },
    /// Files were checked without a push.
    Checked {
        /// What was checked.
        what: String,
        /// How many objects were read.
        objects: usize,
        /// What is wrong.
        verdict: Verdict,
    },
    /// What a code means.
    Explained {
        /// The code.
        code: Code,
        /// What it is about, in a few words.
        title: String,
        /// Its section of `docs/findings.md`; `None` where the codes are listed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        page: Option<String>,
    },
    /// What deploying a revision would change.
    Plan {
        /// The environment and the revision.
        what: String,
        /// Every change.
        changes: Vec<PlanLine>,
        /// How much.
        counts: Counts,
    },
    /// Something in a deployment.
    Deployment(Progress),
    /// What an environment runs and should run.
    Standing(Standing),
    /// A deployment of the past.
    Past(Outcome),
    /// An installation was looked at.
    Examined {
        /// The repository.
        what: String,
        /// What was looked at.
        looked: Vec<String>,
        /// What is wrong.
        troubles: Vec<Trouble>,
    },
    /// A command could not do what it was asked.
    Stopped {
        /// What happened.
        message: String,
        /// Places in the server's configuration.
        findings: Vec<Finding>,
        /// The next step.
        help: Option<String>,
    },
    /// A line of a terminal, shown as it is.
    Typed {
        /// The line.
        text: String,
    },
    /// Something worth a line.
    Said {
        /// The line.
        text: String,
    },
}

impl Event {
    /// What a command says when it stops.
    #[must_use]
    pub fn stopped(error: Error) -> Self {
        Self::Stopped { message: error.message, findings: error.findings, help: error.help }
    }

    /// A plain line.
    #[must_use]
    pub fn said(text: impl Into<String>) -> Self {
        Self::Said { text: text.into() }
    }
}

/// A thing that happened in a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum Progress {
    /// The worker has it.
    Started {
        /// The environment's name.
        environment: String,
        /// The revision, in hex.
        revision: String,
    },
    /// What will change.
    Planned {
        /// How much.
        changes: Counts,
        /// The first changes.
        first: Vec<PlanLine>,
        /// How many more there are.
        more: usize,
    },
    /// Something was done.
    Step {
        /// What, in a line.
        text: String,
    },
    /// How it ended; nothing follows.
    Ended(Ended),
}

/// What an environment runs and should run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The environment's name.
    pub environment: String,
    /// The branch.
    pub branch: String,
    /// Where it runs.
    pub target: String,
    /// What is wrong with it.
    pub wrong: Option<String>,
    /// The revision at the branch's tip.
    pub tip: Option<String>,
    /// The revision that runs.
    pub runs: Option<String>,
    /// What a worker is doing at this moment.
    pub under_way: Option<String>,
    /// Whether the tip was accepted and has no outcome yet.
    pub open: bool,
    /// The newest outcome.
    pub last: Option<Outcome>,
}

/// One change of a plan, for showing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLine {
    /// `create`, `update`, `delete`.
    pub action: String,
    /// What it is about.
    pub item: String,
    /// Which fields change, where that is known.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fields: Vec<String>,
}

/// How a deployment ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The environment's name.
    pub environment: String,
    /// The revision, in hex.
    pub revision: String,
    /// How.
    pub outcome: OutcomeKind,
    /// The revision that ran before.
    pub before: Option<String>,
    /// What was changed.
    pub changes: Counts,
    /// Whether the revision is there, and only not healthy.
    #[serde(default)]
    pub unhealthy: bool,
    /// Whether the branch never pointed to it.
    #[serde(default)]
    pub unmoved: bool,
    /// Why, where it did not run.
    pub reason: Option<String>,
    /// The next step.
    pub help: Option<String>,
    /// The revision that runs, where it is another one.
    pub runs: Option<String>,
    /// The branch.
    pub branch: String,
}
