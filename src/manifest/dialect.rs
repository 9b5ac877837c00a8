//! What is YAML, and not to Kubernetes: its library reads YAML 1.1 with rules of its own for tabs, brackets,
//! anchors and escapes, and a file that it does not read must not pass.

use granit_parser::ScalarStyle;

use crate::{
    finding::{Code, Finding},
    source::{Source, Span},
};

/// Says what Kubernetes would not read, or would read otherwise.
fn unread(source: &Source, span: Span, message: &str, help: &str) -> Finding {
    Finding::error(Code::YamlSyntax, message).at(source.place(span)).help(help)
}

/// A scalar between brackets. A key stands in one line, and an unquoted text holds no `?` and does not begin with `:`.
pub(super) fn in_flow(
    source: &Source,
    text: &str,
    style: ScalarStyle,
    key: bool,
    span: Span,
) -> Option<Finding> {
    if key && source.text()[span.range()].contains(['\n', '\r']) {
        let message = "a key begins in one line and ends in another";
        return Some(unread(source, span, message, "write it in one line"));
    }
    if style != ScalarStyle::Plain {
        return None;
    }
    let help = "put it in quotes";
    if text.contains('?') || text.starts_with(':') {
        let message = "between brackets Kubernetes reads `?` and `:` as signs of their own, not as text";
        return Some(unread(source, span, message, help));
    }
    let behind = &source.text().as_bytes()[span.end as usize..];
    if key && matches!(behind, [b':', b',' | b'[' | b']' | b'{' | b'}', ..]) {
        let message = "Kubernetes takes the `:` for a part of the text, since no blank follows it";
        return Some(unread(source, span, message, "put a blank behind the `:`"));
    }
    None
}

/// Whether `kubectl` reads a file as JSON, which it tries first where it begins with `{`.
pub(super) fn is_json(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    text.trim_start().starts_with('{') && values.all(|value| value.is_ok())
}

/// A text in double quotes of a file that is not JSON: some escapes are JSON's alone.
pub(super) fn escapes(source: &Source, span: Span) -> Option<Finding> {
    let part = source.text().get(span.range())?;
    let mut from = 0;
    while let Some(at) = part[from..].find('\\').map(|at| from + at) {
        let of_json = match part.as_bytes().get(at + 1..) {
            Some([b'/', ..]) => Some(2),
            Some([b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]) => Some(6),
            _ => None,
        };
        if let Some(length) = of_json {
            let at = span.start as usize + at;
            let message = "this escape is one of JSON, not of YAML";
            let help = "write the character itself, or `\\U0001F600` with all its digits";
            return Some(unread(source, (at..at + length).into(), message, help));
        }
        from = at + 2;
        while !part.is_char_boundary(from) {
            from += 1;
        }
    }
    None
}

/// The name of an anchor or an alias, with the `&` or `*` before it.
pub(super) fn name(source: &Source, span: Span) -> Option<Finding> {
    let name = source.text().get(span.start as usize + 1..span.end as usize)?;
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let behind = source.text()[span.end as usize..].chars().next();
    let ends = behind.is_none_or(|c| c.is_whitespace() || ":,]}".contains(c));
    if plain && ends && !name.is_empty() {
        return None;
    }
    let message = "the name of an anchor is letters, digits, `-` and `_`, with a blank behind it";
    Some(unread(source, span, message, "rename it, or put the text in quotes"))
}

/// A block of text (`|`, `>`) that is the whole document: its lines must be indented all the same.
pub(super) fn block_at_root(source: &Source, text: &str, span: Span) -> Option<Finding> {
    let (all, start) = (source.text(), span.start as usize);
    let indented = start > 0 && !all[..start].ends_with(['\n', '\r']);
    let message = "the lines of a text behind `|` or `>` must be indented";
    (!indented && !text.is_empty()).then(|| unread(source, span, message, "indent them by two blanks"))
}

/// The first tab of a line before anything but blanks and the signs of items and keys.
fn tab(line: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match line.get(at..)? {
            [b'\t', ..] => return Some(at),
            [b' ', ..] | [b'-' | b'?' | b':', b' ' | b'\t', ..] => at += 1,
            _ => return None,
        }
    }
}

/// Tabs at the beginning of lines, which Kubernetes reads only in quotes, between brackets and inside a block
/// of text.
pub(super) struct Tabs {
    /// The first of each line, in order.
    at: Vec<u32>,
    next: usize,
    stray: Option<u32>,
}

impl Tabs {
    pub(super) fn of(text: &str) -> Self {
        let mut at = Vec::new();
        if text.contains('\t') {
            let mut start = 0;
            for line in text.split_inclusive(['\n', '\r']) {
                let mark = if start == 0 && line.starts_with('\u{feff}') { 3 } else { 0 };
                if let Some(tab) = tab(&line.as_bytes()[mark..]).map(|tab| mark + tab) {
                    at.push(Span::from(start + tab..start + tab).start);
                }
                start += line.len();
            }
        }
        Self { at, next: 0, stray: None }
    }

    /// What was read from `start` to `end` may have tabs in its lines from column `indent` on.
    pub(super) fn allow(&mut self, source: &Source, span: Span, indent: usize) {
        while let Some(at) = self.at.get(self.next).copied().filter(|at| *at < span.end) {
            let before = &source.text()[..at as usize];
            let column = before.len() - before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
            if at < span.start || column < indent {
                self.stray = self.stray.or(Some(at));
            }
            self.next += 1;
        }
    }

    /// A block of text: its span begins behind the indentation of its first line.
    pub(super) fn allow_block(&mut self, source: &Source, span: Span) {
        if self.next >= self.at.len() {
            return;
        }
        let text = source.text();
        let before = &text[..span.start as usize];
        let indent = before.len() - before.trim_end_matches(' ').len();
        // Without a digit in its header the indentation is that of the first line, where a tab is no blank.
        if text[span.start as usize..].starts_with('\t') {
            let header = before.trim_end_matches([' ', '\t', '\n', '\r']);
            let header = header.rsplit(['\n', '\r']).next().unwrap_or_default();
            let header = header.split(" #").next().unwrap_or_default().trim_end();
            let sign = header.rsplit([' ', '\t']).next().unwrap_or_default();
            if !sign.contains(|c: char| c.is_ascii_digit()) {
                self.stray = self.stray.or(Some(span.start));
            }
        }
        self.allow(source, span, indent);
    }

    /// The first tab that stands elsewhere.
    pub(super) fn stray(mut self, source: &Source) -> Option<Finding> {
        self.stray = self.stray.or(self.at.get(self.next).copied());
        let at = self.stray? as usize;
        let message = "a tab stands in the indentation, where YAML allows only blanks";
        Some(unread(source, (at..at + 1).into(), message, "replace it by blanks"))
    }
}
