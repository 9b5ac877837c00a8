//! A value of a manifest and the way to it: what rules look at, and what a finding points at.
//!
//! The way is a chain on the stack; it becomes a text only where there is something to say.

use std::{borrow::Cow, fmt::Write as _};

use crate::{
    finding::{Code, Finding},
    manifest::{Manifest, NodeId, Resolved, node::Style},
    source::{Place, Span},
    text,
};

/// So much of a value is quoted in a message.
const SHOWN: usize = 60;

/// How one comes to a value from the one above it.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// It is the object itself.
    Object,
    /// By this field.
    Key(NodeId),
    /// By this key of a map, which is the author's own.
    Own(NodeId),
    /// It is this item.
    Item(usize),
}

/// A value of a manifest and the way to it.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    manifest: &'a Manifest,
    up: Option<&'a Spot<'a>>,
    step: Step,
    node: NodeId,
}

impl<'a> Spot<'a> {
    /// The whole object.
    #[must_use]
    pub fn object(manifest: &'a Manifest) -> Self {
        Self { manifest, up: None, step: Step::Object, node: manifest.node }
    }

    /// The value that stands behind `key`.
    #[must_use]
    pub fn entry(&self, key: NodeId, value: NodeId) -> Spot<'_> {
        Spot { manifest: self.manifest, up: Some(self), step: Step::Key(key), node: value }
    }

    /// The value that stands behind `key`, a word of the author's own.
    #[must_use]
    pub fn own(&self, key: NodeId, value: NodeId) -> Spot<'_> {
        Spot { step: Step::Own(key), ..self.entry(key, value) }
    }

    /// An item of it.
    #[must_use]
    pub fn item(&self, number: usize, item: NodeId) -> Spot<'_> {
        Spot { manifest: self.manifest, up: Some(self), step: Step::Item(number), node: item }
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &'a Manifest {
        self.manifest
    }

    /// Its node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The value that this one stands in.
    #[must_use]
    pub fn up(&self) -> Option<&'a Spot<'a>> {
        self.up
    }

    /// The node of its key, where it has one.
    #[must_use]
    pub fn key(&self) -> Option<NodeId> {
        match self.step {
            Step::Key(key) | Step::Own(key) => Some(key),
            _ => None,
        }
    }

    /// Whether it stands behind that key.
    #[must_use]
    pub fn is_behind(&self, name: &str) -> bool {
        self.key().is_some_and(|key| key_text(self.manifest, key) == name)
    }

    /// What it is.
    #[must_use]
    pub fn is(&self) -> Resolved<'a> {
        self.manifest.tree.resolve(self.node)
    }

    /// Its text, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        match self.is() {
            Resolved::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its number, where it is one without a fraction.
    #[must_use]
    pub fn whole(&self) -> Option<i64> {
        match self.is() {
            Resolved::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The entries of a mapping, merges applied; none for anything else.
    #[must_use]
    pub fn entries(&self) -> &'a [(NodeId, NodeId)] {
        self.manifest.tree.entries(self.node)
    }

    /// A field of a mapping; `null` is as if it were not written.
    #[must_use]
    pub fn field<'s>(&'s self, name: &str) -> Option<Spot<'s>> {
        let found = self.entries().iter().find(|(key, _)| key_text(self.manifest, *key) == name);
        found.map(|(key, value)| self.entry(*key, *value)).filter(|spot| spot.is() != Resolved::Null)
    }

    /// The values of a map with their keys, which are the author's own.
    pub fn fields<'s>(&'s self) -> impl Iterator<Item = (Cow<'a, str>, Spot<'s>)> {
        let entries = self.entries().iter().copied();
        entries.map(|(key, value)| (key_text(self.manifest, key), self.own(key, value)))
    }

    /// The items of a sequence; none for anything else.
    pub fn items(&self) -> impl Iterator<Item = Spot<'_>> {
        let items = self.manifest.tree.items(self.node);
        items.iter().enumerate().map(|(number, item)| self.item(number, *item))
    }

    /// The way to it: `spec.containers[0].image`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut steps = Vec::new();
        let mut spot = Some(self);
        while let Some(here) = spot {
            steps.push(here);
            spot = here.up;
        }
        let mut path = String::new();
        for here in steps.into_iter().rev() {
            match here.step {
                Step::Object => {}
                Step::Item(number) => {
                    let _ = write!(path, "[{number}]");
                }
                // What a Secret holds may have slipped into a key.
                Step::Own(_) if self.is_secret() => path.push_str("[...]"),
                Step::Key(key) | Step::Own(key) => push_key(&mut path, &key_text(self.manifest, key)),
            }
        }
        path
    }

    /// The way to a field of it that need not be there.
    #[must_use]
    pub fn path_of(&self, field: &str) -> String {
        let mut path = self.path();
        push_key(&mut path, field);
        path
    }

    /// Where it stands: of a mapping or a sequence its key, which says what it is.
    #[must_use]
    pub fn place(&self) -> Place {
        self.manifest.source.place(self.span())
    }

    /// Where its key stands, or what comes nearest: an item's first line, the object's name.
    #[must_use]
    pub fn key_place(&self) -> Place {
        self.manifest.source.place(self.key_span())
    }

    /// Where something is missing in it: its key, or the first key of an item.
    #[must_use]
    pub fn head_place(&self) -> Place {
        match self.step {
            Step::Object => self.manifest.place(),
            _ => self.key_place(),
        }
    }

    fn span(&self) -> Span {
        match (self.step, self.is()) {
            (
                Step::Key(key) | Step::Own(key),
                Resolved::Mapping(_) | Resolved::Sequence(_) | Resolved::Null,
            ) => self.manifest.tree.span(key),
            (_, Resolved::Mapping(_)) => self.first_key(),
            _ => self.manifest.tree.span(self.node),
        }
    }

    fn key_span(&self) -> Span {
        match self.step {
            Step::Key(key) | Step::Own(key) => self.manifest.tree.span(key),
            _ => self.first_key(),
        }
    }

    fn first_key(&self) -> Span {
        let tree = &self.manifest.tree;
        tree.entries(self.node).first().map_or(tree.span(self.node), |(key, _)| tree.span(*key))
    }

    /// Whether it may be in a Secret, of which nothing is shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.manifest.source.is_secret(self.manifest.tree.span(self.node))
    }

    /// What was written, fit for a message; nothing of what may be secret.
    #[must_use]
    pub fn written(&self) -> Option<String> {
        let (text, _) = self.manifest.tree.scalar(self.node)?;
        (!self.is_secret()).then(|| text::excerpt(text, SHOWN))
    }

    /// What a tool was meant to fill in before, and how to say so.
    #[must_use]
    pub fn not_filled_in(&self) -> Option<String> {
        let written = self.written()?;
        let holds = ["${", "{{", "$("].iter().any(|open| written.contains(open));
        holds.then(|| format!("nothing fills in `{written}` here: write the value itself"))
    }

    /// Whether it was written in quotes or as a block.
    #[must_use]
    pub fn is_quoted(&self) -> bool {
        self.manifest.tree.scalar(self.node).is_some_and(|(_, style)| style == Style::Quoted)
    }

    /// An error about its value.
    #[must_use]
    pub fn error(&self, code: Code, message: impl Into<String>) -> Finding {
        Finding::error(code, message).at(self.place())
    }

    /// A warning about its value.
    #[must_use]
    pub fn warning(&self, code: Code, message: impl Into<String>) -> Finding {
        Finding::warning(code, message).at(self.place())
    }
}

fn push_key(path: &mut String, key: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$');
    if key.is_empty() || !key.chars().all(plain) {
        let _ = write!(path, "[{}]", text::excerpt(key, SHOWN));
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(&text::excerpt(key, SHOWN));
}

/// A key as Kubernetes reads it: `80` and `on` become texts, too.
#[must_use]
pub fn key_text(manifest: &Manifest, key: NodeId) -> Cow<'_, str> {
    manifest.tree.key(key).unwrap_or_default()
}
