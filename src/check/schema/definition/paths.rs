//! Paths of a definition that point into its schema: what rules mean (`fieldPath`), and what can be selected by.

use serde_json::{Map, Value as Json};

use super::{
    report::{At, Report, shown},
    structural::text,
};
use crate::finding::Code::DefinitionSchema as Wrong;

/// So many fields of a version may be selected by.
const MOST_SELECTABLE: usize = 8;

/// The fields that objects of a version can be selected by.
pub(super) fn selectable(report: &mut Report<'_>, version_at: At<'_>, version: &Json) {
    let fields = version["selectableFields"].as_array().map_or(&[][..], Vec::as_slice);
    let all = version_at.field("selectableFields");
    if fields.len() > MOST_SELECTABLE {
        report.add(Wrong, all, "has more than 8 fields", "take some of them out");
    }
    let Some(root) = version["schema"]["openAPIV3Schema"].as_object() else { return };
    for (n, field) in fields.iter().enumerate() {
        let Some(path) = field["jsonPath"].as_str().filter(|path| !path.is_empty()) else { continue };
        let item = all.item(n);
        let at = item.field("jsonPath");
        if path.starts_with(".metadata") {
            report.add(Wrong, at, "points into `metadata`", "take it out: names can always be selected by");
            continue;
        }
        let is_one = |schema: &Map<String, Json>| {
            matches!(text(schema, "type"), Some("string" | "boolean" | "integer"))
        };
        match find(root, path).filter(|_| !path.contains('[')) {
            None => nowhere(report, at, path),
            Some(schema) if !is_one(schema) => {
                let rule = format!("points to `{}`, which is no single value", shown(path));
                report.add(Wrong, at, rule, "choose a field of type string, boolean or integer");
            }
            Some(_) if fields[..n].iter().any(|other| other["jsonPath"] == *path) => {
                report.add(Wrong, at, format!("has `{}` once more", shown(path)), "remove one of them");
            }
            Some(_) => {}
        }
    }
}

/// The field that a rule of `schema` means.
pub(super) fn of_rule(
    report: &mut Report<'_>,
    at: At<'_>,
    schema: &Map<String, Json>,
    rule: &Map<String, Json>,
) {
    if let Some(path) =
        text(rule, "fieldPath").filter(|path| !path.is_empty() && find(schema, path).is_none())
    {
        nowhere(report, at.field("fieldPath"), path);
    }
}

fn nowhere(report: &mut Report<'_>, at: At<'_>, path: &str) {
    let rule = format!("is `{}`, which points to no field of the schema", shown(path));
    report.add(Wrong, at, rule, "write it as `.spec.size`, beginning where it stands");
}

/// The schema at a path of names: `.spec.size`, `.map['key']`.
fn find<'j>(mut schema: &'j Map<String, Json>, path: &str) -> Option<&'j Map<String, Json>> {
    let mut rest = path;
    while !rest.is_empty() {
        let name;
        (name, rest) = step(rest)?;
        let field = schema.get("properties").and_then(|fields| fields.get(name));
        schema = field.or_else(|| schema.get("additionalProperties"))?.as_object()?;
    }
    Some(schema)
}

/// The first name of such a path, and what is behind it.
pub(in crate::check::schema) fn step(path: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = path.strip_prefix("['") {
        return quoted.split_once("']");
    }
    let plain = path.strip_prefix('.')?;
    Some(plain.split_at(plain.find(['.', '[']).unwrap_or(plain.len())))
}
