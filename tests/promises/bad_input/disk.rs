use std::fs;

use super::shut;
use crate::common::{Clone, Mount, SERVICE, Setup, WEB, World, shop, with_mounts};

/// An environment whose folder is on a small file system, with one revision that runs and one to push.
fn on_its_own(world: &World) -> (Setup<'_>, Clone<'_>, Mount, String) {
    let mut setup = Setup::bare(world);
    let disk = Mount::new(&world.path("disk"), "256k");
    setup.folder = world.path("disk/running");
    setup.install(&setup.configuration()).succeeds();
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    let runs = ana.commit("web");
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    ana.write("service.yaml", SERVICE);
    ana.commit("service");
    (setup, ana, disk, runs)
}

#[test]
fn a_folder_that_is_read_only_stops_the_push() {
    with_mounts("bad_input::disk::a_folder_that_is_read_only_stops_the_push", || {
        let world = World::new();
        let (setup, ana, disk, _) = on_its_own(&world);
        disk.read_only(true);
        insta::assert_snapshot!("disk_read_only", shut(&setup, &ana));
        disk.read_only(false);
        ana.push(&["origin", "main"]).succeeds();
        setup.idle();
        setup.agrees();
    });
}

#[test]
fn a_disk_that_is_full_fails_the_deployment_and_what_ran_still_runs() {
    with_mounts("bad_input::disk::a_disk_that_is_full_fails_the_deployment_and_what_ran_still_runs", || {
        let world = World::new();
        let (setup, ana, disk, runs) = on_its_own(&world);
        let before = setup.running();
        let filled = disk.fill();
        let pushed = ana.push(&["origin", "main"]).succeeds();
        setup.idle();
        let tip = setup.tip("refs/heads/main").expect("it was pushed");
        let stable = |text: &str| text.replace(&tip[..7], "2b3c4d5").replace(&runs[..7], "1a2b3c4");
        insta::assert_snapshot!("disk_full", stable(&shop::seen(&world, &pushed)));
        assert_eq!(setup.running(), before);
        assert_eq!(setup.deployed(), Some(runs.clone()));
        assert_eq!(setup.outcomes(&tip), ["production failed"]);
        assert!(setup.note(&tip).contains("No space left on device"), "{}", setup.note(&tip));
        setup.agrees();

        fs::remove_file(filled).expect("because it is there");
        let again = setup.instate(&["deploy"]).succeeds();
        insta::assert_snapshot!("disk_full_no_more", stable(&again.stdout));
        setup.idle();
        assert_eq!(setup.running(), setup.declared(&tip));
    });
}

#[test]
fn a_journal_that_cannot_be_written_refuses_the_push() {
    with_mounts("bad_input::disk::a_journal_that_cannot_be_written_refuses_the_push", || {
        let world = World::new();
        let setup = Setup::bare(&world);
        let disk = Mount::new(&setup.repo.join("instate"), "256k");
        setup.install(&setup.configuration()).succeeds();
        let ana = setup.clone("ana");
        ana.write("web.yaml", WEB);
        ana.commit("web");
        let filled = disk.fill();
        insta::assert_snapshot!("journal_on_a_full_disk", shut(&setup, &ana));
        assert!(!setup.folder.exists());
        fs::remove_file(filled).expect("because it is there");
        disk.read_only(true);
        insta::assert_snapshot!("journal_read_only", shut(&setup, &ana));
        disk.read_only(false);
        ana.push(&["origin", "main"]).succeeds();
        setup.idle();
        setup.agrees();
    });
}
