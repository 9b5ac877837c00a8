//! The end of an environment that runs in a folder, and another folder for it.

use std::fs;

use crate::common::{Setup, World, run, shop};

#[test]
fn another_folder_leaves_nothing_behind() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, _) = setup.runs_web();
    let next = world.path("next");
    let moved = setup.configuration().replace("/running", "/next");
    setup.configure(&moved);
    ana.write("service.yaml", crate::common::SERVICE);
    ana.commit("service");
    insta::assert_snapshot!(shop::refused(&setup, &ana, &["main"]));
    // One that was moved there by hand, list and all, is the same.
    fs::rename(&setup.folder, &next).unwrap();
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    assert!(next.join("service.yaml").exists() && !setup.folder.exists());
}

#[test]
fn an_environment_in_a_folder_is_set_free_or_deleted_and_a_kill_is_mended_by_typing_it_again() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (_, revision) = setup.runs_web();
    insta::assert_snapshot!(setup.instate(&["retire", "production"]).stdout);
    let kept = setup.instate(&["retire", "production", "--keep"]).succeeds();
    insta::assert_snapshot!(shop::printed(&world, &kept.stdout));
    assert_eq!(setup.running(), setup.declared(&revision));
    assert!(!setup.folder.join(".instate").exists());
    assert_eq!(setup.deployed(), None);
    // It is somebody else's now, and is not taken back.
    let again = setup.instate(&["retire", "production", "--delete"]);
    assert_eq!(again.code, Some(2), "{again}");
    fs::remove_dir_all(&setup.folder).unwrap();
    for point in ["folder-gone", "nowhere", "ref-retired"] {
        setup.instate(&["deploy"]).succeeds();
        assert_eq!(setup.running(), setup.declared(&revision));
        let mut command = setup.command(&["retire", "production", "--delete"]);
        command.env("FAILPOINTS", format!("{point}=return(kill)"));
        let killed = run(command);
        assert_eq!(killed.code == Some(0), point == "nowhere", "{point}: {killed}");
        setup.instate(&["retire", "production", "--delete"]).succeeds();
        let left: Vec<_> = fs::read_dir(world.root()).unwrap().flatten().map(|one| one.file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("running")), "{point}: {left:?}");
        assert_eq!(setup.deployed(), None, "{point}");
    }
}
