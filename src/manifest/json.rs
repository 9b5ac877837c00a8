//! A manifest as the JSON that `kubectl` would send of it: YAML 1.1 as go-yaml v2 reads it.

use serde_json::{Map, Number, Value as Json};

use super::{
    node::{NodeId, Tree, Value},
    parse::MAX_DEPTH,
    scalar::{self, Kind},
};

/// Values of one object, aliases followed: an alias of aliases could stand for billions.
const MAX_VALUES: usize = 200_000;

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
        Ok(match self.tree.value(node) {
            Value::Scalar(text, style) => match scalar::kind(text, *style) {
                Kind::Null => Json::Null,
                Kind::Boolean => Json::Bool(scalar::boolean(text)),
                Kind::Number => number(text).unwrap_or_else(|| Json::String(text.to_string())),
                Kind::Text => Json::String(text.to_string()),
            },
            Value::Sequence(items) => {
                let items = items.iter().map(|item| self.value(*item, depth + 1));
                Json::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Mapping(_) => {
                let mut map = Map::new();
                self.entries(node, &mut map, depth)?;
                Json::Object(map)
            }
            // `Tree::value` follows them.
            Value::Alias(_) => Json::Null,
        })
    }

    /// A merge stands for the entries that it brings, also over keys that stand before it.
    fn entries(&mut self, node: NodeId, map: &mut Map<String, Json>, depth: usize) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(1).filter(|_| depth <= MAX_DEPTH).ok_or(TooLarge)?;
        for (key, value) in self.tree.entries(node) {
            let plain = self.tree.scalar(*key);
            if plain == Some(("<<", super::node::Style::Plain)) {
                let brought = match self.tree.value(*value) {
                    // The first of several wins, so it comes last.
                    Value::Sequence(items) => items.iter().rev().copied().collect(),
                    _ => vec![*value],
                };
                for one in brought {
                    self.entries(one, map, depth + 1)?;
                }
                continue;
            }
            let name = match self.value(*key, depth + 1)? {
                Json::String(text) => text,
                other => other.to_string(),
            };
            let value = self.value(*value, depth + 1)?;
            map.insert(name, value);
        }
        Ok(())
    }
}

/// A number as go-yaml v2 reads it: `0644` is octal, `08` is not, and what has no fraction is whole.
fn number(text: &str) -> Option<Json> {
    let plain = text.replace('_', "");
    let (minus, digits) = match plain.strip_prefix(['+', '-']) {
        Some(rest) => (plain.starts_with('-'), rest),
        None => (false, plain.as_str()),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|b| b.is_ascii_digit()) => {
            (8, &lower[1..])
        }
        _ => (10, lower.as_str()),
    };
    if let Ok(whole) = u64::from_str_radix(body, radix) {
        return match (minus, i64::try_from(whole)) {
            (false, _) => Some(whole.into()),
            (true, Ok(whole)) => Some((-whole).into()),
            (true, Err(_)) => Number::from_f64(plain.parse().ok()?).map(Json::Number),
        };
    }
    let float: f64 = plain.parse().ok()?;
    #[allow(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    if float.fract() == 0.0 && float.abs() < 9e15 {
        return Some((float as i64).into());
    }
    Number::from_f64(float).map(Json::Number)
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
        ] {
            assert_eq!(read(&format!("a: {text}")), json!({ "a": value }), "{text}");
        }
    }

    #[test]
    fn a_merge_wins_over_a_key_before_it_and_loses_to_one_behind_it() {
        let text = "x: &x {a: 1, b: 1}\nz: {a: 2, <<: *x, b: 3}\n";
        assert_eq!(read(text)["z"], json!({"a": 1, "b": 3}));
    }

    #[test]
    fn aliases_of_aliases_are_bounded() {
        let mut text = String::from("a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
        for n in 1..9 {
            let of = vec![format!("*a{}", n - 1); 10].join(",");
            text = format!("{text}a{n}: &a{n} [{of}]\n");
        }
        let (trees, _) = parse(&Source::new("a.yaml", text));
        assert!(super::json(&trees[0], trees[0].root().expect("it has one")).is_err());
    }
}
