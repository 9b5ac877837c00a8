//! A finding as a person reads it: what, where, the line with a caret, and the way out.

use crate::{
    finding::{Finding, Severity, Verdict},
    source::Place,
    text::{WIDTH, clean, count, wrap},
};

/// So many findings are shown; the rest is counted.
const SHOWN: usize = 20;

/// The findings of a verdict, each behind an empty line, errors first.
pub(super) fn all(verdict: &Verdict) -> Vec<String> {
    let findings = verdict.findings();
    let mut lines: Vec<String> = findings.iter().take(SHOWN).flat_map(one).collect();
    if findings.len() > SHOWN {
        lines.extend([String::new(), format!("... and {} more", findings.len() - SHOWN)]);
    }
    lines
}

/// One finding behind an empty line.
pub(super) fn one(finding: &Finding) -> Vec<String> {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut lines = vec![String::new()];
    lines.extend(wrap(&format!("{severity}[{}]: {}", finding.code.number(), clean(&finding.message)), WIDTH));
    let gutter = finding.place.as_ref().map_or(1, |place| place.line.to_string().len());
    if let Some(place) = &finding.place {
        lines.extend(at(place, gutter));
    }
    if let Some(help) = &finding.help {
        let indent = " ".repeat(gutter + 1);
        let wrapped = wrap(&format!("help: {}", clean(help)), WIDTH - gutter - 4);
        let prefixed = wrapped.into_iter().enumerate().map(|(n, line)| {
            let mark = if n == 0 { "=" } else { " " };
            format!("{indent} {mark} {line}")
        });
        lines.extend(prefixed);
    }
    lines
}

fn at(place: &Place, gutter: usize) -> Vec<String> {
    let (pad, path) = (" ".repeat(gutter + 1), clean(&place.path));
    if place.line == 0 {
        return vec![format!("{pad}--> {path}")];
    }
    let mut lines = vec![format!("{pad}--> {path}:{}:{}", place.line, place.column)];
    let Some(text) = &place.text else { return lines };
    let (shown, column, width) =
        window(text, place.column as usize - 1, place.width as usize, WIDTH - gutter - 4);
    lines.push(format!("{pad} |"));
    lines.push(format!(" {} | {shown}", place.line));
    lines.push(format!("{pad} | {}{}", " ".repeat(column), "^".repeat(width)));
    lines
}

/// As much of a long line around the caret as fits, and where the caret is in it.
fn window(text: &str, column: usize, width: usize, room: usize) -> (String, usize, usize) {
    let chars: Vec<char> = clean(text).chars().collect();
    if chars.len() <= room {
        return (
            chars.iter().collect(),
            column.min(chars.len()),
            width.clamp(1, (room + 1).saturating_sub(column).max(1)),
        );
    }
    // Some of what stands before the caret is kept, so that one sees where it is.
    let before = room / 3;
    let from = column.saturating_sub(before).min(chars.len().saturating_sub(room));
    let mut shown: Vec<char> = chars[from..].iter().copied().take(room).collect();
    if from > 0 {
        shown.iter_mut().take(3).for_each(|c| *c = '.');
    }
    if from + room < chars.len() {
        shown.iter_mut().rev().take(3).for_each(|c| *c = '.');
    }
    (shown.into_iter().collect(), column - from, width.clamp(1, room - (column - from).min(room - 1)))
}

/// `2 errors and 1 warning in 1 file`.
pub(super) fn tally(verdict: &Verdict) -> String {
    let (errors, warnings) = (verdict.count(Severity::Error), verdict.count(Severity::Warning));
    let files = verdict.files(if errors > 0 { Severity::Error } else { Severity::Warning });
    let place = if files > 0 { format!(" in {}", count(files, "file")) } else { String::new() };
    match (errors, warnings) {
        (errors, 0) => format!("{}{place}", count(errors, "error")),
        (0, warnings) => format!("{}{place}", count(warnings, "warning")),
        (errors, warnings) => format!("{} and {}{place}", count(errors, "error"), count(warnings, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use super::window;

    #[test]
    fn a_long_line_is_cut_around_its_caret() {
        let text: String = ('a'..='z').cycle().take(200).collect();
        for column in [0, 5, 30, 100, 199] {
            let (shown, at, width) = window(&text, column, 3, 60);
            assert_eq!(shown.chars().count(), 60);
            assert!(at + width <= 61, "{column}: {at} {width}");
            let meant = text.chars().nth(column);
            let under = shown.chars().nth(at);
            assert!(under == meant || under == Some('.'), "{column}: {under:?} is not {meant:?}");
        }
    }
}
