//! What lighttpd does to pushes over HTTP: it may keep what hooks say until the end.

use std::path::{Path, PathBuf};

use super::Patient;
use crate::{config::Server, trouble::Trouble};

/// As Debian lays them out.
const FILES: [&str; 3] =
    ["/etc/lighttpd/lighttpd.conf", "/etc/lighttpd/conf-enabled/*.conf", "/etc/lighttpd/conf.d/*.conf"];
/// The program that takes pushes.
const BACKEND: &str = "git-http-backend";
/// What lets answers go out while they are made.
const STREAM: &str = "server.stream-response-body";

/// What is wrong with lighttpd's settings; `None` where none that can be read are about Git.
pub(super) fn examine(patient: &Patient<'_>) -> Option<Vec<Trouble>> {
    let Patient { server, machine, .. } = *patient;
    if server != Server::Bare {
        return None;
    }
    let files = FILES.iter().flat_map(|pattern| machine.named(pattern));
    let texts: Vec<(PathBuf, String)> =
        files.filter_map(|path| machine.read(&path).map(|text| (path, text))).collect();
    let (file, line) = texts.iter().find_map(|(path, text)| Some((path, mentions(text)?)))?;
    Some(if texts.iter().any(|(_, text)| streams(text)) { Vec::new() } else { vec![keeps(file, line)] })
}

/// The settings of a text, with the number of each line.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.starts_with('#'))
}

/// The line that hands pushes on.
fn mentions(text: &str) -> Option<usize> {
    lines(text).find(|(_, line)| line.contains(BACKEND)).map(|(number, _)| number + 1)
}

/// Whether an answer goes out while it is made, anywhere.
fn streams(text: &str) -> bool {
    lines(text).any(|(_, line)| {
        let value = line.split_once(STREAM).and_then(|(_, rest)| rest.trim_start().strip_prefix('='));
        value.is_some_and(|value| value.trim_start_matches(':').trim_start().starts_with(['1', '2']))
    })
}

fn keeps(file: &Path, line: usize) -> Trouble {
    let message = format!("{}:{line}: lighttpd keeps what hooks say until a push is over", file.display());
    Trouble::warning(message)
        .help("write this line into that file, then: sudo systemctl restart lighttpd")
        .line(format!("{STREAM} = 2"))
}

#[cfg(test)]
mod tests {
    use super::{mentions, streams};

    #[test]
    fn what_is_commented_out_says_nothing() {
        assert_eq!(
            mentions("a\n# git-http-backend\nalias.url = (\"/git\" => \"/x/git-http-backend\")"),
            Some(3)
        );
        assert_eq!(mentions("# git-http-backend"), None);
        for yes in [
            "server.stream-response-body = 2",
            "  server.stream-response-body=1",
            "x { server.stream-response-body = 1 }",
        ] {
            assert!(streams(yes), "{yes}");
        }
        for no in ["# server.stream-response-body = 2", "server.stream-response-body = 0", ""] {
            assert!(!streams(no), "{no}");
        }
    }
}
