//! `instate doctor`: what is wrong with how instate stands on a server.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::exit;
use crate::{
    doctor::{Examined, Machine, examine},
    error::{Doing, Error, Result},
    install,
    push::account_of,
    report::{Event, Report},
    repository::Repository,
    trouble::typed,
};

/// Find what is wrong with an installation, and say what puts it right
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Run it as the user that Git runs as. It looks at the hooks and what they run, owners and rights, the
settings of Git, the configuration, the record, the targets, and at what of systemd, sshd and the web
server this user may read. Nothing is changed.

Exit code 1 where something was found.

Examples:
  instate doctor /srv/git/production.git
  sudo -u git instate doctor /srv/git/production.git"
)]
pub(super) struct Arguments {
    /// The bare repository
    #[arg(default_value = ".")]
    repository: PathBuf,
    /// The folder that the machine's own files (/etc, /run) are below
    #[arg(long, value_name = "FOLDER", default_value = "/", hide = true)]
    system_root: PathBuf,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let path = &arguments.repository;
    install::kind(path)?;
    let (what, examined) = match Repository::open(path) {
        Ok(repository) => {
            is_own(&repository)?;
            let examined = examine(&repository, &Machine::new(&arguments.system_root));
            (repository.git_dir().display().to_string(), examined)
        }
        Err(error) => unreadable(path).ok_or(error)?,
    };
    let Examined { looked, troubles } = examined;
    let good = troubles.is_empty();
    report.event(&Event::Examined { what, looked, troubles });
    Ok(exit(good))
}

/// A repository that cannot be opened because Git cannot read its settings.
fn unreadable(path: &Path) -> Option<(String, Examined)> {
    let path = fs::canonicalize(path).ok().filter(|path| path.join("objects").is_dir())?;
    let troubles = vec![install::gitconfig::list(&path).err()?.into()];
    let examined = Examined { looked: vec!["settings of Git".to_owned()], troubles };
    Some((path.display().to_string(), examined))
}

/// What another user may read and run says nothing of the one that Git runs as.
fn is_own(repository: &Repository) -> Result<()> {
    let git_dir = repository.git_dir();
    let owner = git_dir.metadata().doing("look at", git_dir)?.uid();
    let you = rustix::process::geteuid().as_raw();
    if owner == you {
        return Ok(());
    }
    let name = |uid| account_of(uid).unwrap_or_else(|| format!("#{uid}"));
    let message = format!("{} belongs to {}, and you are {}", git_dir.display(), name(owner), name(you));
    let owner = crate::text::shell_word(&name(owner));
    Err(Error::server(message).help(format!("sudo -u {owner} instate doctor {}", typed(git_dir))))
}
