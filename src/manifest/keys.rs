//! The keys of a mapping as Kubernetes has them: each a text, each once, and what merges bring.

use std::{borrow::Cow, collections::HashMap};

use super::node::{NodeId, Style, Tree, Value};
use crate::{
    finding::{Code, Finding},
    source::Source,
    text,
};

/// Mappings of up to so many keys are compared pair by pair, which is quicker than any table.
const FEW: usize = 12;

/// The entries of a mapping.
pub(super) struct Entries {
    /// As Kubernetes sees them.
    pub(super) entries: Box<[(NodeId, NodeId)]>,
    /// What is wrong with them.
    pub(super) wrong: Vec<Wrong>,
}

/// What is wrong with a key.
pub(super) enum Wrong {
    /// It stands there already.
    Twice { first: NodeId, again: NodeId },
    /// A merge replaces it.
    Replaced { first: NodeId, merge: NodeId },
    /// A merge of something that has no entries.
    NoMapping { value: NodeId },
}

/// Whether a key says that the entries of its value are meant.
pub(super) fn is_merge(tree: &Tree, key: NodeId) -> bool {
    matches!(&tree.node(key).value, Value::Scalar(_, Style::Plain))
        && tree.scalar(key).is_some_and(|(text, _)| text == "<<")
}

/// Looks at the entries as they were written.
pub(super) fn entries(tree: &Tree, written: Box<[(NodeId, NodeId)]>, merges: bool) -> Entries {
    if merges {
        return merged(tree, &written);
    }
    let wrong = twice(tree, &written);
    Entries { entries: written, wrong }
}

fn twice(tree: &Tree, entries: &[(NodeId, NodeId)]) -> Vec<Wrong> {
    if entries.len() < 2 {
        return Vec::new();
    }
    let keys = entries.iter().filter_map(|(key, _)| Some((tree.key(*key)?, *key)));
    let mut keys: Vec<(Cow<'_, str>, NodeId)> = keys.collect();
    if keys.len() <= FEW {
        let again = keys.iter().enumerate().filter_map(|(at, (text, again))| {
            let (_, first) = keys[..at].iter().find(|(before, _)| before == text)?;
            Some(Wrong::Twice { first: *first, again: *again })
        });
        return again.collect();
    }
    keys.sort_unstable();
    let mut wrong = Vec::new();
    for same in keys.chunk_by(|a, b| a.0 == b.0) {
        let again = same[1..].iter().map(|(_, again)| Wrong::Twice { first: same[0].1, again: *again });
        wrong.extend(again);
    }
    wrong
}

/// A merge stands for the entries that it brings; a key behind it replaces them, and one before it must not
/// be there at all: YAML would keep it, and Kubernetes does not.
fn merged(tree: &Tree, written: &[(NodeId, NodeId)]) -> Entries {
    let mut found = Merging { tree, at: HashMap::new(), entries: Vec::new(), wrong: Vec::new() };
    for (key, value) in written {
        if !is_merge(tree, *key) {
            found.entry(*key, *value);
            continue;
        }
        let before = found.entries.len();
        match &tree.node(*value).value {
            // The first of several wins, so it comes last.
            Value::Sequence(items) => {
                items.iter().rev().for_each(|item| found.merge(*key, *item, before));
            }
            _ => found.merge(*key, *value, before),
        }
    }
    Entries {
        entries: found.entries.iter().map(|(key, value, _)| (*key, *value)).collect(),
        wrong: found.wrong,
    }
}

struct Merging<'t> {
    tree: &'t Tree,
    /// Where the entry of a key is.
    at: HashMap<Cow<'t, str>, usize>,
    /// Each with whether a merge brought it.
    entries: Vec<(NodeId, NodeId, bool)>,
    wrong: Vec<Wrong>,
}

impl Merging<'_> {
    fn entry(&mut self, key: NodeId, value: NodeId) {
        let Some(text) = self.tree.key(key) else { return };
        match self.at.get(&text) {
            Some(at) if self.entries[*at].2 => self.entries[*at] = (key, value, false),
            Some(at) => self.wrong.push(Wrong::Twice { first: self.entries[*at].0, again: key }),
            None => {
                self.at.insert(text, self.entries.len());
                self.entries.push((key, value, false));
            }
        }
    }

    /// `before` it there were so many entries, which it must not touch.
    fn merge(&mut self, merge: NodeId, from: NodeId, before: usize) {
        let Value::Mapping(brought) = self.tree.value(from) else {
            self.wrong.push(Wrong::NoMapping { value: from });
            return;
        };
        let mut said = false;
        for (key, value) in brought {
            let Some(text) = self.tree.key(*key) else { continue };
            match self.at.get(&text) {
                Some(at) if *at < before => {
                    if !said {
                        self.wrong.push(Wrong::Replaced { first: self.entries[*at].0, merge });
                    }
                    said = true;
                }
                Some(at) => self.entries[*at] = (*key, *value, true),
                None => {
                    self.at.insert(text, self.entries.len());
                    self.entries.push((*key, *value, true));
                }
            }
        }
    }
}

impl Wrong {
    /// In words; no text of a Secret is among them.
    pub(super) fn finding(&self, source: &Source, tree: &Tree) -> Finding {
        let shown = |key: NodeId| {
            let written = source.text().get(tree.span(key).range())?;
            (!source.is_secret(tree.span(key))).then(|| format!("`{}`", text::excerpt(written, 40)))
        };
        let line = |key: NodeId| source.line(tree.span(key));
        let (code, message, at, help) = match self {
            Self::Twice { first, again } => {
                let remove = format!(
                    "it already stands in line {}: remove one of the two, or join their values",
                    line(*first)
                );
                if tree.scalar(*first) == tree.scalar(*again) {
                    let key = shown(*again).map_or("a key".to_owned(), |key| format!("the key {key}"));
                    (Code::DuplicateKey, format!("{key} stands twice in one mapping"), *again, remove)
                } else {
                    let keys = match (shown(*first), shown(*again)) {
                        (Some(first), Some(again)) => format!("{first} and {again} are"),
                        _ => "two keys of a mapping are".to_owned(),
                    };
                    let help = format!("the other stands in line {}: remove one of the two", line(*first));
                    (Code::KeysCollide, format!("{keys} the same key to Kubernetes"), *again, help)
                }
            }
            Self::Replaced { first, merge } => {
                let key = shown(*first).map_or("a key".to_owned(), |key| format!("the key {key}"));
                let message =
                    format!("a merge replaces {key} of line {}, which stands before it", line(*first));
                let help = "write the `<<` before the keys that are to win".to_owned();
                (Code::MergeOverrides, message, *merge, help)
            }
            Self::NoMapping { value } => {
                let what = tree.resolve(*value).describe();
                let message = format!("`<<` merges the keys of a mapping, and this is {what}");
                let help = "name a mapping, or a sequence of mappings, as in `<<: *base`".to_owned();
                (Code::MergeInvalid, message, *value, help)
            }
        };
        Finding::error(code, message).at(source.place(tree.span(at))).help(help)
    }
}
