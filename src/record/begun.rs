//! What a deployment whose branch has not moved yet did to objects that the revision before does not declare: only by
//! this can going back tell what it made from what was there.

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{DeploymentId, Outcome, OutcomeKind, State};
use crate::{
    error::{Doing, Error, Result},
    files,
    manifest::ObjectKey,
    policy::confirmed,
    repository::Repository,
    target::Mark,
};

/// What was begun since an environment was last whole, by one deployment or by several that took over from each
/// other. Objects are named as a confirmation names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The deployment that wrote this last.
    by: DeploymentId,
    /// What was not there before.
    pub created: BTreeSet<String>,
    /// What was there before, and was nobody's.
    pub found: BTreeSet<String>,
    /// What was deleted and made anew.
    pub replaced: BTreeSet<String>,
    /// The first of all changes, for people, and how many more there are.
    lines: Vec<String>,
    more: usize,
}

/// So many changes are named.
const NAMED: usize = 20;

impl Begun {
    /// What was begun before the deployment `id`, by itself or by those that it took over from, and is its own from
    /// now on.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn take(
        repository: &Repository,
        environment: &str,
        state: &State,
        id: &DeploymentId,
    ) -> Result<Self> {
        let known = Self::read(repository, environment)?.filter(|known| known.is_pending(state));
        match known {
            Some(known) if known.by == *id => Ok(known),
            Some(known) => {
                let own = Self { by: id.clone(), ..known };
                own.save(repository, environment)?;
                Ok(own)
            }
            None => Ok(Self {
                by: id.clone(),
                created: BTreeSet::new(),
                found: BTreeSet::new(),
                replaced: BTreeSet::new(),
                lines: Vec::new(),
                more: 0,
            }),
        }
    }

    /// What was begun and has no end yet; the journal says so, where it is asked at all. What one left that has its
    /// end is nothing to go back from.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn pending(
        repository: &Repository,
        environment: &str,
        journal: impl FnOnce() -> Result<State>,
    ) -> Result<Option<Self>> {
        let Some(known) = Self::read(repository, environment)? else { return Ok(None) };
        let state = journal()?;
        Ok(Some(known).filter(|known| known.is_pending(&state)))
    }

    fn is_pending(&self, state: &State) -> bool {
        let end = state.outcome(&self.by).map(|outcome| outcome.outcome);
        matches!(end, None | Some(OutcomeKind::Superseded))
    }

    fn read(repository: &Repository, environment: &str) -> Result<Option<Self>> {
        let path = path(repository, environment);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.doing("read", &path)?,
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| {
            let error = Error::server(format!("{} is damaged", path.display()));
            error.help("remove it; what a deployment had created is then no longer known to be its own")
        })
    }

    /// Adds what a plan is going to do. What is known already stays what it was: a run that goes on where another
    /// was cut off finds what that one made.
    pub fn add(
        &mut self,
        marks: impl IntoIterator<Item = (Mark, ObjectKey)>,
        lines: impl IntoIterator<Item = String>,
    ) {
        for line in lines {
            match self.lines.len() {
                _ if self.lines.contains(&line) => {}
                0..NAMED => self.lines.push(line),
                _ => self.more += 1,
            }
        }
        for (mark, key) in marks {
            let name = confirmed::name(&key);
            if [&self.created, &self.found].iter().any(|known| known.contains(&name)) {
                continue;
            }
            match mark {
                Mark::Created => self.created.insert(name),
                Mark::Found => self.found.insert(name),
                Mark::Replaced => self.replaced.insert(name),
            };
        }
    }

    /// What was going to be done, in a line; nothing where nothing was.
    #[must_use]
    pub fn describe(&self) -> Option<String> {
        let more = if self.more > 0 { format!(" and {} more", self.more) } else { String::new() };
        (!self.lines.is_empty()).then(|| format!("{}{more}", self.lines.join(", ")))
    }

    /// Writes it, before anything of it is done.
    ///
    /// # Errors
    /// It is not on the disk.
    pub fn save(&self, repository: &Repository, environment: &str) -> Result<()> {
        let path = path(repository, environment);
        let folder = path.parent().unwrap_or(Path::new("/"));
        files::make_folder(folder)?;
        files::replace(&path, &serde_json::to_vec(self).map_err(Error::server)?)?;
        files::sync_folder(folder)
    }

    /// Forgets what is over with this outcome: the environment is whole again, or given to people.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(repository: &Repository, outcome: &Outcome, state: &State) -> Result<()> {
        let environment = &outcome.environment;
        let over = match outcome.outcome {
            OutcomeKind::Deployed => true,
            OutcomeKind::Superseded => false,
            // What another has begun since, that one still needs.
            OutcomeKind::Failed | OutcomeKind::Diverged => {
                Self::read(repository, environment)?.is_none_or(|known| !known.is_pending(state))
            }
        };
        let path = path(repository, environment);
        match if over { fs::remove_file(&path) } else { Ok(()) } {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.doing("remove", &path),
        }
    }
}

fn path(repository: &Repository, environment: &str) -> PathBuf {
    repository.state().join("begun").join(environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Confirmed, record::now};

    fn key(kind: &str, name: &str) -> ObjectKey {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        ObjectKey { group: String::new(), kind, namespace: Some("shop".to_owned()), name }
    }

    #[test]
    fn what_a_run_that_goes_on_finds_stays_what_the_first_one_knew_it_as() {
        let folder = tempfile::tempdir().expect("because the disk has room");
        std::process::Command::new("git")
            .args(["init", "--quiet", "--bare"])
            .arg(folder.path())
            .status()
            .expect("because git is there");
        let repository = Repository::open(folder.path()).expect("because it was just made");
        files::make_folder(&repository.state()).expect("because it is ours");
        let (first, second) = (DeploymentId::new(now()), DeploymentId::new(now()));
        let take = |id| Begun::take(&repository, "production", &State::default(), id).expect("it is whole");
        let mut begun = take(&first);
        assert_eq!(begun.describe(), None);
        let marks = [(Mark::Created, key("ConfigMap", "new")), (Mark::Found, key("ConfigMap", "theirs"))];
        begun.add(marks, ["create new".to_owned()]);
        begun.save(&repository, "production").expect("because the disk has room");

        let mut begun = take(&second);
        let marks = [(Mark::Found, key("ConfigMap", "new")), (Mark::Created, key("ConfigMap", "theirs"))];
        begun.add(marks, ["create new".to_owned(), "update theirs".to_owned()]);
        assert!(
            begun.created.contains("ConfigMap/shop/new") && begun.found.contains("ConfigMap/shop/theirs")
        );
        assert_eq!((begun.created.len(), begun.found.len()), (1, 1));
        assert_eq!(begun.describe().as_deref(), Some("create new, update theirs"));

        let many = (0..30).map(|n| format!("create {n}"));
        begun.add([], many);
        assert!(begun.describe().is_some_and(|text| text.ends_with("create 17 and 12 more")));
        let back = Confirmed::going_back(&begun, "shop");
        assert_eq!(back.spares(&key("ConfigMap", "new")), None);
    }
}
