//! Tokens and webhooks' secrets: read from files that nobody else can read, shown nowhere.

use std::{
    fmt,
    fs::File,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::error::{Doing, Error, Result};

/// The longest that is read, in bytes.
const LONGEST: u64 = 4096;
/// Standard Webhooks wants secrets of at least so many bytes.
const SHORTEST_KEY: usize = 24;
/// How such a secret begins.
const PREFIX: &str = "whsec_";

/// A secret as it stands in its file.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Secret {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// It is missing, others can read or write it, it lies in a repository, or holds no secret.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let mut file = File::open(path)
            .doing("read", path)
            .map_err(|error| error.help("write it there, or change its path in the configuration"))?;
        let found = file.metadata().doing("look at", path)?;
        if !found.is_file() {
            return Err(Error::server(format!("{shown} is no file")).help("name a file"));
        }
        if found.mode() & 0o077 != 0 {
            let error = Error::server(format!("{shown} is open to others than its owner, so it is not used"));
            return Err(error
                .help(format!("chmod 600 {shown}; and make the secret anew if somebody else has read it")));
        }
        if let Some(repository) = repository_around(path) {
            let what =
                format!("{shown} is in the Git repository {}, so it is not used", repository.display());
            return Err(Error::server(what).help("move it to a folder of its own, as /etc/instate"));
        }
        let mut text = String::new();
        let read = file.by_ref().take(LONGEST + 1).read_to_string(&mut text);
        let text = text.trim();
        let good = text.len() as u64 <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if read.is_err() || text.is_empty() || !good {
            let error = Error::server(format!("{shown} holds no secret"));
            return Err(error.help("write it on one line of letters, digits and signs, and nothing else"));
        }
        Ok(Self(text.to_owned()))
    }

    /// For a request's header.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The key that a webhook is signed with.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn key(&self) -> Result<ring::hmac::Key> {
        let bytes = self.0.strip_prefix(PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
        let bytes = bytes.filter(|bytes| bytes.len() >= SHORTEST_KEY).ok_or_else(|| {
            let error =
                Error::server("the file with the webhook's secret holds no secret of Standard Webhooks");
            error.help(format!(r#"make one: printf '{PREFIX}%s\n' "$(openssl rand -base64 32)""#))
        })?;
        Ok(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &bytes))
    }

    /// `text` without the secret, should somebody have sent it back.
    pub(super) fn hide(&self, text: &str) -> String {
        text.replace(&self.0, "(hidden)")
    }

    #[cfg(test)]
    pub(super) fn test(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The repository, bare or with a working copy, that a file lies in: what is in one may be served, or pushed.
fn repository_around(path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    let is_repository = |folder: &&Path| {
        folder.join(".git").exists() || folder.join("HEAD").is_file() && folder.join("objects").is_dir()
    };
    path.ancestors().skip(1).find(is_repository).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_secret_is_read_only_where_nobody_else_reads_it() {
        let folder = tempfile::tempdir().expect("because the disk has room");
        let path = folder.path().join("token");
        let read = |text: &[u8], mode: u32| {
            fs::write(&path, text).expect("because it is ours");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("because it is ours");
            let said = |error: Error| error.message.replace(&path.display().to_string(), "FILE");
            Secret::read(&path).map(|secret| secret.0).map_err(said)
        };
        assert_eq!(read(b"hunter2\n", 0o600), Ok("hunter2".to_owned()));
        assert_eq!(read(b"  hunter2\r\n", 0o400), Ok("hunter2".to_owned()));
        for mode in [0o640, 0o604, 0o644, 0o620, 0o602] {
            let said = "FILE is open to others than its owner, so it is not used";
            assert_eq!(read(b"hunter2", mode), Err(said.to_owned()), "{mode:o}");
        }
        let long = vec![b'a'; 5000];
        for text in [&b""[..], b"\n", b"two words", b"two\nlines", b"\xff", b"a\0b", &long] {
            assert_eq!(read(text, 0o600), Err("FILE holds no secret".to_owned()), "{text:?}");
        }
        fs::create_dir(folder.path().join(".git")).expect("because it is ours");
        let said = read(b"hunter2", 0o600).expect_err("it is in a repository");
        assert!(said.contains("is in the Git repository") && !said.contains("hunter2"), "{said}");
        assert!(Secret::read(folder.path()).is_err());
        assert!(Secret::read(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_key_is_as_standard_webhooks_writes_it() {
        let good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert!(Secret::test(good).key().is_ok());
        for text in ["hunter2", &good[6..], "whsec_MfKQ9r8G", "whsec_not base64"] {
            let error = Secret::test(text).key().expect_err("it is none");
            assert!(!error.message.contains(text), "{error}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::test("hunter2");
        assert_eq!(format!("{secret:?}"), "(hidden)");
        assert_eq!(secret.hide("token hunter2 is unknown"), "token (hidden) is unknown");
    }
}
