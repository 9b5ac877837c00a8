//! The custom resources that a `CustomResourceDefinition` of the revision makes: what they may be, before any
//! cluster has it; and whether the definition itself is good.

mod defaults;
mod forms;
mod names;
pub(super) mod paths;
mod report;
mod structural;

use serde_json::Value as Json;

use self::report::Report;
use super::{
    At, Deprecated, Document, Object, Others, Schema, Scope, Served, Shape,
    reader::{Reader, TooLarge},
};
use crate::{finding::Finding, manifest::Manifest};

/// What is wrong with a `CustomResourceDefinition` beside what its own schema says, as an API server finds it.
#[must_use]
pub fn check(manifest: &Manifest) -> Vec<Finding> {
    // One that stands for too much is found where objects are read.
    let Ok(definition) = manifest.json() else { return Vec::new() };
    let mut report = Report::new(manifest);
    names::check(&mut report, &definition);
    structural::check(&mut report, &definition);
    report.findings
}

/// The versions that a definition serves, each with the version of the group: `example.com/v1`. `metadata` is
/// what the metadata of every object may be.
pub(super) fn read(definition: &Json, metadata: Option<At<'_>>) -> Result<Vec<(String, Document)>, TooLarge> {
    let spec = &definition["spec"];
    let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str()) else {
        return Ok(Vec::new());
    };
    let scope = if spec["scope"] == "Cluster" { Scope::Cluster } else { Scope::Namespaced };
    let versions =
        || spec["versions"].as_array().into_iter().flatten().filter(|version| version["served"] == true);
    // What a deprecated version is to be written as: the one that objects are kept in.
    let kept = versions().find(|version| version["storage"] == true && version["deprecated"] != true);
    let instead = kept.and_then(|version| Some((format!("{group}/{}", version["name"].as_str()?), kind)));
    let mut documents = Vec::new();
    for version in versions() {
        let Some(name) = version["name"].as_str() else { continue };
        let mut reader = Reader::default();
        reader.metadata = metadata.map(|metadata| reader.arena.take(metadata));
        let schema = root(&mut reader, &version["schema"]["openAPIV3Schema"])?;
        let schema = reader.arena.push(schema);
        let deprecated = (version["deprecated"] == true).then(|| Deprecated {
            since: None,
            removed: None,
            instead: instead.as_ref().map(|(version, kind)| (version.as_str().into(), (*kind).into())),
        });
        let kinds = vec![Served { name: kind.to_owned(), scope: Some(scope), schema, deprecated }];
        documents.push((format!("{group}/{name}"), Document { arena: reader.arena, kinds }));
    }
    Ok(documents)
}

/// A whole object: what the definition says of it, and what every object has.
fn root<'j>(reader: &mut Reader<'j>, json: &'j Json) -> Result<Schema, TooLarge> {
    let mut schema = reader.schema(json, 0)?;
    if !matches!(schema.shape, Shape::Object(_)) {
        // A definition without a schema, or that keeps whatever is written.
        let others = Others::Anything;
        schema.shape = Shape::Object(Object { others, ..Object::default() });
    }
    if let Shape::Object(object) = &mut schema.shape {
        reader.add_resource(&mut object.fields)?;
        object.fields.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::check;
    use crate::{manifest::read, source::Source};

    /// A definition with this schema of `spec`, and more beside it.
    fn widget(spec: &str) -> String {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
             metadata: {{name: widgets.example.com}}\nspec:\n  group: example.com\n  scope: Namespaced\n  \
             names: {{plural: widgets, kind: Widget}}\n  versions:\n  - name: v1\n    served: true\n    \
             storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          \
             spec: {spec}\n"
        )
    }

    /// What is found, with the text that is pointed at.
    fn found(text: &str) -> String {
        let source = Source::new("a.yaml", text);
        let (manifests, findings) = read(&source);
        assert!(findings.is_empty(), "{findings:#?}");
        let mut lines = String::new();
        for finding in check(&manifests[0]) {
            let place = finding.place.expect("it has one");
            let (code, help) = (finding.code.number(), finding.help.expect("it has one"));
            let _ =
                writeln!(lines, "{}:{} {code} {}\n  help: {help}", place.line, place.column, finding.message);
        }
        lines
    }

    #[test]
    fn a_good_definition_has_nothing_wrong() {
        for spec in [
            "{type: object, properties: {size: {type: integer, minimum: 1}}}",
            "{type: object, additionalProperties: {type: string}}",
            "{x-kubernetes-preserve-unknown-fields: true}",
            "{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}",
            "{x-kubernetes-int-or-string: true, allOf: [{anyOf: [{type: integer}, {type: string}]}, {pattern: '^a'}]}",
            "{type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}",
            "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [id], \
             items: {type: object, required: [id], properties: {id: {type: string}}}}",
            "{type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}",
            "{type: string, pattern: '^[a-z]{2,}$', default: ab}",
            "{type: object, required: [a], default: {a: [1], c: {x: 1}}, properties: {a: {type: array, items: {type: number}},              b: {type: string, default: c}, c: {type: object, additionalProperties: {x-kubernetes-int-or-string: true}}}}",
            "{type: string, default: null}",
            "{type: object, x-kubernetes-embedded-resource: true, properties: {spec: {type: object}}, \
             default: {apiVersion: v1, kind: A, metadata: {name: a}, spec: {}}}",
            "{type: object, properties: {a: {type: object, properties: {b: {type: string}}}},              x-kubernetes-validations: [{rule: 'true', message: x, fieldPath: .a.b}, {rule: 'true', message: x, fieldPath: \".a['b']\"}]}",
            "{type: object, properties: {a: {type: integer}}, anyOf: [{properties: {a: {minimum: 3}}}], \
             x-kubernetes-validations: [{rule: self.a > 1, message: too few}]}",
        ] {
            assert_eq!(found(&widget(spec)), "", "{spec}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_schema_is_said_where_it_stands() {
        let mut all = String::new();
        for spec in [
            "{properties: {size: {type: integer}}}",
            "{type: object, properties: {size: {minimum: 1}}}",
            "{type: objct}",
            "{type: 'null'}",
            "{type: array}",
            "{type: array, items: {minLength: 1}}",
            "{type: object, properties: {a: {type: string}}, additionalProperties: {type: string}}",
            "{$ref: '#/definitions/x', type: object}",
            "{type: array, uniqueItems: true, items: {type: string}}",
            "{type: object, properties: {a: {type: string}}, oneOf: [{properties: {a: {type: string}, b: {minLength: 1}}}]}",
            "{type: object, not: {required: [a], description: x}}",
            "{type: array, items: {type: string}, x-kubernetes-list-type: maps}",
            "{type: array, x-kubernetes-list-type: map, items: {type: object, properties: {id: {type: string}}}}",
            "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [id, x, id], \
             items: {type: object, properties: {id: {type: string, nullable: true}}}}",
            "{type: array, x-kubernetes-list-type: set, items: {type: object}}",
            "{type: string, x-kubernetes-map-type: atomic}",
            "{type: string, pattern: 'a(?=b)'}",
            "{type: string, pattern: 'a(b'}",
            "{x-kubernetes-int-or-string: true, x-kubernetes-preserve-unknown-fields: true}",
            "{type: object, x-kubernetes-embedded-resource: true}",
            "{type: object, x-kubernetes-preserve-unknown-fields: false}",
            "{type: string, default: 5}",
            "{type: string, enum: [a, b], default: c}",
            "{type: object, default: {a: null}, properties: {a: {type: string}}}",
            "{type: object, x-kubernetes-embedded-resource: true, properties: {spec: {type: object}}, default: {spec: {}}}",
            "{type: object, default: {a: {b: 1}}, properties: {a: {type: object, properties: {b: {type: string}}}}}",
            "{type: object, default: {a: {c: 1}}, properties: {a: {type: object, properties: {b: {type: string}}}}}",
            "{type: object, default: {}, required: [a], properties: {a: {type: array, items: {type: string}}}}",
            "{type: object, properties: {a: {type: string}}, x-kubernetes-validations: [{rule: 'true', message: x, fieldPath: .b}]}",
            "{type: integer, x-kubernetes-validations: [{rule: ''}, {rule: \"a\\nb\"}, {rule: a, reason: Why}]}",
        ] {
            let lines = found(&widget(spec));
            assert_ne!(lines, "", "{spec}");
            let _ = writeln!(all, "{spec}\n{lines}");
        }
        insta::assert_snapshot!(all);
    }

    #[test]
    fn what_is_wrong_beside_the_schemas_is_said_where_it_stands() {
        let good = widget("{type: object}");
        assert_eq!(found(&good), "");
        let mut all = String::new();
        for (from, to) in [
            ("widgets.example.com}", "widget.example.com}"),
            ("group: example.com", "group: example"),
            ("group: example.com", "group: widgets.k8s.io"),
            ("scope: Namespaced", "scope: Namespace"),
            ("plural: widgets", "plural: Widgets"),
            ("kind: Widget}", "kind: Widget, listKind: Widget, shortNames: [w, W]}"),
            ("name: v1", "name: V1"),
            ("storage: true", "storage: false"),
            ("storage: true", "storage: true\n    deprecationWarning: no more"),
            (
                "storage: true",
                "storage: true\n    additionalPrinterColumns: [{name: a, type: text, jsonPath: '{.spec}'}]",
            ),
            (
                "storage: true",
                "storage: true\n    subresources: {scale: {specReplicasPath: .replicas, statusReplicasPath: .status.size}}",
            ),
            ("  scope:", "  preserveUnknownFields: true\n  scope:"),
            ("  scope:", "  conversion: {strategy: Webhook}\n  scope:"),
            ("  scope:", "  conversion: {strategy: none}\n  scope:"),
            ("    schema:\n      openAPIV3Schema:", "    other:\n      openAPIV3Schema:"),
            (
                "storage: true",
                "storage: true\n    selectableFields: [{jsonPath: .metadata.name}, {jsonPath: .spec.nothing}, {jsonPath: .spec}]",
            ),
            (
                "        type: object\n",
                "        type: object\n        nullable: true\n        additionalProperties: true\n",
            ),
            (
                "properties:\n",
                "properties:\n          metadata: {type: object, properties: {labels: {type: object}}}\n",
            ),
            ("properties:\n", "properties:\n          kind: {type: string, default: Widget}\n"),
            ("properties:\n", "properties:\n          apiVersion: {type: integer}\n"),
            ("    schema:\n", "    subresources: {status: {}}\n    schema:\n"),
        ] {
            let text = good.replacen(from, to, 1);
            let text = if to.contains("status: {}") {
                text.replacen(
                    "        type: object\n",
                    "        type: object\n        oneOf: [{required: [spec]}]\n",
                    1,
                )
            } else {
                text
            };
            assert_ne!(text, good, "{from}");
            let lines = found(&text);
            assert_ne!(lines, "", "{to}");
            let _ = writeln!(all, "{from} -> {to}\n{lines}");
        }
        insta::assert_snapshot!(all);
    }

    #[test]
    fn what_is_hostile_is_bounded() {
        let mut deep = "{type: string}".to_owned();
        for _ in 0..25 {
            deep =
                format!("{{type: object, properties: {{a: {deep}}}, allOf: [{{properties: {{a: {{}}}}}}]}}");
        }
        assert_eq!(found(&widget(&deep)), "");
        let many = (0..2000).map(|n| format!("f{n}: {{}}")).collect::<Vec<_>>().join(", ");
        let lines = found(&widget(&format!("{{type: object, properties: {{{many}}}}}")));
        assert_eq!(lines.matches("has no `type`").count(), crate::finding::MOST_OF_ONE);
    }
}
