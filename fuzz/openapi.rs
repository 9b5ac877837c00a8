//! What a cluster says that its kinds are, and objects of them. A cluster may be anybody's: its document is read, kept
//! in the cache and found there again, and says the same each time.

use instate::{
    check::{
        self,
        schema::{Document, Live, Minor, Schemas, TooLarge},
    },
    finding::{Finding, MOST_OF_ONE},
    manifest,
    source::Source,
};
use serde_json::{Value as Json, json};

use crate::{
    frame::{Fuzzer, Watch, codes, look_right},
    json, reading,
};

pub const FUZZER: Fuzzer = Fuzzer {
    name: "openapi",
    of: "what a cluster says of its kinds, and objects of them",
    seeds,
    words: reading::WORDS,
    change: json::change,
    read,
};

/// The version of a group that the document is about.
const VERSION: &str = "example.com/v1";

fn seeds() -> Vec<Vec<u8>> {
    let meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    let to = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let kind = json!([{"group": "example.com", "version": "v1", "kind": "Widget"}]);
    let schemas = json!({
        "com.example.v1.Widget": {
            "type": "object",
            "x-kubernetes-group-version-kind": kind,
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"allOf": [to(meta)], "default": {}},
                "spec": to("com.example.v1.Spec"),
            },
        },
        "com.example.v1.Spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "format": "int32", "default": 0},
                "after": {"type": "array", "items": to("com.example.v1.Spec"), "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["size"]},
                "memory": to("io.k8s.apimachinery.pkg.api.resource.Quantity"),
                "at": to("io.k8s.apimachinery.pkg.apis.meta.v1.Time"),
                "port": to("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
                "any": to("com.example.v1.Nothing"),
                "mode": {"type": "string", "enum": ["Fast", "Slow"], "pattern": "^[A-Z]"},
                "labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}},
            },
            "oneOf": [{"required": ["mode"]}, {"required": ["labels"]}],
        },
        meta: {"type": "object", "properties": {
            "name": {"type": "string"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        }},
    });
    let operation = json!({"put": {"x-kubernetes-group-version-kind": kind[0]}});
    let document = json!({
        "paths": {"/apis/example.com/v1/namespaces/{namespace}/widgets/{name}": operation},
        "components": {"schemas": schemas},
    });
    let object = |spec: Json| json!({"apiVersion": VERSION, "kind": "Widget", "metadata": {"name": "a", "labels": {"a": "b"}}, "spec": spec});
    let good = object(json!({"size": 3, "after": [{"size": 1, "mode": "Fast"}, {"size": 2, "mode": "Slow"}],
        "memory": "1Gi", "port": 80, "mode": "Fast", "any": [1]}));
    let wrong = object(
        json!({"siz": 3, "after": [{"size": "1"}, {"size": 2, "size2": 2}], "memory": "1GB", "mode": "fast"}),
    );
    let all = json!({"document": document, "objects": [good, wrong]});
    vec![all.to_string().into_bytes(), serde_json::to_vec_pretty(&all).unwrap()]
}

fn read(bytes: &[u8], watch: &mut Watch) -> String {
    // What comes over the line is JSON, or is refused before.
    let Ok(json) = serde_json::from_slice::<Json>(bytes) else { return String::new() };
    let document = match watch.time(|| Document::read(&json["document"])) {
        Ok(document) => document,
        Err(TooLarge) => return "too large".to_owned(),
    };
    let (kept, kinds) = watch.time(|| {
        let bytes = serde_json::to_vec(&document).unwrap();
        (serde_json::from_slice::<Document>(&bytes).unwrap(), document.kinds().count())
    });
    let same = Document::read(&json["document"]).unwrap();
    let schemas = [document, kept, same].map(|document| {
        Schemas::compiled(Minor::NEWEST).with_cluster(Live {
            minor: Minor::NEWEST,
            served: [VERSION.to_owned()].into(),
            documents: [(VERSION.to_owned(), ("hash".to_owned(), document))].into(),
        })
    });
    let mut answer = format!("{}", kinds.min(9));
    for object in json["objects"].as_array().into_iter().flatten().take(20) {
        let source = Source::new("a.yaml", serde_json::to_string_pretty(object).unwrap());
        for manifest in manifest::read(&source).0 {
            let found = watch.time(|| check::one(&manifest, &schemas[0]));
            let findings: &[Finding] = found.as_deref().unwrap_or_default();
            look_right(source.text(), findings, MOST_OF_ONE);
            for same in &schemas[1..] {
                assert_eq!(found, check::one(&manifest, same), "of the same document");
            }
            answer += &found.as_ref().map_or("-".to_owned(), |found| codes(found));
        }
    }
    answer
}
