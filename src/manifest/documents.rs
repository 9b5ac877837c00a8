//! Which documents of a file `kubectl` sees. It cuts the text at lines that begin with `---`, then reads one
//! document of each part; YAML knows more ways to begin and to end one.

use crate::{
    finding::{Code, Finding, MOST_OF_ONE},
    source::{Source, Span},
};

/// Lines at which `kubectl` would cut and fail, or cut and YAML would not; and line breaks that only it sees.
pub(super) fn unseen(source: &Source) -> Vec<Finding> {
    let text = source.text();
    let starts = text.starts_with("---").then_some(0).into_iter();
    let starts = starts.chain(text.match_indices("\n---").map(|(at, _)| at + 1));
    let lines = starts.filter_map(|start| {
        let line = text[start..].split('\n').next().unwrap_or_default();
        let rest = &line[3..];
        let said = rest.trim();
        // Where a comment follows at once, YAML takes the whole for a text.
        let glued = rest.starts_with('#');
        if !glued && (said.is_empty() || said.starts_with('#')) {
            return None;
        }
        let message = if rest.starts_with([' ', '\t']) {
            "kubectl does not see a document that begins on the line of its `---`"
        } else {
            "kubectl takes a line that begins with `---` for the end of a document"
        };
        let help = if rest.starts_with([' ', '\t']) || said.chars().all(|c| c == '-') {
            "put `---` on a line of its own"
        } else {
            "indent the line, or put `---` on a line of its own"
        };
        let place = source.place((start..start + line.trim_end().len()).into());
        Some(Finding::error(Code::HiddenDocument, message).at(place).help(help))
    });
    let mut findings: Vec<Finding> = lines.take(MOST_OF_ONE).collect();
    findings.extend(ends_nothing(source));
    findings.extend(mark(source));
    if let Some(at) = text.find("\r\r\n") {
        let message =
            "a line ends with two carriage returns, which Kubernetes takes for one line break or two";
        let finding = Finding::error(Code::LineSeparator, message).at(source.place((at..at + 1).into()));
        findings.push(finding.help("end lines with a line feed"));
    }
    if let Some((at, c)) = separator(text) {
        let message = format!("the invisible character U+{:04X} ends a line for Kubernetes", u32::from(c));
        let help = "remove it, or write it as an escape in a double-quoted text";
        let place = source.place((at..at + c.len_utf8()).into());
        findings.push(Finding::error(Code::LineSeparator, message).at(place).help(help));
    }
    findings
}

/// A line `...` with no document before it, which only the library takes for a mistake.
fn ends_nothing(source: &Source) -> Option<Finding> {
    let text = source.text();
    let mark = if text.starts_with('\u{feff}') { 3 } else { 0 };
    if !text[mark..].starts_with("...") && !text.contains("\n...") && !text.contains("\r...") {
        return None;
    }
    let mut begun = false;
    let mut start = mark;
    for line in text[mark..].split_inclusive(['\n', '\r']) {
        let said = line.trim();
        match said {
            _ if line.starts_with("...") && (said.len() == 3 || said[3..].starts_with([' ', '\t'])) => {
                if !begun {
                    let finding =
                        Finding::error(Code::HiddenDocument, "`...` ends a document that has not begun");
                    return Some(finding.at(source.place((start..start + 3).into())).help("remove the line"));
                }
                begun = false;
            }
            _ if line.starts_with("---") => begun = false,
            _ => begun |= !said.is_empty() && !said.starts_with('#'),
        }
        start += line.len();
    }
    None
}

/// A byte order mark that begins a line and not the file: a part of the text to some, and nothing to others.
fn mark(source: &Source) -> Option<Finding> {
    const MARK: char = '\u{feff}';
    let text = source.text();
    if text.is_ascii() {
        return None;
    }
    let begins_line = |(at, _): &(usize, &str)| {
        let before = text[..*at].trim_end_matches([' ', '\t']);
        *at > 0 && (before.ends_with(['\n', '\r', MARK]) || before.is_empty())
    };
    let (at, _) = text.match_indices(MARK).find(begins_line)?;
    let message = "a byte order mark (U+FEFF) stands in the text";
    let finding = Finding::error(Code::NotText, message).at(source.place((at..at + MARK.len_utf8()).into()));
    Some(finding.help("remove the invisible character"))
}

/// The first character that YAML 1.1 takes for a line break and nobody else does.
fn separator(text: &str) -> Option<(usize, char)> {
    if text.is_ascii() {
        return None;
    }
    text.char_indices().find(|(_, c)| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'))
}

/// How a document begins.
pub(super) enum Start {
    /// Where `kubectl` sees it.
    Seen,
    /// On the line of its `---`, which [`unseen`] has said.
    OnMarker,
    /// Where `kubectl` drops it.
    Dropped(Finding),
}

/// How the document begins whose start is `span`.
pub(super) fn start(source: &Source, explicit: bool, first: bool, span: Span) -> Start {
    let text = source.text();
    let at = span.start as usize;
    let dropped = |message: &str, help: &str| {
        let finding = Finding::error(Code::HiddenDocument, message).at(source.place(span));
        Start::Dropped(finding.help(help))
    };
    if !explicit {
        let message = "kubectl would silently drop this document: it follows a line `...`";
        return if first { Start::Seen } else { dropped(message, "begin the document with a line `---`") };
    }
    let on_line = at == 0 || text[..at].ends_with('\n');
    if !first && !on_line {
        let message = "kubectl would silently drop this document: its `---` does not follow a line feed";
        return dropped(message, "end lines with a line feed, as Unix does");
    }
    let rest = text[at..].split(['\n', '\r']).next().unwrap_or_default();
    let said = rest.trim_start_matches('-').trim();
    if said.is_empty() || said.starts_with('#') {
        Start::Seen
    } else if on_line {
        Start::OnMarker
    } else {
        // Behind a byte order mark.
        let message = "kubectl does not see a document that begins on the line of its `---`";
        dropped(message, "put `---` on a line of its own")
    }
}
