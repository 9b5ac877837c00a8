//! Pushes that are cut off at a named point, and what must hold afterwards.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    process::{Signal, kill_process},
};

use super::{Clone, Output, Running, Setup, WEB, is_stopped, process::spawn, tree::pid};

/// What the journal says of a deployment.
#[derive(Default)]
pub struct Said {
    /// The environment, the revision before and the revision.
    moves: String,
    /// The kinds of its lines, oldest first.
    words: Vec<String>,
}

impl Setup<'_> {
    /// Starts a command whose hooks and workers, and no others, find `FAILPOINTS` set.
    pub fn spawn_at(&self, failpoints: &str, command: impl FnOnce() -> std::process::Command) -> Running {
        self.world.set_env("FAILPOINTS", failpoints);
        let running = spawn(command());
        self.world.remove_env("FAILPOINTS");
        running
    }

    /// Starts a push of `main` with `FAILPOINTS` on the server's side.
    pub fn push_at(&self, who: &Clone<'_>, failpoints: &str) -> Running {
        self.spawn_at(failpoints, || who.git_command(&["push", "origin", "main"]))
    }

    /// Waits until nothing of the server runs; whatever stands still is continued.
    pub fn at_rest(&self) {
        self.at_rest_with(&|_| {});
    }

    /// As [`Setup::at_rest`]; whoever stands still meets with something before it is continued.
    pub fn at_rest_with(&self, meets: &dyn Fn(u32)) {
        self.until("nothing of the server runs", || {
            let left = self.at_work();
            left.iter().filter(|id| is_stopped(**id)).for_each(|id| {
                meets(*id);
                // One that was killed meanwhile needs nothing.
                let _ = kill_process(pid(*id), Signal::CONT);
            });
            left.is_empty()
        });
    }

    /// Waits until a process with these words on its command line stands still; all others are continued.
    #[track_caller]
    pub fn comes_by(&self, words: &[&str], push: &Running) {
        let comes = || {
            let mut stopped = self.at_work();
            stopped.retain(|id| is_stopped(*id));
            // In this order: one that stops meanwhile is not taken for another.
            let is_it = self.processes(words);
            let (it, others): (Vec<_>, Vec<_>) = stopped.into_iter().partition(|id| is_it.contains(id));
            others.into_iter().for_each(|id| {
                let _ = kill_process(pid(id), Signal::CONT);
            });
            !it.is_empty()
        };
        if !self.within(comes) {
            panic!(
                "{words:?} did not come by within a minute; at work: {:?}; the push says:\n{}",
                self.at_work(),
                push.so_far()
            );
        }
    }

    /// The server's processes.
    fn at_work(&self) -> Vec<u32> {
        [self.processes(&["instate", "hook"]), self.processes(&["receive-pack"])].concat()
    }

    /// What must hold when all is at rest, whatever died before: the tip runs, and folder, note, ref,
    /// journal and `instate status` say the same.
    #[track_caller]
    pub fn is_whole(&self, after: &str) {
        let tip = self.is_recorded(after);
        assert_eq!(self.running(), self.declared(&tip), "{after}: the folder");
    }

    /// As [`Setup::is_whole`], but for what runs. The tip.
    #[track_caller]
    pub fn is_recorded(&self, after: &str) -> String {
        self.at_rest();
        let tip = self.tip("refs/heads/main").expect("because it was pushed");
        assert_eq!(self.outcomes(&tip), ["production deployed"], "{after}:\n{}", self.note(&tip));
        assert_eq!(self.deployed(), Some(tip.clone()), "{after}: the ref to what runs");
        let status = self.instate(&["status"]);
        assert_eq!(status.code, Some(0), "{after}: {status}");
        assert!(!status.stdout.contains("next") && !status.stdout.contains("now "), "{after}: {status}");
        self.nothing_is_held(after);
        for (id, said) in self.journal() {
            let ends = said.words.iter().filter(|s| ["outcome", "withdrawn"].contains(&s.as_str())).count();
            assert!(ends <= 1, "{after}: {id} ended {ends} times");
        }
        tip
    }

    /// The outcomes of a revision that the journal has, as `production deployed`.
    pub fn journalled(&self, revision: &str) -> Vec<String> {
        let text = fs::read_to_string(self.repo.join("instate/journal")).unwrap_or_default();
        let outcomes = text.lines().filter_map(entry).filter(|(_, word, _)| word == "outcome");
        let of = outcomes.map(|(_, _, value)| value).filter(|value| value["revision"] == revision);
        let word = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or("?").to_owned();
        of.map(|value| format!("{} {}", word(&value, "environment"), word(&value, "outcome"))).collect()
    }

    /// The deployments in the journal that have no end of their own, nor that of another push of the same
    /// revision in the place of the same.
    pub fn open(&self) -> Vec<String> {
        let has = |said: &Said, words: &[&str]| said.words.iter().any(|word| words.contains(&word.as_str()));
        let journal = self.journal();
        let deployed: Vec<_> =
            journal.values().filter(|said| has(said, &["outcome"])).map(|said| &said.moves).collect();
        let open = journal.iter().filter(|(_, said)| !has(said, &["outcome", "withdrawn"]));
        open.filter(|(_, said)| !deployed.contains(&&said.moves)).map(|(id, _)| id.clone()).collect()
    }

    /// What the journal says of each deployment, oldest first.
    pub fn journal(&self) -> BTreeMap<String, Said> {
        let text = fs::read_to_string(self.repo.join("instate/journal")).unwrap_or_default();
        let mut found = BTreeMap::<String, Said>::new();
        for (id, word, value) in text.lines().filter_map(entry) {
            let said = found.entry(id).or_default();
            if word == "intent" {
                said.moves = format!("{} {} {}", value["environment"], value["old"], value["new"]);
            }
            said.words.push(word);
        }
        found
    }

    fn nothing_is_held(&self, after: &str) {
        let left = lock_files(&self.repo);
        assert!(left.is_empty(), "{after}: {left:?}");
        for entry in fs::read_dir(self.repo.join("instate/lock")).expect("because there was a push").flatten()
        {
            let file = fs::File::open(entry.path()).expect("because the world is ours");
            let free = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
            assert!(free, "{after}: {} is held", entry.path().display());
        }
    }
}

fn entry(line: &str) -> Option<(String, String, serde_json::Value)> {
    let entry: serde_json::Value = serde_json::from_str(line.split_once(' ')?.1).ok()?;
    let (word, value) = entry.as_object()?.iter().next()?;
    let id = value.as_str().or_else(|| value["id"].as_str())?;
    Some((id.to_owned(), word.clone(), value.clone()))
}

/// The files by which git locks something in a folder.
pub fn lock_files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("because the world is ours").flatten().map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let locks = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "lock"));
    locks.chain(folders.iter().flat_map(|folder| lock_files(folder))).collect()
}

/// Whether the lines that came from the server hold `words`.
pub fn said(output: &Output, words: &str) -> bool {
    output.remote_lines().join(" ").contains(words)
}

/// The failpoint at which whoever comes by `point` is killed, unless it says itself what happens there.
pub fn kill_at(point: &str) -> String {
    if point.contains('=') { point.to_owned() } else { format!("{point}=return(kill)") }
}

/// A revision that changes one file and adds another.
pub fn revision(who: &Clone<'_>, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let plain: String = name.chars().map(plain).collect();
    who.write("web.yaml", WEB.replace("name: web", &format!("name: web-{plain}x")));
    let added = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: added-{plain}x}}\n");
    who.write(format!("{plain}.yaml"), added);
    who.commit(name)
}
