//! Deployments are announced where people look: it delays nothing, survives what dies, and shows no secret.

mod deaths;
mod gitea;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::common::{Clone, Heard, Output, Receiver, Reply, Setup, WEB, World, go_on, run, spawn};

/// A secret as Standard Webhooks has them.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Pauses are short, so that nobody waits for them.
const QUICK: &str = "announce-pause=return(20)";

/// Writes a file that nobody else reads.
pub(crate) fn secret(world: &World, name: &str, text: &str) -> PathBuf {
    let path = world.path(name);
    fs::write(&path, format!("{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn webhook(world: &World, receiver: &Receiver) -> String {
    let file = secret(world, "webhook.secret", SECRET);
    format!("  - webhook: {{url: \"{}\", secret_file: {}}}\n", receiver.url("/hooks/instate"), file.display())
}

/// Configures who hears of deployments.
fn announce(setup: &Setup, destinations: &str) {
    setup.configure(&format!("{}announce:\n{destinations}", setup.configuration()));
}

/// A revision, pushed with failpoints on the server's side.
#[track_caller]
fn pushed_at(setup: &Setup, ana: &Clone, replicas: u8, failpoints: &str) -> (String, Output) {
    let revision = revision(ana, replicas);
    let output = setup.push_at(ana, failpoints).finish().succeeds();
    (revision, output)
}

fn revision(ana: &Clone, replicas: u8) -> String {
    ana.write("web.yaml", WEB.replace("replicas: 2", &format!("replicas: {replicas}")));
    ana.commit(&format!("{replicas} replicas"))
}

/// A push whose deployment goes on when it was said that it has begun, with failpoints for whoever says it.
#[track_caller]
fn deployed_after_a_word(
    setup: &Setup,
    ana: &Clone,
    receiver: &Receiver,
    failpoints: &str,
) -> (String, Output) {
    let (before, revision) = (receiver.heard().len(), revision(ana, 3));
    let push = setup.push_at(ana, &format!("planned=1*return(stop);{failpoints}"));
    let worker = setup.stopped(&["hook", "worker"]);
    receiver.hears(before + 1);
    setup.until("it was taken", || waiting(setup).is_empty());
    go_on(worker);
    (revision, push.finish().succeeds())
}

/// A push whose deployment somebody gives up.
#[track_caller]
fn cancelled(setup: &Setup, ana: &Clone) {
    let world = setup.world;
    world.set_env("FAILPOINTS", "worker-locked=1*return(stop)");
    let push = spawn(ana.git_command(&["push", "origin", "main"]));
    let worker = setup.stopped(&["hook", "worker"]);
    world.remove_env("FAILPOINTS");
    let cancelling = spawn(setup.command(&["cancel"]));
    setup.until("it was asked for", || {
        let asked = setup.repo.join("instate/cancel").read_dir();
        asked.is_ok_and(|all| all.flatten().any(|one| one.path().extension().is_none()))
    });
    go_on(worker);
    cancelling.finish();
    push.finish();
}

fn log(setup: &Setup) -> String {
    fs::read_to_string(setup.repo.join("instate/announce.log")).unwrap_or_default()
}

/// The log without its times, and without what differs from run to run.
fn log_shown(setup: &Setup, receiver: &Receiver, revision: &str) -> String {
    let lines = log(setup);
    let lines = lines.lines().map(|line| line.split_once(' ').expect("it has a time").1);
    let text: Vec<&str> = lines.collect();
    let text = text.join("\n").replace(&format!(":{}", receiver.port()), ":PORT");
    setup.world.redact(&text).replace(&revision[..7], "1a2b3c4")
}

/// What waits to be said.
fn waiting(setup: &Setup) -> Vec<PathBuf> {
    let folders = fs::read_dir(setup.repo.join("instate/outbox")).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap().flatten());
    let paths = files.map(|file| file.path());
    // One that is being written is there already.
    paths.filter(|path| path.extension().is_none_or(|end| end != "new")).collect()
}

fn all_is_said(setup: &Setup) {
    setup.until("all is said", || waiting(setup).is_empty());
    setup.at_rest();
}

fn id(heard: &Heard) -> String {
    heard.header("webhook-id").to_owned()
}

fn kind(heard: &Heard) -> String {
    heard.json()["type"].as_str().unwrap_or_default().to_owned()
}

/// HMAC-SHA-256 by coreutils, as RFC 2104 has it.
fn hmac(world: &World, key: &[u8], message: &[u8]) -> Vec<u8> {
    let hash = |bytes: &[u8]| {
        let file = world.path("hashed");
        fs::write(&file, bytes).unwrap();
        let mut sum = world.command("sha256sum");
        sum.arg(&file);
        let hex = run(sum).succeeds().stdout;
        let byte = |n: usize| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap();
        (0..32).map(byte).collect::<Vec<u8>>()
    };
    let padded = |pad: u8| (0..64).map(|n| key.get(n).unwrap_or(&0) ^ pad).collect::<Vec<u8>>();
    hash(&[padded(0x5c), hash(&[padded(0x36), message.to_vec()].concat())].concat())
}

#[track_caller]
fn is_signed(world: &World, heard: &Heard) {
    let key = BASE64_STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let (id, time) = (heard.header("webhook-id"), heard.header("webhook-timestamp"));
    let expected = hmac(world, &key, format!("{id}.{time}.{}", heard.body).as_bytes());
    assert_eq!(heard.header("webhook-signature"), format!("v1,{}", BASE64_STANDARD.encode(expected)));
    let now = jiff::Timestamp::now().as_second();
    assert!((now - time.parse::<i64>().unwrap()).abs() < 300, "{heard:?}");
}

/// Neither the program nor its files say a secret.
#[track_caller]
fn is_nowhere(setup: &Setup, secrets: &[&str], outputs: &[&Output]) {
    fn texts(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                texts(&path, found);
            } else {
                found.push((path.clone(), String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()));
            }
        }
    }
    let mut found = Vec::new();
    texts(&setup.repo, &mut found);
    for secret in secrets {
        let file = found.iter().find(|(_, text)| text.contains(secret));
        assert!(file.is_none(), "{secret} is in {}", file.unwrap().0.display());
        assert!(outputs.iter().all(|output| !output.all().contains(secret)), "{outputs:?}");
    }
}

#[test]
fn a_deployment_is_announced_when_it_begins_and_when_it_has_ended_and_each_is_signed() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, first) = setup.runs_web();
    let receiver = Receiver::start([]);
    announce(&setup, &webhook(&world, &receiver));
    let revision = revision(&ana, 3);
    let push = setup.push_at(&ana, "planned=return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    // It stands still, and that it began is said.
    receiver.hears(1);
    go_on(worker);
    setup.at_rest();
    let output = push.finish().succeeds();
    let heard = receiver.hears(2);
    let who = world.account();
    let shown: Vec<String> = heard
        .iter()
        .map(|heard| {
            is_signed(&world, heard);
            let raw = heard.raw().replace(&revision, "REVISION").replace(&first, "FIRST");
            let deployment = heard.json()["data"]["id"].as_str().unwrap().to_owned();
            let raw = raw.replace(&format!("\"{who}\""), "\"WHO\"").replace(&deployment, "DEPLOYMENT");
            raw.replace(env!("CARGO_PKG_VERSION"), "VERSION")
        })
        .collect();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME");
    settings.add_filter(r"webhook-timestamp: \d+", "webhook-timestamp: SECONDS");
    settings.add_filter(r"webhook-signature: v1,\S+", "webhook-signature: v1,SIGNATURE");
    settings.add_filter(r"-webhook-[0-9a-f]{8}", "-webhook-RECEIVER");
    settings.add_filter(r"content-length: \d+", "content-length: LENGTH");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT");
    settings.bind(|| insta::assert_snapshot!(shown.join("\n\n")));
    assert_eq!(log(&setup), "");
    is_nowhere(&setup, &[SECRET], &[&output]);
    // Nothing is said twice.
    setup.instate(&["resume"]).succeeds();
    setup.at_rest();
    assert_eq!(receiver.heard().len(), 2);
}

#[test]
fn a_receiver_that_hangs_delays_neither_the_push_nor_another_receiver() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (hanging, other) = (Receiver::start(vec![Reply::Hang; 9]), Receiver::start([]));
    announce(&setup, &(webhook(&world, &hanging) + &webhook(&world, &other)));
    let ana = setup.clone("ana");
    let (revision, _) = pushed_at(&setup, &ana, 3, "announce-timeout=return(100000)");
    // It was told, and whoever tells it waits still.
    hanging.hears(1);
    assert!(hanging.is_waited_for());
    assert_eq!(setup.deployed(), Some(revision));
    let ended = |heard: &[Heard]| heard.iter().any(|heard| kind(heard) == "deployment.ended");
    other.until("the end of the deployment", ended);
    assert!(hanging.is_waited_for());
    assert_eq!(hanging.heard().len(), 1);
    // The next push does not wait either, nor does what it says reach the one who hangs before its time.
    let (revision, _) = pushed_at(&setup, &ana, 4, "");
    other.until("the next", |heard| {
        heard
            .iter()
            .any(|heard| heard.json()["data"]["revision"] == revision && kind(heard) == "deployment.ended")
    });
    assert!(hanging.is_waited_for());
    assert_eq!(hanging.heard().len(), 1);
}

#[test]
fn a_receiver_that_does_not_answer_in_time_is_told_again() {
    let world = World::new();
    let setup = Setup::new(&world);
    let receiver = Receiver::start([Reply::Hang]);
    announce(&setup, &webhook(&world, &receiver));
    let ana = setup.clone("ana");
    // That the deployment began is not sent in time, and then not any more.
    let (revision, _) = pushed_at(&setup, &ana, 3, &format!("{QUICK};announce-timeout=return(300)"));
    all_is_said(&setup);
    let heard = receiver.heard();
    assert_eq!(kind(heard.last().unwrap()), "deployment.ended");
    insta::assert_snapshot!(log_shown(&setup, &receiver, &revision));
}

#[test]
fn what_is_not_taken_is_said_again_under_the_same_name_until_it_is() {
    use Reply::{Endless, Noise, Nothing, With};
    let mut said = Vec::new();
    for (name, replies) in [
        ("failing", [With(500, "", ""), With(500, "", "")]),
        ("gateway", [With(502, "", "<html>no</html>"), With(503, "", r#"{"message":"soon"}"#)]),
        ("busy", [With(408, "", ""), With(429, "Retry-After: 1\r\n", "")]),
        ("noise", [Noise, Nothing]),
        ("endless", [Endless(500), Endless(503)]),
    ] {
        let world = World::new();
        let setup = Setup::new(&world);
        let ana = setup.clone("ana");
        let taken = With(204, "", "");
        let receiver = Receiver::start([&[taken][..], &replies].concat());
        announce(&setup, &webhook(&world, &receiver));
        let (revision, _) = deployed_after_a_word(&setup, &ana, &receiver, QUICK);
        all_is_said(&setup);
        let heard = receiver.heard();
        assert_eq!(heard.len(), 4, "{name}");
        for again in &heard[1..] {
            assert_eq!((kind(again), id(again)), ("deployment.ended".into(), id(&heard[1])), "{name}");
            assert_eq!(again.body, heard[1].body, "{name}");
            is_signed(&world, again);
        }
        assert_ne!(id(&heard[0]), id(&heard[1]), "{name}");
        if name == "busy" {
            // It asked for a second, and whoever says it has much shorter pauses.
            assert!(heard[3].at - heard[2].at >= Duration::from_secs(1));
        }
        said.push(format!("{name}:\n{}", log_shown(&setup, &receiver, &revision)));
    }
    insta::assert_snapshot!(said.join("\n\n"));
}

#[test]
fn what_will_never_be_taken_is_given_up_at_once_with_a_line_that_says_why() {
    use Reply::{Endless, With};
    let mut said = Vec::new();
    for (name, reply) in [
        ("refused", With(401, "", r#"{"message":"who is \u001b[31mthis?"}"#)),
        ("echo", With(400, "", r#"{"message":"wrong: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}"#)),
        ("gone", With(410, "", "")),
        ("endless", Endless(403)),
        ("elsewhere", With(302, "Location: http://127.0.0.1:1/\r\n", "")),
    ] {
        let world = World::new();
        let setup = Setup::new(&world);
        let ana = setup.clone("ana");
        let elsewhere = Receiver::start([]);
        let reply = match reply {
            With(302, ..) => With(307, format!("Location: {}\r\n", elsewhere.url("/stolen")).leak(), ""),
            other => other,
        };
        let receiver = Receiver::start([With(204, "", ""), reply]);
        announce(&setup, &webhook(&world, &receiver));
        let (revision, output) = deployed_after_a_word(&setup, &ana, &receiver, QUICK);
        all_is_said(&setup);
        assert_eq!(receiver.heard().len(), 2, "{name}");
        assert_eq!(elsewhere.heard().len(), 0, "{name}");
        is_nowhere(&setup, &[SECRET], &[&output]);
        // It does not keep the next one from being said.
        let (next, _) = pushed_at(&setup, &ana, 5, QUICK);
        receiver
            .until("the next", |heard| heard.iter().any(|heard| heard.json()["data"]["revision"] == next));
        said.push(format!("{name}: {}", log_shown(&setup, &receiver, &revision)));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn while_nobody_listens_status_says_so_and_what_waits_is_said_when_somebody_does() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let receiver = Receiver::start([]);
    let port = receiver.port();
    announce(&setup, &webhook(&world, &receiver));
    drop(receiver);
    let revisions: Vec<String> = (3..6).map(|replicas| pushed_at(&setup, &ana, replicas, QUICK).0).collect();
    setup.until("it was tried", || log(&setup).contains("tried again"));
    setup.until("all are tried", || {
        !waiting(&setup).iter().any(|one| !fs::read_to_string(one).unwrap().contains("error"))
    });
    let status = setup.instate(&["status"]).succeeds();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT");
    let shown = world.redact(&status.stdout).replace(&revisions[2][..7], "1a2b3c4");
    let shown = shown.replace(&format!("by {}", world.account()), "by WHO");
    settings.bind(|| insta::assert_snapshot!(shown));
    let receiver = Receiver::start_at(port, []);
    all_is_said(&setup);
    let heard = receiver.heard();
    let ended: Vec<_> =
        heard.iter().map(|heard| (kind(heard), heard.json()["data"]["revision"].clone())).collect();
    let expected: Vec<_> =
        revisions.iter().map(|one| ("deployment.ended".to_owned(), one.as_str().into())).collect();
    assert_eq!(ended, expected, "of each how it ended, oldest first");
    assert!(!setup.instate(&["status"]).succeeds().stdout.contains("not announced"));
    insta::assert_snapshot!("nobody_listens_log", log_shown(&setup, &receiver, &revisions[0]));
}

#[test]
fn a_secret_that_others_can_read_is_not_used_until_that_is_mended_and_no_push_waits_for_it() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let receiver = Receiver::start([]);
    announce(&setup, &webhook(&world, &receiver));
    let file = world.path("webhook.secret");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (revision, output) = pushed_at(&setup, &ana, 3, QUICK);
    assert!(!output.all().contains("webhook"), "{output}");
    assert_eq!(setup.deployed(), Some(revision.clone()));
    let status = || setup.instate(&["status"]).succeeds();
    setup.until("status says so", || status().stdout.contains("is open to others than its owner"));
    let status = status();
    assert_eq!(receiver.heard().len(), 0);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    all_is_said(&setup);
    assert_eq!(kind(&receiver.heard()[0]), "deployment.ended");
    insta::assert_snapshot!(log_shown(&setup, &receiver, &revision));
    is_nowhere(&setup, &[SECRET], &[&output, &status]);
}

#[test]
fn of_every_commit_a_server_gets_the_newest_status_and_none_for_a_commit_that_it_does_not_know() {
    use Reply::With;
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let unknown = With(404, "", r#"{"message":"no such commit"}"#);
    let receiver = Receiver::start([]);
    let port = receiver.port();
    let token = secret(&world, "forgejo.token", "hunter2-of-forgejo");
    let forgejo = format!(
        "  - forgejo: {{url: \"{}\", repository: ops/production, token_file: {}}}\n",
        receiver.url(""),
        token.display()
    );
    announce(&setup, &forgejo);
    drop(receiver);
    let (first, one) = pushed_at(&setup, &ana, 3, QUICK);
    let (second, two) = pushed_at(&setup, &ana, 4, QUICK);
    setup.until("both wait", || waiting(&setup).len() == 2);
    // The same once more: a status that takes the place of the one that waits.
    let again = setup.instate(&["deploy"]).succeeds();
    assert_eq!(waiting(&setup).len(), 2);
    let receiver = Receiver::start_at(port, vec![unknown; 1]);
    all_is_said(&setup);
    let mut states: Vec<(String, String)> = receiver
        .heard()
        .iter()
        .map(|heard| (heard.line.clone(), heard.json()["state"].as_str().unwrap().to_owned()))
        .collect();
    // The one that was not known was said once more.
    states.sort();
    states.dedup();
    let line = |revision: &str| format!("POST /api/v1/repos/ops/production/statuses/{revision} HTTP/1.1");
    let mut expected = [(line(&first), "success".to_owned()), (line(&second), "success".to_owned())];
    expected.sort();
    assert_eq!(states, expected);
    assert_eq!(receiver.heard().len(), 3);
    // A commit that is never known is given up after a few times.
    drop(receiver);
    let _receiver = Receiver::start_at(port, vec![With(422, "", r#"{"message":"No commit found"}"#); 99]);
    let (third, three) = pushed_at(&setup, &ana, 5, "announce-pause=return(2)");
    all_is_said(&setup);
    assert!(
        log(&setup).contains(&format!("production {} ended: given up: it answers 422", &third[..7])),
        "{}",
        log(&setup)
    );
    is_nowhere(&setup, &["hunter2-of-forgejo"], &[&one, &two, &three, &again]);
}

#[test]
fn a_destination_that_is_taken_out_of_the_configuration_is_not_told_what_waited_for_it() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let (failing, other) = (Receiver::start(vec![Reply::With(500, "", ""); 9999]), Receiver::start([]));
    announce(&setup, &webhook(&world, &failing));
    pushed_at(&setup, &ana, 3, "");
    failing.hears(1);
    setup.idle();
    // Who sends sees at once that the configuration is another one, and goes by that.
    announce(&setup, &webhook(&world, &other));
    setup.until("it is removed", || log(&setup).contains("1 removed: it is in the configuration no more"));
    setup.at_rest();
    let before = failing.heard().len();
    let (revision, _) = pushed_at(&setup, &ana, 4, "");
    all_is_said(&setup);
    assert_eq!(failing.heard().len(), before);
    assert_eq!(other.heard().last().unwrap().json()["data"]["revision"], revision);
}

#[test]
fn how_an_attempt_went_is_announced_whether_the_branch_moves_or_not() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    let receiver = Receiver::start([]);
    setup.configure(&format!("{}announce:\n{}", setup.deployed_configuration(), webhook(&world, &receiver)));
    let moved = pushed_at(&setup, &ana, 3, "").0;
    all_is_said(&setup);
    let heard = receiver.heard();
    assert_eq!(heard.last().unwrap().json()["data"]["revision"], moved);
    assert_eq!(heard.last().unwrap().json()["data"]["outcome"], "deployed");
    let stays = revision(&ana, 4);
    cancelled(&setup, &ana);
    all_is_said(&setup);
    let last = receiver.heard().pop().unwrap().json();
    assert_eq!(
        (last["data"]["revision"].as_str(), last["data"]["outcome"].as_str()),
        (Some(&*stays), Some("failed"))
    );
    assert_eq!(last["data"]["unmoved"], true, "{last}");
}

#[test]
fn a_copy_of_a_repository_announces_nothing() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let receiver = Receiver::start([]);
    announce(&setup, &webhook(&world, &receiver));
    pushed_at(&setup, &ana, 3, "announcing=return(kill)");
    setup.at_rest();
    assert!(!waiting(&setup).is_empty());
    let copy = world.path("copy.git");
    let mut copying = world.command("cp");
    copying.arg("-R").arg(&setup.repo).arg(&copy);
    run(copying).succeeds();
    let mut resuming = world.instate();
    resuming.args(["resume", "--repo"]).arg(&copy);
    run(resuming);
    let said = || fs::read_to_string(copy.join("instate/announce.log")).unwrap_or_default();
    setup.until("it says why", || said().contains("is a copy of"));
    assert_eq!(receiver.heard().len(), 0);
}
