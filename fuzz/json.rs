//! Changes to JSON that knows that it is JSON, with the words of schemas: parts change places, stand in others, a
//! thousand times beside each other, with huge numbers, references in circles, expensive patterns.

use serde_json::{Map, Value as Json, json};

use crate::{dice::Dice, frame::LARGEST};

const KEYS: &[&str] = &[
    "type",
    "format",
    "properties",
    "additionalProperties",
    "items",
    "required",
    "nullable",
    "default",
    "enum",
    "pattern",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "uniqueItems",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "$ref",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
    "x-kubernetes-group-version-kind",
    "served",
    "storage",
    "deprecated",
    "name",
    "names",
    "kind",
    "group",
    "versions",
    "spec",
    "status",
    "metadata",
    "apiVersion",
    "size",
    "a",
    "",
];

const TEXTS: &[&str] = &[
    "",
    "a",
    "size",
    "object",
    "array",
    "string",
    "integer",
    "number",
    "boolean",
    "null",
    "int32",
    "byte",
    "date-time",
    "duration",
    "ipv4",
    "cidr",
    "uuid",
    "hostname",
    "set",
    "map",
    "atomic",
    "granular",
    "v1",
    "example.com",
    "example.com/v1",
    "Widget",
    "CustomResourceDefinition",
    "Secret",
    "self.a > 1",
    "self.all(x, self.all(y, x == y))",
    "#/components/schemas/a",
    "#/components/schemas/com.example.v1.Widget",
    "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    "(a*)*$",
    "(a|a?)+$",
    "(x+x+)+y",
    "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
    "\\pL{500}",
    "(?i)\\pL{300}",
    "[^\\x00-\\x{10FFFF}]",
    ".{0,1000}a.{0,1000}",
    "((a{50}){50}){50}",
    "(((((((((((((((((((a)))))))))))))))))))",
    "a(?=b)",
    "(a)\\1",
    "[",
    "1Gi",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "\u{e9}\u{202e}\u{1f6d2}\t",
];

/// Changes one part; `false` where it is no JSON, or too large for it.
pub fn change(dice: &mut Dice, bytes: &mut Vec<u8>) -> bool {
    if bytes.len() > LARGEST / 4 {
        return false;
    }
    let Ok(mut whole) = serde_json::from_slice::<Json>(bytes) else { return false };
    let parts = count(&whole);
    let other = part(&mut whole, dice.roll(parts)).clone();
    let at = part(&mut whole, dice.roll(parts));
    one(dice, at, other);
    let Ok(text) =
        (if dice.once_in(2) { serde_json::to_vec(&whole) } else { serde_json::to_vec_pretty(&whole) })
    else {
        return false;
    };
    *bytes = text;
    true
}

fn one(dice: &mut Dice, at: &mut Json, other: Json) {
    match dice.roll(12) {
        0 => *at = other,
        1 => *at = any(dice),
        2 => nest(dice, at),
        3 => {
            let times = dice.times(20_000);
            let each = at.clone();
            let many = (LARGEST / (each.to_string().len() + 1)).min(times);
            *at = Json::Array(vec![each; many]);
        }
        _ => match at {
            Json::Object(fields) => field(dice, fields, other),
            Json::Array(items) if !items.is_empty() => {
                let which = dice.roll(items.len());
                match dice.roll(3) {
                    0 => drop(items.remove(which)),
                    1 => items.push(other),
                    _ => items.push(items[which].clone()),
                }
            }
            Json::String(text) if dice.once_in(2) => {
                let times = dice.times(100_000).min(LARGEST / (text.len() + 1));
                *text = if text.is_empty() { "a".repeat(times) } else { text.repeat(times) };
            }
            _ => *at = any(dice),
        },
    }
}

fn field(dice: &mut Dice, fields: &mut Map<String, Json>, other: Json) {
    let known: Vec<String> = fields.keys().cloned().collect();
    let key = if known.is_empty() || dice.once_in(3) { *dice.pick(KEYS) } else { dice.pick(&known).as_str() };
    match dice.roll(6) {
        0 => drop(fields.remove(key)),
        1 => drop(fields.insert(key.to_owned(), other)),
        // Renamed, or misspelt.
        2 => {
            let value = fields.remove(key).unwrap_or_else(|| any(dice));
            let name = if dice.once_in(2) { (*dice.pick(KEYS)).to_owned() } else { format!("{key}s") };
            fields.insert(name, value);
        }
        // Many, each by its own name.
        3 => {
            let value = fields.get(key).cloned().unwrap_or_else(|| any(dice));
            let room = LARGEST / 2 / (value.to_string().len() + key.len() + 12);
            for n in 0..dice.times(20_000).min(room) {
                fields.insert(format!("{key}{n}"), value.clone());
            }
        }
        _ => drop(fields.insert(key.to_owned(), any(dice))),
    }
}

/// Stands in others, up to as deep as JSON is read at all.
fn nest(dice: &mut Dice, at: &mut Json) {
    let how = dice.roll(8);
    for _ in 0..=dice.times(60) {
        let inner = at.take();
        *at = match how {
            0 => json!({"type": "object", "properties": {"a": inner}}),
            1 => json!({"type": "array", "items": inner}),
            2 => json!({"allOf": [inner]}),
            3 => json!({"anyOf": [inner.clone(), {"required": ["a"]}]}),
            4 => json!({"not": inner}),
            5 => json!({"additionalProperties": inner}),
            6 => json!({"a": inner}),
            _ => json!([inner]),
        };
    }
    // Twice in each is too much soon.
    if dice.once_in(4) {
        for _ in 0..=dice.roll(7) {
            let inner = at.take();
            let key = *dice.pick(&["allOf", "anyOf", "oneOf"]);
            *at = json!({key: [inner, inner, inner]});
        }
    }
}

fn any(dice: &mut Dice) -> Json {
    match dice.roll(12) {
        0 => Json::Null,
        1 | 2 => json!(dice.once_in(2)),
        3 => json!(dice.pick(&[0, 1, -1, 2, 100, 1 << 31, i64::MAX, i64::MIN])),
        4 => json!(u64::MAX),
        5 => json!(dice.pick(&[0.5, -0.0, 1e308, -1e308, 5e-324, 1e-9])),
        6 => json!([]),
        7 => json!({}),
        8 => json!([{"rule": dice.pick(TEXTS), "message": dice.pick(TEXTS)}]),
        9 => json!({"type": dice.pick(TEXTS)}),
        _ => json!(dice.pick(TEXTS)),
    }
}

fn count(json: &Json) -> usize {
    1 + match json {
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The part of that number.
fn part(json: &mut Json, number: usize) -> &mut Json {
    fn find<'j>(json: &'j mut Json, left: &mut usize) -> Option<&'j mut Json> {
        if *left == 0 {
            return Some(json);
        }
        *left -= 1;
        match json {
            Json::Array(items) => items.iter_mut().find_map(|item| find(item, left)),
            Json::Object(fields) => fields.values_mut().find_map(|field| find(field, left)),
            _ => None,
        }
    }
    find(json, &mut { number }).expect("because it was counted")
}
