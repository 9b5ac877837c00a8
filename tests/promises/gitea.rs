//! On a real Gitea: pushes over HTTP and ssh, merges, and what becomes of them when it goes away.

use std::{cell::RefCell, collections::BTreeMap, fs};

use rustix::process::Signal;
use serde_json::json;

use crate::{
    announce,
    common::{Clone, Gitea, Output, Running, Setup, WEB, World, go_on, kill_by_environment, run, spawn},
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
    gitea.pull_request("ana", branch, "main")
}

#[test]
fn the_page_of_gitea_is_all_that_has_to_be_typed() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    world.find_instate();
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
        let asked = json!({"Do": "merge"});
        let answer = RefCell::new(None);
        // It may still look whether it can be merged, or be busy with what was refused.
        setup.until("it can be merged", || {
            let answered = gitea.api(who, "POST", &path, Some(&asked));
            let is_ready = answered.code != 405;
            answer.replace(Some(answered));
            is_ready
        });
        answer.into_inner().expect("it answered")
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

    let token = announce::secret(&world, "gitea.token", &gitea.token("ana", "write:repository"));
    let announce = format!(
        "announce:\n  - gitea: {{url: \"{}\", repository: ops/production, token_file: {}}}\n",
        gitea.address(),
        token.display()
    );
    let configuration = fs::read_to_string(setup.repo.join("instate.yaml")).expect("it is there");
    setup.configure(&format!("{configuration}{announce}"));

    // The deployment stands still, and the merge is answered all the same.
    world.set_env("FAILPOINTS", "planned=return(stop)");
    merge("ana", right).succeeds();
    let tip = setup.tip("refs/heads/main").expect("it moved");
    assert_ne!(tip, first);
    assert_eq!(setup.deployed(), Some(first.clone()));
    setup.until("it is pending", || gitea.statuses(&tip).len() == 1);
    let worker = setup.stopped(&["instate", "hook", "worker"]);
    world.remove_env("FAILPOINTS");
    go_on(worker);
    setup.until("it runs", || setup.deployed().as_ref() == Some(&tip));
    assert_eq!(who(&setup, &tip), format!("ana, merging pull request {right}"));
    // Gitea lists what was said at the same moment in any order.
    setup.until("it says how it ended", || gitea.statuses(&tip).len() == 2);
    let mut statuses: Vec<String> = gitea.statuses(&tip).iter().map(|status| status.join(" ")).collect();
    statuses.sort();
    insta::assert_snapshot!("gitea_merge_accepted", statuses.join("\n"));
    setup.agrees();
}

/// A message of the API, of which the rest differs from run to run.
fn readable(world: &World, message: &str, revision: &str) -> String {
    world.redact(message).replace(&revision[..7], "1a2b3c4")
}

#[test]
fn what_gitea_refuses_is_never_deployed() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let setup = with_policy(&world, &gitea, "{}");
    let protection = json!({"branch_name": "main", "enable_push": true, "enable_push_whitelist": true,
        "push_whitelist_usernames": ["ana"]});
    gitea.api("ops", "POST", "repos/ops/production/branch_protections", Some(&protection)).succeeds();
    let clone = world.clone(gitea.url("ben"), "clone");
    clone.write("web.yaml", WEB);
    let revision = clone.commit("good, but not his to push");
    let refused = clone.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    insta::assert_snapshot!("gitea_protected", shown(&refused, &revision));
    setup.idle();
    assert_eq!((setup.tip("refs/heads/main"), setup.deployed()), (None, None));
    assert!(!setup.folder.exists(), "nothing was deployed");
    assert_eq!(setup.open(), Vec::<String>::new(), "what was accepted here is withdrawn");

    clone.git(&["remote", "set-url", "origin", &gitea.url("ana")]).succeeds();
    clone.push(&["origin", "main"]).succeeds();
    assert_eq!(setup.deployed(), Some(revision));
}

#[test]
fn nobody_is_somebody_else_to_gitea_not_even_with_a_key_of_the_repository() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let setup = with_policy(&world, &gitea, "{pushers: [ops]}");
    let (ben, robot) = (gitea.let_in("ben"), gitea.deploy_key());
    let clone = world.clone(gitea.url("ben"), "clone");
    clone.write("web.yaml", WEB);
    let revision = clone.commit("web");
    let push = |ssh: &str, options: &[&str]| {
        let mut git = clone.git_command(&["push"]);
        git.args(options).args([&gitea.ssh_url(), "main"]).env("GIT_SSH_COMMAND", ssh);
        run(git)
    };
    #[track_caller]
    fn is_refused(setup: &Setup, pushed: &Output, who: &str) {
        assert_eq!(pushed.code, Some(1), "{pushed}");
        let said = pushed.remote_lines().join(" ");
        assert!(said.contains(&format!("{who} may not push to main")), "{pushed}");
        assert_eq!((setup.tip("refs/heads/main"), setup.deployed()), (None, None));
    }
    is_refused(&setup, &push(&ben, &[]), "ben");
    let lies =
        "-o SetEnv='GITEA_PUSHER_NAME=ops GITEA_PR_INDEX=1 GITEA_PUSH_TRIGGER=pr-merge-to-base GL_USER=ops'";
    is_refused(&setup, &push(&format!("{ben} {lies}"), &[]), "ben");
    is_refused(&setup, &push(&ben, &["-o", "repo.private=false", "-o", "pusher=ops"]), "ben");
    // To Gitea this is its owner.
    is_refused(&setup, &push(&robot, &[]), "deploy-key+1");
    let lie = "http.extraHeader=X-Gitea-Pusher-Name: ops";
    let mut git = clone.git_command(&["-c", lie, "push", &gitea.url("ben"), "main"]);
    git.env("GITEA_PUSHER_NAME", "ops");
    is_refused(&setup, &run(git), "ben");
    // A shell on the server is nobody of Gitea's; its own hook refuses that, too.
    let mut git = clone.git_command(&["push", &setup.repo.display().to_string(), "main"]);
    git.env("GITEA_PUSHER_NAME", "ops");
    assert_eq!(run(git).code, Some(1));
    assert_eq!(setup.tip("refs/heads/main"), None);

    let configuration = fs::read_to_string(setup.repo.join("instate.yaml")).expect("it is there");
    setup.configure(&configuration.replace("[ops]", "[deploy-key+1]"));
    push(&robot, &[]).succeeds();
    assert_eq!(who(&setup, &revision), "deploy-key+1");
}

#[test]
fn a_branch_that_a_pull_request_brings_up_to_date_is_no_merge_into_it() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let setup = with_policy(&world, &gitea, "{pushers: [ana]}");
    let clone = world.clone(gitea.url("ana"), "clone");
    clone.write("web.yaml", WEB);
    let first = clone.commit("web");
    clone.push(&["origin", "main"]).succeeds();
    clone.git(&["push", "origin", "main:refs/heads/other"]).succeeds();
    clone.git(&["checkout", "--quiet", "-b", "other"]).succeeds();
    clone.write("web.yaml", web(4));
    clone.commit("on the other");
    clone.git(&["push", "origin", "other"]).succeeds();
    clone.git(&["checkout", "--quiet", "main"]).succeeds();
    clone.write("api.yaml", web(6).replace("name: web", "name: api"));
    clone.commit("on main");
    clone.push(&["origin", "main"]).succeeds();
    setup.idle();
    let tip = setup.tip("refs/heads/main");

    // The pull request is from the environment's branch, and Gitea would merge the other into it to bring it up to date.
    let number = gitea.pull_request("ana", "main", "other");
    let configuration = fs::read_to_string(setup.repo.join("instate.yaml")).expect("it is there");
    setup.configure(&configuration.replace("{pushers: [ana]}", "{pull_request: required}"));
    let update = gitea.api("ana", "POST", &format!("repos/ops/production/pulls/{number}/update"), None);
    assert!(update.code >= 400, "{update:?}");
    assert_eq!(setup.tip("refs/heads/main"), tip);

    // Without that policy it is a push like any other, in her name.
    setup.configure(&configuration);
    let update = || gitea.api("ana", "POST", &format!("repos/ops/production/pulls/{number}/update"), None);
    setup.until("it is brought up to date", || update().code == 200);
    let now = setup.tip("refs/heads/main").expect("it is there");
    assert!(Some(&now) != tip.as_ref() && now != first);
    setup.until("it runs", || setup.deployed().as_ref() == Some(&now));
    assert_eq!(who(&setup, &now), "ana");
}

/// A push whose deployment stands still, and its worker.
#[track_caller]
fn cut_off(setup: &Setup, clone: &Clone) -> (Running, u32) {
    // Gitea reads this when it starts git, and not before.
    setup.world.set_env("FAILPOINTS", "planned=return(stop)");
    let push = spawn(clone.git_command(&["push", "origin", "main"]));
    let worker = setup.stopped(&["instate", "hook", "worker"]);
    setup.world.remove_env("FAILPOINTS");
    (push, worker)
}

#[test]
fn a_client_that_goes_away_leaves_the_deployment_to_its_one_end() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let setup = with_policy(&world, &gitea, "{}");
    let ssh = gitea.let_in("ana");
    world.set_client_env("GIT_SSH_COMMAND", &ssh);
    let clone = world.clone(gitea.url("ana"), "clone");
    for (replicas, url) in [(3, gitea.url("ana")), (4, gitea.ssh_url())] {
        clone.git(&["remote", "set-url", "origin", &url]).succeeds();
        clone.write("web.yaml", web(replicas));
        let revision = clone.commit("web");
        let (push, worker) = cut_off(&setup, &clone);
        // Over HTTP Gitea kills receive-pack then, over ssh it leaves all as it is.
        push.signal(Signal::KILL);
        push.finish();
        assert_ne!(setup.deployed(), Some(revision.clone()));
        go_on(worker);
        setup.is_whole(&url);
        assert_eq!(setup.deployed(), Some(revision));
    }
}

#[test]
fn gitea_killed_in_mid_deployment_resynced_and_started_again_keeps_the_gate_shut() {
    let world = World::new();
    let mut gitea = Gitea::start(&world);
    let setup = with_policy(&world, &gitea, "{}");
    let clone = world.clone(gitea.url("ana"), "clone");
    clone.write("web.yaml", WEB);
    let revision = clone.commit("web");
    let (push, worker) = cut_off(&setup, &clone);
    gitea.go_down();
    assert_ne!(push.finish().code, Some(0), "nobody can say how it went");
    gitea.come_up();
    go_on(worker);
    setup.is_whole("killed");
    assert_eq!(setup.deployed(), Some(revision));

    // As systemd has it, with all that Gitea ever started.
    clone.write("web.yaml", web(3));
    let revision = clone.commit("cut off");
    let (push, _) = cut_off(&setup, &clone);
    gitea.go_down();
    kill_by_environment(&format!("HOME={}", world.path("home").display()));
    push.finish();
    gitea.come_up();
    assert_ne!(setup.deployed(), Some(revision.clone()));
    setup.instate(&["resume"]).succeeds();
    setup.is_whole("all of it killed");
    assert_eq!(setup.deployed(), Some(revision.clone()));

    let hook = |name: &str| setup.repo.join("hooks").join(name);
    fs::write(hook("pre-receive"), "#!/bin/sh\nexit 1\n").expect("it is ours");
    run(gitea.command(&["admin", "regenerate", "hooks"])).succeeds();
    let resync = gitea.api("ops", "POST", "admin/cron/resync_all_hooks", None);
    assert_eq!(resync.code, 204, "{resync:?}");
    setup.until("they are written again", || {
        fs::read_to_string(hook("pre-receive")).is_ok_and(|text| text.contains("hookname"))
    });
    clone.write("web.yaml", WEB.replace("replicas:", "replica:"));
    clone.commit("wrong");
    let refused = clone.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.remote_lines().join("\n").contains("error[I0201]"), "{refused}");
    assert_eq!(setup.tip("refs/heads/main"), Some(revision));
}

#[test]
fn uninstalled_gitea_has_its_hooks_and_settings_as_they_were() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let setup = setup(&world, &gitea);
    let before =
        (files(&setup.repo.join("hooks")), fs::read(setup.repo.join("config")).expect("it is there"));
    let first = setup.install(&setup.configuration()).succeeds().stdout;
    let installed = files(&setup.repo.join("hooks"));
    let again = setup.instate(&["install", "."]).succeeds().stdout;
    assert_eq!(files(&setup.repo.join("hooks")), installed, "{first}\n{again}");
    setup.instate(&["install", "--uninstall", "."]).succeeds();
    let after = (files(&setup.repo.join("hooks")), fs::read(setup.repo.join("config")).expect("it is there"));
    assert_eq!(after, before);
}

#[test]
fn where_gitea_would_not_run_ours_installing_is_refused_and_a_push_too() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let setup = setup(&world, &gitea);
    let says = |says: &str, configuration: &str| {
        let refused = setup.install(configuration);
        assert_eq!(refused.code, Some(2), "{refused}");
        insta::assert_snapshot!(says, world.redact(&refused.stderr));
        assert!(!setup.repo.join("instate.yaml").exists(), "{refused}");
    };
    says("gitea_is_not_bare", &format!("server: bare\n{}", setup.configuration()));
    says("gitea_is_not_gitolite", &format!("server: gitolite\n{}", setup.configuration()));
    says("gitea_no_accept_deployed", &setup.deployed_configuration());
    let stub = setup.repo.join("hooks/pre-receive");
    let own = fs::read(&stub).expect("it is there");
    fs::write(&stub, "#!/bin/sh\nexit 0\n").expect("it is ours");
    says("gitea_other_hook", &setup.configuration());
    fs::write(&stub, own).expect("it is ours");
    setup.install(&setup.configuration()).succeeds();

    // Somebody changes the configuration, and the hooks do not know.
    let configuration = fs::read_to_string(setup.repo.join("instate.yaml")).expect("it is there");
    assert!(configuration.starts_with("server: gitea\nenvironments:\n"), "{configuration}");
    setup.configure(&setup.configuration());
    let clone = world.clone(gitea.url("ana"), "clone");
    clone.write("web.yaml", WEB);
    clone.commit("web");
    let refused = clone.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    insta::assert_snapshot!("gitea_server_changed", world.redact(&refused.remote_lines().join("\n")));
}

/// Everything below a folder, with what it holds.
fn files(folder: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("it is there").flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| {
            let name = path.display().to_string();
            if path.is_dir() {
                files(&path)
            } else {
                BTreeMap::from([(name, fs::read(path).expect("it is one"))])
            }
        })
        .collect()
}
