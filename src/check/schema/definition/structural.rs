//! Whether the schema of a custom resource is one that Kubernetes takes: structural, so that it can drop what the
//! schema does not name, and sound, so that its lists mean something. How its parts narrow each other is in
//! [`super::forms`].

use serde_json::{Map, Value as Json};

use super::{
    defaults, forms, paths,
    report::{At, Report, shown},
};
use crate::{
    check::schema::reader::{LONGEST_PATTERN, MAX_DEPTH},
    finding::Code::DefinitionSchema as Wrong,
    text::nearest,
};

pub(super) const OPEN: &str = "x-kubernetes-preserve-unknown-fields";
pub(super) const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const LIST_TYPE: &str = "x-kubernetes-list-type";
const MAP_KEYS: &str = "x-kubernetes-list-map-keys";
const MAP_TYPE: &str = "x-kubernetes-map-type";

/// Everything that is wrong with the schemas of a definition.
pub(super) fn check(report: &mut Report<'_>, definition: &Json) {
    let spec = At::SPEC;
    let versions = spec.field("versions");
    for (n, version) in definition["spec"]["versions"].as_array().into_iter().flatten().enumerate() {
        let version_at = versions.item(n);
        paths::selectable(report, version_at, version);
        let Some(root) = version["schema"]["openAPIV3Schema"].as_object() else { continue };
        let schema_at = version_at.field("schema");
        let at = schema_at.field("openAPIV3Schema");
        of_root(report, at, root, version["subresources"]["status"].is_object());
        schema(report, Place { at, level: Level::Root, defaults: true, depth: 0 }, root);
        forms::complete(report, at, root, root, 0);
    }
}

/// What holds for the root alone.
fn of_root(report: &mut Report<'_>, at: At<'_>, root: &Map<String, Json>, has_status: bool) {
    if is_true(root, "nullable") {
        report.add(Wrong, at.field("nullable"), "cannot be true: an object is never null", "remove it");
    }
    let properties = at.field("properties");
    if let Some(metadata) = root.get("properties").and_then(|p| p["metadata"].as_object()) {
        let known = ["type", "properties", "description", "default"];
        let only = metadata.keys().all(|key| known.contains(&key.as_str()));
        let only_names = fields(metadata).all(|(name, _)| matches!(name.as_str(), "name" | "generateName"));
        if !(only && only_names) {
            let help = "write `metadata: {type: object}`: Kubernetes knows what metadata is";
            report.add(
                Wrong,
                properties.field("metadata"),
                "narrows more than `name` and `generateName`",
                help,
            );
        }
    }
    if has_status {
        // What stands below `status` is checked alone, and what the root says of it would be lost.
        const LOST: [&str; 8] =
            ["additionalProperties", "allOf", "anyOf", "oneOf", "not", "enum", "default", MAP_TYPE];
        for key in LOST.into_iter().filter(|key| root.contains_key(*key)) {
            let rule = "cannot stand at the root beside `subresources.status`";
            report.add(Wrong, at.field(key), rule, "move it to the schema of `spec`");
        }
    }
}

/// Where a schema stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    at: At<'p>,
    level: Level,
    /// Whether it may have a default.
    defaults: bool,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Inner,
}

/// A schema that says what there is.
fn schema(report: &mut Report<'_>, place: Place<'_>, schema: &Map<String, Json>) {
    if report.is_full() || place.depth > MAX_DEPTH {
        return;
    }
    let at = place.at;
    never(report, at, schema);
    pattern(report, at, schema);
    kind(report, place, schema);
    others(report, place, schema);
    extensions(report, at, schema);
    lists(report, at, schema);
    rules(report, at, schema);
    if !place.defaults && schema.contains_key("default") {
        report.add(Wrong, at.field("default"), "cannot be there: every object has it already", "remove it");
    } else {
        defaults::check(report, at, schema);
    }
    let is_resource = place.level == Level::Root || is_true(schema, EMBEDDED);
    let properties = at.field("properties");
    for (name, property) in fields(schema) {
        let Some(property) = property.as_object() else { continue };
        let at = properties.field(name);
        let meta = if is_resource { meta(name) } else { None };
        if let Some(wanted) = meta.filter(|wanted| text(property, "type") != Some(wanted)) {
            report.add(Wrong, at, format!("is not of `type: {wanted}`"), format!("write `type: {wanted}`"));
            continue;
        }
        let defaults = place.defaults && !(meta.is_some() && place.level == Level::Root);
        self::schema(report, Place { at, level: Level::Inner, defaults, depth: place.depth + 1 }, property);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key).and_then(Json::as_object) {
            let inner_at = Place { at: at.field(key), level: Level::Inner, depth: place.depth + 1, ..place };
            self::schema(report, inner_at, inner);
        }
    }
    forms::check(report, at, schema, place.depth);
}

/// Of which type a field is that every object has.
fn meta(name: &str) -> Option<&'static str> {
    match name {
        "apiVersion" | "kind" => Some("string"),
        "metadata" => Some("object"),
        _ => None,
    }
}

/// What `OpenAPI` has and Kubernetes does not take.
pub(super) fn never(report: &mut Report<'_>, at: At<'_>, schema: &Map<String, Json>) {
    const NEVER: [&str; 6] =
        ["$ref", "additionalItems", "definitions", "dependencies", "id", "patternProperties"];
    for key in NEVER.into_iter().filter(|key| schema.get(*key).is_some_and(|value| *value != "")) {
        let help = if key == "$ref" { "write out what it refers to" } else { "remove it" };
        report.add(Wrong, at.field(key), "is nothing that Kubernetes takes", help);
    }
    if is_true(schema, "uniqueItems") {
        let help = format!("write `{LIST_TYPE}: set`");
        report.add(Wrong, at.field("uniqueItems"), "is nothing that Kubernetes takes", help);
    }
    for (key, one) in [
        ("items", "write one schema, which every item fits"),
        ("additionalProperties", "write one schema, or `true`"),
    ] {
        match schema.get(key) {
            Some(Json::Array(_)) => report.add(Wrong, at.field(key), "is a sequence", one),
            // That anything or nothing else may stand there is said so.
            Some(Json::Bool(_)) if key == "additionalProperties" => {}
            Some(Json::String(_) | Json::Number(_) | Json::Bool(_)) => {
                report.add(Wrong, at.field(key), "is no schema", "write one, as in `type: string`");
            }
            _ => {}
        }
    }
}

/// Only what no regular expression of Go can be: what another library reads otherwise is left to Go.
pub(super) fn pattern(report: &mut Report<'_>, at: At<'_>, schema: &Map<String, Json>) {
    const SIGNS: [(&str, &str); 5] = [
        ("look-around", "looks ahead or behind, which Kubernetes cannot"),
        ("backreferences", "refers back to what it matched, which Kubernetes cannot"),
        ("unclosed group", "has a `(` that is not closed"),
        ("unopened group", "has a `)` that closes nothing"),
        ("unclosed character class", "has a `[` that is not closed"),
    ];
    let Some(pattern) = text(schema, "pattern").filter(|it| it.len() <= LONGEST_PATTERN) else { return };
    // It is read before it is made, which costs far more: so it is never made.
    let built = regex::RegexBuilder::new(pattern).size_limit(0).build();
    let Err(regex::Error::Syntax(words)) = built else { return };
    if let Some((_, rule)) = SIGNS.iter().find(|(sign, _)| words.contains(sign)) {
        report.add(Wrong, at.field("pattern"), rule, "write a regular expression as Go knows it");
    }
}

fn kind(report: &mut Report<'_>, place: Place<'_>, schema: &Map<String, Json>) {
    const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
    let at = place.at;
    let (embedded, open) = (is_true(schema, EMBEDDED), is_true(schema, OPEN));
    match text(schema, "type").filter(|kind| !kind.is_empty()) {
        Some("null") => {
            let help = "write the type that it has otherwise, and `nullable: true`";
            report.add(Wrong, at.field("type"), "cannot be `null`", help);
        }
        Some(kind) if !TYPES.contains(&kind) => {
            let help = match nearest(kind, TYPES) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("write one of: {}", TYPES.join(", ")),
            };
            report.add(Wrong, at.field("type"), format!("cannot be `{}`", shown(kind)), help);
        }
        Some(kind) if kind != "object" && (embedded || place.level == Level::Root) => {
            let whom = if embedded { "an embedded resource" } else { "what a definition makes" };
            let rule = format!("is `{kind}`, and {whom} is an object");
            report.add(Wrong, at.field("type"), rule, "write `type: object`");
        }
        Some("array") if !schema.contains_key("items") => {
            report.add(Wrong, at, "is an array without `items`", "add `items:` with the `type` of an item");
        }
        None if embedded || !open && !is_true(schema, INT_OR_STRING) => {
            let help = if embedded || place.level == Level::Root || schema.contains_key("properties") {
                "add `type: object`".to_owned()
            } else if schema.contains_key("items") {
                "add `type: array`".to_owned()
            } else {
                format!("add `type:`, or `{OPEN}: true` where it may be anything")
            };
            report.add(Wrong, at, "has no `type`", help);
        }
        _ => {}
    }
}

fn others(report: &mut Report<'_>, place: Place<'_>, schema: &Map<String, Json>) {
    let Some(others) = schema.get("additionalProperties") else { return };
    let at = place.at.field("additionalProperties");
    let embedded = is_true(schema, EMBEDDED);
    if place.level == Level::Root || embedded {
        let whom = if embedded { "in an embedded resource" } else { "at the root" };
        let help = format!("name the fields in `properties`, or write `{OPEN}: true`");
        report.add(Wrong, at, format!("cannot stand {whom}"), help);
    } else if fields(schema).next().is_some() && *others != true {
        let rule = "stands beside `properties`: a mapping has either fields or any keys";
        report.add(Wrong, at, rule, "remove one of the two");
    }
}

fn extensions(report: &mut Report<'_>, at: At<'_>, schema: &Map<String, Json>) {
    if schema.get(OPEN) == Some(&Json::Bool(false)) {
        report.add(Wrong, at.field(OPEN), "cannot be false", "remove it: that is what holds without it");
    }
    if is_true(schema, INT_OR_STRING) {
        for key in [OPEN, EMBEDDED].into_iter().filter(|key| is_true(schema, key)) {
            let rule = format!("stands beside `{INT_OR_STRING}`, which has no fields");
            report.add(Wrong, at.field(key), rule, "remove one of the two");
        }
    }
    if is_true(schema, EMBEDDED) && !is_true(schema, OPEN) && fields(schema).next().is_none() {
        let rule = "is an embedded resource of which nothing would be kept";
        report.add(Wrong, at, rule, format!("add `{OPEN}: true`, or its `properties`"));
    }
    if let Some(kind) = text(schema, MAP_TYPE) {
        let at = at.field(MAP_TYPE);
        if !matches!(kind, "atomic" | "granular") {
            report.add(Wrong, at, format!("cannot be `{}`", shown(kind)), "write `atomic` or `granular`");
        } else if text(schema, "type") != Some("object") {
            report.add(Wrong, at, "is only for `type: object`", "remove it");
        }
    }
}

fn lists(report: &mut Report<'_>, at: At<'_>, schema: &Map<String, Json>) {
    let kind = text(schema, LIST_TYPE);
    let keys = schema.get(MAP_KEYS).and_then(Json::as_array).into_iter().flatten();
    let keys: Vec<&str> = keys.filter_map(Json::as_str).collect();
    if !keys.is_empty() && kind != Some("map") {
        let rule = format!("is only for `{LIST_TYPE}: map`");
        report.add(Wrong, at.field(MAP_KEYS), rule, format!("add `{LIST_TYPE}: map`"));
    }
    let Some(kind) = kind else { return };
    if !matches!(kind, "atomic" | "set" | "map") {
        let rule = format!("cannot be `{}`", shown(kind));
        report.add(Wrong, at.field(LIST_TYPE), rule, "write `atomic`, `set` or `map`");
        return;
    }
    if text(schema, "type") != Some("array") {
        report.add(Wrong, at.field(LIST_TYPE), "is only for `type: array`", "remove it");
        return;
    }
    let Some(items) = schema.get("items").and_then(Json::as_object) else { return };
    let inner = at.field("items");
    if kind != "atomic" && is_true(items, "nullable") {
        let rule = format!("cannot be true for the items of a list of type `{kind}`");
        report.add(Wrong, inner.field("nullable"), rule, "remove it");
    }
    if kind == "map" {
        map_keys(report, at, items, &keys);
    }
    if kind == "set" {
        let key = match text(items, "type") {
            Some("object") => MAP_TYPE,
            Some("array") => LIST_TYPE,
            _ => return,
        };
        // A list is one value where it does not say otherwise, a mapping is not.
        let is_one = text(items, key).map_or(key == LIST_TYPE, |kind| kind == "atomic");
        if !is_one {
            let rule = format!("has no `{key}: atomic`, and its list is of type `set`");
            report.add(Wrong, inner, rule, format!("add `{key}: atomic`, or make it a list of type `map`"));
        }
    }
}

fn map_keys(report: &mut Report<'_>, at: At<'_>, items: &Map<String, Json>, keys: &[&str]) {
    let (inner, all) = (at.field("items"), at.field(MAP_KEYS));
    if keys.is_empty() {
        let help = format!("add `{MAP_KEYS}: [name]`, the fields that tell items apart");
        report.add(Wrong, at, format!("is a list of type `map` without `{MAP_KEYS}`"), help);
    }
    if text(items, "type") != Some("object") {
        let rule = "is not of `type: object`, and its list is of type `map`";
        report.add(Wrong, inner, rule, format!("write `type: object`, or another `{LIST_TYPE}`"));
        return;
    }
    let required = items.get("required").and_then(Json::as_array);
    let properties = inner.field("properties");
    for (n, key) in keys.iter().enumerate() {
        if keys[..n].contains(key) {
            report.add(Wrong, all, format!("has `{}` twice", shown(key)), "remove one of the two");
            continue;
        }
        let field = items.get("properties").and_then(|fields| fields.get(*key)).and_then(Json::as_object);
        let Some(field) = field else {
            let rule = format!("has `{}`, which is no field of an item", shown(key));
            report.add(Wrong, all, rule, "name fields of the items");
            continue;
        };
        let at = properties.field(key);
        if matches!(text(field, "type"), Some("array" | "object")) {
            report.add(Wrong, at, "tells items apart, and is no single value", "choose another key or type");
        }
        if is_true(field, "nullable") {
            report.add(Wrong, at.field("nullable"), "cannot be true: it tells items apart", "remove it");
        }
        let is_required = required.is_some_and(|names| names.iter().any(|name| name == key));
        if !is_required && !field.contains_key("default") {
            let rule = "tells items apart, and is neither required nor has a default";
            let help = format!("add `{}` to `required` of the items, or a `default` to it", shown(key));
            report.add(Wrong, at, rule, help);
        }
    }
}

fn rules(report: &mut Report<'_>, at: At<'_>, schema: &Map<String, Json>) {
    const REASONS: [&str; 4] =
        ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
    let rules = at.field("x-kubernetes-validations");
    let all = schema.get("x-kubernetes-validations").and_then(Json::as_array).into_iter().flatten();
    for (n, rule) in all.enumerate() {
        let Some(rule) = rule.as_object() else { continue };
        let at = rules.item(n);
        paths::of_rule(report, at, schema, rule);
        let written = text(rule, "rule").unwrap_or_default().trim();
        let message = text(rule, "message").unwrap_or_default().trim();
        if written.is_empty() {
            report.add(Wrong, at, "has no `rule`", "write an expression in CEL: `self.min <= self.max`");
        } else if message.contains(['\n', '\r']) {
            report.add(Wrong, at.field("message"), "has several lines", "write one line");
        } else if message.is_empty() && written.contains(['\n', '\r']) {
            let help = "add a `message`: a rule of several lines is not shown";
            report.add(Wrong, at, "has a rule of several lines and no `message`", help);
        }
        if let Some(reason) = text(rule, "reason").filter(|reason| !REASONS.contains(reason)) {
            let help = format!("write one of: {}", REASONS.join(", "));
            report.add(Wrong, at.field("reason"), format!("cannot be `{}`", shown(reason)), help);
        }
    }
}

pub(super) fn fields(schema: &Map<String, Json>) -> impl Iterator<Item = (&String, &Json)> {
    schema.get("properties").and_then(Json::as_object).into_iter().flatten()
}

pub(super) fn is_true(schema: &Map<String, Json>, key: &str) -> bool {
    schema.get(key) == Some(&Json::Bool(true))
}

pub(super) fn text<'j>(schema: &'j Map<String, Json>, key: &str) -> Option<&'j str> {
    schema.get(key).and_then(Json::as_str)
}
