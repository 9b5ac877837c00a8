//! The walk over a manifest beside its schema: every field is looked at once, where it stands.
//!
//! Where nothing is wrong nothing is allocated; paths and messages are made for findings only. Aliases are
//! followed, so what is visited is counted: a few lines could stand for billions of values.

mod formats;
mod hints;
mod known;
mod labels;
mod limits;
mod lists;
mod misread;
mod missing;
mod moved;
mod numbers;
#[cfg(test)]
mod tests;
mod types;
mod unknown;
mod whither;

use std::borrow::Cow;

use super::{At, By, Format, Kind, Known, Limits, List, Object, Others, Shape};
use crate::{
    check::{rules, spot::Spot},
    finding::{Code, Finding, MOST_OF_ONE},
    manifest::{Manifest, NodeId, Resolved},
    text,
};
use moved::Moved;

/// Values of one object that are looked at, aliases followed; more than any cluster takes.
const MOST_VALUES: usize = 200_000;
/// Letters of one object that patterns look at, some of them more than once.
const MOST_LETTERS: usize = 50_000;
/// Characters of a message: far more than any of ours has.
const LONGEST: usize = 2000;
/// How deep the walk goes, aliases followed.
const DEEPEST: usize = 100;

/// Everything that is wrong with one object by the schema of its kind.
#[must_use]
pub fn walk(manifest: &Manifest, kind: Kind<'_>) -> Vec<Finding> {
    let mut walker = Walker::new(manifest, kind.built_in);
    let spot = Spot::object(manifest);
    let level = Level { up: None, spot: &spot, at: kind.schema };
    walker.mapping(level, Look::default());
    walker.found
}

/// A mapping on the way to what is looked at, with its schema.
#[derive(Clone, Copy)]
struct Level<'l> {
    up: Option<&'l Level<'l>>,
    spot: &'l Spot<'l>,
    at: At<'l>,
}

/// How a value is looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    /// In `status`: a server drops it, but reads it first. Only fields and types count.
    status: bool,
    /// Beside another schema that says which fields there are: this one only narrows.
    narrow: bool,
    depth: usize,
}

impl Look {
    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

impl At<'_> {
    /// Whether it is a mapping with that field.
    fn has(self, name: &str) -> bool {
        matches!(&self.schema().shape, Shape::Object(object) if object.field(name).is_some())
    }
}

/// What a key of a mapping is.
enum Place<'l> {
    /// A field.
    Field(At<'l>),
    /// The author's own.
    Entry(At<'l>),
    /// The author's own, with anything.
    Free,
    /// None that there is.
    Nowhere,
}

/// What `key` is in a mapping.
fn place<'l>(at: At<'l>, object: &Object, key: &str) -> Place<'l> {
    let known = object.field(key).map(|field| at.other(field.schema));
    match (known, object.others) {
        (Some(at), _) => Place::Field(at),
        (None, Others::Each(id)) => Place::Entry(at.other(id)),
        (None, Others::Anything) => Place::Free,
        (None, Others::None) => Place::Nowhere,
    }
}

struct Walker<'a> {
    manifest: &'a Manifest,
    built_in: bool,
    found: Vec<Finding>,
    /// Fields that a finding says stand in a wrong place, by where they belong.
    moved: Moved,
    left: usize,
    letters: usize,
    /// Hashes of the items of one sequence, with their numbers; kept so that it need not be made again.
    seen: Vec<(u64, usize)>,
}

impl<'a> Walker<'a> {
    fn new(manifest: &'a Manifest, built_in: bool) -> Self {
        Self {
            manifest,
            built_in,
            found: Vec::new(),
            moved: Moved::default(),
            left: MOST_VALUES,
            letters: MOST_LETTERS,
            seen: Vec::new(),
        }
    }

    /// Keeps a finding, if there are not too many already. What a definition calls its fields may be anything, of
    /// any length, so what is said of them is made fit to be shown.
    fn say(&mut self, mut finding: Finding) {
        if self.found.len() < MOST_OF_ONE {
            for said in [Some(&mut finding.message), finding.help.as_mut()].into_iter().flatten() {
                if said.len() > LONGEST || !text::is_clean(said) {
                    *said = text::excerpt(said, LONGEST);
                }
            }
            self.found.push(finding);
        }
    }

    /// Whether to look further: values and findings are bounded.
    fn goes_on(&mut self, look: Look) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0 && look.depth <= DEEPEST && self.found.len() < MOST_OF_ONE
    }

    /// A value that is written and is not `null`, or whose `null` means something.
    fn value(&mut self, up: Option<&Level<'_>>, spot: &Spot<'_>, at: At<'_>, look: Look) {
        if !self.goes_on(look) {
            return;
        }
        let (schema, is) = (at.schema(), spot.is());
        if is == Resolved::Null && schema.nullable {
            return;
        }
        match (&schema.shape, is) {
            (Shape::Any, _)
            | (Shape::Number, Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_))
            | (Shape::IntOrString, Resolved::Text(_)) => {}
            (Shape::Object(_), Resolved::Mapping(_)) => {
                // It looks at its limits itself: what is missing in it is said first.
                return self.mapping(Level { up, spot, at }, look);
            }
            (Shape::List(list), Resolved::Sequence(_)) => self.list(up, spot, at, list, look),
            (Shape::Text(format), Resolved::Text(text)) => self.format(spot, *format, text, look),
            (Shape::Boolean, Resolved::Bool(_)) => self.misread(spot, is),
            (Shape::Integer(bits), Resolved::Int(number)) => self.integer(spot, *bits, number.into()),
            (Shape::Integer(bits), Resolved::Uint(number)) => self.integer(spot, *bits, number.into()),
            (Shape::IntOrString, Resolved::Uint(number)) => self.integer(spot, 32, number.into()),
            (Shape::IntOrString, Resolved::Int(number)) => self.integer(spot, 32, number.into()),
            (
                Shape::Quantity,
                Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_) | Resolved::Text(_),
            ) => self.quantity(spot),
            _ if look.narrow => return,
            _ => return self.wrong_type(spot, at, is),
        }
        if matches!(is, Resolved::Int(_) | Resolved::Uint(_)) && !look.narrow {
            self.misread(spot, is);
        }
        self.limits(up, spot, at, look);
    }

    /// A mapping with a schema of one.
    fn mapping(&mut self, level: Level<'_>, look: Look) {
        let (spot, schema) = (level.spot, level.at.schema());
        let Shape::Object(object) = &schema.shape else { return };
        let entries = spot.entries();
        let mut unknown = Vec::new();
        for (key, value) in entries.iter().copied() {
            let name = self.key(key);
            let next = match place(level.at, object, &name) {
                Place::Field(at) => at,
                Place::Entry(at) => {
                    self.misread_key(spot, key, &name);
                    self.entry(&level, &spot.own(key, value), at, look);
                    continue;
                }
                Place::Free => continue,
                Place::Nowhere => {
                    if !look.narrow {
                        unknown.push((key, value));
                    }
                    continue;
                }
            };
            let child = spot.entry(key, value);
            // `null` is as if the field were not there, where it does not stand for itself.
            if child.is() == Resolved::Null {
                continue;
            }
            let mut look = look.deeper();
            // A claim in a StatefulSet has a status of its own, which nobody looks at either.
            let is_claim = || schema.name.as_deref() == Some("io.k8s.api.core.v1.PersistentVolumeClaim");
            look.status |= &*name == "status" && (level.up.is_none() || is_claim());
            self.value(Some(&level), &child, next, look);
        }
        if !unknown.is_empty() {
            self.unknown(&level, object, entries, &unknown);
        }
        if !look.status {
            self.missing(&level, object, entries);
            self.limits(level.up, spot, level.at, look);
            self.labels(&level);
            if let Some(name) = schema.name.as_deref().filter(|_| !look.narrow) {
                self.rules(name, spot);
            }
        }
    }

    /// What Kubernetes checks by hand. A place where a field is unknown, or has the same finding already, is not
    /// shown twice.
    fn rules(&mut self, name: &str, spot: &Spot<'_>) {
        let before = self.found.len();
        let Self { moved, found, .. } = self;
        rules::at(name, spot, &|field| moved.has(spot.node(), field), found);
        if before > 0 && before < found.len() {
            let more = found.split_off(before);
            let is_new = |finding: &Finding| {
                !found.iter().any(|known| {
                    known.place == finding.place
                        && (known.code == finding.code || known.code == Code::UnknownField)
                })
            };
            let more: Vec<Finding> = more.into_iter().filter(is_new).collect();
            found.extend(more);
        }
    }

    /// An entry of a map: its key is the author's own.
    fn entry(&mut self, level: &Level<'_>, child: &Spot<'_>, at: At<'_>, look: Look) {
        if child.is() == Resolved::Null && !at.schema().nullable {
            if !look.narrow && !look.status {
                self.nothing_in_map(child, at);
            }
            return;
        }
        self.value(Some(level), child, at, look.deeper());
    }

    fn key(&self, key: NodeId) -> Cow<'a, str> {
        crate::check::spot::key_text(self.manifest, key)
    }

    /// Whether the value fits, without a word: for schemas of which one has to.
    fn fits(&mut self, up: Option<&Level<'_>>, spot: &Spot<'_>, at: At<'_>, look: Look) -> Option<Finding> {
        let look = Look { narrow: true, ..look.deeper() };
        let (left, letters) = (self.left, self.letters);
        let mut trial = Walker { left, letters, ..Walker::new(self.manifest, self.built_in) };
        trial.value(up, spot, at, look);
        (self.left, self.letters) = (trial.left, trial.letters);
        trial.found.into_iter().next()
    }
}
