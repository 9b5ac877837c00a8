//! Whether a default is a value that its own schema takes: Kubernetes writes it into every object that has none.

use serde_json::{Map, Value as Json};

use super::{
    report::{At, Report, shown},
    structural::{EMBEDDED, OPEN, is_true, text},
};
use crate::{check::schema::reader::MAX_DEPTH, finding::Code::DefinitionSchema as Wrong};

/// What an object of Kubernetes itself has, of which two have to be there.
const RESOURCE: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// What is wrong with the default of a schema.
pub(super) fn check(report: &mut Report<'_>, at: At<'_>, schema: &Map<String, Json>) {
    // An empty one is as good as none.
    let Some(default) = schema.get("default").filter(|default| !default.is_null()) else { return };
    if let Err((place, wrong)) = fits(default, schema, 0) {
        let rule = match place.as_str() {
            "" => wrong,
            place => format!("is not what its schema takes: `{}` {wrong}", shown(place)),
        };
        report.add(
            Wrong,
            at.field("default"),
            rule,
            "write a default that the schema takes, or change the schema",
        );
    }
}

/// Where in the value something is wrong, and what.
type Misfit = (String, String);

fn fits(value: &Json, schema: &Map<String, Json>, depth: usize) -> Result<(), Misfit> {
    let here = |wrong: String| Err((String::new(), wrong));
    if depth > MAX_DEPTH {
        return Ok(());
    }
    if value.is_null() && is_true(schema, "nullable") {
        return Ok(());
    }
    let wanted = text(schema, "type").unwrap_or_default();
    let is_fit = match value {
        // Of `x-kubernetes-int-or-string` Kubernetes does not look at it either.
        _ if wanted.is_empty() => true,
        Json::String(_) => wanted == "string",
        Json::Bool(_) => wanted == "boolean",
        Json::Number(number) => {
            let is_whole = || number.as_f64().is_some_and(|number| number.fract() == 0.0);
            wanted == "number" || (wanted == "integer" && is_whole())
        }
        Json::Array(_) => wanted == "array",
        Json::Object(_) => wanted == "object",
        Json::Null => false,
    };
    if !is_fit {
        return here(format!("is {}, and the type is {wanted}", type_of(value)));
    }
    let allowed = schema.get("enum").and_then(Json::as_array);
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        return here("is none of the values in `enum`".to_owned());
    }
    match value {
        Json::Array(items) => {
            if let Some(of) = schema.get("items").and_then(Json::as_object) {
                for (n, item) in items.iter().enumerate() {
                    fits(item, of, depth + 1).map_err(|(place, wrong)| (format!("[{n}]{place}"), wrong))?;
                }
            }
        }
        Json::Object(entries) => return entries_fit(entries, schema, depth),
        _ => {}
    }
    Ok(())
}

fn entries_fit(entries: &Map<String, Json>, schema: &Map<String, Json>, depth: usize) -> Result<(), Misfit> {
    let properties = schema.get("properties").and_then(Json::as_object);
    let others = schema.get("additionalProperties");
    let (is_open, is_resource) = (is_true(schema, OPEN), is_true(schema, EMBEDDED));
    for (key, value) in entries {
        match properties.and_then(|known| known.get(key)).or(others) {
            Some(Json::Object(of)) => {
                fits(value, of, depth + 1).map_err(|(place, wrong)| (format!(".{key}{place}"), wrong))?;
            }
            None if !(is_open || is_resource && RESOURCE.contains(&key.as_str())) => {
                return Err((format!(".{key}"), "is no field of the schema".to_owned()));
            }
            _ => {}
        }
    }
    let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
    let of_resource = RESOURCE[..2].iter().copied().filter(|_| is_resource);
    let mut missing =
        required.filter_map(Json::as_str).chain(of_resource).filter(|name| !entries.contains_key(*name));
    match missing.next() {
        Some(name) => Err((format!(".{name}"), "is required, and not there".to_owned())),
        None => Ok(()),
    }
}

fn type_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "nothing",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}
