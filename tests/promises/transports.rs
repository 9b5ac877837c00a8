//! The same pushes over a path, ssh and http: whoever pushes sees the same lines, as they are said.

use crate::common::{Clone, Httpd, Output, Setup, Sshd, WEB, World, go_on, spawn};

#[test]
fn a_push_over_a_path_is_refused_deployed_or_reverted_and_says_so() {
    let world = World::new();
    let setup = Setup::new(&world);
    let url = setup.repo.display().to_string();
    pushes(&setup, &url, &world.account());
}

#[test]
fn a_push_over_ssh_is_refused_deployed_or_reverted_and_says_so() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ssh = Sshd::start(&world);
    pushes(&setup, &ssh.url(&setup.repo), &format!("{} from 127.0.0.1", world.account()));
}

#[test]
fn a_push_over_http_is_refused_deployed_or_reverted_and_says_so() {
    let world = World::new();
    let setup = Setup::new(&world);
    let http = Httpd::start(&world, world.root());
    pushes(&setup, &http.url("production.git"), "ana from 127.0.0.1");
}

/// The snapshots have names, so that every transport is held to the same ones.
pub fn pushes(setup: &Setup, url: &str, who: &str) {
    let ana = setup.world.clone(url, "ana");
    ana.write("web.yaml", WEB);
    let first = ana.commit("Two replicas");
    let pushed = push(&ana, 0);
    insta::assert_snapshot!("first", pushed.remote_lines().join("\n"));
    setup.idle();
    runs(setup, &first, who);
    let two = setup.running();

    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: [3"));
    let broken = ana.commit("Three replicas");
    let pushed = push(&ana, 1);
    insta::assert_snapshot!("refused", pushed.remote_lines().join("\n"));
    assert!(pushed.stderr.contains("main -> main (pre-receive hook declined)"), "{pushed}");
    setup.idle();
    assert_eq!(setup.note(&broken), "");
    runs(setup, &first, who);

    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    ana.git(&["commit", "--quiet", "--all", "--amend", "--no-edit"]).succeeds();
    let pushed = push(&ana, 0);
    insta::assert_snapshot!("deployed", pushed.remote_lines().join("\n"));
    setup.idle();
    runs(setup, &head(&ana), who);
    assert!(setup.running()["web.yaml"].contains("replicas: 3"));

    ana.git(&["revert", "--no-edit", "HEAD"]).succeeds();
    let pushed = push(&ana, 0);
    insta::assert_snapshot!("reverted", pushed.remote_lines().join("\n"));
    setup.idle();
    runs(setup, &head(&ana), who);
    assert_eq!(setup.running(), two);
}

#[track_caller]
fn push(ana: &Clone, code: i32) -> Output {
    let pushed = ana.push(&["origin", "main"]);
    assert_eq!(pushed.code, Some(code), "{pushed}");
    fit_for_a_terminal(&pushed);
    pushed
}

fn head(ana: &Clone) -> String {
    ana.git(&["rev-parse", "HEAD"]).succeeds().stdout.trim_end().to_owned()
}

/// The branch, the record and the folder agree on `revision`, and the note names who pushed it.
#[track_caller]
fn runs(setup: &Setup, revision: &str, who: &str) {
    assert_eq!(setup.tip("refs/heads/main").as_deref(), Some(revision));
    assert_eq!(setup.deployed().as_deref(), Some(revision));
    assert_eq!(setup.outcomes(revision), ["production deployed"]);
    let note = setup.note(revision);
    assert!(note.contains(&format!("\nWho: {who}\n")), "{who} is not in: {note}");
    setup.agrees();
}

/// No line is wider than the terminal, but where a word alone is; a file's name is one word. What could
/// move the cursor or hide text is not there.
#[track_caller]
fn fit_for_a_terminal(pushed: &Output) {
    let lines = pushed.remote_lines();
    assert!(!lines.is_empty(), "{pushed}");
    for line in &lines {
        let word = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
        let fits = line.chars().count() <= 72 || word > 72 - "instate: ".len();
        assert!(fits, "{} columns: {line}", line.chars().count());
        let strange = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{206f}' | '\u{feff}');
        assert!(!line.contains(strange), "{line:?}");
    }
}

#[test]
fn lines_come_over_a_path_while_the_deployment_still_runs() {
    let world = World::new();
    let setup = Setup::new(&world);
    streams(&setup, &setup.repo.display().to_string());
}

#[test]
fn lines_come_over_ssh_while_the_deployment_still_runs() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ssh = Sshd::start(&world);
    streams(&setup, &ssh.url(&setup.repo));
}

#[test]
fn lines_come_over_http_while_the_deployment_still_runs() {
    let world = World::new();
    let setup = Setup::new(&world);
    let http = Httpd::start(&world, world.root());
    streams(&setup, &http.url("production.git"));
}

pub fn streams(setup: &Setup, url: &str) {
    let ana = setup.world.clone(url, "ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");
    setup.world.set_env("FAILPOINTS", "planned=return(stop)");
    let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
    pushing.wait_for("  create web.yaml (Deployment/web)");
    let worker = setup.stopped(&["hook", "worker"]);
    assert_eq!(setup.tip("refs/heads/main").as_ref(), Some(&revision));
    assert_eq!(setup.deployed(), None);
    assert!(!setup.folder.exists());
    go_on(worker);
    let pushed = pushing.finish().succeeds();
    let lines = pushed.remote_lines();
    assert!(lines.last().is_some_and(|line| line.contains("deployed: production runs")), "{pushed}");
    assert_eq!(setup.deployed(), Some(revision));
}

#[test]
fn no_name_and_no_text_of_a_push_can_widen_a_line_or_move_the_cursor() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let object = |name: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: a-namespace}}\n")
    };
    let names: Vec<String> =
        (0..9).map(|n| format!("a-config-map-with-quite-a-name-of-its-own-{n}")).collect();
    let many: Vec<String> = names.iter().map(|name| object(name)).collect();
    ana.write("shop/frontend/settings/all-of-them.yaml", many.join("---\n"));
    let long = "long-".repeat(20);
    ana.write(format!("{long}/{long}.yaml"), object("long"));
    ana.commit("long names");
    push(&ana, 0);

    for (file, text) in [
        ("bold\u{1b}[1m.yaml", "a: [\u{1b}[31m\n".to_owned()),
        ("right\u{202e}to\u{200b}left.yaml", "a: \u{202e}\"b\n".to_owned()),
        ("line\nbreak\r.yaml", "a: b\n\ta\u{7}: c\n".to_owned()),
        ("wide.yaml", format!("{{{}: [1, 2}}\n", "x ".repeat(400))),
        ("deep.yaml", format!("a: \"{}\" b\n", "word ".repeat(13))),
        ("same.yaml", format!("{long}: 1\n{long}: 2\n")),
        ("kind.yaml", format!("apiVersion: v1\nkind: {}\n", "Kind".repeat(60))),
    ] {
        ana.write(file, text);
    }
    ana.commit("hostile");
    push(&ana, 1);
    let branches: Vec<String> = (0..300).map(|n| format!("HEAD:refs/heads/a-branch-{n}")).collect();
    let all = ["push", "origin", "main"].into_iter().chain(branches.iter().map(String::as_str));
    let pushed = ana.git(&all.collect::<Vec<_>>());
    assert_eq!(pushed.code, Some(1), "{pushed}");
    fit_for_a_terminal(&pushed);
    let head = pushed.remote_lines().into_iter().take(6).collect::<Vec<_>>();
    insta::assert_snapshot!(head.join("\n"));
}
