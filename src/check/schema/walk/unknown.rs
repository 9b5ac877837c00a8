//! Fields that a kind does not have: misspelt, or in a wrong place.

use std::{borrow::Cow, collections::HashSet};

use super::{
    Level, Object, Walker, hints,
    whither::{Above, Below},
};
use crate::{
    finding::{Code, Finding},
    manifest::{NodeId, Resolved},
    source::Span,
    text,
};

/// A mapping with so many fields is told in full.
const FEW: usize = 8;
/// In a mapping with more keys it is not looked for where one of them belongs.
const MANY: usize = 500;

/// Unknown keys of one mapping with their names.
struct Unknown {
    key: NodeId,
    name: String,
}

impl Walker<'_> {
    /// What is wrong with keys that are no fields. Those that belong into one place are one finding.
    pub(super) fn unknown(
        &mut self,
        level: &Level<'_>,
        object: &Object,
        entries: &[(NodeId, NodeId)],
        unknown: &[(NodeId, NodeId)],
    ) {
        let with_name =
            |(key, _): &(NodeId, NodeId)| Unknown { key: *key, name: self.key(*key).into_owned() };
        let mut left: Vec<Unknown> = unknown.iter().map(with_name).collect();
        let written: HashSet<Cow<'_, str>> = entries.iter().map(|(key, _)| self.key(*key)).collect();
        while !left.is_empty() && self.found.len() < crate::finding::MOST_OF_ONE {
            let first = &left[0];
            let near = misspelt(&written, object, first);
            if let Some(meant) = near.filter(|meant| meant.eq_ignore_ascii_case(&first.name)) {
                self.say_misspelt(level, &left.remove(0), meant);
                continue;
            }
            if let Some(hint) = hints::hint(level.at.schema().name.as_deref(), &first.name) {
                // The field that the words name is there, under another name.
                for name in hint.split('`').filter_map(|words| words.split(':').next()) {
                    if level.at.has(name) {
                        self.moved.belongs(level.spot.node(), name);
                    }
                }
                let first = left.remove(0);
                self.say_unknown(level, &[first], hint.to_owned());
                continue;
            }
            // Where each of so many keys belongs nobody looks for either.
            if entries.len() > MANY {
                let first = left.remove(0);
                match near {
                    Some(meant) => self.say_misspelt(level, &first, meant),
                    None => self.say_unknown(level, &[first], self.which_there_are(level, object, &written)),
                }
                continue;
            }
            let names = left.iter().map(|unknown| unknown.name.as_str());
            let names: Vec<&str> = names.take(crate::finding::MOST_OF_ONE).collect();
            if let Some(above) = self.above(level, &first.name, &names) {
                let belongs = |name: &str| above.level.at.has(name) && !self.is_written(above.level, name);
                let (group, rest): (Vec<_>, Vec<_>) =
                    left.into_iter().partition(|unknown| belongs(&unknown.name));
                self.say_up(level, entries, &above, &group);
                left = rest;
                continue;
            }
            let before = entries.iter().take_while(|(key, _)| *key != first.key).last().map(|(key, _)| *key);
            let below = self.below(level.at, object, level.spot.node(), &first.name, &names, before);
            match (below, near) {
                (Some((_, false)) | None, Some(meant)) => {
                    self.say_misspelt(level, &left.remove(0), meant);
                }
                (Some((below, _)), _) => {
                    let there = below.node;
                    let belongs = |name: &str| {
                        below.has(name)
                            && there.is_none_or(|node| self.manifest.tree.get(node, name).is_none())
                    };
                    let (group, rest): (Vec<_>, Vec<_>) =
                        left.into_iter().partition(|unknown| belongs(&unknown.name));
                    self.say_down(level, entries, &below, &group);
                    left = rest;
                }
                (None, None) => {
                    let first = left.remove(0);
                    let help = self.which_there_are(level, object, &written);
                    self.say_unknown(level, &[first], help);
                }
            }
        }
    }

    fn is_written(&self, level: &Level<'_>, name: &str) -> bool {
        self.manifest.tree.get(level.spot.node(), name).is_some()
    }

    fn say_misspelt(&mut self, level: &Level<'_>, unknown: &Unknown, meant: &str) {
        self.moved.belongs(level.spot.node(), meant);
        self.say_unknown(level, std::slice::from_ref(unknown), format!("did you mean `{meant}`?"));
    }

    fn say_up(
        &mut self,
        level: &Level<'_>,
        entries: &[(NodeId, NodeId)],
        above: &Above<'_>,
        group: &[Unknown],
    ) {
        for unknown in group {
            self.moved.belongs(above.level.spot.node(), &unknown.name);
        }
        let beside = self.shown_key(above.beside);
        let levels = match above.levels {
            1 => "one level up".to_owned(),
            n => format!("{n} levels up"),
        };
        let to = self.first_column(above.level.spot.node());
        let from = self.lines_of(level.spot.node(), entries, group);
        // Only what ends everything between the two can simply be moved to the left.
        let is_end = is_end(self, level, above.level.spot.node(), entries, group);
        let fix = match (from, to) {
            (Some(from), Some(to)) if is_end && from > to => {
                format!("indent {} by {} less", it(group), from - to)
            }
            _ => format!("move {} there", it(group)),
        };
        let help = format!("{} {levels}, beside {beside}: {fix}", belongs(group));
        self.say_unknown(level, group, help);
    }

    fn say_down(
        &mut self,
        level: &Level<'_>,
        entries: &[(NodeId, NodeId)],
        below: &Below<'_>,
        group: &[Unknown],
    ) {
        let mut node = Some(level.spot.node());
        for (field, is_list) in &below.steps {
            let Some(mapping) = node else { break };
            self.moved.belongs(mapping, field);
            node = self.manifest.tree.get(mapping, field).and_then(|(_, value)| {
                if *is_list { self.manifest.tree.items(value).last().copied() } else { Some(value) }
            });
        }
        if let Some(mapping) = below.node {
            for unknown in group {
                self.moved.belongs(mapping, &unknown.name);
            }
        }
        let mut path = level.spot.path();
        for (field, _) in &below.steps {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(field);
        }
        let (last, is_item) = *below.steps.last().expect("because a mapping below is at least one step away");
        let what = match (below.steps.as_slice(), is_item) {
            ([_], false) => format!("one level down, in `{last}`"),
            ([_], true) => format!("into an item of `{last}`"),
            (_, false) => format!("into `{path}`"),
            (_, true) => format!("into an item of `{path}`"),
        };
        let from = self.lines_of(level.spot.node(), entries, group);
        let follows = below.entry.is_some_and(|(key, _)| {
            let at = entries.iter().position(|(k, _)| *k == key);
            at.is_some_and(|at| entries.get(at + 1).is_some_and(|(next, _)| *next == group[0].key))
        });
        let to = match below.node {
            Some(node) => self.first_column(node),
            None if !is_item => from.map(|from| from + 2 * below.steps.len()),
            None => None,
        };
        let fix = match (from, to, below.steps.len()) {
            (Some(from), Some(to), 1) if follows && to > from => {
                format!("indent {} by {} more", it(group), to - from)
            }
            _ if is_item && below.node.is_none() => {
                format!("write `{last}:` above, and `- ` before the first of its fields")
            }
            _ => format!("move {} there", it(group)),
        };
        self.say_unknown(level, group, format!("{} {what}: {fix}", belongs(group)));
    }

    fn say_unknown(&mut self, level: &Level<'_>, group: &[Unknown], help: String) {
        let [first, ..] = group else { return };
        let kind = text::excerpt(&self.manifest.key.kind, 60);
        let of = format!("{kind} ({})", text::excerpt(&self.manifest.api_version, 60));
        let span = self.manifest.tree.span(first.key);
        let secret = self.manifest.source.is_secret(span);
        let path = level.spot.path();
        let message = match group {
            _ if secret => format!("unknown field in {of}"),
            [one] => format!("unknown field `{}` in {of}", level.spot.path_of(&one.name)),
            several => {
                let names: Vec<String> =
                    several.iter().take(4).map(|unknown| text::excerpt(&unknown.name, 40)).collect();
                let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
                let more;
                let listed = if several.len() > 4 {
                    names.truncate(3);
                    more = format!("`{}` and {} more", names.join("`, `"), several.len() - 3);
                    more
                } else {
                    text::listed(&names)
                };
                match path.as_str() {
                    "" => format!("unknown fields {listed} in {of}"),
                    path => format!("unknown fields {listed} in `{path}` of {of}"),
                }
            }
        };
        let finding = Finding::error(Code::UnknownField, message).at(self.manifest.source.place(span));
        self.say(finding.help(help));
    }

    fn which_there_are(&self, level: &Level<'_>, object: &Object, written: &HashSet<Cow<'_, str>>) -> String {
        let free = object.fields.iter().map(|field| &*field.name);
        let free: Vec<&str> = free.filter(|name| !written.contains(*name)).collect();
        match free.as_slice() {
            [] if object.fields.is_empty() => "nothing can stand here: remove it".to_owned(),
            [] => "remove it: nothing else can stand here".to_owned(),
            [one] => format!("the only other field here is `{one}`"),
            few if few.len() <= FEW => format!("the fields here are {}", text::listed(few)),
            _ => {
                let steps = level.spot.path();
                let steps = steps.split('.').map(|step| step.split('[').next().unwrap_or_default());
                let kind = self.manifest.key.kind.to_lowercase();
                let path: Vec<&str> =
                    std::iter::once(kind.as_str()).chain(steps.filter(|step| !step.is_empty())).collect();
                format!("remove it, or see what there is: kubectl explain {}", text::clean(&path.join(".")))
            }
        }
    }

    fn shown_key(&self, key: NodeId) -> String {
        format!("`{}`", text::excerpt(&self.key(key), 40))
    }

    /// The column of these keys, where each stands on a line of its own in a mapping that is written so, and
    /// one follows the other.
    fn lines_of(&self, mapping: NodeId, entries: &[(NodeId, NodeId)], group: &[Unknown]) -> Option<usize> {
        self.first_column(mapping)?;
        let at = entries.iter().position(|(key, _)| *key == group[0].key)?;
        let in_row = entries[at..].iter().zip(group).all(|((key, _), unknown)| *key == unknown.key);
        let span = self.manifest.tree.span(group[0].key);
        let before = self.line_before(span);
        (in_row && entries.len() - at >= group.len() && before.bytes().all(|b| b == b' '))
            .then_some(before.len())
    }

    /// The column of the first key of a mapping that is written in lines, not in braces.
    fn first_column(&self, mapping: NodeId) -> Option<usize> {
        let tree = &self.manifest.tree;
        let (first, _) = tree.entries(mapping).first()?;
        let span = tree.span(*first);
        let before = self.line_before(span);
        let in_lines =
            tree.span(mapping).start == span.start && before.bytes().all(|b| matches!(b, b' ' | b'-'));
        in_lines.then_some(before.len())
    }

    fn line_before(&self, span: Span) -> &str {
        let before = self.manifest.source.text().get(..span.start as usize).unwrap_or_default();
        before.rsplit('\n').next().unwrap_or_default()
    }
}

/// The field that was likely meant, if it is not written as well.
fn misspelt<'o>(written: &HashSet<Cow<'_, str>>, object: &'o Object, unknown: &Unknown) -> Option<&'o str> {
    let free = object.fields.iter().map(|field| &*field.name).filter(|name| !written.contains(*name));
    let same = free.clone().find(|name| name.eq_ignore_ascii_case(&unknown.name));
    same.or_else(|| text::nearest(&unknown.name, free))
}

/// Whether these are the last lines of all that stands between them and the mapping `top`.
fn is_end(
    walker: &Walker<'_>,
    level: &Level<'_>,
    top: NodeId,
    entries: &[(NodeId, NodeId)],
    group: &[Unknown],
) -> bool {
    let tree = &walker.manifest.tree;
    let last = |unknown: &Unknown| entries.iter().rev().take(group.len()).any(|(key, _)| *key == unknown.key);
    // A first key behind `- ` would take the dash with it.
    if !group.iter().all(last) || entries.len() == group.len() {
        return false;
    }
    let mut spot = level.spot;
    while let Some(up) = spot.up() {
        let ends = match up.is() {
            Resolved::Mapping(entries) => {
                up.node() == top || entries.last().map(|(_, v)| *v) == Some(spot.node())
            }
            Resolved::Sequence(items) => items.last() == Some(&spot.node()),
            _ => false,
        };
        if !ends {
            return false;
        }
        if up.node() == top {
            return tree.span(group[0].key).start > tree.span(up.node()).start;
        }
        spot = up;
    }
    false
}

fn it(group: &[Unknown]) -> &'static str {
    if group.len() == 1 { "it" } else { "them" }
}

fn belongs(group: &[Unknown]) -> &'static str {
    if group.len() == 1 { "this field belongs" } else { "these fields belong" }
}
