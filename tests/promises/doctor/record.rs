//! A record that cannot be kept, and what in it waits for nobody.

use std::{fs, path::Path};

use super::{doctor, finds, ill, shown, well};
use crate::common::{Setup, World, run};

#[test]
fn an_identity_that_is_gone_and_a_copy_are_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (identity, away) = (setup.repo.join("instate/id"), world.path("away"));
    let ours = "because the world is ours";
    let aside = || fs::rename(&identity, &away).expect(ours);
    finds(&setup, "identity_missing", aside, || fs::rename(&away, &identity).expect(ours));
    let state = setup.repo.join("instate");
    let aside = || fs::rename(&state, &away).expect(ours);
    finds(&setup, "state_missing", aside, || fs::rename(&away, &state).expect(ours));

    // Another identity would not own what runs.
    let (_, revision) = setup.runs_web();
    fs::rename(&identity, &away).expect(ours);
    insta::assert_snapshot!("identity_missing_of_what_runs", ill(&setup).replace(&revision[..7], "1a2b3c4"));
    fs::rename(&away, &identity).expect(ours);
    well(&setup);

    let mut copy = world.command("cp");
    copy.args(["-a", "production.git", "copy.git"]);
    run(copy).succeeds();
    let copy = Setup { world: &world, repo: world.path("copy.git"), folder: setup.folder.clone() };
    insta::assert_snapshot!("copy", ill(&copy));
}

#[test]
fn a_damaged_journal_and_a_damaged_place_are_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    setup.runs_web();
    let damages = |name: &str, path: &str, damage: fn(&str) -> String| {
        let path = setup.repo.join(path);
        let text = fs::read_to_string(&path).expect("it is there");
        let write = |text: &str| fs::write(&path, text).expect("because the world is ours");
        finds(&setup, name, || write(&damage(&text)), || write(&text));
    };
    damages("journal_damaged", "instate/journal", |text| text.replacen("main", "\u{1b}[2J", 1));
    damages("place_damaged", "instate/places/production", |_| "{".to_owned());
    damages("identity_damaged", "instate/id", |text| text[..10].to_owned());
}

/// Lines of the journal of somebody who has pushed once, the first ones and then no more.
fn cut(journal: &Path, keep: impl Fn(&str) -> bool) {
    let text = fs::read_to_string(journal).expect("it is there");
    let kept: String = text.split_inclusive('\n').filter(|line| keep(line)).collect();
    assert_ne!(kept, text);
    fs::write(journal, kept).expect("because the world is ours");
}

#[test]
fn what_was_accepted_and_nobody_deploys_is_found_and_resumed() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (_, revision) = setup.runs_web();
    let journal = setup.repo.join("instate/journal");
    let found = || ill(&setup).replace(&revision[..7], "1a2b3c4");
    let resumed = || {
        let resumed = setup.instate(&["resume"]);
        setup.idle();
        well(&setup);
        resumed
    };
    // As after a power cut: it is accepted, and what came then is gone.
    cut(&journal, |line| line.contains("intent") && !line.contains("outcome"));
    insta::assert_snapshot!("no_outcome", found());
    resumed();
    cut(&journal, |line| !line.contains("recorded"));
    insta::assert_snapshot!("not_recorded", found());
    resumed().succeeds();
    let ana = world.cloned("ana");
    ana.commit("without a push");
    let mut fetch = world.command("git");
    fetch.current_dir(&setup.repo).args(["fetch", "--quiet", "../ana", "main:main"]);
    run(fetch).succeeds();
    let tip = setup.tip("refs/heads/main").expect("it is there");
    insta::assert_snapshot!("no_push", ill(&setup).replace(&tip[..7], "1a2b3c4"));
    resumed().succeeds();
}

#[test]
fn a_deployment_that_is_under_way_is_no_fault() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", crate::common::WEB);
    ana.commit("web");
    let pushing = setup.push_at(&ana, "planned=return(stop)");
    setup.comes_by(&["hook\0worker"], &pushing);
    well(&setup);
    setup.at_rest();
    well(&setup);
    // Without a push, too.
    let deploying = setup.spawn_at("planned=return(stop)", || setup.command(&["deploy"]));
    setup.comes_by(&["hook\0worker"], &deploying);
    well(&setup);
    setup.at_rest();
    well(&setup);
}

#[test]
fn a_configuration_that_is_gone_or_elsewhere_is_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (path, away) = (setup.repo.join("instate.yaml"), world.path("away"));
    let ours = "because the world is ours";
    let aside = || fs::rename(&path, &away).expect(ours);
    finds(&setup, "configuration_missing", aside, || fs::rename(&away, &path).expect(ours));
    let config = |arguments: &[&str]| {
        world.git(&setup.repo, &[&["config"], arguments].concat()).succeeds();
    };
    let elsewhere = || config(&["instate.config", "instate.yaml"]);
    finds(&setup, "configuration_no_path", elsewhere, || config(&["--unset", "instate.config"]));
    // What it holds is shown as it would be of a push: nothing in it moves a cursor.
    setup.configure("environments:\n  \"\u{1b}[2J\": {}\n");
    let found = run(doctor(&setup));
    assert!(found.code == Some(1) && !found.stdout.contains('\u{1b}'), "{found}");
    insta::assert_snapshot!("configuration_hostile", shown(&world, &found));
}
