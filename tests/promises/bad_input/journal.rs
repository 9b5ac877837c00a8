use std::fs;

use super::{running_web, shut};
use crate::common::{World, run, shop::printed};

#[test]
fn a_journal_with_a_torn_end_goes_on() {
    let world = World::new();
    let (setup, ana, _) = running_web(&world);
    let path = setup.repo.join("instate/journal");
    let whole = fs::read(&path).expect("because something was deployed");
    let torn = [&whole[..], b"01234567 {\"outcome\":{\"id\":\"2026"].concat();
    fs::write(&path, torn).expect("because the repository is ours");
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    setup.agrees();
    assert!(fs::read(&path).expect("it is there").starts_with(&whole));
    assert!(setup.repo.join("instate/journal.torn").exists());
}

#[test]
fn a_journal_damaged_in_the_middle_refuses_the_push_and_says_the_way_out_which_works() {
    let world = World::new();
    let (setup, ana, runs) = running_web(&world);
    let path = setup.repo.join("instate/journal");
    let mut bytes = fs::read(&path).expect("because something was deployed");
    bytes[20] ^= 1;
    fs::write(&path, bytes).expect("because the repository is ours");
    let seen = shut(&setup, &ana);
    insta::assert_snapshot!("journal_damaged", seen);
    for arguments in [&["status"][..], &["deploy"], &["resume"]] {
        let stopped = setup.instate(arguments);
        assert_eq!(stopped.code, Some(2), "{stopped}");
        assert!(stopped.all().contains("is damaged at line 1"), "{stopped}");
    }

    let help =
        seen.lines().find_map(|line| line.strip_prefix("instate: help: ")).expect("there is a way out");
    let program = env!("CARGO_BIN_EXE_instate");
    let typed = help
        .replace("$WORLD", &world.root().display().to_string())
        .replace("instate resume", &format!("{program} resume"));
    let mut shell = world.command("sh");
    shell.arg("-ec").arg(typed).current_dir(world.root());
    let done = run(shell).succeeds();
    insta::assert_snapshot!(
        "journal_begun_anew",
        printed(&world, &done.stdout).replace(&runs[..7], "1a2b3c4")
    );
    setup.idle();
    assert_eq!(setup.running(), setup.declared(&runs));
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    setup.agrees();
}
