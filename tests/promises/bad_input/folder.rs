use std::fs;

use super::{running_web, shut, with_web};
use crate::common::{SERVICE, Setup, WEB, World, shop};

#[test]
fn a_folder_that_holds_a_strangers_file_is_not_taken() {
    let world = World::new();
    let (setup, ana) = with_web(&world);
    fs::create_dir(&setup.folder).expect("because the world is ours");
    let file = setup.folder.join("thesis.txt");
    fs::write(&file, "chapter one").expect("because the world is ours");
    insta::assert_snapshot!(shut(&setup, &ana));
    assert_eq!(fs::read_to_string(&file).expect("it stays"), "chapter one");
    fs::remove_file(&file).expect("because the world is ours");
    ana.push(&["origin", "main"]).succeeds();
    assert_eq!(setup.running()["web.yaml"], WEB);
}

#[test]
fn the_folder_of_another_repository_is_not_taken() {
    let world = World::new();
    let (setup, _, _) = running_web(&world);
    let running = setup.running();
    let other = Setup { world: &world, repo: world.bare("other.git"), folder: setup.folder.clone() };
    other.install(&setup.configuration().replace("production:", "staging:")).succeeds();
    let ben = other.clone("ben");
    ben.write("service.yaml", SERVICE);
    ben.commit("service");
    let identity = fs::read_to_string(setup.repo.join("instate/id")).expect("because it is installed");
    let identity: serde_json::Value = serde_json::from_str(&identity).expect("because it is JSON");
    let identity = identity["id"].as_str().expect("because it has one");
    insta::assert_snapshot!(shut(&other, &ben).replace(identity, "0123456789abcdef"));
    assert_eq!(setup.running(), running);
}

#[test]
fn a_strangers_file_put_into_the_folder_later_stops_the_push_and_stays() {
    let world = World::new();
    let (setup, ana, runs) = running_web(&world);
    for (name, path) in [("beside", "thesis.txt"), ("in_a_folder_of_its_own", "drafts/thesis.yaml")] {
        let file = setup.folder.join(path);
        fs::create_dir_all(file.parent().expect("it has one")).expect("because the world is ours");
        fs::write(&file, "chapter one").expect("because the world is ours");
        insta::assert_snapshot!(format!("stranger_{name}"), shut(&setup, &ana));
        assert_eq!(fs::read_to_string(&file).expect("it stays"), "chapter one");
        fs::remove_file(&file).expect("because the world is ours");
    }
    assert_eq!(setup.deployed(), Some(runs));
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    setup.agrees();
}

#[test]
fn a_folder_that_cannot_be_there_is_shown_with_what_to_do() {
    let world = World::new();
    let (setup, ana) = with_web(&world);
    let directory = |path: &str| {
        let folder = world.path(path);
        setup.configure(
            &setup
                .configuration()
                .replace(&setup.folder.display().to_string(), &folder.display().to_string()),
        );
        folder
    };
    directory("missing/running");
    insta::assert_snapshot!("parent_missing", shut(&setup, &ana));
    directory("gitconfig/running");
    insta::assert_snapshot!("parent_a_file", shut(&setup, &ana));
    directory("gitconfig");
    insta::assert_snapshot!("folder_a_file", shut(&setup, &ana));
    let link = directory("link");
    std::os::unix::fs::symlink(world.path("home"), link).expect("because the world is ours");
    insta::assert_snapshot!("folder_a_link", shut(&setup, &ana));
}

#[test]
fn a_list_of_files_that_is_damaged_stops_the_push() {
    let world = World::new();
    let (setup, ana, _) = running_web(&world);
    let list = setup.folder.join(".instate");
    let good = fs::read(&list).expect("because it runs");
    fs::write(&list, "{").expect("because the world is ours");
    insta::assert_snapshot!(shut(&setup, &ana));
    fs::write(&list, good).expect("because the world is ours");
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    assert_eq!(shop::seen(&world, &ana.push(&["origin", "main"])), "");
    setup.agrees();
}
