//! What the pages of `docs/servers/` say to type is typed, on the real server.

use std::{collections::BTreeMap, fs, process::Command};

use crate::common::{Output, Site, Sshd, WEB, World, run};

/// The commands of a page, those of each block together.
pub(crate) fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        match (&mut block, line) {
            (None, "```sh") => block = Some(String::new()),
            (Some(_), "```") => blocks.extend(block.take()),
            (Some(text), line) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

/// A block as it stands, but for what is somewhere else in a test.
pub(crate) fn typed(world: &World, block: &str, places: &BTreeMap<&str, String>) -> Command {
    let mut text = block.to_owned();
    for (place, here) in places {
        assert!(!here.contains(place), "{place} would be replaced twice");
        text = text.replace(place, here);
    }
    let mut command = world.command("sh");
    command.args(["-euc", &text]);
    command
}

#[test]
fn the_page_of_a_bare_server_is_all_that_has_to_be_typed() {
    let world = World::new();
    let ssh = Sshd::start(&world);
    let key = ssh.key_of(&world, "ana");
    let program = env!("CARGO_BIN_EXE_instate");
    let places = BTreeMap::from([
        ("/srv/git", world.path("srv").display().to_string()),
        ("/srv/manifests", world.path("manifests").display().to_string()),
        ("/usr/local/bin/instate", program.to_owned()),
        ("\ninstate ", format!("\n{program} ")),
        ("ssh-ed25519 AAAA... ana", key.public.trim().to_owned()),
        ("~/.ssh/authorized_keys", ssh.authorized_keys().display().to_string()),
        ("git@server:production.git", format!("{} clone", ssh.url("/production.git"))),
    ]);
    let page = blocks(include_str!("../../docs/servers/bare.md"));
    let lines: usize = page.iter().map(|block| block.lines().count()).sum();
    assert!(lines <= 5, "{lines} commands");
    let [on_the_server, keys, at_home] = &page[..] else { panic!("{page:?}") };

    run(typed(&world, on_the_server, &places)).succeeds();
    let repo = world.path("srv/production.git");
    let running = world.path("running").display().to_string();
    let configuration = fs::read_to_string(repo.join("instate.yaml")).expect("it was written");
    let configuration = configuration.replace("/srv/manifests/production", &running);
    let policy = "    # policy: {pushers: [jenkins-bot, \"@ops\"]}";
    assert!(configuration.contains(policy), "{configuration}");
    let pushers = configuration.replace(policy, "    policy: {pushers: [ana]}");
    fs::write(repo.join("instate.yaml"), &pushers).expect("the world is ours");
    run(typed(&world, keys, &places)).succeeds();
    let mut git = typed(&world, at_home, &places);
    git.env("GIT_SSH_COMMAND", &key.command);
    run(git).succeeds();
    let clone = world.cloned("clone");
    world.set_client_env("GIT_SSH_COMMAND", &key.command);

    clone.write("web.yaml", WEB.replace("replicas:", "replica:"));
    clone.commit("wrong");
    let refused = clone.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    insta::assert_snapshot!("bare_refused", refused.remote_lines().join("\n"));

    clone.write("web.yaml", WEB);
    let revision = clone.commit("right");
    let deployed = clone.push(&["origin", "main"]).succeeds();
    insta::assert_snapshot!(
        "bare_deployed",
        deployed.remote_lines().join("\n").replace(&revision[..7], "1a2b3c4")
    );
    assert_eq!(fs::read_to_string(world.path("running/web.yaml")).ok().as_deref(), Some(WEB));

    fs::write(repo.join("instate.yaml"), pushers.replace("[ana]", "[ben]")).expect("the world is ours");
    clone.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    clone.commit("by somebody who may not");
    let refused = clone.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    insta::assert_snapshot!(
        "bare_not_she",
        refused.remote_lines().join("\n").replace(&revision[..7], "1a2b3c4")
    );
}

#[test]
fn the_page_of_nginx_is_all_that_has_to_be_typed() {
    let world = World::new();
    let root = world.path("srv");
    fs::create_dir_all(&root).expect("the world is ours");
    let program = env!("CARGO_BIN_EXE_instate");
    let site = Site::new(&world, &root);
    let mut places = site.places();
    places.insert("\ninstate ", format!("\n{program} "));
    // It would ask at a terminal.
    places.insert("openssl passwd -6)", "echo secret | openssl passwd -6 -stdin)".to_owned());
    let page = blocks(include_str!("../../docs/servers/nginx.md"));
    let lines: usize = page.iter().map(|block| block.lines().count()).sum();
    assert!(lines <= 5, "{lines} commands");
    let [on_the_server, as_root, at_home] = &page[..] else { panic!("{page:?}") };

    run(typed(&world, on_the_server, &places)).succeeds();
    let repo = root.join("production.git");
    let running = world.path("running").display().to_string();
    let configuration = fs::read_to_string(repo.join("instate.yaml")).expect("it was written");
    let configuration = configuration.replace("/srv/manifests/production", &running);
    let policy = "    # policy: {pushers: [jenkins-bot, \"@ops\"]}";
    assert!(configuration.contains(policy), "{configuration}");
    let configuration = configuration.replace(policy, "    policy: {pushers: [ana]}");
    fs::write(repo.join("instate.yaml"), configuration).expect("the world is ours");
    run(typed(&world, as_root, &places)).succeeds();
    run(typed(&world, &as_root.replace("ana", "ben"), &places)).succeeds();
    let asked = site.asked();
    assert_eq!(asked.lines().take(2).collect::<Vec<_>>(), ["daemon-reload", "restart fcgiwrap nginx"]);
    let nginx = site.start();
    let home = |who: &str, name: &str| {
        let address = format!("{}/git/production.git {name}", nginx.secure_root(who));
        typed(&world, at_home, &BTreeMap::from([("https://ana@server/git/production.git", address)]))
    };
    run(home("ana:secret@", "clone")).succeeds();
    let clone = world.cloned("clone");

    clone.write("web.yaml", WEB.replace("replicas:", "replica:"));
    clone.commit("wrong");
    let refused = clone.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    insta::assert_snapshot!("nginx_refused", refused.remote_lines().join("\n"));

    clone.write("web.yaml", WEB);
    let revision = clone.commit("right");
    let seen = |pushed: &Output| pushed.remote_lines().join("\n").replace(&revision[..7], "1a2b3c4");
    let deployed = clone.push(&["origin", "main"]).succeeds();
    insta::assert_snapshot!("nginx_deployed", seen(&deployed));
    assert_eq!(fs::read_to_string(world.path("running/web.yaml")).ok().as_deref(), Some(WEB));

    clone.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    clone.commit("by somebody who may not");
    let of = |who: &str| format!("{}/git/production.git", nginx.secure_root(who));
    let refused = clone.push(&[&of("ben:secret@"), "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    insta::assert_snapshot!("nginx_not_he", seen(&refused));

    // Turned away before Git is asked anything.
    for who in ["", "ana:wrong@", "ana:@", "cleo:secret@"] {
        let away = clone.push(&[&of(who), "main"]);
        assert_eq!((away.code, away.remote_lines()), (Some(128), vec![]), "{who}: {away}");
        assert_eq!(run(home(who, "other")).code, Some(128));
    }
    let away = clone.push(&[&of(""), "main"]);
    insta::assert_snapshot!("nginx_stranger", away.stderr.replace(&nginx.secure_root(""), "https://server"));
    assert_eq!(world.resolve(&repo, "refs/heads/main"), Some(revision.clone()));
}
