//! YAML text becomes trees: one a document, bounded, with findings for what is no YAML.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError};

use super::{
    node::{Node, NodeId, Style, Tree, Value},
    scalar::{self, Kind},
    syntax,
};
use crate::{
    finding::{Code, Finding, MOST_OF_ONE},
    source::{Source, Span},
    text,
};

/// Nesting that no manifest needs; a bound on what a push can make the server hold.
pub(super) const MAX_DEPTH: usize = 100;
/// Nodes of one document.
const MAX_NODES: usize = 1_000_000;

/// Reads every document of a file. A document that is not YAML gives a finding and no tree, and the
/// reading goes on at the next one.
#[must_use]
pub fn parse(source: &Source) -> (Vec<Tree>, Vec<Finding>) {
    let text = source.text();
    let mut reader = Reader::new(source);
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.disallow_directives = true;
    // Our own budget speaks before the parser's.
    options.flow_nesting_limit = MAX_DEPTH + 1;
    options.block_nesting_limit = MAX_DEPTH + 1;
    let mut parser = Parser::new_from_str_with_options(text, options);
    while let Some(event) = parser.next_event() {
        if reader.findings.len() >= MOST_OF_ONE {
            break;
        }
        match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => {
                let span = span.byte_range().map(Span::from).unwrap_or_default();
                if reader.event(event, span).is_err() && !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
            Err(error) => {
                reader.broken(&error);
                if !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    (reader.trees, reader.findings)
}

/// A collection that is being read.
struct Open {
    node: NodeId,
    children: Vec<NodeId>,
    mapping: bool,
    keys: HashMap<Box<str>, NodeId>,
}

/// The document cannot be read further; its finding has been made.
struct GiveUp;

struct Reader<'s> {
    source: &'s Source,
    trees: Vec<Tree>,
    findings: Vec<Finding>,
    tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    documents: usize,
    /// The document that is read was refused as a whole; what else is wrong with it follows from that.
    hidden: bool,
}

impl<'s> Reader<'s> {
    fn new(source: &'s Source) -> Self {
        Self {
            source,
            trees: Vec::new(),
            findings: Vec::new(),
            tree: Tree::default(),
            open: Vec::new(),
            anchors: HashMap::new(),
            documents: 0,
            hidden: false,
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), GiveUp> {
        match event {
            Event::DocumentStart(explicit, _) => self.start(explicit, span),
            Event::DocumentEnd => {
                let tree = std::mem::take(&mut self.tree);
                if !self.hidden {
                    self.trees.push(tree);
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = if matches!(style, ScalarStyle::Plain) { Style::Plain } else { Style::Quoted };
                let tag = tag.map(|t| t.original().into_boxed_str());
                let id = self.add(Node { value: Value::Scalar(text.into(), style), span, tag })?;
                self.anchor(anchor, id);
                self.place(id);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.collection(Value::Sequence(Box::default()), span, anchor, tag.map(|t| t.original()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.collection(Value::Mapping(Box::default()), span, anchor, tag.map(|t| t.original()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                // The parser numbers definitions, so that a name that is used again is another one.
                let target = self.anchors.get(&anchor).copied();
                let Some(target) = target.filter(|id| !self.open.iter().any(|o| o.node == *id)) else {
                    let message = "an alias stands inside what it names, which would never end";
                    return Err(self.give_up(Code::YamlSyntax, message, "write the value itself", span));
                };
                let id = self.add(Node { value: Value::Alias(target), span, tag: None })?;
                self.place(id);
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, explicit: bool, span: Span) {
        self.documents += 1;
        self.hidden = false;
        self.reset();
        if !explicit && self.documents > 1 {
            let message = "kubectl would silently drop this document: it follows a line `...`";
            let finding = Finding::error(Code::HiddenDocument, message).at(self.source.place(span));
            self.findings.push(finding.help("begin the document with a line `---`"));
        }
        if explicit {
            let rest = self
                .source
                .text()
                .get(span.start as usize..)
                .and_then(|t| t.lines().next())
                .unwrap_or_default();
            let after = rest.trim_start_matches('-').trim();
            if !after.is_empty() && !after.starts_with('#') {
                let message = "kubectl does not see a document that begins on the line of its `---`";
                let finding = Finding::error(Code::HiddenDocument, message).at(self.source.place(span));
                self.findings.push(finding.help("put `---` on a line of its own"));
                self.hidden = true;
            }
        }
    }

    fn reset(&mut self) {
        self.tree = Tree::default();
        self.open.clear();
        self.anchors.clear();
    }

    fn add(&mut self, node: Node) -> Result<NodeId, GiveUp> {
        if self.tree.len() >= MAX_NODES {
            let message = format!("a document has more than {MAX_NODES} values");
            return Err(self.give_up(Code::DocumentTooLarge, &message, "divide it", node.span));
        }
        Ok(self.tree.push(node))
    }

    fn collection(
        &mut self,
        value: Value,
        span: Span,
        anchor: usize,
        tag: Option<String>,
    ) -> Result<(), GiveUp> {
        if self.open.len() >= MAX_DEPTH {
            let message = format!("a document is nested more than {MAX_DEPTH} levels deep");
            return Err(self.give_up(Code::DocumentTooLarge, &message, "flatten it", span));
        }
        let mapping = matches!(value, Value::Mapping(_));
        let node = self.add(Node { value, span, tag: tag.map(String::into_boxed_str) })?;
        self.anchor(anchor, node);
        self.open.push(Open { node, children: Vec::new(), mapping, keys: HashMap::new() });
        Ok(())
    }

    fn anchor(&mut self, anchor: usize, id: NodeId) {
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
    }

    /// Puts a complete node where it belongs: below the open collection, or at the root.
    fn place(&mut self, id: NodeId) {
        let Some(open) = self.open.last_mut() else {
            self.tree.set_root(id);
            return;
        };
        let is_key = open.mapping && open.children.len().is_multiple_of(2);
        open.children.push(id);
        if is_key {
            self.key(id);
        }
    }

    /// Looks at a key: Kubernetes wants a text, and each only once.
    fn key(&mut self, id: NodeId) {
        if self.hidden {
            return;
        }
        let span = self.tree.span(id);
        let wrong = match self.tree.scalar(id) {
            None => Some(if matches!(self.tree.value(id), Value::Mapping(_)) {
                "a mapping"
            } else {
                "a sequence"
            }),
            Some((text, style)) => (scalar::kind(text, style) == Kind::Null).then_some("nothing"),
        };
        if let Some(what) = wrong {
            let template = self.source.text()[..span.start as usize].ends_with('{') && what == "a mapping";
            let (message, help, span) = if template {
                let span = Span::from(span.start as usize - 1..span.start as usize + 1);
                ("`{{` begins a template, which is not YAML".to_owned(), syntax::TEMPLATE, span)
            } else {
                (format!("a key is {what}, not a text"), "write `key: value`", span)
            };
            self.findings
                .push(Finding::error(Code::YamlSyntax, message).at(self.source.place(span)).help(help));
            return;
        }
        let (Some((key, _)), Some(open)) = (self.tree.scalar(id), self.open.last_mut()) else { return };
        let Some(first) = open.keys.insert(key.into(), id).filter(|_| key != "<<") else { return };
        let first = self.source.place(self.tree.span(first)).line;
        let shown = if self.source.is_secret(span) {
            "a key".to_owned()
        } else {
            format!("the key `{}`", text::excerpt(key, 40))
        };
        let finding = Finding::error(Code::DuplicateKey, format!("{shown} stands twice in one mapping"));
        let help = format!("it already stands in line {first}: remove one of the two, or join their values");
        self.findings.push(finding.at(self.source.place(span)).help(help));
    }

    fn close(&mut self) {
        let Some(Open { node, children, mapping, .. }) = self.open.pop() else { return };
        let value = if mapping {
            Value::Mapping(children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
        } else {
            Value::Sequence(children.into())
        };
        self.tree.fill(node, value);
        self.place(node);
    }

    fn give_up(&mut self, code: Code, message: &str, help: &str, span: Span) -> GiveUp {
        self.findings.push(Finding::error(code, message).at(self.source.place(span)).help(help));
        self.reset();
        GiveUp
    }

    fn broken(&mut self, error: &ScanError) {
        if matches!(error.kind(), ErrorKind::ExpectedDocumentStart) {
            // The document that seemed complete goes on; what it seems to lack follows from that.
            self.trees.pop();
        }
        if !self.hidden {
            let open: Vec<Span> = self.open.iter().map(|open| self.tree.span(open.node)).collect();
            self.findings.push(syntax::finding(self.source, error, &open));
        }
        self.reset();
    }
}
