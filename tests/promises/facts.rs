//! What was measured of Git before the first line was written, held against the whole program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::Signal;

use crate::common::{Clone, Running, Setup, Sshd, WEB, World, children, go_on, run_unread, signal, spawn};

/// FACTS, Git 1: git ignores the exit code of post-receive, so words have to say how it ended.
#[test]
fn a_deployment_that_fails_is_said_in_words_though_the_push_succeeds() {
    let world = World::new();
    let setup = Setup { folder: world.path("srv/running"), ..Setup::bare(&world) };
    let (there, away) = (world.path("srv"), world.path("srv-away"));
    fs::create_dir(&there).expect("because the world is ours");
    setup.install(&setup.configuration()).succeeds();
    let (ana, revision) = someone(&setup);
    let (pushing, hook) = stopped_push(&setup, &ana, "intent-journalled");
    fs::rename(&there, &away).expect("because the world is ours");
    go_on(hook);
    let pushed = pushing.finish().succeeds();
    insta::assert_snapshot!(unbroken(&world, &pushed.remote_lines()));
    setup.idle();
    assert_eq!(setup.tip("refs/heads/main").as_ref(), Some(&revision));
    assert_eq!(setup.outcomes(&revision), ["production failed"]);
    assert!(setup.note(&revision).contains("\nReason: the server: cannot find the folder "));
    assert_eq!(setup.deployed(), None);

    fs::rename(&away, &there).expect("because the world is ours");
    setup.instate(&["deploy", "production"]).succeeds();
    assert_eq!(setup.outcomes(&revision), ["production failed", "production deployed"]);
    assert_eq!(setup.running()["web.yaml"], WEB);
}

/// FACTS, Git 3: when the client dies in pre-receive the ref still moves and post-receive never runs.
#[test]
fn a_push_whose_client_dies_before_the_branch_moved_is_deployed_without_anybodys_further_action() {
    for point in ["judged", "watcher-left"] {
        let world = World::new();
        let setup = Setup::bare(&world);
        let ran = world.path("post-receive-ran");
        world.hook(&setup.repo, "post-receive", &format!("#!/bin/sh\ntouch {}\n", ran.display()));
        setup.install(&setup.configuration()).succeeds();
        let ssh = Sshd::start(&world);
        let ana = world.clone(ssh.url(&setup.repo), "ana");
        ana.write("web.yaml", WEB);
        let revision = ana.commit("web");
        let (pushing, hook) = stopped_push(&setup, &ana, point);
        pushing.signal(Signal::KILL);
        setup.until("the server has closed the connection", || children(ssh.server().id()).is_empty());
        assert_eq!(setup.tip("refs/heads/main"), None);
        go_on(hook);
        setup.until("it runs", || setup.deployed().as_ref() == Some(&revision));
        setup.idle();
        setup.agrees();
        assert_eq!(setup.outcomes(&revision), ["production deployed"]);
        assert!(!ran.exists(), "post-receive ran, so this proves nothing");
    }
}

/// FACTS, Git 4: a hook that writes to a client which is gone can hang for ever.
#[test]
fn a_refusal_is_as_short_for_five_thousand_errors_as_for_thirty_and_waits_for_no_reader() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let revision = five_thousand_errors(&ana);
    let pushed = ana.push(&["origin", "main"]);
    assert_eq!(pushed.code, Some(1));
    assert!(pushed.stderr.contains("and 94 more lines"), "{pushed}");
    assert!(pushed.stderr.len() < 8192, "{} bytes", pushed.stderr.len());

    // A branch that nobody judges leaves the objects there, and the hook can be run by hand.
    ana.push(&["origin", "main:draft"]).succeeds();
    let mut hook = world.command(setup.repo.join("hooks/pre-receive"));
    hook.current_dir(&setup.repo).env("GIT_DIR", ".");
    let update = format!("{} {revision} refs/heads/main\n", "0".repeat(40));
    assert_eq!(run_unread(hook, &update), Some(1));
}

/// FACTS, Git 4: a hook that writes to a client which is gone can hang for ever.
#[test]
fn nothing_of_a_refused_push_is_left_where_the_client_was_stopped_or_killed() {
    for signal in [Signal::STOP, Signal::KILL] {
        let world = World::new();
        let setup = Setup::new(&world);
        let ssh = Sshd::start(&world);
        let ana = world.clone(ssh.url(&setup.repo), "ana");
        five_thousand_errors(&ana);
        let (pushing, hook) = stopped_push(&setup, &ana, "judging");
        pushing.signal(signal);
        if signal == Signal::KILL {
            setup.until("the connection is closed", || children(ssh.server().id()).is_empty());
        }
        go_on(hook);
        let repo = setup.repo.display().to_string();
        setup.until("hook and receive-pack end", || {
            setup.processes(&["hook", "pre-receive"]).is_empty()
                && setup.processes(&["receive-pack", &repo]).is_empty()
        });
        assert_eq!(setup.tip("refs/heads/main"), None);
    }
}

/// FACTS, Git 4: 300 KB of another hook to a dead client keep that hook and receive-pack for ever.
#[test]
fn another_hook_that_hangs_after_its_client_died_does_not_keep_a_revision_from_being_deployed() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let script = "#!/bin/sh\nkill -STOP $$\nhead -c 300000 /dev/zero | tr '\\0' '\\n' >&2\n";
    world.hook(&setup.repo, "post-receive", script);
    setup.install(&setup.configuration()).succeeds();
    let ssh = Sshd::start(&world);
    let ana = world.clone(ssh.url(&setup.repo), "ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");
    let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
    let other = setup.stopped(&["hooks/post-receive.before-instate"]);
    pushing.signal(Signal::KILL);
    setup.until("the connection is closed", || children(ssh.server().id()).is_empty());
    go_on(other);
    setup.until("it runs", || setup.deployed().as_ref() == Some(&revision));
    setup.agrees();
}

/// FACTS, Git 5: what inherits the hook's standard streams keeps the client waiting.
#[test]
fn a_worker_holds_nothing_that_a_client_waits_for() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, first) = someone(&setup);
    world.set_env("FAILPOINTS", "planned=return(stop)");
    let log = setup.repo.join("instate/worker.log").display().to_string();
    // Whoever runs the tests may have left something open for all.
    let ours = streams(std::process::id());
    let push = || {
        let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
        pushing.wait_for("web.yaml");
        let worker = setup.stopped(&["hook", "worker"]);
        for id in setup.workers() {
            let open = streams(id);
            assert_eq!(open[..3], ["/dev/null", "/dev/null", log.as_str()]);
            let shared = |name: &&String| {
                (name.starts_with("pipe:") || name.starts_with("socket:")) && !ours.contains(*name)
            };
            assert_eq!(open.iter().find(shared), None);
        }
        (pushing, worker)
    };

    let (pushing, worker) = push();
    signal(setup.processes(&["hook", "post-receive"])[0], Signal::TERM);
    let pushed = pushing.finish().succeeds();
    insta::assert_snapshot!(pushed.remote_lines().join("\n"));
    assert_eq!(setup.deployed(), None);
    go_on(worker);
    setup.idle();
    assert_eq!(setup.deployed(), Some(first));

    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    let second = ana.commit("Three replicas");
    let (pushing, worker) = push();
    pushing.signal(Signal::INT);
    assert_eq!(pushing.finish().code, None);
    go_on(worker);
    setup.idle();
    assert_eq!(setup.deployed(), Some(second));
    setup.agrees();
}

/// FACTS, Git 6 and 7: what is pushed is in a store of its own until it is accepted.
#[test]
fn a_push_is_read_packed_or_loose_and_a_refused_one_leaves_not_one_object() {
    for (limit, packed) in [("1", true), ("10000", false)] {
        let world = World::new();
        let setup = Setup::new(&world);
        world.git(&setup.repo, &["config", "receive.unpackLimit", limit]).succeeds();
        let (ana, _) = someone(&setup);
        ana.push(&["origin", "main"]).succeeds();
        setup.idle();
        let objects = setup.repo.join("objects");
        let before = files(&objects);

        ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: [3"));
        ana.commit("Broken");
        let (pushing, hook) = stopped_push(&setup, &ana, "judged");
        let quarantine: Vec<PathBuf> =
            files(&objects).into_iter().filter(|path| !before.contains(path)).collect();
        let has_pack = |path: &PathBuf| path.extension().is_some_and(|end| end == "pack");
        assert_eq!(quarantine.iter().any(has_pack), packed, "{quarantine:?}");
        assert!(!quarantine.iter().any(|path| path.ends_with("info/alternates")), "{quarantine:?}");
        go_on(hook);
        let pushed = pushing.finish();
        assert_eq!(pushed.code, Some(1));
        assert!(pushed.remote_lines().contains(&" 6 |   replicas: [3".to_owned()), "{pushed}");
        assert_eq!(files(&objects), before);

        ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
        ana.commit("Mended");
        ana.push(&["origin", "main"]).succeeds();
        setup.idle();
        setup.agrees();
        assert!(setup.running()["web.yaml"].contains("replicas: 3"));
        assert!(!objects.join("info/alternates").exists());
    }
}

/// FACTS, Git 7: gix obeys what is in `refs/replace/`.
#[test]
fn an_object_that_is_replaced_is_judged_deployed_and_recorded_as_it_is() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, first) = someone(&setup);
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    let note = setup.note(&first);
    // No push can do it; a mirror or an administrator can.
    let replace = |id: &str, by: &str| {
        let (id, by) = (id.trim(), by.trim());
        ana.push(&["--force", "origin", &format!("{by}:refs/tags/by-{by}")]).succeeds();
        world.git(&setup.repo, &["update-ref", &format!("refs/replace/{id}"), by]).succeeds();
    };
    let object = |name: &str| ana.git(&["rev-parse", name]).succeeds().stdout;
    let commit = |replicas: &str| {
        ana.write("web.yaml", WEB.replace("replicas: 2", replicas));
        ana.commit(replicas)
    };

    commit("replicas: [broken");
    replace(&object("HEAD:web.yaml"), &object(&format!("{first}:web.yaml")));
    assert_eq!(ana.push(&["origin", "main"]).code, Some(1));

    let evil = commit("replicas: 666");
    ana.git(&["reset", "--quiet", "--hard", &first]).succeeds();
    for (replicas, what) in [("replicas: 3", ":web.yaml"), ("replicas: 4", "")] {
        let revision = commit(replicas);
        replace(&object(&format!("HEAD{what}")), &object(&format!("{evil}{what}")));
        ana.push(&["origin", "main"]).succeeds();
        setup.idle();
        assert!(setup.running()["web.yaml"].contains(replicas));
        assert_eq!(setup.deployed(), Some(revision));
    }
    let listed = world.git(&setup.repo, &["notes", "--ref=instate", "list", &first]).succeeds().stdout;
    ana.write("forged", note.replace("Who: ", "Who: not "));
    let forged = ana.git(&["hash-object", "-w", "forged"]).succeeds().stdout;
    replace(&listed, &forged);
    assert!(setup.note(&first).contains("Who: not "), "git shows what is there, so this proves nothing");
    let log = setup.instate(&["log"]).succeeds().stdout;
    assert!(!log.contains("by not "), "{log}");
}

/// Somebody whose first commit holds one Deployment, not pushed yet.
pub fn someone<'w>(setup: &Setup<'w>) -> (Clone<'w>, String) {
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");
    (ana, revision)
}

/// Text whose line breaks depend on how long the names of a world's folders are.
pub fn unbroken(world: &World, lines: &[String]) -> String {
    let words: Vec<&str> = lines.iter().map(|line| line.trim_start_matches("instate: ")).collect();
    world.redact(&words.join(" "))
}

/// A push whose pre-receive has stopped itself.
fn stopped_push(setup: &Setup, ana: &Clone, point: &str) -> (Running, u32) {
    setup.world.set_env("FAILPOINTS", &format!("{point}=return(stop)"));
    let pushing = spawn(ana.git_command(&["push", "origin", "main"]));
    let hook = setup.stopped(&["hook", "pre-receive"]);
    setup.world.remove_env("FAILPOINTS");
    (pushing, hook)
}

fn five_thousand_errors(ana: &Clone) -> String {
    ana.write("many.yaml", "---\napiVersion: v1\nkind: ConfigMap\n".repeat(5000));
    ana.commit("5,000 objects without a name")
}

/// What a process has open, its standard streams first.
fn streams(id: u32) -> Vec<String> {
    let folder = PathBuf::from(format!("/proc/{id}/fd"));
    let entries = fs::read_dir(&folder).expect("because it is stopped or waits").flatten();
    let mut numbers: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    let open = |number: &u32| fs::read_link(folder.join(number.to_string())).ok();
    numbers.iter().filter_map(open).map(|path| path.display().to_string()).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for path in fs::read_dir(folder).expect("because nobody removes it").flatten().map(|e| e.path()) {
            if path.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
