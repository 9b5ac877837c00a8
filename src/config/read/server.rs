//! `server`, and what only some servers can do.

use super::Reader;
use crate::{
    config::Server,
    manifest::{NodeId, Resolved},
    text,
};

impl Reader<'_> {
    /// `server: gitea`.
    pub(super) fn server(&mut self, root: NodeId) {
        let Some((_, value)) = self.tree.get(root, "server") else { return };
        let word = self.tree.scalar(value).map_or("", |(word, _)| word);
        match Server::of_word(word) {
            Some(server) => self.server = server,
            None => {
                let words = Server::ALL.map(Server::word);
                let help = match text::nearest(word, words) {
                    _ if word == "forgejo" => "write `gitea`: docs/servers/forgejo.md".to_owned(),
                    _ if word == "gitlab" => "write `bare`: docs/servers/gitlab.md".to_owned(),
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("write one of {}", words.join(", ")),
                };
                self.wrong(self.tree.span(value), "`server` is none that instate knows", &help);
            }
        }
    }

    /// `policy: {pull_request: required}`.
    pub(super) fn merges_only(&mut self, node: NodeId) -> Option<bool> {
        let policy = self.tree.get(node, "policy").map(|(_, policy)| policy);
        let Some((key, value)) = policy.and_then(|policy| self.tree.get(policy, "pull_request")) else {
            return Some(false);
        };
        let required = match self.tree.resolve(value) {
            Resolved::Text("required") => true,
            Resolved::Text("optional") => false,
            _ => {
                let help = "write `required`: the branch moves by merges alone; or `optional`";
                let message = "`pull_request` is neither `required` nor `optional`";
                self.wrong(self.tree.span(value), message, help);
                return None;
            }
        };
        if required && !self.server.merges() {
            let message = format!("{} has no pull requests that `pull_request` could require", self.server);
            let help = "remove it; or write `server: gitea` above, where that is the server";
            self.wrong(self.tree.span(key), &message, help);
            return None;
        }
        Some(required)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        super::{read, tests::GOOD},
        Server,
    };

    fn first_wrong(text: &str) -> String {
        read(Path::new("instate.yaml"), text).expect_err("it is wrong").findings[0].message.clone()
    }

    #[test]
    fn a_server_is_one_that_is_known_and_git_alone_where_none_is_named() {
        let server =
            |line: &str| read(Path::new("instate.yaml"), &format!("{line}{GOOD}")).map(|it| it.server);
        assert_eq!(server(""), Ok(Server::Bare));
        for known in Server::ALL {
            assert_eq!(server(&format!("server: {}\n", known.word())), Ok(known));
        }
        for wrong in ["Gitea", "gitlab", "", "[gitea]", "true"] {
            let wrong = format!("server: {wrong}\n{GOOD}");
            assert_eq!(first_wrong(&wrong), "`server` is none that instate knows", "{wrong}");
        }
    }

    #[test]
    fn a_pull_request_is_required_only_where_the_server_has_them() {
        let with = |server: &str, word: &str| {
            format!("server: {server}\n{GOOD}    policy: {{pull_request: {word}}}\n")
        };
        let merges_only = |server: &str, word: &str| {
            read(Path::new("instate.yaml"), &with(server, word)).map(|it| it.environments[0].merges_only)
        };
        assert_eq!(merges_only("gitea", "required"), Ok(true));
        for (server, word) in [("gitea", "optional"), ("bare", "optional")] {
            assert_eq!(merges_only(server, word), Ok(false));
        }
        for server in ["bare", "gitolite"] {
            let says = first_wrong(&with(server, "required"));
            assert!(says.ends_with("has no pull requests that `pull_request` could require"), "{says}");
        }
        for word in ["yes", "\"\"", "[required]", "requierd"] {
            let says = first_wrong(&with("gitea", word));
            assert_eq!(says, "`pull_request` is neither `required` nor `optional`", "{word}");
        }
    }
}
