//! Where outcomes are announced: commit statuses, and webhooks.

use std::{fmt, path::PathBuf};

/// One place that hears of deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Who is spoken to.
    pub to: To,
    /// Its address, without a slash at its end.
    pub url: String,
    /// The file that holds the token, or the webhook's secret.
    pub secret: PathBuf,
}

/// Who is spoken to, and about which repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// `owner/name` on a Gitea.
    Gitea(String),
    /// `owner/name` on a Forgejo.
    Forgejo(String),
    /// `owner/name` on GitHub, or on a GitHub Enterprise Server.
    Github(String),
    /// A project of a GitLab, by its path or number.
    Gitlab(String),
    /// Whoever takes Standard Webhooks.
    Webhook,
}

impl To {
    /// As the configuration has it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Gitea(_) => "gitea",
            Self::Forgejo(_) => "forgejo",
            Self::Github(_) => "github",
            Self::Gitlab(_) => "gitlab",
            Self::Webhook => "webhook",
        }
    }

    /// The repository or project, where there is one.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Gitea(name) | Self::Forgejo(name) | Self::Github(name) | Self::Gitlab(name) => Some(name),
            Self::Webhook => None,
        }
    }
}

impl Destination {
    /// Names it in files and in the ids of messages: the same as long as it is the same place, whatever its secret.
    #[must_use]
    pub fn key(&self) -> String {
        let all = format!("{} {} {}", self.to.word(), self.url, self.to.repository().unwrap_or_default());
        let digest = ring::digest::digest(&ring::digest::SHA256, all.as_bytes());
        let hex = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}"));
        format!("{}-{}", self.to.word(), hex.collect::<String>())
    }
}

impl fmt::Display for Destination {
    /// What a person may see of it. The path of a webhook may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let host = host.split(['/', '?']).next().unwrap_or_default();
        write!(f, "{} at {host}", self.to.word())
    }
}
