//! The server's configuration: which branch is which environment, and where it runs.
//!
//! It lies outside every repository, so a push cannot change it. What is not understood is an error:
//! a rule that is silently not obeyed would be worse than none.

mod announce;
mod read;
mod server;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

pub use announce::{Destination, To};
pub use read::read;
pub use server::Server;

use crate::{
    check::schema::Minor,
    error::{Doing, Error, Result},
    finding::Code,
    repository::Repository,
    text,
};

/// The largest configuration that is read, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// The namespace of objects that name none, where the configuration names none either.
pub const DEFAULT_NAMESPACE: &str = "default";

/// What `instate install` writes where no configuration is given.
pub const TEMPLATE: &str = include_str!("template.yaml");

/// The settled configuration of one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where it was read.
    pub path: PathBuf,
    /// What stands between people and the repository.
    pub server: Server,
    /// In the order of the file.
    pub environments: Vec<Environment>,
    /// Who hears how they go, beside whoever pushes.
    pub announce: Vec<Destination>,
}

/// One named destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Lower case letters, digits and `-`, since it is part of file names and refs.
    pub name: String,
    /// The full name of the ref, `refs/heads/main`.
    pub reference: String,
    /// The folder of the tree that it is declared in; `.` for all of it.
    pub path: String,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// Where it runs.
    pub target: Target,
    /// The Kubernetes that it is checked for where no cluster can be asked.
    pub minor: Minor,
    /// How long a deployment may take to become healthy.
    pub timeout: Duration,
    /// How long it must then stay so.
    pub settle: Duration,
    /// Which findings a file may silence.
    pub silence: Silence,
    /// What a push may delete.
    pub delete: Deletions,
    /// When a push to its branch is accepted.
    pub accept: Accept,
    /// How objects of some kinds say that they are healthy.
    pub health: Vec<HealthRule>,
    /// Who may push to its branch.
    pub pushers: Pushers,
    /// Whether it moves by merges of pull requests alone.
    pub merges_only: bool,
}

/// Who may push to the branch of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Pushers {
    /// Everybody whom the server lets in.
    #[default]
    Everybody,
    /// Those of these names.
    These(BTreeSet<String>),
}

/// When a push is accepted, which is when the branch moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Accept {
    /// Once it was checked; the deployment comes after it.
    #[default]
    Checked,
    /// Once the revision runs: a deployment that fails refuses the push.
    Deployed,
}

/// How objects of a kind say that they are healthy: expressions in CEL about `object`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthRule {
    /// The kind's API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// Whether the object is as it is wanted.
    pub healthy: String,
    /// Whether it will not become so by waiting.
    pub failed: Option<String>,
    /// Why it is as it is, as a text.
    pub reason: Option<String>,
}

/// What of a cluster a push may delete without a word in a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deletions {
    /// So many objects of what runs; any number where there is none.
    pub max: Option<Most>,
    /// Kinds whose objects are never among them; those that hold what is not in Git where none are named.
    pub protect: Option<Vec<String>>,
}

/// A number of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Most {
    /// As it is.
    Objects(usize),
    /// In a hundred of what runs.
    Percent(usize),
}

impl Most {
    /// How many that is of `all`, at least.
    #[must_use]
    pub fn of(self, all: usize) -> usize {
        match self {
            Self::Objects(most) => most,
            Self::Percent(share) => all.saturating_mul(share) / 100,
        }
    }
}

impl std::fmt::Display for Most {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Objects(most) => write!(f, "{most}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

/// Which findings a file may silence with a comment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Silence {
    /// Every warning, and no error.
    #[default]
    Warnings,
    /// Those of these codes.
    Codes(Vec<Code>),
}

/// Where an environment runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A folder that instate owns.
    Directory(PathBuf),
    /// A Kubernetes cluster.
    Kubernetes(Kubernetes),
}

/// How a cluster is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// The file with the cluster's address and instate's credentials.
    pub kubeconfig: PathBuf,
    /// Which context of it; its current one where none is named.
    pub context: Option<String>,
    /// The user in whose name everything is done.
    pub impersonate: Option<String>,
}

impl Target {
    /// As a person reads it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Directory(folder) => folder.display().to_string(),
            Self::Kubernetes(Kubernetes { kubeconfig, context, .. }) => match context {
                Some(context) => format!("kubernetes: {context} of {}", kubeconfig.display()),
                None => format!("kubernetes: {}", kubeconfig.display()),
            },
        }
    }
}

impl Environment {
    /// The branch as a person says it.
    #[must_use]
    pub fn branch(&self) -> &str {
        self.reference.strip_prefix("refs/heads/").unwrap_or(&self.reference)
    }

    /// Whether a file of the repository is under its path.
    #[must_use]
    pub fn holds(&self, file: &str) -> bool {
        let below = file.strip_prefix(self.path.as_str());
        self.path == "." || below.is_some_and(|below| below.starts_with('/'))
    }

    /// What checks it in a clone, as one types it in a shell.
    #[must_use]
    pub fn check_command(&self) -> String {
        let mut command = "instate check".to_owned();
        if self.path != "." {
            command = format!("{command} --path {}", text::shell_word(&self.path));
        }
        if self.namespace != DEFAULT_NAMESPACE {
            command = format!("{command} --namespace {}", self.namespace);
        }
        command
    }
}

impl Config {
    /// Reads the configuration of `repository`.
    ///
    /// # Errors
    /// It is missing, unreadable or wrong; all of it is the server's fault.
    pub fn load(repository: &Repository) -> Result<Self> {
        let path = repository.config_path()?;
        let install =
            || format!("write one, or let it be made: instate install {}", repository.git_dir().display());
        let read =
            Self::from_file(&path).map_err(|error| if path.exists() { error } else { error.help(install()) });
        read?.apart_from(repository)
    }

    /// Refuses a target that holds the repository, or is in it.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn apart_from(self, repository: &Repository) -> Result<Self> {
        for Environment { name, target, .. } in &self.environments {
            let Target::Directory(folder) = target else { continue };
            if folder.starts_with(repository.git_dir()) || repository.git_dir().starts_with(folder) {
                let error =
                    Error::server(format!("the folder of `{name}` and the repository are one in the other"));
                return Err(error.help(format!("change `directory` in {}", self.path.display())));
            }
        }
        Ok(self)
    }

    /// Reads the configuration in the file `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_file(path: &Path) -> Result<Self> {
        read(path, &Self::text(path)?)
    }

    /// The text of the configuration in the file `path`.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn text(path: &Path) -> Result<String> {
        let size = std::fs::metadata(path).doing("read the configuration", path)?.len();
        if size > MAX_SIZE {
            let error = Error::server(format!("the configuration {} is larger than 1 MiB", path.display()));
            return Err(error.help("shorten it"));
        }
        let bytes = std::fs::read(path).doing("read the configuration", path)?;
        String::from_utf8(bytes).map_err(|_| {
            let error = Error::server(format!("the configuration {} is not UTF-8 text", path.display()));
            error.help("save it as UTF-8")
        })
    }

    /// The environments whose branch moves only when its revision runs.
    pub fn accept_deployed(&self) -> impl Iterator<Item = &Environment> {
        self.environments.iter().filter(|environment| environment.accept == Accept::Deployed)
    }

    /// The environments that `reference` is the branch of.
    pub fn on<'a>(&'a self, reference: &'a str) -> impl Iterator<Item = &'a Environment> {
        self.environments.iter().filter(move |e| e.reference == reference)
    }

    /// The environment called `name`, or the only one where none is named.
    ///
    /// # Errors
    /// There is none of that name, or several.
    pub fn environment_or_only(&self, name: Option<&str>) -> Result<&Environment> {
        match (name, self.environments.as_slice()) {
            (Some(name), _) => self.environment(name),
            (None, [only]) => Ok(only),
            (None, all) => {
                let names: Vec<&str> = all.iter().map(|e| e.name.as_str()).collect();
                let error = Error::server("there are several environments");
                Err(error.help(format!("name one of: {}", names.join(", "))))
            }
        }
    }

    /// The environment called `name`.
    ///
    /// # Errors
    /// There is none; the message names those there are.
    pub fn environment(&self, name: &str) -> Result<&Environment> {
        self.environments.iter().find(|e| e.name == name).ok_or_else(|| {
            let names: Vec<_> = self.environments.iter().map(|e| e.name.as_str()).collect();
            let shown = text::excerpt(name, 63);
            let error = Error::server(format!("{} has no environment `{shown}`", self.path.display()));
            error.help(match text::nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its environments are {}", names.join(", ")),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_command_that_checks_an_environment_names_what_is_not_the_default() {
        let command = |more: &str| {
            let text =
                format!("environments:\n  a:\n    branch: main\n    target: {{directory: /srv/a}}\n{more}");
            super::read(Path::new("instate.yaml"), &text).expect("it is right").environments[0]
                .check_command()
        };
        assert_eq!(command(""), "instate check");
        assert_eq!(command("    path: ./\n    namespace: default\n"), "instate check");
        assert_eq!(
            command("    path: a/b\n    namespace: shop\n"),
            "instate check --path a/b --namespace shop"
        );
        assert_eq!(command("    path: \"it's $HOME\"\n"), r"instate check --path 'it'\''s $HOME'");
    }
}
