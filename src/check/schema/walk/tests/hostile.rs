//! What a definition may say to make its objects costly, or what is said of them unreadable: it is bounded.

use serde_json::{Value as Json, json};

use super::{Finding, found};
use crate::{
    check::schema::{Minor, Schemas},
    finding::MOST_OF_ONE,
    text,
};

/// What is found in an object whose `spec` has this schema.
fn found_in(schema: &Json, spec: &Json) -> Vec<Finding> {
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": schema}}}});
    let mut schemas = Schemas::compiled(Minor::NEWEST);
    let definition =
        json!({"spec": {"group": "example.com", "names": {"kind": "Widget"}, "versions": [version]}});
    schemas.define(&definition).expect("because it is small");
    let object =
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec});
    found(&schemas, "a.json", &object.to_string())
}

#[test]
fn whatever_a_field_is_called_it_can_be_shown() {
    let name = "\u{1b}[31m".to_owned() + &"labels".repeat(10_000);
    let schema = json!({"type": "object", "properties": {(name.clone()): {"type": "string"}}});
    for more in [json!({"required": [name]}), json!({"oneOf": [{"required": [name]}, {"required": ["a"]}]})] {
        let mut schema = schema.clone();
        schema.as_object_mut().expect("it is one").extend(more.as_object().expect("it is one").clone());
        let found = found_in(&schema, &json!({}));
        assert_eq!(found.len(), 1, "{found:?}");
        for said in [Some(&found[0].message), found[0].help.as_ref()].into_iter().flatten() {
            assert!(text::is_clean(said) && said.chars().count() <= 2000, "{said}");
        }
    }
}

#[test]
fn a_pattern_that_costs_too_much_is_left_to_the_cluster() {
    let long = format!("^{}$", "a".repeat(5000));
    for (pattern, wrong) in [(&*long, 0), ("^a{100}$", 1), ("^(a{100}){100}$", 0), (r"^(?i)\pL{500}$", 0)] {
        let found = found_in(&json!({"type": "string", "pattern": pattern}), &json!("b"));
        assert_eq!(found.len(), wrong, "{pattern}: {found:?}");
    }
}

#[test]
fn a_default_that_is_nothing_is_none() {
    let of = |size: Json| {
        let schema = json!({"type": "object", "required": ["size"], "properties": {"size": size}});
        found_in(&schema, &json!({})).len()
    };
    assert_eq!(of(json!({"type": "integer", "default": null})), 1);
    assert_eq!(of(json!({"type": "integer", "default": 3})), 0);
}

#[test]
fn very_many_patterns_are_not_all_looked_at() {
    let forms: Vec<Json> = (0..300).map(|n| json!({"pattern": format!("^{n}$")})).collect();
    let schema = json!({"type": "object", "additionalProperties": {"type": "string", "allOf": forms}});
    let found = found_in(&schema, &json!({"a": "b"}));
    assert_eq!(found.len(), MOST_OF_ONE);
    // Which of three hundred fits is left to the cluster.
    let schema = json!({"type": "string", "anyOf": forms});
    assert!(found_in(&schema, &json!("b")).is_empty());
}

#[test]
fn which_of_very_many_forms_fits_is_left_to_the_cluster() {
    for (count, wrong) in [(200, 1), (201, 0)] {
        let forms: Vec<Json> = (0..count).map(|n| json!({"required": [format!("f{n}")]})).collect();
        for several in ["anyOf", "oneOf"] {
            let found = found_in(&json!({"type": "object", several: forms}), &json!({"a": 1}));
            let none = found.iter().filter(|finding| finding.message.contains("needs one of")).count();
            assert_eq!(none, wrong, "{several} of {count}: {found:?}");
        }
    }
}

#[test]
fn of_items_that_are_all_the_same_not_all_are_told() {
    let schema = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "integer"}});
    assert_eq!(found_in(&schema, &json!(vec![1; 300])).len(), MOST_OF_ONE);
}

#[test]
fn very_long_texts_are_not_compared_with_patterns() {
    let schema = json!({"type": "string", "pattern": "^a*$"});
    assert_eq!(found_in(&schema, &json!("b".repeat(1000))).len(), 1);
    assert!(found_in(&schema, &json!("b".repeat(100_000))).is_empty());
}

#[test]
fn of_very_many_keys_those_that_are_missing_are_found() {
    let fields = |n: usize| (0..n).map(|n| format!("f{n}"));
    let properties: serde_json::Map<String, Json> =
        fields(400).map(|name| (name, json!({"type": "integer"}))).collect();
    let schema =
        json!({"type": "object", "properties": properties, "required": fields(400).collect::<Vec<_>>()});
    let written: serde_json::Map<String, Json> = fields(399).map(|name| (name, json!(1))).collect();
    let found = found_in(&schema, &json!(written));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].message, "`spec` has no `f399`");
}
