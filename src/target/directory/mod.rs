//! A folder that instate owns.
//!
//! - Whoever looks into the folder sees one whole revision: a spare beside it is brought up to date, then
//!   the two change places in one step of the kernel (`RENAME_EXCHANGE`).
//! - A file that instate did not write is never overwritten and never removed: the folder has a list of
//!   what is in it, `.instate`, and anything else in it refuses the deployment.
//! - The list names the repository and the environment that own the folder. Nobody else's is touched.

mod folder;
mod marker;

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, AtFlags, CWD, RenameFlags};

use self::{
    folder::{Names, names},
    marker::{Head, MARKER, Marker, NEW_MARKER},
};
use super::{Interrupted, Judged, Left, Planned, Retire, Say, Stopped, Target, Wanted};
use crate::{
    error::{Doing, Error, Result},
    files::{make_folder, sync_folder},
    plan::{
        self, Action,
        files::{Items, Plan},
    },
    point,
    record::{Counts, now},
    revision::Declared,
    text,
};

/// A folder as a target.
pub struct Directory {
    folder: PathBuf,
    owner: String,
    environment: String,
}

impl Directory {
    /// The folder of `environment` in the repository with the identity `owner`.
    #[must_use]
    pub fn new(folder: &Path, owner: &str, environment: &str) -> Self {
        Self { folder: folder.to_owned(), owner: owner.to_owned(), environment: environment.to_owned() }
    }

    fn parent(&self) -> &Path {
        self.folder.parent().unwrap_or(Path::new("/"))
    }

    /// The folder that is written while nobody reads it. It is beside the other, since only folders of
    /// one file system can change places.
    fn spare(&self) -> PathBuf {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        self.parent().join(format!(".{name}.instate"))
    }

    fn marker(&self, files: impl IntoIterator<Item = String>) -> Marker {
        let files = files.into_iter().collect();
        Marker { owner: self.owner.clone(), environment: self.environment.clone(), files }
    }

    /// What the list of `folder` begins with, if it is ours; `None` where there is no folder or an empty one.
    fn head(&self, folder: &Path) -> Result<Option<Head>> {
        let shown = folder.display();
        match fs::symlink_metadata(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("look at", folder, &error)),
            Ok(found) if !found.is_dir() => {
                let error = Error::server(format!("{shown} is no folder"));
                return Err(error.help("name the folder itself as `directory`, not a link to it or a file"));
            }
            Ok(found) => {
                let parent = fs::metadata(self.parent()).doing("look at", self.parent())?;
                if parent.dev() != found.dev() {
                    let error = Error::server(format!("{shown} is the top of a file system"));
                    return Err(error.help(
                        "name a folder inside it as `directory`, so that a spare one can stand beside it",
                    ));
                }
            }
        }
        let Some(head) = Head::read(folder)? else {
            // A full disk or a crash may leave the list half written, before anything else is there.
            let mut names = fs::read_dir(folder).doing("read the folder", folder)?;
            let first = names.find(|name| name.as_ref().map_or(true, |name| name.file_name() != NEW_MARKER));
            let Some(first) = first else { return Ok(None) };
            let name = first.doing("read the folder", folder)?.file_name();
            let error = Error::server(format!("{shown} is not instate's: it holds {}", name.display()));
            return Err(error.help("name an empty or a new folder as `directory`"));
        };
        if head.owner != self.owner || head.environment != self.environment {
            let error = Error::server(format!(
                "{shown} belongs to the environment `{}` of the repository with the identity {}",
                head.environment, head.owner,
            ));
            return Err(error.help(format!(
                "give each environment a folder of its own; to take this one over: mv {shown} {shown}.old"
            )));
        }
        Ok(Some(head))
    }

    /// What is listed in `folder` and what is in it, if it is ours.
    fn ours(&self, folder: &Path) -> Result<Option<(Marker, Names)>> {
        let Some(_) = self.head(folder)? else { return Ok(None) };
        Ok(Some((Marker::read(folder)?, names(folder)?)))
    }

    /// Checks that the two folders can be written and can change places.
    fn ready(&self) -> Result<()> {
        let parent = self.parent();
        let found = fs::metadata(parent).doing("find the folder", parent);
        let found = found.map_err(|error| error.help(format!("mkdir -p {}", parent.display())))?;
        if !found.is_dir() {
            return Err(
                Error::server(format!("{} is no folder", parent.display())).help("change `directory`")
            );
        }
        let spare = self.spare();
        // What is there and no folder is said by [`Directory::ours`].
        let folders = [parent, &self.folder, &spare].into_iter().filter(|f| f.is_dir() || !f.exists());
        for folder in folders {
            match rustix::fs::accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
                Err(rustix::io::Errno::NOENT) if folder != parent => {}
                other => other.doing("write to the folder", folder)?,
            }
        }
        Ok(())
    }

    /// Empties the way for the spare: it is ours, or there is none. One in which somebody put a file is
    /// set aside with that file in it.
    fn prepare(&self, wanted: &Items) -> Result<Items> {
        let spare = self.spare();
        let (mut known, mut found) = match self.ours(&spare)? {
            Some((marker, names)) => (marker.files, names),
            None => Default::default(),
        };
        if found.foreign(&known).is_some() {
            let aside = spare.with_extension(format!("aside-{}", now().as_second()));
            fs::rename(&spare, &aside).doing("set aside", &spare)?;
            (known, found) = Default::default();
        }
        make_folder(&spare)?;
        // Before the first file is written, the list names all that may be found after a crash.
        self.marker(known.into_iter().chain(wanted.keys().cloned())).write(&spare)?;
        found.read()
    }

    fn exchange(&self) -> Result<()> {
        let (spare, parent) = (self.spare(), self.parent());
        let there = fs::symlink_metadata(&self.folder).is_ok();
        let flags = if there { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
        if there {
            // Whoever may read the folder may read the next revision, and nobody else the one before: what was
            // removed from Git may be a Secret.
            let mode = fs::metadata(&self.folder).doing("look at", &self.folder)?.permissions();
            fs::set_permissions(&spare, mode).doing("set the mode of", &spare)?;
        }
        match rustix::fs::renameat_with(CWD, &spare, CWD, &self.folder, flags) {
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                let error = Error::server(format!(
                    "the file system of {} cannot exchange two folders",
                    parent.display()
                ));
                return Err(error.help("name a folder on a local file system as `directory`"));
            }
            other => other.doing("put the new revision in the place of", &self.folder)?,
        }
        if there {
            let _ = fs::set_permissions(&spare, fs::Permissions::from_mode(0o700));
        }
        sync_folder(parent)
    }
}

impl Directory {
    /// Which files the folder holds now, all of them ours.
    fn list(&self) -> Result<Names> {
        self.ready()?;
        let Some((marker, names)) = self.ours(&self.folder)? else { return Ok(Names::default()) };
        if let Some(name) = names.foreign(&marker.files) {
            let error = Error::server(format!(
                "{} holds `{name}`, which instate did not write",
                self.folder.display()
            ));
            return Err(error.help("move it out of the folder, and leave the folder to instate"));
        }
        Ok(names)
    }

    /// How many files the folder holds now, all of them ours.
    fn count(&self) -> Result<usize> {
        self.ready()?;
        match self.head(&self.folder)? {
            None => Ok(0),
            Some(head) if head.is_up_to_date(&self.folder) => Ok(head.files),
            Some(_) => Ok(self.list()?.files.len()),
        }
    }

    /// What the folder holds now.
    fn inspect(&self) -> Result<Items> {
        self.list()?.read()
    }

    fn write(&self, wanted: &Wanted<'_>) -> Result<()> {
        let spare = self.spare();
        let (read, wanted) = (wanted.read, (wanted.files)()?);
        let found = self.prepare(wanted)?;
        point::reach("spare-listed");
        folder::update(&spare, &found, wanted, read)?;
        self.marker(wanted.keys().cloned()).write(&spare)?;
        sync_folder(&spare)?;
        point::reach("spare-ready");
        // Somebody may have put a file there meanwhile; it must not leave with the old revision.
        self.list()?;
        self.exchange()?;
        point::reach("exchanged");
        Ok(())
    }

    /// Why it stopped. What was changed before is looked at and not guessed; what cannot be looked at is not as
    /// it was.
    fn stopped(&self, error: Error, before: &Items) -> Stopped {
        let left = if self.inspect().as_ref() == Ok(before) { Left::Before } else { Left::Between };
        Stopped { error, left }
    }
}

impl Directory {
    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder is there with something of the environment; also where that cannot be told.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self.head(&self.folder), Ok(None))
    }

    /// The files that belong to the environment; `None` where there is no folder of it.
    ///
    /// # Errors
    /// The folder holds something else, or is another's.
    pub fn holds(&self) -> Result<Option<Vec<String>>> {
        if self.head(&self.folder)?.is_none() && self.head(&self.spare())?.is_none() {
            return Ok(None);
        }
        Ok(Some(self.list()?.files.into_keys().collect()))
    }

    /// Ends the environment; whether there was anything of it. Whoever looks into the folder sees all of it or
    /// nothing.
    ///
    /// # Errors
    /// Why it stopped. Doing it again goes on where it did.
    pub fn retire(&self, how: &Retire, say: Say<'_>) -> Result<bool> {
        if self.holds()?.is_none() {
            return Ok(false);
        }
        let (spare, folder) = (self.spare(), &self.folder);
        let remove_spare = || match self.head(&spare)? {
            Some(_) => fs::remove_dir_all(&spare).doing("remove", &spare),
            None => Ok(()),
        };
        remove_spare()?;
        if self.head(folder)?.is_some() {
            if *how == Retire::Keep {
                let list = folder.join(MARKER);
                fs::remove_file(&list).doing("remove", &list)?;
                sync_folder(folder)?;
                say(format!("set free {}", folder.display()));
                return Ok(true);
            }
            fs::rename(folder, &spare).doing("set aside", folder)?;
            sync_folder(self.parent())?;
            point::reach("folder-gone");
            remove_spare()?;
            say(format!("deleted {}", folder.display()));
        }
        Ok(true)
    }
}

impl Target for Directory {
    type Plan = FolderPlan;
    type Held = ();

    fn judge(&self, _: &Wanted<'_>) -> Result<Judged> {
        let live = self.count()?;
        let runs = (live > 0).then(|| text::count(live, "manifest"));
        Ok(Judged { runs, ..Judged::default() })
    }

    fn plan(&self, wanted: &Wanted<'_>, _: Say<'_>) -> Result<FolderPlan> {
        let live = self.inspect()?;
        Ok(FolderPlan { plan: Plan::new((wanted.files)()?, &live), live })
    }

    /// The kernel's lock on the server is all that a folder of that server needs.
    fn hold(&self, _: &Wanted<'_>, _: Say<'_>) -> Result<Option<()>> {
        Ok(None)
    }

    fn apply(
        &self,
        plan: &mut FolderPlan,
        wanted: &Wanted<'_>,
        _: Option<&()>,
        _: Say<'_>,
        _: Interrupted<'_>,
    ) -> Result<(), Stopped> {
        if plan.is_empty() {
            return Ok(());
        }
        self.write(wanted).map_err(|error| self.stopped(error, &plan.live))
    }

    /// A folder is healthy as soon as it is there, so this looks once, and only where something was changed.
    fn wait(
        &self,
        plan: &FolderPlan,
        wanted: &Wanted<'_>,
        _: Say<'_>,
        _: Interrupted<'_>,
    ) -> Result<(), Stopped> {
        if plan.is_empty() {
            return Ok(());
        }
        let files = (wanted.files)()?;
        let left = self.inspect().map(|live| Plan::new(files, &live));
        let error = match left.as_ref().map(|left| left.changes.first()) {
            Ok(None) => return Ok(()),
            Ok(Some(change)) => {
                let error =
                    Error::revision(format!("`{}` was changed by somebody else at once", change.item));
                error.help("let nobody but instate write to the target")
            }
            Err(error) => error.clone(),
        };
        Err(self.stopped(error, &plan.live))
    }

    /// What was not wanted left with the old folder.
    fn prune(&self, _: &mut FolderPlan, _: Option<&()>, _: Say<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn probe(&self) -> Result<()> {
        self.count().map(|_| ())
    }
}

/// What is to be done to a folder.
pub struct FolderPlan {
    plan: Plan,
    /// What it was made against.
    live: Items,
}

impl Planned for FolderPlan {
    fn counts(&self) -> Counts {
        plan::counts(self.plan.changes.iter().map(|change| change.action))
    }

    fn is_empty(&self) -> bool {
        self.plan.is_empty()
    }

    /// All files change at once.
    fn speaks(&self) -> bool {
        false
    }

    fn lines(&self, wanted: &Wanted<'_>) -> Vec<(Action, String, Vec<String>)> {
        let mut of_file: HashMap<&str, Vec<&Declared>> = HashMap::new();
        for object in (wanted.objects)().unwrap_or_default() {
            of_file.entry((wanted.item)(object)).or_default().push(object);
        }
        let objects = |item: &str| of_file.get(item).map_or(&[][..], Vec::as_slice);
        let changes = self.plan.changes.iter();
        changes
            .map(|change| (change.action, describe(&change.item, objects(&change.item)), Vec::new()))
            .collect()
    }
}

/// A file with the objects that it declares.
fn describe(item: &str, objects: &[&Declared]) -> String {
    let named: Vec<String> = objects.iter().take(2).map(|object| object.facts.key.to_string()).collect();
    let more = objects.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    if named.is_empty() { item.to_owned() } else { format!("{item} ({}{more})", named.join(", ")) }
}
