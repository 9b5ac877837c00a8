//! Where an unknown field would be a known one: some levels up or down from where it stands. Wrong
//! indentation is the most frequent mistake in a manifest, and this is how it shows.

use super::{At, Level, Object, Others, Shape, Walker};
use crate::manifest::NodeId;

/// How far down is looked.
const DEEPEST: usize = 3;
/// So many mappings of the schema are looked at: a definition can have thousands.
const MOST: usize = 600;

/// A mapping above that has the fields.
pub(super) struct Above<'l> {
    /// How many levels.
    pub(super) levels: usize,
    /// The mapping.
    pub(super) level: &'l Level<'l>,
    /// Its key that leads to here.
    pub(super) beside: NodeId,
}

/// A mapping below that has the fields, whether or not it is written.
pub(super) struct Below<'s> {
    /// The fields that lead to it, each with whether an item of a sequence follows.
    pub(super) steps: Vec<(&'s str, bool)>,
    /// What it may hold.
    at: At<'s>,
    /// The mapping, where it is written.
    pub(super) node: Option<NodeId>,
    /// The entry of the first step, where it is written.
    pub(super) entry: Option<(NodeId, NodeId)>,
    /// Whether every step has to be there.
    required: bool,
}

impl<'s> Below<'s> {
    /// Whether it has that field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.at.has(name)
    }

    fn object(&self) -> Option<&'s Object> {
        match &self.at.schema().shape {
            Shape::Object(object) => Some(object),
            _ => None,
        }
    }
}

/// How good a mapping is, best last: so many of the fields, and how near and likely it is.
type Score = (usize, bool, bool, bool, usize);

impl Walker<'_> {
    /// The nearest mapping above that has most of these fields, `first` among them.
    pub(super) fn above<'l>(&self, level: &'l Level<'l>, first: &str, names: &[&str]) -> Option<Above<'l>> {
        let mut best: Option<(usize, Above<'l>)> = None;
        let (mut here, mut levels) = (level, 0);
        while let Some(up) = here.up {
            levels += 1;
            let Shape::Object(object) = &up.at.schema().shape else { break };
            let has = |name: &str| {
                object.field(name).is_some() && self.manifest.tree.get(up.spot.node(), name).is_none()
            };
            let count = names.iter().filter(|name| has(name)).count();
            if has(first)
                && best.as_ref().is_none_or(|(most, _)| count > *most)
                && let Some(beside) = key_below(here, up)
            {
                best = Some((count, Above { levels, level: up, beside }));
            }
            here = up;
        }
        best.map(|(_, above)| above)
    }

    /// The likeliest mapping below that has most of these fields, `first` among them, and whether there is
    /// little doubt. `before` is the key that stands before them.
    pub(super) fn below<'s>(
        &self,
        at: At<'s>,
        object: &'s Object,
        node: NodeId,
        first: &str,
        names: &[&str],
        before: Option<NodeId>,
    ) -> Option<(Below<'s>, bool)> {
        let mut best: Option<(Score, Below<'s>, bool)> = None;
        let mut next = vec![Below { steps: Vec::new(), at, node: Some(node), entry: None, required: true }];
        let mut looked = 0;
        for depth in 1..=DEEPEST {
            let mut deeper = Vec::new();
            for from in &next {
                let inner = if depth == 1 { Some(object) } else { from.object() };
                for field in inner.into_iter().flat_map(|object| &object.fields) {
                    looked += 1;
                    if looked > MOST {
                        break;
                    }
                    let Some(candidate) =
                        self.step(from, &field.name, at.other(field.schema), field.required)
                    else {
                        continue;
                    };
                    let has = |name: &str| {
                        candidate.object().is_some_and(|object| object.field(name).is_some())
                            && candidate.node.is_none_or(|node| self.manifest.tree.get(node, name).is_none())
                    };
                    if has(first) {
                        let count = names.iter().filter(|name| has(name)).count();
                        let follows = before.is_some() && candidate.entry.map(|(key, _)| key) == before;
                        let score = (
                            count,
                            follows,
                            candidate.node.is_some(),
                            candidate.required,
                            DEEPEST - candidate.steps.len(),
                        );
                        match &mut best {
                            Some((most, _, alone)) if *most == score => *alone = false,
                            Some((most, ..)) if *most > score => {}
                            _ => best = Some((score, Self::copy(&candidate), true)),
                        }
                    }
                    deeper.push(candidate);
                }
            }
            next = deeper;
        }
        let (score, below, alone) = best?;
        let sure = score.1 || (score.2 && below.steps.len() == 1);
        (alone || sure).then_some((below, sure))
    }

    fn copy<'s>(below: &Below<'s>) -> Below<'s> {
        Below { steps: below.steps.clone(), ..*below }
    }

    /// One field further down.
    fn step<'s>(&self, from: &Below<'s>, name: &'s str, to: At<'s>, required: bool) -> Option<Below<'s>> {
        if name == "status" || (name == "metadata" && !from.steps.is_empty()) {
            return None;
        }
        let written = from.node.and_then(|node| self.manifest.tree.get(node, name));
        let (at, is_list) = match &to.schema().shape {
            Shape::Object(object) if matches!(object.others, Others::None) => (to, false),
            Shape::List(list) => (to.other(list.items), true),
            _ => return None,
        };
        let mapping = |node: NodeId| {
            matches!(self.manifest.tree.value(node), crate::manifest::Value::Mapping(_)).then_some(node)
        };
        let node = match written {
            Some((_, value)) if is_list => {
                self.manifest.tree.items(value).last().and_then(|item| mapping(*item))
            }
            Some((_, value)) => mapping(value),
            None => None,
        };
        // What is not written and need not be is no likely place for an item.
        if is_list && node.is_none() && !required {
            return None;
        }
        let steps = from.steps.iter().copied().chain([(name, is_list)]).collect();
        let entry = if from.steps.is_empty() { written } else { from.entry };
        Some(Below { steps, at, node, entry, required: from.required && required })
    }
}

/// The key in `up` that leads to `here`; between the two there may be a sequence.
fn key_below(here: &Level<'_>, up: &Level<'_>) -> Option<NodeId> {
    let mut spot = here.spot;
    loop {
        let above = spot.up()?;
        if above.node() == up.spot.node() {
            return spot.key();
        }
        spot = above;
    }
}
