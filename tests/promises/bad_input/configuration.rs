use std::fs;

use super::{shut, with_web};
use crate::common::World;

/// A configuration that is wrong: its name, and how it comes of a good one.
type Wrong = (&'static str, fn(String) -> String);

#[test]
fn a_configuration_that_is_not_understood_refuses_every_push_and_says_where() {
    const WRONG: &[Wrong] = &[
        ("unknown_key", |good| good.replace("branch:", "brnch:")),
        ("unknown_key_at_the_top", |good| format!("{good}colour: red\n")),
        ("key_that_is_not_built_yet", |good| format!("{good}    policy: {{freeze: []}}\n")),
        ("cluster_that_is_a_folder", |good| good.replace("directory:", "kubernetes:")),
        ("environment_without_branch", |good| good.replace("    branch: main\n", "")),
        ("environment_without_target", |good| {
            good.split("    target:").next().unwrap_or_default().to_owned()
        }),
        ("environment_that_is_empty", |_| "environments:\n  production:\n".to_owned()),
        ("environment_with_a_bad_name", |good| good.replace("production:", "Pro duction:")),
        ("no_environment", |_| "environments: {}\n".to_owned()),
        ("nothing", |_| "# later\n".to_owned()),
        ("not_yaml", |good| good.replace("branch: main", "branch: [main")),
        ("key_twice", |good| good.replace("    target", "    branch: other\n    target")),
        ("two_documents", |good| format!("{good}---\n{good}")),
        ("branch_that_is_a_number", |good| good.replace("main", "2026")),
        ("branch_that_is_none", |good| good.replace("main", "ma..in")),
        ("directory_that_is_not_absolute", |good| {
            format!("{}directory: srv/running\n", good.split("directory:").next().unwrap_or_default())
        }),
        ("path_out_of_the_repository", |good| good.replace("    target", "    path: ../other\n    target")),
        ("namespace_that_is_none", |good| good.replace("    target", "    namespace: My Shop\n    target")),
    ];
    let world = World::new();
    let (setup, ana) = with_web(&world);
    for (name, change) in WRONG {
        setup.configure(&change(setup.configuration()));
        let seen = shut(&setup, &ana);
        insta::assert_snapshot!(format!("configuration_{name}"), seen);
    }
    setup.configure(&setup.configuration());
    ana.push(&["origin", "main"]).succeeds();
}

#[test]
fn two_environments_never_share_a_folder() {
    let world = World::new();
    let (setup, ana) = with_web(&world);
    for (name, second) in [("the_same", ""), ("one_in_the_other", "/staging")] {
        let folder = format!("{}{second}", setup.folder.display());
        setup.configure(&format!(
            "{}  staging:\n    branch: staging\n    target:\n      directory: {folder}\n",
            setup.configuration()
        ));
        insta::assert_snapshot!(format!("folder_{name}"), shut(&setup, &ana));
    }
}

#[test]
fn a_configuration_that_cannot_be_read_refuses_every_push() {
    let world = World::new();
    let (setup, ana) = with_web(&world);
    let file = setup.repo.join("instate.yaml");
    fs::remove_file(&file).expect("because it is there");
    insta::assert_snapshot!("configuration_missing", shut(&setup, &ana));
    fs::create_dir(&file).expect("because the repository is ours");
    insta::assert_snapshot!("configuration_a_folder", shut(&setup, &ana));
    fs::remove_dir(&file).expect("because it is empty");
    fs::write(&file, b"environments: \xff\n").expect("because the repository is ours");
    insta::assert_snapshot!("configuration_not_utf8", shut(&setup, &ana));
    fs::write(&file, "# ".repeat(1 << 20)).expect("because the repository is ours");
    insta::assert_snapshot!("configuration_too_large", shut(&setup, &ana));
    world.git(&setup.repo, &["config", "instate.config", "instate.yaml"]).succeeds();
    insta::assert_snapshot!("configuration_not_absolute", shut(&setup, &ana));
}

#[test]
fn a_repository_that_was_never_installed_into_says_so() {
    let world = World::new();
    let (setup, ana) = with_web(&world);
    fs::remove_dir_all(setup.repo.join("instate")).expect("because it is there");
    insta::assert_snapshot!(shut(&setup, &ana));
}
