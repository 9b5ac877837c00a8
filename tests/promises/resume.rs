//! What a timer runs: silent where nothing is left to do, and for all repositories at once.

use std::fs;

use crate::common::{Setup, WEB, World, run, shop::printed};

#[test]
fn where_nothing_is_left_to_do_nothing_is_said_and_no_worker_is_started() {
    let world = World::new();
    let setup = Setup::new(&world);
    let resume = |arguments: &[&str]| {
        let mut command = setup.command(&[&["resume"], arguments].concat());
        command.env("FAILPOINTS", "worker-locked=return(kill)");
        run(command)
    };
    let silent = |arguments: &[&str]| {
        let said = resume(arguments);
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(0), "", ""), "{said}");
    };
    let root = world.root().display().to_string();
    silent(&[]);
    let (ana, _) = setup.runs_web();
    silent(&[]);
    silent(&["--all", &root]);
    // A tip that nobody deployed is seen, so a worker dies of it.
    ana.write("service.yaml", crate::common::SERVICE);
    let tip = ana.commit("service");
    ana.push(&["origin", "main:next"]).succeeds();
    setup.world.git(&setup.repo, &["update-ref", "refs/heads/main", &tip]).succeeds();
    assert_eq!(resume(&[]).code, Some(1));
    setup.instate(&["resume"]).succeeds();
    silent(&["--all", &root]);
}

#[test]
fn all_repositories_below_a_folder_are_resumed_whatever_is_wrong_with_one() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    let tip = ana.commit("web");
    ana.push(&["origin", "main:next"]).succeeds();
    setup.world.git(&setup.repo, &["update-ref", "refs/heads/main", &tip]).succeeds();
    // Before it by name: one whose configuration is gone, and one without instate's hooks.
    let other = Setup { world: &world, repo: world.bare("a/deep/broken.git"), folder: world.path("other") };
    other.install(&other.configuration()).succeeds();
    fs::remove_file(other.repo.join("instate.yaml")).unwrap();
    world.bare("plain.git");
    let said = setup.instate(&["resume", "--all", &world.root().display().to_string()]);
    assert_eq!(said.code, Some(2), "{said}");
    setup.idle();
    assert_eq!(setup.deployed(), Some(tip));
    insta::assert_snapshot!(printed(&world, &said.stdout));
}
