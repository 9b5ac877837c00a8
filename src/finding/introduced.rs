//! Which findings a push introduced: what the former revision of a file had already, nobody has to hear of
//! again, and it does not refuse what somebody else does.

use std::{cell::Cell, collections::HashMap};

use super::{Code, Finding, Severity};

/// What makes two findings of two revisions the same one. Lines move when others are added above them, so
/// the line itself counts and not its number.
type Key<'f> = (Option<&'f str>, Code, Severity, &'f str, Option<&'f str>);

fn key(finding: &Finding) -> Key<'_> {
    let (path, line) = match &finding.place {
        Some(place) => (Some(place.path.as_str()), place.text.as_deref()),
        None => (None, None),
    };
    (path, finding.code, finding.severity, &finding.message, line)
}

/// The findings of a revision, those marked that the revision `before` had too: as many of a kind as it had.
#[must_use]
pub fn introduced(mut now: Vec<Finding>, before: &[Finding]) -> Vec<Finding> {
    let mut known: HashMap<Key<'_>, Cell<usize>> = HashMap::new();
    for finding in before {
        *known.entry(key(finding)).or_default().get_mut() += 1;
    }
    for finding in &mut now {
        let left = known.get(&key(finding)).filter(|left| left.get() > 0);
        finding.introduced = left.map(|left| left.set(left.get() - 1)).is_none();
    }
    now
}

#[cfg(test)]
mod tests {
    use super::introduced;
    use crate::{
        finding::{Code, Finding},
        source::Source,
    };

    /// A finding at each line of a file that has the word `bad`.
    fn findings(path: &str, text: &str) -> Vec<Finding> {
        let source = Source::of_server(path, text);
        let places = text.match_indices("bad").map(|(at, word)| source.place((at..at + word.len()).into()));
        places.map(|place| Finding::error(Code::Invalid, "bad").at(place)).collect()
    }

    fn news(now: Vec<Finding>, before: &[Finding]) -> Vec<u32> {
        let new = introduced(now, before).into_iter().filter(|finding| finding.introduced);
        new.map(|finding| finding.place.map_or(0, |place| place.line)).collect()
    }

    #[test]
    fn a_finding_whose_line_only_moved_was_there_before() {
        let before = findings("a.yaml", "a: bad\n");
        assert_eq!(news(findings("a.yaml", "# more\n# and more\na: bad\nb: bad\n"), &before), [4]);
    }

    #[test]
    fn a_finding_whose_line_was_changed_is_new() {
        let before = findings("a.yaml", "a: bad\n");
        assert_eq!(news(findings("a.yaml", "a: bad worse\n"), &before), [1]);
        assert_eq!(news(findings("b.yaml", "a: bad\n"), &before), [1]);
    }

    #[test]
    fn a_line_that_was_copied_is_new_once() {
        let before = findings("a.yaml", "a: bad\n");
        assert_eq!(news(findings("a.yaml", "a: bad\na: bad\n"), &before), [2]);
        assert_eq!(news(findings("a.yaml", "a: bad\n"), &findings("a.yaml", "a: bad\na: bad\n")), [0; 0]);
    }

    #[test]
    fn another_message_code_or_severity_is_another_finding() {
        let before = [Finding::warning(Code::Invalid, "x")];
        let now = || Finding::warning(Code::Invalid, "x");
        let others = vec![
            Finding { message: "y".into(), ..now() },
            Finding { code: Code::Forbidden, ..now() },
            Finding::error(Code::Invalid, "x"),
        ];
        assert_eq!(news(others, &before), [0, 0, 0]);
        assert_eq!(news(vec![now()], &before), [0; 0]);
        assert_eq!(news(vec![now()], &[]), [0]);
    }
}
