//! Every place of the program at which a test can stop it, and every way to die there: afterwards each accepted
//! revision has its one outcome, and what runs is what the record says.
//!
//! Each place with one way to die is a sample. `INSTATE_CRASHES=all` (`just crashes`) dies at each in every way, taken up
//! in either way; `INSTATE_CRASHES=cluster:planned:TERM` is what a failure prints, and does that alone.

use std::{collections::BTreeSet, fmt, fs, path::Path};

use rustix::process::{Signal, kill_process};

use super::revision;
use crate::{
    common::{Clone, Setup, World, signal, tree::pid},
    kubernetes::upheaval::{Content, Upheaval},
};

const PRE: &[&str] = &["hook", "pre-receive"];
const POST: &[&str] = &["hook", "post-receive"];
const WORKER: &[&str] = &["hook", "worker"];

/// Where environments run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Directory,
    Cluster,
}
use Target::{Cluster, Directory};
const BOTH: &[Target] = &[Directory, Cluster];

/// A name in the source, how often it is passed before, by which process, and where that can be.
struct Place {
    name: &'static str,
    passed: usize,
    who: &'static [&'static str],
    targets: &'static [Target],
    /// What a revision has for a cluster, so that somebody comes by.
    content: Content,
}

const fn place(name: &'static str, passed: usize, who: &'static [&'static str]) -> Place {
    Place { name, passed, who, targets: BOTH, content: Content::Plain }
}

const fn folder(name: &'static str) -> Place {
    Place { targets: &[Directory], ..place(name, 0, WORKER) }
}

const fn cluster(name: &'static str, passed: usize, content: Content) -> Place {
    Place { targets: &[Cluster], content, ..place(name, passed, WORKER) }
}

/// In the order in which a push comes by.
const PLACES: &[Place] = &[
    place("judging", 0, PRE),
    place("judged", 0, PRE),
    place("journal-appended", 0, PRE),
    place("intent-journalled", 0, PRE),
    place("watcher-left", 0, PRE),
    place("landed", 0, POST),
    place("journal-appended", 0, POST),
    place("worker-started", 0, POST),
    place("worker-locked", 0, WORKER),
    cluster("lease-taken", 0, Content::Plain),
    place("journal-appended", 0, WORKER),
    place("planned", 0, WORKER),
    folder("spare-listed"),
    folder("spare-ready"),
    folder("exchanged"),
    cluster("listed", 0, Content::Plain),
    cluster("object-handed-over", 0, Content::TakenOver),
    cluster("object-applied", 0, Content::Plain),
    cluster("object-applied", 2, Content::Plain),
    cluster("object-deleted", 0, Content::Jobs),
    // A Job that a Deployment waits for runs.
    cluster("object-applied", 3, Content::Jobs),
    cluster("object-applied", 4, Content::Jobs),
    cluster("applied", 0, Content::Plain),
    cluster("healthy", 0, Content::Plain),
    cluster("ended", 0, Content::Jobs),
    cluster("object-deleting", 0, Content::Plain),
    cluster("pruned", 0, Content::Plain),
    place("deployed", 0, WORKER),
    place("journal-appended", 1, WORKER),
    place("outcome-journalled", 0, WORKER),
    place("note-written", 0, WORKER),
    place("recorded", 0, WORKER),
    place("journal-appended", 2, WORKER),
];

/// Places of `accept: deployed`, of installing, `instate retire` and who announces: the tests in [`COME_BY`] come by these.
const ELSEWHERE: &[&str] = &[
    "admitted",
    "all-said",
    "announced",
    "announcing",
    "back-planned",
    "begun-saved",
    "branch-moved",
    "branch-moving",
    "folder-gone",
    "given-up",
    "hook-kept",
    "object-freed",
    "outbox-filled",
    "ref-retired",
    "retired",
    "runs",
    "went-back",
];
const COME_BY: &[&str] = &[
    "announce/deaths.rs",
    "deployed/crashes.rs",
    "install.rs",
    "retire.rs",
    "kubernetes/retire.rs",
    "kubernetes/deployed.rs",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    /// Of everybody who comes by the place.
    Of(Signal),
    Client,
    /// The client, `git receive-pack` and its hooks.
    Group,
}

const DEATHS: [Death; 6] = [
    Death::Of(Signal::KILL),
    Death::Of(Signal::TERM),
    Death::Of(Signal::HUP),
    Death::Of(Signal::PIPE),
    Death::Client,
    Death::Group,
];

/// Who takes up what was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Resume,
    Push,
}

/// One line of the matrix.
#[derive(Clone, Copy)]
struct Combination {
    target: Target,
    place: &'static Place,
    death: Death,
    next: Next,
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, place: Place { name, passed, who, .. }, death, next } = self;
        let death = match death {
            Death::Of(Signal::KILL) => "KILL",
            Death::Of(Signal::TERM) => "TERM",
            Death::Of(Signal::HUP) => "HUP",
            Death::Of(Signal::PIPE) => "PIPE",
            Death::Of(_) => "signal",
            Death::Client => "client",
            Death::Group => "group",
        };
        let text = format!("{target:?}:{name}-{passed}-{}:{death}:{next:?}", who[1]);
        // One place as `cluster:planned`, though it is in both targets.
        f.write_str(&text.replacen("Directory", "directory", 1).replacen("Cluster", "cluster", 1))
    }
}

/// What is asked for of one target.
fn combinations(target: Target) -> Vec<Combination> {
    let asked = std::env::var("INSTATE_CRASHES").ok();
    let places = PLACES.iter().filter(|place| place.targets.contains(&target));
    let all = places.enumerate().flat_map(|(n, place)| {
        DEATHS.into_iter().enumerate().flat_map(move |(m, death)| {
            [Next::Resume, Next::Push].map(|next| {
                // By turns; in a cluster other turns than in a folder, and of what is in both every second.
                let offset = usize::from(target == Cluster) * 3;
                let is_in_folder = target == Cluster && place.targets.len() > 1 && n % 2 == 1;
                let is_sample = !is_in_folder
                    && (n + offset) % DEATHS.len() == m
                    && (n / DEATHS.len() + n) % 2 == usize::from(next == Next::Push);
                (is_sample, Combination { target, place, death, next })
            })
        })
    });
    let wanted = all.filter(|(is_sample, combination)| match asked.as_deref() {
        None => *is_sample,
        Some("all") => true,
        Some(part) => combination.to_string().contains(part),
    });
    wanted.map(|(_, combination)| combination).collect()
}

/// Says on the way out of a failed test how that one is repeated.
struct Repeat(String);

impl Drop for Repeat {
    #[allow(clippy::print_stderr, reason = "it is how a test speaks")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat it alone: just crashes {}", self.0);
        }
    }
}

/// What runs, and how more is pushed.
trait Stage {
    fn setup(&self) -> &Setup<'_>;
    fn who(&self) -> &Clone<'_>;
    /// Commits the next revision.
    fn commit(&self, content: Content) -> String;
    /// What runs is exactly the tip.
    fn runs(&self, tip: &str, after: &str);
    /// What else must hold when `revisions` were pushed since the last time.
    fn besides(&self, _revisions: usize, _after: &str) {}
}

struct Folder<'w> {
    setup: Setup<'w>,
    ana: Clone<'w>,
    count: std::cell::Cell<usize>,
}

impl Stage for Folder<'_> {
    fn setup(&self) -> &Setup<'_> {
        &self.setup
    }

    fn who(&self) -> &Clone<'_> {
        &self.ana
    }

    fn commit(&self, _: Content) -> String {
        self.count.set(self.count.get() + 1);
        revision(&self.ana, &format!("revision {}", self.count.get()))
    }

    fn runs(&self, tip: &str, after: &str) {
        assert_eq!(self.setup.running(), self.setup.declared(tip), "{after}: the folder");
        let beside = fs::read_dir(self.setup.folder.parent().expect("because it is in the world"));
        let beside = beside.expect("because the world is ours").flatten();
        let names = beside.filter_map(|entry| entry.file_name().into_string().ok());
        let ours: Vec<String> = names.filter(|name| name.contains("running")).collect();
        assert!(
            ours.iter().all(|name| ["running", ".running.instate"].contains(&name.as_str())),
            "{after}: {ours:?}"
        );
    }
}

impl Stage for Upheaval<'_> {
    fn setup(&self) -> &Setup<'_> {
        &self.production.setup
    }

    fn who(&self) -> &Clone<'_> {
        &self.production.ana
    }

    fn commit(&self, content: Content) -> String {
        self.revision(content)
    }

    fn runs(&self, tip: &str, after: &str) {
        self.runs_exactly(tip, after);
    }

    fn besides(&self, revisions: usize, after: &str) {
        self.no_job_ran_twice(revisions, after);
    }
}

/// Everything agrees: journal, notes, refs, what runs; and nobody is left.
#[track_caller]
fn is_whole(stage: &dyn Stage, accepted: &[String], after: &str) {
    let setup = stage.setup();
    let tip = setup.is_recorded(after);
    assert_eq!(Some(&tip), accepted.last(), "{after}");
    stage.runs(&tip, after);
    assert_eq!(setup.open(), Vec::<String>::new(), "{after}: the journal has intents without an end");
    for revision in accepted.iter().rev().take(2) {
        let noted = setup.outcomes(revision);
        assert_eq!(noted.len(), 1, "{after}: {revision}");
        // What is recorded and not the last goes when the journal is rewritten.
        let journalled = setup.journalled(revision);
        let forgotten = journalled.is_empty() && *revision != tip;
        assert!(forgotten || noted == journalled, "{after}: {revision}: {noted:?} and {journalled:?}");
    }
    let state = fs::read_dir(setup.repo.join("instate")).expect("because it is installed").flatten();
    let names = state.filter_map(|entry| entry.file_name().into_string().ok());
    let left: Vec<String> = names.filter(|name| name.contains("new") || name.contains("torn")).collect();
    assert!(left.is_empty(), "{after}: {left:?}");
}

/// Somebody dies, and is taken up.
fn dies(stage: &dyn Stage, at: Combination, accepted: &mut Vec<String>) {
    let after = at.to_string();
    let _repeat = Repeat(after.clone());
    let (setup, who) = (stage.setup(), stage.who());
    let Place { name, passed, who: hook, content, .. } = at.place;
    let (mut revisions, revision) = (1, stage.commit(*content));
    let pass = if *passed > 0 { format!("{passed}*off->") } else { String::new() };
    let push = setup.push_at(who, &format!("{name}={pass}1*return(stop)"));
    setup.comes_by(hook, &push);
    match at.death {
        Death::Of(sent) => setup.at_rest_with(&|id| {
            if setup.processes(hook).contains(&id) {
                // It may have died of the one before.
                let _ = kill_process(pid(id), sent);
            }
        }),
        Death::Client => signal(push.id(), Signal::KILL),
        Death::Group => push.signal(Signal::KILL),
    }
    setup.at_rest();
    drop(push);
    if setup.tip("refs/heads/main").as_ref() == Some(&revision) {
        accepted.push(revision.clone());
    } else {
        assert_eq!(setup.note(&revision), "", "{after}: it did not land");
    }
    match at.next {
        Next::Resume => {
            setup.instate(&["resume"]).succeeds();
        }
        Next::Push => {
            revisions += 1;
            accepted.push(stage.commit(*content));
            who.push(&["origin", "main"]).succeeds();
        }
    }
    setup.at_rest();
    if accepted.last() != Some(&revision) && accepted.contains(&revision) {
        let ended = setup.outcomes(&revision);
        assert!(ended == ["production superseded"] || ended == ["production deployed"], "{after}: {ended:?}");
    }
    is_whole(stage, accepted, &after);
    stage.besides(revisions, &after);
}

#[allow(clippy::print_stdout, reason = "figures, for whoever runs all of it")]
fn everybody_dies(stage: &dyn Stage, target: Target) {
    let all = combinations(target);
    let mut accepted = Vec::new();
    let mut content = None;
    let began = std::time::Instant::now();
    for at in &all {
        // What a revision replaces must have been there.
        if content != Some(at.place.content) || accepted.is_empty() {
            content = Some(at.place.content);
            accepted.push(stage.commit(at.place.content));
            stage.who().push(&["origin", "main"]).succeeds();
            is_whole(stage, &accepted, "a push");
            stage.besides(1, "a push");
        }
        let alone = std::time::Instant::now();
        dies(stage, *at, &mut accepted);
        println!("{at}: {:.1?}", alone.elapsed());
    }
    accepted.push(stage.commit(Content::Plain));
    stage.who().push(&["origin", "main"]).succeeds();
    is_whole(stage, &accepted, "the last push");
    println!("{target:?}: {} combinations, {:.0?}", all.len(), began.elapsed());
}

#[test]
fn whoever_dies_wherever_an_accepted_revision_has_one_outcome_and_runs_in_a_folder() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    everybody_dies(&Folder { setup, ana, count: 0.into() }, Directory);
}

#[test]
fn whoever_dies_wherever_an_accepted_revision_has_one_outcome_and_runs_in_a_cluster() {
    let world = World::new();
    everybody_dies(&Upheaval::new(&world), Cluster);
}

#[test]
fn there_is_no_place_at_which_nobody_dies() {
    let mut source = BTreeSet::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = project.join("tests/promises");
    places_of(&project.join("src"), &mut source);
    let known = PLACES.iter().map(|place| place.name).chain(ELSEWHERE.iter().copied());
    let known: BTreeSet<String> = known.map(ToOwned::to_owned).collect();
    assert_eq!(source, known, "the places of the source, and those of the matrix");
    let mut others = String::new();
    for file in COME_BY {
        others += &fs::read_to_string(tests.join(file)).expect("because it is there");
    }
    let left: Vec<_> = ELSEWHERE.iter().filter(|name| !others.contains(&format!("\"{name}"))).collect();
    assert!(left.is_empty(), "nobody comes by {left:?}");
    let sample = [Directory, Cluster].map(combinations).concat();
    let is_died = |death: &Death| sample.iter().any(|at| at.death == *death);
    assert!(
        std::env::var_os("INSTATE_CRASHES").is_some() || DEATHS.iter().all(is_died),
        "of every death one"
    );
}

fn places_of(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("because the source is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            places_of(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).expect("because it is text");
            let calls = text.split("point::reach(\"").skip(1);
            found.extend(calls.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
}
