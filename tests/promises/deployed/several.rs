//! Several refs in one push, `--atomic`, and what policy refuses.

use super::{is_over, seen, spoilt, three};
use crate::common::{Clone, Setup, WEB, World, said};

/// `production` on `main`, and `other` on `other`, each in a folder of its own.
fn two<'w>(world: &'w World, accept_other: &str) -> (Setup<'w>, Clone<'w>) {
    let setup = Setup::bare(world);
    let folder = world.path("other");
    let other = format!(
        "  other:\n    branch: other\n    accept: {accept_other}\n    target: {{directory: {}}}\n",
        folder.display()
    );
    setup.install(&format!("{}{other}", setup.deployed_configuration())).succeeds();
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.commit("web");
    (setup, ana)
}

const ALL: [&str; 4] = ["origin", "main", "main:other", "main:draft"];

#[test]
fn each_ref_of_a_push_has_its_own_end() {
    for accept in ["checked", "deployed"] {
        let world = World::new();
        let (setup, ana) = two(&world, accept);
        let revision = ana.git(&["rev-parse", "HEAD"]).succeeds().stdout.trim().to_owned();
        let pushed = ana.push(&ALL).succeeds();
        is_over(&setup, accept);
        for branch in ["main", "other", "draft"] {
            assert_eq!(
                setup.tip(&format!("refs/heads/{branch}")),
                Some(revision.clone()),
                "{accept}: {pushed}"
            );
        }
        let mut outcomes = setup.outcomes(&revision);
        outcomes.sort();
        assert_eq!(outcomes, ["other deployed", "production deployed"], "{accept}");

        // One that does not run keeps no other from running.
        let next = three(&ana);
        setup.world.set_env("FAILPOINTS", "exchanged=1*return(stop)");
        let pushing =
            crate::common::spawn(ana.git_command(&["push", "origin", "main", "main:other", "main:draft"]));
        setup.until("it is in its folder", || {
            setup.running().get("web.yaml").is_some_and(|t| t.contains("replicas: 3"))
        });
        setup.world.remove_env("FAILPOINTS");
        std::fs::write(setup.folder.join("web.yaml"), "spoilt: true\n").expect("because the world is ours");
        setup.at_rest();
        let pushed = pushing.finish();
        assert_eq!(pushed.code, Some(1), "{accept}: {pushed}");
        let refs: Vec<&str> = pushed.stderr.lines().filter(|line| line.contains(" -> ")).collect();
        insta::assert_snapshot!(
            format!("one_of_several_fails_{accept}"),
            refs.join("\n").replace(&revision[..7], "0000001").replace(&next[..7], "0000002")
        );
        assert_eq!(setup.tip("refs/heads/main"), Some(revision.clone()), "{accept}");
        assert_eq!(setup.tip("refs/heads/other"), Some(next.clone()), "{accept}");
        assert_eq!(setup.tip("refs/heads/draft"), Some(next.clone()), "{accept}");
        is_over(&setup, accept);
        let mut outcomes = setup.outcomes(&next);
        outcomes.sort();
        assert_eq!(outcomes, ["other deployed", "production failed"], "{accept}");
    }
}

#[test]
fn an_atomic_push_moves_all_refs_or_none_and_so_is_refused_where_one_has_to_run_first() {
    let world = World::new();
    let (setup, ana) = two(&world, "deployed");
    for refs in [&ALL[..], &["origin", "main", "main:other"], &["origin", "main", "main:draft"]] {
        let pushed = ana.push(&[&["--atomic"], refs].concat());
        assert_eq!(pushed.code, Some(1), "{refs:?}: {pushed}");
        if refs.len() == 4 {
            insta::assert_snapshot!("atomic", seen(&setup, &pushed));
        }
        is_over(&setup, "atomic");
        for branch in ["main", "other", "draft"] {
            assert_eq!(setup.tip(&format!("refs/heads/{branch}")), None, "{refs:?}: {pushed}");
        }
        assert!(!setup.folder.exists() && !world.path("other").exists(), "{refs:?}");
    }
    ana.push(&["--atomic", "origin", "main"]).succeeds();
    is_over(&setup, "alone");
    three(&ana);
    spoilt(&setup, &ana);
    is_over(&setup, "spoilt");
}

#[test]
fn what_policy_refuses_is_refused_whatever_git_would_say() {
    for deny in ["true", "false"] {
        let world = World::new();
        let setup = Setup::accept_deployed(&world);
        for key in ["receive.denyNonFastForwards", "receive.denyDeletes"] {
            world.git(&setup.repo, &["config", key, deny]).succeeds();
        }
        world.git(&setup.repo, &["config", "receive.denyDeleteCurrent", "ignore"]).succeeds();
        let (ana, first) = setup.runs_web();
        for (code, args) in
            [("I0002", &["origin", ":main"][..]), ("I0003", &["--force", "origin", "HEAD:main"])]
        {
            ana.git(&["commit", "--quiet", "--amend", "--message", code]).succeeds();
            let pushed = ana.push(args);
            assert_eq!(pushed.code, Some(1), "{pushed}");
            assert!(said(&pushed, &format!("error[{code}]")), "{pushed}");
            assert_eq!(setup.tip("refs/heads/main"), Some(first.clone()), "{code}");
            is_over(&setup, code);
        }
    }
}

#[test]
fn a_tip_that_is_lost_is_replaced_unless_git_is_told_to_deny_that() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let (ana, _) = setup.runs_web();
    let lost = "1".repeat(40);
    std::fs::write(setup.repo.join("refs/heads/main"), format!("{lost}\n"))
        .expect("because the world is ours");
    let deny =
        |value: &str| world.git(&setup.repo, &["config", "receive.denyNonFastForwards", value]).succeeds();
    three(&ana);
    deny("true");
    // git's client does not send what follows from a tip that nobody has.
    let pushed = ana.push(&["--force", "origin", "main"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert_eq!(
        std::fs::read_to_string(setup.repo.join("refs/heads/main")).expect("it is there").trim(),
        lost
    );
}

#[test]
fn a_branch_below_the_environments_is_not_made_and_one_that_git_has_packed_moves() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.commit("web");
    // git asks about it, too: its name begins as that of the environment's.
    let pushed = ana.push(&["origin", "main:main/below"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert!(pushed.stderr.contains("(no environment here moves it once it runs)"), "{pushed}");
    ana.push(&["origin", "main"]).succeeds();
    world.git(&setup.repo, &["pack-refs", "--all"]).succeeds();
    assert!(!setup.repo.join("refs/heads/main").exists());
    let next = three(&ana);
    ana.push(&["origin", "main"]).succeeds();
    is_over(&setup, "packed");
    assert_eq!(setup.tip("refs/heads/main"), Some(next));
}

#[test]
fn a_revision_that_changes_nothing_moves_the_branch_and_writes_nothing() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let (ana, _) = setup.runs_web();
    let looks =
        || std::fs::metadata(&setup.folder).map(|found| std::os::unix::fs::MetadataExt::ino(&found)).ok();
    let before = looks();
    let same = ana.commit("the same once more");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    assert!(said(&pushed, "nothing to change"), "{pushed}");
    is_over(&setup, "the same");
    assert_eq!(setup.tip("refs/heads/main"), Some(same));
    assert_eq!(looks(), before, "the folder was not exchanged");
    // What is there already, git itself does not send.
    let pushed = ana.push(&["origin", "main"]).succeeds();
    assert!(pushed.stderr.contains("Everything up-to-date"), "{pushed}");
}

#[test]
fn a_revision_is_deployed_once_more_and_fails_without_moving_the_branch() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let (_, first) = setup.runs_web();
    std::fs::remove_file(setup.folder.join("web.yaml")).expect("it runs");
    setup.instate(&["deploy"]).succeeds();
    is_over(&setup, "deploy");
    assert_eq!(setup.outcomes(&first), ["production deployed"; 2]);
}
