//! A server with one environment, and somebody who pushes to it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use super::{Clone, Output, World, process::POLL, run};

/// A Deployment and a Service, in two files.
pub const WEB: &str = include_str!("../fixtures/web.yaml");
pub const SERVICE: &str = include_str!("../fixtures/service.yaml");

/// A bare repository with the hooks, whose branch `main` is the environment `production`, which runs in
/// the folder `running`.
pub struct Setup<'w> {
    pub world: &'w World,
    pub repo: PathBuf,
    pub folder: PathBuf,
}

impl<'w> Setup<'w> {
    /// Installed, and nothing pushed yet.
    pub fn new(world: &'w World) -> Self {
        let setup = Self::bare(world);
        setup.install(&setup.configuration()).succeeds();
        setup
    }

    /// The repository alone.
    pub fn bare(world: &'w World) -> Self {
        Self { world, repo: world.bare("production.git"), folder: world.path("running") }
    }

    pub fn configuration(&self) -> String {
        format!(
            "environments:\n  production:\n    branch: main\n    target:\n      directory: {}\n",
            self.folder.display(),
        )
    }

    /// The same, with `accept: deployed`.
    pub fn deployed_configuration(&self) -> String {
        self.configuration().replace("    target:", "    accept: deployed\n    target:")
    }

    /// As [`Setup::new`], with `accept: deployed`.
    pub fn accept_deployed(world: &'w World) -> Self {
        let setup = Self::bare(world);
        setup.install(&setup.deployed_configuration()).succeeds();
        setup
    }

    /// `instate install` with a configuration.
    pub fn install(&self, configuration: &str) -> Output {
        let file = self.world.path("instate.yaml");
        fs::write(&file, configuration).expect("because the world is ours");
        let mut command = self.world.instate();
        command.arg("install").arg(&self.repo).arg("--config").arg(&file);
        run(command)
    }

    /// Changes the configuration that the hooks read.
    pub fn configure(&self, configuration: &str) {
        fs::write(self.repo.join("instate.yaml"), configuration).expect("because the world is ours");
    }

    /// `instate ...` in the repository.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.instate();
        command.args(arguments).current_dir(&self.repo);
        command
    }

    pub fn instate(&self, arguments: &[&str]) -> Output {
        run(self.command(arguments))
    }

    /// Ana's clone with one revision, which runs; and that revision.
    #[track_caller]
    pub fn runs_web(&self) -> (Clone<'w>, String) {
        let ana = self.clone("ana");
        ana.write("web.yaml", WEB);
        let revision = ana.commit("web");
        ana.push(&["origin", "main"]).succeeds();
        self.idle();
        (ana, revision)
    }

    /// Somebody's clone, over a path.
    pub fn clone(&self, name: &str) -> Clone<'w> {
        self.world.clone(&self.repo, name)
    }

    /// Where a ref points.
    pub fn tip(&self, reference: &str) -> Option<String> {
        self.world.resolve(&self.repo, reference)
    }

    /// The revision that runs, by the record.
    pub fn deployed(&self) -> Option<String> {
        self.tip("refs/instate/production/deployed")
    }

    /// The note on a revision, as git shows it; empty where there is none.
    pub fn note(&self, revision: &str) -> String {
        let shown = self.world.git(&self.repo, &["notes", "--ref=instate", "show", revision]);
        if shown.code == Some(0) { shown.stdout } else { String::new() }
    }

    /// The outcomes in the note on a revision, as `production deployed`.
    pub fn outcomes(&self, revision: &str) -> Vec<String> {
        let note = self.note(revision);
        let block = |block: &str| {
            let field = |name| block.lines().find_map(|l| l.strip_prefix(name)).unwrap_or("?").to_owned();
            format!("{} {}", field("Environment: "), field("Outcome: "))
        };
        note.split("\n\n").filter(|b| !b.trim().is_empty()).map(block).collect()
    }

    /// What the folder holds, but for instate's list.
    pub fn running(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        collect(&self.folder, &self.folder, &mut found);
        found.remove(".instate");
        found
    }

    /// What the folder must hold where `revision` runs: git's own word for it.
    pub fn declared(&self, revision: &str) -> BTreeMap<String, String> {
        let names = self.world.git(&self.repo, &["ls-tree", "-r", "-z", "--name-only", revision]).succeeds();
        let hidden = |n: &str| n.split('/').rev().skip(1).any(|folder| folder.starts_with('.'));
        let wanted = |n: &&str| [".yaml", ".yml", ".json"].iter().any(|end| n.ends_with(end)) && !hidden(n);
        let show = |name: &str| {
            let shown = self.world.git(&self.repo, &["show", &format!("{revision}:{name}")]).succeeds();
            (name.to_owned(), shown.stdout)
        };
        names.stdout.split('\0').filter(wanted).map(show).collect()
    }

    /// Waits until a condition holds, which it must within a minute.
    pub fn until(&self, what: &str, holds: impl Fn() -> bool) {
        assert!(self.within(holds), "{what}: not within a minute");
    }

    /// Whether a condition holds within a minute.
    pub fn within(&self, holds: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }

    /// Waits until no worker of this world is left.
    pub fn idle(&self) {
        self.until("no worker is left", || self.workers().is_empty());
    }

    /// The workers of this world that run.
    pub fn workers(&self) -> Vec<u32> {
        let mark = format!("--repo\0{}\0", self.repo.display());
        let processes = fs::read_dir("/proc").expect("because this is Linux").flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let ours = |id: &u32| {
            let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            line.contains("hook\0worker\0") && line.contains(&mark)
        };
        ids.filter(ours).collect()
    }

    /// The invariants of every moment in which nothing is under way: what the record says runs is what
    /// the folder holds, and the branch's tip has its one outcome.
    pub fn agrees(&self) {
        let tip = self.tip("refs/heads/main");
        if let Some(deployed) = self.deployed() {
            assert_eq!(self.running(), self.declared(&deployed), "the folder is not what the record says");
        }
        if let Some(tip) = tip {
            assert_eq!(self.outcomes(&tip).len(), 1, "outcomes of the tip: {}", self.note(&tip));
        }
    }
}

fn collect(top: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(top, &path, found);
        } else {
            let name = path.strip_prefix(top).expect("because it is in it").display().to_string();
            found.insert(name, String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned());
        }
    }
}
