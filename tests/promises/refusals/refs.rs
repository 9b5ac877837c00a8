//! Ways of moving a branch that would take the truth away.

use crate::common::{Shop, World};

#[test]
fn a_revision_without_any_manifest_never_deletes_the_environment() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    shop.ana.git(&["rm", "-rq", "."]).succeeds();
    shop.ana.commit("Nothing at all");
    insta::assert_snapshot!("all_manifests_removed", shop.refused(&["main"]));
    shop.ana.write("README.md", "The shop has closed.\n");
    shop.ana.commit("No manifest");
    shop.refused(&["main"]);
    shop.reset();
    shop.ana.write(".instateignore", "*\n");
    shop.ana.commit("Everything ignored");
    insta::assert_snapshot!("all_manifests_ignored", shop.refused(&["main"]));
}

#[test]
fn the_branch_of_an_environment_is_not_deleted() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    // The hook answers also where git alone would refuse.
    for set in ["false", "true"] {
        world.git(&shop.setup.repo, &["config", "receive.denyDeleteCurrent", "ignore"]).succeeds();
        world.git(&shop.setup.repo, &["config", "receive.denyDeletes", set]).succeeds();
        let pushed = shop.ana.push(&["origin", ":main"]);
        assert_eq!(pushed.code, Some(1), "{pushed}");
        assert_eq!(shop.setup.tip("refs/heads/main"), Some(shop.good.clone()));
    }
    world.git(&shop.setup.repo, &["config", "--unset", "receive.denyDeletes"]).succeeds();
    insta::assert_snapshot!(shop.refused(&[":main"]));
}

#[test]
fn the_history_of_an_environment_is_not_rewritten() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    shop.ana.git(&["commit", "--quiet", "--amend", "--message", "Another past"]).succeeds();
    insta::assert_snapshot!("history_rewritten", shop.refused(&["--force", "main"]));
    shop.ana.git(&["checkout", "--quiet", "--orphan", "other"]).succeeds();
    shop.ana.commit("No past at all");
    insta::assert_snapshot!("history_replaced", shop.refused(&["--force", "other:main"]));
}

#[test]
fn the_record_is_not_pushed() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    shop.ana.commit("Another revision");
    insta::assert_snapshot!("record_moved", shop.refused(&["main:refs/instate/production/deployed"]));
    let notes = shop.setup.tip("refs/notes/instate").expect("something was deployed");
    let seen = shop.refused(&[":refs/notes/instate"]).replace(&notes[..7], "5c6d7e8");
    insta::assert_snapshot!("record_deleted", seen);
    shop.ana.write("settings.yaml", "[");
    shop.ana.commit("Broken");
    insta::assert_snapshot!("record_and_branch", shop.refused(&["main", "main:refs/instate/x"]));
}

#[test]
fn a_branch_is_refused_together_with_what_is_pushed_beside_it() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    shop.ana.write("settings.yaml", "kind ConfigMap\n");
    shop.ana.commit("Broken");
    insta::assert_snapshot!(shop.refused(&["main", "main:refs/heads/draft", "main:refs/tags/v1"]));
    assert_eq!(shop.setup.tip("refs/heads/draft"), None);
}

#[test]
fn what_is_not_a_commit_is_not_deployed() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    shop.ana.git(&["tag", "-a", "-m", "A tag", "v1"]).succeeds();
    // Git itself lets only commits stand on branches, and says so.
    let pushed = shop.ana.push(&["origin", "v1^{tree}:refs/heads/main"]);
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert_eq!(shop.setup.tip("refs/heads/main"), Some(shop.good.clone()));
}
