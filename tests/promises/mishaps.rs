//! What happens to administrators and to the curious.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::common::{SERVICE, Setup, World, run};

#[test]
fn a_copy_of_the_repository_deploys_nothing_and_a_moved_one_goes_on() {
    let world = World::new();
    let setup = Setup::new(&world);
    let revision = setup.runs_web().1;
    let copy = world.path("copy.git");
    let mut cp = world.command("cp");
    cp.arg("-r").arg(&setup.repo).arg(&copy);
    run(cp).succeeds();
    let ben = world.clone(&copy, "ben");
    ben.write("service.yaml", SERVICE);
    ben.commit("service");
    let pushed = ben.push(&["origin", "main"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert!(pushed.remote_lines().join(" ").contains("is a copy of"), "{pushed}");
    assert_eq!(setup.running(), setup.declared(&revision));

    let moved = world.path("moved.git");
    fs::rename(&setup.repo, &moved).expect("the world is ours");
    let ana = world.clone(&moved, "ana-again");
    ana.write("service.yaml", SERVICE);
    ana.commit("service");
    ana.push(&["origin", "main"]).succeeds();
    assert_eq!(setup.running().len(), 2);
}

#[test]
fn nobody_can_push_what_replaces_an_object_and_anybody_can_take_it_away() {
    let world = World::new();
    let setup = Setup::new(&world);
    let revision = setup.runs_web().1;
    let ana = world.clone(&setup.repo, "ana-again");
    let name = format!("refs/replace/{revision}");
    let pushed = ana.push(&["origin", &format!("HEAD:{name}")]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    insta::assert_snapshot!(pushed.remote_lines().join("\n"));
    assert_eq!(setup.tip(&name), None);
    ana.write("service.yaml", SERVICE);
    let other = ana.commit("service");
    ana.push(&["origin", "HEAD:draft"]).succeeds();
    world.git(&setup.repo, &["replace", &other, &revision]).succeeds();
    ana.push(&["origin", &format!(":refs/replace/{other}")]).succeeds();
}

#[test]
fn a_push_option_that_is_written_to_instate_is_not_passed_over() {
    let world = World::new();
    let setup = Setup::new(&world);
    let revision = setup.runs_web().1;
    let ana = world.clone(&setup.repo, "ana-again");
    ana.write("service.yaml", SERVICE);
    ana.commit("service");
    let pushed = ana.push(&["-o", "instate.dry-run", "origin", "main"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    insta::assert_snapshot!(pushed.remote_lines().join("\n").replace(&revision[..7], "1a2b3c4"));
    assert_eq!(setup.deployed(), Some(revision));
}

#[test]
fn status_looks_at_the_target_and_at_the_branch() {
    let world = World::new();
    let setup = Setup::new(&world);
    let revision = setup.runs_web().1;
    fs::write(setup.folder.join("stranger"), "").expect("the world is ours");
    let status = setup.instate(&["status"]);
    assert_eq!(status.code, Some(1), "{status}");
    assert!(status.stdout.contains("holds `stranger`, which instate did not write"), "{status}");
    fs::remove_file(setup.folder.join("stranger")).expect("the world is ours");
    setup.instate(&["status"]).succeeds();

    world.git(&setup.repo, &["branch", "-m", "main", "trunk"]).succeeds();
    let status = setup.instate(&["status"]);
    assert_eq!(status.code, Some(1), "{status}");
    assert!(status.stdout.contains("the branch main is gone"), "{status}");
    assert_eq!(setup.instate(&["check"]).code, Some(1));
    assert_eq!(setup.running(), setup.declared(&revision));
}

#[test]
fn what_was_removed_from_git_can_be_read_by_nobody_else() {
    let world = World::new();
    let setup = Setup::new(&world);
    setup.runs_web();
    let ana = world.clone(&setup.repo, "ana-again");
    ana.write("service.yaml", SERVICE);
    ana.commit("service");
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&setup.folder.with_file_name(".running.instate")), 0o700);
    assert_ne!(mode(&setup.folder) & 0o055, 0);
}

#[test]
fn a_target_in_the_repository_is_refused() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let inside = setup.repo.join("objects/target").display().to_string();
    let installed =
        setup.install(&setup.configuration().replace(&setup.folder.display().to_string(), &inside));
    assert_eq!(installed.code, Some(2), "{installed}");
    assert!(installed.stderr.contains("one in the other"), "{installed}");
}
