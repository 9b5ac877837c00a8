//! Definitions of custom resources, and objects of what they define: one file of a push, as the judge sees it. What
//! cannot be read of a definition defines nothing; what was defined is of its group and its name, and no other.

use instate::{
    check::{
        self,
        schema::{DEFINITION, Found, Minor, Schemas, TooLarge},
    },
    config::Silence,
    finding::{MOST, MOST_OF_ONE},
    manifest::{self, Manifest},
    revision::{self, By, Rules},
    tree::Named,
};
use serde_json::{Value as Json, json};

use crate::{
    frame::{self, Fuzzer, Watch, codes, look_right},
    json, reading,
};

pub const FUZZER: Fuzzer = Fuzzer {
    name: "definition",
    of: "definitions of custom resources, and objects of them",
    seeds,
    words: reading::WORDS,
    change: json::change,
    read,
};

fn seeds() -> Vec<Vec<u8>> {
    let spec = json!({
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 9, "default": 1},
            "ratio": {"type": "number", "multipleOf": 0.5, "exclusiveMaximum": true, "maximum": 3},
            "mode": {"type": "string", "enum": ["Fast", "Slow"], "nullable": true},
            "name": {"type": "string", "pattern": "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", "maxLength": 63},
            "at": {"type": "string", "format": "date-time"},
            "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            "labels": {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}, "maxProperties": 3},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "inner": {"type": "object", "x-kubernetes-embedded-resource": true,
                "x-kubernetes-preserve-unknown-fields": true},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
                "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}},
        },
        "oneOf": [{"required": ["mode"]}, {"required": ["name"]}],
        "not": {"properties": {"size": {"enum": [7]}}, "required": ["tags"]},
        "allOf": [{"properties": {"size": {"maximum": 8}}}],
        "x-kubernetes-validations": [{"rule": "self.size > 1", "message": "too few", "fieldPath": ".size"}],
    });
    let object = json!({
        "size": 3, "ratio": 1.5, "mode": "Fast", "at": "2026-11-23T10:00:00Z", "port": "http",
        "labels": {"a": "b"}, "free": {"a": [1, 2]}, "tags": ["a", "b"], "parts": [{"id": "a"}, {"id": "b"}],
        "inner": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}},
    });
    let good = file(&spec, &object);
    let wrong = file(
        &spec,
        &json!({"size": "a", "mod": 1, "port": true, "tags": ["a", "a"], "parts": [{"id": 1}, {}]}),
    );
    let small = file(&json!({"type": "string"}), &json!("a"));
    let pretty = |json: &Json| serde_json::to_vec_pretty(json).unwrap();
    vec![
        good.to_string().into_bytes(),
        pretty(&good),
        pretty(&wrong),
        pretty(&small),
        small.to_string().into_bytes(),
    ]
}

/// A definition with that schema for `spec`, and an object of it.
fn file(spec: &Json, object: &Json) -> Json {
    let root = json!({"type": "object", "properties": {"spec": spec, "status": {"type": "object"}}});
    let version = json!({"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": root}});
    let old = json!({"name": "v1beta1", "served": true, "storage": false, "deprecated": true,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": DEFINITION, "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [version, old]},
    });
    let object =
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": object});
    json!({"apiVersion": "v1", "kind": "List", "items": [definition, object]})
}

/// Checks a file as that of a push, and then by hand what its definitions define.
fn read(bytes: &[u8], watch: &mut Watch) -> String {
    let named = Named(vec![("a.yaml".to_owned(), bytes.to_vec())]);
    let minor = Minor::NEWEST;
    let rules = Rules { namespace: "default", by: By::Compiled(minor), silence: &Silence::Warnings };
    let revision = watch.time(|| revision::read_named(named, Vec::new(), &rules)).unwrap();
    let findings = revision.findings;
    let mut answer = format!("{} {}", codes(&findings), findings.len().checked_ilog2().unwrap_or_default());
    let mut aside = Watch::default();
    let Ok(source) = frame::source(bytes, &mut aside) else { return answer };
    // Those of the last file are all told.
    look_right(source.text(), &findings, 2 * MOST);
    let (manifests, _) = manifest::read(&source);
    let mut schemas = Schemas::compiled(minor);
    for manifest in manifests.iter().take(20) {
        if manifest.key.kind == DEFINITION {
            answer += &define(&mut schemas, manifest, &manifests);
        }
    }
    for manifest in manifests.iter().take(20) {
        let found = check::one(manifest, &schemas);
        look_right(source.text(), found.as_deref().unwrap_or_default(), MOST_OF_ONE);
        answer += found.map_or("-".to_owned(), |found| codes(&found)).as_str();
    }
    answer
}

fn define(schemas: &mut Schemas, manifest: &Manifest, objects: &[Manifest]) -> String {
    let definition = manifest.json().expect("because an object that is too large was refused");
    let kinds = || objects.iter().map(|object| (object.api_version.as_str(), object.key.kind.as_str()));
    let known = |schemas: &Schemas| {
        kinds().map(|(version, kind)| word(&schemas.find(version, kind))).collect::<Vec<_>>()
    };
    let (before, digest) = (known(schemas), schemas.digest());
    let result = schemas.define(&definition);
    let spec = &definition["spec"];
    let served: Vec<String> = spec["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|version| version["served"] == true)
        .filter_map(|version| Some(format!("{}/{}", spec["group"].as_str()?, version["name"].as_str()?)))
        .collect();
    let kind = spec["names"]["kind"].as_str();
    if result == Err(TooLarge) {
        assert_eq!((known(schemas), schemas.digest()), (before, digest), "what is refused defines nothing");
        return "!".to_owned();
    }
    for ((version, of), (before, after)) in kinds().zip(before.iter().zip(known(schemas))) {
        let is_defined = kind == Some(of) && served.iter().any(|served| served == version);
        // Of other versions of its group, and of what is nearest to a misspelt one, more may be known now.
        let is_near = matches!(after, "unknown" | "none") || matches!(before.to_owned(), "unknown" | "none");
        assert!(is_defined || is_near || *before == after, "{version} {of}: {before} {after}");
        assert!(!is_defined || after == "kind", "{version} {of} is defined: {after}");
    }
    format!("={}", served.len().min(5))
}

fn word(found: &Found<'_>) -> &'static str {
    match found {
        Found::Kind(_) => "kind",
        Found::Removed(_) => "removed",
        Found::Newer(_) => "newer",
        Found::NotKept => "not kept",
        Found::Unknown { .. } => "unknown",
        Found::NoSchema => "none",
    }
}
