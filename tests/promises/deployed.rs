//! `accept: deployed`: the branch moves only once the revision runs, and `git push` fails where the deployment does.

mod crashes;
mod install;
mod races;
mod several;

use std::fs;

use crate::common::{Clone, Httpd, Output, Running, Setup, Sshd, WEB, World, go_on, spawn};

/// What a person sees, without what differs from run to run.
#[track_caller]
fn seen(setup: &Setup<'_>, pushed: &Output) -> String {
    let mut text = pushed.stderr.replace(&setup.repo.display().to_string(), "production.git");
    for scheme in ["ssh://", "http://"] {
        while let Some(from) = text.find(scheme) {
            let end = from + text[from..].find("production.git").expect("because it is this repository's");
            text.replace_range(from..end, "");
        }
    }
    let lines = text.split(['\n', '\r']).map(str::trim_end);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let mut text = setup.world.redact(&lines.join("\n"));
    let ids: Vec<String> = ids(setup);
    for (n, id) in ids.iter().enumerate() {
        text = text.replace(id, &format!("(revision {})", n + 1)).replace(&id[..7], &format!("{:07}", n + 1));
    }
    text
}

/// All commits of a world, oldest first, whether a branch points to them or not.
fn ids(setup: &Setup<'_>) -> Vec<String> {
    let log =
        setup.world.git("ana", &["log", "--format=%H", "--reverse", "--all", "--reflog", "--date-order"]);
    log.succeeds().stdout.lines().map(ToOwned::to_owned).collect()
}

/// The branch, the folder and the record agree: what is at the tip runs.
#[track_caller]
pub fn agrees(setup: &Setup<'_>, after: &str) {
    setup.at_rest();
    match setup.tip("refs/heads/main") {
        Some(tip) => {
            assert_eq!(setup.running(), setup.declared(&tip), "{after}: the folder");
            assert_eq!(setup.deployed(), Some(tip.clone()), "{after}: the ref to what runs");
            let outcomes = setup.outcomes(&tip);
            let last = outcomes.iter().rfind(|outcome| outcome.starts_with("production "));
            assert_eq!(last.map(String::as_str), Some("production deployed"), "{after}: {outcomes:?}");
        }
        None => {
            assert_eq!(setup.deployed(), None, "{after}");
            assert!(!setup.folder.exists() || setup.running().is_empty(), "{after}: {:?}", setup.running());
        }
    }
    let status = setup.instate(&["status"]);
    assert!(!status.stdout.contains("next ") && !status.stdout.contains("wrong"), "{after}: {status}");
}

/// As [`agrees`], and every push has its end.
#[track_caller]
pub fn is_over(setup: &Setup<'_>, after: &str) {
    agrees(setup, after);
    assert_eq!(setup.open(), Vec::<String>::new(), "{after}: intents without an end");
}

/// A push whose revision does not stay in the folder: somebody changes a file at once.
#[track_caller]
fn spoilt(setup: &Setup<'_>, who: &Clone<'_>) -> Output {
    finish_spoilt(setup, spoiling(setup, who))
}

#[track_caller]
fn spoiling(setup: &Setup<'_>, who: &Clone<'_>) -> Running {
    // A server sources the world's variables when the connection comes.
    setup.world.set_env("FAILPOINTS", "exchanged=1*return(stop)");
    let pushing = spawn(who.git_command(&["push", "origin", "main"]));
    setup.stopped(&["hook", "worker"]);
    setup.world.remove_env("FAILPOINTS");
    pushing
}

#[track_caller]
fn finish_spoilt(setup: &Setup<'_>, pushing: Running) -> Output {
    fs::write(setup.folder.join("web.yaml"), "spoilt: true\n").expect("because the world is ours");
    go_on(setup.stopped(&["hook", "worker"]));
    let pushed = pushing.finish();
    setup.at_rest();
    assert_eq!(pushed.code, Some(1), "{pushed}");
    pushed
}

fn three(who: &Clone<'_>) -> String {
    who.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    who.commit("three replicas")
}

#[test]
fn over_a_path_a_push_succeeds_when_it_runs_and_fails_when_it_does_not() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    pushes(&setup, &setup.repo.display().to_string());
}

#[test]
fn over_ssh_a_push_succeeds_when_it_runs_and_fails_when_it_does_not() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ssh = Sshd::start(&world);
    pushes(&setup, &ssh.url(&setup.repo));
}

#[test]
fn over_http_a_push_succeeds_when_it_runs_and_fails_when_it_does_not() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let http = Httpd::start(&world, world.root());
    pushes(&setup, &http.url("production.git"));
}

/// The snapshots have names, so that every transport is held to the same ones.
fn pushes(setup: &Setup<'_>, url: &str) {
    let ana = setup.world.clone(url, "ana");
    ana.write("web.yaml", WEB);
    let broken = ana.commit("the first does not run");
    let pushed = spoilt(setup, &ana);
    insta::assert_snapshot!("first_fails", seen(setup, &pushed));
    assert_eq!(setup.tip("refs/heads/main"), None);
    assert_eq!(setup.outcomes(&broken), ["production failed"]);
    agrees(setup, "the first");

    let first = ana.commit("the first runs");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    insta::assert_snapshot!("first_runs", seen(setup, &pushed));
    assert_eq!(setup.tip("refs/heads/main").as_ref(), Some(&first));
    agrees(setup, "the first that runs");

    let broken = three(&ana);
    let pushed = spoilt(setup, &ana);
    insta::assert_snapshot!("second_fails", seen(setup, &pushed));
    assert_eq!(setup.tip("refs/heads/main").as_ref(), Some(&first));
    assert_eq!(setup.outcomes(&broken), ["production failed"]);
    insta::assert_snapshot!("second_note", note(setup, &broken));
    agrees(setup, "the second");

    // The very same revision, once what kept it from running is gone.
    let pushed = ana.push(&["origin", "main"]).succeeds();
    insta::assert_snapshot!("second_runs", seen(setup, &pushed));
    assert_eq!(setup.tip("refs/heads/main"), Some(broken.clone()));
    assert_eq!(setup.outcomes(&broken), ["production failed", "production deployed"]);
    agrees(setup, "the second that runs");
}

fn note(setup: &Setup<'_>, revision: &str) -> String {
    let varies =
        |line: &&str| !["Who:", "Accepted:", "Ended:", "Deployment:"].iter().any(|v| line.starts_with(v));
    let note = setup.note(revision);
    let lines: Vec<&str> = note.lines().filter(varies).collect();
    let text = Output { code: Some(0), stdout: String::new(), stderr: lines.join("\n") };
    seen(setup, &text)
}
