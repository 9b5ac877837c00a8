//! Rules of definitions (`x-kubernetes-validations`) hold, or do not, as an API server says.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde_json::{Value, json};

use super::Production;
use crate::{
    broken::table::read,
    common::{World, run},
};

/// What holds by an API server and is not known to hold here, or the other way round: nobody is refused for that.
const NOT_KNOWN: &[&str] = &["optional-bad-0", "url-bad-1"];

struct Case {
    name: String,
    object: Value,
    holds: bool,
}

fn cases(rules: &[Value], api_version: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for rule in rules {
        let field = rule["name"].as_str().unwrap();
        for (list, holds) in [("good", true), ("bad", false)] {
            for (at, value) in rule[list].as_array().unwrap().iter().enumerate() {
                let name = format!("{}-{list}-{at}", field.to_lowercase());
                let object = json!({
                    "apiVersion": api_version, "kind": "Ruled", "metadata": {"name": name}, "spec": {field: value},
                });
                cases.push(Case { name, object, holds });
            }
        }
    }
    cases
}

fn definition(rules: &[Value], group: &str) -> Value {
    let fields = rules.iter().map(|rule| {
        let mut schema = rule["schema"].clone();
        schema["x-kubernetes-validations"] = json!([{"rule": rule["rule"]}]);
        (rule["name"].as_str().unwrap().to_owned(), schema)
    });
    let spec = json!({"type": "object", "properties": fields.collect::<serde_json::Map<_, _>>()});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("ruleds.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "ruleds", "singular": "ruled", "kind": "Ruled", "listKind": "RuledList"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
            }],
        },
    })
}

#[test]
fn a_rule_of_a_definition_holds_offline_where_it_holds_for_an_api_server() {
    let world = World::new();
    let production = Production::new(&world);
    let rules = read(include_str!("rules.yaml"));
    let rules = rules.as_array().unwrap();
    let group = format!("{}.example.com", production.namespace.name());
    let definition = definition(rules, &group);
    let cases = cases(rules, &format!("{group}/v1"));

    let folder = world.path("ruled");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("definition.json"), definition.to_string()).unwrap();
    for case in &cases {
        fs::write(folder.join(format!("{}.json", case.name)), case.object.to_string()).unwrap();
    }
    let mut check = world.instate();
    check.args(["check", "--format", "json"]).arg(&folder);
    let offline = run(check);
    let said: Value = serde_json::from_str(&offline.stdout).unwrap();
    let findings = said["verdict"]["findings"].as_array().unwrap();
    let mut refused = BTreeSet::new();
    for finding in findings.iter().filter(|finding| finding["severity"] == "error") {
        assert_eq!(finding["code"], "I0214", "{finding}");
        let file = finding["place"]["path"].as_str().unwrap().rsplit('/').next().unwrap();
        refused.insert(file.strip_suffix(".json").unwrap().to_owned());
    }

    production.defines(&definition.to_string(), &group, "RuledList");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": cases.iter().map(|case| &case.object).collect::<Vec<_>>()});
    let asked = production.namespace.apply(&list.to_string(), &["--dry-run=server"]);
    let mut wrong = String::new();
    for Case { name, holds, .. } in &cases {
        let taken = asked.stdout.contains(&format!("/{name} created"));
        if taken != *holds {
            let _ = writeln!(wrong, "{name}: the cluster takes it: {taken}");
        }
        let (here, known) = (!refused.contains(name), !NOT_KNOWN.contains(&name.as_str()));
        if taken && !here || (taken != here) == known {
            let _ = writeln!(wrong, "{name}: holds for the cluster: {taken}, here: {here}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}{}{}", asked.stderr, offline.stderr);
}
