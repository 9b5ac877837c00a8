//! Many pushes at once, and an administrator among them: one outcome each, and never half a revision.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::common::{Clone, Output, Running, Setup, WEB, World, go_on, said, spawn};

/// How many push at once.
const CLIENTS: usize = 20;

/// The first and the last of the files that say the same.
const FIRST: usize = 10;
const LAST: usize = 59;

/// For so long; a minute is what a release is tested with.
fn duration() -> Duration {
    let seconds = std::env::var("INSTATE_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(8))
}

fn config_map(name: &str, token: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n  token: {token}\n")
}

/// A revision with a file of the client's own, and many that must always say the same: so many that who
/// looks while they are written one by one sees it.
fn revision(who: &Clone<'_>, client: &str, token: &str) -> String {
    who.write(format!("{client}.yaml"), config_map(client, token));
    for n in FIRST..=LAST {
        who.write(format!("same-{n}.yaml"), config_map(&format!("same-{n}"), token));
    }
    who.commit(token)
}

/// Takes over what others pushed, and leaves out what one did not get through with.
fn start_over(who: &Clone<'_>) {
    who.git(&["fetch", "--quiet", "origin", "main"]).succeeds();
    who.git(&["reset", "--quiet", "--hard", "FETCH_HEAD"]).succeeds();
}

/// Whoever was not quick enough is refused, and nobody else is.
fn lost_the_race(pushed: &Output) -> bool {
    let words = ["fetch first", "cannot lock ref", "failed to update ref", "another push was quicker"];
    pushed.code == Some(1) && words.iter().any(|words| pushed.stderr.contains(words))
}

#[derive(Default)]
struct Pushed {
    accepted: BTreeMap<String, Output>,
    refused: usize,
}

fn push_until(setup: &Setup<'_>, who: &Clone<'_>, client: &str, deadline: Instant, all: &Mutex<Pushed>) {
    for n in 0.. {
        if Instant::now() >= deadline {
            return;
        }
        start_over(who);
        let revision = revision(who, client, &format!("{client}-{n}"));
        let pushed = who.push(&["origin", "main"]);
        let mut all = all.lock().unwrap();
        if pushed.code == Some(0) {
            all.accepted.insert(revision, pushed);
        } else {
            assert!(lost_the_race(&pushed), "{client}: {pushed}\n{}", worker_log(setup));
            all.refused += 1;
        }
    }
}

fn worker_log(setup: &Setup<'_>) -> String {
    fs::read_to_string(setup.repo.join("instate/worker.log")).unwrap_or_default()
}

/// What the first and the last file say, if the folder stayed in its place and unwritten while they were read. A folder
/// that has left its place is the spare, which nobody is meant to read.
fn look(folder: &Path) -> Option<[String; 2]> {
    let state = || fs::metadata(folder).map(|f| (f.ino(), f.mtime(), f.mtime_nsec())).ok();
    let before = state()?;
    let handle = fs::File::open(folder).ok()?;
    let read = |n| fs::read_to_string(format!("/proc/self/fd/{}/same-{n}.yaml", handle.as_raw_fd()));
    let found = [FIRST, LAST].map(|n| read(n).unwrap_or_default());
    let token = |text: String| text.lines().last().unwrap_or_default().to_owned();
    (state() == Some(before)).then(|| found.map(token))
}

#[test]
#[allow(clippy::print_stdout, reason = "figures, for whoever runs it for a minute")]
fn twenty_who_push_at_once_get_one_outcome_each_and_nobody_sees_half_a_revision() {
    let world = World::new();
    let setup = Setup::new(&world);
    let first = setup.clone("first");
    let mut accepted = BTreeSet::from([revision(&first, "first", "first-0")]);
    first.push(&["origin", "main"]).succeeds();
    let clients: Vec<_> = (0..CLIENTS).map(|n| format!("c{n}")).map(|n| (setup.clone(&n), n)).collect();
    let all = Mutex::new(Pushed::default());
    let (over, reads, began) = (AtomicBool::new(false), AtomicUsize::new(0), Instant::now());
    let seen = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if let Some([first, last]) = look(&setup.folder) {
                    assert_eq!(first, last, "half a revision");
                    reads.fetch_add(1, Ordering::Relaxed);
                    seen.lock().unwrap().insert(first);
                }
                // A core for itself would keep the others from pushing.
                thread::sleep(Duration::from_micros(200));
            }
        });
        let deadline = began + duration();
        let (setup, all) = (&setup, &all);
        let pushing: Vec<_> = clients
            .iter()
            .map(|(clone, name)| scope.spawn(move || push_until(setup, clone, name, deadline, all)))
            .collect();
        let ended: Vec<_> = pushing.into_iter().map(|client| client.join()).collect();
        setup.at_rest();
        over.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|client| client.expect("because the client says why it failed"));
    });
    let took = began.elapsed();
    let Pushed { accepted: pushed, refused } = all.into_inner().unwrap();
    accepted.extend(pushed.keys().cloned());
    setup.is_whole("many pushes");
    assert_eq!(setup.open(), Vec::<String>::new(), "intents without an end");

    let lines = |args: &[&str]| -> BTreeSet<String> {
        let listed = world.git(&setup.repo, args).succeeds().stdout;
        listed.lines().filter_map(|line| line.split(' ').next_back()).map(str::to_owned).collect()
    };
    assert_eq!(lines(&["rev-list", "main"]), accepted);
    assert_eq!(lines(&["notes", "--ref=instate", "list"]), accepted, "who has a note");
    let mut ends = BTreeMap::<String, usize>::new();
    for revision in &accepted {
        let outcomes = setup.outcomes(revision);
        let [outcome] = outcomes.as_slice() else { panic!("{}", setup.note(revision)) };
        let word = outcome.strip_prefix("production ").unwrap();
        assert!(["deployed", "superseded"].contains(&word), "{}", setup.note(revision));
        if let Some(pushed) = pushed.get(revision) {
            assert!(said(pushed, &format!("instate: {word}: ")), "the push does not say {word}: {pushed}");
        }
        *ends.entry(word.to_owned()).or_default() += 1;
    }
    let reads = reads.into_inner();
    assert!(reads > 0 && seen.into_inner().unwrap().len() > 1, "the reader saw nothing");
    println!(
        "{CLIENTS} clients, {took:.1?}: {} accepted {ends:?}, {refused} lost a race, {reads} looks at the folder",
        accepted.len()
    );
}

/// The first revision's worker stands still at its plan while others are pushed.
struct Queue<'w> {
    setup: Setup<'w>,
    ana: Clone<'w>,
    first: String,
    push: Running,
    worker: u32,
}

fn queue(world: &World) -> Queue<'_> {
    let setup = Setup::new(world);
    let ana = setup.clone("ana");
    let first = revision(&ana, "ana", "first");
    let push = setup.push_at(&ana, "planned=1*return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    Queue { setup, ana, first, push, worker }
}

impl Queue<'_> {
    /// Pushes one more, and returns when its worker waits.
    fn add(&self, token: &str) -> (String, Running) {
        let before = self.setup.processes(&["hook", "worker"]).len();
        let revision = revision(&self.ana, "ana", token);
        let push = spawn(self.ana.git_command(&["push", "origin", "main"]));
        // The one that waits for the end of its push, and the one that waits for the lock.
        self.setup
            .until("its workers are there", || self.setup.processes(&["hook", "worker"]).len() == before + 2);
        (revision, push)
    }
}

#[test]
fn a_revision_accepted_while_another_is_deployed_is_deployed_after_it() {
    let world = World::new();
    let queue = queue(&world);
    let (second, push) = queue.add("second");
    go_on(queue.worker);
    let (pushed, then) = (queue.push.finish().succeeds(), push.finish().succeeds());
    assert!(said(&pushed, &format!("deployed: production runs {}", &queue.first[..7])), "{pushed}");
    assert!(said(&then, &format!("deployed: production runs {}", &second[..7])), "{then}");
    queue.setup.is_whole("two pushes");
    assert_eq!(queue.setup.outcomes(&queue.first), ["production deployed"]);
    assert_eq!(queue.setup.deployed(), Some(second));
}

#[test]
fn of_revisions_that_wait_only_the_newest_is_deployed() {
    let world = World::new();
    let queue = queue(&world);
    let waiting: Vec<_> = ["second", "third", "fourth"].map(|token| queue.add(token)).into();
    go_on(queue.worker);
    queue.push.finish().succeeds();
    for (n, (revision, push)) in waiting.into_iter().enumerate() {
        let pushed = push.finish().succeeds();
        let word = if n == 2 { "deployed" } else { "superseded" };
        assert!(said(&pushed, &format!("instate: {word}: ")), "{pushed}");
        assert_eq!(queue.setup.outcomes(&revision), [format!("production {word}")]);
    }
    queue.setup.is_whole("four pushes");
    assert_eq!(queue.setup.outcomes(&queue.first), ["production deployed"]);
}

#[test]
fn two_who_push_the_same_revision_at_once_get_one_deployment() {
    for (n, point) in ["judged", "intent-journalled"].into_iter().enumerate() {
        let world = World::new();
        let setup = Setup::new(&world);
        let (ana, ben) = (setup.clone("ana"), setup.clone("ben"));
        let revision = revision(&ana, "ana", "first");
        ben.git(&["pull", "--quiet", ana.dir().to_str().unwrap(), "main"]).succeeds();
        let late = setup.push_at(&ana, &format!("{point}=return(stop)"));
        let hook = setup.stopped(&["hook", "pre-receive"]);
        ben.push(&["origin", "main"]).succeeds();
        // Before or after others push on top of it.
        for _ in 0..n {
            self::revision(&ben, "ben", "second");
            ben.push(&["origin", "main"]).succeeds();
        }
        go_on(hook);
        let refused = late.finish();
        assert_ne!(refused.code, Some(0), "{point}: git takes a revision once: {refused}");
        setup.is_whole(point);
        assert_eq!(setup.outcomes(&revision), ["production deployed"], "{point}: {}", setup.note(&revision));
        assert_eq!(setup.open(), Vec::<String>::new(), "{point}");
    }
}

#[test]
fn a_push_tells_its_end_though_another_worker_was_quicker() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    revision(&ana, "ana", "first");
    let push = setup.push_at(&ana, "landed=return(stop)");
    let hook = setup.stopped(&["hook", "post-receive"]);
    setup.instate(&["resume"]).succeeds();
    go_on(hook);
    let pushed = push.finish().succeeds();
    assert!(said(&pushed, "deployed: production runs"), "{pushed}");
    setup.is_whole("resume during a push");
}

/// Brings a revision into the repository that `main` does not know.
fn beside(who: &Clone<'_>, name: &str) {
    who.push(&["origin", &format!("HEAD:refs/heads/{name}")]).succeeds();
}

#[test]
fn a_tip_that_no_push_brought_is_judged_and_then_deployed() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let good = revision(&ana, "ana", "good");
    beside(&ana, "good");
    world.git(&setup.repo, &["update-ref", "refs/heads/main", &good]).succeeds();
    let status = setup.instate(&["status"]);
    assert_eq!(status.code, Some(1), "{status}");
    let resumed = setup.instate(&["resume"]).succeeds();
    assert!(resumed.stdout.contains(&format!("deployed {}", &good[..7])), "{resumed}");
    setup.is_whole("update-ref");
    assert!(setup.note(&good).contains("without a push"), "{}", setup.note(&good));

    ana.write("bad.yaml", WEB.replace("replicas: 2", "replicas: [2"));
    let bad = ana.commit("bad");
    beside(&ana, "bad");
    world.git(&setup.repo, &["update-ref", "refs/heads/main", &bad]).succeeds();
    let resumed = setup.instate(&["resume"]);
    assert_eq!(resumed.code, Some(1), "{resumed}");
    assert!(resumed.stdout.contains("the revision is refused"), "{resumed}");
    setup.at_rest();
    assert_eq!(setup.outcomes(&bad), ["production failed"]);
    assert!(setup.note(&bad).contains("Reason: the revision is refused"), "{}", setup.note(&bad));
    assert_eq!(setup.deployed(), Some(good.clone()));
    assert_eq!(setup.running(), setup.declared(&good));
    setup.instate(&["resume"]).succeeds();
    assert_eq!(setup.outcomes(&bad), ["production failed"], "it is judged once");

    ana.write("bad.yaml", WEB);
    ana.commit("mended");
    ana.push(&["origin", "main"]).succeeds();
    setup.is_whole("a push after a bad tip");
}

#[test]
fn a_branch_moved_back_during_a_deployment_gets_back_what_it_names() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let before = revision(&ana, "ana", "before");
    ana.push(&["origin", "main"]).succeeds();
    let cut_off = revision(&ana, "ana", "cut-off");
    setup.push_at(&ana, "deployed=return(kill)").finish().succeeds();
    setup.at_rest();
    assert_eq!(setup.running(), setup.declared(&cut_off));
    world.git(&setup.repo, &["update-ref", "refs/heads/main", &before]).succeeds();
    setup.instate(&["resume"]).succeeds();
    assert_eq!(setup.running(), setup.declared(&before));
    assert_eq!(setup.deployed(), Some(before));
}

#[test]
fn a_revision_that_waits_keeps_its_outcome_when_the_branch_is_moved_back() {
    let world = World::new();
    let queue = queue(&world);
    let (second, push) = queue.add("second");
    world.git(&queue.setup.repo, &["update-ref", "refs/heads/main", &queue.first]).succeeds();
    go_on(queue.worker);
    let pushed = push.finish().succeeds();
    assert!(said(&pushed, "instate: superseded: "), "{pushed}");
    queue.setup.is_whole("update-ref back");
    assert_eq!(queue.setup.outcomes(&second), ["production superseded"]);
}
