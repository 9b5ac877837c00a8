//! Whatever dies, an accepted revision ends in exactly one recorded outcome: `matrix.rs` is every place and every death,
//! here is what has a shape of its own.

mod matrix;

use std::fs;

use rustix::process::Signal;

use crate::common::{Clone, Setup, Sshd, World, is_stopped, kill_at, revision, said, signal};

/// Where a worker can be, in the order in which it gets there.
const DEPLOYING: [&str; 11] = [
    "worker-locked",
    "planned",
    "spare-listed",
    "spare-ready",
    "exchanged",
    "deployed",
    "journal-appended=1*off->return(kill)",
    "outcome-journalled",
    "note-written",
    "recorded",
    "journal-appended=2*off->return(kill)",
];

/// Everything agrees, and the next ordinary push deploys.
fn goes_on(setup: &Setup<'_>, who: &Clone<'_>, after: &str) {
    if setup.tip("refs/heads/main").is_some() {
        setup.is_whole(after);
    }
    let next = revision(who, &format!("after-{after}"));
    let pushed = who.push(&["origin", "main"]).succeeds();
    assert!(said(&pushed, "deployed: production runs"), "after {after}: {pushed}");
    setup.is_whole(&format!("the push after {after}"));
    assert_eq!(setup.deployed(), Some(next), "after {after}");
    assert_eq!(setup.open(), Vec::<String>::new(), "after {after}: the journal has intents without an end");
}

/// Both the worker that post-receive started and the one that pre-receive left are killed at the point.
fn workers_killed(setup: &Setup<'_>, who: &Clone<'_>, point: &str) {
    let revision = revision(who, point);
    setup.push_at(who, &kill_at(point)).finish().succeeds();
    setup.at_rest();
    assert_eq!(setup.tip("refs/heads/main"), Some(revision.clone()), "{point}");
    let resumed = setup.instate(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{point}: {resumed}");
    assert_eq!(setup.deployed(), Some(revision), "{point}: {resumed}");
}

#[test]
fn killed_workers_are_taken_up_by_resume_when_nothing_runs_yet() {
    for point in DEPLOYING {
        let world = World::new();
        let setup = Setup::new(&world);
        let ana = setup.clone("ana");
        workers_killed(&setup, &ana, point);
        setup.is_whole(point);
    }
}

#[test]
fn locks_that_a_process_killed_while_moving_refs_left_are_got_over() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let (notes, deployed) = ("refs/notes/instate", "refs/instate/production/deployed");
    for point in ["deployed", "note-written"] {
        let revision = revision(&ana, point);
        setup.push_at(&ana, &kill_at(point)).finish().succeeds();
        setup.at_rest();
        // What the killed process would have left a moment later, inside the transaction.
        for name in [notes, deployed] {
            let lock = setup.repo.join(format!("{name}.lock"));
            fs::create_dir_all(lock.parent().unwrap()).expect("because the world is ours");
            fs::write(lock, "").expect("because the world is ours");
        }
        let promise = format!(r#"{{"process":{{"pid":1,"started":0}},"doing":"{notes} {deployed}"}}"#);
        fs::write(setup.repo.join("instate/lock/record"), promise).expect("because the world is ours");
        setup.instate(&["resume"]).succeeds();
        assert_eq!(setup.deployed(), Some(revision), "{point}");
        goes_on(&setup, &ana, point);
    }
}

#[test]
fn outcomes_that_cannot_be_written_yet_are_written_later_in_their_order() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    // Nobody promised to remove this one: some other program may be at work.
    let lock = setup.repo.join("refs/notes/instate.lock");
    fs::create_dir_all(lock.parent().unwrap()).expect("because the world is ours");
    fs::write(&lock, "").expect("because the world is ours");
    let revisions = ["one", "two"].map(|name| {
        let revision = revision(&ana, name);
        let pushed = ana.push(&["origin", "main"]).succeeds();
        assert!(said(&pushed, "deployed: production runs"), "{pushed}");
        revision
    });
    setup.at_rest();
    assert_eq!(setup.running(), setup.declared(&revisions[1]));
    fs::remove_file(lock).expect("because it was left alone");
    setup.instate(&["resume"]).succeeds();
    setup.is_whole("a record that had to wait");
    assert_eq!(
        revisions.map(|revision| setup.outcomes(&revision)),
        [["production deployed"], ["production deployed"]]
    );
}

#[test]
fn ctrl_c_stops_watching_and_not_deploying() {
    let world = World::new();
    let setup = Setup::new(&world);
    let sshd = Sshd::start(&world);
    let over = [setup.clone("path"), world.clone(sshd.url(&setup.repo), "ssh")];
    for (ana, transport) in over.iter().zip(["path", "ssh"]) {
        if setup.tip("refs/heads/main").is_some() {
            ana.git(&["pull", "--quiet", "origin", "main"]).succeeds();
        }
        let revision = revision(ana, transport);
        // A server sources the world's variables when the connection comes.
        world.set_env("FAILPOINTS", "planned=return(stop)");
        let push = setup.push_at(ana, "planned=return(stop)");
        world.set_env("FAILPOINTS", "planned=return(stop)");
        let worker = setup.stopped(&["hook", "worker"]);
        world.remove_env("FAILPOINTS");
        push.wait_for("Ctrl-C stops watching");
        push.signal(Signal::INT);
        let pushed = push.finish();
        assert_ne!(pushed.code, Some(0), "{transport}: {pushed}");
        assert!(is_stopped(worker), "{transport}: the worker outlives the client");
        let status = setup.instate(&["status"]);
        assert!(status.stdout.contains(&format!("deploying {}", &revision[..7])), "{transport}: {status}");
        setup.at_rest();
        assert_eq!(setup.deployed(), Some(revision), "{transport}");
        goes_on(&setup, ana, transport);
    }
}

#[test]
fn ctrl_c_on_instate_deploy_says_that_the_deployment_goes_on() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let revision = revision(&ana, "one");
    ana.push(&["origin", "main"]).succeeds();
    setup.is_whole("a push");
    fs::remove_file(setup.folder.join("web.yaml")).expect("because it runs");
    let deploy = setup.spawn_at("planned=return(stop)", || setup.command(&["deploy"]));
    let worker = setup.stopped(&["hook", "worker"]);
    deploy.wait_for("create web.yaml");
    deploy.signal(Signal::INT);
    let said = deploy.finish();
    assert_eq!(said.code, Some(1), "{said}");
    assert!(said.stdout.contains("no longer watching; the deployment to production goes on"), "{said}");
    assert!(is_stopped(worker));
    assert!(!setup.folder.join("web.yaml").exists());
    setup.at_rest();
    assert_eq!(setup.running(), setup.declared(&revision));
    assert_eq!(setup.outcomes(&revision), ["production deployed"; 2]);
}

#[test]
fn ctrl_c_is_pressed_once_however_many_environments_are_deployed() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let environment = |name: &str| {
        let folder = world.path(name);
        format!("  {name}:\n    branch: main\n    target: {{directory: {}}}\n", folder.display())
    };
    setup.install(&format!("environments:\n{}{}", environment("east"), environment("west"))).succeeds();
    let ana = setup.clone("ana");
    let revision = revision(&ana, "one");
    let push = setup.push_at(&ana, "planned=return(stop)");
    push.wait_for("east: deploying");
    let hook = setup.processes(&["hook", "post-receive"]);
    hook.into_iter().for_each(|id| signal(id, Signal::INT));
    let pushed = push.finish().succeeds();
    for name in ["east", "west"] {
        assert!(said(&pushed, &format!("the deployment to {name} goes on")), "{pushed}");
    }
    setup.at_rest();
    let mut outcomes = setup.outcomes(&revision);
    outcomes.sort();
    assert_eq!(outcomes, ["east deployed", "west deployed"]);
}
