//! The arena tree of one YAML document: every key and every value with its span.
//!
//! Tags, merges and what they decide are gone when a tree is made: its scalars mean what their text and
//! style say, and its mappings have the entries that Kubernetes sees, each where it was written.

use std::borrow::Cow;

use super::scalar;
use crate::source::{Source, Span};

/// A node of a [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// How a scalar was written, which decides whether its text may become a number or a boolean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In quotes, as a block or tagged as a text: always text.
    Quoted,
}

/// The text of a scalar, escapes resolved.
#[derive(Debug, Clone)]
pub struct Text(Kept);

/// Most texts stand in the source as they are, and are not copied.
#[derive(Debug, Clone)]
enum Kept {
    InSource(Span),
    Made(Box<str>),
}

impl Text {
    /// A text that may be a part of `source`.
    pub(super) fn new(source: &Source, text: Cow<'_, str>) -> Self {
        if let Cow::Borrowed(part) = text {
            let whole = source.text().as_bytes().as_ptr_range();
            let bytes = part.as_bytes().as_ptr_range();
            if whole.start <= bytes.start && bytes.end <= whole.end {
                let start = bytes.start.addr() - whole.start.addr();
                return Self(Kept::InSource((start..start + part.len()).into()));
            }
        }
        Self(Kept::Made(text.into()))
    }
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Value {
    /// A text as written, escapes resolved.
    Scalar(Text, Style),
    /// The items of a sequence.
    Sequence(Box<[NodeId]>),
    /// The entries of a mapping, in the order of the file; what a merge brings stands in its place.
    Mapping(Box<[(NodeId, NodeId)]>),
    /// `*name`, and the node that it stands for.
    Alias(NodeId),
}

/// What a node becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolved<'t> {
    /// Nothing.
    Null,
    /// `yes`, `true`, `off`.
    Bool(bool),
    /// `1`, `0644`, `1e3`: a whole number, however it is written.
    Int(i64),
    /// A whole number above those.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// Everything else.
    Text(&'t str),
    /// The items of a sequence.
    Sequence(&'t [NodeId]),
    /// The entries of a mapping, merges resolved.
    Mapping(&'t [(NodeId, NodeId)]),
}

impl Resolved<'_> {
    /// With its article, for a message.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Sequence(_) => "a sequence",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// One key or value.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands; of a collection its first line, so that a caret is not a page.
    pub span: Span,
}

/// One document.
#[derive(Debug, Clone)]
pub struct Tree {
    source: Source,
    nodes: Vec<Node>,
    root: Option<NodeId>,
    values: usize,
}

impl Tree {
    /// A tree of a document of `source` that holds nothing yet.
    #[must_use]
    pub fn new(source: &Source) -> Self {
        Self { source: source.clone(), nodes: Vec::new(), root: None, values: 0 }
    }

    /// The document's node, or `None` where it holds nothing but comments.
    #[must_use]
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// For how many values it stands, aliases followed.
    pub(super) fn values(&self) -> usize {
        self.values
    }

    /// The node itself, an alias not followed.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// Where the node stands.
    #[must_use]
    pub fn span(&self, id: NodeId) -> Span {
        self.node(id).span
    }

    /// The value of the node, aliases followed. They cannot form a ring: an anchor is known only
    /// when its node is complete.
    #[must_use]
    pub fn value(&self, id: NodeId) -> &Value {
        let mut node = self.node(id);
        while let Value::Alias(target) = node.value {
            node = self.node(target);
        }
        &node.value
    }

    /// What Kubernetes makes of the node, aliases followed.
    #[must_use]
    pub fn resolve(&self, id: NodeId) -> Resolved<'_> {
        match self.value(id) {
            Value::Scalar(text, style) => scalar::resolve(self.text(text), *style),
            Value::Sequence(items) => Resolved::Sequence(items),
            Value::Mapping(entries) => Resolved::Mapping(entries),
            // `value` follows them.
            Value::Alias(_) => Resolved::Null,
        }
    }

    /// What Kubernetes makes of the node as a key: `1.10:` is `1.1`, `y:` is `true`. `None` where it is
    /// none: nothing, a mapping, a sequence.
    #[must_use]
    pub fn key(&self, id: NodeId) -> Option<Cow<'_, str>> {
        let (text, style) = self.scalar(id)?;
        scalar::key(text, style)
    }

    /// The entries of a mapping; none for anything else.
    #[must_use]
    pub fn entries(&self, id: NodeId) -> &[(NodeId, NodeId)] {
        match self.value(id) {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none for anything else.
    #[must_use]
    pub fn items(&self, id: NodeId) -> &[NodeId] {
        match self.value(id) {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar, as written.
    #[must_use]
    pub fn scalar(&self, id: NodeId) -> Option<(&str, Style)> {
        match self.value(id) {
            Value::Scalar(text, style) => Some((self.text(text), *style)),
            _ => None,
        }
    }

    /// The key and the value of the entry `key` of a mapping.
    #[must_use]
    pub fn get(&self, id: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        let is_key = |k: NodeId| self.key(k).is_some_and(|text| text == key);
        self.entries(id).iter().copied().find(|(k, _)| is_key(*k))
    }

    fn text<'t>(&'t self, text: &'t Text) -> &'t str {
        match &text.0 {
            Kept::InSource(span) => &self.source.text()[span.range()],
            Kept::Made(text) => text,
        }
    }

    /// Adds a node; the parser's.
    pub(super) fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("because the parser's budget is far smaller"));
        self.nodes.push(node);
        id
    }

    /// Gives a collection its children; the parser's.
    pub(super) fn fill(&mut self, id: NodeId, value: Value) {
        self.nodes[id.0 as usize].value = value;
    }

    /// Names the document's node, and says for how many values it stands; the parser's.
    pub(super) fn set_root(&mut self, id: NodeId, values: usize) {
        self.root = Some(id);
        self.values = values;
    }
}
