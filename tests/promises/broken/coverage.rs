//! Which fields of Kubernetes' types the bases have.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use super::{ask::Asked, table::Base};

/// The types of a cluster by name, and those of its kinds.
pub struct Documents {
    types: BTreeMap<String, Value>,
    kinds: BTreeMap<(String, String), String>,
}

/// What a cluster says of its own types (`/openapi/v3`).
pub async fn documents(asked: &Asked) -> Documents {
    let mut documents = Documents { types: BTreeMap::new(), kinds: BTreeMap::new() };
    let index = asked.get("/openapi/v3").await;
    let paths = index["paths"].as_object().expect("because that is what it is");
    for (path, found) in paths.iter().filter(|(path, _)| path.starts_with("api")) {
        let url = found["serverRelativeURL"].as_str().unwrap_or(path);
        let document = asked.get(url).await;
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            if let Some([kind]) = schema["x-kubernetes-group-version-kind"].as_array().map(Vec::as_slice) {
                let word = |field: &str| kind[field].as_str().unwrap_or_default();
                let version = format!("{}/{}", word("group"), word("version"));
                let key = (version.trim_start_matches('/').to_owned(), word("kind").to_owned());
                documents.kinds.insert(key, name.clone());
            }
            documents.types.insert(name.clone(), schema.clone());
        }
    }
    documents
}

impl Documents {
    /// A schema behind its references, with the name of its type.
    fn behind<'d>(&'d self, schema: &'d Value) -> (Option<&'d str>, &'d Value) {
        if let Some([one]) = schema["allOf"].as_array().map(Vec::as_slice) {
            return self.behind(one);
        }
        let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        name.map_or((None, schema), |name| (Some(name), &self.types[name]))
    }
}

/// How many of the fields that objects of these kinds may have the bases have, each counted once by its type.
pub struct Share {
    has: BTreeSet<String>,
    there: BTreeSet<String>,
    reached: BTreeSet<String>,
}

impl Share {
    pub fn of(bases: &[Base], documents: &Documents) -> Self {
        let mut share = Self { has: BTreeSet::new(), there: BTreeSet::new(), reached: BTreeSet::new() };
        for base in bases {
            let word = |field: &str| base.object[field].as_str().unwrap_or_default().to_owned();
            let name = &documents.kinds[&(word("apiVersion"), word("kind"))];
            share.reach(documents, name);
            share.visit(documents, name, &documents.types[name], Some(&base.object));
        }
        share
    }

    pub fn percent(&self) -> usize {
        self.has.len() * 100 / self.there.len().max(1)
    }

    /// Every field of the type and of those below it.
    fn reach(&mut self, documents: &Documents, name: &str) {
        if self.reached.insert(name.to_owned()) {
            self.visit(documents, name, &documents.types[name], None);
        }
    }

    /// Counts what a value has, or without one what there may be.
    fn visit(&mut self, documents: &Documents, of: &str, schema: &Value, value: Option<&Value>) {
        for (field, below) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{of}.{field}");
            match value {
                None => self.there.insert(path.clone()),
                Some(value) if value.get(field).is_none() => continue,
                Some(_) => self.has.insert(path.clone()),
            };
            self.child(documents, &path, below, value.map(|value| &value[field]));
        }
        for word in ["items", "additionalProperties"] {
            let Some(below) = schema.get(word).filter(|below| below.is_object()) else { continue };
            let path = format!("{of}[]");
            match value {
                None => self.child(documents, &path, below, None),
                Some(Value::Array(items)) => {
                    items.iter().for_each(|v| self.child(documents, &path, below, Some(v)))
                }
                Some(Value::Object(fields)) => {
                    fields.values().for_each(|v| self.child(documents, &path, below, Some(v)))
                }
                Some(_) => {}
            }
        }
    }

    fn child(&mut self, documents: &Documents, path: &str, schema: &Value, value: Option<&Value>) {
        match (documents.behind(schema), value) {
            ((Some(name), _), None) => self.reach(documents, name),
            ((Some(name), below), value) => self.visit(documents, name, below, value),
            ((None, below), value) => self.visit(documents, path, below, value),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (has, there) = (self.has.len(), self.there.len());
        writeln!(f, "{has} of {there} fields, {} %; not these:", self.percent())?;
        self.there.difference(&self.has).try_for_each(|field| writeln!(f, "  {field}"))
    }
}
