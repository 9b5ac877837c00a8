//! A finding as a person reads it: what, where, the line with a caret, and the way out.

use std::collections::HashMap;

use crate::{
    finding::{Code, Finding, Severity, Verdict},
    source::Place,
    text::{WIDTH, clean, columns, count, wrap},
};

/// So many findings are shown; the rest is counted.
const SHOWN: usize = 20;
/// So many other places of one finding are named.
const PLACES: usize = 5;

/// The findings of a verdict, each behind an empty line, errors first: what the push introduced or is refused
/// for. What was there before is counted.
pub(crate) fn all(verdict: &Verdict) -> Vec<String> {
    let groups = groups(verdict);
    let (shown, rest) = groups.split_at(groups.len().min(SHOWN));
    let mut lines: Vec<String> = shown.iter().flat_map(|group| several(group)).collect();
    let rest: usize = rest.iter().map(Vec::len).sum();
    if rest > 0 {
        lines.extend([String::new(), format!("... and {rest} more")]);
    }
    let before = verdict.count_before();
    if before > 0 {
        let were = if before == 1 { "was" } else { "were" };
        let text = format!(
            "{} that {were} there before this push: instate check shows {}",
            count(before, "finding"),
            if before == 1 { "it" } else { "them" }
        );
        lines.push(String::new());
        lines.extend(wrap(&text, WIDTH));
    }
    lines
}

/// Findings that say the same of several places, by the first of these.
fn groups(verdict: &Verdict) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut known: HashMap<(Code, Severity, &str), usize> = HashMap::new();
    for finding in verdict.of_push() {
        let same = known.entry((finding.code, finding.severity, &finding.message)).or_insert(groups.len());
        match groups.get_mut(*same).filter(|_| finding.place.is_some()) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// One finding behind an empty line.
pub(super) fn one(finding: &Finding) -> Vec<String> {
    several(&[finding])
}

/// The first of several that say the same, and where the others are.
fn several(findings: &[&Finding]) -> Vec<String> {
    let Some((finding, others)) = findings.split_first() else { return Vec::new() };
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
    let help = finding.help.as_ref().map(|help| format!("help: {}", clean(help)));
    for said in help.into_iter().chain(elsewhere(others)) {
        let wrapped = wrap(&said, WIDTH - gutter - 4).into_iter().enumerate();
        lines.extend(wrapped.map(|(n, line)| {
            let (indent, mark) = (" ".repeat(gutter + 1), if n == 0 { "=" } else { " " });
            format!("{indent} {mark} {line}")
        }));
    }
    lines
}

/// `and at 2 other places: a.yaml:3, b.yaml:9`.
fn elsewhere(others: &[&Finding]) -> Option<String> {
    let mut lines: Vec<String> =
        others.iter().filter_map(|finding| finding.place.as_ref()).map(short).collect();
    lines.dedup();
    let named = lines[..lines.len().min(PLACES)].join(", ");
    let more = lines.len().saturating_sub(PLACES);
    let more = if more > 0 { format!(" and {}", count(more, "more line")) } else { String::new() };
    (!others.is_empty()).then(|| format!("and at {}: {named}{more}", count(others.len(), "other place")))
}

fn short(place: &Place) -> String {
    match place.line {
        0 => clean(&place.path),
        line => format!("{}:{line}", clean(&place.path)),
    }
}

fn at(place: &Place, gutter: usize) -> Vec<String> {
    let (pad, path) = (" ".repeat(gutter + 1), clean(&place.path));
    if place.line == 0 {
        return vec![format!("{pad}--> {path}")];
    }
    let mut lines = vec![format!("{pad}--> {path}:{}:{}", place.line, place.column)];
    let Some(text) = &place.text else { return lines };
    // A terminal shows some characters two columns wide, and some not by themselves.
    let caret = text.char_indices().nth(place.caret as usize).map_or(text.len(), |(at, _)| at);
    let (before, after) = text.split_at(caret);
    let end = after.char_indices().nth(place.width as usize).map_or(after.len(), |(at, _)| at);
    let width = columns(&after[..end]).max(1);
    lines.push(format!("{pad} |"));
    lines.push(format!(" {} | {text}", place.line));
    lines.push(format!("{pad} | {}{}", " ".repeat(columns(before)), "^".repeat(width)));
    lines
}

/// `2 errors and 1 warning in 1 file`.
pub(super) fn tally(verdict: &Verdict) -> String {
    let (errors, warnings) = (verdict.count(Severity::Error), verdict.count(Severity::Warning));
    let files = verdict.files(if errors > 0 { Severity::Error } else { Severity::Warning });
    let place = if files > 0 { format!(" in {}", count(files, "file")) } else { String::new() };
    match (errors, warnings) {
        (0, 0) => "no findings".to_owned(),
        (errors, 0) => format!("{}{place}", count(errors, "error")),
        (0, warnings) => format!("{}{place}", count(warnings, "warning")),
        (errors, warnings) => format!("{} and {}{place}", count(errors, "error"), count(warnings, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::{
        finding::{Code, Finding, Verdict},
        source::Source,
    };

    /// A finding at every place of `word` in a file.
    fn findings(path: &str, text: &str, word: &str) -> Vec<Finding> {
        let source = Source::of_server(path, text);
        let at = text.match_indices(word).map(|(at, word)| source.place((at..at + word.len()).into()));
        at.map(|place| Finding::error(Code::Invalid, "it is wrong").at(place).help("mend it")).collect()
    }

    fn shown(findings: Vec<Finding>) -> String {
        all(&Verdict::new(findings)).join("\n")
    }

    #[test]
    fn the_same_at_several_places_is_said_once() {
        let mut found = findings("b.yaml", "a: bad\nb: bad\n", "bad");
        found.extend(findings("a.yaml", "a: bad\n", "bad"));
        found.push(Finding::error(Code::Invalid, "something else is wrong"));
        insta::assert_snapshot!(shown(found));
    }

    #[test]
    fn of_very_many_findings_the_first_are_shown_and_the_rest_is_counted() {
        let other = |n: usize| Finding::error(Code::Invalid, format!("this is wrong, too: {n:02}"));
        let same = findings("a.yaml", &"a: bad\n".repeat(9), "bad");
        insta::assert_snapshot!(shown((0..30).map(other).chain(same).collect()));
    }

    #[test]
    fn what_was_there_before_is_summed_up_in_a_line() {
        let old = |finding| Finding { introduced: false, ..finding };
        let before = findings("a.yaml", "a: bad\nb: bad\n", "bad").into_iter().map(old);
        let new = Finding::warning(Code::NotChecked, "this is new");
        let both = shown(before.clone().chain([new]).collect());
        insta::assert_snapshot!(format!("{both}\n----\n{}", shown(before.take(1).collect())));
    }

    #[test]
    fn carets_stand_under_characters_that_are_two_columns_wide_or_none() {
        let text = "motto: \"\u{5e97}\u{8217} cafe\u{301} \u{1f6d2}\" # \u{54c1}\n";
        let words = ["\u{5e97}\u{8217}", "cafe\u{301}", "\u{1f6d2}", "# \u{54c1}"];
        insta::assert_snapshot!(words.map(|word| findings("a.yaml", text, word)).map(shown).join("\n----\n"));
    }
}
