//! Looking at a deployment from another terminal, while it runs and afterwards.

use rustix::process::Signal;

use crate::common::{Setup, WEB, World, go_on, is_stopped, signal, spawn};

/// The name of the newest deployment, from its note.
fn name(setup: &Setup<'_>, revision: &str) -> String {
    let note = setup.note(revision);
    let name = note.lines().find_map(|line| line.strip_prefix("Deployment: "));
    name.expect("because each note has one").to_owned()
}

#[test]
fn whoever_watches_sees_what_the_one_who_pushed_sees_and_may_stop_without_stopping_anything() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");
    let pushing = setup.push_at(&ana, "planned=return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);

    let impatient = spawn(setup.command(&["watch"]));
    impatient.wait_for("create web.yaml");
    signal(impatient.id(), Signal::INT);
    let stopped = impatient.finish();
    assert_eq!(stopped.code, Some(1), "{stopped}");
    assert!(stopped.stdout.contains("no longer watching; the deployment to production goes on"), "{stopped}");
    assert!(is_stopped(worker));

    let watching = spawn(setup.command(&["watch", "production"]));
    watching.wait_for("create web.yaml");
    go_on(worker);
    let (pushed, watched) = (pushing.finish().succeeds(), watching.finish().succeeds());
    // A hook says whose words they are, a command need not.
    let seen = pushed.remote_lines().into_iter().map(|line| line.trim_end().replacen("instate: ", "", 1));
    assert_eq!(watched.stdout.lines().collect::<Vec<_>>(), seen.collect::<Vec<_>>());
    assert!(watched.stdout.contains("deployed: production runs"), "{watched}");
    setup.idle();

    // When it has ended it is shown again, by its name too; how it ended is the exit code.
    let id = name(&setup, &revision);
    for what in [&["watch"][..], &["watch", "production"], &["watch", &id]] {
        assert_eq!(setup.instate(what).succeeds().stdout, watched.stdout, "{what:?}");
    }
}

#[test]
fn what_cannot_be_watched_is_said_with_what_can_be() {
    let world = World::new();
    let setup = Setup::new(&world);
    let nothing = setup.instate(&["watch"]).succeeds();
    insta::assert_snapshot!("watch_nothing", nothing.stdout);
    for (name, what) in [
        ("watch_unknown_environment", "prodution"),
        ("watch_unknown_deployment", "20260101T000000Z-0a0b0c0d"),
    ] {
        let refused = setup.instate(&["watch", what]);
        assert_eq!(refused.code, Some(2), "{refused}");
        insta::assert_snapshot!(
            name,
            refused.stderr.replace(&setup.repo.display().to_string(), "(repository)")
        );
    }
}

#[test]
fn a_deployment_whose_worker_was_killed_is_said_to_be_left_and_not_watched_for_ever() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.commit("web");
    let pushing = setup.push_at(&ana, "planned=return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    let watching = spawn(setup.command(&["watch"]));
    watching.wait_for("create web.yaml");
    // All that could take it up: as when the server goes down.
    let all = setup.processes(&["instate", "hook"]);
    all.into_iter().for_each(|id| signal(id, Signal::KILL));
    signal(worker, Signal::KILL);
    pushing.finish();
    let left = watching.finish();
    assert_eq!(left.code, Some(1), "{left}");
    assert!(left.stdout.contains("instate resume"), "{left}");
    setup.instate(&["resume"]).succeeds();
    assert!(setup.instate(&["watch"]).succeeds().stdout.contains("deployed: production runs"));
}
