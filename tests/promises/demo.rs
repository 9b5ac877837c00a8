//! The first thing that a newcomer runs.

use std::fs;

use crate::common::{Cluster, World, run, spawn};

/// What differs from run to run.
fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"instate-demo-([0-9TZ]+-)?[0-9a-f]{8}", "instate-demo");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "(time)");
    settings.add_filter(r"Date: .*", "Date: (date)");
    settings.add_filter(r"\b[0-9a-f]{7}\b", "(id)");
    settings.add_filter(r"(?m), by (\S+)$", ", by (who)");
    settings
}

#[test]
fn the_demo_shows_a_push_refused_one_deployed_and_one_reverted_and_leaves_nothing() {
    let world = World::new();
    let temporary = world.path("tmp");
    fs::create_dir(&temporary).expect("the world is ours");
    let mut command = world.instate();
    command.arg("demo").env("TMPDIR", &temporary);
    let shown = run(command).succeeds();
    assert_eq!(fs::read_dir(&temporary).expect("it is there").count(), 0);
    settings().bind(|| insta::assert_snapshot!(world.redact(&shown.all())));
}

#[test]
fn with_a_cluster_the_demo_runs_there_in_a_namespace_of_its_own_and_takes_it_away() {
    let (world, cluster) = (World::new(), Cluster::shared());
    let temporary = world.path("tmp");
    fs::create_dir(&temporary).expect("the world is ours");
    let mut command = world.instate();
    command.arg("demo").arg("--kubeconfig").arg(cluster.kubeconfig()).env("TMPDIR", &temporary);
    let mark = cluster.mark();
    let shown = run(command).succeeds();
    assert_eq!(fs::read_dir(&temporary).expect("it is there").count(), 0);
    let namespaces = cluster.get(&["namespaces"]).to_string();
    assert!(!namespaces.contains("instate-demo-"), "{namespaces}");
    // It is the only one that writes there, and it writes nowhere else.
    let elsewhere = cluster.requests_since(mark).into_iter().filter(|request| {
        let own = request.uri.contains("/instate-demo-") || request.uri.contains("shop-");
        request.is_of("instate/") && request.is_write() && !own
    });
    assert_eq!(elsewhere.map(|request| request.uri).collect::<Vec<_>>(), Vec::<String>::new());
    let mut settings = settings();
    settings.add_filter(&cluster.kubeconfig().display().to_string(), "(kubeconfig)");
    settings.bind(|| insta::assert_snapshot!(world.redact(&shown.all())));
}

#[test]
fn a_demo_that_is_killed_leaves_its_temporary_folder_and_nothing_else() {
    let world = World::new();
    let temporary = world.path("tmp");
    fs::create_dir(&temporary).expect("the world is ours");
    let mut command = world.instate();
    command.args(["demo", "--keep"]).env("TMPDIR", &temporary);
    let running = spawn(command);
    running.wait_for("Refused: nothing landed");
    drop(running);
    let left: Vec<_> = fs::read_dir(&temporary).expect("it is there").flatten().collect();
    assert_eq!(left.len(), 1);
    assert!(left[0].file_name().to_string_lossy().starts_with("instate-demo-"));
    assert_eq!(fs::read_dir(world.path("home")).expect("it is there").count(), 0);
}
