//! Hooks that git would pass over, or that run something else.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{finds, ill, mode, well};
use crate::common::{Mount, Setup, World, run, with_mounts, write_executable};

#[test]
fn a_hook_that_git_would_pass_over_or_that_is_not_ours_is_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    well(&setup);
    let hook = setup.repo.join("hooks/pre-receive");
    let post = setup.repo.join("hooks/post-receive");
    let away = world.path("away");
    let (aside, back) = (|path: &Path| fs::rename(path, &away), |path: &Path| fs::rename(&away, path));
    let ours = "because the world is ours";
    finds(&setup, "hook_missing", || aside(&hook).expect(ours), || back(&hook).expect(ours));
    finds(&setup, "hook_post_missing", || aside(&post).expect(ours), || back(&post).expect(ours));
    finds(&setup, "hook_not_executable", || mode(&hook, 0o644), || mode(&hook, 0o755));
    finds(&setup, "hook_post_not_executable", || mode(&post, 0o644), || mode(&post, 0o755));
    let dangles = || {
        aside(&hook).expect(ours);
        symlink("/nowhere/pre-receive", &hook).expect(ours);
    };
    finds(&setup, "hook_dangling", dangles, || back(&hook).expect(ours));
    let replaced = || {
        aside(&hook).expect(ours);
        world.hook(&setup.repo, "pre-receive", "#!/bin/sh\nexit 0\n");
    };
    finds(&setup, "hook_replaced", replaced, || back(&hook).expect(ours));
    // What it says to do does it.
    replaced();
    fs::remove_file(&away).expect(ours);
    setup.instate(&["install", "."]).succeeds();
    well(&setup);
    aside(&hook).expect(ours);
    world.hook(&setup.repo, "pre-receive", "#!/bin/sh\nexit 0\n");
    insta::assert_snapshot!("hook_replaced_again", ill(&setup));
    back(&hook).expect(ours);
    let text = fs::read_to_string(&hook).expect("it is there");
    let tampered = || write_executable(&hook, &text.replace("exec ", "exit 0\nexec "));
    finds(&setup, "hook_changed", tampered, || write_executable(&hook, &text));
    let earlier = setup.repo.join("hooks/pre-receive.before-instate");
    finds(&setup, "hook_before_not_executable", || mode(&earlier, 0o644), || mode(&earlier, 0o755));
}

#[test]
fn a_hook_that_stands_where_nothing_can_be_run_is_found() {
    with_mounts("doctor::hooks::a_hook_that_stands_where_nothing_can_be_run_is_found", || {
        let world = World::new();
        let disk = Mount::new(&world.path("disk"), "4m");
        let mut setup = Setup::bare(&world);
        setup.repo = world.bare("disk/production.git");
        setup.install(&setup.configuration()).succeeds();
        finds(&setup, "hook_noexec", || disk.noexec(true), || disk.noexec(false));
    });
}

#[test]
fn hooks_that_run_no_program_or_another_one_are_found() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let program = world.path("it's/instate");
    fs::create_dir(world.path("it's")).expect("because the world is ours");
    // By another process: one that forks while we have it open for writing could not be run.
    let mut copy = world.command("cp");
    copy.args([Path::new(env!("CARGO_BIN_EXE_instate")), &program]);
    run(copy).succeeds();
    fs::write(world.path("instate.yaml"), setup.configuration()).expect("because the world is ours");
    let mut install = world.command(&program);
    install.args(["install", "production.git", "--config", "instate.yaml"]);
    run(install).succeeds();
    well(&setup);
    let away = world.path("away");
    let ours = "because the world is ours";
    let aside = || fs::rename(&program, &away).expect(ours);
    let back = || fs::rename(&away, &program).expect(ours);
    finds(&setup, "program_missing", aside, back);
    finds(&setup, "program_not_executable", || mode(&program, 0o644), || mode(&program, 0o755));
    finds(&setup, "program_writable", || mode(&program, 0o757), || mode(&program, 0o755));
    for (name, says) in [
        ("program_of_another_version", "echo instate 0.0.9"),
        ("program_another", "printf 'cowsay\\033[31m 3\\n'"),
        ("program_silent", "exit 3"),
    ] {
        let other = || {
            aside();
            write_executable(&program, &format!("#!/bin/sh\n{says}\n"));
        };
        finds(&setup, name, other, back);
    }
}

#[test]
fn the_hook_for_accept_deployed_is_missed_where_it_is_gone() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let (hook, away) = (setup.repo.join("hooks/proc-receive"), world.path("away"));
    let aside = || fs::rename(&hook, &away).expect("because the world is ours");
    finds(&setup, "hook_proc_receive_missing", aside, || {
        setup.instate(&["install", "."]).succeeds();
    });
}
