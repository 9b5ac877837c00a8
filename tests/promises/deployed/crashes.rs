//! Whatever dies, and whenever: one outcome, and branch, folder and record agree.

use rustix::process::Signal;

use super::{agrees, finish_spoilt, is_over, seen, spoiling};
use crate::common::{Clone, Httpd, Setup, Sshd, World, is_stopped, kill_at, revision, said, signal, spawn};

/// Where the hooks can be cut off, before anything is deployed.
const JUDGING: [&str; 4] = ["judging", "judged", "intent-journalled", "watcher-left"];
/// Where a worker can be, in the order in which it gets there.
const DEPLOYING: [&str; 16] = [
    "worker-locked",
    "begun-saved",
    "planned",
    "spare-listed",
    "spare-ready",
    "exchanged",
    "deployed",
    "journal-appended=1*off->return(kill)",
    "runs",
    "branch-moving",
    "branch-moved",
    "outcome-journalled",
    "note-written",
    "recorded",
    "journal-appended=2*off->return(kill)",
    "journal-appended=3*off->return(kill)",
];
/// Where one can be that goes back.
const GOING_BACK: [&str; 8] = [
    "given-up",
    "back-planned",
    "spare-listed=1*off->return(kill)",
    "exchanged=1*off->return(kill)",
    "went-back",
    "outcome-journalled",
    "note-written",
    "recorded",
];

/// The next ordinary push deploys.
fn goes_on(setup: &Setup<'_>, who: &Clone<'_>, after: &str) {
    agrees(setup, after);
    // Whoever was told that it is not known yet looks.
    who.git(&["fetch", "--quiet", "origin"]).succeeds();
    let next = revision(who, &format!("after-{after}"));
    let pushed = who.push(&["origin", "main"]).succeeds();
    assert!(said(&pushed, "deployed: production runs"), "after {after}: {pushed}");
    is_over(setup, &format!("the push after {after}"));
    assert_eq!(setup.tip("refs/heads/main"), Some(next), "after {after}");
}

/// All workers die at the point, also the one that was left behind.
fn workers_killed(setup: &Setup<'_>, who: &Clone<'_>, point: &str) {
    let before = setup.tip("refs/heads/main");
    let revision = revision(who, point);
    let pushed = setup.push_at(who, &kill_at(point)).finish();
    setup.at_rest();
    let moved = setup.tip("refs/heads/main") != before;
    // What git was told is not the contrary of what is.
    let known = pushed.stderr.contains("not known yet");
    assert!(pushed.code == Some(0) && moved || pushed.code == Some(1) && known, "{point}: {moved} {pushed}");
    let resumed = setup.instate(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{point}: {resumed}");
    assert_eq!(setup.tip("refs/heads/main"), Some(revision.clone()), "{point}: {resumed}");
    assert_eq!(setup.outcomes(&revision), ["production deployed"], "{point}: {resumed}");
    is_over(setup, point);
}

#[test]
fn killed_workers_are_taken_up_by_resume_and_the_branch_moves_then() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    revision(&ana, "first");
    ana.push(&["origin", "main"]).succeeds();
    for point in DEPLOYING {
        workers_killed(&setup, &ana, point);
    }
    goes_on(&setup, &ana, "all of them");
}

#[test]
fn killed_workers_are_taken_up_by_resume_when_the_branch_is_yet_to_be_made() {
    for point in DEPLOYING {
        let world = World::new();
        let setup = Setup::accept_deployed(&world);
        let ana = setup.clone("ana");
        workers_killed(&setup, &ana, point);
    }
}

#[test]
fn a_revision_cut_off_anywhere_gives_way_to_the_next_push() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    revision(&ana, "first");
    ana.push(&["origin", "main"]).succeeds();
    for point in DEPLOYING {
        let cut_off = revision(&ana, point);
        setup.push_at(&ana, &kill_at(point)).finish();
        setup.at_rest();
        let next = revision(&ana, "next");
        ana.push(&["origin", "main"]).succeeds();
        is_over(&setup, point);
        assert_eq!(setup.tip("refs/heads/main"), Some(next), "{point}");
        let ended = setup.outcomes(&cut_off);
        let once = ended == ["production superseded"] || ended == ["production deployed"];
        assert!(once, "{point}: {}", setup.note(&cut_off));
    }
}

#[test]
fn one_that_is_killed_while_it_goes_back_goes_on_going_back() {
    for first in [false, true] {
        let world = World::new();
        let setup = Setup::accept_deployed(&world);
        let ana = setup.clone("ana");
        if !first {
            revision(&ana, "runs");
            ana.push(&["origin", "main"]).succeeds();
        }
        let before = setup.tip("refs/heads/main");
        for point in GOING_BACK {
            let after = &format!("{point}, {}", if first { "nothing before" } else { "one before" });
            let broken = revision(&ana, point);
            // The file is spoilt while the first worker stands still, and the same worker dies on its way back.
            let stop_at = if point.starts_with("exchanged") {
                "exchanged=1*return(stop)->return(kill)".to_owned()
            } else {
                format!("exchanged=1*return(stop);{}", kill_at(point))
            };
            world.set_env("FAILPOINTS", &stop_at);
            let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
            setup.stopped(&["hook", "worker"]);
            world.remove_env("FAILPOINTS");
            finish_spoilt(&setup, pushing);
            let resumed = setup.instate(&["resume"]);
            assert_eq!(setup.tip("refs/heads/main"), before, "{after}: {resumed}");
            assert_eq!(setup.outcomes(&broken), ["production failed"], "{after}: {resumed}");
            is_over(&setup, after);
            ana.git(&["reset", "--quiet", "--soft", "HEAD"]).succeeds();
        }
        goes_on(&setup, &ana, "all of them");
    }
}

#[test]
fn a_hook_that_is_killed_leaves_nothing_undecided() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    revision(&ana, "first");
    ana.push(&["origin", "main"]).succeeds();
    for point in JUDGING {
        let before = setup.tip("refs/heads/main");
        let revision = revision(&ana, point);
        let pushed = setup.push_at(&ana, &kill_at(point)).finish();
        assert_eq!(pushed.code, Some(1), "{point}: {pushed}");
        setup.at_rest();
        assert_eq!(setup.tip("refs/heads/main"), before, "{point}");
        assert_eq!(setup.note(&revision), "", "{point}");
        goes_on(&setup, &ana, point);
    }
    // From here on it is deployed, whatever git was told: that it does not know.
    for point in ["admitted", "worker-started"] {
        let revision = revision(&ana, point);
        let pushed = setup.push_at(&ana, &kill_at(point)).finish();
        assert_eq!(pushed.code, Some(1), "{point}: {pushed}");
        assert!(pushed.stderr.contains("proc-receive"), "{point}: {pushed}");
        is_over(&setup, point);
        assert_eq!(setup.tip("refs/heads/main"), Some(revision), "{point}");
        goes_on(&setup, &ana, point);
    }
}

#[test]
fn a_killed_client_changes_nothing_about_the_end_of_its_push() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    revision(&ana, "first");
    ana.push(&["origin", "main"]).succeeds();
    let hooks = JUDGING.map(|point| (point, "pre-receive")).into_iter();
    let hooks = hooks.chain(["admitted", "worker-started"].map(|point| (point, "proc-receive")));
    let workers = ["planned", "exchanged", "runs", "branch-moved"].map(|point| (point, "worker"));
    for (point, process) in hooks.chain(workers) {
        for whole_group in [false, true] {
            let after = &format!("{point}, {}", if whole_group { "group killed" } else { "client killed" });
            let revision = revision(&ana, after);
            let push = setup.push_at(&ana, &format!("{point}=return(stop)"));
            setup.stopped(&["hook", process]);
            if whole_group {
                push.signal(Signal::KILL)
            } else {
                signal(push.id(), Signal::KILL)
            }
            agrees(&setup, after);
            if process == "worker" {
                assert_eq!(setup.tip("refs/heads/main"), Some(revision), "{after}");
            }
            goes_on(&setup, &ana, after);
        }
    }
}

#[test]
fn a_client_that_is_killed_on_another_machine_changes_nothing_about_the_end_of_its_push() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let (ssh, http) = (Sshd::start(&world), Httpd::start(&world, world.root()));
    for (name, url) in [("ssh", ssh.url(&setup.repo)), ("http", http.url("production.git"))] {
        let ana = world.clone(url, name);
        let revision = revision(&ana, name);
        world.set_env("FAILPOINTS", "planned=1*return(stop)");
        let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
        let worker = setup.stopped(&["hook", "worker"]);
        world.remove_env("FAILPOINTS");
        pushing.wait_for("Ctrl-C stops watching");
        pushing.signal(Signal::KILL);
        pushing.finish();
        assert!(is_stopped(worker), "{name}: the worker outlives the client");
        is_over(&setup, name);
        assert_eq!(setup.tip("refs/heads/main"), Some(revision), "{name}");
    }
}

#[test]
fn a_client_that_is_gone_does_not_keep_what_does_not_run_from_being_taken_back() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    let first = revision(&ana, "first");
    ana.push(&["origin", "main"]).succeeds();
    let broken = revision(&ana, "broken");
    let pushing = spoiling(&setup, &ana);
    pushing.signal(Signal::KILL);
    std::fs::write(setup.folder.join("web.yaml"), "spoilt: true\n").expect("because the world is ours");
    is_over(&setup, "broken");
    assert_eq!(setup.tip("refs/heads/main"), Some(first));
    assert_eq!(setup.outcomes(&broken), ["production failed"]);
}

#[test]
fn ctrl_c_stops_watching_and_the_branch_moves_if_it_runs() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    let revision = revision(&ana, "one");
    let push = setup.push_at(&ana, "planned=return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    push.wait_for("Ctrl-C stops watching, not deploying");
    push.signal(Signal::INT);
    assert_ne!(push.finish().code, Some(0));
    assert!(is_stopped(worker), "the worker outlives the client");
    assert_eq!(setup.tip("refs/heads/main"), None);
    is_over(&setup, "one");
    assert_eq!(setup.tip("refs/heads/main"), Some(revision));
}

#[test]
fn a_hook_that_is_told_to_stop_says_that_the_deployment_goes_on() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    let revision = revision(&ana, "one");
    let push = setup.push_at(&ana, "planned=return(stop)");
    setup.stopped(&["hook", "worker"]);
    let hook = setup.processes(&["hook", "proc-receive"]);
    push.wait_for("create web.yaml");
    hook.into_iter().for_each(|id| signal(id, Signal::TERM));
    let pushed = push.finish();
    assert_eq!(pushed.code, Some(1), "{pushed}");
    insta::assert_snapshot!("told_to_stop", seen(&setup, &pushed));
    is_over(&setup, "one");
    assert_eq!(setup.tip("refs/heads/main"), Some(revision));
}

#[test]
fn a_lock_that_a_worker_killed_while_it_moved_the_branch_left_is_got_over() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    revision(&ana, "first");
    ana.push(&["origin", "main"]).succeeds();
    let next = revision(&ana, "next");
    setup.push_at(&ana, "branch-moving=return(kill)").finish();
    setup.at_rest();
    // What the killed process would have left a moment later, inside the transaction.
    let lock = setup.repo.join("refs/heads/main.lock");
    std::fs::write(&lock, "").expect("because the world is ours");
    setup.instate(&["resume"]).succeeds();
    assert_eq!(setup.tip("refs/heads/main"), Some(next));
    goes_on(&setup, &ana, "a lock");
}

#[test]
fn a_branch_that_somebody_else_has_locked_is_left_alone_and_what_ran_before_runs() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    let first = revision(&ana, "first");
    ana.push(&["origin", "main"]).succeeds();
    let lock = setup.repo.join("refs/heads/main.lock");
    std::fs::write(&lock, "").expect("because the world is ours");
    let broken = revision(&ana, "next");
    let pushed = ana.push(&["origin", "main"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert!(pushed.stderr.contains("deploy failed: the server: cannot move refs/heads/main"), "{pushed}");
    assert!(lock.exists());
    std::fs::remove_file(lock).expect("because it was left alone");
    assert_eq!(setup.tip("refs/heads/main"), Some(first));
    assert_eq!(setup.outcomes(&broken), ["production failed"]);
    is_over(&setup, "a locked branch");
    ana.push(&["origin", "main"]).succeeds();
    is_over(&setup, "the next");
}
