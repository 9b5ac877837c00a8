//! What is wrong with an installation: everything that would leave the gate open, keep pushes out or deployments from
//! running, or surprise people, each with what puts it right. Nothing is changed, and whatever is broken keeps nothing
//! else from being looked at.
//!
//! What `install` decides is asked of it. What cannot be told for certain is not said.

mod hooks;
mod lighttpd;
mod machine;
mod nginx;
mod program;
mod record;
mod rights;
mod settings;
mod sshd;
mod systemd;
mod targets;

pub use machine::Machine;

use crate::{
    config::{Config, Server},
    error::Error,
    install,
    repository::Repository,
    trouble::Trouble,
};

/// What was looked at, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Examined {
    /// In words.
    pub looked: Vec<String>,
    /// The worst first.
    pub troubles: Vec<Trouble>,
}

impl Examined {
    fn looked(&mut self, what: &str, found: Vec<Trouble>) {
        self.looked.push(what.to_owned());
        for trouble in found {
            if !self.troubles.contains(&trouble) {
                self.troubles.push(trouble);
            }
        }
    }
}

/// What every check is about.
struct Patient<'p> {
    repository: &'p Repository,
    /// `None` where it cannot be read.
    config: Option<&'p Config>,
    /// What stands between people and the repository, as far as that is known.
    server: Server,
    machine: &'p Machine,
}

/// Looks at an installation.
#[must_use]
pub fn examine(repository: &Repository, machine: &Machine) -> Examined {
    let mut examined = Examined::default();
    if let Some(trouble) = nothing_there(repository) {
        examined.looked("hooks", vec![trouble]);
        return examined;
    }
    let config = Config::load(repository);
    let server = match &config {
        Ok(config) => config.server,
        Err(_) => install::server::guess(repository.git_dir()),
    };
    let patient = Patient { repository, config: config.as_ref().ok(), server, machine };
    let (found, stand) = hooks::examine(&patient);
    examined.looked("hooks", found);
    examined.looked("program", program::examine(&patient));
    examined.looked("settings of Git", settings::examine(&patient, stand).unwrap_or_else(not_seen));
    examined.looked("owners and rights", rights::examine(&patient).unwrap_or_else(not_seen));
    examined.looked("configuration", config.as_ref().err().cloned().map(Trouble::from).into_iter().collect());
    examined.looked("record", record::examine(&patient));
    examined.looked("targets", targets::examine(&patient));
    for (what, found) in [
        ("systemd", systemd::examine(&patient)),
        ("sshd", sshd::examine(&patient)),
        ("nginx", nginx::examine(&patient)),
        ("lighttpd", lighttpd::examine(&patient)),
    ] {
        if let Some(found) = found {
            examined.looked(what, found);
        }
    }
    examined.troubles.sort_by_key(|trouble| trouble.severity);
    examined
}

/// What cannot be looked at is wrong.
fn not_seen(error: Error) -> Vec<Trouble> {
    vec![error.into()]
}

/// Where nothing of an installation is there, one thing is wrong and not ten.
fn nothing_there(repository: &Repository) -> Option<Trouble> {
    let configured = repository.config_path().is_ok_and(|path| path.exists());
    if install::is_installed(repository) || configured || repository.state().exists() {
        return None;
    }
    let shown = repository.git_dir().display();
    let message = format!("instate is not installed in {shown}");
    Some(Trouble::error(message).help(install::command(repository)))
}
