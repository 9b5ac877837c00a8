//! The arena tree of one YAML document: every key and every value with its span.

use crate::source::Span;

/// A node of a [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// How a scalar was written, which decides whether its text may become a number or a boolean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In quotes or as a block: always text.
    Quoted,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text as written, escapes resolved.
    Scalar(Box<str>, Style),
    /// The items of a sequence.
    Sequence(Box<[NodeId]>),
    /// The entries of a mapping, in the order of the file.
    Mapping(Box<[(NodeId, NodeId)]>),
    /// `*name`, and the node that it stands for.
    Alias(NodeId),
}

/// One key or value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands; of a collection its first line, so that a caret is not a page.
    pub span: Span,
    /// Its tag, as written.
    pub tag: Option<Box<str>>,
}

/// One document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: Vec<Node>,
    root: Option<NodeId>,
}

impl Tree {
    /// The document's node, or `None` where it holds nothing but comments.
    #[must_use]
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the document holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
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
            Value::Scalar(text, style) => Some((text, *style)),
            _ => None,
        }
    }

    /// The key and the value of the entry `key` of a mapping.
    #[must_use]
    pub fn get(&self, id: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        let is_key = |k: NodeId| self.scalar(k).is_some_and(|(text, _)| text == key);
        self.entries(id).iter().copied().find(|(k, _)| is_key(*k))
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

    /// Names the document's node; the parser's.
    pub(super) fn set_root(&mut self, id: NodeId) {
        self.root = Some(id);
    }
}
