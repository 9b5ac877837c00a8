//! `OpenAPI` v3 as an API server serves it at `/openapi/v3/...`: which kinds there are, and what they look like.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{
    Document, Scope, Served, Shape,
    reader::{Reader, TooLarge},
};

impl Document {
    /// Reads what is served at `/openapi/v3/...`.
    ///
    /// # Errors
    /// It describes too much.
    pub fn read(document: &Json) -> Result<Self, TooLarge> {
        let Some(schemas) = document["components"]["schemas"].as_object() else { return Ok(Self::default()) };
        let mut names = HashMap::new();
        for (name, schema) in schemas {
            for id in schema[KIND].as_array().into_iter().flatten().filter_map(kind) {
                names.insert(id, name.as_str());
            }
        }
        let mut reader = Reader::default();
        let mut kinds = HashMap::<&str, (Option<Scope>, &str)>::new();
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            let Some(operations) = operations.as_object() else { continue };
            for (verb, operation) in operations {
                let Some(id) = kind(&operation[KIND]) else { continue };
                let Some(name) = names.get(&id) else { continue };
                let found = kinds.entry(id.2).or_insert((None, name));
                found.0 = found.0.or_else(|| scope(path).filter(|_| verb == "put"));
            }
        }
        let mut read = Vec::with_capacity(kinds.len());
        for (name, (scope, definition)) in kinds {
            let schema = match scope {
                Some(_) => reader.named(definition),
                None => reader.leaf(Shape::Any)?,
            };
            read.push(Served { name: name.to_owned(), scope, schema, deprecated: None });
        }
        // In the order of nothing but their names, so that the same document is always read the same.
        read.sort_by(|a, b| a.name.cmp(&b.name));
        reader.define(schemas)?;
        Ok(Self { arena: reader.arena, kinds: read })
    }
}

const KIND: &str = "x-kubernetes-group-version-kind";

/// Group, version and kind.
fn kind(json: &Json) -> Option<(&str, &str, &str)> {
    Some((json["group"].as_str()?, json["version"].as_str()?, json["kind"].as_str()?))
}

/// Where objects live that are written at a path, if it is the path of one whole object.
fn scope(path: &str) -> Option<Scope> {
    let mut parts = path.trim_start_matches('/').split('/');
    match parts.next()? {
        "api" => parts.next(),
        _ => parts.nth(1),
    }?;
    let rest: Vec<&str> = parts.collect();
    match rest.as_slice() {
        ["namespaces", "{namespace}", _, "{name}"] => Some(Scope::Namespaced),
        [_, "{name}"] => Some(Scope::Cluster),
        _ => None,
    }
}
