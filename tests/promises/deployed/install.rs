//! Where `accept: deployed` can be and where it cannot, and what git is told for it.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::Path};

use super::{is_over, seen};
use crate::common::{Setup, WEB, World};

fn left_to_us(setup: &Setup<'_>) -> Vec<String> {
    let args = ["config", "--local", "--get-all", "receive.procReceiveRefs"];
    setup.world.git(&setup.repo, &args).stdout.lines().map(ToOwned::to_owned).collect()
}

/// The names in `hooks/` with their bytes, and `config`.
fn exactly(repo: &Path) -> (BTreeMap<String, Vec<u8>>, Vec<u8>) {
    let read = |entry: fs::DirEntry| {
        (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap_or_default())
    };
    let hooks = fs::read_dir(repo.join("hooks")).expect("it is there").flatten().map(read).collect();
    (hooks, fs::read(repo.join("config")).expect("it is there"))
}

#[test]
fn git_is_told_exactly_the_branch_and_after_uninstalling_all_is_as_it_was_to_the_byte() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let before = exactly(&setup.repo);
    let installed = setup.install(&setup.deployed_configuration()).succeeds();
    insta::assert_snapshot!("installed", world.redact(&installed.stdout));
    assert_eq!(left_to_us(&setup), ["refs/heads/main"]);
    let once = exactly(&setup.repo);
    setup.instate(&["install", "."]).succeeds();
    assert_eq!(exactly(&setup.repo), once, "twice is once");
    setup.runs_web();
    setup.instate(&["install", "--uninstall", "."]).succeeds();
    assert_eq!(exactly(&setup.repo), before);
}

#[test]
fn settings_that_somebody_else_made_since_survive_uninstalling_and_ours_do_not() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    world.git(&setup.repo, &["config", "receive.maxInputSize", "10m"]).succeeds();
    setup.instate(&["install", "--uninstall", "."]).succeeds();
    assert_eq!(left_to_us(&setup), Vec::<String>::new());
    let size = world.git(&setup.repo, &["config", "--get", "receive.maxInputSize"]);
    assert_eq!(size.stdout, "10m\n");
}

#[test]
fn a_configuration_that_changed_shuts_the_gate_until_git_knows_it() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, first) = setup.runs_web();
    let two = |accept: &str| {
        let folder = world.path("other");
        let other = format!(
            "  other:\n    branch: other\n    accept: {accept}\n    target: {{directory: {}}}\n",
            folder.display()
        );
        format!("{}{other}", setup.deployed_configuration())
    };
    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    ana.commit("three");
    for (n, (configuration, left)) in [
        (setup.deployed_configuration(), vec!["refs/heads/main"]),
        (two("deployed"), vec!["refs/heads/main", "refs/heads/other"]),
        (two("checked"), vec!["refs/heads/main"]),
        (setup.configuration(), vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        setup.configure(&configuration);
        let pushed = ana.push(&["origin", "main"]);
        assert_eq!(pushed.code, Some(1), "{n}: {pushed}");
        if n == 0 {
            insta::assert_snapshot!("changed", seen(&setup, &pushed));
        }
        assert!(pushed.stderr.contains("git does not know yet"), "{n}: {pushed}");
        assert_eq!(setup.tip("refs/heads/main"), Some(first.clone()), "{n}");
        setup.instate(&["install", "."]).succeeds();
        assert_eq!(left_to_us(&setup), left, "{n}");
        assert_eq!(setup.repo.join("hooks/proc-receive").exists(), !left.is_empty(), "{n}");
    }
    ana.push(&["origin", "main"]).succeeds();
    is_over(&setup, "all of them");
}

#[test]
fn a_setting_that_is_gone_or_a_hook_that_does_not_run_shuts_the_gate() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.commit("web");
    let refused = |why: &str| {
        let pushed = ana.push(&["origin", "main"]);
        assert_eq!(pushed.code, Some(1), "{why}: {pushed}");
        assert!(pushed.stderr.contains(why), "{why}: {pushed}");
        assert_eq!((setup.tip("refs/heads/main"), setup.folder.exists()), (None, false), "{why}");
        setup.instate(&["install", "."]).succeeds();
    };
    world.git(&setup.repo, &["config", "--unset", "receive.procReceiveRefs"]).succeeds();
    refused("git does not know yet");
    fs::remove_file(setup.repo.join("hooks/proc-receive")).expect("it was installed");
    world.git(&setup.repo, &["config", "--unset", "receive.procReceiveRefs"]).succeeds();
    refused("git does not know yet");
    fs::set_permissions(
        setup.repo.join("hooks/proc-receive"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .expect("it was installed");
    refused("git does not know yet");
    ana.push(&["origin", "main"]).succeeds();
    is_over(&setup, "all of them");
}

/// Puts something in the way, and takes it out again.
type Obstacle = (&'static str, fn(&World, &Setup<'_>), fn(&World, &Setup<'_>));

fn set(world: &World, setup: &Setup<'_>, key: &str, value: &str) {
    world.git(&setup.repo, &["config", key, value]).succeeds();
}

fn unset(world: &World, setup: &Setup<'_>, key: &str) {
    world.git(&setup.repo, &["config", "--unset-all", key]).succeeds();
}

const OBSTACLES: [Obstacle; 9] = [
    (
        "update",
        |world, setup| world.hook(&setup.repo, "update", "#!/bin/sh\nexit 0\n"),
        |_, setup| fs::remove_file(setup.repo.join("hooks/update")).expect("it is ours"),
    ),
    (
        "update_d",
        |_, setup| fs::create_dir(setup.repo.join("hooks/update.d")).expect("it is ours"),
        |_, setup| fs::remove_dir(setup.repo.join("hooks/update.d")).expect("it is ours"),
    ),
    (
        "dangling_update",
        |_, setup| symlink("gone", setup.repo.join("hooks/update")).expect("it is ours"),
        |_, setup| fs::remove_file(setup.repo.join("hooks/update")).expect("it is ours"),
    ),
    (
        "reference_transaction",
        |world, setup| world.hook(&setup.repo, "reference-transaction", "#!/bin/sh\nexit 0\n"),
        |_, setup| fs::remove_file(setup.repo.join("hooks/reference-transaction")).expect("it is ours"),
    ),
    (
        "gitea",
        |_, setup| {
            fs::create_dir(setup.repo.join("hooks/pre-receive.d")).expect("it is ours");
            fs::write(setup.repo.join("hooks/pre-receive.d/gitea"), "").expect("it is ours");
        },
        |_, setup| fs::remove_dir_all(setup.repo.join("hooks/pre-receive.d")).expect("it is ours"),
    ),
    (
        "gitolite",
        |_, setup| {
            symlink("/srv/gitolite/hooks/common/update", setup.repo.join("hooks/update")).expect("it is ours")
        },
        |_, setup| fs::remove_file(setup.repo.join("hooks/update")).expect("it is ours"),
    ),
    (
        "shallow",
        |world, setup| set(world, setup, "receive.shallowUpdate", "true"),
        |world, setup| unset(world, setup, "receive.shallowUpdate"),
    ),
    (
        "configured_hook",
        |world, setup| set(world, setup, "hook.lint.event", "update"),
        |world, setup| unset(world, setup, "hook.lint.event"),
    ),
    (
        "other_refs",
        |world, setup| {
            world.git(&setup.repo, &["config", "--add", "receive.procReceiveRefs", "refs/for"]).succeeds();
        },
        |world, setup| {
            world.git(&setup.repo, &["config", "--unset", "receive.procReceiveRefs", "refs/for"]).succeeds();
        },
    ),
];

#[test]
fn it_is_refused_wherever_another_hook_has_a_word_and_nothing_is_written() {
    for (name, put, take) in OBSTACLES {
        let world = World::new();
        let setup = Setup::bare(&world);
        put(&world, &setup);
        let before = exactly(&setup.repo);
        let refused = setup.install(&setup.deployed_configuration());
        assert_eq!(refused.code, Some(2), "{name}: {refused}");
        insta::assert_snapshot!(format!("install_beside_{name}"), world.redact(&refused.stderr));
        assert_eq!(exactly(&setup.repo), before, "{name}");
        assert!(!setup.repo.join("instate.yaml").exists(), "{name}");
        // What only looks like another server's repository is not taken for one.
        if !["gitea", "gitolite"].contains(&name) {
            setup.install(&setup.configuration()).succeeds();
        }
        take(&world, &setup);
        setup.install(&setup.deployed_configuration()).succeeds();
    }
}

#[test]
fn what_came_since_shuts_the_gate_at_the_next_push() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.commit("web");
    for (name, put, take) in OBSTACLES {
        put(&world, &setup);
        let pushed = ana.push(&["origin", "main"]);
        assert_eq!(pushed.code, Some(1), "{name}: {pushed}");
        let said = pushed.remote_lines().join(" ").replace("instate: ", "");
        assert!(said.contains("cannot have `accept: deployed` here"), "{name}: {pushed}");
        assert_eq!((setup.tip("refs/heads/main"), setup.folder.exists()), (None, false), "{name}");
        take(&world, &setup);
    }
    ana.push(&["origin", "main"]).succeeds();
    is_over(&setup, "all of them");
}

#[test]
fn another_proc_receive_hook_is_not_taken_over() {
    let world = World::new();
    let setup = Setup::bare(&world);
    world.hook(&setup.repo, "proc-receive", "#!/bin/sh\nexit 0\n");
    let before = exactly(&setup.repo);
    let refused = setup.install(&setup.deployed_configuration());
    assert_eq!(refused.code, Some(2), "{refused}");
    insta::assert_snapshot!("install_beside_proc_receive", world.redact(&refused.stderr));
    assert_eq!(exactly(&setup.repo), before);
    // It is nobody's business where the branch is git's.
    setup.install(&setup.configuration()).succeeds();
    setup.runs_web();
}

#[test]
fn another_name_for_the_branch_does_not_go_around_it() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let (ana, first) = setup.runs_web();
    world.git(&setup.repo, &["symbolic-ref", "refs/heads/live", "refs/heads/main"]).succeeds();
    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    ana.commit("three");
    let pushed = ana.push(&["origin", "main:live"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    insta::assert_snapshot!("another_name", seen(&setup, &pushed));
    assert_eq!(setup.tip("refs/heads/main"), Some(first));
    is_over(&setup, "another name");

    world.set_env("GIT_NAMESPACE", "other");
    let pushed = ana.push(&["origin", "main"]);
    world.remove_env("GIT_NAMESPACE");
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert!(pushed.stderr.contains("namespace of refs"), "{pushed}");
    is_over(&setup, "a namespace");
}
