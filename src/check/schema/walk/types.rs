//! A value of another type than its field takes, and how to write what was meant.

use super::{At, Others, Shape, Walker};
use crate::{
    check::{
        schema::{Format, Schema},
        spot::{self, Spot},
    },
    finding::Code,
    manifest::Resolved,
    text,
};

impl Walker<'_> {
    /// `spec.replicas` is a text, not a whole number.
    pub(super) fn wrong_type(&mut self, spot: &Spot<'_>, at: At<'_>, is: Resolved<'_>) {
        if matches!(is, Resolved::Float(number) if !number.is_finite()) {
            // The reading said already that there is no such number.
            return;
        }
        let path = spot.path();
        let needed = needed(at.schema());
        let message = match (is, &at.schema().shape) {
            (Resolved::Float(_), Shape::Integer(_)) => format!("`{path}` has a fraction: it takes {needed}"),
            _ => format!("`{path}` is {}, not {needed}", is.describe()),
        };
        let finding = spot.error(Code::WrongType, message);
        self.say(match self.how_to_write(spot, at, is) {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    fn how_to_write(&self, spot: &Spot<'_>, at: At<'_>, is: Resolved<'_>) -> Option<String> {
        match (&at.schema().shape, is) {
            (
                Shape::Text(Format::Byte),
                Resolved::Bool(_) | Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_),
            ) => Some("write it in base64, or as a text under `stringData`".to_owned()),
            (
                Shape::Text(_),
                Resolved::Bool(_) | Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_),
            )
            | (Shape::IntOrString, Resolved::Bool(_)) => Some(in_quotes(spot, is)),
            (Shape::Text(_), Resolved::Sequence(items)) => match items {
                [one] if matches!(self.manifest.tree.resolve(*one), Resolved::Text(_)) => {
                    Some("write the text itself, without `- `".to_owned())
                }
                _ => Some("write one text".to_owned()),
            },
            (Shape::Text(_), Resolved::Mapping(_)) if is_key(spot, "matchLabels") => {
                Some("this selector takes the labels themselves: write them one level up".to_owned())
            }
            (Shape::Text(_), Resolved::Mapping(_)) => {
                Some("write one text; one that holds `: ` or begins with `{` goes in quotes".to_owned())
            }
            (Shape::Integer(_) | Shape::Number, Resolved::Text(text)) => Some(number_of(spot, text)),
            (Shape::Integer(_), _) => Some("write a whole number".to_owned()),
            (Shape::Boolean, Resolved::Text(text)) => Some(match text.to_ascii_lowercase().as_str() {
                lower @ ("true" | "false") if spot.is_quoted() => {
                    format!("remove the quotes: {lower}")
                }
                lower @ ("true" | "false") => format!("write {lower}"),
                "yes" | "on" | "y" => "write true".to_owned(),
                "no" | "off" | "n" => "write false".to_owned(),
                _ => spot.not_filled_in().unwrap_or_else(|| "write true or false".to_owned()),
            }),
            (Shape::Boolean, Resolved::Int(number @ (0 | 1))) => {
                Some(format!("write {}", if number == 1 { "true" } else { "false" }))
            }
            (Shape::Boolean, _) => Some("write true or false".to_owned()),
            (Shape::List(list), Resolved::Mapping(_)) => {
                let item = at.other(list.items);
                let entries = spot.entries();
                let (first, value) = entries.first()?;
                let first = self.key(*first);
                let known =
                    matches!(&item.schema().shape, Shape::Object(object) if object.field(&first).is_some());
                let name = text::excerpt(&first, 40);
                if known {
                    return Some(format!(
                        "put `- ` before `{name}`, and indent the rest of the item like it"
                    ));
                }
                match &item.schema().shape {
                    Shape::Object(object)
                        if object.field("name").is_some() && object.field("value").is_some() =>
                    {
                        Some(format!("write `- name: {name}` and below it `value:`"))
                    }
                    Shape::Object(object)
                        if object.field("name").is_some()
                            && matches!(self.manifest.tree.resolve(*value), Resolved::Mapping(_)) =>
                    {
                        Some(format!("write `- name: {name}` and its fields below it"))
                    }
                    _ => Some("begin each item with `- `".to_owned()),
                }
            }
            (
                Shape::List(list),
                Resolved::Text(_)
                | Resolved::Bool(_)
                | Resolved::Int(_)
                | Resolved::Uint(_)
                | Resolved::Float(_),
            ) => match (&at.other(list.items).schema().shape, spot.written()) {
                (Shape::Text(_) | Shape::IntOrString, Some(written)) if written.len() < 40 => {
                    Some(format!("write [{}]", quoted(&written)))
                }
                _ => Some("begin each item with `- `".to_owned()),
            },
            (Shape::Object(object), Resolved::Sequence(items)) => match object.others {
                Others::Each(id) if matches!(at.other(id).schema().shape, Shape::Text(_)) => {
                    Some("write `key: value` lines without `- `".to_owned())
                }
                _ if items.len() == 1 => Some("remove the `- `: it is one mapping, not a list".to_owned()),
                _ => Some("write one mapping, without `- `".to_owned()),
            },
            (
                Shape::Object(object),
                Resolved::Text(_)
                | Resolved::Bool(_)
                | Resolved::Int(_)
                | Resolved::Uint(_)
                | Resolved::Float(_),
            ) => {
                let fields: Vec<&str> =
                    object.fields.iter().filter(|field| field.required).map(|field| &*field.name).collect();
                let fields = if fields.is_empty() && object.fields.len() < 6 {
                    object.fields.iter().map(|field| &*field.name).collect()
                } else {
                    fields
                };
                Some(match fields.as_slice() {
                    [] => "write its fields in lines of their own below it".to_owned(),
                    [one] if spot.written().is_some_and(|written| written.len() < 40) => {
                        format!("write `{one}: {}` in its place", spot.written().unwrap_or_default())
                    }
                    some => format!("write its fields below it: {}", text::listed(some)),
                })
            }
            (Shape::Quantity, _) => {
                Some("write a number, and a unit where it needs one, as in `500m`, `2` or `1Gi`".to_owned())
            }
            _ => None,
        }
    }

    /// An entry of a map that holds nothing.
    pub(super) fn nothing_in_map(&mut self, child: &Spot<'_>, at: At<'_>) {
        let path = child.path();
        let schema = at.schema();
        if matches!(schema.shape, Shape::Text(_)) {
            let message = format!("`{path}` has no value: Kubernetes reads an empty text");
            self.say(child.warning(Code::NullValue, message).help("write \"\" where an empty text is meant"));
        } else if !matches!(schema.shape, Shape::Any) {
            let message = format!("`{path}` has no value, and needs {}", needed(schema));
            self.say(child.error(Code::NullValue, message).help("give it a value, or remove the key"));
        }
    }

    /// An item of a sequence that holds nothing.
    pub(super) fn nothing_in_list(&mut self, item: &Spot<'_>, at: At<'_>) {
        let message = format!("`{}` is empty, and needs {}", item.path(), needed(at.schema()));
        self.say(
            item.error(Code::NullValue, message).help("remove the `-`, or write the item behind or below it"),
        );
    }
}

/// What a schema takes, with its article.
pub(super) fn needed(schema: &Schema) -> &'static str {
    match &schema.shape {
        Shape::Any => "a value",
        Shape::Object(_) => "a mapping",
        Shape::List(_) => "a sequence",
        Shape::Text(Format::DateTime | Format::MicroTime) => "a time",
        Shape::Text(Format::Duration) => "a duration",
        Shape::Text(_) => "a text",
        Shape::Integer(_) => "a whole number",
        Shape::Number => "a number",
        Shape::Boolean => "a boolean",
        Shape::IntOrString => "a whole number or a text",
        Shape::Quantity => "a quantity",
    }
}

/// How to write a number or a boolean as the text that its author sees.
fn in_quotes(spot: &Spot<'_>, is: Resolved<'_>) -> String {
    let Some(written) = spot.written() else { return "put it in quotes".to_owned() };
    let read = match is {
        Resolved::Bool(value) => value.to_string(),
        Resolved::Int(number) => number.to_string(),
        Resolved::Float(number) => number.to_string(),
        _ => written.clone(),
    };
    let quoted = quoted(&written);
    if read == written {
        format!("put it in quotes: {quoted}")
    } else {
        format!("put it in quotes: {quoted}; without them it is read as {read}")
    }
}

fn quoted(written: &str) -> String {
    format!("\"{}\"", written.replace('\\', "\\\\").replace('"', "\\\""))
}

fn number_of(spot: &Spot<'_>, text: &str) -> String {
    if spot.is_secret() {
        return "write a number, without quotes".to_owned();
    }
    if text.trim().parse::<i64>().is_ok() {
        return format!("remove the quotes: {}", text.trim());
    }
    spot.not_filled_in().unwrap_or_else(|| "write a number".to_owned())
}

fn is_key(spot: &Spot<'_>, name: &str) -> bool {
    spot.key().is_some_and(|key| spot::key_text(spot.manifest(), key) == name)
}
