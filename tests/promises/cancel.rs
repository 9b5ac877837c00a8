//! Giving a deployment up.

use crate::common::{Setup, WEB, World, go_on, signal, spawn};

#[test]
fn a_deployment_that_has_not_begun_to_change_anything_ends_as_failed_and_by_whom() {
    let world = World::new();
    world.set_env("SUDO_USER", "ana");
    let setup = Setup::new(&world);
    let (ana, first) = setup.runs_web();
    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    let revision = ana.commit("more");
    // Before it has looked at what to change.
    let pushing = setup.push_at(&ana, "worker-locked=return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    world.set_env("SUDO_USER", "ben");
    let cancelling = spawn(setup.command(&["cancel"]));
    setup.until("it was asked for", || {
        let asked = setup.repo.join("instate/cancel").read_dir();
        asked.is_ok_and(|all| all.flatten().any(|one| one.path().extension().is_none()))
    });
    go_on(worker);
    let cancelled = cancelling.finish().succeeds();
    insta::assert_snapshot!(
        "cancel_before_it_began",
        cancelled.stdout.replace(&revision[..7], "1a2b3c4").replace(&first[..7], "0a0b0c0")
    );
    let pushed = pushing.finish().succeeds();
    assert!(pushed.stderr.contains("cancelled by ben before it began"), "{pushed}");
    setup.at_rest();
    assert_eq!(setup.outcomes(&revision), ["production failed"]);
    assert!(setup.note(&revision).contains("cancelled by ben"), "{}", setup.note(&revision));
    assert_eq!(setup.deployed(), Some(first.clone()));
    assert_eq!(setup.running(), setup.declared(&first));

    // Nobody takes it up again until somebody asks for it, and nothing of the request is left.
    setup.instate(&["resume"]).succeeds();
    assert_eq!(setup.running(), setup.declared(&first));
    let left = setup.repo.join("instate/cancel").read_dir().expect("because it was made");
    assert_eq!(left.count(), 0);
    setup.instate(&["deploy"]).succeeds();
    assert_eq!(setup.running(), setup.declared(&revision));
}

#[test]
fn a_deployment_that_nobody_works_on_is_ended_by_whoever_cancels_it() {
    let world = World::new();
    world.set_env("SUDO_USER", "ana");
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");
    let pushing = setup.push_at(&ana, "worker-locked=return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    let all = setup.processes(&["instate", "hook"]);
    all.into_iter().for_each(|id| signal(id, rustix::process::Signal::KILL));
    signal(worker, rustix::process::Signal::KILL);
    pushing.finish();
    let cancelled = setup.instate(&["cancel", "production"]).succeeds();
    assert!(cancelled.stdout.contains("cancelled by ana before it began"), "{cancelled}");
    setup.idle();
    assert_eq!(setup.outcomes(&revision), ["production failed"]);
    assert!(!setup.folder.exists());
}

#[test]
fn where_nothing_is_under_way_nothing_is_cancelled() {
    let world = World::new();
    let setup = Setup::new(&world);
    let revision = setup.runs_web().1;
    let nothing = setup.instate(&["cancel"]);
    assert_eq!(nothing.code, Some(1), "{nothing}");
    insta::assert_snapshot!("cancel_nothing", nothing.stdout);
    assert_eq!(setup.outcomes(&revision), ["production deployed"]);
    assert_eq!(setup.instate(&["cancel", "prodution"]).code, Some(2));
}
