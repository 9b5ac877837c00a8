//! Who could change what decides, or read what is secret.

use std::{
    fs,
    os::unix::fs::{chown, symlink},
    path::Path,
};

use super::{finds, machine, mode, shown, well};
use crate::common::{ANOTHER, Mount, Setup, World, as_another, gives_away, run, with_mounts, with_users};

#[test]
fn what_other_users_may_write_is_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    for (name, path, right, wrong) in [
        ("repository_writable", "", 0o755, 0o775),
        ("hooks_writable", "hooks", 0o755, 0o777),
        ("hook_writable", "hooks/pre-receive", 0o755, 0o775),
        ("config_writable", "config", 0o644, 0o664),
        ("objects_writable", "objects", 0o755, 0o775),
        ("configuration_writable", "instate.yaml", 0o644, 0o666),
        ("state_writable", "instate/id", 0o644, 0o666),
    ] {
        let path = setup.repo.join(path);
        finds(&setup, name, || mode(&path, wrong), || mode(&path, right));
    }
    let group = |right| {
        ["id", "config.before", "config.after"].iter().for_each(|name| {
            mode(&setup.repo.join("instate").join(name), right);
        });
    };
    finds(&setup, "state_writable_several", || group(0o664), || group(0o644));
    // Everybody may read it.
    mode(&setup.repo.join("instate.yaml"), 0o444);
    well(&setup);
    let (hooks, away) = (setup.repo.join("hooks"), world.path("hooks"));
    let linked = || {
        fs::rename(&hooks, &away).expect("because the world is ours");
        symlink(&away, &hooks).expect("because the world is ours");
    };
    let back = || {
        fs::remove_file(&hooks).expect("it is there");
        fs::rename(&away, &hooks).expect("because the world is ours");
    };
    finds(&setup, "hooks_linked", linked, back);
}

#[test]
fn a_configuration_that_stands_where_everybody_writes_is_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    let folder = world.path("conf");
    fs::create_dir(&folder).expect("because the world is ours");
    fs::rename(setup.repo.join("instate.yaml"), folder.join("instate.yaml")).expect("it is ours");
    let named = folder.join("instate.yaml").display().to_string();
    world.git(&setup.repo, &["config", "instate.config", &named]).succeeds();
    well(&setup);
    finds(&setup, "configuration_replaceable", || mode(&folder, 0o777), || mode(&folder, 0o755));
    // As in /tmp, where nobody takes away what is another's.
    mode(&folder, 0o1777);
    well(&setup);
}

#[test]
fn a_state_folder_that_cannot_be_written_is_found() {
    with_mounts("doctor::rights::a_state_folder_that_cannot_be_written_is_found", || {
        let world = World::new();
        let setup = Setup::bare(&world);
        let disk = Mount::new(&setup.repo.join("instate"), "256k");
        setup.install(&setup.configuration()).succeeds();
        finds(&setup, "state_read_only", || disk.read_only(true), || disk.read_only(false));
    });
}

#[test]
fn what_belongs_to_another_user_is_found_and_another_user_is_told_whose_it_is() {
    let name = "doctor::rights::what_belongs_to_another_user_is_found_and_another_user_is_told_whose_it_is";
    with_users(name, || {
        let world = World::new();
        let setup = Setup::new(&world);
        setup.runs_web();
        let own = rustix::process::geteuid().as_raw();
        let gives = |path: &Path, to: u32| chown(path, Some(to), None).expect("because root may");
        for (name, path) in [
            ("config_of_another", "config"),
            ("journal_of_another", "instate/journal"),
            ("configuration_of_another", "instate.yaml"),
        ] {
            let path = setup.repo.join(path);
            finds(&setup, name, || gives(&path, ANOTHER), || gives(&path, own));
        }
        let several = ["instate/journal", "objects/info", "objects/pack"].map(|name| setup.repo.join(name));
        let all = |to: u32| several.iter().for_each(|path| gives(path, to));
        finds(&setup, "several_of_another", || all(ANOTHER), || all(own));
        let program = copied(&world);
        let mut command = as_another(&world, &program);
        command.args(["doctor", "production.git", "--system-root"]).arg(machine(&world));
        let told = run(command);
        assert_eq!((told.code, told.stdout.as_str()), (Some(2), ""), "{told}");
        insta::assert_snapshot!("another", world.redact(&told.stderr).replace(&world.account(), "USER"));
    });
}

/// The program where every user can run it.
fn copied(world: &World) -> std::path::PathBuf {
    let program = world.path("instate");
    let mut copy = world.command("cp");
    copy.args([Path::new(env!("CARGO_BIN_EXE_instate")), &program]);
    run(copy).succeeds();
    program
}

#[test]
fn credentials_that_the_service_user_cannot_read_or_that_others_can_are_found() {
    let name = "doctor::rights::credentials_that_the_service_user_cannot_read_or_that_others_can_are_found";
    with_users(name, || {
        let world = World::new();
        let setup = Setup::bare(&world);
        let program = copied(&world);
        let kubeconfig = world.path("kubeconfig");
        fs::write(&kubeconfig, "not-a-secret").expect("because the world is ours");
        let configuration = format!(
            "environments:\n  production:\n    branch: main\n    target:\n      kubernetes: {{kubeconfig: {}}}\n",
            kubeconfig.display()
        );
        fs::write(world.path("instate.yaml"), configuration).expect("because the world is ours");
        gives_away(&setup.repo);
        gives_away(&world.path("home"));
        let runs = |arguments: &[&str]| {
            let mut command = as_another(&world, &program);
            command.args(arguments);
            run(command)
        };
        runs(&["install", "production.git", "--config", "instate.yaml"]).succeeds();
        let root = machine(&world).display().to_string();
        let found = || {
            let found = runs(&["doctor", "production.git", "--system-root", &root]);
            assert!(found.code == Some(1) && !found.all().contains("not-a-secret"), "{found}");
            shown(&world, &found)
        };
        mode(&kubeconfig, 0o600);
        insta::assert_snapshot!("kubeconfig_unreadable", found());
        // For the group of the service user, as administrators do it, it is right.
        chown(&kubeconfig, Some(0), Some(ANOTHER)).expect("because root may");
        mode(&kubeconfig, 0o640);
        insta::assert_snapshot!("kubeconfig_is_none", found());
        mode(&kubeconfig, 0o644);
        insta::assert_snapshot!("kubeconfig_of_roots_open", found());
        chown(&kubeconfig, Some(ANOTHER), None).expect("because root may");
        insta::assert_snapshot!("kubeconfig_open", found());
    });
}
