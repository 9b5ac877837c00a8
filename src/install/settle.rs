//! Which server a repository is behind: asked, said by the configuration, or guessed once and then written down there.

use std::path::Path;

use super::server::guess;
use crate::{
    config::{self, Config, Server, TEMPLATE},
    error::{Error, Result},
    repository::Repository,
};

/// A configuration that says which server it is for.
pub(super) struct Settled {
    pub config: Config,
    /// What its file is to hold, where that is not what it holds.
    pub text: Option<String>,
    pub said: String,
}

/// The configuration that is given, or the one at `path`, or a commented one, with its server fixed in it: what a push
/// could seem to say of its server is never asked.
pub(super) fn settle(
    repository: &Repository,
    path: &Path,
    given: Option<&Path>,
    asked: Option<Server>,
) -> Result<Settled> {
    let guess = asked.unwrap_or_else(|| guess(repository.git_dir()));
    let shown = path.display();
    let (from, is_new) = match given {
        Some(given) => (given, true),
        None if path.exists() => (path, false),
        None => {
            let name = repository.git_dir().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = TEMPLATE.replace("@DIRECTORY@", &format!("/srv/manifests/{name}"));
            let text = text.replace("@SERVER@", guess.word());
            let config = config::read(path, &text)?;
            let said = format!("configuration: {shown} (new: edit it before the first push)");
            return Ok(Settled { config, text: Some(text), said });
        }
    };
    let read = Config::text(from).map_err(|error| {
        if from.exists() { error } else { error.help("name the file of a configuration as --config") }
    });
    let text = read?;
    let mut found = config::read(from, &text);
    let named =
        asked.or_else(|| found.as_ref().ok().map(|config| config.server).filter(|it| *it != Server::Bare));
    let server = named.unwrap_or(guess);
    let mut said = format!("configuration: {shown}{}", if is_new { "" } else { " (as it was)" });
    let mut text = is_new.then_some(text);
    if found.as_ref().map_or(server != Server::Bare, |config| config.server != server) {
        // What only this server can do may be why it is wrong without it.
        let with = with_server(&Config::text(from)?, server);
        match (config::read(from, &with), &found) {
            (Ok(config), _) => {
                said = format!(
                    "configuration: {shown} (with `server: {}`, which it did not say)",
                    server.word()
                );
                (found, text) = (Ok(config), Some(with));
            }
            (Err(_), Ok(config)) => {
                let (file, word) = (from.display(), config.server.word());
                let message = match asked {
                    Some(_) => format!("{file} is for `server: {word}`, not for {server}"),
                    None => format!("{file} is for `server: {word}`, but the repository is one of {server}"),
                };
                let help = format!("write `server: {}` above `environments:` there", server.word());
                return Err(Error::server(message).help(help));
            }
            (Err(_), Err(_)) => {}
        }
    }
    let config = found?.apart_from(repository)?;
    Ok(Settled { config, text, said })
}

/// The text with a line for the server before its first key.
fn with_server(text: &str, server: Server) -> String {
    let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    let first = text.split_inclusive('\n').take_while(|line| !is_key(line)).map(str::len).sum();
    let (before, after) = text.split_at(first);
    format!("{before}server: {}\n{after}", server.word())
}
