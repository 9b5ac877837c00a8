//! The fields of an object as Kubernetes reads them, in bounded work.

use std::{borrow::Cow, cell::Cell};

use crate::{
    manifest::{Manifest, NodeId, Resolved, Tree},
    source::Span,
};

/// So many entries and items of one object are looked at: aliases could stand for billions.
const BUDGET: u32 = 200_000;

/// How much of one object may still be looked at.
pub(super) fn budget() -> Cell<u32> {
    Cell::new(BUDGET)
}

/// A value somewhere in an object.
#[derive(Clone, Copy)]
pub(super) struct Field<'m> {
    tree: &'m Tree,
    node: NodeId,
    left: &'m Cell<u32>,
}

impl<'m> Field<'m> {
    /// The object itself.
    pub fn of(manifest: &'m Manifest, left: &'m Cell<u32>) -> Self {
        Self { tree: &manifest.tree, node: manifest.node, left }
    }

    /// The field of that name; one that is written and null is none.
    pub fn get(self, key: &str) -> Option<Self> {
        let (_, value) = self.tree.get(self.node, key)?;
        self.child(value).filter(|found| found.resolve() != Resolved::Null)
    }

    /// Where the key of that name stands.
    pub fn key(self, key: &str) -> Option<Span> {
        self.tree.get(self.node, key).map(|(key, _)| self.tree.span(key))
    }

    /// The field at the end of a path.
    pub fn at(self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self, |field, key| field.get(key))
    }

    /// The text in the field of that name; an empty one is none.
    pub fn text_of(self, key: &str) -> Option<&'m str> {
        self.get(key)?.text().filter(|text| !text.is_empty())
    }

    /// What it is, if it is a text.
    pub fn text(self) -> Option<&'m str> {
        match self.resolve() {
            Resolved::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, if it is a port's number.
    pub fn port(self) -> Option<u16> {
        match self.resolve() {
            Resolved::Int(number) => number.try_into().ok(),
            _ => None,
        }
    }

    /// Whether it is true.
    pub fn is_true(self) -> bool {
        self.resolve() == Resolved::Bool(true)
    }

    /// The items of a list; none of anything else.
    pub fn items(self) -> impl Iterator<Item = Self> {
        self.tree.items(self.node).iter().map_while(move |item| self.child(*item))
    }

    /// The items of the list in the field of that name.
    pub fn items_of(self, key: &str) -> impl Iterator<Item = Self> {
        self.get(key).into_iter().flat_map(Self::items)
    }

    /// The entries of a mapping, each with where its key stands.
    pub fn entries(self) -> impl Iterator<Item = (Cow<'m, str>, Span, Self)> {
        let entries = self.tree.entries(self.node).iter();
        let entries = entries.map_while(move |(key, value)| Some((*key, self.child(*value)?)));
        entries.filter_map(move |(key, value)| Some((self.tree.key(key)?, self.tree.span(key), value)))
    }

    /// The entries of the mapping in the field of that name.
    pub fn entries_of(self, key: &str) -> impl Iterator<Item = (Cow<'m, str>, Span, Self)> {
        self.get(key).into_iter().flat_map(Self::entries)
    }

    /// Where it stands; of a mapping or a list its first line.
    pub fn span(self) -> Span {
        self.tree.span(self.node)
    }

    fn resolve(self) -> Resolved<'m> {
        self.tree.resolve(self.node)
    }

    fn child(self, node: NodeId) -> Option<Self> {
        self.left.set(self.left.get().checked_sub(1)?);
        Some(Self { node, ..self })
    }
}
