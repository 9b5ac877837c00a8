//! What nginx does to pushes over HTTP: it may keep what hooks say until the end, take nothing large, or believe names
//! that nobody checked.

mod read;

use std::path::PathBuf;

use self::read::{Directive, read};
use super::Patient;
use crate::{config::Server, trouble::Trouble};

const MAIN: &str = "/etc/nginx/nginx.conf";
/// The program that takes pushes.
const BACKEND: &str = "git-http-backend";

/// What is wrong with nginx's settings; `None` where none that can be read are about Git.
pub(super) fn examine(patient: &Patient<'_>) -> Option<Vec<Trouble>> {
    let Patient { repository, server, machine, .. } = *patient;
    if server != Server::Bare {
        return None;
    }
    let directives = read(machine, MAIN)?;
    let mut places = Vec::new();
    look(&directives, &Around::default(), &mut places);
    places.retain(|place| place.serves(repository.git_dir()));
    if places.is_empty() {
        return None;
    }
    Some(places.iter().flat_map(Place::troubles).collect())
}

/// What holds in a block, its own settings before those around it.
#[derive(Debug, Clone, Default)]
struct Around {
    buffering: Option<String>,
    largest: Option<String>,
    /// What asks for a password, and whether something else may.
    asks: Option<String>,
    asks_otherwise: bool,
    pass: Option<String>,
    parameters: Vec<(String, String)>,
}

/// A block in which nginx hands pushes on.
#[derive(Debug)]
struct Place {
    file: PathBuf,
    line: usize,
    around: Around,
}

impl Around {
    fn within(&self, directives: &[Directive]) -> Self {
        let mut inner = self.clone();
        // A block that sets one of these has none of those around it.
        if directives.iter().any(|directive| directive.name() == "fastcgi_param") {
            inner.parameters.clear();
        }
        for directive in directives {
            let value = || directive.words.get(1).cloned();
            match directive.name() {
                "fastcgi_buffering" => inner.buffering = value(),
                "client_max_body_size" => inner.largest = value(),
                "auth_basic" => inner.asks = value(),
                "auth_basic_user_file" => {}
                // Others than nginx's own may ask, too.
                name if name.starts_with("auth_") || name.starts_with("access_by_") => {
                    inner.asks_otherwise = true;
                }
                "fastcgi_pass" => inner.pass = value(),
                "fastcgi_param" => {
                    if let [_, name, value, ..] = &directive.words[..] {
                        inner.parameters.push((name.clone(), value.clone()));
                    }
                }
                _ => {}
            }
        }
        inner
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(set, _)| set == name).map(|(_, value)| value.as_str())
    }
}

/// Finds the blocks in which pushes are handed on.
fn look(directives: &[Directive], around: &Around, places: &mut Vec<Place>) {
    for directive in directives {
        let Some(block) = &directive.block else { continue };
        let inner = around.within(block);
        let hands_on = block.iter().any(|it| it.name() == "fastcgi_pass");
        if hands_on && inner.parameter("SCRIPT_FILENAME").is_some_and(|program| program.contains(BACKEND)) {
            let (file, line) = (directive.file.clone(), directive.line);
            places.push(Place { file, line, around: inner.clone() });
        }
        look(block, &inner, places);
    }
}

impl Place {
    /// Whether this repository is among those that it hands on, as far as that can be read.
    fn serves(&self, git_dir: &std::path::Path) -> bool {
        let root = self.around.parameter("GIT_PROJECT_ROOT");
        root.is_none_or(|root| root.contains('$') || git_dir.starts_with(root))
    }

    fn troubles(&self) -> Vec<Trouble> {
        let Self { file, line, around } = self;
        let at = format!("{}:{line}: nginx", file.display());
        let reload = "then: sudo systemctl reload nginx";
        let mut found = Vec::new();
        let asks = around.asks.as_deref().is_some_and(|asks| asks != "off") || around.asks_otherwise;
        if around.parameter("REMOTE_USER") == Some("$remote_user") && !asks {
            let message =
                format!("{at} asks nobody for a password here, and everybody may push under any name");
            let help = format!("write these lines into that block, {reload}");
            let trouble = Trouble::error(message).help(help).line("auth_basic \"git\";");
            found.push(trouble.line("auth_basic_user_file /etc/nginx/git.users;"));
        }
        if around.buffering.as_deref() != Some("off") {
            let message = format!("{at} keeps what hooks say until a push is over");
            let help = format!("write this line into that block, {reload}");
            found.push(Trouble::warning(message).help(help).line("fastcgi_buffering off;"));
        }
        // Others than Debian's fcgiwrap may not need it.
        let by_fcgiwrap = around.pass.as_deref().is_some_and(|pass| pass.contains("fcgiwrap"));
        if by_fcgiwrap && around.parameter("NO_BUFFERING").is_none() {
            let message = format!("{at} lets fcgiwrap keep what hooks say until a push is over");
            let help = format!("write this line into that block, {reload}");
            found.push(Trouble::warning(message).help(help).line("fastcgi_param NO_BUFFERING 1;"));
        }
        if around.largest.is_none() {
            let message =
                format!("{at} takes no push that is larger than 1 MB: it is answered with HTTP 413");
            let help = format!("write this line into that block, {reload}");
            found.push(Trouble::warning(message).help(help).line("client_max_body_size 0;"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{Around, Place, look, read::parse};

    fn troubles(text: &str) -> Vec<String> {
        let directives = parse(text, std::path::Path::new("nginx.conf")).expect("it is a configuration");
        let mut places: Vec<Place> = Vec::new();
        look(&directives, &Around::default(), &mut places);
        places.iter().flat_map(Place::troubles).map(|trouble| trouble.message).collect()
    }

    const GOOD: &str = "http { client_max_body_size 0; server { auth_basic git; location ~ ^/git(/.*)$ {
        fastcgi_buffering off; fastcgi_pass unix:/run/fcgiwrap.socket; # a comment {
        fastcgi_param REMOTE_USER $remote_user; fastcgi_param NO_BUFFERING 1;
        fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend; } } }";

    #[test]
    fn what_stands_around_a_block_holds_in_it() {
        assert_eq!(troubles(GOOD), [""; 0]);
        assert_eq!(troubles(&GOOD.replace("git-http-backend", "cgit")), [""; 0]);
        for (without, says) in [
            ("client_max_body_size 0;", "takes no push that is larger"),
            ("auth_basic git;", "asks nobody for a password"),
            ("fastcgi_buffering off;", "nginx keeps what hooks say"),
            ("fastcgi_param NO_BUFFERING 1;", "lets fcgiwrap keep"),
        ] {
            let found = troubles(&GOOD.replace(without, ""));
            assert!(found.len() == 1 && found[0].contains(says), "{without}: {found:?}");
        }
        let off = GOOD.replace("location ~", "location /open { auth_basic off; } location ~");
        assert_eq!(troubles(&off), [""; 0]);
        let otherwise = GOOD.replace("auth_basic git;", "auth_request /login;");
        assert_eq!(troubles(&otherwise), [""; 0]);
        let off = GOOD.replace("fastcgi_buffering off;", "fastcgi_buffering off; auth_basic off;");
        assert_eq!(troubles(&off).len(), 1);
    }
}
