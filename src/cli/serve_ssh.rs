//! `instate serve-ssh`: what sshd runs for a key, so that the hooks know whose it is.
//!
//! It takes the place of `git-shell`: of what the person asks for it starts git's three servers and nothing else, and no
//! shell reads their words. It stays until git has ended, since that is how a hook knows that it may believe the name.

use std::{
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::{
    error::{Doing, Error, Result},
    push::{VARIABLE, is_name},
    report::Report,
    text, worker,
};

/// Let the owner of an ssh key use Git and nothing else, and say to the hooks who that is
#[derive(Debug, clap::Args)]
#[command(after_help = "For a line of authorized_keys, one a key:
  restrict,command=\"/usr/local/bin/instate serve-ssh ana --root /srv/git\" ssh-ed25519 AAAA...

What the person wants comes in SSH_ORIGINAL_COMMAND, as sshd sets it.")]
pub(super) struct Arguments {
    /// Whose key it is, as `policy.pushers` and the record name them
    name: String,
    /// Only repositories in this folder
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

/// What a client may ask for.
const SERVERS: [&str; 3] = ["receive-pack", "upload-pack", "upload-archive"];

pub(super) fn run(arguments: &Arguments, _: &mut Report) -> Result<ExitCode> {
    let Arguments { name, root } = arguments;
    if !is_name(name) {
        let error = Error::server(format!("`{}` cannot be the name of a person", text::excerpt(name, 40)));
        return Err(error.help("use letters, digits and `._@+-` in the line of authorized_keys"));
    }
    let asked = std::env::var("SSH_ORIGINAL_COMMAND").unwrap_or_default();
    if asked.is_empty() {
        let error = Error::revision(format!("hello {name}: this account is for Git, and has no shell"));
        return Err(error.help("git clone ssh://.../repository.git"));
    }
    let Some((server, path)) = read(&asked) else {
        let message = format!("this account is for Git, and does not know `{}`", text::excerpt(&asked, 80));
        return Err(Error::revision(message).help("use git clone, git fetch and git push"));
    };
    let path = match root {
        Some(root) => below(root, &path)?,
        None => PathBuf::from(path),
    };
    let mut git = Command::new("git");
    // What sshd lets a client set could change what Git does, and where it looks for its settings; theirs is only the
    // version of its protocol.
    let theirs =
        ["GIT_PROTOCOL", "SSH_CONNECTION"].map(|name| std::env::var_os(name).map(|value| (name, value)));
    git.env_clear().envs(worker::inherited()).envs(theirs.into_iter().flatten());
    git.env(VARIABLE, name).arg(server).arg(&path);
    let ended = git.status().map_err(|error| Error::server(format!("cannot start git: {error}")))?;
    let code = ended.code().unwrap_or_else(|| 128 + ended.signal().unwrap_or_default());
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

/// A repository below `root`, named in full or from there, with its ending or without, links followed; any other is
/// not there.
fn below(root: &Path, path: &str) -> Result<PathBuf> {
    let root = root.canonicalize().doing("find the folder of repositories", root)?;
    let from_there = path.trim_start_matches('/');
    let tried = [path.to_owned(), from_there.to_owned(), format!("{path}.git"), format!("{from_there}.git")];
    let mut found = tried.iter().filter_map(|path| root.join(path).canonicalize().ok());
    // Git would look further, beside it and inside, for what is none itself.
    let is_one = |found: &PathBuf| {
        found.join("HEAD").is_file() && found.join("objects").is_dir() && !found.join(".git").exists()
    };
    found.find(|found| found.starts_with(&root) && *found != root && is_one(found)).ok_or_else(|| {
        Error::revision(format!("there is no repository `{}`", text::excerpt(path, 80)))
            .help("look at the address: git remote --verbose")
    })
}

/// `git-receive-pack '/srv/git/a.git'`, as git clients quote it: which server, and the path.
fn read(asked: &str) -> Option<(&'static str, String)> {
    let (words, _) = asked.split_once(" '")?;
    let path = &asked[words.len() + 1..];
    let server = words.strip_prefix("git-").or_else(|| words.strip_prefix("git "))?;
    let server = SERVERS.into_iter().find(|known| *known == server)?;
    let path = unquote(path)?;
    // As git-shell has it: what begins so is an option to git.
    (!path.is_empty() && !path.starts_with('-')).then_some((server, path))
}

/// One word in single quotes, in which `'\''` and `'\!'` stand for characters.
fn unquote(word: &str) -> Option<String> {
    let mut path = String::new();
    let mut rest = word.strip_prefix('\'')?;
    loop {
        let (plain, after) = rest.split_once('\'')?;
        path.push_str(plain);
        if after.is_empty() {
            return Some(path);
        }
        let escaped = after.strip_prefix('\\')?;
        let character = escaped.chars().next().filter(|c| "'!".contains(*c))?;
        path.push(character);
        rest = escaped[1..].strip_prefix('\'')?;
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn gits_own_servers_are_started_with_one_path_and_nothing_else_is() {
        for (asked, server, path) in [
            ("git-receive-pack '/srv/git/a.git'", "receive-pack", "/srv/git/a.git"),
            ("git receive-pack 'a.git'", "receive-pack", "a.git"),
            ("git-upload-pack '/it'\\''s here'\\!''", "upload-pack", "/it's here!"),
            ("git-upload-archive 'a'", "upload-archive", "a"),
            ("git-receive-pack '/a;$(touch x)`y`'", "receive-pack", "/a;$(touch x)`y`"),
        ] {
            assert_eq!(read(asked), Some((server, path.to_owned())), "{asked}");
        }
        for asked in [
            "",
            "sh",
            "git-receive-pack",
            "git-receive-pack /srv/git/a.git",
            "git-receive-pack ''",
            "git-receive-pack 'a' 'b'",
            "git-receive-pack 'a'; sh",
            "git-receive-pack 'a'\\;'b'",
            "git-receive-pack 'a",
            "git-receive-pack '--x'",
            "git-receive-pack --x 'a'",
            "git -c core.hooksPath=/tmp receive-pack 'a'",
            "git-shell 'a'",
            "git config 'a'",
            "receive-pack 'a'",
        ] {
            assert_eq!(read(asked), None, "{asked}");
        }
    }
}
