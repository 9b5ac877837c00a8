//! Who pushed, and what vouches for it.
//!
//! A name counts only where whoever pushes cannot have chosen it. Variables of a hook may come from the person, by ssh
//! or from a shell on the server. So they are believed only below a program that the server started to take the push,
//! and that sets them itself.

use std::{ffi::OsString, fmt, net::IpAddr};

use crate::config::Server;

use super::{
    Process,
    process::{Above, account},
    text_of,
};

/// What `instate serve-ssh` tells the hooks below it.
pub const VARIABLE: &str = "INSTATE_PUSHER";

/// Who pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pusher {
    /// Their name; none where nobody knows it.
    pub name: Option<String>,
    /// What knows it.
    pub vouched: Vouched,
    /// Where they pushed from.
    pub address: Option<IpAddr>,
    /// How it came about.
    pub by: By,
}

/// Who ran `git push`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// They did, and see what hooks say as it is said.
    Themselves,
    /// Their server did, after something that they asked of it: it waits for the hooks, and they for it.
    Server {
        /// The number of the pull request that it merges.
        merges: Option<u64>,
    },
}

/// What knows who pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// `instate serve-ssh`, which sshd started for their key.
    Key,
    /// The web server, which asked for their name and password.
    WebServer,
    /// Gitea, which let them in.
    Gitea,
    /// Gitolite, which let them in.
    Gitolite,
    /// The kernel: it is the account that Git runs as.
    Account,
    /// Nobody asked them.
    Nobody,
}

impl Pusher {
    /// Who runs this very command on the server: whoever may do that is taken at their word for who they are.
    #[must_use]
    pub fn here() -> Self {
        let sudo = std::env::var_os("SUDO_USER").filter(|name| !name.is_empty());
        let person = sudo.map(|name| text_of(name.as_encoded_bytes()));
        let here = Self::below(Process::own(), Server::Bare);
        Self { name: person.or(here.name), ..here }
    }

    /// Who started a program.
    pub(super) fn below(process: Process, server: Server) -> Self {
        Self::new(server, &process.above(), |name| std::env::var_os(name), account)
    }

    /// Their name, as a message has it.
    #[must_use]
    pub fn called(&self) -> String {
        match &self.name {
            Some(name) if is_name(name) => name.clone(),
            // It could read like more than a name.
            Some(name) => format!("`{name}`"),
            None => "anonymous".to_owned(),
        }
    }

    /// Of a hook of `server` below the programs `above`; `variable` looks up its environment, and `account` the name of
    /// the account that it runs as.
    fn new(
        server: Server,
        above: &[Above],
        variable: impl Fn(&str) -> Option<OsString>,
        account: impl Fn() -> String,
    ) -> Self {
        let text = |name: &str| {
            variable(name).filter(|value| !value.is_empty()).map(|value| text_of(value.as_encoded_bytes()))
        };
        let ssh = || text("SSH_CONNECTION").and_then(|it| it.split(' ').next()?.parse().ok());
        let called = |names: &[&str]| above.iter().any(|one| is_called(one, names));
        let known = |name, vouched, address| Self { name, vouched, address, by: By::Themselves };
        let of_sshd = || called(&["sshd"]).then(ssh).flatten();
        match server {
            Server::Gitea if called(&GITEA) => {
                // To Gitea who pushes with a deploy key is the repository's owner, which they need not be. No person
                // can have such a name there.
                let key = text("GITEA_DEPLOY_KEY_ID").filter(|id| id != "0");
                let name = key.map(|id| format!("deploy-key+{id}")).or_else(|| text("GITEA_PUSHER_NAME"));
                return Self { by: gitea_by(above, text), ..known(name, Vouched::Gitea, of_sshd()) };
            }
            Server::Gitolite if called(&["gitolite-shell"]) => {
                return known(text("GL_USER"), Vouched::Gitolite, of_sshd());
            }
            _ => {}
        }
        if above.iter().any(|one| one.is_ours && one.arguments.get(1).is_some_and(|it| it == b"serve-ssh")) {
            return known(text(VARIABLE), Vouched::Key, ssh());
        }
        if above.iter().any(is_http_backend) {
            let address = text("REMOTE_ADDR").and_then(|it| it.parse().ok());
            return known(text("REMOTE_USER"), Vouched::WebServer, address);
        }
        if above.iter().any(is_daemon) {
            return known(None, Vouched::Nobody, text("REMOTE_ADDR").and_then(|it| it.parse().ok()));
        }
        known(Some(account()), Vouched::Account, of_sshd())
    }
}

/// `git daemon`, which asks nobody who they are.
fn is_daemon(above: &Above) -> bool {
    let mut words = above.arguments.iter();
    let first = words.next().map_or(&[][..], Vec::as_slice);
    first.ends_with(b"git-daemon")
        || (first.ends_with(b"git") && words.next().is_some_and(|word| word == b"daemon"))
}

/// Gitea pushes itself what it merges, and what was changed in its pages. Only then is a pull request merged: over ssh
/// a variable could be the client's.
fn gitea_by(above: &[Above], text: impl Fn(&str) -> Option<String>) -> By {
    let mut below = above.iter().take_while(|one| !is_called(one, &GITEA));
    if !below.any(|one| one.arguments.iter().any(|word| word == b"push")) {
        return By::Themselves;
    }
    // A pull request from this branch that is brought up to date moves it, too.
    let merges = text("GITEA_PUSH_TRIGGER").is_some_and(|why| why == "pr-merge-to-base");
    By::Server { merges: text("GITEA_PR_INDEX").filter(|_| merges).and_then(|it| it.parse().ok()) }
}

impl fmt::Display for Pusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.called())?;
        if let By::Server { merges: Some(number) } = self.by {
            write!(f, ", merging pull request {number}")?;
        }
        self.address.map_or(Ok(()), |address| write!(f, " from {address}"))
    }
}

/// How the program is called, or how its name begins where a release is run as it was downloaded.
const GITEA: [&str; 2] = ["gitea", "forgejo"];

fn is_called(above: &Above, names: &[&str]) -> bool {
    names.iter().any(|name| above.name.starts_with(name))
}

fn is_http_backend(above: &Above) -> bool {
    let mut words = above.arguments.iter();
    let first = words.next().map_or(&[][..], Vec::as_slice);
    first.ends_with(b"git-http-backend")
        || (first.ends_with(b"git") && words.next().is_some_and(|word| word == b"http-backend"))
}

/// Whether somebody may be called so in the configuration and in `authorized_keys`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._@+-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = &'static [(&'static str, &'static str)];

    fn who(above: &[Above], pairs: Pairs) -> String {
        on(Server::Bare, above, pairs)
    }

    fn on(server: Server, above: &[Above], pairs: Pairs) -> String {
        let variable = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).into());
        Pusher::new(server, above, variable, || "git".to_owned()).to_string()
    }

    fn above(name: &str, arguments: &str, is_ours: bool) -> Above {
        let arguments = arguments.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        Above { name: name.to_owned(), arguments, is_ours }
    }

    const CLAIMS: Pairs = &[
        ("INSTATE_PUSHER", "ana"),
        ("REMOTE_USER", "ben"),
        ("REMOTE_ADDR", "::1"),
        ("USER", "cleo"),
        ("SSH_CONNECTION", "10.0.0.7 5 10.0.0.1 22"),
    ];

    #[test]
    fn a_variable_names_somebody_only_below_the_program_that_sets_it() {
        let sshd = above("sshd-session", "sshd-session: git", false);
        let ours = above("instate", "/usr/bin/instate serve-ssh ana", true);
        assert_eq!(who(&[ours, sshd.clone()], CLAIMS), "ana from 10.0.0.7");
        let other = above("instate", "/tmp/instate serve-ssh ana", false);
        assert_eq!(who(&[other, sshd.clone()], CLAIMS), "git from 10.0.0.7");
        assert_eq!(who(&[sshd], CLAIMS), "git from 10.0.0.7");
        assert_eq!(who(&[above("instate", "instate check serve-ssh", true)], CLAIMS), "git");
        for web in ["/usr/lib/git-core/git-http-backend", "git http-backend"] {
            assert_eq!(who(&[above("git-http-backen", web, false)], CLAIMS), "ben from ::1");
        }
        assert_eq!(who(&[above("bash", "bash", false)], CLAIMS), "git");
        for daemon in ["/usr/lib/git-core/git-daemon --serve", "git daemon --enable=receive-pack"] {
            assert_eq!(who(&[above("git-daemon", daemon, false)], CLAIMS), "anonymous from ::1");
        }
        assert_eq!(who(&[], CLAIMS), "git");
    }

    #[test]
    fn who_pushes_to_gitea_is_whom_it_let_in_and_merges_are_only_those_that_it_pushes_itself() {
        const ANA: Pairs = &[
            ("GITEA_PUSHER_NAME", "ana"),
            ("GITEA_DEPLOY_KEY_ID", "0"),
            ("GITEA_PR_ID", "7"),
            ("GITEA_PR_INDEX", "3"),
            ("GITEA_PUSH_TRIGGER", "pr-merge-to-base"),
            ("INSTATE_PUSHER", "ben"),
            ("REMOTE_USER", "ben"),
        ];
        const UPDATE: Pairs = &[
            ("GITEA_PUSHER_NAME", "ana"),
            ("GITEA_PR_INDEX", "3"),
            ("GITEA_PUSH_TRIGGER", "pr-update-with-base"),
        ];
        const KEY: Pairs = &[("GITEA_PUSHER_NAME", "ana"), ("GITEA_DEPLOY_KEY_ID", "4")];
        let web = above("gitea", "/usr/bin/gitea web", false);
        let serv = above("gitea", "/usr/bin/gitea serv key-1", false);
        let push = above("git", "/usr/bin/git push origin", false);
        let on_gitea = |above: &[Above], pairs| on(Server::Gitea, above, pairs);
        assert_eq!(on_gitea(&[push.clone(), web.clone()], ANA), "ana, merging pull request 3");
        assert_eq!(on_gitea(&[push.clone(), web.clone()], UPDATE), "ana");
        assert_eq!(on_gitea(&[serv.clone(), web.clone()], ANA), "ana");
        assert_eq!(on_gitea(std::slice::from_ref(&web), ANA), "ana");
        assert_eq!(on_gitea(&[serv, web.clone()], KEY), "deploy-key+4");
        assert_eq!(on_gitea(&[above("forgejo", "forgejo web", false)], ANA), "ana");
        assert_eq!(on_gitea(std::slice::from_ref(&web), &[]), "anonymous");
        // Somebody who has a shell on the server is the account that they have.
        assert_eq!(on_gitea(&[push], ANA), "git");
        assert_eq!(on(Server::Bare, &[web], ANA), "git");
    }

    #[test]
    fn who_pushes_to_gitolite_is_whom_it_let_in() {
        const ANA: Pairs = &[("GL_USER", "ana"), ("SSH_CONNECTION", "10.0.0.7 5 10.0.0.1 22")];
        let shell = above("gitolite-shell", "/usr/bin/perl /usr/share/gitolite3/gitolite-shell", false);
        let sshd = above("sshd", "sshd: git", false);
        assert_eq!(on(Server::Gitolite, &[shell.clone(), sshd], ANA), "ana from 10.0.0.7");
        assert_eq!(on(Server::Gitolite, std::slice::from_ref(&shell), ANA), "ana");
        assert_eq!(on(Server::Gitolite, &[], ANA), "git");
        assert_eq!(on(Server::Bare, &[shell], ANA), "git");
    }

    #[test]
    fn whom_nobody_let_in_is_anonymous_and_no_name_can_break_a_line() {
        let web = [above("git-http-backen", "git-http-backend", false)];
        assert_eq!(
            who(&web, &[("USER", "www-data"), ("REMOTE_ADDR", "10.0.0.7")]),
            "anonymous from 10.0.0.7"
        );
        assert_eq!(who(&web, &[("REMOTE_USER", "a\nOutcome: deployed")]), "`a\\u{a}Outcome: deployed`");
        assert_eq!(who(&web, &[("REMOTE_USER", "ana from 10.0.0.7")]), "`ana from 10.0.0.7`");
        assert_eq!(who(&web, &[("REMOTE_USER", "ana"), ("REMOTE_ADDR", "here (admin)")]), "ana");
    }

    #[test]
    fn names_are_words_that_mean_nothing_to_anybody_else() {
        for name in ["ana", "Ana.B", "ana@example.com", "jenkins-bot", "a+b_c", "7"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "@ops", "-o", "a b", "a/b", "a\nb", "é", "..", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
