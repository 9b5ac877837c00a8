//! The text of a file and the places in it that findings point at.

use std::{
    cell::OnceCell,
    hash::{Hash, Hasher},
    ops::Range,
    rc::Rc,
};

use serde::{Deserialize, Serialize};

use crate::text;

/// Bytes `start..end` of a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Span {
    /// Byte offset of the first byte.
    pub start: u32,
    /// Byte offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The span as a range of indices.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Hash for Span {
    /// Where something stands is no part of what it says: the hash of what holds spans is that of its words.
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: narrow(range.start), end: narrow(range.end) }
    }
}

/// Where a finding is: what `file:line:column` shows, and the line itself for the caret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, as a path in the repository.
    pub path: String,
    /// Line, from 1; 0 where the finding is about the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 where the finding is about the whole file.
    pub column: u32,
    /// How many characters are meant.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub width: u32,
    /// As much of the line around the place as a terminal shows, made safe for it, Secret values hidden.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
    /// Where in `text` the caret begins, in characters from 0.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub caret: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Place {
    /// A place that is a whole file.
    #[must_use]
    pub fn file(path: impl Into<String>) -> Self {
        Self { path: path.into(), line: 0, column: 0, width: 0, text: None, caret: 0 }
    }
}

/// So many characters of a line are shown, beside the number of a line.
const SHOWN: usize = text::WIDTH - 8;

/// The text of one file.
#[derive(Debug, Clone)]
pub struct Source(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    path: String,
    text: String,
    lines: OnceCell<Vec<u32>>,
    /// Documents whose lines are not shown; of the server's own files single lines.
    secrets: OnceCell<Vec<Range<usize>>>,
}

impl Source {
    /// The text of the file at `path` in the repository.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self(Rc::new(Inner { path: path.into(), text: text.into(), ..Inner::default() }))
    }

    /// The text of a file of the server's own, which holds no Secret, but maybe an address with a password in it.
    #[must_use]
    pub fn of_server(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let secrets = OnceCell::from(credentials(&text));
        Self(Rc::new(Inner { path: path.into(), text, secrets, ..Inner::default() }))
    }

    /// The file's path in the repository.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    fn line_starts(&self) -> &[u32] {
        self.0.lines.get_or_init(|| {
            let breaks = self.0.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| Span::from(at + 1..at + 1).start)).collect()
        })
    }

    /// The number of the line in which `span` begins, from 1.
    #[must_use]
    pub fn line(&self, span: Span) -> u32 {
        let index = self.line_starts().partition_point(|start| *start <= span.start);
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// The place of `span`: its first line, and as much of it as that line holds.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        let starts = self.line_starts();
        let mut start = (span.start as usize).min(self.0.text.len());
        while !self.0.text.is_char_boundary(start) {
            start -= 1;
        }
        let index = starts.partition_point(|s| *s as usize <= start).saturating_sub(1);
        let (first, rest) = (starts[index] as usize, &self.0.text[starts[index] as usize..]);
        let line = rest.lines().next().unwrap_or_default();
        let column = self.0.text[first..start].chars().count();
        let end = (span.end as usize).clamp(start, first + line.len().max(start - first));
        let width = self.0.text.get(start..end).map_or(0, |s| s.chars().count()).max(1);
        let hidden = if self.in_secret(first) { Some(text::hide_value(line)) } else { None };
        let shown = text::window(hidden.as_deref().unwrap_or(line), column, width, SHOWN);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place {
            path: self.0.path.clone(),
            line: number(index + 1),
            column: number(column + 1),
            width: number(shown.width),
            text: Some(shown.text),
            caret: number(shown.caret),
        }
    }

    /// Whether `span` may be in a Secret, whose text stands in no message.
    #[must_use]
    pub fn is_secret(&self, span: Span) -> bool {
        let starts = self.line_starts();
        let index = starts.partition_point(|s| *s <= span.start).saturating_sub(1);
        self.in_secret(starts[index] as usize)
    }

    /// Whether the line that starts at `first` is in a document that may be a Secret.
    fn in_secret(&self, first: usize) -> bool {
        let secrets = self.0.secrets.get_or_init(|| secrets(&self.0.text));
        secrets.iter().any(|document| document.contains(&first))
    }
}

/// The lines that hold an address with credentials.
fn credentials(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        start += line.len();
        (start - line.len()..start, line)
    });
    let named = |rest: &str| rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@'));
    lines.filter(|(_, line)| line.split("://").skip(1).any(named)).map(|(range, _)| range).collect()
}

/// The documents that may be a Secret. It goes by the text and not by the tree, since a document that does
/// not parse has no tree; and what is refused is often a Secret with a slip in just the words that make it
/// one. So a document is shown only where every `kind` in it is plainly another.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(text.match_indices("\n---").map(|(at, _)| at + 1));
    let ends = starts.clone().skip(1).chain([text.len() + 1]);
    let documents = starts.zip(ends).map(|(start, end)| start..end);
    documents.filter(|d| may_be_secret(&text[d.start..d.end.min(text.len())])).collect()
}

fn may_be_secret(document: &str) -> bool {
    const SECRET: &str = "secret";
    const SLIPS: usize = 2;
    let kinds = document.match_indices("kind").filter_map(|(at, word)| {
        let rest = document[at + word.len()..].trim_start_matches(['"', '\'']).trim_start();
        let is_key = !document[..at].ends_with(|c: char| c.is_alphanumeric());
        rest.strip_prefix(':').filter(|_| is_key).map(str::trim_start)
    });
    let plainly_another = |value: &str| {
        let value = value.trim_start_matches(['"', '\'']);
        let end = value.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(value.len());
        let (kind, rest) = value.split_at(end);
        let whole = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || "\"',}".contains(c));
        let is_near = || strsim::damerau_levenshtein(&kind.to_ascii_lowercase(), SECRET) <= SLIPS;
        // What is much longer needs no comparing, which would take memory for each of its letters.
        whole && !kind.is_empty() && (kind.len() > SECRET.len() + SLIPS || !is_near())
    };
    let mut kinds = kinds.peekable();
    document.contains("stringData") || kinds.peek().is_none() || !kinds.all(plainly_another)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let source = Source::of_server("a.yaml", "ä: 1\nbé: twö\n");
        let at = source.text().find("twö").expect("it is there");
        let place = source.place(Span::from(at..at + 4));
        assert_eq!((place.line, place.column, place.width), (2, 5, 3));
        assert_eq!(place.text.as_deref(), Some("bé: twö"));
    }

    #[test]
    fn a_span_over_several_lines_is_shown_on_its_first() {
        let source = Source::of_server("a.yaml", "a: |\n  b\n  c\n");
        let place = source.place(Span::from(3..12));
        assert_eq!((place.line, place.column, place.width), (1, 4, 1));
    }

    #[test]
    fn the_end_of_the_text_is_a_place() {
        let source = Source::new("a.yaml", "a: [1\n");
        let place = source.place(Span::from(6..6));
        assert_eq!((place.line, place.column), (2, 1));
    }

    #[test]
    fn the_value_of_a_secret_is_never_in_a_place() {
        for text in [
            "kind: Secret\nstringData:\n  p: hunter2\n",
            "{\"kind\": \"Secret\",\n \"p\": \"hunter2\"}",
            "kind: Secrt\ndata:\n  p: hunter2\n",
            "kind: secret\ndata:\n  p: hunter2\n",
            "Kind: Secret\ndata:\n  p: hunter2\n",
            "knid: Secret\ndata:\n  p: hunter2\n",
            "kind: &k Secret\ndata:\n  p: hunter2\n",
            "kind: !!str Secret\ndata:\n  p: hunter2\n",
            "kind: \"\\x53ecret\"\ndata:\n  p: hunter2\n",
            "kind: ConfigMap\n---\nstringData:\n  p: hunter2\n---\nkind: Service\n",
            "kind: Secret\n---\np: hunter2\n",
            "kind: List\nitems:\n- kind: Secret\n  data:\n    p: hunter2\n",
            "hunter2",
        ] {
            let source = Source::new("a.yaml", text);
            let at = text.find("hunter2").expect("it is there");
            let shown = source.place(Span::from(at..at + 7)).text.unwrap_or_default();
            assert!(!shown.contains("hunter"), "{shown}");
        }
        let both = "kind: Secret\np: hunter2\n---\nkind: ConfigMap\np: open\n";
        let source = Source::new("a.yaml", both);
        let at = both.find("open").expect("it is there");
        assert_eq!(source.place(Span::from(at..at + 4)).text.as_deref(), Some("p: open"));
    }
}
