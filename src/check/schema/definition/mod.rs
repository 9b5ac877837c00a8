//! The custom resources that a CustomResourceDefinition of the revision makes: what they may be, before any
//! cluster has it. Whether the definition itself is good is not asked here.

use serde_json::Value as Json;

use super::{
    At, Deprecated, Document, Object, Others, Schema, Scope, Served, Shape,
    reader::{Reader, TooLarge},
};

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
