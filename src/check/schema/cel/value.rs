//! A value as the rules of a definition see it: typed by its schema, with defaults, and only with the fields that
//! the schema names.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    check::{
        schema::{At, By, Format, Known, Object, Others, Shape},
        spot::{Spot, key_text},
    },
    manifest::{NodeId, Resolved},
};

/// A value as rules see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Value {
    /// What is nothing and may be.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number, and every one of a field that is no whole number.
    Double(f64),
    /// A text.
    Text(String),
    /// What a text stands for in base64.
    Bytes(Vec<u8>),
    /// A point in time, as it is written.
    Time(String),
    /// A length of time, as it is written.
    Duration(String),
    /// A sequence.
    List(Vec<Value>),
    /// A sequence whose order says nothing (`x-kubernetes-list-type: set` or `map`).
    Set(Vec<Value>),
    /// A mapping.
    Map(Vec<(String, Value)>),
}

/// An order of what has none.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Sorted,
    Reversed,
}

impl Value {
    /// Whether it has a set of several items.
    pub(super) fn has_sets(&self) -> bool {
        match self {
            Self::Set(items) if items.len() > 1 => true,
            Self::List(items) | Self::Set(items) => items.iter().any(Self::has_sets),
            Self::Map(entries) => entries.iter().any(|(_, value)| value.has_sets()),
            _ => false,
        }
    }

    /// Puts the items of its sets into another order.
    pub(super) fn order(&mut self, order: Order) {
        match self {
            Self::List(items) => items.iter_mut().for_each(|item| item.order(order)),
            Self::Set(items) => {
                for item in items.iter_mut() {
                    item.order(order);
                }
                match order {
                    Order::Sorted => {
                        items.sort_by_cached_key(|item| postcard::to_stdvec(item).unwrap_or_default());
                    }
                    Order::Reversed => items.reverse(),
                }
            }
            Self::Map(entries) => entries.iter_mut().for_each(|(_, value)| value.order(order)),
            _ => {}
        }
    }
}

/// What is looked at: a value that is written, or one that stands in the schema as a default.
#[derive(Clone, Copy)]
enum Seen<'v> {
    Written(&'v Spot<'v>, NodeId),
    Default(&'v Json),
}

/// The value at `spot` by its schema; `left` is how many values it may be made of. `None` for what rules cannot
/// see, and for what is too much.
#[must_use]
pub(super) fn value(spot: &Spot<'_>, at: At<'_>, left: &mut usize) -> Option<Value> {
    make(Seen::Written(spot, spot.node()), at, spot.up().is_none(), left)
}

fn make(from: Seen<'_>, at: At<'_>, is_root: bool, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1)?;
    let schema = at.schema();
    let is = from.is();
    if matches!(is, Is::Null) {
        return schema.nullable.then_some(Value::Null);
    }
    Some(match (&schema.shape, is) {
        (Shape::Object(object), Is::Map) => Value::Map(mapping(from, at, object, is_root, left)?),
        (Shape::List(list), Is::List(count)) => {
            let items = (0..count).map(|item| make(from.item(item)?, at.other(list.items), false, left));
            let items = items.collect::<Option<_>>()?;
            if list.by == By::Nothing { Value::List(items) } else { Value::Set(items) }
        }
        (Shape::Text(format), Is::Text(text)) => match format {
            Format::Byte => Value::Bytes(decode(text)?),
            Format::DateTime | Format::Date | Format::Other(Known::DateTime) => Value::Time(text.to_owned()),
            Format::Duration | Format::Other(Known::Duration) => Value::Duration(text.to_owned()),
            _ => Value::Text(text.to_owned()),
        },
        (Shape::IntOrString | Shape::Quantity, Is::Text(text)) => Value::Text(text.to_owned()),
        (Shape::Integer(_) | Shape::IntOrString | Shape::Quantity, Is::Int(number)) => Value::Int(number),
        #[allow(clippy::cast_precision_loss, reason = "as Go makes it")]
        (Shape::Number, Is::Int(number)) => Value::Double(number as f64),
        (Shape::Number, Is::Double(number)) => Value::Double(number),
        (Shape::Boolean, Is::Bool(value)) => Value::Bool(value),
        _ => return None,
    })
}

fn mapping(
    from: Seen<'_>,
    at: At<'_>,
    object: &Object,
    is_root: bool,
    left: &mut usize,
) -> Option<Vec<(String, Value)>> {
    let mut entries = Vec::new();
    for field in &object.fields {
        let schema = at.other(field.schema);
        let is_resource = is_root || object.embedded;
        let written =
            from.field(&field.name).filter(|from| !matches!(from.is(), Is::Null) || schema.schema().nullable);
        let from = match (written, &schema.schema().default) {
            (Some(from), _) => from,
            (None, Some(default)) => Seen::Default(default),
            (None, None) => continue,
        };
        if is_resource && *field.name == *"metadata" {
            entries.push((field.name.to_string(), names(from)));
            continue;
        }
        // What is of no type, rules cannot see.
        if matches!(schema.schema().shape, Shape::Any) {
            continue;
        }
        let value = make(from, schema, false, left)?;
        entries.extend(escaped(&field.name).map(|name| (name, value)));
    }
    if let Others::Each(each) = object.others {
        for (key, from) in from.fields() {
            if object.field(&key).is_none() {
                entries.push((key, make(from, at.other(each), false, left)?));
            }
        }
    }
    Some(entries)
}

/// Of `metadata` rules see two names.
fn names(metadata: Seen<'_>) -> Value {
    let name = |name: &str| match metadata.field(name)?.is() {
        Is::Text(text) => Some((name.to_owned(), Value::Text(text.to_owned()))),
        _ => None,
    };
    Value::Map(["name", "generateName"].into_iter().filter_map(name).collect())
}

enum Is<'v> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'v str),
    List(usize),
    Map,
    /// A number that no field takes.
    Other,
}

impl<'v> Seen<'v> {
    fn is(self) -> Is<'v> {
        match self {
            Self::Written(spot, node) => match spot.manifest().tree.resolve(node) {
                Resolved::Null => Is::Null,
                Resolved::Bool(value) => Is::Bool(value),
                Resolved::Int(number) => Is::Int(number),
                Resolved::Float(number) => Is::Double(number),
                Resolved::Text(text) => Is::Text(text),
                Resolved::Sequence(items) => Is::List(items.len()),
                Resolved::Mapping(_) => Is::Map,
                Resolved::Uint(_) => Is::Other,
            },
            Self::Default(json) => match json {
                Json::Null => Is::Null,
                Json::Bool(value) => Is::Bool(*value),
                Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                    (Some(number), _) => Is::Int(number),
                    (None, Some(number)) => Is::Double(number),
                    (None, None) => Is::Other,
                },
                Json::String(text) => Is::Text(text),
                Json::Array(items) => Is::List(items.len()),
                Json::Object(_) => Is::Map,
            },
        }
    }

    fn item(self, at: usize) -> Option<Self> {
        Some(match self {
            Self::Written(spot, node) => Self::Written(spot, *spot.manifest().tree.items(node).get(at)?),
            Self::Default(json) => Self::Default(json.get(at)?),
        })
    }

    fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::Written(spot, node) => {
                let entries = spot.manifest().tree.entries(node).iter();
                let mut found = entries.filter(|(key, _)| key_text(spot.manifest(), *key) == name);
                found.next().map(|(_, value)| Self::Written(spot, *value))
            }
            Self::Default(json) => json.get(name).map(Self::Default),
        }
    }

    fn fields(self) -> Vec<(String, Self)> {
        match self {
            Self::Written(spot, node) => {
                let entries = spot.manifest().tree.entries(node).iter();
                let name = |key| key_text(spot.manifest(), key).into_owned();
                entries.map(|(key, value)| (name(*key), Self::Written(spot, *value))).collect()
            }
            Self::Default(json) => {
                let entries = json.as_object().into_iter().flatten();
                entries.map(|(key, value)| (key.clone(), Self::Default(value))).collect()
            }
        }
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(text).ok()
}

/// Words of the language, which no field can be called.
const WORDS: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// What a field is called in a rule; `None` where it cannot be.
fn escaped(name: &str) -> Option<String> {
    if WORDS.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_fit) {
        return None;
    }
    let name = name.replace("__", "__underscores__");
    Some(name.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__"))
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_field_is_called_in_a_rule_as_kubernetes_calls_it() {
        for (name, called) in [
            ("my_field", Some("my_field")),
            ("a__b", Some("a__underscores__b")),
            ("x.y-z/w", Some("x__dot__y__dash__z__slash__w")),
            ("namespace", Some("__namespace__")),
            ("self", Some("self")),
            ("7up", None),
            ("a b", None),
        ] {
            assert_eq!(escaped(name).as_deref(), called, "{name}");
        }
    }
}
