//! The parts of a schema that only narrow what it says elsewhere: `allOf`, `anyOf`, `oneOf`, `not`. They may not say
//! what there is, and may only speak of what there is.

use serde_json::{Map, Value as Json, json};

use super::{
    report::{At, Report, shown},
    structural::{fields, never, pattern},
};
use crate::{check::schema::reader::MAX_DEPTH, finding::Code::DefinitionSchema as Wrong};

const SEVERAL: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// What says what there is, and so cannot only narrow.
const SAYS: [&str; 13] = [
    "additionalProperties",
    "default",
    "description",
    "nullable",
    "title",
    "type",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// The narrowing parts of `schema`.
pub(super) fn check(report: &mut Report<'_>, at: At<'_>, schema: &Map<String, Json>, depth: usize) {
    for key in SEVERAL {
        let Some(forms) = schema.get(key) else { continue };
        // Beside `x-kubernetes-int-or-string` a type may be said here.
        if key == "anyOf" && is_int_or_string(forms) {
            continue;
        }
        let several = at.field(key);
        for (n, inner) in forms.as_array().into_iter().flatten().enumerate() {
            let Some(inner) = inner.as_object() else { continue };
            form(report, several.item(n), inner, key == "allOf" && n == 0, depth + 1);
        }
    }
    if let Some(inner) = schema.get("not").and_then(Json::as_object) {
        form(report, at.field("not"), inner, false, depth + 1);
    }
}

fn form(report: &mut Report<'_>, at: At<'_>, form: &Map<String, Json>, is_first: bool, depth: usize) {
    if report.is_full() || depth > MAX_DEPTH {
        return;
    }
    never(report, at, form);
    pattern(report, at, form);
    for key in
        SAYS.into_iter().filter(|key| form.get(*key).is_some_and(|value| *value != false && *value != ""))
    {
        let rule = "cannot stand where `allOf`, `anyOf`, `oneOf` or `not` only narrow";
        report.add(Wrong, at.field(key), rule, "move it to the schema that is narrowed");
    }
    let properties = at.field("properties");
    for (name, property) in fields(form) {
        if name == "metadata" {
            let help = "remove it: Kubernetes knows what metadata is";
            report.add(Wrong, properties.field(name), "cannot be narrowed", help);
        } else if let Some(property) = property.as_object() {
            self::form(report, properties.field(name), property, false, depth + 1);
        }
    }
    if let Some(items) = form.get("items").and_then(Json::as_object) {
        self::form(report, at.field("items"), items, false, depth + 1);
    }
    if !is_first && form.get("anyOf").is_some_and(is_int_or_string) {
        let rule = "says a type where `allOf`, `anyOf`, `oneOf` or `not` only narrow";
        report.add(Wrong, at.field("anyOf"), rule, "move it to the schema that is narrowed");
    }
    check(report, at, form, depth);
}

fn is_int_or_string(forms: &Json) -> bool {
    *forms == json!([{"type": "integer"}, {"type": "string"}])
}

/// What is narrowed has to be there: `form` is `schema` itself or a part that narrows it.
pub(super) fn complete(
    report: &mut Report<'_>,
    at: At<'_>,
    form: &Map<String, Json>,
    schema: &Map<String, Json>,
    depth: usize,
) {
    if report.is_full() || depth > MAX_DEPTH {
        return;
    }
    for key in SEVERAL {
        let several = at.field(key);
        for (n, inner) in form.get(key).and_then(Json::as_array).into_iter().flatten().enumerate() {
            if let Some(inner) = inner.as_object() {
                complete(report, several.item(n), inner, schema, depth + 1);
            }
        }
    }
    if let Some(inner) = form.get("not").and_then(Json::as_object) {
        complete(report, at.field("not"), inner, schema, depth + 1);
    }
    let properties = at.field("properties");
    for (name, inner) in fields(form) {
        let Some(inner) = inner.as_object() else { continue };
        match schema.get("properties").and_then(|fields| fields.get(name)).and_then(Json::as_object) {
            Some(known) => complete(report, properties.field(name), inner, known, depth + 1),
            None => {
                let help = format!("add `{}` with its `type` to the schema that is narrowed", shown(name));
                report.add(Wrong, properties.field(name), "narrows a field that is not there", help);
            }
        }
    }
    if let Some(inner) = form.get("items").and_then(Json::as_object) {
        match schema.get("items").and_then(Json::as_object) {
            Some(known) => complete(report, at.field("items"), inner, known, depth + 1),
            None => {
                let help = "add `items` with their `type` to the schema that is narrowed";
                report.add(Wrong, at.field("items"), "narrows items that are not there", help);
            }
        }
    }
    // What any key may hold is narrowed by nothing above it.
    if std::ptr::eq(form, schema)
        && let Some(inner) = form.get("additionalProperties").and_then(Json::as_object)
    {
        complete(report, at.field("additionalProperties"), inner, inner, depth + 1);
    }
}
