//! Commit statuses on a real Gitea.

use rustix::process::Signal;

use super::{QUICK, cancelled, log, revision, secret, waiting};
use crate::common::{Clone, Gitea, Receiver, Reply, Running, Setup, World, go_on, signal, spawn};

/// `ops/production`, whose branch `main` runs in a folder, with a token of Ana's for its statuses.
fn setup<'w>(world: &'w World, gitea: &Gitea, token: &str) -> (Setup<'w>, Clone<'w>) {
    let setup = Setup { world, repo: gitea.repository("production"), folder: world.path("running") };
    let file = secret(world, "gitea.token", token);
    let announce = format!(
        "announce:\n  - gitea: {{url: \"{}\", repository: ops/production, token_file: {}}}\n",
        gitea.address(),
        file.display()
    );
    setup.install(&format!("server: gitea\n{}{announce}", setup.configuration())).succeeds();
    let clone = world.clone(gitea.url("ana"), "clone");
    (setup, clone)
}

/// A push whose deployment has begun and stands still, and its worker.
#[track_caller]
fn begins(setup: &Setup, ana: &Clone, failpoints: &str) -> (Running, u32) {
    setup.world.set_env("FAILPOINTS", &format!("planned=1*return(stop);{failpoints}"));
    let push = spawn(ana.git_command(&["push", "origin", "main"]));
    let worker = setup.stopped(&["hook", "worker"]);
    setup.world.remove_env("FAILPOINTS");
    (push, worker)
}

/// The one status that a commit has for the environment, which is what Gitea shows.
fn newest(gitea: &Gitea, revision: &str) -> Option<[String; 3]> {
    let answer =
        gitea.api("ana", "GET", &format!("repos/ops/production/commits/{revision}/status"), None).json();
    let all = answer["statuses"].as_array().cloned().unwrap_or_default();
    let text = |name: &str| all.first().map(|one| one[name].as_str().unwrap_or_default().to_owned());
    assert!(all.len() < 2, "{answer}");
    Some([text("status")?, text("context")?, text("description")?])
}

fn status(state: &str, description: &str) -> [String; 3] {
    [state, "instate/production", description].map(ToOwned::to_owned)
}

#[test]
fn a_commit_is_pending_while_it_is_deployed_and_then_says_how_that_went() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let (setup, ana) = setup(&world, &gitea, &gitea.token("ana", "write:repository"));
    let first = revision(&ana, 3);
    let (push, worker) = begins(&setup, &ana, "");
    setup.until("it is pending", || newest(&gitea, &first) == Some(status("pending", "deploying")));
    go_on(worker);
    push.finish().succeeds();
    let deployed = status("success", "deployed: 1 created");
    setup.until("it is deployed", || newest(&gitea, &first) == Some(deployed.clone()));

    let second = revision(&ana, 4);
    cancelled(&setup, &ana);
    setup.until("it has failed", || newest(&gitea, &second).is_some_and(|newest| newest[0] == "failure"));
    assert!(newest(&gitea, &second).unwrap()[2].starts_with("failed: cancelled by"));
    assert_eq!(log(&setup), "");
    // Of a commit that it has not Gitea says so, and that is tried for a day.
    let path = format!("repos/ops/production/statuses/{}", "1".repeat(40));
    let body = serde_json::json!({"state": "success", "context": "instate/production"});
    assert_eq!(gitea.api("ana", "POST", &path, Some(&body)).code, 500);
}

#[test]
fn a_status_arrives_although_gitea_was_away_when_the_deployment_ended() {
    let world = World::new();
    let mut gitea = Gitea::start(&world);
    let (setup, ana) = setup(&world, &gitea, &gitea.token("ana", "write:repository"));
    let first = revision(&ana, 3);
    let (push, worker) = begins(&setup, &ana, QUICK);
    setup.until("it is pending", || newest(&gitea, &first) == Some(status("pending", "deploying")));
    // Gitea alone: nobody who deploys is its child any more.
    let port = gitea.address().rsplit(':').next().unwrap().parse().unwrap();
    signal(gitea.id(), Signal::KILL);
    push.finish();
    go_on(worker);
    setup.until("it runs", || setup.deployed().as_ref() == Some(&first));
    setup.until("it was tried", || log(&setup).contains("tried again for a day"));
    // Somebody who says that it is away, as a proxy does.
    let proxy = Receiver::start_at(port, vec![Reply::With(502, "", ""); 9999]);
    let tries = proxy.hears(3);
    assert!(tries.iter().all(|heard| heard.json()["state"] == "success"), "{tries:?}");
    assert!(!waiting(&setup).is_empty());
    drop(proxy);
    gitea.come_up();
    let deployed = status("success", "deployed: 1 created");
    setup.until("it is deployed", || newest(&gitea, &first) == Some(deployed.clone()));
    setup.until("nothing waits", || waiting(&setup).is_empty());
    assert_eq!(gitea.statuses(&first).len(), 2);
}

#[test]
fn a_token_that_gitea_does_not_take_is_a_line_in_the_log_and_nothing_else() {
    let world = World::new();
    let gitea = Gitea::start(&world);
    let wrong = "0123456789abcdef0123456789abcdef01234567";
    let (setup, ana) = setup(&world, &gitea, wrong);
    let first = revision(&ana, 3);
    let pushed = ana.push(&["origin", "main"]).succeeds();
    assert!(crate::common::said(&pushed, "deployed: production runs"), "{pushed}");
    setup.until("it is given up", || waiting(&setup).is_empty());
    assert_eq!(newest(&gitea, &first), None);
    let lines = log(&setup);
    let last = lines.lines().last().expect("there is one");
    assert!(last.contains("ended: given up: it answers 401 Unauthorized"), "{lines}");
    assert!(!lines.contains(wrong) && !pushed.all().contains(wrong), "{lines}");
}
