//! A verdict for programs: SARIF, workflow commands, and JSON of a push.

use serde_json::Value;

use crate::common::{Output, Shop, World, run, shop::printed, shop::replace};

fn check(shop: &Shop, world: &World, format: &str) -> Output {
    let mut command = world.instate();
    command.args(["check", "--format", format]).current_dir(shop.ana.dir());
    run(command)
}

fn break_it(shop: &Shop) {
    replace(&shop.ana, "settings.yaml", "kind: ConfigMap", "kin: ConfigMap");
    replace(&shop.ana, "web.json", "\"rules\": [", "\"rules\": ");
}

#[test]
fn a_check_for_code_review_is_one_sarif_document() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    for (breaks, results) in [(false, 0), (true, 2)] {
        if breaks {
            break_it(&shop);
        }
        let checked = check(&shop, &world, "sarif");
        assert_eq!((checked.code, checked.stderr.as_str()), (Some(i32::from(breaks)), ""), "{checked}");
        let document: Value = serde_json::from_str(&checked.stdout).expect("because it is one document");
        assert_eq!(document["version"], "2.1.0");
        let found = document["runs"][0]["results"].as_array().expect("because a run has results");
        let errors = found.iter().filter(|result| result["level"] == "error");
        assert_eq!(errors.count(), results, "{checked}");
    }
}

#[test]
fn a_check_in_a_workflow_makes_annotations() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    assert_eq!(check(&shop, &world, "github").stdout, "");
    break_it(&shop);
    let checked = check(&shop, &world, "github");
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(1), ""), "{checked}");
    insta::assert_snapshot!(checked.stdout);
}

#[test]
fn formats_of_a_verdict_are_refused_where_there_is_none() {
    let world = World::new();
    let mut command = world.instate();
    command.args(["status", "--format", "sarif"]);
    let refused = run(command);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused}");
    insta::assert_snapshot!(printed(&world, &refused.stderr));
}

/// The objects that the hooks wrote, one a line.
fn events(pushed: &Output) -> Vec<Value> {
    let lines = pushed.remote_lines();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}\n{pushed}")))
        .collect()
}

#[test]
fn a_push_that_asks_for_json_gets_one_object_a_line_from_both_hooks() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    let push = || shop.ana.push(&["-o", "instate.format=json", "origin", "main"]);
    break_it(&shop);
    shop.ana.commit("Broken");
    let refused = push();
    assert_eq!(refused.code, Some(1), "{refused}");
    let said = events(&refused);
    assert_eq!((said.len(), &said[0]["event"]), (1, &"refused".into()), "{refused}");
    assert_eq!(said[0]["again"], serde_json::json!(["instate check"]), "{refused}");
    let found = said[0]["verdict"]["findings"].as_array().expect("because a verdict has findings");
    assert_eq!(found.iter().filter(|finding| finding["severity"] == "error").count(), 2, "{refused}");

    shop.reset();
    replace(&shop.ana, "shop.yaml", "  replicas: 3", "  replicas: 4");
    shop.ana.commit("Better");
    let deployed = push().succeeds();
    let said = events(&deployed);
    let last = said.last().expect("because there are events");
    assert_eq!((&last["step"], &last["outcome"]), (&"ended".into(), &"deployed".into()), "{deployed}");
}

#[test]
fn a_push_that_asks_for_a_format_that_is_none_is_refused() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    replace(&shop.ana, "shop.yaml", "  replicas: 3", "  replicas: 4");
    shop.ana.commit("Better");
    insta::assert_snapshot!(shop.refused(&["-o", "instate.format=sarif", "main"]));
}
