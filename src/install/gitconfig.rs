//! The settings of Git that instate needs, set by Git itself and taken back to the byte.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    error::{Doing, Error, Result},
    repository::Repository,
    text::excerpt,
    trouble::typed,
};

/// Broken objects are refused before a hook sees them; push options reach the hooks.
pub const SETTINGS: [(&str, &str); 2] =
    [("receive.fsckObjects", "true"), ("receive.advertisePushOptions", "true")];

/// Which refs git leaves to the `proc-receive` hook; as git lists it.
pub const PROC_RECEIVE_REFS: &str = "receive.procreceiverefs";

/// All settings, from any of Git's files: keys as git lists them, with their values.
///
/// # Errors
/// There is no git, or it cannot read its files.
pub fn list(git_dir: &Path) -> Result<Vec<(String, String)>> {
    match git(git_dir, &["config", "--list", "-z"])? {
        (Some(0), out) => Ok(out
            .split('\0')
            .map(|entry| owned(entry.split_once('\n').unwrap_or((entry, "true"))))
            .collect()),
        _ => {
            let said = command(git_dir, &["config", "--list"]).output().doing("run", Path::new("git"))?;
            let said = String::from_utf8_lossy(&said.stderr).into_owned();
            let why = said.lines().next().map(|line| format!(": {}", excerpt(line, 200))).unwrap_or_default();
            let error =
                Error::server(format!("git cannot read the configuration of {}{why}", git_dir.display()));
            Err(error.help(format!(
                "mend that file, until this shows it: git -C {} config --list",
                typed(git_dir)
            )))
        }
    }
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// The major and minor number of the git that is found.
///
/// # Errors
/// There is none, or it does not say.
pub(super) fn version(git_dir: &Path) -> Result<(u32, u32)> {
    let (_, out) = git(git_dir, &["version"])?;
    let mut numbers = out.trim_start_matches("git version ").split('.').map(|part| part.trim().parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(Error::server("git does not say which version it is").help("git version")),
    }
}

/// What a setting is, from any of Git's files; asked of Git, who alone knows where they all are.
///
/// # Errors
/// There is no git, or it cannot read its files.
pub(super) fn get(git_dir: &Path, key: &str) -> Result<Option<String>> {
    let (code, out) = git(git_dir, &["config", "--get", key])?;
    match code {
        Some(0) => Ok(Some(out.trim().to_owned())),
        Some(1) => Ok(None),
        _ => Err(Error::server(format!("git cannot read {key} of {}", git_dir.display()))),
    }
}

/// What a setting is in the repository's own file, which is read as a file: a git that does not know the
/// kind of repository would pass it over.
///
/// # Errors
/// There is no git.
pub(super) fn own(git_dir: &Path, key: &str) -> Result<Option<String>> {
    let file = git_dir.join("config").display().to_string();
    let (code, out) = git(git_dir, &["config", "--file", &file, "--get", key])?;
    Ok((code == Some(0)).then(|| out.trim().to_owned()))
}

/// Whether which refs git leaves to the hook is what it was told when instate was installed.
pub(super) fn told(git_dir: &Path) -> Result<bool> {
    let after = git_dir.join("instate").join("config.after");
    if !after.exists() {
        return Ok(false);
    }
    let [now, then] = [git_dir.join("config"), after].map(|file| all(git_dir, &file, PROC_RECEIVE_REFS));
    Ok(now? == then?)
}

/// What a person types so that a setting is in none of Git's files any more.
///
/// # Errors
/// There is no git.
pub fn unset(git_dir: &Path, key: &str) -> Result<String> {
    let (_, out) = git(git_dir, &["config", "--show-origin", "-z", "--get-all", key])?;
    // An origin and a value, by turns.
    let origins: BTreeSet<&str> = out.split('\0').step_by(2).filter(|origin| !origin.is_empty()).collect();
    let of = |origin: &str| match origin.strip_prefix("file:") {
        Some(file) => format!("git config --file {} --unset-all {key}", typed(Path::new(file))),
        None => format!("remove {key} from the environment (GIT_CONFIG_COUNT and what belongs to it)"),
    };
    Ok(origins.into_iter().map(of).collect::<Vec<_>>().join("; "))
}

/// Sets what is needed, and keeps what was there before. `left` are the refs that git leaves to the hook; where
/// instate left some before, those are no longer.
pub(super) fn set(repository: &Repository, left: &BTreeSet<String>, installed: bool) -> Result<()> {
    let git_dir = repository.git_dir();
    let config = git_dir.join("config");
    let needed = SETTINGS.iter().filter_map(|(key, value)| match local(git_dir, key) {
        Ok(Some(set)) if set == *value => None,
        Ok(_) => Some(Ok((key, value))),
        Err(error) => Some(Err(error)),
    });
    let needed: Vec<_> = needed.collect::<Result<_>>()?;
    let [before, after] = copies(repository);
    let now: BTreeSet<String> = all(git_dir, &config, PROC_RECEIVE_REFS)?.into_iter().collect();
    let leaves = now != *left && (installed || !left.is_empty());
    if needed.is_empty() && !leaves {
        return Ok(());
    }
    // Where it was installed before, the first copy is the one to go back to.
    if !before.exists() {
        fs::copy(&config, &before).doing("copy", &config)?;
    }
    for (key, value) in needed {
        write(git_dir, &["config", key, value])?;
    }
    if leaves {
        if !now.is_empty() {
            write(git_dir, &["config", "--unset-all", "receive.procReceiveRefs"])?;
        }
        for reference in left {
            write(git_dir, &["config", "--add", "receive.procReceiveRefs", reference])?;
        }
    }
    fs::copy(&config, &after).doing("copy", &config)?;
    Ok(())
}

/// Takes the settings back: to the byte where nobody else has changed the file since.
pub(super) fn restore(repository: &Repository) -> Result<()> {
    let git_dir = repository.git_dir();
    let config = git_dir.join("config");
    let [before, after] = copies(repository);
    if !before.exists() {
        return Ok(());
    }
    if fs::read(&config).doing("read", &config)? == fs::read(&after).doing("read", &after)? {
        let bytes = fs::read(&before).doing("read", &before)?;
        // In place, so that owner and mode stay.
        fs::write(&config, bytes).doing("write", &config)?;
    } else {
        for (key, value) in SETTINGS {
            if local(git_dir, key)?.as_deref() != Some(value) {
                continue;
            }
            let file = before.display().to_string();
            let (code, was) = git(git_dir, &["config", "--file", &file, "--get", key])?;
            match code {
                Some(0) => write(git_dir, &["config", key, was.trim()])?,
                _ => write(git_dir, &["config", "--unset-all", key])?,
            }
        }
        let left = |file: &Path| all(git_dir, file, PROC_RECEIVE_REFS);
        let ours = left(&after)?;
        if left(&before)?.is_empty() && !ours.is_empty() && left(&config)? == ours {
            write(git_dir, &["config", "--unset-all", "receive.procReceiveRefs"])?;
        }
    }
    for copy in [before, after] {
        fs::remove_file(&copy).doing("remove", &copy)?;
    }
    Ok(())
}

fn copies(repository: &Repository) -> [PathBuf; 2] {
    ["config.before", "config.after"].map(|name| repository.state().join(name))
}

fn local(git_dir: &Path, key: &str) -> Result<Option<String>> {
    let (code, out) = git(git_dir, &["config", "--local", "--get", key])?;
    Ok((code == Some(0)).then(|| out.trim().to_owned()))
}

/// All values of a setting in one file.
fn all(git_dir: &Path, file: &Path, key: &str) -> Result<Vec<String>> {
    let (_, out) = git(git_dir, &["config", "--file", &file.display().to_string(), "--get-all", key])?;
    Ok(out.lines().map(ToOwned::to_owned).collect())
}

fn write(git_dir: &Path, arguments: &[&str]) -> Result<()> {
    match git(git_dir, arguments)? {
        (Some(0), _) => Ok(()),
        _ => Err(Error::server(format!("git {} failed in {}", arguments.join(" "), git_dir.display()))),
    }
}

fn git(git_dir: &Path, arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let done = command(git_dir, arguments).stderr(Stdio::null()).output().doing("run", Path::new("git"))?;
    Ok((done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned()))
}

fn command(git_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(git_dir).args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        // Where the configuration is may be said by the environment; which repository is said here.
        let text = name.to_string_lossy();
        if text.starts_with("GIT_") && !text.starts_with("GIT_CONFIG") {
            command.env_remove(&name);
        }
    }
    command
}
