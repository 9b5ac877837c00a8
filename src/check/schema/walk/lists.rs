//! Sequences: their items, and items that must differ and do not.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value as Json;

use super::{At, By, Level, List, Look, Shape, Walker};
use crate::{
    check::spot::Spot,
    finding::{Code, Finding, MOST_OF_ONE},
    manifest::{NodeId, Resolved},
    text,
};

/// What an item is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Told<'a> {
    Text(&'a str),
    Int(i64),
    Bool(bool),
}

impl<'a> Told<'a> {
    fn by(value: Resolved<'a>) -> Option<Self> {
        match value {
            Resolved::Text(text) => Some(Self::Text(text)),
            Resolved::Int(number) => Some(Self::Int(number)),
            Resolved::Bool(value) => Some(Self::Bool(value)),
            _ => None,
        }
    }

    fn by_default(value: &'a Json) -> Option<Self> {
        match value {
            Json::String(text) => Some(Self::Text(text)),
            Json::Number(number) => number.as_i64().map(Self::Int),
            Json::Bool(value) => Some(Self::Bool(*value)),
            _ => None,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Text(written) => format!("`{}`", text::excerpt(written, 60)),
            Self::Int(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

impl Walker<'_> {
    /// The items of a sequence, each by itself, then together.
    pub(super) fn list(
        &mut self,
        up: Option<&Level<'_>>,
        spot: &Spot<'_>,
        at: At<'_>,
        list: &List,
        look: Look,
    ) {
        let items = self.manifest.tree.items(spot.node());
        let of = at.other(list.items);
        for (number, item) in items.iter().enumerate() {
            let item = spot.item(number, *item);
            if item.is() == Resolved::Null && !of.schema().nullable {
                if !look.narrow {
                    self.nothing_in_list(&item, of);
                }
                continue;
            }
            self.value(up, &item, of, look.deeper());
        }
        if list.by != By::Nothing && items.len() > 1 && !look.narrow {
            self.twice(spot, of, &list.by, items);
        }
    }

    /// Items that must differ: server-side apply takes none of them twice.
    fn twice(&mut self, spot: &Spot<'_>, of: At<'_>, by: &By, items: &[NodeId]) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.clear();
        for (number, item) in items.iter().enumerate() {
            let mut hasher = DefaultHasher::new();
            if self.each_key(of, by, *item, &mut |_, told| told.hash(&mut hasher)) {
                seen.push((hasher.finish(), number));
            }
        }
        seen.sort_unstable();
        // Of three that are the same, the second and the third are each told about the first.
        let mut first = 0;
        for at in 1..seen.len() {
            if self.found.len() >= MOST_OF_ONE {
                break;
            }
            if seen[at].0 == seen[first].0 {
                self.stands_twice(spot, of, by, seen[first].1, seen[at].1);
            } else {
                first = at;
            }
        }
        self.seen = seen;
    }

    fn stands_twice(&mut self, spot: &Spot<'_>, of: At<'_>, by: &By, first: usize, again: usize) {
        let items = self.manifest.tree.items(spot.node());
        let (first, again) = (items[first], items[again]);
        let line = |node: NodeId| self.manifest.source.line(self.where_told(by, node));
        let path = spot.path();
        let mut keys: Vec<(&str, String)> = Vec::new();
        self.each_key(of, by, again, &mut |key, told| keys.push((key, told.shown())));
        let secret = spot.is_secret();
        let (message, help) = match (by, keys.as_slice()) {
            (By::Keys(_), [(key, _)]) if secret => (
                format!("two items of `{path}` have the same `{key}`"),
                format!("the other is in line {}: remove one of the two", line(first)),
            ),
            (By::Keys(_), [(key, told)]) => (
                format!("two items of `{path}` have the `{key}` {told}"),
                format!("the other is in line {}: remove one of the two, or change its `{key}`", line(first)),
            ),
            (By::Keys(_), several) => {
                let same: Vec<String> =
                    several.iter().map(|(key, told)| format!("the `{key}` {told}")).collect();
                (
                    format!("two items of `{path}` have {}", same.join(" and ")),
                    format!("the other is in line {}: remove one of the two, or change one", line(first)),
                )
            }
            (_, several) => {
                let told = several.first().filter(|_| !secret).map_or("a value", |(_, told)| told);
                (
                    format!("`{path}` has {told} twice"),
                    format!("it is already in line {}: remove one of the two", line(first)),
                )
            }
        };
        let place = self.manifest.source.place(self.where_told(by, again));
        let finding = Finding::error(Code::ItemTwice, message);
        self.say(finding.at(place).help(help));
    }

    /// Where the key of an item stands that tells it.
    fn where_told(&self, by: &By, item: NodeId) -> crate::source::Span {
        let tree = &self.manifest.tree;
        let By::Keys(keys) = by else { return tree.span(item) };
        let told = keys.iter().find_map(|key| tree.get(item, key)).map(|(_, value)| value);
        tree.span(told.unwrap_or(item))
    }

    /// Hands over what tells an item; whether all of it is known.
    fn each_key<'s>(
        &'s self,
        of: At<'s>,
        by: &'s By,
        item: NodeId,
        take: &mut dyn FnMut(&'s str, Told<'s>),
    ) -> bool {
        match by {
            By::Nothing => false,
            By::Value => match Told::by(self.manifest.tree.resolve(item)) {
                Some(told) => {
                    take("", told);
                    true
                }
                None => false,
            },
            By::Keys(keys) => {
                let Shape::Object(object) = &of.schema().shape else { return false };
                keys.iter().all(|key| {
                    let written = self.manifest.tree.get(item, key);
                    let written = written.map(|(_, value)| self.manifest.tree.resolve(value));
                    let told = match written.filter(|value| *value != Resolved::Null) {
                        Some(value) => Told::by(value),
                        None => object
                            .field(key)
                            .and_then(|field| of.other(field.schema).schema().default.as_ref())
                            .and_then(Told::by_default),
                    };
                    told.inspect(|told| take(key, *told)).is_some()
                })
            }
        }
    }
}
