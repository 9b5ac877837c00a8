//! Two who push to one branch at once: one of them wins, and nothing of the other is left.

use std::{fs, thread};

use super::{finish_spoilt, is_over, seen, spoiling};
use crate::common::{Clone, Output, Setup, WEB, World, go_on, spawn};

/// Clones that have the same tip, and a revision each.
fn clones<'w>(setup: &Setup<'w>, count: usize) -> Vec<(Clone<'w>, String)> {
    let (ana, _) = setup.runs_web();
    drop(ana);
    let named = (0..count).map(|n| if n == 0 { "ben".to_owned() } else { format!("ben-{n}") });
    named
        .map(|name| {
            let clone = setup.clone(&name);
            clone.write(
                format!("{name}.yaml"),
                format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"),
            );
            let revision = clone.commit(&name);
            (clone, revision)
        })
        .collect()
}

#[test]
fn of_many_who_push_at_once_one_wins_and_nothing_of_the_others_is_left() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let all = clones(&setup, 8);
    for round in 0..5 {
        let pushed: Vec<_> = thread::scope(|scope| {
            let pushing: Vec<_> = all
                .iter()
                .map(|(clone, _)| scope.spawn(move || clone.push(&["origin", "HEAD:main"])))
                .collect();
            pushing.into_iter().map(|push| push.join().expect("it ends")).collect()
        });
        is_over(&setup, "many at once");
        let won: Vec<usize> = (0..all.len()).filter(|n| pushed[*n].code == Some(0)).collect();
        let [winner] = won.as_slice() else { panic!("round {round}: {won:?} won\n{}", pushed[0]) };
        let tip = setup.tip("refs/heads/main").expect("it was pushed");
        let id = |clone: &Clone<'_>| clone.git(&["rev-parse", "HEAD"]).succeeds().stdout.trim().to_owned();
        assert_eq!(id(&all[*winner].0), tip);
        for (n, (clone, _)) in all.iter().enumerate().filter(|(n, _)| n != winner) {
            let output = &pushed[n];
            let words = ["another push was quicker", "superseded by", "fetch first"];
            assert!(words.iter().any(|words| output.stderr.contains(words)), "{output}");
            let outcomes = setup.outcomes(&id(clone));
            assert!(outcomes.is_empty() || outcomes == ["production superseded"], "{outcomes:?}");
        }
        for (n, (clone, _)) in all.iter().enumerate() {
            clone.git(&["fetch", "--quiet", "origin", "main"]).succeeds();
            clone.git(&["reset", "--quiet", "--hard", "FETCH_HEAD"]).succeeds();
            clone.write(
                format!("round-{n}.yaml"),
                format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: r-{round}-{n}}}\n"),
            );
            clone.commit(&format!("round {round} {n}"));
        }
    }
}

#[test]
fn the_same_revision_pushed_twice_at_once_has_one_outcome_which_both_are_told() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let all = clones(&setup, 1);
    let (ben, revision) = &all[0];
    let pushing: Vec<_> = thread::scope(|scope| {
        let pushing: Vec<_> = (0..4).map(|_| scope.spawn(|| ben.push(&["origin", "HEAD:main"]))).collect();
        pushing.into_iter().map(|push| push.join().expect("it ends")).collect()
    });
    is_over(&setup, "twins");
    assert_eq!(setup.tip("refs/heads/main").as_ref(), Some(revision));
    assert_eq!(setup.outcomes(revision), ["production deployed"]);
    assert!(pushing.iter().any(|push| push.code == Some(0)));
    for push in pushing.iter().filter(|push| push.code != Some(0)) {
        assert!(
            push.stderr.contains("another push was quicker") || push.stderr.contains("cannot lock ref"),
            "{push}"
        );
    }
}

#[test]
fn one_that_waits_for_another_says_so_and_is_refused_when_that_one_ran() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let all = clones(&setup, 2);
    let first = setup.push_at(&all[0].0, "deployed=return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    let second = spawn(all[1].0.git_command(&["push", "origin", "HEAD:main"]));
    second.wait_for("waiting for production: another deployment is deploying");
    go_on(worker);
    first.finish().succeeds();
    let second = second.finish();
    assert_eq!(second.code, Some(1), "{second}");
    insta::assert_snapshot!("waited_and_lost", seen_by_ben(&setup, &second, &all));
    is_over(&setup, "one that waited");
    assert_eq!(setup.tip("refs/heads/main").as_ref(), Some(&all[0].1));
    assert_eq!(setup.outcomes(&all[1].1), ["production superseded"]);
    assert!(!setup.folder.join("ben-1.yaml").exists());
}

fn seen_by_ben(setup: &Setup<'_>, output: &Output, all: &[(Clone<'_>, String)]) -> String {
    let mut text = seen(setup, output);
    for (n, (_, id)) in all.iter().enumerate() {
        text = text.replace(&id[..7], &format!("{:07}", n + 11));
    }
    text
}

#[test]
fn one_that_waits_for_another_is_deployed_when_that_one_does_not_run() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let all = clones(&setup, 2);
    let first = spoiling(&setup, &all[0].0);
    let second = spawn(all[1].0.git_command(&["push", "origin", "HEAD:main"]));
    second.wait_for("waiting for production: another deployment is deploying");
    finish_spoilt(&setup, first);
    second.finish().succeeds();
    is_over(&setup, "one that waited");
    assert_eq!(setup.tip("refs/heads/main").as_ref(), Some(&all[1].1));
    assert!(!setup.folder.join("ben.yaml").exists());
}

#[test]
fn a_branch_that_an_administrator_moves_meanwhile_stays_where_it_was_moved_to() {
    for point in ["planned", "deployed", "runs", "branch-moving"] {
        let world = World::new();
        let setup = Setup::accept_deployed(&world);
        let (ana, _) = setup.runs_web();
        ana.write("draft.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: draft}\n");
        let draft = ana.commit("draft");
        ana.push(&["origin", "main:draft"]).succeeds();
        ana.git(&["reset", "--quiet", "--hard", "HEAD^"]).succeeds();
        ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
        let revision = ana.commit("three");
        let push = setup.push_at(&ana, &format!("{point}=return(stop)"));
        let worker = setup.stopped(&["hook", "worker"]);
        world.git(&setup.repo, &["update-ref", "refs/heads/main", &draft]).succeeds();
        go_on(worker);
        let pushed = push.finish();
        assert_eq!(pushed.code, Some(1), "{point}: {pushed}");
        assert!(pushed.stderr.contains("another push was quicker"), "{point}: {pushed}");
        is_over(&setup, point);
        assert_eq!(setup.tip("refs/heads/main"), Some(draft), "{point}");
        assert_eq!(setup.outcomes(&revision), ["production superseded"], "{point}");
    }
}

#[test]
fn a_deployment_that_is_cancelled_is_taken_back() {
    let world = World::new();
    world.set_env("SUDO_USER", "ana");
    let setup = Setup::accept_deployed(&world);
    let (ana, first) = setup.runs_web();
    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    let revision = ana.commit("three");
    setup.push_at(&ana, "deployed=return(kill)").finish();
    setup.at_rest();
    world.set_env("SUDO_USER", "ben");
    let cancelled = setup.instate(&["cancel"]).succeeds();
    assert!(cancelled.stdout.contains("cancelled by ben after it had been cut off"), "{cancelled}");
    is_over(&setup, "cancelled");
    assert_eq!(setup.tip("refs/heads/main"), Some(first));
    assert_eq!(setup.outcomes(&revision), ["production failed"]);
}

#[test]
fn what_cannot_be_brought_back_is_diverged_and_the_record_says_why() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let (ana, first) = setup.runs_web();
    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    let revision = ana.commit("three");
    let push = setup.push_at(&ana, "exchanged=1*return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    // Nobody but instate may write there, so neither the one nor the other can be deployed.
    fs::write(setup.folder.join("stranger.txt"), "mine").expect("because the world is ours");
    go_on(worker);
    let pushed = push.finish();
    setup.at_rest();
    assert_eq!(pushed.code, Some(1), "{pushed}");
    insta::assert_snapshot!("diverged", seen(&setup, &pushed));
    assert_eq!(setup.tip("refs/heads/main"), Some(first.clone()));
    assert_eq!(setup.outcomes(&revision), ["production diverged"]);
    let status = setup.instate(&["status"]);
    assert_eq!(status.code, Some(1), "{status}");
    fs::remove_file(setup.folder.join("stranger.txt")).expect("it is ours");
    let status = setup.instate(&["status"]);
    assert!(status.stdout.contains("it is between two revisions"), "{status}");
    setup.instate(&["deploy"]).succeeds();
    is_over(&setup, "brought back by hand");
    assert_eq!(setup.tip("refs/heads/main"), Some(first));
}
