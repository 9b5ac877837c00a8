//! What the machine around a repository does to pushes and deployments.

use std::fs;

use super::{doctor, finds, machine, well, write};
use crate::common::{Setup, World, run, write_executable};

const LOGIND: &str = "/etc/systemd/logind.conf.d/users.conf";

fn remove(world: &World, path: &str) {
    fs::remove_file(machine(world).join(path.trim_start_matches('/'))).expect("it is there");
}

/// A machine that systemd runs, on which `install.sh --with-timer` was run.
fn with_systemd(world: &World) {
    let folder = machine(world);
    fs::create_dir_all(folder.join("run/systemd/system")).expect("because the world is ours");
    write(&folder, "/etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n#KillExcludeUsers=root\n");
    let all = world.root().display();
    let service = format!("[Service]\nExecStart=/usr/local/bin/instate resume --all {all}\n");
    write(&folder, "/etc/systemd/system/instate-resume.service", &service);
    write(&folder, "/etc/systemd/system/instate-resume.timer", "[Timer]\nOnBootSec=1min\n");
    write(&folder, "/etc/systemd/system/timers.target.wants/instate-resume.timer", "");
}

#[test]
fn a_machine_that_ends_deployments_or_does_not_take_them_up_again_is_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    with_systemd(&world);
    well(&setup);
    let folder = machine(&world);
    let kills = || write(&folder, LOGIND, "[Login]\nKillUserProcesses=yes\n");
    finds(&setup, "kill_user_processes", kills, || remove(&world, LOGIND));
    let only = || write(&folder, LOGIND, "[Login]\nKillExcludeUsers=root ana\nKillOnlyUsers=git\n");
    finds(&setup, "kill_only_users", only, || remove(&world, LOGIND));
    // What it says to write is enough.
    kills();
    let own = "/etc/systemd/logind.conf.d/zz-instate.conf";
    write(&folder, own, "[Login]\nKillExcludeUsers=root git\n");
    well(&setup);

    let wanted = "/etc/systemd/system/timers.target.wants/instate-resume.timer";
    finds(&setup, "timer_not_enabled", || remove(&world, wanted), || with_systemd(&world));
    let service = "/etc/systemd/system/instate-resume.service";
    finds(&setup, "no_timer", || remove(&world, service), || with_systemd(&world));
    let other =
        || write(&folder, service, "[Service]\nExecStart=/usr/local/bin/instate resume --all /srv/other\n");
    finds(&setup, "timer_for_others", other, || with_systemd(&world));
    remove(&world, service);
    let all = world.root().display();
    let cron = "/etc/cron.d/instate";
    write(&folder, cron, &format!("@reboot git instate resume --all {all}\n"));
    well(&setup);
    remove(&world, cron);
    fs::create_dir(world.path("bin")).expect("because the world is ours");
    let table = format!("#!/bin/sh\necho '@reboot /usr/local/bin/instate resume --all {all}'\n");
    write_executable(&world.path("bin/crontab"), &table);
    let path = std::env::var("PATH").expect("because git has to be found");
    world.set_env("PATH", &format!("{}:{path}", world.path("bin").display()));
    well(&setup);
}

#[test]
fn what_lets_people_who_push_over_ssh_go_around_the_hooks_is_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    let folder = machine(&world);
    let sshd = "/etc/ssh/sshd_config";
    let drop_in = "/etc/ssh/sshd_config.d/10-env.conf";
    let keys = "/home/git/.ssh/authorized_keys";
    write(&folder, sshd, "Include /etc/ssh/sshd_config.d/*.conf\nAcceptEnv LANG LC_* GIT_PROTOCOL\n");
    let program = env!("CARGO_BIN_EXE_instate");
    let bound =
        format!("restrict,command=\"{program} serve-ssh ana --root /srv/git\" ssh-ed25519 AAAA ana\n");
    write(&folder, keys, &format!("# the people\n{bound}"));
    well(&setup);
    // What `serve-ssh` gets it does not hand on.
    let accepts = "# for colours\nAcceptEnv COLORTERM GIT_*\n";
    write(&folder, drop_in, accepts);
    well(&setup);
    remove(&world, drop_in);

    let shell = "command=\"git-shell -c \\\"$SSH_ORIGINAL_COMMAND\\\"\",restrict ssh-ed25519 AAAA ben\n";
    write(&folder, keys, &format!("{bound}{shell}"));
    well(&setup);
    finds(&setup, "accept_env", || write(&folder, drop_in, accepts), || remove(&world, drop_in));
    let everything = "Match User ana\nAcceptEnv *\nMatch User git\nAcceptEnv G?T_*\n";
    finds(
        &setup,
        "accept_env_of_a_match",
        || write(&folder, drop_in, everything),
        || remove(&world, drop_in),
    );
    let open =
        || write(&folder, keys, &format!("{bound}ssh-ed25519 SECRET ben\nno-pty ssh-rsa SECRET cleo\n"));
    finds(&setup, "key_with_a_shell", open, || write(&folder, keys, &bound));
    open();
    write(&folder, drop_in, "Match User git\n    ForceCommand /usr/local/bin/gate\n");
    well(&setup);
    remove(&world, drop_in);
    // Nobody gets a shell of an account that has none.
    let mut command = doctor(&setup);
    write(&folder, "/etc/passwd", &super::passwd("/usr/bin/git-shell"));
    let found = run(command);
    assert_eq!(found.code, Some(0), "{found}");
    // What is too large to be meant is not read.
    write(&folder, keys, &"ssh-ed25519 AAAA ben\n".repeat(100_000));
    command = doctor(&setup);
    run(command).succeeds();
}

#[test]
fn a_web_server_that_keeps_what_hooks_say_or_asks_nobody_is_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    let folder = machine(&world);
    let page = include_str!("../../../docs/servers/nginx.md");
    let (_, block) = page.split_once("```nginx\n").expect("it has one");
    let (block, _) = block.split_once("```").expect("it ends");
    let block = block.replace("/srv/git", &world.root().display().to_string());
    let site = "/etc/nginx/sites-enabled/git";
    let snippet = "/etc/nginx/snippets/git.conf";
    write(&folder, "/etc/nginx/nginx.conf", "events {}\nhttp {\n    include sites-enabled/*;\n}\n");
    write(&folder, site, "server {\n    server_name \"git\";\n    include snippets/git.conf;\n}\n");
    let back = || write(&folder, snippet, &block);
    back();
    well(&setup);
    for (name, line) in [
        ("nginx_keeps_lines", "    fastcgi_buffering off;\n"),
        ("nginx_fcgiwrap_keeps_lines", "    fastcgi_param NO_BUFFERING 1;\n"),
        ("nginx_takes_nothing_large", "    client_max_body_size 0;\n"),
        ("nginx_asks_nobody", "    auth_basic \"git\";\n"),
    ] {
        assert!(block.contains(line), "the page has no {line}");
        finds(&setup, name, || write(&folder, snippet, &block.replace(line, "")), back);
    }
    // Somebody else's repositories are somebody else's.
    let root = format!("GIT_PROJECT_ROOT {}", world.root().display());
    let other =
        block.replace("    fastcgi_buffering off;\n", "").replace(&root, "GIT_PROJECT_ROOT /srv/others");
    write(&folder, snippet, &other);
    well(&setup);
    // Another language is not understood, and nothing is said of it.
    write(&folder, site, "content_by_lua_block { local x = '}' }\n");
    well(&setup);
    remove(&world, "/etc/nginx/nginx.conf");

    let lighttpd = "/etc/lighttpd/conf-enabled/90-git.conf";
    let settings = "alias.url += (\"/git\" => \"/usr/lib/git-core/git-http-backend\")\n";
    write(&folder, "/etc/lighttpd/lighttpd.conf", "server.modules = ()\n");
    let streams = format!("{settings}server.stream-response-body = 2\n");
    write(&folder, lighttpd, &streams);
    well(&setup);
    let keeps = || write(&folder, lighttpd, &format!("# git-http-backend\n{settings}"));
    finds(&setup, "lighttpd_keeps_lines", keeps, || write(&folder, lighttpd, &streams));
}
