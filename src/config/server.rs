//! What stands between people and a repository: it decides where hooks go, and how they learn who pushed.

use std::fmt;

/// The Git server in front of a repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Server {
    /// Git itself, over ssh, through a web server or over a path.
    #[default]
    Bare,
    /// Gitea, or Forgejo, which came from it.
    Gitea,
    /// Gitolite 3.
    Gitolite,
}

impl Server {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bare, Self::Gitea, Self::Gitolite];

    /// As `server:` in the configuration has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Gitea => "gitea",
            Self::Gitolite => "gitolite",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.word() == word)
    }

    /// Whether it has pull requests, and says to a hook that it merges one.
    #[must_use]
    pub const fn merges(self) -> bool {
        matches!(self, Self::Gitea)
    }
}

/// Its name.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bare => "git alone",
            Self::Gitea => "Gitea or Forgejo",
            Self::Gitolite => "Gitolite",
        })
    }
}
