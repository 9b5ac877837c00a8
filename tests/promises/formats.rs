//! A verdict for programs: SARIF, workflow commands, and JSON of a push.

use std::{collections::BTreeSet, fs};

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

/// What is wrong with a document by the standard: by that part of it which says what instate writes.
fn against_the_standard(document: &Value) -> Vec<String> {
    let schema = include_str!("fixtures/sarif-2.1.0.json");
    let schema: Value = serde_json::from_str(schema).expect("because it is JSON");
    let made = jsonschema::options().should_validate_formats(true).build(&schema);
    let validator = made.expect("because it is a schema");
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// What is wrong with a run for GitHub's code scanning, which takes no document of which one result lacks a place,
/// and needs of each rule what it shows.
fn for_code_scanning(run: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let rules = items(&run["tool"]["driver"]["rules"]);
    let mut ids = BTreeSet::new();
    for rule in &rules {
        if !ids.insert(rule["id"].to_string()) {
            wrong.push(format!("the rule {} stands twice", rule["id"]));
        }
        for text in ["/shortDescription/text", "/fullDescription/text", "/help/text"] {
            let said = rule.pointer(text).and_then(Value::as_str).unwrap_or_default();
            // It shows no more of a description.
            if said.is_empty() || (text != "/help/text" && said.chars().count() > 1024) {
                wrong.push(format!("{}{text} is {said:?}", rule["id"]));
            }
        }
    }
    for result in items(&run["results"]) {
        let named = result["ruleIndex"].as_u64().and_then(|at| rules.get(usize::try_from(at).ok()?));
        if named.is_none_or(|rule| rule["id"] != result["ruleId"]) {
            wrong.push(format!("no rule is that of {result}"));
        }
        let place = &result["locations"][0]["physicalLocation"];
        let region = ["startLine", "startColumn", "endLine", "endColumn"];
        if !region.into_iter().all(|key| place["region"][key].is_u64()) {
            wrong.push(format!("no whole region: {result}"));
        }
        let file = &place["artifactLocation"];
        let is_relative = file["uri"].as_str().is_some_and(|uri| !uri.starts_with('/') && !uri.contains(':'));
        if !is_relative || file["uriBaseId"] != "%SRCROOT%" {
            wrong.push(format!("no file of the repository: {result}"));
        }
        if result["partialFingerprints"].as_object().is_none_or(serde_json::Map::is_empty) {
            wrong.push(format!("no fingerprint: {result}"));
        }
    }
    wrong
}

#[test]
fn a_check_for_code_review_is_one_sarif_document() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    let large = vec![b'#'; (16 << 20) + 1];
    for (step, results) in [("nothing", 0), ("two files", 2), ("a whole file", 3), ("no file at all", 1)] {
        match step {
            "two files" => break_it(&shop),
            "a whole file" => {
                fs::write(shop.ana.dir().join("caf\u{e9} [1].yaml"), &large).expect("it is ours")
            }
            "no file at all" => {
                let files = fs::read_dir(shop.ana.dir()).expect("it is there").flatten();
                for file in files.map(|entry| entry.path()).filter(|path| path.is_file()) {
                    fs::remove_file(file).expect("it is ours");
                }
            }
            _ => {}
        }
        let checked = check(&shop, &world, "sarif");
        assert_eq!(checked.stderr, "", "{checked}");
        let document: Value = serde_json::from_str(&checked.stdout).expect("because it is one document");
        assert_eq!(against_the_standard(&document), [""; 0], "{step}: {checked}");
        let run = &document["runs"][0];
        assert_eq!(for_code_scanning(run), [""; 0], "{step}: {checked}");
        let found = run["results"].as_array().expect("because a run has results").len();
        assert_eq!(found, results, "{step}: {checked}");
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
