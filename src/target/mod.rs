//! Where an environment runs. Only this room knows how a target is laid out, and it knows nothing of Git
//! but the hashes by which contents are compared.

mod directory;
mod kubernetes;
mod place;

use std::path::PathBuf;

use gix::ObjectId;

use crate::{
    config,
    error::{Error, Result},
    finding::Finding,
    manifest::{Manifest, ObjectKey},
    plan::{Action, files::Items},
    policy::Confirmed,
    record::Counts,
    revision::Declared,
};
pub use directory::Directory;
pub use kubernetes::{Cluster, delete_namespace};
pub use place::{Place, place};

/// The bytes of a wanted file.
pub type Read<'a> = &'a dyn Fn(&ObjectId) -> Result<Vec<u8>>;
/// Hears, in a line, of what was just done.
pub type Say<'a> = &'a dyn Fn(String);

/// Why a deployment is not waited for any longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interruption {
    /// A newer revision is to be deployed: what mends it must not wait for what is broken.
    Overtaken,
    /// Somebody gave it up: who.
    Cancelled(String),
}

/// Asked now and then.
pub type Interrupted<'a> = &'a dyn Fn() -> Option<Interruption>;

/// What a revision declares.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Its objects.
    pub objects: &'a dyn Fn() -> Result<&'a [Declared]>,
    /// Whether an object is as it was in the revision that runs, so that it need not be looked at.
    pub kept: &'a dyn Fn(&Declared) -> Result<bool>,
    /// An object itself, which is read now.
    pub manifest: &'a dyn Fn(&Declared) -> Result<Manifest>,
    /// The file that declares an object, as [`Wanted::files`] names it.
    pub item: &'a dyn Fn(&Declared) -> &'a str,
    /// Secrets of the revision that runs which are not in this one as they were: their values may still be met.
    pub former: &'a [Manifest],
    /// What the commits confirm that it brings.
    pub confirmed: &'a dyn Fn() -> Result<Confirmed>,
    /// Its files.
    pub files: &'a dyn Fn() -> Result<&'a Items>,
    /// Their bytes.
    pub read: Read<'a>,
}

/// What a target alone can know of a revision, and of what deploying it would change.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What runs, as `6 manifests`; `None` where nothing does.
    pub runs: Option<String>,
    /// How much it would change; `None` where it is not known beforehand.
    pub changes: Option<Counts>,
    /// What cannot be checked before the push is accepted, in words.
    pub unchecked: Option<String>,
}

/// Why a deployment stopped, and what the target holds now.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub error: Error,
    /// What the target holds.
    pub left: Left,
}

/// What a deployment that stopped leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// What ran before.
    Before,
    /// The new revision, which is not healthy.
    Unhealthy,
    /// The new revision, which was not healthy yet when a newer one took over.
    Overtaken,
    /// Neither the one nor the other.
    Between,
}

impl From<Error> for Stopped {
    /// A deployment that stopped before anything was changed.
    fn from(error: Error) -> Self {
        Self { error, left: Left::Before }
    }
}

/// Ordered changes, made and not carried out.
pub trait Planned {
    /// How much it changes.
    fn counts(&self) -> Counts;
    /// Whether carrying it out writes nothing at all.
    fn is_empty(&self) -> bool;
    /// Whether each change is said as it is made, so that it need not be said before.
    fn speaks(&self) -> bool;
    /// Every change: what is done to what, and the fields that change where they are known.
    fn lines(&self, wanted: &Wanted<'_>) -> Vec<(Action, String, Vec<String>)>;
    /// What going back from it has to know. A target that exchanges all at once has nothing to say.
    fn marks(&self) -> Vec<(Mark, ObjectKey)> {
        Vec::new()
    }
    /// What it leaves as it is although it should not be so, in words: only on the way back.
    fn left(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a plan means for an object, to whoever has to go back from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is not there yet.
    Created,
    /// It is there, and in no inventory yet.
    Found,
    /// It is deleted and made anew.
    Replaced,
}

/// A place where an environment runs.
pub trait Target {
    /// What is to be done.
    type Plan: Planned;
    /// What keeps others from writing to it meanwhile.
    type Held;

    /// Says what only the target knows of a revision. It changes nothing, and fails where a deployment would
    /// be bound to fail: a target that is unreachable, read-only or not ours.
    ///
    /// # Errors
    /// What the server's administrator has to mend, or what may pass.
    fn judge(&self, wanted: &Wanted<'_>) -> Result<Judged>;

    /// What deploying would change; nothing is changed.
    ///
    /// # Errors
    /// It cannot be deployed.
    fn plan(&self, wanted: &Wanted<'_>, say: Say<'_>) -> Result<Self::Plan>;

    /// Keeps others from writing, for a plan that is not empty; `None` where nobody could. What others did
    /// before is seen by a plan that is made after it.
    ///
    /// # Errors
    /// Somebody else writes and does not end.
    fn hold(&self, wanted: &Wanted<'_>, say: Say<'_>) -> Result<Option<Self::Held>>;

    /// Makes the target hold what is wanted, as far as something has to be healthy before something else also
    /// waiting for that; then at once when it is interrupted. A run that was cut off at any point is completed by
    /// another.
    ///
    /// # Errors
    /// Why it stopped.
    fn apply(
        &self,
        plan: &mut Self::Plan,
        wanted: &Wanted<'_>,
        held: Option<&Self::Held>,
        say: Say<'_>,
        interrupted: Interrupted<'_>,
    ) -> Result<(), Stopped>;

    /// Returns when what is wanted is healthy; at once when it is interrupted.
    ///
    /// # Errors
    /// It is not, and why.
    fn wait(
        &self,
        plan: &Self::Plan,
        wanted: &Wanted<'_>,
        say: Say<'_>,
        interrupted: Interrupted<'_>,
    ) -> Result<(), Stopped>;

    /// Deletes what is no longer wanted.
    ///
    /// # Errors
    /// Why it stopped.
    fn prune(&self, plan: &mut Self::Plan, held: Option<&Self::Held>, say: Say<'_>) -> Result<(), Stopped>;

    /// Whether it can be used now. Nothing is changed.
    ///
    /// # Errors
    /// What is wrong with it.
    fn probe(&self) -> Result<()>;
}

/// Whose environments these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// What tells the repository from any other.
    pub id: String,
    /// Where it is, for people.
    pub repository: String,
    /// What tells the kernel's lock of its folder from that of a copy, and from that of another machine.
    pub lock: String,
}

/// The target of an environment, by its kind.
pub enum Of {
    /// A folder.
    Directory(Directory),
    /// A cluster.
    Kubernetes(Box<Cluster>),
}

/// The target of an environment.
///
/// # Errors
/// It cannot be set up.
pub fn of(environment: &config::Environment, owner: &Owner) -> Result<Of> {
    Ok(match &environment.target {
        config::Target::Directory(folder) => {
            Of::Directory(Directory::new(folder, &owner.id, &environment.name))
        }
        config::Target::Kubernetes(settings) => {
            Of::Kubernetes(Box::new(Cluster::new(settings, environment, owner)?))
        }
    })
}

/// Whether the target of an environment can be used now.
///
/// # Errors
/// What is wrong with it.
pub fn probe(environment: &config::Environment, owner: &Owner) -> Result<()> {
    match of(environment, owner)? {
        Of::Directory(folder) => folder.probe(),
        Of::Kubernetes(cluster) => cluster.probe(),
    }
}

/// The files that hold the credentials for an environment's target, as far as they can be read.
#[must_use]
pub fn credentials(environment: &config::Environment) -> Vec<PathBuf> {
    match &environment.target {
        config::Target::Directory(_) => Vec::new(),
        config::Target::Kubernetes(settings) => kubernetes::credentials(settings),
    }
}

/// What becomes of what an environment runs when it is retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retire {
    /// It stays as it is, and belongs to nobody.
    Keep,
    /// It is deleted, with what is protected and named here.
    Delete(Confirmed),
}

/// What belongs to an environment, in words; `None` where there is nothing of it.
///
/// # Errors
/// It cannot be read.
pub fn holds(environment: &config::Environment, owner: &Owner) -> Result<Option<Vec<String>>> {
    match of(environment, owner)? {
        Of::Directory(folder) => folder.holds(),
        Of::Kubernetes(cluster) => {
            let words = |keys: Vec<_>| keys.iter().map(ToString::to_string).collect();
            Ok(cluster.holds()?.map(words))
        }
    }
}

/// Ends an environment in its target; whether there was anything of it.
///
/// # Errors
/// Why it stopped. Doing it again goes on where it did.
pub fn retire(environment: &config::Environment, owner: &Owner, how: &Retire, say: Say<'_>) -> Result<bool> {
    match of(environment, owner)? {
        Of::Directory(folder) => folder.retire(how, say),
        Of::Kubernetes(cluster) => cluster.retire(how, say),
    }
}
