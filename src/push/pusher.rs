//! Who pushed, and what vouches for it.
//!
//! A name counts only where whoever pushes cannot have chosen it. Variables of a hook may come from the person, by ssh
//! or from a shell on the server. So they are believed only below a program that the server started to take the push,
//! and that sets them itself.

use std::{ffi::OsString, fmt, net::IpAddr};

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
}

/// What knows who pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// `instate serve-ssh`, which sshd started for their key.
    Key,
    /// The web server, which asked for their name and password.
    WebServer,
    /// The kernel: it is the account that Git runs as.
    Account,
}

impl Pusher {
    /// Who runs this very command on the server: whoever may do that is taken at their word for who they are.
    #[must_use]
    pub fn here() -> Self {
        let sudo = std::env::var_os("SUDO_USER").filter(|name| !name.is_empty());
        let person = sudo.map(|name| text_of(name.as_encoded_bytes()));
        let here = Self::below(Process::own());
        Self { name: person.or(here.name), ..here }
    }

    /// Who started a program.
    pub(super) fn below(process: Process) -> Self {
        Self::new(&process.above(), |name| std::env::var_os(name), account)
    }

    /// Of a hook below the programs `above`; `variable` looks up its environment, and `account` the name of the account
    /// that it runs as.
    fn new(
        above: &[Above],
        variable: impl Fn(&str) -> Option<OsString>,
        account: impl Fn() -> String,
    ) -> Self {
        let text = |name: &str| {
            variable(name).filter(|value| !value.is_empty()).map(|value| text_of(value.as_encoded_bytes()))
        };
        let ssh = || text("SSH_CONNECTION").and_then(|it| it.split(' ').next()?.parse().ok());
        if above.iter().any(|one| one.is_ours && one.arguments.get(1).is_some_and(|it| it == b"serve-ssh")) {
            return Self { name: text(VARIABLE), vouched: Vouched::Key, address: ssh() };
        }
        if above.iter().any(is_http_backend) {
            let address = text("REMOTE_ADDR").and_then(|it| it.parse().ok());
            return Self { name: text("REMOTE_USER"), vouched: Vouched::WebServer, address };
        }
        let address = above.iter().any(|one| one.name.starts_with("sshd")).then(ssh).flatten();
        Self { name: Some(account()), vouched: Vouched::Account, address }
    }
}

impl fmt::Display for Pusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name.as_deref().unwrap_or("anonymous"))?;
        self.address.map_or(Ok(()), |address| write!(f, " from {address}"))
    }
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
        let variable = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).into());
        Pusher::new(above, variable, || "git".to_owned()).to_string()
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
        assert_eq!(who(&[], CLAIMS), "git");
    }

    #[test]
    fn whom_nobody_let_in_is_anonymous_and_no_name_can_break_a_line() {
        let web = [above("git-http-backen", "git-http-backend", false)];
        assert_eq!(
            who(&web, &[("USER", "www-data"), ("REMOTE_ADDR", "10.0.0.7")]),
            "anonymous from 10.0.0.7"
        );
        assert_eq!(who(&web, &[("REMOTE_USER", "a\nOutcome: deployed")]), "a\\u{a}Outcome: deployed");
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
