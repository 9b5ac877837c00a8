//! `announce`: where outcomes are said, beside the push itself.

use std::path::PathBuf;

use http::Uri;

use super::{Keys, Reader};
use crate::{
    config::{Destination, To},
    manifest::{NodeId, Value},
};

const KINDS: Keys = Keys { known: &["gitea", "forgejo", "github", "gitlab", "webhook"], later: &[] };
const REPOSITORY: Keys = Keys { known: &["url", "repository", "token_file"], later: &[] };
const PROJECT: Keys = Keys { known: &["url", "project", "token_file"], later: &[] };
const WEBHOOK: Keys = Keys { known: &["url", "secret_file"], later: &[] };

impl Reader<'_> {
    /// `announce: [{webhook: {url: https://chat.example/hooks/instate, secret_file: /etc/instate/webhook.secret}}]`.
    pub(super) fn announce(&mut self, root: NodeId) -> Vec<Destination> {
        let Some((_, list)) = self.tree.get(root, "announce") else { return Vec::new() };
        let Value::Sequence(items) = self.tree.value(list) else {
            let help = "write one destination a line, as in `- webhook: {url: ..., secret_file: ...}`";
            self.wrong(self.tree.span(list), "`announce` is no list of destinations", help);
            return Vec::new();
        };
        let mut found: Vec<Destination> = Vec::new();
        for item in items {
            let Some(destination) = self.destination(*item) else { continue };
            if found.iter().any(|other| other.key() == destination.key()) {
                let message = format!("{destination} stands in `announce` twice");
                self.wrong(self.tree.span(*item), &message, "remove one of the two");
            }
            found.push(destination);
        }
        found
    }

    fn destination(&mut self, item: NodeId) -> Option<Destination> {
        self.keys(item, "an item of `announce`", &KINDS);
        let Value::Mapping(_) = self.tree.value(item) else { return None };
        let [(key, node)] = self.tree.entries(item) else {
            let help = "begin each with a line of its own, as in `- gitea: {...}`";
            self.wrong(self.tree.span(item), "an item of `announce` is not one destination", help);
            return None;
        };
        let kind = self.tree.scalar(*key).map_or("", |(kind, _)| kind);
        let (keys, default) = match kind {
            "gitea" | "forgejo" => (&REPOSITORY, None),
            "github" => (&REPOSITORY, Some("https://api.github.com")),
            "gitlab" => (&PROJECT, Some("https://gitlab.com")),
            "webhook" => (&WEBHOOK, None),
            // It was said that it is not known.
            _ => return None,
        };
        self.keys(*node, &format!("`{kind}`"), keys);
        let Value::Mapping(_) = self.tree.value(*node) else { return None };
        let url = match (self.tree.get(*node, "url"), default) {
            (None, Some(default)) => Some(default.to_owned()),
            _ => self.address(*node, kind, keys),
        };
        let secret = self.secret_file(*node, kind, keys);
        let repository = match kind {
            "gitlab" => self.project(*node),
            "webhook" => Some(String::new()),
            _ => self.repository(*node, kind),
        };
        let repository = repository?;
        let to = match kind {
            "gitea" => To::Gitea(repository),
            "forgejo" => To::Forgejo(repository),
            "github" => To::Github(repository),
            "gitlab" => To::Gitlab(repository),
            _ => To::Webhook,
        };
        Some(Destination { to, url: url?, secret: secret? })
    }

    /// A key that has to be there.
    fn asked(&mut self, node: NodeId, kind: &str, key: &str, keys: &Keys, help: &str) -> Option<NodeId> {
        let found = self.tree.get(node, key).map(|(_, value)| value);
        if found.is_none() && !self.is_misspelt(node, key, keys) {
            self.missing(self.tree.span(node), &format!("`{kind}` has no `{key}`"), help);
        }
        found
    }

    fn address(&mut self, node: NodeId, kind: &str, keys: &Keys) -> Option<String> {
        let help = "add its address, as in `url: https://git.example`";
        self.asked(node, kind, "url", keys, help)?;
        let (url, span) = self.optional(node, "url")?;
        // What is refused is not shown: it may hold a password.
        let parsed: Option<Uri> = url.parse().ok();
        let parsed = parsed.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
        let Some(authority) = parsed.as_ref().and_then(Uri::authority) else {
            self.wrong(span, "`url` is no address", "write it in full, as in https://git.example");
            return None;
        };
        if authority.as_str().contains('@') {
            let help = "take name and password out of it; a secret is in a file of its own";
            self.wrong(span, "`url` holds credentials", help);
            return None;
        }
        if url.contains('#') || (kind != "webhook" && url.contains('?')) {
            self.wrong(span, "`url` has more than an address has", "remove what begins with `?` or `#`");
            return None;
        }
        // To the API of a server something is added.
        Some(if kind == "webhook" { url } else { url.trim_end_matches('/').to_owned() })
    }

    fn secret_file(&mut self, node: NodeId, kind: &str, keys: &Keys) -> Option<PathBuf> {
        let key = if kind == "webhook" { "secret_file" } else { "token_file" };
        let help =
            format!("add the path of a file that only git's user can read: `{key}: /etc/instate/{kind}`");
        self.asked(node, kind, key, keys, &help)?;
        let (path, span) = self.optional(node, key)?;
        let path = PathBuf::from(path);
        if path.is_absolute() {
            return Some(path);
        }
        let message = format!("`{key}` is no absolute path of a file");
        self.wrong(span, &message, &format!("write it in full, as in /etc/instate/{kind}"));
        None
    }

    fn repository(&mut self, node: NodeId, kind: &str) -> Option<String> {
        let help = "add it as the server shows it, as in `repository: ops/production`";
        self.asked(node, kind, "repository", &REPOSITORY, help)?;
        let (name, span) = self.optional(node, "repository")?;
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() == 2 && parts.into_iter().all(is_name) {
            return Some(name);
        }
        let help = "write owner and name, as in `ops/production`";
        self.wrong(span, "`repository` is no name of a repository", help);
        None
    }

    /// By path, or by number.
    fn project(&mut self, node: NodeId) -> Option<String> {
        let help = "add its path or its number, as in `project: ops/production`";
        let value = self.asked(node, "gitlab", "project", &PROJECT, help)?;
        let name = self.tree.scalar(value).map_or("", |(name, _)| name);
        let parts: Vec<&str> = name.split('/').collect();
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        if is_number || parts.len() > 1 && parts.into_iter().all(is_name) {
            return Some(name.to_owned());
        }
        let help = "write its path or its number, as in `ops/production` or `42`";
        self.wrong(self.tree.span(value), "`project` is no project", help);
        None
    }
}

/// A part of a repository's name, as it stands in an address.
fn is_name(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !matches!(part, "" | "." | "..") && part.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{read, tests::GOOD};

    fn announce(items: &str) -> Result<Vec<String>, Vec<String>> {
        let text = format!("{GOOD}announce:\n{items}");
        let read = read(Path::new("instate.yaml"), &text);
        let read = read.map_err(|error| {
            let line = |finding: &crate::finding::Finding| {
                let place = finding.place.as_ref().expect("because it has one");
                let help = finding.help.clone().unwrap_or_default();
                format!("{}:{}: {}\n  help: {help}", place.line, place.column, finding.message)
            };
            let shown = |f: &crate::finding::Finding| {
                f.place.clone().and_then(|place| place.text).unwrap_or_default()
            };
            error.findings.iter().map(|f| format!("{}\n  {}", line(f), shown(f))).collect::<Vec<_>>()
        })?;
        let said = |one: &crate::config::Destination| {
            format!("{one}: {:?} {} {}", one.to, one.url, one.secret.display())
        };
        Ok(read.announce.iter().map(said).collect())
    }

    #[test]
    fn who_hears_of_deployments_is_named_one_by_one() {
        let all = announce(
            "  - gitea: {url: http://127.0.0.1:3000/git/, repository: ops/production, token_file: /t/gitea}
  - forgejo: {url: https://forge.example, repository: ops/production, token_file: /t/forgejo}
  - github: {repository: ops/production, token_file: /t/github}
  - github: {url: https://git.example/api/v3, repository: ops/production, token_file: /t/ghes}
  - gitlab: {project: ops/shop/production, token_file: /t/gitlab}
  - gitlab: {url: https://lab.example, project: 42, token_file: /t/gitlab}
  - webhook: {url: \"https://chat.example/hooks/instate?room=1\", secret_file: /t/webhook}
",
        );
        insta::assert_snapshot!(all.expect("it is right").join("\n"));
    }

    #[test]
    fn what_is_wrong_with_a_destination_is_shown_where_it_stands_and_no_password_with_it() {
        let wrong = |items: &str| announce(items).expect_err("it is wrong").join("\n");
        let all = [
            wrong("  webhook: {}\n"),
            wrong("  - gita: {}\n"),
            wrong("  - webhook\n"),
            wrong("  - gitea: {url: https://a.example, repository: a/b, token_file: /t}\n    webhook: {}\n"),
            wrong("  - gitea: {}\n"),
            wrong("  - gitea: {ulr: https://a.example, repositry: a/b, tokenfile: /t}\n"),
            wrong("  - webhook: {url: https://ana:hunter2@a.example/x, secret_file: /t}\n"),
            wrong("  - webhook: {url: ftp://a.example/x, secret_file: /t}\n"),
            wrong("  - webhook: {url: /hooks, secret_file: t}\n"),
            wrong("  - gitea: {url: https://a.example/?token=1, repository: ../b, token_file: /t}\n"),
            wrong("  - gitlab: {project: production, token_file: 7}\n"),
            wrong(
                "  - webhook: {url: https://a.example, secret_file: /t}\n  - webhook: {url: https://a.example, secret_file: /u}\n",
            ),
        ];
        let all = all.join("\n\n");
        assert!(!all.contains("hunter2"), "{all}");
        insta::assert_snapshot!(all);
    }
}
