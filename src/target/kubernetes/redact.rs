//! Secret values never leave: they are known from the objects that hold them, and taken out of every text
//! that comes from a cluster, whoever repeats them there.

use std::{cell::RefCell, collections::BTreeSet};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value as Json;

use crate::text;

/// Shorter values are words like `true` and `root`: hiding them would hide the text.
const SHORTEST: usize = 4;
const HIDDEN: &str = "(hidden)";
/// Words behind which a program may well write a secret of its own.
const TELLING: [&str; 8] =
    ["password", "passwd", "secret", "token", "apikey", "api_key", "api-key", "authorization"];

/// What must not be shown.
#[derive(Debug, Default)]
pub(super) struct Redact {
    values: RefCell<BTreeSet<String>>,
}

impl Redact {
    /// Learns the values of an object, if it is a Secret.
    pub fn learn(&self, object: &Json) {
        if object["kind"] != "Secret" {
            return;
        }
        for field in ["data", "stringData"] {
            for value in object[field].as_object().into_iter().flat_map(|map| map.values()) {
                let text = match value {
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                };
                if let Ok(plain) = BASE64_STANDARD.decode(&text) {
                    self.add(&String::from_utf8_lossy(&plain));
                }
                self.add(&BASE64_STANDARD.encode(&text));
                self.add(&text);
            }
        }
    }

    fn add(&self, value: &str) {
        // A value of several lines is repeated line by line.
        for part in std::iter::once(value).chain(value.lines()) {
            if part.trim().len() >= SHORTEST {
                self.values.borrow_mut().insert(part.trim().to_owned());
            }
        }
    }

    /// `text` fit for a terminal, without what must not be shown, and cut to `most` characters.
    pub fn clean(&self, text: &str, most: usize) -> String {
        let mut shown = text.to_owned();
        // The longest first: one value may be part of another.
        let values = self.values.borrow();
        let mut values: Vec<&String> = values.iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in values {
            if shown.contains(value.as_str()) {
                shown = shown.replace(value.as_str(), HIDDEN);
            }
            // As it stands in JSON and in a server's quotes.
            let escaped = value.escape_debug().to_string();
            if escaped != *value && shown.contains(&escaped) {
                shown = shown.replace(&escaped, HIDDEN);
            }
        }
        text::excerpt(&telling(&shown), most)
    }
}

/// Hides what stands behind `password=`, `token: ` and the like.
fn telling(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut from) = (String::new(), 0);
    let next = |from: usize| {
        TELLING.iter().filter_map(|word| lower[from..].find(word).map(|at| from + at + word.len())).min()
    };
    while let Some(at) = next(from) {
        let rest = &text[at..];
        let value = rest.trim_start_matches(['"', '\'']).strip_prefix(['=', ':']);
        let Some(value) = value else {
            out.push_str(&text[from..at]);
            from = at;
            continue;
        };
        let value = value.trim_start_matches([' ', '"', '\'']);
        let value = ["Bearer ", "Basic "].iter().find_map(|kind| value.strip_prefix(kind)).unwrap_or(value);
        let start = text.len() - value.len();
        let length = value.find(|c: char| c.is_whitespace() || "\"',;&".contains(c)).unwrap_or(value.len());
        out.push_str(&text[from..start]);
        out.push_str(if length > 0 { HIDDEN } else { "" });
        from = start + length;
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Redact;

    #[test]
    fn the_values_of_secrets_are_hidden_however_they_are_written() {
        let redact = Redact::default();
        redact.learn(
            &json!({"kind": "Secret", "data": {"a": "aHVudGVyMg=="}, "stringData": {"b": "pass\"word1"}}),
        );
        redact.learn(&json!({"kind": "ConfigMap", "data": {"a": "open"}}));
        for text in ["hunter2", "aHVudGVyMg==", "x pass\"word1 y", r#"got "pass\"word1""#] {
            let shown = redact.clean(text, 100);
            assert!(
                shown.contains("(hidden)") && !shown.contains("hunter") && !shown.contains("word1"),
                "{shown}"
            );
        }
        assert_eq!(redact.clean("open", 100), "open");
    }

    #[test]
    fn what_a_program_says_of_its_own_secrets_is_hidden() {
        let redact = Redact::default();
        for (text, shown) in [
            ("login with password=abc123 failed", "login with password=(hidden) failed"),
            ("Authorization: Bearer abc", "Authorization: Bearer (hidden)"),
            ("{\"token\": \"abc\", \"x\": 1}", "{\"token\": \"(hidden)\", \"x\": 1}"),
            ("the secret is safe", "the secret is safe"),
            ("no token", "no token"),
        ] {
            assert_eq!(redact.clean(text, 100), shown);
        }
    }
}
