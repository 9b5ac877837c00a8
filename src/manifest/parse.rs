//! YAML text becomes trees: one a document, bounded, with findings for what is no YAML and for what
//! Kubernetes would silently drop or read otherwise than it looks.

use std::{borrow::Cow, collections::HashMap};

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, StructureStyle};

use super::{
    dialect::{self, Tabs},
    documents::{self, Start},
    keys::{self, Entries},
    node::{Node, NodeId, Resolved, Style, Text, Tree, Value},
    scalar::{self, Tag, Wrong},
    syntax,
};
use crate::{
    finding::{Code, Finding, MOST_OF_ONE},
    source::{Source, Span},
};

/// Nesting that no manifest needs; a bound on what a push can make the server hold.
pub(super) const MAX_DEPTH: usize = 100;
/// Keys and values of one file: some 5,000 objects, and less than a second's work.
const MAX_NODES: usize = 500_000;
/// Documents of one file.
const MAX_DOCUMENTS: usize = 50_000;

/// Reads every document of a file. A document that is not YAML gives a finding and no tree, and the
/// reading goes on at the next one.
#[must_use]
pub fn parse(source: &Source) -> (Vec<Tree>, Vec<Finding>) {
    let text = source.text();
    let mut reader = Reader::new(source);
    reader.findings.extend(documents::unseen(source));
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_anchor_events = true;
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
                let goes_on = match reader.event(event, span) {
                    Ok(()) => true,
                    Err(GiveUp::Document) => matches!(parser.proceed_next_document(), Ok(true)),
                    Err(GiveUp::File) => false,
                };
                if !goes_on {
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
    if reader.findings.is_empty() {
        reader.findings.extend(reader.tabs.stray(source));
    }
    reader.findings.truncate(MOST_OF_ONE);
    (reader.trees, reader.findings)
}

/// A collection that is being read.
struct Open {
    node: NodeId,
    mapping: bool,
    /// Where the outermost brackets open that it is in, if it is in any.
    flow: Option<u32>,
    /// Whether a key of it is a merge.
    merges: bool,
    anchor: usize,
    /// Where its children begin among those of all open collections.
    from: usize,
    weight: Weight,
}

/// What a node stands for, aliases followed.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    values: usize,
    depth: usize,
}

/// What cannot be read further; its finding has been made.
enum GiveUp {
    Document,
    File,
}

struct Reader<'s> {
    source: &'s Source,
    trees: Vec<Tree>,
    findings: Vec<Finding>,
    tree: Tree,
    open: Vec<Open>,
    children: Vec<NodeId>,
    anchors: HashMap<usize, (NodeId, Weight)>,
    documents: usize,
    nodes: usize,
    /// Values of the document so far, and how many of them are an alias's.
    values: usize,
    of_aliases: usize,
    /// The document that is read was refused as a whole; what else is wrong with it follows from that.
    hidden: bool,
    tabs: Tabs,
    /// Whether the file is JSON, as far as somebody asked.
    json: Option<bool>,
}

impl<'s> Reader<'s> {
    fn new(source: &'s Source) -> Self {
        Self {
            source,
            trees: Vec::new(),
            findings: Vec::new(),
            tree: Tree::new(source),
            open: Vec::new(),
            children: Vec::new(),
            anchors: HashMap::new(),
            documents: 0,
            nodes: 0,
            values: 0,
            of_aliases: 0,
            hidden: false,
            tabs: Tabs::of(source.text()),
            json: None,
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), GiveUp> {
        match event {
            Event::DocumentStart(explicit, _) => return self.start(explicit, span),
            Event::DocumentEnd => {
                let tree = std::mem::replace(&mut self.tree, Tree::new(self.source));
                if !self.hidden {
                    self.trees.push(tree);
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| Tag::of(tag.handle(), tag.suffix()));
                self.scalar(text, style, anchor, tag, span)?;
            }
            Event::SequenceStart(style, anchor, _) => self.collection(false, style, span, anchor)?,
            Event::MappingStart(style, anchor, _) => self.collection(true, style, span, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Anchor(..) => {
                // An anchor is as much work as so many values.
                self.nodes += 4;
                self.findings.extend(dialect::name(self.source, span).filter(|_| !self.hidden));
            }
            Event::Alias(anchor) => self.alias(anchor, span)?,
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, explicit: bool, span: Span) -> Result<(), GiveUp> {
        self.documents += 1;
        self.hidden = false;
        self.reset();
        if self.documents > MAX_DOCUMENTS {
            let message = format!("a file has more than {MAX_DOCUMENTS} documents");
            self.report(Code::DocumentTooLarge, message, span, "divide it into several files");
            return Err(GiveUp::File);
        }
        match documents::start(self.source, explicit, self.documents == 1, span) {
            Start::Seen => {}
            Start::OnMarker => self.hidden = true,
            Start::Dropped(finding) => self.findings.push(finding),
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.tree = Tree::new(self.source);
        self.open.clear();
        self.children.clear();
        self.anchors.clear();
        (self.values, self.of_aliases) = (0, 0);
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<Tag>,
        span: Span,
    ) -> Result<(), GiveUp> {
        let is_key = self.at_key();
        let flow = self.open.last().and_then(|open| open.flow).is_some();
        let in_flow = flow.then(|| dialect::in_flow(self.source, &text, style, is_key, span)).flatten();
        let unread = match style {
            ScalarStyle::Plain if flow && text.is_empty() && tag.is_some() => {
                let message = "a tag has no value behind it".to_owned();
                self.report(Code::TagInvalid, message, span, "write a value, or remove the tag");
                None
            }
            _ if in_flow.is_some() => in_flow,
            ScalarStyle::Plain | ScalarStyle::SingleQuoted => None,
            ScalarStyle::DoubleQuoted if matches!(text, Cow::Borrowed(_)) => None,
            ScalarStyle::DoubleQuoted if self.is_json() => None,
            ScalarStyle::DoubleQuoted => dialect::escapes(self.source, span),
            _ if self.open.is_empty() => dialect::block_at_root(self.source, &text, span),
            _ => None,
        };
        self.findings.extend(unread.filter(|_| !self.hidden));
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if flow => Style::Quoted,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                self.tabs.allow(self.source, span, 0);
                Style::Quoted
            }
            _ => {
                self.tabs.allow_block(self.source, span);
                Style::Quoted
            }
        };
        let (text, style) = match tag {
            Some(tag) => self.tagged(text, tag, span),
            None => (text, style),
        };
        if !is_key && scalar::not_finite(&text, style) {
            self.wrong(Wrong::NotFinite, span);
        }
        let text = Text::new(self.source, text);
        let id = self.add(Value::Scalar(text, style), span)?;
        self.values += 1;
        let weight = Weight { values: 1, depth: 0 };
        self.anchor(anchor, id, weight);
        self.place(id, weight);
        Ok(())
    }

    fn is_json(&mut self) -> bool {
        *self.json.get_or_insert_with(|| dialect::is_json(self.source.text()))
    }

    /// A scalar as its tag wants it.
    fn tagged<'t>(&mut self, text: Cow<'t, str>, tag: Tag, span: Span) -> (Cow<'t, str>, Style) {
        let made = match scalar::untagged(&text, tag) {
            // As it was, so that it is not copied.
            Ok((same, style)) if *same == *text => Ok(style),
            Ok((other, style)) => Err((other.into_owned(), style)),
            Err(wrong) => {
                self.wrong(wrong, span);
                Ok(Style::Quoted)
            }
        };
        match made {
            Ok(style) => (text, style),
            Err((other, style)) => (other.into(), style),
        }
    }

    fn wrong(&mut self, wrong: Wrong, span: Span) {
        match wrong {
            Wrong::Tag(what) => {
                let message = format!("a value is tagged {what}, so Kubernetes cannot read it");
                self.report(Code::TagInvalid, message, span, "remove the tag, or write what it says");
            }
            Wrong::NotFinite => {
                let message = "`.inf` and `.nan` are no numbers to Kubernetes, which could not read this";
                self.report(Code::NotFinite, message.to_owned(), span, "put it in quotes if a text is meant");
            }
        }
    }

    fn add(&mut self, value: Value, span: Span) -> Result<NodeId, GiveUp> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("a file has more than {MAX_NODES} values");
            self.report(Code::DocumentTooLarge, message, span, "divide it into several files");
            return Err(GiveUp::File);
        }
        Ok(self.tree.push(Node { value, span }))
    }

    fn collection(
        &mut self,
        mapping: bool,
        style: StructureStyle,
        span: Span,
        anchor: usize,
    ) -> Result<(), GiveUp> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.too_deep(span));
        }
        let value = if mapping { Value::Mapping(Box::default()) } else { Value::Sequence(Box::default()) };
        let node = self.add(value, span)?;
        self.values += 1;
        let weight = Weight { values: 1, depth: 1 };
        let from = self.children.len();
        let outer = self.open.last().and_then(|open| open.flow);
        let flow = outer.or((style == StructureStyle::Flow).then_some(span.start));
        self.open.push(Open { node, mapping, flow, merges: false, anchor, from, weight });
        Ok(())
    }

    fn too_deep(&mut self, span: Span) -> GiveUp {
        let message = format!("a document is nested more than {MAX_DEPTH} levels deep");
        self.give_up(Code::DocumentTooLarge, message, "flatten it", span)
    }

    fn anchor(&mut self, anchor: usize, id: NodeId, weight: Weight) {
        if anchor != 0 {
            self.anchors.insert(anchor, (id, weight));
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), GiveUp> {
        // The parser numbers definitions, so that a name that is used again is another one; and a
        // collection's is known only when it is complete.
        let Some((target, weight)) = self.anchors.get(&anchor).copied() else {
            let message = "an alias stands inside what it names, which would never end".to_owned();
            return Err(self.give_up(Code::YamlSyntax, message, "write the value itself", span));
        };
        if self.open.len() + weight.depth > MAX_DEPTH {
            return Err(self.too_deep(span));
        }
        self.values += 1 + weight.values;
        self.of_aliases += weight.values;
        if is_excessive(self.of_aliases, self.values) {
            let message = "the aliases of a document stand for far more values than the document itself has";
            let help = "write the values themselves, or divide the document";
            return Err(self.give_up(Code::AliasesTooLarge, message.to_owned(), help, span));
        }
        self.findings.extend(dialect::name(self.source, span).filter(|_| !self.hidden));
        let id = self.add(Value::Alias(target), span)?;
        self.place(id, Weight { values: 1 + weight.values, ..weight });
        Ok(())
    }

    /// Whether what comes next is a key.
    fn at_key(&self) -> bool {
        let open = self.open.last().filter(|open| open.mapping);
        open.is_some_and(|open| (self.children.len() - open.from).is_multiple_of(2))
    }

    /// Puts a complete node where it belongs: below the open collection, or at the root.
    fn place(&mut self, id: NodeId, weight: Weight) {
        let is_key = self.at_key();
        let Some(open) = self.open.last_mut() else {
            self.tree.set_root(id, self.values);
            return;
        };
        open.weight.values += weight.values;
        open.weight.depth = open.weight.depth.max(weight.depth + 1);
        self.children.push(id);
        if is_key {
            if keys::is_merge(&self.tree, id) {
                open.merges = true;
                return;
            }
            self.key(id);
        }
    }

    /// Looks at a key by itself: Kubernetes wants a text.
    fn key(&mut self, id: NodeId) {
        if self.hidden || self.tree.key(id).is_some() {
            return;
        }
        let span = self.tree.span(id);
        let what = match self.tree.resolve(id) {
            Resolved::Uint(_) => "a number that is too large for one",
            other => other.describe(),
        };
        let mapping = matches!(self.tree.value(id), Value::Mapping(_));
        if mapping && self.source.text()[..span.start as usize].ends_with('{') {
            let span = Span::from(span.start as usize - 1..span.start as usize + 1);
            let message = "`{{` begins a template, which is not YAML".to_owned();
            self.report(Code::YamlSyntax, message, span, syntax::TEMPLATE);
            return;
        }
        self.report(Code::YamlSyntax, format!("a key is {what}, not a text"), span, "write `key: value`");
    }

    fn close(&mut self, span: Span) {
        let Some(Open { node, mapping, flow, merges, anchor, from, weight }) = self.open.pop() else {
            return;
        };
        if let Some(start) = flow.filter(|_| self.open.last().is_none_or(|open| open.flow.is_none())) {
            self.tabs.allow(self.source, Span { start, end: span.end }, 0);
        }
        let value = if mapping {
            let pairs = self.children[from..].chunks_exact(2).map(|pair| (pair[0], pair[1]));
            let Entries { entries, wrong } = keys::entries(&self.tree, pairs.collect(), merges);
            if !self.hidden {
                let room = MOST_OF_ONE.saturating_sub(self.findings.len());
                self.findings.extend(wrong.iter().take(room).map(|w| w.finding(self.source, &self.tree)));
            }
            Value::Mapping(entries)
        } else {
            Value::Sequence(self.children[from..].into())
        };
        self.children.truncate(from);
        self.tree.fill(node, value);
        self.anchor(anchor, node, weight);
        self.place(node, weight);
    }

    fn report(&mut self, code: Code, message: String, span: Span, help: &str) {
        self.findings.push(Finding::error(code, message).at(self.source.place(span)).help(help));
    }

    fn give_up(&mut self, code: Code, message: String, help: &str, span: Span) -> GiveUp {
        self.report(code, message, span, help);
        self.reset();
        GiveUp::Document
    }

    fn broken(&mut self, error: &ScanError) {
        if matches!(error.kind(), ErrorKind::ExpectedDocumentStart) {
            // The document that seemed complete goes on; what it seems to lack follows from that.
            self.trees.pop();
        }
        if !self.hidden {
            let open: Vec<Span> = self.open.iter().map(|open| self.tree.span(open.node)).collect();
            let finding = syntax::finding(self.source, error, &open);
            // A line at which kubectl cuts, and a mark that it does not skip, were spoken of already.
            let line = |finding: &Finding| finding.place.as_ref().map(|place| place.line);
            let said = |f: &Finding| matches!(f.code, Code::HiddenDocument | Code::NotText);
            let same = |f: &Finding| said(f) && line(f) == line(&finding);
            if !self.findings.iter().any(same) {
                self.findings.push(finding);
            }
        }
        self.reset();
    }
}

/// The library's budget: at most 99 of 100 values may be an alias's in a document of up to 400,000, falling
/// to 10 of 100 at 4,000,000.
#[allow(clippy::cast_precision_loss, reason = "both are far below 2^52")]
fn is_excessive(of_aliases: usize, values: usize) -> bool {
    let most = match values {
        0..=400_000 => 0.99,
        4_000_000.. => 0.10,
        _ => 0.99 - 0.89 * ((values - 400_000) as f64 / 3_600_000.0),
    };
    of_aliases > 100 && values > 1000 && of_aliases as f64 / values as f64 > most
}
