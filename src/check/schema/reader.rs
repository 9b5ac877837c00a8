//! Schemas as `OpenAPI` and `CustomResourceDefinition`s write them become schemas of ours. What they describe may be
//! anything, so it is bounded.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value as Json, json};

use super::{Arena, At, By, Field, Format, Id, Known, Limits, List, Object, Others, Rule, Schema, Shape};

/// So many schemas may be in one arena: Kubernetes' own largest document has 3,000.
const MAX_SCHEMAS: usize = 100_000;
/// So deeply one may stand in another.
pub(super) const MAX_DEPTH: usize = 100;

/// More is described than anything that could be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// So many patterns are looked at: each has to be compiled before it is of use. The cluster looks at all.
const MAX_PATTERNS: usize = 200;
/// Bytes of a pattern that is looked at, be it only to see whether it is one.
pub(super) const LONGEST_PATTERN: usize = 4 << 10;

/// Makes an arena of what it is given.
#[derive(Default)]
pub(super) struct Reader<'j> {
    pub arena: Arena,
    /// Definitions that were named.
    known: HashMap<&'j str, Id>,
    /// Those that are still to be read.
    waiting: VecDeque<(&'j str, Id)>,
    /// Schemas that say no more than their shape: most of them.
    leaves: Vec<(Shape, Id)>,
    /// The patterns so far.
    patterns: HashSet<&'j str>,
    /// Whether what is read is a type of Kubernetes itself.
    own: bool,
    /// What `metadata` is, where the document does not say so itself.
    pub metadata: Option<Id>,
}

impl<'j> Reader<'j> {
    fn push(&mut self, schema: Schema) -> Result<Id, TooLarge> {
        if self.arena.schemas.len() >= MAX_SCHEMAS {
            return Err(TooLarge);
        }
        Ok(self.arena.push(schema))
    }

    pub fn leaf(&mut self, shape: Shape) -> Result<Id, TooLarge> {
        if let Some((_, id)) = self.leaves.iter().find(|(known, _)| *known == shape) {
            return Ok(*id);
        }
        let id = self.push(Schema { shape: shape.clone(), ..Schema::default() })?;
        self.leaves.push((shape, id));
        Ok(id)
    }

    /// The definition of that name, which is read later.
    pub fn named(&mut self, name: &'j str) -> Id {
        *self.known.entry(name).or_insert_with(|| {
            let id = self.arena.push(Schema::default());
            self.waiting.push_back((name, id));
            id
        })
    }

    /// Reads every definition that was named, and those that they name.
    pub fn define(&mut self, definitions: &'j Map<String, Json>) -> Result<(), TooLarge> {
        while let Some((name, id)) = self.waiting.pop_front() {
            if let Some(shape) = well_known(name) {
                self.arena.set(id, Schema { shape, ..Schema::default() });
            } else if let Some(json) = definitions.get(name) {
                self.own = OWN.iter().any(|prefix| name.starts_with(prefix));
                let schema = self.schema(json, 0)?;
                self.arena.set(id, Schema { name: Some(name.into()), ..schema });
            }
        }
        Ok(())
    }

    /// What stands in one place.
    fn inner(&mut self, json: &'j Json, depth: usize) -> Result<Id, TooLarge> {
        // Several fields that are the same type in different ways: what stands beside it is about the field.
        let one = json["allOf"]
            .as_array()
            .and_then(|all| if let [one] = all.as_slice() { Some(one) } else { None });
        let reference = json["$ref"].as_str().or_else(|| one?["$ref"].as_str());
        if let Some(name) = reference.and_then(|reference| reference.strip_prefix("#/components/schemas/")) {
            return Ok(self.named(name));
        }
        let schema = self.schema(json, depth)?;
        let says_more = schema.nullable || schema.default.is_some() || schema.limits.is_some();
        if says_more || matches!(schema.shape, Shape::Object(_) | Shape::List(_)) {
            self.push(schema)
        } else {
            self.leaf(schema.shape)
        }
    }

    /// What a schema says, without a name.
    pub fn schema(&mut self, json: &'j Json, depth: usize) -> Result<Schema, TooLarge> {
        if depth > MAX_DEPTH {
            return Err(TooLarge);
        }
        let Some(map) = json.as_object() else { return Ok(Schema::default()) };
        let is_default = |default: &&Json| !default.is_null() && (!self.own || !is_zero(default));
        let default = map.get("default").filter(is_default).cloned();
        let limits = self.limits(map, depth)?;
        Ok(Schema {
            name: None,
            shape: self.shape(map, depth)?,
            nullable: is_true(map, "nullable"),
            default,
            limits: (limits != Limits::default()).then(|| Box::new(limits)),
        })
    }

    fn shape(&mut self, map: &'j Map<String, Json>, depth: usize) -> Result<Shape, TooLarge> {
        let format = text(map, "format").unwrap_or_default();
        if is_true(map, "x-kubernetes-int-or-string") || format == "int-or-string" {
            return Ok(Shape::IntOrString);
        }
        let has = |keys: &[&str]| keys.iter().any(|key| map.contains_key(*key));
        Ok(match text(map, "type") {
            Some("object") => Shape::Object(self.object(map, depth, Others::None)?),
            Some("array") => Shape::List(self.list(map, depth)?),
            Some("string") => Shape::Text(self.format(format)),
            Some("integer") => Shape::Integer(if format == "int32" { 32 } else { 64 }),
            Some("number") => Shape::Number,
            Some("boolean") => Shape::Boolean,
            // A part of a schema that only narrows what stands elsewhere says nothing of other fields.
            _ if has(&[
                "properties",
                "additionalProperties",
                "required",
                "x-kubernetes-embedded-resource",
            ]) =>
            {
                Shape::Object(self.object(map, depth, Others::Anything)?)
            }
            _ if has(&["items"]) => Shape::List(self.list(map, depth)?),
            _ => Shape::Any,
        })
    }

    fn object(
        &mut self,
        map: &'j Map<String, Json>,
        depth: usize,
        others: Others,
    ) -> Result<Object, TooLarge> {
        let others = match map.get("additionalProperties") {
            Some(Json::Bool(true)) => Others::Anything,
            Some(each @ Json::Object(_)) => Others::Each(self.inner(each, depth + 1)?),
            _ if is_true(map, "x-kubernetes-preserve-unknown-fields") => Others::Anything,
            _ => others,
        };
        let mut fields = Vec::new();
        for (name, property) in map.get("properties").and_then(Json::as_object).into_iter().flatten() {
            let schema = self.inner(property, depth + 1)?;
            fields.push(Field { name: name.as_str().into(), schema, required: false });
        }
        let embedded = is_true(map, "x-kubernetes-embedded-resource");
        if embedded {
            self.add_resource(&mut fields)?;
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        for name in
            map.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
        {
            match fields.binary_search_by(|field| (*field.name).cmp(name)) {
                Ok(at) => fields[at].required = true,
                Err(at) => {
                    let schema = match others {
                        Others::Each(id) => id,
                        _ => self.leaf(Shape::Any)?,
                    };
                    fields.insert(at, Field { name: name.into(), schema, required: true });
                }
            }
        }
        Ok(Object { fields, others, embedded })
    }

    /// What every object has, where a definition does not say so itself.
    pub fn add_resource(&mut self, fields: &mut Vec<Field>) -> Result<(), TooLarge> {
        let text = self.leaf(Shape::Text(Format::Plain))?;
        let metadata = match self.metadata {
            Some(id) => id,
            None => self.named(METADATA),
        };
        for (name, schema, required) in
            [("apiVersion", text, true), ("kind", text, true), ("metadata", metadata, false)]
        {
            match fields.iter_mut().find(|field| *field.name == *name) {
                // What a definition adds (a pattern for the name) narrows it no further here.
                Some(field) => {
                    field.required |= required;
                    field.schema = schema;
                }
                None => fields.push(Field { name: name.into(), schema, required }),
            }
        }
        Ok(())
    }

    fn list(&mut self, map: &'j Map<String, Json>, depth: usize) -> Result<List, TooLarge> {
        let items = match map.get("items") {
            Some(items) => self.inner(items, depth + 1)?,
            None => self.leaf(Shape::Any)?,
        };
        let keys = || map.get("x-kubernetes-list-map-keys").and_then(Json::as_array).into_iter().flatten();
        let by = match text(map, "x-kubernetes-list-type") {
            Some("set") => By::Value,
            Some("map") => By::Keys(keys().filter_map(Json::as_str).map(Into::into).collect()),
            _ => By::Nothing,
        };
        Ok(List { items, by })
    }

    fn format(&self, format: &str) -> Format {
        if self.own {
            return if format == "byte" { Format::Byte } else { Format::Plain };
        }
        match format.replace('-', "").as_str() {
            "byte" => Format::Byte,
            "date" => Format::Date,
            other => Known::of(other).map_or(Format::Plain, Format::Other),
        }
    }

    fn limits(&mut self, map: &'j Map<String, Json>, depth: usize) -> Result<Limits, TooLarge> {
        let number = |key: &str| map.get(key).and_then(Json::as_f64);
        let (least, most) = match text(map, "type") {
            Some("array") => ("minItems", "maxItems"),
            Some("object") => ("minProperties", "maxProperties"),
            None if ["minItems", "maxItems"].iter().any(|key| map.contains_key(*key)) => {
                ("minItems", "maxItems")
            }
            None if ["minProperties", "maxProperties"].iter().any(|key| map.contains_key(*key)) => {
                ("minProperties", "maxProperties")
            }
            _ => ("minLength", "maxLength"),
        };
        // What every `x-kubernetes-int-or-string` has beside it, and its shape says already.
        let is_common =
            map.get("anyOf").is_some_and(|any| *any == json!([{"type": "integer"}, {"type": "string"}]));
        let mut limits = Limits {
            values: map.get("enum").and_then(Json::as_array).cloned().unwrap_or_default(),
            pattern: self.pattern(map).map(Into::into),
            minimum: number("minimum"),
            above: is_true(map, "exclusiveMinimum"),
            maximum: number("maximum"),
            below: is_true(map, "exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            at_least: map.get(least).and_then(Json::as_u64),
            at_most: map.get(most).and_then(Json::as_u64),
            all: self.several(map, "allOf", depth)?,
            any: if is_common { Vec::new() } else { self.several(map, "anyOf", depth)? },
            one: self.several(map, "oneOf", depth)?,
            not: None,
            rules: rules(map),
        };
        if let Some(not) = map.get("not") {
            limits.not = Some(self.inner(not, depth + 1)?);
        }
        Ok(limits)
    }

    fn pattern(&mut self, map: &'j Map<String, Json>) -> Option<&'j str> {
        let pattern = text(map, "pattern").filter(|pattern| !pattern.is_empty())?;
        if pattern.len() > LONGEST_PATTERN {
            return None;
        }
        let is_known = self.patterns.contains(pattern)
            || (self.patterns.len() < MAX_PATTERNS && self.patterns.insert(pattern));
        is_known.then_some(pattern)
    }

    fn several(&mut self, map: &'j Map<String, Json>, key: &str, depth: usize) -> Result<Vec<Id>, TooLarge> {
        let schemas = map.get(key).and_then(Json::as_array).into_iter().flatten();
        schemas.map(|schema| self.inner(schema, depth + 1)).collect()
    }
}

/// What `x-kubernetes-validations` says.
fn rules(map: &Map<String, Json>) -> Vec<Rule> {
    let rules = map.get("x-kubernetes-validations").and_then(Json::as_array).into_iter().flatten();
    let rule = |json: &Json| {
        let word = |key: &str| json[key].as_str().map(ToOwned::to_owned);
        Some(Rule {
            rule: word("rule")?,
            message: word("message"),
            message_expression: word("messageExpression"),
            field_path: word("fieldPath"),
        })
    };
    rules.filter_map(rule).collect()
}

/// Names of types begin with this where they are of Kubernetes itself. Their defaults are those of Go for what is
/// not written, and their formats are not checked.
const OWN: [&str; 4] =
    ["io.k8s.api.", "io.k8s.apimachinery.", "io.k8s.apiextensions-apiserver.", "io.k8s.kube-aggregator."];

const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Types that are written otherwise than their schema says.
fn well_known(name: &str) -> Option<Shape> {
    let name = OWN.iter().skip(1).find_map(|prefix| name.strip_prefix(prefix))?;
    Some(match name {
        "pkg.api.resource.Quantity" => Shape::Quantity,
        "pkg.apis.meta.v1.Time" => Shape::Text(Format::DateTime),
        "pkg.apis.meta.v1.MicroTime" => Shape::Text(Format::MicroTime),
        "pkg.apis.meta.v1.Duration" => Shape::Text(Format::Duration),
        "pkg.util.intstr.IntOrString" => Shape::IntOrString,
        "pkg.apis.meta.v1.FieldsV1"
        | "pkg.runtime.RawExtension"
        | "pkg.apis.apiextensions.v1.JSON"
        | "pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray"
        | "pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool"
        | "pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray" => Shape::Any,
        _ => return None,
    })
}

/// Whether a default is what Go has for every field.
fn is_zero(default: &Json) -> bool {
    match default {
        Json::Null => true,
        Json::Bool(value) => !value,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
    }
}

fn is_true(map: &Map<String, Json>, key: &str) -> bool {
    map.get(key) == Some(&Json::Bool(true))
}

fn text<'j>(map: &'j Map<String, Json>, key: &str) -> Option<&'j str> {
    map.get(key).and_then(Json::as_str)
}

impl Known {
    /// That of a name without `-`.
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "bsonobjectid" => Self::BsonObjectId,
            "uri" => Self::Uri,
            "email" => Self::Email,
            "hostname" => Self::Hostname,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "cidr" => Self::Cidr,
            "mac" => Self::Mac,
            "uuid" => Self::Uuid,
            "uuid3" => Self::Uuid3,
            "uuid4" => Self::Uuid4,
            "uuid5" => Self::Uuid5,
            "isbn" => Self::Isbn,
            "isbn10" => Self::Isbn10,
            "isbn13" => Self::Isbn13,
            "creditcard" => Self::CreditCard,
            "ssn" => Self::Ssn,
            "hexcolor" => Self::HexColor,
            "rgbcolor" => Self::RgbColor,
            "datetime" => Self::DateTime,
            "duration" => Self::Duration,
            "k8sshortname" => Self::ShortName,
            "k8slongname" => Self::LongName,
            _ => return None,
        })
    }
}

impl Arena {
    /// Takes over a schema of another arena, with everything that it refers to.
    pub(super) fn take(&mut self, from: At<'_>) -> Id {
        let mut taken = HashMap::new();
        let mut waiting = Vec::new();
        let first = self.place(from.id, &mut taken, &mut waiting);
        while let Some((old, new)) = waiting.pop() {
            let mut schema = from.other(old).schema().clone();
            let mut moved = |id: &mut Id| *id = self.place(*id, &mut taken, &mut waiting);
            match &mut schema.shape {
                Shape::Object(object) => {
                    object.fields.iter_mut().for_each(|field| moved(&mut field.schema));
                    if let Others::Each(id) = &mut object.others {
                        moved(id);
                    }
                }
                Shape::List(list) => moved(&mut list.items),
                _ => {}
            }
            if let Some(limits) = &mut schema.limits {
                let parts = limits.all.iter_mut().chain(&mut limits.any).chain(&mut limits.one);
                parts.chain(&mut limits.not).for_each(moved);
            }
            self.set(new, schema);
        }
        first
    }

    fn place(&mut self, old: Id, taken: &mut HashMap<Id, Id>, waiting: &mut Vec<(Id, Id)>) -> Id {
        *taken.entry(old).or_insert_with(|| {
            let new = self.push(Schema::default());
            waiting.push((old, new));
            new
        })
    }
}
