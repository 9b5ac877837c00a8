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
    lines.push(format!("{pad} |"));
    lines.push(format!(" {} | {text}", place.line));
    lines.push(format!("{pad} | {}{}", " ".repeat(place.caret as usize), "^".repeat(place.width as usize)));
    lines
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
