//! Real servers: with nothing wrong, and with what their upgrades and their administrators do to hooks.

use std::{fs, os::unix::fs::symlink};

use super::{finds, ill, mode, well};
use crate::{
    common::{Gitea, Nginx, Setup, Sshd, WEB, World, run, write_executable},
    gitolite::Gitolite,
};

#[test]
fn on_gitea_nothing_is_found_but_what_is_wrong() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let repo = gitea.repository("production");
    let setup = Setup { world: &world, repo, folder: world.path("running") };
    setup.install(&setup.configuration()).succeeds();
    well(&setup);
    let clone = world.clone(gitea.url("ana"), "ana");
    clone.write("web.yaml", WEB);
    clone.commit("web");
    clone.push(&["origin", "HEAD:main"]).succeeds();
    setup.idle();
    well(&setup);
    let ours = "because the world is ours";
    let (hook, away) = (setup.repo.join("hooks/pre-receive.d/instate"), world.path("away"));
    let aside = || fs::rename(&hook, &away).expect(ours);
    finds(&setup, "gitea_hook_missing", aside, || fs::rename(&away, &hook).expect(ours));
    finds(&setup, "gitea_hook_not_executable", || mode(&hook, 0o644), || mode(&hook, 0o755));
    let folder = setup.repo.join("hooks/pre-receive.d");
    finds(&setup, "gitea_folder_writable", || mode(&folder, 0o777), || mode(&folder, 0o755));
    // Gitea's own, which runs all of them.
    let own = setup.repo.join("hooks/pre-receive");
    let text = fs::read_to_string(&own).expect("it is there");
    let other = || write_executable(&own, "#!/bin/sh\nexec gitea hook pre-receive\n");
    finds(&setup, "gitea_own_changed", other, || write_executable(&own, &text));
    let right = fs::read_to_string(setup.repo.join("instate.yaml")).expect("it was written");
    let bare = || setup.configure(&right.replace("server: gitea", "server: bare"));
    finds(&setup, "gitea_called_bare", bare, || setup.configure(&right));
    run(gitea.command(&["admin", "regenerate", "hooks"])).succeeds();
    well(&setup);
}

#[test]
fn on_a_bare_server_that_is_called_another_the_hooks_are_found_elsewhere() {
    let world = World::new();
    let setup = Setup::new(&world);
    let right = setup.configuration();
    let gitea = || setup.configure(&format!("server: gitea\n{right}"));
    finds(&setup, "bare_called_gitea", gitea, || setup.configure(&right));
    let gitolite = || setup.configure(&format!("server: gitolite\n{right}"));
    finds(&setup, "bare_called_gitolite", gitolite, || setup.configure(&right));
}

#[test]
fn on_gitolite_nothing_is_found_but_what_is_wrong() {
    let world = World::new();
    let gitolite = Gitolite::start(&world);
    let setup = gitolite.setup();
    setup.install(&setup.configuration()).succeeds();
    well(&setup);
    let clone = gitolite.cloned("production");
    clone.write("web.yaml", WEB);
    clone.commit("web");
    gitolite.pushes("ana", &clone, "").succeeds();
    setup.idle();
    well(&setup);
    let ours = "because the world is ours";
    let away = world.path("away");
    let common = world.path("home/.gitolite/hooks/common");
    let aside = || fs::rename(&common, &away).expect(ours);
    finds(&setup, "gitolite_common_moved", aside, || fs::rename(&away, &common).expect(ours));
    finds(&setup, "gitolite_common_writable", || mode(&common, 0o775), || mode(&common, 0o755));
    let hook = setup.repo.join("hooks/pre-receive");
    let link = fs::read_link(&hook).expect("Gitolite has links");
    write_executable(&common.join("other"), "#!/bin/sh\nexit 0\n");
    let relink = |to: &std::path::Path| {
        fs::remove_file(&hook).expect("it is there");
        symlink(to, &hook).expect(ours);
    };
    finds(&setup, "gitolite_link_replaced", || relink(&common.join("other")), || relink(&link));
    let mark = setup.repo.join("instate/gitolite");
    let unmark = || fs::remove_file(&mark).expect("it is there");
    finds(&setup, "gitolite_mark_missing", unmark, || {
        setup.instate(&["install", "."]).succeeds();
    });
    let right = fs::read_to_string(setup.repo.join("instate.yaml")).expect("it was written");
    let bare = || setup.configure(&right.replace("server: gitolite", "server: bare"));
    finds(&setup, "gitolite_called_bare", bare, || setup.configure(&right));
    gitolite.runs(&["setup"]);
    well(&setup);
}

#[test]
fn behind_nginx_and_sshd_as_the_pages_have_them_nothing_is_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    let _ssh = Sshd::start(&world);
    let _nginx = Nginx::start(&world, world.root());
    let folder = super::machine(&world);
    // What the servers read is what the doctor reads.
    for (here, there) in
        [(".nginx/git.conf", "/etc/nginx/git.conf"), (".sshd/sshd_config", "/etc/ssh/sshd_config")]
    {
        let text = fs::read_to_string(world.path(here)).expect("it is there");
        // The tests have clients that say anything.
        super::write(&folder, there, &text.replace("AcceptEnv *", "AcceptEnv GIT_PROTOCOL"));
    }
    super::write(&folder, "/etc/nginx/nginx.conf", "http { server { include git.conf; } }\n");
    well(&setup);
    let looked = run(super::doctor(&setup)).stdout;
    assert!(looked.ends_with(", targets, sshd, nginx.\n"), "{looked}");
    let text = fs::read_to_string(folder.join("etc/nginx/git.conf")).expect("it is there");
    super::write(&folder, "/etc/nginx/git.conf", &text.replace("fastcgi_buffering off;", ""));
    insta::assert_snapshot!("nginx_buffers", ill(&setup));
}
