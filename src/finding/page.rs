//! The page of a code: what it means, an example, and the fix. `docs/findings.md` is the one text of it.

use super::Code;

const TEXT: &str = include_str!("../../docs/findings.md");
const HEADING: &str = "\n## ";
const FENCE: &str = "```";
/// How far an example is indented in a terminal.
const INDENT: &str = "    ";

impl Code {
    /// Its section of `docs/findings.md`, as it stands there, without the heading.
    #[must_use]
    pub fn page(self) -> &'static str {
        let sections = TEXT.split(HEADING).skip(1);
        let found = sections.map(|section| section.split_once('\n').unwrap_or((section, "")));
        let own = found.filter(|(heading, _)| heading.split(':').next() == Some(self.number()));
        own.map(|(_, page)| page.trim()).next().unwrap_or_default()
    }

    /// Its page for a terminal: an example is indented instead of fenced.
    #[must_use]
    pub fn page_in_lines(self) -> Vec<String> {
        let mut example = false;
        let lines = self.page().lines().filter_map(|line| match line.starts_with(FENCE) {
            true => {
                example = !example;
                None
            }
            false if example && !line.is_empty() => Some(format!("{INDENT}{line}")),
            false => Some(line.to_owned()),
        });
        lines.collect()
    }

    /// What it means, in the first paragraph of its page.
    #[must_use]
    pub fn meaning(self) -> String {
        self.page().split("\n\n").next().unwrap_or_default().replace('\n', " ")
    }

    /// The code of this number.
    #[must_use]
    pub fn of_number(number: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number().eq_ignore_ascii_case(number))
    }

    /// The code that somebody who wrote `number` probably meant.
    #[must_use]
    pub fn nearest(number: &str) -> Option<Self> {
        if number.len() > 10 {
            return None;
        }
        let number = number.to_ascii_uppercase();
        let digits = |code: &str| code.trim_start_matches('I').parse::<i32>().unwrap_or_default();
        let slips = |code: &Code| strsim::damerau_levenshtein(&number, code.number());
        // Of several that are as near the nearest number: it is about the nearest thing.
        let near = Self::ALL.iter().copied();
        let near = near.min_by_key(|code| (slips(code), digits(code.number()).abs_diff(digits(&number))))?;
        (slips(&near) <= 2).then_some(near)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Code, FENCE, HEADING, TEXT};
    use crate::{
        check::schema::Minor,
        config::Silence,
        revision::{self, By, Rules},
        text,
        tree::Disk,
    };

    /// The kind of the fenced example on a page, and its text.
    fn example(code: Code) -> (&'static str, &'static str) {
        let (_, rest) = code.page().split_once(&format!("\n{FENCE}")).expect("because each has an example");
        let (kind, rest) = rest.split_once('\n').expect("because a fence ends its line");
        let (example, rest) = rest.split_once(&format!("\n{FENCE}\n")).expect("because a fence is closed");
        assert!(!rest.contains(FENCE), "{}: one example says it", code.number());
        (kind, example)
    }

    #[test]
    fn every_code_has_a_section_under_its_title_in_the_order_of_the_codes() {
        let headings: Vec<&str> =
            TEXT.split(HEADING).skip(1).map(|section| section.lines().next().unwrap_or_default()).collect();
        let wanted: Vec<String> =
            Code::ALL.iter().map(|code| format!("{}: {}", code.number(), code.title())).collect();
        assert_eq!(headings, wanted);
    }

    #[test]
    fn every_section_says_what_it_means_shows_an_example_and_ends_with_the_fix() {
        for code in Code::ALL {
            let page = code.page();
            let last = page.rsplit("\n\n").next().unwrap_or_default();
            assert!(last.starts_with("Fix: "), "{}: {last}", code.number());
            assert!(code.meaning().ends_with('.'), "{}: {}", code.number(), code.meaning());
            assert!(matches!(example(*code).0, "yaml" | "json" | "yaml cluster" | "sh"), "{}", code.number());
        }
    }

    #[test]
    fn a_page_fits_on_a_terminal() {
        for code in Code::ALL {
            for line in code.page_in_lines() {
                assert!(line.chars().count() <= 80 && text::is_clean(&line), "{}: {line}", code.number());
            }
        }
        insta::assert_snapshot!(Code::MergeConflict.page_in_lines().join("\n"));
    }

    #[test]
    fn every_example_that_is_a_file_gives_exactly_its_code() {
        for code in Code::ALL {
            let (kind @ ("yaml" | "json"), example) = example(*code) else { continue };
            let named = example.lines().next().and_then(|line| line.strip_prefix("# "));
            let file = named.filter(|name| name.contains(".yaml")).map(ToOwned::to_owned);
            let folder = tempfile::tempdir().expect("because the temporary folder is writable");
            let file = folder.path().join(file.unwrap_or_else(|| format!("example.{kind}")));
            fs::write(file, format!("{example}\n")).expect("because the folder is ours");
            let rules =
                Rules { namespace: "default", by: By::Compiled(Minor::NEWEST), silence: &Silence::default() };
            let found = revision::read(Disk::new(folder.path()), ".", Some(&rules), None)
                .expect("because it can be read");
            let mut codes: Vec<&str> = found.findings.iter().map(|finding| finding.code.number()).collect();
            // What it tries to silence in vain is there, too.
            codes.retain(|code| !example.contains(&format!("# instate: allow {code}")));
            assert!(
                !codes.is_empty() && codes.iter().all(|c| *c == code.number()),
                "{}: {codes:?}",
                code.number()
            );
        }
    }
}
