//! What a push deploys, and what stands of it afterwards.

use std::fs;

use crate::common::{SERVICE, Setup, WEB, World, go_on};

#[test]
fn a_folder_holds_exactly_the_manifests_of_the_revision_that_runs() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.write("net/service.yml", SERVICE);
    ana.write("README.md", "not a manifest");
    ana.write(".ci/skipped.yaml", "not a manifest");
    ana.commit("both");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    insta::assert_snapshot!(pushed.remote_lines().join("\n"));
    let both = setup.running();
    assert_eq!(both.keys().collect::<Vec<_>>(), ["net/service.yml", "web.yaml"]);
    assert_eq!(both["web.yaml"], WEB);

    ana.git(&["rm", "-rq", "net"]).succeeds();
    ana.commit("one");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    insta::assert_snapshot!(pushed.remote_lines().join("\n"));
    assert_eq!(setup.running().keys().collect::<Vec<_>>(), ["web.yaml"]);
    assert!(!setup.folder.join("net").exists());

    ana.git(&["revert", "--no-edit", "HEAD"]).succeeds();
    ana.push(&["origin", "main"]).succeeds();
    assert_eq!(setup.running(), both);
    setup.idle();
    setup.agrees();
}

#[test]
fn the_record_in_git_says_who_what_when_and_how_it_ended() {
    let world = World::new();
    let setup = Setup::new(&world);
    let revision = setup.runs_web().1;
    let stable = |text: &str| {
        let words = text.lines().map(|line| match line.split_once(": ") {
            Some((key @ ("Accepted" | "Ended" | "Deployment"), _)) => format!("{key}: (stable in tests)"),
            Some(("Who", account)) if account == world.account() => "Who: (the account)".to_owned(),
            _ => line.to_owned(),
        });
        words.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(stable(&setup.note(&revision)));
    assert_eq!(setup.deployed(), Some(revision.clone()));

    let log = setup.instate(&["log"]).succeeds();
    assert!(log.stdout.contains("production: deployed"), "{log}");
    let status = setup.instate(&["status"]).succeeds();
    assert!(status.stdout.contains(&format!("runs {0}, main is at {0}", &revision[..7])), "{status}");
}

#[test]
fn the_same_revision_deployed_again_writes_nothing() {
    let world = World::new();
    let setup = Setup::new(&world);
    setup.runs_web();
    let inode = |path: &std::path::Path| {
        use std::os::unix::fs::MetadataExt;
        let found = fs::metadata(path).expect("because it was deployed");
        (found.ino(), found.ctime(), found.ctime_nsec())
    };
    let spare = setup.folder.with_file_name(".running.instate");
    let before = (inode(&setup.folder), inode(&setup.folder.join("web.yaml")), spare.exists());
    let again = setup.instate(&["deploy"]).succeeds();
    insta::assert_snapshot!(again.stdout);
    setup.idle();
    let after = (inode(&setup.folder), inode(&setup.folder.join("web.yaml")), spare.exists());
    assert_eq!(before, after);
}

#[test]
fn a_file_changed_by_hand_is_put_right_by_the_next_deployment() {
    let world = World::new();
    let setup = Setup::new(&world);
    setup.runs_web();
    fs::write(setup.folder.join("web.yaml"), "changed").expect("because the world is ours");
    setup.instate(&["deploy", "production"]).succeeds();
    assert_eq!(setup.running()["web.yaml"], WEB);
}

#[test]
fn a_deployment_that_left_neither_the_old_nor_the_new_revision_says_so() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.runs_web().0;
    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    let revision = ana.commit("more");
    let pushing = setup.push_at(&ana, "exchanged=return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    fs::write(setup.folder.join("web.yaml"), "somebody else's").expect("because the world is ours");
    go_on(worker);
    insta::assert_snapshot!(pushing.finish().succeeds().remote_lines().join("\n"));
    setup.idle();
    assert_eq!(setup.outcomes(&revision), ["production diverged"]);

    setup.instate(&["deploy"]).succeeds();
    setup.idle();
    assert_eq!(setup.running(), setup.declared(&revision));
    assert_eq!(setup.deployed(), Some(revision));
}

#[test]
fn two_environments_of_one_repository_are_two_deployments_of_one_revision() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let (one, two) = (world.path("one"), world.path("two"));
    let environment = |name: &str, folder: &std::path::Path| {
        format!(
            "  {name}:\n    branch: main\n    path: {name}\n    target: {{directory: {}}}\n",
            folder.display()
        )
    };
    setup
        .install(&format!("environments:\n{}{}", environment("east", &one), environment("west", &two)))
        .succeeds();
    let ana = setup.clone("ana");
    ana.write("east/web.yaml", WEB);
    ana.write("west/web.yaml", WEB.replace("replicas: 2", "replicas: 9"));
    let revision = ana.commit("both");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    insta::assert_snapshot!(pushed.remote_lines().join("\n"));
    setup.idle();
    assert!(fs::read_to_string(one.join("web.yaml")).expect("it runs").contains("replicas: 2"));
    assert!(fs::read_to_string(two.join("web.yaml")).expect("it runs").contains("replicas: 9"));
    let mut outcomes = setup.outcomes(&revision);
    outcomes.sort();
    assert_eq!(outcomes, ["east deployed", "west deployed"]);
}

#[test]
fn an_environments_branch_is_guarded_under_every_name_that_leads_to_it() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    let good = ana.commit("web");
    ana.push(&["origin", "main"]).succeeds();
    world.git(&setup.repo, &["symbolic-ref", "refs/heads/alias", "refs/heads/main"]).succeeds();
    ana.write("web.yaml", "not: [valid");
    ana.commit("broken");
    let pushed = ana.push(&["origin", "HEAD:refs/heads/alias"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert_eq!(setup.tip("refs/heads/main"), Some(good));

    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    let better = ana.commit("mended");
    ana.push(&["origin", "HEAD:refs/heads/alias"]).succeeds();
    setup.idle();
    assert_eq!(setup.outcomes(&better), ["production deployed"]);
}

#[test]
fn branches_of_no_environment_are_let_through_unread() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", "not: [valid");
    ana.commit("draft");
    let pushed = ana.push(&["origin", "HEAD:refs/heads/draft", "HEAD:refs/tags/v1"]).succeeds();
    assert_eq!(pushed.remote_lines(), Vec::<String>::new());
    assert!(setup.tip("refs/heads/draft").is_some());
    ana.push(&["origin", ":draft"]).succeeds();
    assert!(setup.workers().is_empty());
    assert!(!setup.folder.exists());
}
