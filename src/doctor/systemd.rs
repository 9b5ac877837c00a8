//! What systemd does to a deployment: ends it with the session that it was started in, and takes it up again after the
//! machine went down.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    Patient,
    machine::{Account, Machine},
};
use crate::{
    config::Server,
    text,
    trouble::{Trouble, typed},
};

/// Where an administrator's file goes before that of a package.
const FOLDERS: [&str; 4] = ["/etc/systemd", "/run/systemd", "/usr/lib/systemd", "/lib/systemd"];
/// Where else something may be that runs `instate resume` now and then.
const OTHERWISE: [&str; 7] = [
    "/etc/crontab",
    "/etc/anacrontab",
    "/etc/cron.d/*",
    "/etc/cron.hourly/*",
    "/etc/cron.daily/*",
    "/etc/rc.local",
    "/etc/local.d/*",
];

/// What is wrong with how systemd is set up; `None` where it does not run this machine.
pub(super) fn examine(patient: &Patient<'_>) -> Option<Vec<Trouble>> {
    let Patient { repository, server, machine, .. } = *patient;
    if !machine.has_systemd() {
        return None;
    }
    let account = machine.account();
    let mut found = Vec::new();
    // A server that takes pushes itself opens no session for each.
    if server != Server::Gitea
        && let Some(account) = &account
    {
        found.extend(ends_with_session(machine, &account.name));
    }
    found.extend(resumes(machine, repository.git_dir(), account.as_ref()));
    Some(found)
}

/// A worker goes on when the ssh session of its push has ended, unless this ends it.
fn ends_with_session(machine: &Machine, user: &str) -> Option<Trouble> {
    let (mut settings, mut read) = (Login::default(), Vec::new());
    for (path, text) in logind(machine) {
        if settings.read(&text) {
            read.push(path);
        }
    }
    if !settings.kills(user) {
        return None;
    }
    let file = read.last().map_or_else(String::new, |path| path.display().to_string());
    let message = format!(
        "systemd ends deployments of {user} with the ssh session of their push (KillUserProcesses or KillOnlyUsers in \
         {file})"
    );
    let excluded = settings.excluded.iter().flatten().map(String::as_str).filter(|other| *other != "root");
    let names: Vec<&str> = std::iter::once("root").chain(excluded).chain([user]).collect();
    // The last of all names, so that nothing comes after it.
    let own = "/etc/systemd/logind.conf.d/zz-instate.conf";
    Some(
        Trouble::warning(message)
            .help(format!("write these two lines to {own}, then: sudo systemctl reload systemd-logind"))
            .line("[Login]")
            .line(format!("KillExcludeUsers={}", names.join(" "))),
    )
}

/// The files of logind in the order in which they count, later ones before earlier ones.
fn logind(machine: &Machine) -> Vec<(PathBuf, String)> {
    let main = FOLDERS.iter().map(|folder| PathBuf::from(format!("{folder}/logind.conf")));
    let mut files: Vec<PathBuf> = main.into_iter().find(|path| machine.is_there(path)).into_iter().collect();
    let mut added: Vec<PathBuf> = Vec::new();
    for path in FOLDERS.iter().flat_map(|folder| machine.named(&format!("{folder}/logind.conf.d/*.conf"))) {
        // One of the same name in a folder before takes its place.
        if added.iter().all(|other| other.file_name() != path.file_name()) {
            added.push(path);
        }
    }
    added.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    files.extend(added);
    files.into_iter().filter_map(|path| machine.read(&path).map(|text| (path, text))).collect()
}

/// What logind does to what a session leaves behind.
#[derive(Debug, Default)]
struct Login {
    kill: bool,
    only: Vec<String>,
    /// root alone where nothing is said.
    excluded: Option<Vec<String>>,
}

impl Login {
    /// Reads one more file, and says whether anything of this was in it.
    fn read(&mut self, text: &str) -> bool {
        let (mut section, mut any) = (String::new(), false);
        let list = |value: &str| value.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            if line.starts_with('[') {
                line.clone_into(&mut section);
            }
            let Some((key, value)) = line.split_once('=').filter(|_| section == "[Login]") else { continue };
            match key.trim() {
                "KillUserProcesses" => {
                    let value = value.trim().to_ascii_lowercase();
                    self.kill = matches!(value.as_str(), "1" | "yes" | "y" | "true" | "t" | "on");
                }
                "KillOnlyUsers" => self.only = list(value),
                "KillExcludeUsers" => self.excluded = Some(list(value)),
                _ => continue,
            }
            any = true;
        }
        any
    }

    /// As logind decides it.
    fn kills(&self, user: &str) -> bool {
        let holds = |names: &[String]| names.iter().any(|name| name == user);
        match &self.excluded {
            None if user == "root" => false,
            Some(excluded) if holds(excluded) => false,
            _ if !self.only.is_empty() => holds(&self.only),
            _ => self.kill,
        }
    }
}

/// Somebody must look after a power cut, for an accepted revision to be deployed without another push.
fn resumes(machine: &Machine, git_dir: &Path, account: Option<&Account>) -> Option<Trouble> {
    let home = account.map(|account| account.home.join(".config/systemd/user/*").display().to_string());
    let units = FOLDERS.iter().map(|folder| format!("{folder}/system/*")).chain(home);
    let units: Vec<PathBuf> = units.flat_map(|pattern| machine.named(&pattern)).collect();
    let runs = |path: &PathBuf| machine.read(path).is_some_and(|text| resumes_in(&text, git_dir));
    let service =
        units.iter().filter(|path| path.extension().is_some_and(|it| it == "service")).find(|it| runs(it));
    let parent = git_dir.parent().unwrap_or(git_dir);
    match service {
        None if OTHERWISE.iter().flat_map(|pattern| machine.named(pattern)).any(|path| runs(&path)) => None,
        None if crontab().is_some_and(|text| resumes_in(&text, git_dir)) => None,
        None => {
            let user = account.map_or("USER", |account| account.name.as_str());
            let message = format!(
                "after the machine went down nothing takes up the deployments of {}: no unit and no cron runs \
                 `instate resume` for it",
                git_dir.display()
            );
            let folder = typed(parent);
            Some(Trouble::warning(message).help(format!("sudo ./install.sh --with-timer {user} {folder}")))
        }
        Some(service) => {
            let name = service.file_stem()?.to_string_lossy().into_owned();
            let timer = service.with_extension("timer");
            let waited_for = ["timer", "service"].iter().any(|kind| {
                let folders = FOLDERS.iter().map(|folder| format!("{folder}/system/*.wants/{name}.{kind}"));
                let own = account.map(|account| account.home.join(".config/systemd/user"));
                let own = own.map(|folder| format!("{}/*.wants/{name}.{kind}", folder.display()));
                folders.chain(own).any(|pattern| !machine.named(&pattern).is_empty())
            });
            // What starts it otherwise is not known: a unit of another name may.
            if waited_for || !machine.is_there(&timer) {
                return None;
            }
            let message =
                format!("{} is not enabled, so that nothing runs `instate resume`", timer.display());
            let unit = text::shell_word(&format!("{name}.timer"));
            Some(Trouble::warning(message).help(format!("sudo systemctl enable --now {unit}")))
        }
    }
}

/// The account's own table, which only cron's program shows.
fn crontab() -> Option<String> {
    let mut command = Command::new("crontab");
    command.arg("-l").stdin(Stdio::null()).stderr(Stdio::null());
    let done = command.output().ok().filter(|done| done.status.success())?;
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// Whether a line lets `instate resume` look at this repository.
fn resumes_in(text: &str, git_dir: &Path) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    lines.map(|line| line.split_whitespace().map(|word| word.trim_matches(['"', '\'']))).any(|words| {
        let mut words = words.skip_while(|word| word.rsplit(['/', '=']).next() != Some("instate"));
        if !words.any(|word| word == "resume") {
            return false;
        }
        let words: Vec<&str> = words.collect();
        let after = |option: &str| {
            let mut pairs = words.iter().zip(words.iter().skip(1));
            let next = pairs.find(|(word, _)| **word == option).map(|(_, value)| *value);
            let prefix = format!("{option}=");
            next.or_else(|| words.iter().find_map(|word| word.strip_prefix(prefix.as_str())))
        };
        match (after("--all"), after("--repo")) {
            (Some(folder), _) => git_dir.starts_with(folder),
            (None, Some(repository)) => git_dir == Path::new(repository),
            // In the folder that it is started in, which is not known.
            (None, None) => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Login, resumes_in};

    #[test]
    fn whose_processes_are_ended_is_decided_as_logind_decides_it() {
        let kills = |user: &str, texts: &[&str]| {
            let mut login = Login::default();
            for text in texts {
                login.read(&format!("[Login]\n{text}\n"));
            }
            login.kills(user)
        };
        assert!(!kills("git", &[""]));
        assert!(!kills("git", &["#KillUserProcesses=yes"]));
        assert!(kills("git", &["KillUserProcesses=yes"]));
        assert!(kills("git", &["KillUserProcesses = on"]));
        assert!(!kills("root", &["KillUserProcesses=yes"]));
        assert!(kills("root", &["KillUserProcesses=yes", "KillExcludeUsers=git"]));
        assert!(!kills("git", &["KillUserProcesses=yes", "KillExcludeUsers=root git"]));
        assert!(!kills("git", &["KillUserProcesses=yes", "KillUserProcesses=no"]));
        assert!(kills("git", &["KillOnlyUsers=git ana"]));
        assert!(!kills("git", &["KillUserProcesses=yes", "KillOnlyUsers=ana"]));
        let mut other = Login::default();
        assert!(!other.read("[Manager]\nKillUserProcesses=yes\n") && !other.kills("git"));
    }

    #[test]
    fn what_resumes_is_known_by_the_folder_that_it_names() {
        let of = |line: &str| resumes_in(line, Path::new("/srv/git/production.git"));
        assert!(of("ExecStart=/usr/local/bin/instate resume --all /srv/git"));
        assert!(of("ExecStart=/usr/local/bin/instate resume --all=/srv/git/"));
        assert!(of("ExecStart=instate --format json resume --all '/srv'"));
        assert!(of("@reboot instate resume --repo /srv/git/production.git"));
        assert!(of("@reboot cd /srv/git/production.git && instate resume"));
        assert!(!of("ExecStart=/usr/local/bin/instate resume --all /srv/other"));
        assert!(!of("# ExecStart=/usr/local/bin/instate resume --all /srv/git"));
        assert!(!of("ExecStart=/usr/local/bin/instate status"));
    }
}
