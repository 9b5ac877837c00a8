//! What was measured of Git, continued: who could go around the hooks or write the record.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use crate::common::{Setup, Sshd, WEB, World, run};
use crate::facts::{someone, unbroken};

/// FACTS, Git 8: git silently passes over a hook that is not there, cannot be run or leads nowhere.
#[test]
fn a_push_is_refused_when_the_servers_program_is_missing() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let program = world.path("instate");
    // By another process: one that forks while we have it open for writing could not be run.
    let mut copy = world.command("cp");
    copy.args([Path::new(env!("CARGO_BIN_EXE_instate")), &program]);
    run(copy).succeeds();
    fs::write(world.path("instate.yaml"), setup.configuration()).expect("because the world is ours");
    let mut install = world.command(&program);
    install.args(["install", "production.git", "--config", "instate.yaml"]);
    run(install).succeeds();
    let (ana, revision) = someone(&setup);
    fs::rename(&program, world.path("away")).expect("because the world is ours");
    let pushed = ana.push(&["origin", "main"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    insta::assert_snapshot!(world.redact(&pushed.remote_lines().join("\n")));
    assert_eq!(setup.tip("refs/heads/main"), None);

    fs::rename(world.path("away"), &program).expect("because the world is ours");
    ana.push(&["origin", "main"]).succeeds();
    assert_eq!(setup.deployed(), Some(revision));
}

/// FACTS, Git 8: git silently passes over a hook that is not there, cannot be run or leads nowhere.
#[test]
fn hooks_that_git_would_pass_over_are_replaced_by_ours_and_put_back() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let hooks = setup.repo.join("hooks");
    symlink("/nowhere", hooks.join("pre-receive")).expect("because the world is ours");
    fs::write(hooks.join("post-receive"), "not a program").expect("because the world is ours");
    setup.install(&setup.configuration()).succeeds();
    let (ana, revision) = someone(&setup);
    ana.push(&["origin", "main"]).succeeds();
    assert_eq!(setup.deployed().as_ref(), Some(&revision));

    // Somebody takes the run bit away: what lands unchecked is judged before it is deployed.
    let bit = |mode| {
        let set = |name| fs::set_permissions(hooks.join(name), fs::Permissions::from_mode(mode));
        ["pre-receive", "post-receive"].map(set).into_iter().collect::<Result<Vec<_>, _>>()
    };
    bit(0o644).expect("because the world is ours");
    ana.write("web.yaml", "a: [");
    let broken = ana.commit("broken");
    ana.push(&["origin", "main"]).succeeds();
    setup.install(&setup.configuration()).succeeds();
    assert_eq!(setup.instate(&["resume"]).code, Some(1));
    assert_eq!(setup.outcomes(&broken), ["production failed"]);
    assert_eq!(setup.deployed(), Some(revision));
    ana.write("web.yaml", "a: [[");
    ana.commit("broken too");
    assert_eq!(ana.push(&["origin", "main"]).code, Some(1));

    setup.instate(&["install", "--uninstall", "."]).succeeds();
    assert_eq!(fs::read_link(hooks.join("pre-receive")).expect("as it was"), Path::new("/nowhere"));
    assert_eq!(fs::read_to_string(hooks.join("post-receive")).expect("as it was"), "not a program");
}

/// FACTS, Git 8: with `core.hooksPath` in any file git never looks into `hooks/`.
#[test]
fn install_refuses_where_git_would_not_look_for_the_hooks_and_says_why() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let refused = || {
        let installed = setup.install(&setup.configuration());
        assert_eq!(installed.code, Some(2), "{installed}");
        assert!(!setup.repo.join("instate").exists());
        unbroken(&world, &installed.stderr.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    world.git(&setup.repo, &["config", "core.hooksPath", "/elsewhere"]).succeeds();
    insta::assert_snapshot!(refused());
    world.git(&setup.repo, &["config", "--unset", "core.hooksPath"]).succeeds();

    let own = world.path("gitconfig");
    let set = fs::read_to_string(&own).expect("it is there") + "[core]\nhooksPath = /elsewhere\n";
    let other = world.path("other-gitconfig");
    fs::write(&other, set).expect("because the world is ours");
    world.set_env("GIT_CONFIG_GLOBAL", &other.display().to_string());
    let said = refused();
    insta::assert_snapshot!("install_refuses_what_the_user_has_set", said);
    world.set_env("GIT_CONFIG_GLOBAL", &own.display().to_string());

    world.set_env("GIT_CONFIG_SYSTEM", &other.display().to_string());
    world.remove_env("GIT_CONFIG_NOSYSTEM");
    assert_eq!(refused(), said);
    world.remove_env("GIT_CONFIG_SYSTEM");
    world.set_env("GIT_CONFIG_NOSYSTEM", "1");

    let hooks = setup.repo.join("hooks");
    fs::remove_dir_all(&hooks).expect("because the world is ours");
    symlink("/nowhere", &hooks).expect("because the world is ours");
    let said = refused();
    assert!(said.contains("hooks is a link"), "{said}");
    fs::remove_file(&hooks).expect("because the world is ours");
    setup.install(&setup.configuration()).succeeds();
}

/// FACTS, Git 13: whoever may push may push to any ref that no hook refuses.
#[test]
fn nobody_can_forge_or_delete_the_record() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, _) = someone(&setup);
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    let refs = || world.git(&setup.repo, &["for-each-ref"]).succeeds().stdout;
    let before = refs();
    ana.commit("Forged");
    for spec in [
        "HEAD:refs/instate/production/deployed",
        "HEAD:refs/instate/other/deployed",
        "HEAD:refs/instate",
        "HEAD:refs/notes/instate",
        "HEAD:refs/notes/instate/below",
        "HEAD:refs/Instate/production/deployed",
        "HEAD:refs/NOTES/INSTATE",
        ":refs/instate/production/deployed",
        ":refs/notes/instate",
    ] {
        let pushed = ana.push(&["--force", "origin", spec, "HEAD:refs/heads/draft"]);
        assert_eq!(pushed.code, Some(1), "{spec}: {pushed}");
        assert!(pushed.stderr.contains("error[I0001]: "), "{spec}: {pushed}");
        assert_eq!(refs(), before, "{spec}");
    }
    let notes = setup.tip("refs/notes/instate").expect("because it was not deleted");
    let pushed = ana.push(&["origin", ":refs/notes/instate"]);
    insta::assert_snapshot!(pushed.remote_lines().join("\n").replace(&notes[..7], "1a2b3c4"));
    let others = ["HEAD:refs/notes/commits", "HEAD:refs/notes/instate-2", "HEAD:refs/heads/instate"];
    ana.push(&[&["origin"], &others[..]].concat()).succeeds();
}

/// FACTS, Git 13: a service user without `user.name` cannot write a note with git.
#[test]
fn a_service_user_without_a_name_keeps_the_record_all_the_same() {
    let world = World::new();
    let setup = Setup::new(&world);
    let nameless = world.path("nameless");
    let text = "[user]\nuseConfigOnly = true\n[safe]\ndirectory = *\n";
    fs::write(&nameless, text).expect("because the world is ours");
    world.set_client_env("GIT_CONFIG_GLOBAL", &world.path("gitconfig").display().to_string());
    world.set_env("GIT_CONFIG_GLOBAL", &nameless.display().to_string());
    let ssh = Sshd::start(&world);
    let ana = world.clone(ssh.url(&setup.repo), "ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    assert_eq!(setup.outcomes(&revision), ["production deployed"]);
    let by = ["log", "-1", "--format=%an <%ae>, %cn <%ce>", "refs/notes/instate"];
    let by = world.git(&setup.repo, &by).succeeds().stdout;
    assert_eq!(by.trim_end(), "instate <instate@localhost>, instate <instate@localhost>");

    let mut by_git = world.command("git");
    by_git.env("GIT_CONFIG_GLOBAL", &nameless).current_dir(&setup.repo);
    by_git.args(["notes", "add", "--message=x", &revision]);
    assert_ne!(run(by_git).code, Some(0), "git knows a name, so this proves nothing");
}
