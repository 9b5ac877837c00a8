//! A manifest as the JSON that `kubectl` would send of it.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Map, Number, Value as Json};

use super::{
    node::{NodeId, Resolved, Tree},
    number,
    parse::MAX_DEPTH,
};

/// Values of one object, aliases followed: far more than a cluster stores, and what a push can make the server hold.
pub(super) const MAX_VALUES: usize = 200_000;

/// The object stands for more values than any cluster takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// The JSON of `node`.
///
/// # Errors
/// Its aliases stand for too much.
pub fn json(tree: &Tree, node: NodeId) -> Result<Json, TooLarge> {
    Reader { tree, left: MAX_VALUES }.value(node, 0)
}

struct Reader<'t> {
    tree: &'t Tree,
    left: usize,
}

impl Reader<'_> {
    fn value(&mut self, node: NodeId, depth: usize) -> Result<Json, TooLarge> {
        self.left = self.left.checked_sub(1).filter(|_| depth <= MAX_DEPTH).ok_or(TooLarge)?;
        Ok(match self.tree.resolve(node) {
            Resolved::Null => Json::Null,
            Resolved::Bool(value) => Json::Bool(value),
            Resolved::Int(whole) => whole.into(),
            Resolved::Uint(whole) => whole.into(),
            Resolved::Float(float) => Number::from_f64(float).map_or(Json::Null, Json::Number),
            Resolved::Text(text) => text.into(),
            Resolved::Sequence(items) => {
                let items = items.iter().map(|item| self.value(*item, depth + 1));
                Json::Array(items.collect::<Result<_, _>>()?)
            }
            Resolved::Mapping(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let Some(key) = self.tree.key(*key) else { continue };
                    map.insert(key.into_owned(), self.value(*value, depth + 1)?);
                }
                Json::Object(map)
            }
        })
    }
}

/// Whether `node` stands for more than [`json`] makes.
pub(super) fn is_too_large(tree: &Tree, node: NodeId) -> bool {
    fn left(tree: &Tree, node: NodeId, most: usize) -> Option<usize> {
        let most = most.checked_sub(1)?;
        match tree.resolve(node) {
            Resolved::Sequence(items) => items.iter().try_fold(most, |most, item| left(tree, *item, most)),
            Resolved::Mapping(entries) => {
                entries.iter().try_fold(most, |most, (_, value)| left(tree, *value, most))
            }
            _ => Some(most),
        }
    }
    left(tree, node, MAX_VALUES).is_none()
}

/// The JSON of `node` in one line, byte for byte as Go writes it: keys sorted, numbers in Go's form.
///
/// # Errors
/// Its aliases stand for too much.
pub fn line(tree: &Tree, node: NodeId) -> Result<String, TooLarge> {
    let mut writer = Writer { tree, left: MAX_VALUES, out: String::new() };
    writer.value(node, 0)?;
    Ok(writer.out)
}

struct Writer<'t> {
    tree: &'t Tree,
    left: usize,
    out: String,
}

impl Writer<'_> {
    fn value(&mut self, node: NodeId, depth: usize) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(1).filter(|_| depth <= MAX_DEPTH).ok_or(TooLarge)?;
        match self.tree.resolve(node) {
            Resolved::Null => self.out.push_str("null"),
            Resolved::Bool(value) => self.out.push_str(if value { "true" } else { "false" }),
            Resolved::Int(whole) => self.out.push_str(&whole.to_string()),
            Resolved::Uint(whole) => self.out.push_str(&whole.to_string()),
            // JSON has no other numbers; who reads the file is told so.
            Resolved::Float(float) if !float.is_finite() => self.out.push_str("null"),
            Resolved::Float(float) => self.out.push_str(&number::float_json(float)),
            Resolved::Text(text) => self.text(text),
            Resolved::Sequence(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.value(*item, depth + 1)?;
                }
                self.out.push(']');
            }
            Resolved::Mapping(entries) => {
                let keyed = entries.iter().filter_map(|(key, value)| Some((self.tree.key(*key)?, *value)));
                self.out.push('{');
                for (at, (key, value)) in keyed.collect::<BTreeMap<_, _>>().into_iter().enumerate() {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.text(&key);
                    self.out.push(':');
                    self.value(value, depth + 1)?;
                }
                self.out.push('}');
            }
        }
        Ok(())
    }

    /// Go also escapes what would end a script in a web page.
    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::{manifest::parse, source::Source};

    fn read(text: &str) -> Json {
        let (trees, findings) = parse(&Source::new("a.yaml", text));
        assert!(findings.is_empty(), "{findings:?}");
        super::json(&trees[0], trees[0].root().expect("it has one")).expect("it is small")
    }

    #[test]
    fn a_number_that_json_has_not_is_nothing_in_json() {
        let (trees, findings) = parse(&Source::new("a.yaml", "[.inf, -.inf, .nan, 1]\n"));
        assert_eq!(findings.len(), 3, "{findings:?}");
        let line = super::line(&trees[0], trees[0].root().expect("it has one")).expect("it is small");
        assert_eq!(line, "[null,null,null,1]");
    }

    #[test]
    fn values_are_what_kubernetes_reads() {
        for (text, value) in [
            ("0644", json!(420)),
            ("0_644", json!(420)),
            ("0777_", json!(511)),
            ("08", json!(8)),
            ("1_000", json!(1000)),
            ("-0x1F", json!(-31)),
            ("0b11", json!(3)),
            ("1.10", json!(1.1)),
            ("1e3", json!(1000)),
            ("1234e56", json!(1234e56)),
            ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("tRue", json!("tRue")),
            ("9e999", json!("9e999")),
            ("\"0644\"", json!("0644")),
            ("~", json!(null)),
            ("2026-11-22", json!("2026-11-22")),
            ("!!str 1", json!("1")),
            ("!!int \"1\"", json!(1)),
            ("!!binary aGk=", json!("hi")),
        ] {
            assert_eq!(read(&format!("a: {text}")), json!({ "a": value }), "{text}");
        }
    }

    #[test]
    fn a_merge_loses_to_a_key_behind_it_and_the_first_of_several_wins() {
        let text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], a: 3}\n";
        assert_eq!(read(text)["z"], json!({"a": 3, "b": 1, "c": 2}));
    }

    #[test]
    fn aliases_of_aliases_are_bounded() {
        let mut text = String::from("a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
        for n in 1..9 {
            let of = vec![format!("*a{}", n - 1); 10].join(",");
            text = format!("{text}a{n}: &a{n} [{of}]\n");
        }
        let (trees, findings) = parse(&Source::new("a.yaml", text));
        assert!(trees.is_empty());
        assert_eq!(findings[0].code.number(), "I0130");
    }

    #[test]
    fn a_line_of_json_is_what_go_writes() {
        let text = "{b: 1e21, a: [1234e56, 1e-7, 0.1, 18446744073709551615], c: \"<&>\\b\\0\\L\", 1.10: ~}";
        let (trees, _) = parse(&Source::new("a.yaml", text));
        let line = super::line(&trees[0], trees[0].root().expect("it has one")).expect("it is small");
        let go = r#"{"1.1":null,"a":[1.234e+59,1e-7,0.1,18446744073709551615],"b":1e+21,"c":"\u003c\u0026\u003e\b\u0000\u2028"}"#;
        assert_eq!(line, go);
    }
}
