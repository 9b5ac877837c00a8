//! The first thing that a newcomer runs.

use std::fs;

use crate::common::{World, run, spawn};

#[test]
fn the_demo_shows_a_push_refused_one_deployed_and_one_reverted_and_leaves_nothing() {
    let world = World::new();
    let temporary = world.path("tmp");
    fs::create_dir(&temporary).expect("the world is ours");
    let mut command = world.instate();
    command.arg("demo").env("TMPDIR", &temporary);
    let shown = run(command).succeeds();
    assert_eq!(fs::read_dir(&temporary).expect("it is there").count(), 0);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"instate-demo-[0-9TZ]+-[0-9a-f]{8}", "instate-demo");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "(time)");
    settings.add_filter(r"Date: .*", "Date: (date)");
    settings.add_filter(r"\b[0-9a-f]{7}\b", "(id)");
    settings.add_filter(r"by uid \d+", "by (who)");
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
