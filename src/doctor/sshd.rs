//! What sshd lets people do who push over ssh: a shell, or variables of their own, go around the hooks.

use std::path::{Path, PathBuf};

use super::{
    Patient,
    machine::{Account, Machine, matches},
};
use crate::{
    config::Server,
    install::{hooks::program, server::entry},
    trouble::{Trouble, typed},
};

const MAIN: &str = "/etc/ssh/sshd_config";
/// So deep files name others.
const DEEPEST: usize = 16;
/// Variables with which whoever sets them decides what git does. The version of its protocol is none of them.
const VARIABLES: [&str; 8] = [
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_0",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_DIR",
    "GIT_EXEC_PATH",
    "GIT_OBJECT_DIRECTORY",
];
/// Login shells that give nobody a shell.
const NO_SHELLS: [&str; 4] = ["git-shell", "nologin", "false", "true"];

/// What is wrong with sshd's settings; `None` where they cannot be read, or nobody pushes by it.
pub(super) fn examine(patient: &Patient<'_>) -> Option<Vec<Trouble>> {
    let Patient { server, machine, .. } = *patient;
    if server == Server::Gitea {
        return None;
    }
    let account = machine.account()?;
    let mut settings = Settings::default();
    settings.read(machine, Path::new(MAIN), &account.name, &mut true, 0)?;
    let keys = if settings.forced { Vec::new() } else { keys(machine, &account, &settings.keys) };
    let mut found = Vec::new();
    let is_ours = |key: &Key| matches!(&key.opens, Opens::Command(it) if it.contains(" serve-ssh "));
    // What sshd takes from a client `serve-ssh` does not hand on.
    let scrubbed = server == Server::Bare && !keys.is_empty() && keys.iter().all(is_ours);
    let has_shell = NO_SHELLS.iter().all(|name| account.shell.rsplit('/').next() != Some(name));
    if !scrubbed {
        // Whoever has a shell needs no variables, and who else comes in may not be known.
        let reaches_git = |key: &Key| !is_ours(key) && (key.opens != Opens::Shell || !has_shell);
        let sure = server == Server::Gitolite || keys.iter().any(reaches_git);
        found.extend(settings.accepts.iter().map(|accepts| accepts.trouble(sure)));
    }
    if server == Server::Bare && has_shell {
        found.extend(with_shell(patient, &account, &keys));
    }
    Some(found)
}

/// What sshd's files say, as far as it is about us.
#[derive(Debug, Default)]
struct Settings {
    accepts: Vec<Accepts>,
    /// Where keys are.
    keys: Vec<String>,
    /// Whether every key runs one command.
    forced: bool,
}

/// A line that lets clients set variables of Git.
#[derive(Debug)]
struct Accepts {
    file: PathBuf,
    line: usize,
    pattern: String,
}

impl Accepts {
    fn trouble(&self, sure: bool) -> Trouble {
        let Self { file, line, pattern } = self;
        let message = format!(
            "{}:{line}: `AcceptEnv {pattern}` lets whoever pushes set variables of Git, and so go around the hooks",
            file.display()
        );
        let trouble = Trouble::error(message);
        let trouble = if sure { trouble } else { trouble.only_warns() };
        trouble.help(format!(
            "remove {pattern} from that line (AcceptEnv LANG LC_* GIT_PROTOCOL is harmless), then: sudo systemctl \
             reload ssh"
        ))
    }
}

impl Settings {
    /// Reads a file and those that it names. `ours` is whether the lines are about `user`.
    fn read(
        &mut self,
        machine: &Machine,
        path: &Path,
        user: &str,
        ours: &mut bool,
        depth: usize,
    ) -> Option<()> {
        let text = machine.read(path)?;
        for (number, line) in text.lines().enumerate() {
            let words = words(line);
            let Some((key, values)) = words.split_first() else { continue };
            match key.to_ascii_lowercase().as_str() {
                "match" => *ours = is_about(values, user),
                "include" if *ours && depth < DEEPEST => {
                    for pattern in values {
                        // What is no path is in the folder of sshd.
                        let pattern = Path::new("/etc/ssh").join(pattern);
                        let pattern = pattern.to_string_lossy();
                        for file in machine.named(&pattern) {
                            // A `Match` in it ends with it.
                            let mut within = *ours;
                            let _ = self.read(machine, &file, user, &mut within, depth + 1);
                        }
                    }
                }
                "acceptenv" if *ours => {
                    let wide = |pattern: &&String| VARIABLES.iter().any(|name| matches(pattern, name));
                    let file = path.to_owned();
                    self.accepts.extend(values.iter().filter(wide).map(|pattern| Accepts {
                        file: file.clone(),
                        line: number + 1,
                        pattern: pattern.clone(),
                    }));
                }
                // The first one counts.
                "authorizedkeysfile" if *ours && self.keys.is_empty() => self.keys = values.to_vec(),
                "forcecommand" if *ours => {
                    self.forced |= values.first().is_some_and(|command| command != "none");
                }
                _ => {}
            }
        }
        Some(())
    }
}

/// The words of a line: a name and its values, which may be quoted.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.trim().chars() {
        match c {
            '#' if !quoted && words.last().is_some_and(String::is_empty) => break,
            '"' => quoted = !quoted,
            // Between the name and its values `=` may stand.
            c if !quoted && (c.is_whitespace() || c == '=' && words.len() < 3) => words.push(String::new()),
            c => words.last_mut().expect("because it starts with one").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a `Match` is certainly about a user: about other things than names nothing is known.
fn is_about(values: &[String], user: &str) -> bool {
    match values {
        [all] => all.eq_ignore_ascii_case("all"),
        [kind, names] if kind.eq_ignore_ascii_case("user") => {
            names.split(',').any(|pattern| matches(pattern, user))
                && !names.split(',').any(|name| name.strip_prefix('!').is_some_and(|it| matches(it, user)))
        }
        _ => false,
    }
}

/// A key that opens the account.
#[derive(Debug)]
struct Key {
    file: PathBuf,
    line: usize,
    opens: Opens,
}

/// What a key opens.
#[derive(Debug, PartialEq, Eq)]
enum Opens {
    /// The login shell.
    Shell,
    /// The command that begins so, whatever is asked for.
    Command(String),
}

fn keys(machine: &Machine, account: &Account, files: &[String]) -> Vec<Key> {
    let usual = [".ssh/authorized_keys".to_owned(), ".ssh/authorized_keys2".to_owned()];
    let files = if files.is_empty() { &usual[..] } else { files };
    let mut keys = Vec::new();
    for file in files {
        let file = file.replace("%h", &account.home.to_string_lossy()).replace("%u", &account.name);
        let path = account.home.join(file.replace("%%", "%"));
        let text = machine.read(&path).unwrap_or_default();
        keys.extend(text.lines().enumerate().filter_map(|(number, line)| {
            Some(Key { opens: opens(line)?, file: path.clone(), line: number + 1 })
        }));
    }
    keys
}

/// What the key of a line opens, if there is one in it.
fn opens(line: &str) -> Option<Opens> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let is_kind = |word: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| word.starts_with(kind));
    let (mut quoted, mut escaped) = (false, false);
    let end = line.find(|c: char| {
        let ends = !quoted && c.is_whitespace();
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (options, rest) = line.split_at(end);
    if is_kind(options) {
        return Some(Opens::Shell);
    }
    // What a certificate allows stands in it.
    let is_authority = options.to_ascii_lowercase().contains("cert-authority");
    if !is_kind(rest.trim_start()) || is_authority {
        return None;
    }
    let at = options.to_ascii_lowercase().find("command=\"");
    let command = at.and_then(|at| options.get(at + "command=\"".len()..));
    Some(command.map_or(Opens::Shell, |command| Opens::Command(command.to_owned())))
}

/// Keys with which somebody gets a shell.
fn with_shell(patient: &Patient<'_>, account: &Account, keys: &[Key]) -> Option<Trouble> {
    let bare: Vec<&Key> = keys.iter().filter(|key| key.opens == Opens::Shell).collect();
    let (first, others) = bare.split_first()?;
    let places: Vec<String> = others.iter().take(3).map(|key| key.line.to_string()).collect();
    let more = if others.len() > 3 { ", ..." } else { "" };
    let also = if places.is_empty() { String::new() } else { format!(" (and {}{more})", places.join(", ")) };
    let message = format!(
        "{}:{}{also}: whoever has this key has a shell of {}, and can go around the hooks",
        first.file.display(),
        first.line,
        account.name
    );
    let git_dir = patient.repository.git_dir();
    let program = program(&entry(patient.repository, patient.server, "pre-receive"));
    let program = program.unwrap_or_else(|| "/usr/local/bin/instate".into());
    let root = typed(git_dir.parent().unwrap_or(git_dir));
    let help = "write this before the key, with its owner's name; an administrator's goes to another account";
    let line = format!("restrict,command=\"{} serve-ssh NAME --root {root}\" ", typed(&program));
    Some(Trouble::warning(message).help(help).line(line.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::{Opens, is_about, opens, words};

    #[test]
    fn a_key_is_bound_to_a_command_by_its_options_alone() {
        let bound = |line: &str| opens(line).map(|opens| opens != Opens::Shell);
        assert_eq!(bound("ssh-ed25519 AAAA command=\"x\""), Some(false));
        assert_eq!(bound("ecdsa-sha2-nistp256 AAAA ana"), Some(false));
        assert_eq!(bound("restrict,command=\"a b \\\" c\" ssh-ed25519 AAAA ana"), Some(true));
        assert_eq!(bound("Command=\"/bin/x\",no-pty sk-ssh-ed25519@openssh.com AAAA"), Some(true));
        assert_eq!(bound("restrict,pty ssh-rsa AAAA"), Some(false));
        for none in ["", "# ssh-ed25519 AAAA", "cert-authority ssh-ed25519 AAAA", "nonsense", "a b"] {
            assert_eq!(bound(none), None, "{none}");
        }
    }

    #[test]
    fn lines_of_sshd_are_read_as_it_reads_them() {
        assert_eq!(words("  AcceptEnv LANG LC_* # more"), ["AcceptEnv", "LANG", "LC_*"]);
        assert_eq!(words("AcceptEnv=GIT_*"), ["AcceptEnv", "GIT_*"]);
        assert_eq!(words("ForceCommand = \"a b\""), ["ForceCommand", "a b"]);
        assert!(words("# AcceptEnv *").is_empty());
        let about = |line: &str| is_about(&words(line), "git");
        assert!(about("all") && about("User git") && about("user ana,g*"));
        for no in ["User ana", "User *,!git", "Group git", "User git Address 10.0.0.0/8"] {
            assert!(!about(no), "{no}");
        }
    }
}
