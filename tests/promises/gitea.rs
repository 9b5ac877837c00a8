//! On a real Gitea: pushes over HTTP and ssh, merges, and what becomes of them when it goes away.

use std::{collections::BTreeMap, fs};

use serde_json::json;

use crate::{
    common::{Clone, Gitea, Output, Setup, WEB, World, run},
    servers::{blocks, typed},
};

/// The same with another number of replicas.
fn web(replicas: u8) -> String {
    WEB.replace("replicas: 2", &format!("replicas: {replicas}"))
}

/// `ops/production`, whose branch `main` runs in a folder.
fn setup<'w>(world: &'w World, gitea: &Gitea) -> Setup<'w> {
    Setup { world, repo: gitea.repository("production"), folder: world.path("running") }
}

/// The same, with the hooks and a policy.
fn with_policy<'w>(world: &'w World, gitea: &Gitea, policy: &str) -> Setup<'w> {
    let setup = setup(world, gitea);
    let configuration = format!("{}    policy: {policy}\n", setup.configuration());
    setup.install(&configuration).succeeds();
    setup
}

fn shown(output: &Output, revision: &str) -> String {
    output.remote_lines().join("\n").replace(&revision[..7], "1a2b3c4")
}

#[track_caller]
fn who(setup: &Setup, revision: &str) -> String {
    setup.idle();
    let note = setup.note(revision);
    note.lines().find_map(|line| line.strip_prefix("Who: ")).expect("the note says it").to_owned()
}

/// Opens a pull request from a branch of one commit, and returns its number.
#[track_caller]
fn pull_request(gitea: &Gitea, clone: &Clone, branch: &str) -> u64 {
    clone.git(&["push", "origin", &format!("HEAD:refs/heads/{branch}")]).succeeds();
    let asked = json!({"title": branch, "head": branch, "base": "main"});
    let made = gitea.api("ana", "POST", "repos/ops/production/pulls", Some(&asked)).succeeds();
    made.json()["number"].as_u64().expect("it has one")
}

#[test]
fn the_page_of_gitea_is_all_that_has_to_be_typed() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_instate"));
    let path =
        format!("{}:{}", program.parent().expect("it is in one").display(), std::env::var("PATH").unwrap());
    world.set_env("PATH", &path);
    let places = BTreeMap::from([
        ("/var/lib/gitea/data/gitea-repositories", world.path(".gitea/repositories").display().to_string()),
        ("git@server:ops/production.git", format!("{} clone", gitea.ssh_url())),
    ]);
    let page = blocks(include_str!("../../docs/servers/gitea.md"));
    let [on_the_server, at_home] = &page[..] else { panic!("{page:?}") };
    let installed = run(typed(&world, on_the_server, &places)).succeeds();
    insta::assert_snapshot!("gitea_installed", world.redact(&installed.stdout));
    let setup = setup(&world, &gitea);
    let configuration = fs::read_to_string(setup.repo.join("instate.yaml")).expect("it was written");
    assert!(configuration.contains("\nserver: gitea "), "{configuration}");
    let policy = "    # policy: {pushers: [jenkins-bot, \"@ops\"]}";
    assert!(configuration.contains(policy), "{configuration}");
    let configuration = configuration
        .replace("/srv/manifests/production", &setup.folder.display().to_string())
        .replace(policy, "    policy: {pushers: [ana]}");
    setup.configure(&configuration);

    let (ana, ben) = (gitea.let_in("ana"), gitea.let_in("ben"));
    let mut git = typed(&world, at_home, &places);
    git.env("GIT_SSH_COMMAND", &ana);
    run(git).succeeds();
    let clone = world.cloned("clone");

    for (over, url) in [("ssh", gitea.ssh_url()), ("http", gitea.url("ana"))] {
        world.set_client_env("GIT_SSH_COMMAND", &ana);
        clone.git(&["remote", "set-url", "origin", &url]).succeeds();
        let replicas = over.len() as u8;
        let stays = setup.tip("refs/heads/main").unwrap_or_else(|| "no tip!".to_owned());
        clone.write("web.yaml", web(replicas).replace("replicas:", "replica:"));
        clone.commit("wrong");
        let refused = clone.push(&["origin", "main"]);
        assert_eq!(refused.code, Some(1), "{refused}");
        insta::assert_snapshot!(format!("gitea_{over}_refused"), shown(&refused, &stays));
        clone.write("web.yaml", web(replicas));
        let revision = clone.commit("right");
        let deployed = clone.push(&["origin", "main"]).succeeds();
        let said = shown(&deployed, &revision).replace(&stays[..7], "0a0b0c0");
        insta::assert_snapshot!(format!("gitea_{over}_deployed"), said);
        assert_eq!(setup.deployed(), Some(revision.clone()));
        assert_eq!(who(&setup, &revision), "ana");

        world.set_client_env("GIT_SSH_COMMAND", &ben);
        clone.git(&["remote", "set-url", "origin", &url.replace("ana:", "ben:")]).succeeds();
        clone.write("web.yaml", web(9));
        clone.commit("by somebody who may not");
        let refused = clone.push(&["origin", "main"]);
        assert_eq!(refused.code, Some(1), "{refused}");
        insta::assert_snapshot!(format!("gitea_{over}_not_he"), shown(&refused, &revision));
        clone.git(&["reset", "--quiet", "--hard", &revision]).succeeds();
    }
}

#[test]
fn a_merge_that_would_not_work_says_why_and_one_that_does_returns_at_once_and_is_deployed() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let setup = with_policy(&world, &gitea, "{pull_request: required, pushers: [ana]}");
    let clone = world.clone(gitea.url("ana"), "clone");
    let merge = |who: &str, number: u64| {
        let path = format!("repos/ops/production/pulls/{number}/merge");
        gitea.api(who, "POST", &path, Some(&json!({"Do": "merge"})))
    };

    // The first revision: there is nothing yet that could be merged into.
    setup.configure(&setup.configuration().replace("environments", "server: gitea\nenvironments"));
    clone.write("web.yaml", WEB);
    let first = clone.commit("web");
    clone.push(&["origin", "main"]).succeeds();
    with_policy(&world, &gitea, "{pull_request: required, pushers: [ana]}");

    // By hand, in the pages, and from a branch that is the environment's.
    clone.write("web.yaml", web(5));
    clone.commit("by hand");
    let refused = clone.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    insta::assert_snapshot!("gitea_by_hand", shown(&refused, &first));
    let content = json!({"content": "a2luZDogeAo=", "message": "x", "branch": "main"});
    let edited = gitea.api("ana", "POST", "repos/ops/production/contents/x.yaml", Some(&content));
    assert_eq!(edited.code, 403, "{edited:?}");
    assert!(edited.body.contains("moves by merges alone"), "{edited:?}");
    assert_eq!(setup.tip("refs/heads/main"), Some(first.clone()));

    clone.git(&["reset", "--quiet", "--hard", &first]).succeeds();
    clone.write("web.yaml", WEB.replace("replicas:", "replica:"));
    clone.commit("wrong");
    let wrong = pull_request(&gitea, &clone, "wrong");
    let refused = merge("ana", wrong);
    assert_eq!(refused.code, 409, "{refused:?}");
    let message = refused.json()["message"].as_str().expect("it says why").to_owned();
    insta::assert_snapshot!("gitea_merge_refused", readable(&world, &message, &first));
    assert_eq!(setup.tip("refs/heads/main"), Some(first.clone()));

    clone.git(&["reset", "--quiet", "--hard", &first]).succeeds();
    clone.write("web.yaml", web(3));
    clone.commit("right");
    let right = pull_request(&gitea, &clone, "right");
    let not_he = merge("ben", right);
    assert_eq!(not_he.code, 409, "{not_he:?}");
    let message = not_he.json()["message"].as_str().expect("it says why").to_owned();
    insta::assert_snapshot!("gitea_merge_not_he", readable(&world, &message, &first));

    // The deployment stands still, and the merge is answered all the same.
    world.set_env("FAILPOINTS", "planned=return(stop)");
    // Just after a refusal it may still be busy with it.
    let mut merged = merge("ana", right);
    while merged.code == 405 {
        merged = merge("ana", right);
    }
    merged.succeeds();
    let tip = setup.tip("refs/heads/main").expect("it moved");
    assert_ne!(tip, first);
    assert_eq!(setup.deployed(), Some(first));
    let worker = setup.stopped(&["instate", "hook", "worker"]);
    world.remove_env("FAILPOINTS");
    crate::common::go_on(worker);
    setup.until("it runs", || setup.deployed().as_ref() == Some(&tip));
    assert_eq!(who(&setup, &tip), format!("ana, merging pull request {right}"));
    setup.agrees();
}

/// A message of the API, of which the rest differs from run to run.
fn readable(world: &World, message: &str, revision: &str) -> String {
    world.redact(message).replace(&revision[..7], "1a2b3c4")
}
