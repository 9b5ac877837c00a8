//! Keys and values of labels, keys of annotations, names of finalizers: Kubernetes' grammar for all of them.

use super::{Level, Walker};
use crate::{
    check::{grammar, spot::Spot},
    finding::{Code, Finding},
    manifest::Resolved,
    text,
};

/// Characters of a label's value, and of a key behind its prefix.
const MOST: usize = 63;
/// Bytes of all annotations of an object, keys and values.
const ANNOTATIONS: usize = 256 << 10;

/// Where labels stand, by the name of the type and of the field.
fn holds(of: &str, field: &str) -> Option<Kind> {
    match (of, field) {
        ("ObjectMeta", "labels")
        | ("LabelSelector", "matchLabels")
        | ("ServiceSpec" | "ReplicationControllerSpec", "selector")
        | ("PodSpec", "nodeSelector") => Some(Kind::Labels),
        ("ObjectMeta", "annotations") => Some(Kind::Annotations),
        ("ObjectMeta", "finalizers") => Some(Kind::Finalizers),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Labels,
    Annotations,
    Finalizers,
}

/// What is wrong with a key or a value.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    Empty,
    TooLong(usize),
    /// This character cannot stand in it.
    Character(char),
    /// It begins or ends with this one.
    Edge(char),
    /// There is more than one `/`.
    Slashes,
    /// Nothing stands before the `/`.
    NoPrefix,
    /// What stands before the `/` is no DNS name.
    Prefix,
}

impl Walker<'_> {
    /// Looks at the labels and annotations that a mapping has of its own.
    pub(super) fn labels(&mut self, level: &Level<'_>) {
        let Some(name) = level.at.schema().name.as_deref() else { return };
        let of = name.rsplit('.').next().unwrap_or(name);
        if !matches!(
            of,
            "ObjectMeta" | "LabelSelector" | "ServiceSpec" | "ReplicationControllerSpec" | "PodSpec"
        ) {
            return;
        }
        for (key, value) in level.spot.entries() {
            let Some(kind) = holds(of, &self.key(*key)) else { continue };
            let spot = level.spot.entry(*key, *value);
            if kind == Kind::Finalizers {
                for item in spot.items() {
                    if let Some(wrong) = item.text().and_then(key_wrong) {
                        self.say_key(&item, "the finalizer", item.text().unwrap_or_default(), &wrong);
                    }
                }
                continue;
            }
            self.keys_and_values(&spot, kind, of);
        }
    }

    fn keys_and_values(&mut self, spot: &Spot<'_>, kind: Kind, of: &str) {
        let mut bytes = 0;
        for (key, value) in spot.fields() {
            let wrong = match kind {
                Kind::Annotations => annotation_wrong(&key),
                _ => key_wrong(&key),
            };
            if let Some(wrong) = wrong {
                let what = if kind == Kind::Annotations { "the annotation" } else { "the label" };
                self.say_key(&value, what, &key, &wrong);
            }
            let Resolved::Text(text) = value.is() else { continue };
            bytes += key.len() + text.len();
            if kind == Kind::Labels
                && let Some(wrong) = value_wrong(text)
            {
                self.say_value(&value, text, &wrong, of == "ObjectMeta");
            }
        }
        if kind == Kind::Annotations && bytes > ANNOTATIONS {
            let message = format!(
                "`{}` has {} KiB in all, and may have {}",
                spot.path(),
                bytes.div_ceil(1024),
                ANNOTATIONS / 1024
            );
            let finding = Finding::error(Code::Label, message).at(spot.key_place());
            self.say(finding.help("keep large texts in a ConfigMap"));
        }
    }

    fn say_key(&mut self, spot: &Spot<'_>, what: &str, key: &str, wrong: &Wrong) {
        let named =
            if spot.is_secret() { what.to_owned() } else { format!("{what} `{}`", text::excerpt(key, 80)) };
        let (message, help) = match wrong {
            Wrong::Empty => (
                format!("{named} has no name behind its `/`"),
                "write `prefix/name`, or a name alone".to_owned(),
            ),
            Wrong::TooLong(length) => (
                format!("{named} has a name of {length} characters, and {MOST} are the most"),
                "shorten it; a prefix before a `/` does not count".to_owned(),
            ),
            Wrong::Character(c) => (
                format!("{named} has {} in its name", shown(*c)),
                "use letters, digits, `-`, `_` and `.`".to_owned(),
            ),
            Wrong::Edge(c) => (
                format!("{named} begins or ends with {}", shown(*c)),
                "begin and end the name with a letter or a digit".to_owned(),
            ),
            Wrong::Slashes => (
                format!("{named} has more than one `/`"),
                "write `prefix/name`, as in `example.com/team`".to_owned(),
            ),
            Wrong::NoPrefix => {
                (format!("{named} begins with `/`"), "remove the `/`, or write a prefix before it".to_owned())
            }
            Wrong::Prefix => (
                format!("{named} has no DNS name before its `/`"),
                "a prefix has lower case letters, digits, `-` and `.`, as in `example.com/team`".to_owned(),
            ),
        };
        self.say(Finding::error(Code::Label, message).at(spot.key_place()).help(help));
    }

    fn say_value(&mut self, spot: &Spot<'_>, value: &str, wrong: &Wrong, own: bool) {
        let path = spot.path();
        let named = match spot.written() {
            Some(written) => format!("`{path}` cannot be `{written}`"),
            None => format!("`{path}` has a value that no label can have"),
        };
        let (message, mut help) = match wrong {
            Wrong::TooLong(length) => (
                format!("`{path}` has {length} characters, and a label may have {MOST}"),
                "shorten it".to_owned(),
            ),
            Wrong::Edge(c) => (
                format!("{named}: a label does not begin or end with {}", shown(*c)),
                "begin and end it with a letter or a digit".to_owned(),
            ),
            Wrong::Character(c) => {
                let joined: String = value.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
                let joined = joined.trim_matches(|c: char| !c.is_ascii_alphanumeric());
                let help = if joined.is_empty() || joined.len() > MOST || spot.is_secret() {
                    "use letters, digits, `-`, `_` and `.`".to_owned()
                } else {
                    format!("write `{joined}`")
                };
                (format!("{named}: {} cannot stand in a label", shown(*c)), help)
            }
            _ => return,
        };
        // Nothing selects by the labels that an object has only to be described.
        if own {
            help.push_str(", or make it an annotation, which may hold any text");
        }
        self.say(spot.error(Code::Label, message).help(help));
    }
}

fn shown(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        '\n' => "a line break".to_owned(),
        c => format!("`{}`", text::clean(&c.to_string())),
    }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A name of letters, digits, `-`, `_` and `.`, which begins and ends with a letter or a digit.
fn name_wrong(name: &str) -> Option<Wrong> {
    let (first, last) = (name.chars().next()?, name.chars().next_back()?);
    if let Some(c) = name.chars().find(|c| !allowed(*c)) {
        return Some(Wrong::Character(c));
    }
    if name.len() > MOST {
        return Some(Wrong::TooLong(name.len()));
    }
    [first, last].into_iter().find(|c| !c.is_ascii_alphanumeric()).map(Wrong::Edge)
}

fn value_wrong(value: &str) -> Option<Wrong> {
    name_wrong(value)
}

fn key_wrong(key: &str) -> Option<Wrong> {
    let name = match key.split_once('/') {
        None => key,
        Some((_, name)) if name.contains('/') => return Some(Wrong::Slashes),
        Some(("", _)) => return Some(Wrong::NoPrefix),
        Some((prefix, _)) if !grammar::is_dns_name(prefix) => return Some(Wrong::Prefix),
        Some((_, name)) => name,
    };
    if name.is_empty() { Some(Wrong::Empty) } else { name_wrong(name) }
}

/// As [`key_wrong`], in any case.
fn annotation_wrong(key: &str) -> Option<Wrong> {
    if key.bytes().any(|b| b.is_ascii_uppercase()) {
        return key_wrong(&key.to_ascii_lowercase());
    }
    key_wrong(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_kubernetes_takes() {
        for good in ["a", "A-1_b.c", "example.com/a", "0/0"] {
            assert_eq!(key_wrong(good), None, "{good}");
        }
        for (bad, wrong) in [
            ("a/b/c", Wrong::Slashes),
            ("/a", Wrong::NoPrefix),
            ("a/", Wrong::Empty),
            ("", Wrong::Empty),
            ("Example.com/a", Wrong::Prefix),
            ("a b", Wrong::Character(' ')),
            ("-a", Wrong::Edge('-')),
            ("a.", Wrong::Edge('.')),
        ] {
            assert_eq!(key_wrong(bad), Some(wrong), "{bad}");
        }
        assert_eq!(key_wrong(&"a".repeat(63)), None);
        assert_eq!(key_wrong(&"a".repeat(64)), Some(Wrong::TooLong(64)));
        assert_eq!(annotation_wrong("Example.com/a"), None);
        assert_eq!(value_wrong(""), None);
    }
}
