//! What a parser's error means to the person who wrote the file, and where the mistake is: a parser
//! stops at the first character that cannot follow, which is often lines behind it.

use granit_parser::{ErrorKind, ScanError};

use crate::{
    finding::{Code, Finding},
    source::{Source, Span},
    text,
};

/// Says what is wrong. `open` are the places of the collections that are not complete, outermost first.
pub(super) fn finding(source: &Source, error: &ScanError, open: &[Span]) -> Finding {
    let at = error.marker().byte_offset().unwrap_or_default().min(source.text().len());
    let text = source.text();
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let scene = Scene { source, at, line: Line::at(text, at), open };
    let Said { message, help, span } = scene.say(error);
    let code = match error.kind() {
        ErrorKind::RecursionLimitExceeded => Code::DocumentTooLarge,
        _ => Code::YamlSyntax,
    };
    let finding = Finding::error(code, message).at(source.place(span));
    match help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

struct Said {
    message: String,
    help: Option<String>,
    span: Span,
}

fn said(span: impl Into<Span>, message: impl Into<String>, help: impl Into<String>) -> Said {
    Said { message: message.into(), help: Some(help.into()), span: span.into() }
}

/// One line of the file.
#[derive(Clone, Copy)]
struct Line<'s> {
    start: usize,
    text: &'s str,
}

impl<'s> Line<'s> {
    fn at(text: &'s str, at: usize) -> Self {
        let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
        Self { start, text: text[start..].lines().next().unwrap_or_default() }
    }

    /// The nearest line above that says anything.
    fn above(self, text: &'s str) -> Option<Self> {
        let mut line = self;
        while line.start > 0 {
            line = Self::at(text, line.start - 1);
            if !line.said().is_empty() && !line.said().starts_with('#') {
                return Some(line);
            }
        }
        None
    }

    fn said(self) -> &'s str {
        self.text.trim()
    }

    fn indent(self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    /// Where the text of an item begins, behind its `- `; else as [`Line::indent`].
    fn inner(self) -> usize {
        let rest = self.text.trim_start();
        let item = rest.strip_prefix("- ").map_or(rest, str::trim_start);
        self.text.len() - item.len()
    }

    /// The place of what stands first in it.
    fn first(self) -> Span {
        let Span { end, .. } = word(self.text, self.inner(), self.start);
        Span { end, ..Span::from(self.start + self.indent()..self.start) }
    }

    /// Where a tab stands in its indentation.
    fn tab(self) -> Option<Span> {
        let at = self.text[..self.indent()].find('\t')?;
        Some((self.start + at..self.start + at + 1).into())
    }

    /// Whether it has a key and a value, or could have.
    fn has_colon(self) -> bool {
        self.text.contains(": ") || self.said().ends_with(':')
    }
}

/// The word of a line that begins at `from`; a key without its colon.
fn word(line: &str, from: usize, start: usize) -> Span {
    let rest = line.get(from..).unwrap_or_default();
    let end = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
    let end = if end > 1 && rest[..end].ends_with(':') { end - 1 } else { end };
    (start + from..start + from + end).into()
}

struct Scene<'s> {
    source: &'s Source,
    at: usize,
    line: Line<'s>,
    open: &'s [Span],
}

impl<'s> Scene<'s> {
    fn text(&self) -> &'s str {
        self.source.text()
    }

    /// The text of a span in a message; that of a Secret is not shown.
    fn quote(&self, span: Span) -> String {
        let words = self.text().get(span.range()).unwrap_or_default();
        if words.is_empty() || self.source.is_secret(span) {
            return "this line".to_owned();
        }
        format!("`{}`", text::excerpt(words, 40))
    }

    fn here(&self) -> Span {
        word(self.line.text, self.at - self.line.start, self.line.start)
    }

    /// The innermost `[` or `{` that is not closed, if nothing in it is in lines.
    fn bracket(&self) -> Option<(usize, char)> {
        let start = self.open.last()?.start as usize;
        let bracket = self.text().get(start..)?.chars().next()?;
        matches!(bracket, '[' | '{').then_some((start, bracket))
    }

    fn say(&self, error: &ScanError) -> Said {
        use ErrorKind as E;
        if self.line.text.starts_with('%') {
            let span = self.line.first();
            return said(span, "a YAML directive, which Kubernetes tools do not read", "remove the line");
        }
        if let Some(at) = self.line.text.find("{{") {
            let at = self.line.start + at;
            return said(at..at + 2, "`{{` begins a template, which is not YAML", TEMPLATE);
        }
        if let Some(tab) = self.tab(error.kind()) {
            let message = "a tab stands in the indentation, where YAML allows only blanks";
            return said(tab, message, "replace it by blanks");
        }
        let here = self.here();
        match error.kind() {
            E::ExpectedBlockMappingKey | E::InvalidIndentation | E::ExpectedDocumentStart => {
                self.indentation()
            }
            E::MappingValueNotAllowed => self.second_value(),
            E::SimpleKeyExpected | E::InvalidSimpleKey => self.no_colon(self.line),
            E::ExpectedBlockSequenceEntry => {
                let message = format!("{} stands among items but does not begin with `- `", self.quote(here));
                said(here, message, "begin it with `- `, or take the `- ` from the lines above")
            }
            E::BlockSequenceEntryNotAllowed => {
                said(here, "a sequence cannot begin on this line", "put its first `- ` on a line of its own")
            }
            E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => {
                said(self.at..self.at + 1, "the quote that opens here is never closed", "close it")
            }
            E::InvalidTrailingSingleQuotedScalar => self.after_quote('\''),
            E::InvalidTrailingDoubleQuotedScalar => self.after_quote('"'),
            E::UnknownQuotedScalarEscape => self.escape(),
            E::UnknownAnchor => {
                let message = match self.quote(here).as_str() {
                    "this line" => "an alias names nothing that stands before it".to_owned(),
                    quoted => format!("the alias {quoted} names nothing that stands before it"),
                };
                let help = "a text that begins with `*` goes in quotes; an alias needs its `&` further up";
                said(here, message, help)
            }
            E::UnexpectedCharacter { character } => {
                let message = match character {
                    '`' => "a value cannot begin with a backtick".to_owned(),
                    other => format!("a value cannot begin with `{}`", text::clean(&other.to_string())),
                };
                said(self.at..self.at + character.len_utf8(), message, "put the value in quotes")
            }
            E::CommentNotSeparated => {
                let help = "put a blank before it, or the whole value in quotes";
                said(self.at..self.at + 1, "a `#` follows a value without a blank between", help)
            }
            E::PlainScalarStartsWithDashFlowIndicator => {
                said(self.at..self.at + 1, "a value cannot be `-` alone between brackets", "put it in quotes")
            }
            E::InvalidTagTerminator | E::MissingTagUri => {
                let message = "a tag ends at a blank, and this one does not";
                said(here, message, "put a blank behind it, or the value in quotes")
            }
            E::InvalidBlockScalarIndent => {
                let message = "a line of the text behind `|` or `>` is indented less than it must be";
                said(here, message, "give all lines of the text the same indentation")
            }
            E::UndeclaredTagHandle => said(here, "an unknown tag", "remove it, or put the value in quotes"),
            E::BomInsideDocument => {
                let help = "remove the invisible character";
                said(self.at..self.at + 3, "a byte order mark (U+FEFF) stands in the text", help)
            }
            E::RecursionLimitExceeded => {
                let message =
                    format!("a document is nested more than {} levels deep", super::parse::MAX_DEPTH);
                said(self.at..self.at + 1, message, "flatten it")
            }
            E::MisplacedFlowCollectionEnd => {
                said(self.at..self.at + 1, "a bracket closes that was never opened", "remove it")
            }
            E::MismatchedFlowCollectionEnd { open, close } => {
                let message = format!("the bracket `{open}` that opens here is closed by `{close}`");
                let help = format!("close it with `{}`", closing(*open));
                said(self.at..self.at + 1, message, help)
            }
            E::UnclosedFlowCollection { open } => unclosed(self.at, *open),
            other => self.in_brackets().unwrap_or_else(|| Said {
                message: format!("not valid YAML: {}", text::excerpt(&other.to_string(), 160)),
                help: None,
                span: here,
            }),
        }
    }

    /// A tab in the indentation of this line, or of the line above, where it was read as text.
    fn tab(&self, kind: &ErrorKind) -> Option<Span> {
        if let Some(tab) = self.line.tab().filter(|_| self.bracket().is_none()) {
            return Some(tab);
        }
        let of_above = matches!(
            kind,
            ErrorKind::ExpectedBlockMappingKey
                | ErrorKind::ExpectedDocumentStart
                | ErrorKind::MappingValueNotAllowed
        );
        self.line.above(self.text()).filter(|_| of_above)?.tab()
    }

    /// A line that begins in a column in which no line above does.
    fn indentation(&self) -> Said {
        if let Some(found) = self.in_brackets() {
            return found;
        }
        let first = self.line.first();
        if self.at > first.end as usize {
            return said(
                self.here(),
                "text follows a value that is complete",
                "put the whole value in quotes",
            );
        }
        if self.line.said().starts_with("---") {
            return said(first, "`---` separates documents only at the beginning of its line", "unindent it");
        }
        let indent = self.line.indent();
        let message = format!(
            "{} is indented by {}, which fits no line above it",
            self.quote(first),
            text::count(indent, "blank")
        );
        let help = match self.nearest_indent(indent) {
            Some(near) => format!("indent it by {near}, or mend the lines above it"),
            None => "give the lines of one mapping the same indentation".to_owned(),
        };
        said(first, message, help)
    }

    /// The indentation of a line above that this one was probably meant to have.
    fn nearest_indent(&self, indent: usize) -> Option<usize> {
        let is_item = |line: &Line<'_>| line.said().starts_with("- ");
        let above = std::iter::successors(self.line.above(self.text()), |line| line.above(self.text()));
        let lines: Vec<Line<'_>> = above.take(40).take_while(|line| !line.text.starts_with("---")).collect();
        let items: Vec<usize> = lines.iter().filter(|line| is_item(line)).map(|line| line.indent()).collect();
        let all = lines.iter().flat_map(|line| [line.inner(), line.indent()]);
        let columns: Vec<usize> =
            if is_item(&self.line) { items.into_iter().chain(all).collect() } else { all.collect() };
        let near = columns.into_iter().filter(|column| *column != indent);
        near.min_by_key(|column| column.abs_diff(indent)).filter(|column| column.abs_diff(indent) <= 2)
    }

    /// A `:` in a line that is, so far, the value of another key.
    fn second_value(&self) -> Said {
        if let Some(found) = self.in_brackets() {
            return found;
        }
        let before = &self.line.text[..self.at - self.line.start];
        if before.contains(": ") {
            let message = "a second `: ` stands in one line";
            return said(self.at..self.at + 1, message, "put the value in quotes");
        }
        let first = self.line.first();
        match self.line.above(self.text()) {
            Some(above) if !above.has_colon() && !above.said().starts_with("---") => self.no_colon(above),
            Some(above) if above.said().starts_with('-') && !above.said().starts_with("- ") => {
                let message = format!("{} has no blank behind its `-`", self.quote(above.first()));
                said(above.first(), message, "an item begins with `- `")
            }
            _ => {
                let message = format!(
                    "{} is indented more than the line above, which has a value already",
                    self.quote(first)
                );
                said(first, message, "give the lines of one mapping the same indentation")
            }
        }
    }

    /// A line that should be `key: value`.
    fn no_colon(&self, line: Line<'_>) -> Said {
        if let Some(found) = self.in_brackets() {
            return found;
        }
        let first = line.first();
        if line.said().len() > 1 && line.said().chars().all(|c| c == '-') {
            return said(first, "a line of dashes separates documents only if it is `---`", "write `---`");
        }
        let message = format!("{} has no `: ` behind it", self.quote(first));
        let help = if line.said().contains(':') {
            "put a blank behind the colon"
        } else {
            "write `key: value`; a text of several lines is indented more than its key"
        };
        said(first, message, help)
    }

    /// Text behind the quote that was taken for the closing one.
    fn after_quote(&self, quote: char) -> Said {
        let text = self.text();
        let close = text[..self.at].rfind(quote).unwrap_or(self.at);
        let open = text[..close].rfind(quote).unwrap_or(close);
        if text[open..close].contains('\n') {
            let closed = self.source.line((close..close + 1).into());
            let message = format!("the quote that opens here is closed only in line {closed}");
            return said(open..open + 1, message, "close it on this line");
        }
        let help = match quote {
            '\'' => "inside single quotes a quote is written twice: ''",
            _ if self.bracket().is_some() => "a comma is missing, or a quote inside the text: \\\"",
            _ => "end the line there, or write a quote inside the text as \\\"",
        };
        said(self.here(), "text follows the quote that closes", help)
    }

    fn escape(&self) -> Said {
        let mut from = self.at;
        while let Some(at) = self.text()[from..].find('\\').map(|n| from + n) {
            let Some(next) = self.text()[at + 1..].chars().next() else { break };
            let end = at + 1 + next.len_utf8();
            if !"0abt\tnvfre \"/\\N_LPxuU\n\r".contains(next) {
                let help = "write `\\\\` for a backslash, or use single quotes";
                return said(at..end, "a backslash in double quotes begins no known escape", help);
            }
            from = end;
        }
        said(self.here(), "a backslash in double quotes begins no known escape", "use single quotes")
    }

    /// What cannot stand between brackets: either one is not closed, or a comma is missing.
    fn in_brackets(&self) -> Option<Said> {
        let (start, open) = self.bracket()?;
        let line = Line::at(self.text(), start);
        let in_lines = line.text[start + 1 - line.start..].trim().is_empty();
        // What follows a bracket in lines of its own, as JSON is written, is indented more than it.
        let outside = self.line.indent() <= line.indent() && !self.line.said().starts_with(closing(open));
        if line.start != self.line.start && (!in_lines || outside) {
            return Some(unclosed(start, open));
        }
        let message = format!("a `,` or the closing `{}` is missing before this", closing(open));
        let opens = self.source.line((start..start + 1).into());
        let here = match self.text()[self.at..].chars().next() {
            None | Some('\n') => (self.at..self.at + 1).into(),
            Some(':') => self.line.first(),
            Some(_) => self.here(),
        };
        Some(said(here, message, format!("the bracket `{open}` opens in line {opens}")))
    }
}

/// What to do about a template.
pub(super) const TEMPLATE: &str = "commit what it renders to, or name the file in .instateignore";

fn closing(open: char) -> char {
    if open == '[' { ']' } else { '}' }
}

fn unclosed(start: usize, open: char) -> Said {
    let message = format!("the bracket `{open}` that opens here is never closed");
    said(start..start + 1, message, format!("close it with `{}`", closing(open)))
}
