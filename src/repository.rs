//! The bare repository on the server, and where instate keeps its own files in it.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use gix::ObjectId;

use crate::{
    error::{Doing, Error, Result},
    files::replace,
    target::Owner,
    text,
    tree::Objects,
};

/// What to do where there is no repository.
pub const NAME_ONE: &str = "name the bare repository that people push to, as /srv/git/production.git";

/// A bare Git repository.
pub struct Repository {
    git_dir: PathBuf,
    gix: gix::Repository,
}

impl Repository {
    /// Opens the bare repository at `path`.
    ///
    /// # Errors
    /// There is none, it is not bare, or it is of a kind that instate cannot read.
    pub fn open(path: &Path) -> Result<Self> {
        let git_dir = fs::canonicalize(path).doing("find the repository", path);
        let git_dir = git_dir.map_err(|error| error.help(NAME_ONE))?;
        let not_bare = || {
            let error = Error::server(format!("{} is not a bare repository", git_dir.display()));
            error.help(NAME_ONE)
        };
        if git_dir.join(".git").exists() {
            return Err(not_bare());
        }
        // Whoever runs git here has passed git's own check of the owner; the identity is that of every
        // commit which instate makes, since a service user has none. Anybody who pushes may replace
        // objects, so what was recorded is read as it was written.
        let options = gix::open::Options::default()
            .with(gix::sec::Trust::Full)
            .open_path_as_is(true)
            .config_overrides([
                "core.useReplaceRefs=false",
                "user.name=instate",
                "user.email=instate@localhost",
                "author.name=instate",
                "author.email=instate@localhost",
                "committer.name=instate",
                "committer.email=instate@localhost",
                // Others hold these for moments: `git gc`, `git pack-refs`.
                "core.filesRefLockTimeout=1000",
                "core.packedRefsTimeout=5000",
            ]);
        let gix = gix::open_opts(&git_dir, options).map_err(|error| {
            let error = Error::server(format!(
                "{} is no Git repository that instate can read: {error}",
                git_dir.display()
            ));
            error.help(NAME_ONE)
        })?;
        if gix.workdir().is_some() {
            return Err(not_bare());
        }
        Ok(Self { git_dir, gix })
    }

    /// The repository's folder, absolute.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// gix's view of it.
    #[must_use]
    pub fn gix(&self) -> &gix::Repository {
        &self.gix
    }

    /// Where instate keeps journal, locks and output.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.git_dir.join("instate")
    }

    /// The file that configures it: what `git config instate.config` names, else `instate.yaml`.
    ///
    /// # Errors
    /// The setting is no path.
    pub fn config_path(&self) -> Result<PathBuf> {
        let set = self.gix.config_snapshot().string("instate.config").map(|value| value.to_string());
        Ok(match set {
            Some(path) if Path::new(&path).is_absolute() => path.into(),
            Some(path) => {
                let error = Error::server(format!("instate.config is `{path}`, which is no absolute path"));
                return Err(error.help("git config instate.config /etc/instate/production.yaml"));
            }
            None => self.git_dir.join("instate.yaml"),
        })
    }

    /// Its objects, those in quarantine included.
    ///
    /// # Errors
    /// They cannot be opened.
    pub fn objects(&self, quarantine: Option<&Path>) -> Result<Objects> {
        Objects::open(&self.git_dir, quarantine)
    }

    /// Where a ref points now, or `None` where there is no such ref.
    ///
    /// # Errors
    /// The ref cannot be read.
    pub fn tip(&self, reference: &str) -> Result<Option<ObjectId>> {
        let unreadable =
            |error: &dyn std::fmt::Display| Error::server(format!("{reference} cannot be read: {error}"));
        match self.gix.try_find_reference(reference).map_err(|error| unreadable(&error))? {
            Some(mut found) => Ok(Some(found.peel_to_id().map_err(|error| unreadable(&error))?.detach())),
            None => Ok(None),
        }
    }

    /// The commit that a person names.
    ///
    /// # Errors
    /// There is none.
    pub fn commit(&self, name: &str) -> Result<ObjectId> {
        let found = self.gix.rev_parse_single(name).ok().and_then(|id| id.object().ok());
        let commit = found.and_then(|object| object.peel_to_kind(gix::object::Kind::Commit).ok());
        commit.map(|commit| commit.id).ok_or_else(|| {
            let error =
                Error::server(format!("`{}` is no commit of this repository", text::excerpt(name, 60)));
            error.help("name one as git does, as in: instate plan HEAD")
        })
    }

    /// The ref that is moved where `reference` is pushed to: itself, unless it is a symbolic one.
    ///
    /// # Errors
    /// A ref cannot be read, or symbolic ones lead in a ring.
    pub fn leads_to(&self, reference: &str) -> Result<String> {
        let unreadable = || Error::server(format!("{} cannot be read", text::excerpt(reference, 80)));
        let mut name = reference.to_owned();
        for _ in 0..5 {
            let Ok(full) = gix::refs::FullName::try_from(name.as_str()) else { return Ok(name) };
            let found = self.gix.try_find_reference(&full).map_err(|_| unreadable())?;
            match found.as_ref().map(|found| found.target()) {
                Some(gix::refs::TargetRef::Symbolic(target)) => name = target.as_bstr().to_string(),
                _ => return Ok(name),
            }
        }
        Err(unreadable().help("git symbolic-ref shows where it leads"))
    }

    /// Whether a setting of Git's is on.
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        self.gix.config_snapshot().boolean(key).unwrap_or(false)
    }

    /// What tells this repository's folders and objects from those of any other.
    ///
    /// # Errors
    /// instate is not installed here, or this is a copy of the repository that it was installed in: both
    /// would write to one target.
    pub fn identity(&self) -> Result<String> {
        let (path, shown) = (self.identity_path(), self.git_dir.display());
        let text = fs::read(&path).doing("read the repository's identity", &path);
        let text = text.map_err(|error| error.help(format!("instate install {shown}")))?;
        let unreadable =
            || Error::server(format!("{} is damaged", path.display())).help("restore it from a backup");
        let identity: Identity = serde_json::from_slice(&text).map_err(|_| unreadable())?;
        // Moved, it keeps its inode; restored from a backup or seen from a container, its path.
        if identity.path == self.git_dir || identity.inode == self.inode()? {
            return Ok(identity.id);
        }
        let was = identity.path.display();
        let error =
            Error::server(format!("{shown} is a copy of {was}, and both would deploy to the same targets"));
        Err(error.help(format!(
            "if {was} is gone for good: instate install {shown}; else take the copy's hooks away: instate install --uninstall {shown}"
        )))
    }

    /// Who it is to a target.
    ///
    /// # Errors
    /// As [`Repository::identity`].
    pub fn owner(&self) -> Result<Owner> {
        let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let repository = format!("{node}:{}", self.git_dir.display());
        Ok(Owner { id: self.identity()?, repository, lock: self.lock()? })
    }

    /// Names what the kernel's locks in this repository hold together: one folder of one running machine. Two
    /// machines may have one name, and two copies one path.
    fn lock(&self) -> Result<String> {
        let boot = Path::new("/proc/sys/kernel/random/boot_id");
        let id = fs::read_to_string(boot).doing("read", boot)?;
        let found = fs::metadata(&self.git_dir).doing("look at", &self.git_dir)?;
        let all = format!("{} {} {}", id.trim(), found.dev(), found.ino());
        let digest = ring::digest::digest(&ring::digest::SHA256, all.as_bytes());
        Ok(BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9]))
    }

    /// Writes the identity: a new one, or the one that is there for where the repository is now.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn identify(&self) -> Result<()> {
        let path = self.identity_path();
        let known: Option<Identity> =
            fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let id = match known {
            Some(known) => known.id,
            None => {
                let mut random = [0u8; 8];
                let got = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
                got.map_err(|error| Error::server(format!("the system gives no random numbers: {error}")))?;
                format!("{:016x}", u64::from_ne_bytes(random))
            }
        };
        let identity = Identity { id, inode: self.inode()?, path: self.git_dir.clone() };
        replace(&path, &serde_json::to_vec(&identity).map_err(Error::server)?)
    }

    fn identity_path(&self) -> PathBuf {
        self.state().join("id")
    }

    fn inode(&self) -> Result<u64> {
        Ok(fs::metadata(&self.git_dir).doing("look at", &self.git_dir)?.ino())
    }
}

/// Which repository this is, and where it was when that was last said.
#[derive(serde::Serialize, serde::Deserialize)]
struct Identity {
    id: String,
    inode: u64,
    path: PathBuf,
}
