//! No Secret's value is ever shown or recorded, whoever repeats it.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::Production;
use crate::common::{Output, Webhook, World, eventually, spawn};

const PASSWORD: &str = "correct-horse-battery";
const TOKEN: &str = "tr0ub4dor\"&3%s\\n";
const KEY: [&str; 2] = ["MIIEvQIBADANBgkqhkiG9w0BAQ", "AoIBAQC7VJTUt9Us8cKjMzEfYy"];
/// What was there before it was changed.
const FORMER: &str = "password-of-last-year";

fn secret(password: &str) -> String {
    format!(
        "apiVersion: v1
kind: Secret
metadata:
  name: database
data:
  password: {}
stringData:
  token: '{TOKEN}'
  key.pem: |
    -----BEGIN PRIVATE KEY-----
    {}
    {}
    -----END PRIVATE KEY-----
",
        BASE64_STANDARD.encode(password),
        KEY[0],
        KEY[1],
    )
}

/// One Pod whose container writes what the cluster was told, and is never ready.
const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
      annotations: {test.instate.dev/behave: never-ready}
    spec:
      containers:
      - {name: tells, image: 'web:1'}
";

/// Every form in which a value may be met.
fn forms() -> Vec<String> {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n", KEY[0], KEY[1]);
    let mut forms: Vec<String> = [PASSWORD, FORMER, TOKEN, &pem].map(|v| BASE64_STANDARD.encode(v)).into();
    forms.extend([PASSWORD, FORMER, TOKEN, KEY[0], KEY[1]].map(ToOwned::to_owned));
    // As JSON and Go have it in quotes.
    forms.push(TOKEN.escape_debug().to_string());
    forms
}

#[track_caller]
fn holds_none(what: &str, text: &str) {
    for form in forms() {
        // A part of it would do.
        let part = &form[..form.len().min(12)];
        assert!(!text.contains(part), "{what} holds {part}, of {form}:\n{text}");
    }
}

/// Searches what a person saw, all that was recorded, and all that the commands show.
#[track_caller]
fn nowhere(production: &Production<'_>, seen: &[&Output]) {
    for output in seen {
        holds_none("the output", &output.all());
    }
    for arguments in [
        &["status"][..],
        &["status", "--format", "json"],
        &["log"],
        &["log", "--format", "json"],
        &["plan"],
        &["plan", "--format", "json"],
        &["check"],
        &["check", "--format", "json"],
        &["deploy", "--format", "json"],
    ] {
        holds_none(&arguments.join(" "), &production.instate(arguments).all());
        production.idle();
    }
    let notes = production.world.git(&production.repo, &["log", "--patch", "refs/notes/instate"]).succeeds();
    holds_none("the notes", &notes.all());
    files(&production.repo.join("instate"));
    let kept = production.namespace.kubectl(&["get", "configmaps,leases,events", "--output=json"]).succeeds();
    // What the test itself has put there is not instate's.
    let own: String = kept.stdout.lines().filter(|line| !line.contains("the test says")).collect();
    holds_none("the cluster", &own);
}

#[track_caller]
fn files(folder: &Path) {
    let entries: Vec<_> = fs::read_dir(folder).expect("because it is the record").flatten().collect();
    assert!(!entries.is_empty(), "{} holds nothing that could be searched", folder.display());
    for path in entries.into_iter().map(|entry| entry.path()) {
        if path.is_dir() {
            files(&path);
        } else {
            let text = fs::read(&path).expect("because it is ours");
            holds_none(&path.display().to_string(), &String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn a_secret_is_deployed_and_its_values_are_nowhere_but_in_it() {
    let world = World::new();
    let production = Production::new(&world);
    production.commit(&[("secret.yaml", &secret(FORMER))]);
    let first = production.push().succeeds();
    production.commit(&[("secret.yaml", &secret(PASSWORD))]);
    production.ana.push(&["origin", "HEAD:refs/heads/next"]).succeeds();
    let plan = production.instate(&["plan", "next"]).succeeds();
    insta::assert_snapshot!(plan.stdout);
    let json = production.instate(&["plan", "next", "--format", "json"]).succeeds();
    let second = production.push().succeeds();
    insta::assert_snapshot!(production.seen(&second));
    nowhere(&production, &[&first, &plan, &json, &second]);
    let live = production.namespace.get(&["secret", "database"]);
    assert_eq!(live["data"]["password"], BASE64_STANDARD.encode(PASSWORD), "{live}");
}

#[test]
fn a_secret_that_is_refused_is_not_repeated() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("secret.yaml", &secret(FORMER))]);
    let mut pushed = Vec::new();
    for (name, from, to) in [
        ("plain", BASE64_STANDARD.encode(PASSWORD), format!("{PASSWORD}!")),
        ("list", BASE64_STANDARD.encode(PASSWORD), format!("[{PASSWORD}]")),
        ("map", "token: '".to_owned(), format!("token: {{{PASSWORD}: x}}\n  other: '")),
        ("unknown_field", "stringData:".to_owned(), format!("datas: {PASSWORD}\nstringData:")),
        ("bad_key", "token: '".to_owned(), format!("'{PASSWORD} {}': x\n  token: '", KEY[0])),
        ("number", "token: '".to_owned(), "pin: 80070515000\n  token: '".to_owned()),
        ("syntax", "key.pem: |".to_owned(), format!("key.pem: \"{PASSWORD}")),
        ("unchangeable_type", "kind: Secret".to_owned(), "kind: Secret\ntype: kubernetes.io/tls".to_owned()),
    ] {
        let text = secret(PASSWORD);
        assert!(text.contains(&from), "{name}");
        production.commit(&[("secret.yaml", &text.replacen(&from, &to, 1))]);
        let output = production.push();
        assert_eq!(output.code, Some(1), "{name}: {output}");
        let seen = production.seen(&output);
        assert!(!seen.contains("80070515000"), "{seen}");
        holds_none(name, &seen);
        insta::assert_snapshot!(name, seen);
        production.ana.git(&["reset", "--quiet", "--hard", "HEAD^"]).succeeds();
        pushed.push(output);
    }
    let new = secret(PASSWORD).replace("name: database", "name: other");
    let new = new.replace(&BASE64_STANDARD.encode(PASSWORD), PASSWORD);
    production.commit(&[("other.yaml", &new)]);
    pushed.push(production.push());
    insta::assert_snapshot!("plain_and_new", production.seen(&pushed[pushed.len() - 1]));
    nowhere(&production, &pushed.iter().collect::<Vec<_>>());
}

#[test]
fn a_secret_that_a_webhook_repeats_is_not_repeated() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("secret.yaml", &secret(FORMER))]);
    let refuse = |code: &str| {
        let labels = format!("  name: database\n  labels: {{test.instate.dev/refuse: \"{code}\"}}\n");
        secret(PASSWORD).replace("  name: database\n", &labels)
    };
    let webhook = Webhook::of(&production.namespace);
    let mut refused = Vec::new();
    for code in ["500", "yes"] {
        production.commit(&[("secret.yaml", &refuse(code))]);
        let pushed = production.push();
        assert_eq!(pushed.code, Some(1), "{pushed}");
        insta::assert_snapshot!(format!("webhook_{code}"), production.seen(&pushed));
        refused.push(pushed);
    }
    nowhere(&production, &refused.iter().collect::<Vec<_>>());
    drop(webhook);
    // Neither when it is heard only after the push was accepted.
    let webhook = Webhook::that_acts(&production.namespace);
    let failed = production.push().succeeds();
    insta::assert_snapshot!(production.seen(&failed));
    nowhere(&production, &[&failed]);
    drop(webhook);
}

#[test]
fn a_secret_that_a_container_an_event_and_a_status_repeat_is_not_repeated() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "6s");
    let (token, pem) = (TOKEN, KEY.join("\\n"));
    let told = [
        format!("cannot log in with {PASSWORD}"),
        format!("nor with {} or {token:?}", BASE64_STANDARD.encode(PASSWORD)),
        format!("nor with {}", KEY[0]),
        format!("nor with \"{pem}\" and {FORMER}"),
        format!("nor with {token}; password=unheard-of"),
    ];
    production.cluster.tell(&told);
    production.deploys(&[("secret.yaml", &secret(FORMER))]);

    // What ran before is as secret as what runs.
    production.commit(&[("secret.yaml", &secret(PASSWORD)), ("web.yaml", WEB)]);
    let pushing = spawn(production.ana.git_command(&["push", "origin", "main"]));
    let mut pod = String::new();
    eventually("the container runs", || {
        let pods = production.namespace.get(&["pods"]);
        pod = pods["items"][0]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        pods["items"][0]["status"]["phase"] == "Running"
    });
    let event = serde_json::json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "repeats"}, "type": "Warning", "reason": "Repeats",
        "message": format!("the test says {PASSWORD}, {TOKEN} and {}", KEY[1]),
        "involvedObject": {"kind": "Deployment", "name": "web", "namespace": production.namespace.name()},
    });
    production.namespace.apply(&event.to_string(), &[]).succeeds();
    let message = format!("the test says {FORMER}, {PASSWORD} and {TOKEN:?}");
    let status = serde_json::json!({"status": {"containerStatuses": [{
        "name": "tells", "image": "web:1", "imageID": "", "ready": false, "restartCount": 1,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": message}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": message}},
    }]}});
    let patch =
        ["patch", "pod", &pod, "--subresource=status", "--type=merge", "--patch", &status.to_string()];
    production.namespace.kubectl(&patch).succeeds();
    let failed = pushing.finish().succeeds();
    production.idle();
    let seen = production.seen(&failed);
    insta::assert_snapshot!(seen);
    nowhere(&production, &[&failed]);

    // Also not once the Secret is taken away.
    production.ana.git(&["rm", "--quiet", "secret.yaml"]).succeeds();
    production.cluster.tell(&told[..3]);
    production.commit(&[("web.yaml", &WEB.replace("web:1", "web:2"))]);
    let taken = production.push().succeeds();
    insta::assert_snapshot!(production.seen(&taken));
    nowhere(&production, &[&taken]);
}
