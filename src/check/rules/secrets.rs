//! What a Secret of a type has to hold. Nothing of it is ever shown.

use super::wants::text_of;
use crate::{
    check::spot::{Spot, key_text},
    finding::{Code, Finding},
    manifest::Resolved,
};

/// The keys that the type of a Secret needs.
pub(super) fn of_type(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(kind) = text_of(spot, "type") else { return };
    let needs = |keys: &[&str], found: &mut Vec<Finding>| {
        for key in keys {
            if !holds(spot, key) {
                found.push(lacks(spot, kind, key));
            }
        }
    };
    match kind {
        "kubernetes.io/tls" => needs(&["tls.crt", "tls.key"], found),
        "kubernetes.io/ssh-auth" => needs(&["ssh-privatekey"], found),
        "kubernetes.io/dockercfg" => needs(&[".dockercfg"], found),
        "kubernetes.io/dockerconfigjson" => needs(&[".dockerconfigjson"], found),
        "kubernetes.io/basic-auth" => {
            if !holds(spot, "username") && !holds(spot, "password") {
                found.push(lacks(spot, kind, "username` or `password"));
            }
        }
        "kubernetes.io/service-account-token" => account(spot, kind, found),
        _ => return,
    }
    let json = match kind {
        "kubernetes.io/dockercfg" => ".dockercfg",
        "kubernetes.io/dockerconfigjson" => ".dockerconfigjson",
        _ => return,
    };
    if let Some(texts) = spot.field("stringData")
        && let Some(config) = texts.field(json)
        && let Some(text) = config.text()
        && !is_mapping(text)
    {
        let message = format!("a Secret of the type `{kind}` holds JSON under `{json}`, and this is none");
        let help = "write it as Docker does: {\"auths\": {...}}";
        found.push(config.error(Code::OutOfRange, message).help(help));
    }
}

/// Whether it is JSON of a mapping, or of nothing.
fn is_mapping(text: &str) -> bool {
    use serde_json::Value;
    matches!(serde_json::from_str(text), Ok(Value::Object(_) | Value::Null))
}

/// Whether there is such a key, whatever it holds.
fn holds(spot: &Spot<'_>, key: &str) -> bool {
    ["data", "stringData"].iter().filter_map(|name| spot.field(name)).any(|map| {
        // What is no mapping is found elsewhere.
        !matches!(map.is(), Resolved::Mapping(_))
            || map.entries().iter().any(|(known, _)| key_text(spot.manifest(), *known) == key)
    })
}

fn lacks(spot: &Spot<'_>, kind: &str, key: &str) -> Finding {
    let message = format!("a Secret of the type `{kind}` needs the key `{key}`");
    let place = match ["stringData", "data"].iter().find_map(|name| spot.field(name)) {
        Some(map) => map.key_place(),
        None => spot.head_place(),
    };
    let help = format!("add `{key}` below `stringData:` or `data:`, or remove the type");
    Finding::error(Code::RequiredMissing, message).at(place).help(help)
}

/// A token is of an account.
fn account(spot: &Spot<'_>, kind: &str, found: &mut Vec<Finding>) {
    const ANNOTATION: &str = "kubernetes.io/service-account.name";
    let metadata = spot.field("metadata");
    let annotations = metadata.as_ref().and_then(|metadata| metadata.field("annotations"));
    let named = annotations
        .as_ref()
        .is_some_and(|annotations| annotations.field(ANNOTATION).is_some_and(|name| name.text() != Some("")));
    if !named {
        let message = format!("a Secret of the type `{kind}` needs the annotation `{ANNOTATION}`");
        let nearest = annotations.as_ref().or(metadata.as_ref());
        let place = nearest.map_or_else(|| spot.head_place(), Spot::key_place);
        let help = "add it with the name of the ServiceAccount";
        found.push(Finding::error(Code::RequiredMissing, message).at(place).help(help));
    }
}
