//! What nginx and fcgiwrap make of a push, set up as `docs/servers/nginx.md` says.

use std::fs;

use rustix::process::Signal;

use crate::{
    common::{Nginx, Setup, Site, WEB, World, go_on, run, spawn},
    pushers, transports,
};

#[test]
fn a_push_through_nginx_is_refused_deployed_or_reverted_and_says_so() {
    let world = World::new();
    let setup = Setup::new(&world);
    let nginx = Nginx::start(&world, world.root());
    transports::pushes(&setup, &nginx.url("ana", "production.git"), "ana from 127.0.0.1");
}

#[test]
fn lines_come_through_nginx_while_the_deployment_still_runs() {
    let world = World::new();
    let setup = Setup::new(&world);
    let nginx = Nginx::start(&world, world.root());
    transports::streams(&setup, &nginx.url("ana", "production.git"));
}

#[test]
fn lines_come_by_http_2_while_the_deployment_still_runs() {
    let world = World::new();
    let setup = Setup::new(&world);
    let nginx = Nginx::start(&world, world.root());
    let trace = world.path("curl.log");
    world.set_client_env("GIT_TRACE_CURL", &trace.display().to_string());
    transports::streams(&setup, &nginx.secure_url("ana", "production.git"));
    let sent = fs::read_to_string(trace).expect("git wrote it");
    assert!(sent.contains("POST /git/production.git/git-receive-pack HTTP/2"), "it is another version");
}

#[test]
fn a_push_of_any_size_goes_through_nginx_in_chunks() {
    let world = World::new();
    let setup = Setup::new(&world);
    let nginx = Nginx::start(&world, world.root());
    let sent = pushes_much(&setup, &nginx.url("ana", "production.git"));
    assert!(sent.contains("send header: transfer-encoding: chunked"), "it did not come in chunks");
}

#[test]
fn a_push_of_any_size_goes_through_nginx_by_http_2() {
    let world = World::new();
    let setup = Setup::new(&world);
    let nginx = Nginx::start(&world, world.root());
    let sent = pushes_much(&setup, &nginx.secure_url("ana", "production.git"));
    assert!(sent.contains("post /git/production.git/git-receive-pack http/2"), "it is another version");
}

/// Pushes more than git and nginx keep in memory, and returns which headers git sent.
fn pushes_much(setup: &Setup<'_>, url: &str) -> String {
    let world = setup.world;
    let ana = world.clone(url, "ana");
    ana.write("web.yaml", WEB);
    // Nothing that gets smaller by being packed.
    let noise = |n: &mut u64| {
        *n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*n >> 56) as u8)
    };
    let mut seed = 1;
    ana.write("photo.jpeg", std::iter::from_fn(|| noise(&mut seed)).take(5 << 20).collect::<Vec<u8>>());
    let revision = ana.commit("large");
    let mut git = ana.git_command(&["push", "origin", "main"]);
    git.env("GIT_TRACE_CURL", world.path("curl.log")).env("GIT_TRACE_CURL_NO_DATA", "1");
    run(git).succeeds();
    let sent = fs::read_to_string(world.path("curl.log")).expect("git wrote it").to_lowercase();
    setup.idle();
    assert_eq!(setup.deployed(), Some(revision));
    sent
}

#[test]
fn a_deployment_may_be_silent_for_longer_than_nginx_waits() {
    let world = World::new();
    let setup = Setup::new(&world);
    world.git(&setup.repo, &["config", "receive.keepAlive", "1"]).succeeds();
    // A hook that is as silent, in a repository where Git is silent too.
    let silent = world.bare("silent.git");
    world.git(&silent, &["config", "receive.keepAlive", "0"]).succeeds();
    let until = world.path("until");
    let wait =
        format!("#!/bin/sh\necho waiting >&2\nwhile [ ! -e {} ]; do sleep 0.1; done\n", until.display());
    world.hook(&silent, "post-receive", &wait);
    let nginx =
        Nginx::changed(&world, world.root(), &[("fastcgi_read_timeout 1h", "fastcgi_read_timeout 7s")]);
    let ana = world.clone(nginx.url("ana", "production.git"), "ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");

    world.set_env("FAILPOINTS", "planned=return(stop)");
    let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
    pushing.wait_for("  create web.yaml (Deployment/web)");
    let worker = setup.stopped(&["hook", "worker"]);
    // It began later, and when nginx has lost its patience with it, the other one has been silent for longer.
    let cut = ana.push(&[&nginx.url("ana", "silent.git"), "main"]);
    assert_eq!(cut.code, Some(1), "{cut}");
    assert!(cut.stderr.contains("the remote end hung up") || cut.stderr.contains("disconnect"), "{cut}");
    fs::write(until, "").expect("the world is ours");
    go_on(worker);
    let pushed = pushing.finish().succeeds();
    let lines = pushed.remote_lines();
    assert!(lines.last().is_some_and(|line| line.contains("deployed: production runs")), "{pushed}");
    assert_eq!(setup.deployed(), Some(revision));
}

#[test]
fn whoever_cancels_a_push_through_nginx_stops_watching_and_nothing_else() {
    for signal in [Signal::INT, Signal::KILL] {
        let world = World::new();
        let setup = Setup::new(&world);
        world.git(&setup.repo, &["config", "receive.keepAlive", "1"]).succeeds();
        // One process for all: the next is served when nobody shows the first one any more.
        let nginx = Nginx::changed(&world, world.root(), &[("-c 20", "-c 1")]);
        let ana = world.clone(nginx.url("ana", "production.git"), "ana");
        ana.write("web.yaml", WEB);
        let revision = ana.commit("web");
        world.set_env("FAILPOINTS", "planned=return(stop)");
        let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
        pushing.wait_for("  create web.yaml (Deployment/web)");
        let worker = setup.stopped(&["hook", "worker"]);
        world.remove_env("FAILPOINTS");
        pushing.signal(signal);
        assert_ne!(pushing.finish().code, Some(0));
        ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
        let next = ana.commit("more");
        let second = spawn(ana.git_command(&["push", "origin", "main"]));
        second.wait_for("deploying");
        assert!(setup.workers().contains(&worker), "the worker is gone with the client");
        assert_eq!(setup.deployed(), None);
        // The watcher of the first push was told to stand still, too.
        setup.at_rest();
        second.finish().succeeds();
        setup.is_whole(&format!("after {signal:?}"));
        assert_eq!(setup.outcomes(&revision).len(), 1, "{}", setup.note(&revision));
        assert_eq!(
            (setup.outcomes(&next), setup.deployed()),
            (vec!["production deployed".into()], Some(next))
        );
    }
}

#[test]
fn whoever_goes_while_their_push_is_judged_leaves_all_of_it_or_nothing() {
    for place in ["judging", "judged", "intent-journalled"] {
        let world = World::new();
        let setup = Setup::new(&world);
        let nginx = Nginx::start(&world, world.root());
        let ana = world.clone(nginx.url("ana", "production.git"), "ana");
        ana.write("web.yaml", WEB);
        ana.commit("web");
        world.set_env("FAILPOINTS", &format!("{place}=return(stop)"));
        let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
        setup.stopped(&["hook", "pre-receive"]);
        world.remove_env("FAILPOINTS");
        pushing.signal(Signal::KILL);
        pushing.finish();
        let gone = "client prematurely closed connection";
        setup.until("nginx has noticed", || nginx.server().log().contains(gone));
        setup.at_rest();
        if setup.tip("refs/heads/main").is_some() {
            setup.is_whole(place);
        } else {
            assert!(!setup.folder.exists(), "{place}: something was deployed");
        }
        ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
        let next = ana.commit("more");
        ana.push(&["origin", "main"]).succeeds();
        setup.is_whole(&format!("the push after {place}"));
        assert_eq!((setup.deployed(), setup.open()), (Some(next), vec![]), "{place}");
    }
}

#[test]
fn through_nginx_a_branch_moves_once_its_revision_runs_and_stays_where_it_does_not() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let nginx = Nginx::start(&world, world.root());
    let ana = world.clone(nginx.url("ana", "production.git"), "ana");
    ana.write("web.yaml", WEB);
    let first = ana.commit("web");
    ana.push(&["origin", "main"]).succeeds();
    assert_eq!((setup.tip("refs/heads/main"), setup.deployed()), (Some(first.clone()), Some(first.clone())));

    // Where the folder has to be is a file.
    fs::rename(&setup.folder, world.path("away")).expect("the world is ours");
    fs::write(&setup.folder, "in the way").expect("the world is ours");
    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    ana.commit("more");
    let failed = ana.push(&["origin", "main"]);
    assert_eq!(failed.code, Some(1), "{failed}");
    assert!(failed.stderr.contains("! [remote rejected] main -> main ("), "{failed}");
    assert_eq!(setup.tip("refs/heads/main"), Some(first));
}

#[test]
fn others_are_served_while_a_push_through_nginx_is_under_way() {
    let world = World::new();
    let setup = Setup::new(&world);
    let nginx = Nginx::start(&world, world.root());
    let url = nginx.url("ana", "production.git");
    let ana = world.clone(&url, "ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");
    world.set_env("FAILPOINTS", "planned=return(stop)");
    let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
    pushing.wait_for("  create web.yaml (Deployment/web)");
    let worker = setup.stopped(&["hook", "worker"]);
    let ben = world.clone(nginx.url("ben", "production.git"), "ben");
    ben.push(&["origin", "HEAD:topic"]).succeeds();
    assert_eq!(setup.tip("refs/heads/topic"), Some(revision));
    go_on(worker);
    pushing.finish().succeeds();
}

/// `user:password` as a header has it.
fn basic(world: &World, who: &str) -> String {
    let mut encode = world.command("sh");
    encode.args(["-c", "printf %s \"$1\" | base64 -w0", "sh", who]);
    format!("http.extraHeader=Authorization: Basic {}", run(encode).succeeds().stdout)
}

#[test]
fn through_nginx_everybody_is_whom_it_let_in_whatever_they_say() {
    let world = World::new();
    let setup = pushers::setup(&world);
    let nginx = Nginx::start(&world, world.root());
    let clone = world.clone(nginx.url("ben", "production.git"), "clone");
    clone.write("web.yaml", WEB);
    let first = clone.commit("web");
    let says = "ben may not push to main";
    let as_ben =
        |options: &[&str]| pushers::was_refused(&setup, &pushers::pushes(&clone, &[], options), says);
    as_ben(&[]);
    for lie in ["Remote-User: ana", "REMOTE_USER: ana", "Instate-Pusher: ana", "Http-Remote-User: ana"] {
        as_ben(&["-c", &format!("http.extraHeader={lie}")]);
    }
    for lie in ["REMOTE_USER", "INSTATE_PUSHER", "GIT_COMMITTER_NAME"] {
        pushers::was_refused(&setup, &pushers::pushes(&clone, &[(lie, "ana")], &[]), says);
    }
    // One name in the address and another that is let in.
    let base = nginx.root("ana@");
    clone.git(&["remote", "set-url", "origin", &format!("{base}/git/production.git")]).succeeds();
    as_ben(&["-c", &basic(&world, "ben:secret")]);
    // Two names: nginx takes neither.
    let both = [basic(&world, "ana:wrong"), basic(&world, "ben:secret")];
    let turned_away = pushers::pushes(&clone, &[], &["-c", &both[0], "-c", &both[1]]);
    assert_eq!((turned_away.code, turned_away.remote_lines()), (Some(128), vec![]), "{turned_away}");
    // A name in the query, and one in the path.
    for address in ["git/production.git?REMOTE_USER=ana", "git/ana/../production.git"] {
        let url = format!("{}/{address}", nginx.root("ben:secret@"));
        let pushed = clone.push(&[&url, "main"]);
        assert_ne!(pushed.code, Some(0), "{pushed}");
    }
    assert_eq!(setup.tip("refs/heads/main"), None);

    clone.git(&["remote", "set-url", "origin", &nginx.url("ana", "production.git")]).succeeds();
    pushers::pushes(&clone, &[], &["-c", "http.extraHeader=Remote-User: ben"]).succeeds();
    assert_eq!(pushers::who(&setup, &first), "ana from 127.0.0.1");
}

#[test]
fn a_name_that_nginx_let_in_is_taken_as_it_is_and_is_no_other() {
    let world = World::new();
    let setup = pushers::setup(&world);
    let site = Site::new(&world, world.root());
    let names = [
        ("ana ", "ana%20"),
        (" ana", "%20ana"),
        ("Ana", "Ana"),
        ("@ops", "%40ops"),
        ("ana from 10.0.0.7", "ana%20from%2010.0.0.7"),
        ("ana\u{1b}[31m", "ana%1b%5b31m"),
        ("an\u{e4}\u{202e}", "an%c3%a4%e2%80%ae"),
    ];
    names.iter().for_each(|(name, _)| site.let_in(name));
    let nginx = site.start();
    let clone = world.clone(nginx.url("Ana", "production.git"), "clone");
    clone.write("web.yaml", WEB);
    let mut shown = Vec::new();
    for (name, address) in names {
        clone.commit(&format!("by {name}"));
        clone.git(&["remote", "set-url", "origin", &nginx.url(address, "production.git")]).succeeds();
        let pushed = pushers::pushes(&clone, &[], &[]);
        pushers::was_refused(&setup, &pushed, "may not push to main");
        shown.extend(pushed.remote_lines().into_iter().filter(|line| line.starts_with("error")));
    }
    insta::assert_snapshot!("names", shown.join("\n"));

    setup.configure(&setup.configuration());
    let revision = clone.commit("by anybody");
    clone.git(&["remote", "set-url", "origin", &nginx.url("ana%1b%5b31m", "production.git")]).succeeds();
    clone.push(&["origin", "main"]).succeeds();
    assert_eq!(pushers::who(&setup, &revision), "`ana\\u{1b}[31m` from 127.0.0.1");
}

#[test]
fn no_hook_behind_nginx_sees_a_password() {
    let world = World::new();
    let repo = world.bare("plain.git");
    let seen = world.path("seen");
    world.hook(&repo, "pre-receive", &format!("#!/bin/sh\nenv >{}\n", seen.display()));
    let nginx = Nginx::start(&world, world.root());
    let clone = world.clone(nginx.url("ana", "plain.git"), "clone");
    clone.commit("empty");
    clone.push(&["origin", "main"]).succeeds();
    let seen = fs::read_to_string(seen).expect("the hook wrote it");
    assert!(seen.contains("\nREMOTE_USER=ana\n"), "{seen}");
    let hidden = basic(&world, "ana:secret");
    let hidden = hidden.rsplit_once(' ').expect("it has words").1;
    assert!(!seen.contains(hidden) && !seen.contains("secret"), "{seen}");
}

/// What the page warns of.
#[test]
fn where_nginx_asks_nobody_it_hands_on_any_name_and_so_the_page_never_does() {
    let world = World::new();
    let setup = pushers::setup(&world);
    let nobody = [("auth_basic \"git\";", "auth_basic off;")];
    let nginx = Nginx::changed(&world, world.root(), &nobody);
    let clone = world.clone(format!("{}/git/production.git", nginx.root("")), "clone");
    clone.write("web.yaml", WEB);
    let revision = clone.commit("web");
    pushers::pushes(&clone, &[], &["-c", &basic(&world, "ana:whatever")]).succeeds();
    assert_eq!(pushers::who(&setup, &revision), "ana from 127.0.0.1");
}
