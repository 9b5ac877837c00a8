//! Hooks go into a repository and out of it, and stand where git would run them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use crate::common::{Output, Setup, WEB, World, run};

/// Names, each with its mode and its bytes.
type Folder = BTreeMap<String, (u32, Vec<u8>)>;

/// Everything about a folder that could differ: names, bytes, modes, what links point to.
fn exactly(folder: &Path) -> Folder {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        let about = fs::symlink_metadata(&path).expect("it is there");
        let bytes = match fs::read_link(&path) {
            Ok(target) => target.into_os_string().into_encoded_bytes(),
            Err(_) => fs::read(&path).expect("it is a file"),
        };
        found.insert(entry.file_name().to_string_lossy().into_owned(), (about.mode(), bytes));
    }
    found
}

fn state(repo: &Path) -> (Folder, Vec<u8>, u32) {
    let config = repo.join("config");
    let mode = fs::metadata(&config).expect("it is there").mode();
    (exactly(&repo.join("hooks")), fs::read(&config).expect("it is there"), mode)
}

fn refused(output: &Output, because: &str) {
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains(because), "{because} is not in {output}");
}

#[test]
fn uninstalled_its_hooks_and_config_are_as_they_were_to_the_byte() {
    let world = World::new();
    let setup = Setup::bare(&world);
    world.hook(&setup.repo, "pre-receive", "#!/bin/sh\nexit 0\n");
    fs::write(setup.repo.join("hooks/helper.sh"), "# beside\n").expect("it is ours");
    std::os::unix::fs::symlink("helper.sh", setup.repo.join("hooks/post-receive")).expect("it is ours");
    let with_comment = fs::read_to_string(setup.repo.join("config")).expect("it is there")
        + "# mine\n[receive]\n\tfsckObjects = false\n";
    fs::write(setup.repo.join("config"), with_comment).expect("it is ours");
    let before = state(&setup.repo);
    setup.install(&setup.configuration()).succeeds();
    setup.install(&setup.configuration()).succeeds();
    assert_ne!(state(&setup.repo), before);
    let revision = setup.runs_web().1;
    let gone = run({
        let mut command = world.instate();
        command.args(["install", "--uninstall"]).arg(&setup.repo);
        command
    });
    assert_eq!(gone.code, Some(0), "{gone}");
    assert_eq!(state(&setup.repo), before);
    assert_eq!(setup.outcomes(&revision), ["production deployed"]);
    assert!(setup.repo.join("instate/journal").exists());
    assert!(setup.folder.join("web.yaml").exists());

    let purged = setup.instate(&["install", "--uninstall", "--purge", "."]);
    assert_eq!(purged.code, Some(0), "{purged}");
    assert_eq!(state(&setup.repo), before);
    assert!(!setup.repo.join("instate").exists());
    assert_eq!((setup.deployed(), setup.note(&revision)), (None, String::new()));
    assert!(setup.folder.join("web.yaml").exists(), "what runs is not the record's to remove");
}

#[test]
fn settings_that_somebody_else_made_since_survive_uninstalling() {
    let world = World::new();
    let setup = Setup::new(&world);
    world.git(&setup.repo, &["config", "receive.maxInputSize", "10m"]).succeeds();
    setup.instate(&["install", "--uninstall", "."]).succeeds();
    let get = |key: &str| world.git(&setup.repo, &["config", "--local", "--get", key]).stdout;
    assert_eq!(get("receive.maxInputSize"), "10m\n");
    assert_eq!(
        (get("receive.fsckObjects"), get("receive.advertisePushOptions")),
        (String::new(), String::new())
    );
}

#[test]
fn installing_twice_changes_nothing_the_second_time() {
    let world = World::new();
    let setup = Setup::new(&world);
    let identity = || fs::read_to_string(setup.repo.join("instate/id")).expect("it is installed");
    let before = (state(&setup.repo), identity());
    let again = setup.install(&setup.configuration()).succeeds();
    assert_eq!((state(&setup.repo), identity()), before);
    insta::assert_snapshot!(world.redact(&again.stdout));
}

#[test]
fn without_a_configuration_a_commented_one_is_written_and_is_valid() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let installed = setup.instate(&["install", "."]).succeeds();
    insta::assert_snapshot!(world.redact(&installed.stdout));
    insta::assert_snapshot!(fs::read_to_string(setup.repo.join("instate.yaml")).expect("it was written"));
    setup.instate(&["check"]).succeeds();
}

#[test]
fn a_hook_that_was_there_runs_first_and_with_the_same_input() {
    let world = World::new();
    let setup = Setup::bare(&world);
    world.hook(&setup.repo, "pre-receive", "#!/bin/sh\necho before: $(cat) >&2\n");
    world.hook(&setup.repo, "post-receive", "#!/bin/sh\necho after: $(cat) >&2\n");
    setup.install(&setup.configuration()).succeeds();
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");
    let lines = ana.push(&["origin", "main"]).succeeds().remote_lines();
    let update = format!("{} {revision} refs/heads/main", "0".repeat(40));
    assert_eq!(lines[..2], [format!("before: {update}"), format!("after: {update}")]);
    assert!(lines.last().expect("ours spoke").contains("deployed: production runs"), "{lines:?}");
}

#[test]
fn the_refusal_of_a_hook_that_was_there_is_final_and_ours_stays_silent() {
    let world = World::new();
    let setup = Setup::bare(&world);
    world.hook(&setup.repo, "pre-receive", "#!/bin/sh\necho not today >&2\nexit 3\n");
    setup.install(&setup.configuration()).succeeds();
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.commit("web");
    let pushed = ana.push(&["origin", "main"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert_eq!(pushed.remote_lines(), ["not today"]);
    assert_eq!((setup.tip("refs/heads/main"), setup.folder.exists()), (None, false));
    assert!(setup.workers().is_empty());
}

#[test]
fn a_hook_that_was_there_and_no_longer_runs_shuts_the_gate() {
    let world = World::new();
    let setup = Setup::bare(&world);
    world.hook(&setup.repo, "pre-receive", "#!/bin/sh\nexit 0\n");
    setup.install(&setup.configuration()).succeeds();
    fs::remove_file(setup.repo.join("hooks/pre-receive.before-instate")).expect("it was kept");
    std::os::unix::fs::symlink("gone", setup.repo.join("hooks/pre-receive.before-instate"))
        .expect("it is ours");
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.commit("web");
    let pushed = ana.push(&["origin", "main"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    insta::assert_snapshot!(world.redact(&pushed.remote_lines().join("\n")));
}

#[test]
fn a_hook_that_git_did_not_run_is_not_run_by_us() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let hook = setup.repo.join("hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\nexit 1\n").expect("it is ours");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let before = state(&setup.repo);
    setup.install(&setup.configuration()).succeeds();
    setup.runs_web();
    setup.instate(&["install", "--uninstall", "."]).succeeds();
    assert_eq!(state(&setup.repo), before);
}

#[test]
fn a_repository_where_the_hooks_would_not_hold_is_refused_and_left_alone() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let install = |arguments: &[&str]| setup.instate(&[&["install", "."], arguments].concat());
    let before = state(&setup.repo);
    let set = |key: &str, value: &str| world.git(&setup.repo, &["config", key, value]).succeeds();
    let unset = |key: &str| world.git(&setup.repo, &["config", "--unset", key]).succeeds();

    set("core.hooksPath", "/somewhere");
    refused(&install(&[]), "core.hooksPath is set to /somewhere");
    unset("core.hooksPath");
    set("core.sharedRepository", "group");
    refused(&install(&[]), "shared by several Unix users");
    unset("core.sharedRepository");
    fs::set_permissions(&setup.repo, fs::Permissions::from_mode(0o775)).expect("it is ours");
    refused(&install(&[]), "can be written by other Unix users");
    fs::set_permissions(&setup.repo, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::rename(setup.repo.join("hooks"), world.path("hooks")).expect("it is ours");
    std::os::unix::fs::symlink(world.path("hooks"), setup.repo.join("hooks")).expect("it is ours");
    refused(&install(&[]), "is a link");
    fs::remove_file(setup.repo.join("hooks")).expect("it is ours");
    fs::rename(world.path("hooks"), setup.repo.join("hooks")).expect("it is ours");
    refused(
        &install(&["--config", "/nowhere/instate.yaml"]),
        "cannot read the configuration /nowhere/instate.yaml",
    );

    assert_eq!(state(&setup.repo).0, before.0);
    assert!(!setup.repo.join("instate.yaml").exists());
}

#[test]
fn repositories_of_other_kinds_are_refused() {
    let world = World::new();
    world.git(world.root(), &["init", "-q", "--bare", "--object-format=sha256", "sha256.git"]).succeeds();
    world.git(world.root(), &["init", "-q", "worktree"]).succeeds();
    let install = |name: &str| {
        let mut command = world.instate();
        command.args(["install", name]);
        run(command)
    };
    refused(&install("sha256.git"), "SHA-256");
    world.bare("reftable.git");
    let set = |key: &str, value: &str| world.git("reftable.git", &["config", key, value]).succeeds();
    set("core.repositoryFormatVersion", "1");
    set("extensions.refStorage", "reftable");
    refused(&install("reftable.git"), "reftable");
    refused(&install("worktree"), "not a bare repository");
    refused(&install("worktree/.git"), "not a bare repository");
    refused(&install("nothing"), "cannot find the repository");
}

#[test]
fn the_folder_of_hooks_may_be_missing() {
    let world = World::new();
    let setup = Setup::bare(&world);
    fs::remove_dir_all(setup.repo.join("hooks")).expect("it is ours");
    setup.install(&setup.configuration()).succeeds();
    assert!(setup.repo.join("hooks/pre-receive").exists());
    setup.instate(&["install", "--uninstall", "."]).succeeds();
    assert!(!setup.repo.join("hooks").exists());
}

#[test]
fn all_repositories_of_a_folder_are_brought_up_to_date_and_freed_together() {
    let world = World::new();
    let setup = Setup::new(&world);
    let folder = world.path("more");
    for name in ["one.git", "two.git", "never.git"] {
        world.bare(&format!("more/{name}"));
    }
    let install = |arguments: &[&str]| {
        let mut command = world.instate();
        command.arg("install").args(arguments);
        run(command)
    };
    for name in ["one.git", "two.git"] {
        install(&[&format!("more/{name}")]).succeeds();
    }
    install(&["--uninstall", "more/two.git"]).succeeds();
    // One that names a program which is gone, as after a move of it.
    let hook = folder.join("one.git/hooks/pre-receive");
    let text = fs::read_to_string(&hook).expect("it is there");
    fs::write(&hook, text.replace(env!("CARGO_BIN_EXE_instate"), "/gone/instate")).expect("it is ours");
    let done = install(&["--all", "more"]).succeeds();
    insta::assert_snapshot!("install_all", world.redact(&done.stdout));
    assert_eq!(fs::read_to_string(&hook).expect("it is there"), text);
    assert!(!folder.join("two.git/hooks/pre-receive").exists() && !folder.join("never.git/instate").exists());

    install(&["--all", ".", "--uninstall"]).succeeds();
    assert!(!hook.exists() && !setup.repo.join("hooks/pre-receive").exists());
    refused(&install(&[]), "required");
    refused(&install(&["--all", "more", "more/one.git"]), "cannot be used");
}

#[test]
fn while_it_is_installed_there_is_no_moment_without_a_hook() {
    let world = World::new();
    let setup = Setup::bare(&world);
    world.hook(&setup.repo, "pre-receive", "#!/bin/sh\necho not today >&2\nexit 3\n");
    let before = fs::read(setup.repo.join("hooks/pre-receive")).expect("it is there");
    world.set_env("FAILPOINTS", "hook-kept=return(kill)");
    assert_eq!(setup.install(&setup.configuration()).code, None, "it is killed");
    world.remove_env("FAILPOINTS");
    assert_eq!(fs::read(setup.repo.join("hooks/pre-receive")).expect("it is there"), before);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.commit("web");
    assert_eq!(ana.push(&["origin", "main"]).remote_lines(), ["not today"]);

    setup.install(&setup.configuration()).succeeds();
    assert_eq!(ana.push(&["origin", "main"]).remote_lines(), ["not today"]);
    setup.instate(&["install", "--uninstall", "."]).succeeds();
    assert_eq!(fs::read(setup.repo.join("hooks/pre-receive")).expect("it is there"), before);
    assert!(!setup.repo.join("hooks/pre-receive.before-instate").exists());
}

#[test]
fn what_the_accounts_mask_let_others_write_is_said_with_one_command_that_mends_it() {
    let world = World::new();
    let repo = world.path("shared.git");
    let masked = |words: &str| {
        let mut sh = world.command("sh");
        sh.args(["-c", &format!("umask 002; {words}")]);
        run(sh)
    };
    masked("git init --quiet --bare shared.git").succeeds();
    let install = format!("{} install shared.git", env!("CARGO_BIN_EXE_instate"));
    let first = masked(&install);
    assert_eq!(first.code, Some(2), "{first}");
    insta::assert_snapshot!("install_mask", world.redact(&first.stderr));
    // One folder is enough to go around the hooks.
    masked("chmod -R go-w shared.git").succeeds();
    masked("chmod g+w shared.git/refs/heads").succeeds();
    refused(&masked(&install), "refs/heads can be written by other Unix users");
    masked("chmod -R go-w shared.git").succeeds();
    masked(&install).succeeds();
    let mode = |name: &str| fs::metadata(repo.join(name)).expect("it was made").permissions().mode() & 0o022;
    for name in ["instate", "instate/id", "instate.yaml", "hooks/pre-receive", "config"] {
        assert_eq!(mode(name), 0, "{name}");
    }
}

#[test]
fn a_configuration_that_another_takes_the_place_of_is_kept() {
    let world = World::new();
    let setup = Setup::new(&world);
    let edited = format!("{}    timeout: 3m\n", setup.configuration());
    setup.configure(&edited);
    let said = setup.install(&setup.configuration()).succeeds().stdout;
    assert!(said.contains("instate.yaml.before"), "{said}");
    assert_eq!(fs::read_to_string(setup.repo.join("instate.yaml.before")).ok(), Some(edited));
}
