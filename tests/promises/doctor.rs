//! `instate doctor` finds each fault that is planted on a real installation, says what mends it, and finds nothing on
//! one that is right.

mod hooks;
mod machine;
mod record;
mod rights;
mod servers;
mod settings;
mod targets;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use crate::common::{Output, Setup, World, run};

/// The account of the repository's owner on the machine that the doctor sees.
pub(crate) fn machine(world: &World) -> PathBuf {
    let machine = world.path("machine");
    write(&machine, "/etc/passwd", &passwd("/bin/bash"));
    machine
}

fn passwd(shell: &str) -> String {
    format!("git:x:{}:100:Git:/home/git:{shell}\n", rustix::process::geteuid().as_raw())
}

/// Writes a file of that machine.
pub(crate) fn write(machine: &Path, path: &str, text: &str) {
    let path = machine.join(path.trim_start_matches('/'));
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("because the world is ours");
    fs::write(path, text).expect("because the world is ours");
}

pub(crate) fn doctor(setup: &Setup<'_>) -> Command {
    let mut command = setup.command(&["doctor", ".", "--system-root"]);
    command.arg(machine(setup.world));
    command
}

/// What is found, as a person sees it.
#[track_caller]
pub(crate) fn ill(setup: &Setup<'_>) -> String {
    let found = run(doctor(setup));
    assert_eq!((found.code, found.stderr.as_str()), (Some(1), ""), "{found}");
    shown(setup.world, &found)
}

/// Lines that were broken are one again: where they break is up to how long the world's path is.
fn shown(world: &World, found: &Output) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in found.stdout.lines() {
        let begins = ["error", "warning", "help: ", " ", "{"].iter().any(|word| line.starts_with(word));
        match lines.last_mut() {
            Some(last) if !begins && !line.is_empty() && !last.is_empty() => {
                last.push(' ');
                last.push_str(line);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    let account = world.account();
    let own = env!("CARGO_BIN_EXE_instate");
    world.redact(&lines.join("\n")).replace(&format!(" {account}"), " USER").replace(own, "$INSTATE")
}

/// Nothing is found.
#[track_caller]
pub(crate) fn well(setup: &Setup<'_>) {
    let found = run(doctor(setup));
    assert_eq!((found.code, found.stderr.as_str()), (Some(0), ""), "{found}");
    assert!(found.stdout.contains(": nothing is wrong. Looked at: hooks, program, "), "{found}");
    assert_eq!(found.stdout.lines().count(), 1, "{found}");
}

/// What is found of one fault, which is planted and taken away again.
#[track_caller]
pub(crate) fn finds(setup: &Setup<'_>, name: &str, plant: impl FnOnce(), mend: impl FnOnce()) {
    plant();
    insta::assert_snapshot!(name, ill(setup));
    mend();
    well(setup);
}

pub(crate) fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("because the world is ours");
}

/// All that is in a folder, and when it was last changed.
fn exactly(folder: &Path, found: &mut BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        let (path, about) = (entry.path(), fs::symlink_metadata(entry.path()).expect("it is there"));
        let bytes = if about.is_file() { fs::read(&path).expect("it is ours") } else { Vec::new() };
        if about.is_dir() {
            exactly(&path, found);
        }
        found.insert(path, (about.mode(), about.mtime(), about.mtime_nsec(), bytes));
    }
}

#[test]
fn an_installation_that_is_right_is_found_to_be_right_and_nothing_of_it_is_changed() {
    let world = World::new();
    let setup = Setup::new(&world);
    well(&setup);
    insta::assert_snapshot!("right", shown(&world, &run(doctor(&setup))));
    setup.runs_web();
    let state = || {
        let mut found = BTreeMap::new();
        exactly(&setup.repo, &mut found);
        exactly(&setup.folder, &mut found);
        found
    };
    let before = state();
    well(&setup);
    // From somewhere else, by its name.
    let mut command = world.instate();
    command.args(["doctor", "production.git", "--system-root"]).arg(machine(&world));
    run(command).succeeds();
    assert_eq!(state(), before);
}

#[test]
fn an_installation_with_accept_deployed_is_found_to_be_right() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    well(&setup);
    setup.runs_web();
    well(&setup);
}

#[test]
fn where_nothing_was_installed_that_is_all_that_is_said() {
    let world = World::new();
    let setup = Setup::bare(&world);
    insta::assert_snapshot!("not_installed", ill(&setup));
    setup.install(&setup.configuration()).succeeds();
    setup.instate(&["install", "--uninstall", "--purge", "."]).succeeds();
    insta::assert_snapshot!("not_installed", ill(&setup));
}

#[test]
fn what_is_no_repository_is_a_mistake_of_the_call() {
    let world = World::new();
    fs::create_dir(world.path("folder")).expect("because the world is ours");
    for path in ["folder", "nowhere"] {
        let mut command = world.instate();
        command.args(["doctor", path]);
        let done = run(command);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{path}: {done}");
    }
}

#[test]
fn several_faults_are_all_found_the_worst_first_and_written_as_json() {
    let world = World::new();
    let setup = Setup::new(&world);
    world.git(&setup.repo, &["config", "receive.fsckObjects", "false"]).succeeds();
    mode(&setup.repo.join("hooks/pre-receive"), 0o644);
    setup.configure("environments:\n  production:\n    brunch: main\n");
    insta::assert_snapshot!("several", ill(&setup));
    let mut command = doctor(&setup);
    command.args(["--format", "json"]);
    let found = run(command);
    assert_eq!(found.code, Some(1), "{found}");
    let event: serde_json::Value = serde_json::from_str(&found.stdout).expect("it is one line of JSON");
    assert_eq!((&event["event"], event["troubles"].as_array().map(Vec::len)), (&"examined".into(), Some(3)));
    insta::assert_snapshot!("several_json", shown(&world, &found));
}

#[test]
fn what_it_says_to_type_mends_what_it_found() {
    let world = World::new();
    world.find_instate();
    let mut setup = Setup::bare(&world);
    setup.folder = world.path("srv/running");
    fs::create_dir(world.path("srv")).expect("because the world is ours");
    setup.install(&setup.deployed_configuration()).succeeds();
    setup.runs_web();
    well(&setup);
    let repo = &setup.repo;
    let ours = "because the world is ours";
    let config = |key: &str, value: &str| {
        world.git(repo, &["config", key, value]).succeeds();
    };
    let remove = |name: &str| fs::remove_file(repo.join(name)).expect(ours);
    let plants: [(&str, &dyn Fn()); 16] = [
        ("missing", &|| remove("hooks/pre-receive")),
        ("all missing", &|| {
            ["pre", "post", "proc"].iter().for_each(|name| remove(&format!("hooks/{name}-receive")))
        }),
        ("not executable", &|| mode(&repo.join("hooks/pre-receive"), 0o600)),
        ("changed", &|| {
            fs::write(repo.join("hooks/pre-receive"), "# instate install --uninstall\n").expect(ours)
        }),
        ("hooks path", &|| config("core.hooksPath", "/elsewhere")),
        ("shallow", &|| config("receive.shallowUpdate", "true")),
        ("others", &|| config("receive.procReceiveRefs", "refs/heads/other")),
        ("fsck", &|| config("receive.fsckObjects", "no")),
        ("push options", &|| config("receive.advertisePushOptions", "off")),
        ("receivepack", &|| config("http.receivepack", "true")),
        ("repository writable", &|| mode(repo, 0o777)),
        ("refs writable", &|| mode(&repo.join("refs"), 0o775)),
        ("configuration writable", &|| mode(&repo.join("instate.yaml"), 0o666)),
        ("hooks linked", &|| {
            fs::rename(repo.join("hooks"), world.path("it's away")).expect(ours);
            std::os::unix::fs::symlink(world.path("it's away"), repo.join("hooks")).expect(ours);
        }),
        ("journal", &|| {
            let path = repo.join("instate/journal");
            let text = fs::read_to_string(&path).expect("it is there");
            fs::write(path, text.replacen("main", "mian", 1)).expect(ours);
        }),
        ("parent", &|| fs::rename(world.path("srv"), world.path("elsewhere")).expect(ours)),
    ];
    for (name, plant) in plants {
        plant();
        let mut command = doctor(&setup);
        command.args(["--format", "json"]);
        let found = run(command);
        assert_eq!(found.code, Some(1), "{name}: {found}");
        let event: serde_json::Value = serde_json::from_str(&found.stdout).expect("it is one line of JSON");
        for trouble in event["troubles"].as_array().expect("they are a list") {
            let help = trouble["help"].as_str().expect("it says what to do");
            let mut command = world.command("sh");
            command.args(["-euc", help]);
            let done = run(command);
            assert_eq!(done.code, Some(0), "{name}: {help}\n{done}");
        }
        // What was deployed is deployed again where its record is gone.
        setup.instate(&["resume"]);
        setup.idle();
        let found = run(doctor(&setup));
        assert_eq!(found.code, Some(0), "{name}: {found}");
    }
}
