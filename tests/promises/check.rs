//! `instate check` in a clone is the verdict of a push without the push.

use crate::common::{Output, Shop, World, run, shop::printed, shop::replace};

fn check(shop: &Shop, world: &World, arguments: &[&str]) -> Output {
    let mut command = world.instate();
    command.arg("check").args(arguments).current_dir(shop.ana.dir());
    run(command)
}

/// The lines from the first finding on, without what only a push says.
fn findings(text: &str) -> Vec<&str> {
    let from = text.lines().skip_while(|line| !line.starts_with("error["));
    from.take_while(|line| !line.starts_with("instate: ")).filter(|line| !line.is_empty()).collect()
}

fn break_it(shop: &Shop) {
    replace(&shop.ana, "shop.yaml", "  replicas: 3", "\treplicas: 3");
    replace(&shop.ana, "settings.yaml", "kind: ConfigMap", "kin: ConfigMap");
    shop.ana.write("jobs/more.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: shop-keys}\n");
    shop.ana.write("caf\u{e9}\u{202e}.yaml", "[");
}

#[test]
fn a_check_finds_what_the_push_is_refused_for() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    break_it(&shop);
    let uncommitted = check(&shop, &world, &[]);
    shop.ana.commit("Broken");
    let committed = check(&shop, &world, &["HEAD"]);
    let refused = shop.refused(&["main"]);
    assert_eq!((uncommitted.code, committed.code), (Some(1), Some(1)), "{uncommitted}{committed}");
    assert!(!findings(&refused).is_empty());
    assert_eq!(findings(&uncommitted.stdout), findings(&refused));
    assert_eq!(findings(&committed.stdout), findings(&refused));
    assert_eq!((uncommitted.stderr.as_str(), committed.stderr.as_str()), ("", ""));
    insta::assert_snapshot!(printed(&world, &uncommitted.stdout));
}

#[test]
fn a_check_of_what_a_push_would_deploy_finds_nothing() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    let (folder, head) = (check(&shop, &world, &[]), check(&shop, &world, &["HEAD"]));
    assert_eq!((folder.code, head.code), (Some(0), Some(0)), "{folder}{head}");
    insta::assert_snapshot!(format!("{}{}", folder.stdout, head.stdout));
}

#[test]
fn a_check_knows_an_environment_in_a_folder_and_another_revision() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    break_it(&shop);
    shop.ana.commit("Broken");
    shop.ana.git(&["tag", "-a", "-m", "It ran", "v1", "HEAD~1"]).succeeds();
    for revision in ["HEAD~1", "v1", "origin/main"] {
        assert_eq!(check(&shop, &world, &[revision]).code, Some(0), "{revision}");
    }
    assert_eq!(check(&shop, &world, &["HEAD", "--path", "access"]).code, Some(0));
    assert_eq!(check(&shop, &world, &["--path", "access"]).code, Some(0));
    let one = check(&shop, &world, &["--path", "jobs"]);
    assert_eq!(one.code, Some(0), "the object stands twice only in the whole: {one}");
    let twice = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop-keys, namespace: shop}\n";
    shop.ana.write("jobs/again.yaml", twice);
    assert_eq!(check(&shop, &world, &["--path", "jobs"]).code, Some(0));
    assert_eq!(check(&shop, &world, &["--path", "jobs", "--namespace", "shop"]).code, Some(1));
}

#[test]
fn a_check_for_programs_is_one_json_object_a_line() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    for (breaks, code) in [(false, 0), (true, 1)] {
        if breaks {
            break_it(&shop);
        }
        let checked = check(&shop, &world, &["--format", "json"]);
        assert_eq!(checked.code, Some(code), "{checked}");
        assert!(checked.stdout.ends_with('\n'));
        for line in checked.stdout.lines() {
            let event: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
            assert_eq!(event["event"], "checked", "{line}");
        }
        let first = checked.stdout.lines().next().expect("there is a line");
        let event: serde_json::Value = serde_json::from_str(first).expect("it is JSON");
        insta::assert_snapshot!(
            format!("json_{code}"),
            serde_json::to_string_pretty(&event).expect("it is JSON")
        );
    }
}

#[test]
fn a_check_of_nothing_that_is_there_is_a_mistake_of_the_call() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    for arguments in
        [&["nowhere"][..], &["HEAD:shop.yaml"], &["--repo", "nowhere"], &["--path"], &["--frobnicate"]]
    {
        let checked = check(&shop, &world, arguments);
        assert_eq!(checked.code, Some(2), "{checked}");
        assert_eq!(checked.stdout, "", "{checked}");
        insta::assert_snapshot!(
            format!("mistake_{}", arguments.join("_").replace(['-', ':', '.'], "")),
            printed(&world, &checked.stderr)
        );
    }
    let missing = check(&shop, &world, &["--path", "nowhere"]);
    assert_eq!(missing.code, Some(1), "{missing}");
}
