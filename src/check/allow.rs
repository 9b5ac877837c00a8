//! Findings that the file itself silences, next to what they are about and with a reason:
//! `# instate: allow I0308: the operator makes it`.
//!
//! At the end of a line it counts for that line, on a line of its own for the next line that is neither
//! empty nor a comment. What the server's policy does not let be silenced is not, and a comment that
//! silences nothing is a finding itself.

use std::{cell::Cell, collections::HashMap, path::Path};

use serde::{Deserialize, Serialize};

use super::At;
use crate::{
    config::Silence,
    finding::{Certainty, Code, Finding, MOST_OF_ONE, Severity},
    manifest,
    source::{Source, Span},
    text,
};

/// What a comment to instate begins with.
const MARK: &str = "instate:";
/// So many of one file are obeyed at most.
const MOST: usize = 1000;
const FORM: &str = "write `# instate: allow CODE: the reason`, with one code";

/// The comments of one file that silence findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allows(Vec<Allow>);

/// Whether a file holds JSON, by its name.
fn is_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "json")
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Allow {
    code: Code,
    /// The line that it counts for.
    line: u32,
    /// The comment itself.
    span: Span,
}

impl Allows {
    /// Reads those of a file, and what is wrong with them.
    #[must_use]
    pub fn of(source: &Source) -> (Self, Vec<Finding>) {
        // Nearly every file; and JSON has no comments, even where a YAML reader would see some.
        if !source.text().contains(MARK) || is_json(source.path()) {
            return (Self::default(), Vec::new());
        }
        let (mut allows, mut wrong) = (Vec::new(), Vec::new());
        let mut lines = Lines::of(source);
        for span in manifest::comments(source) {
            let said = source.text()[span.range()].trim_start_matches('#').trim();
            let Some(said) = said.strip_prefix(MARK) else { continue };
            if wrong.len() >= MOST_OF_ONE {
                break;
            }
            let line = lines.meant_by(span);
            match read(said) {
                _ if allows.len() >= MOST => {
                    let message = format!("the file has more than {MOST} comments that silence findings");
                    wrong.push(malformed(source, span, &message, "mend what they are about"));
                    break;
                }
                Ok(code) => allows.push(Allow { code, line, span }),
                // A comment of a Secret may hold a part of it.
                Err(_) if source.is_secret(span) => {
                    wrong.push(malformed(source, span, "a comment to instate is not understood", FORM));
                }
                Err(Wrong { message, help }) => wrong.push(malformed(source, span, &message, &help)),
            }
        }
        (Self(allows), wrong)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

struct Wrong {
    message: String,
    help: String,
}

/// The code in ` allow I0308: reason`.
fn read(said: &str) -> Result<Code, Wrong> {
    let wrong = |message: &str| Wrong { message: message.to_owned(), help: FORM.to_owned() };
    let Some(rest) = said.trim_start().strip_prefix("allow").filter(|rest| rest.starts_with([' ', '\t']))
    else {
        return Err(wrong("a comment to instate does not begin with `allow`"));
    };
    let (number, reason) = rest.split_once(':').unwrap_or((rest, ""));
    let number = number.trim();
    let Some(code) = Code::of_number(number) else {
        let message = format!("a comment to instate names `{}`, which is no code", text::excerpt(number, 40));
        let help = Code::nearest(number).map(|near| format!("did you mean `{}`?", near.number()));
        return Err(Wrong { message, help: help.unwrap_or_else(|| FORM.to_owned()) });
    };
    if reason.trim().is_empty() {
        let number = code.number();
        let message = format!("a comment to instate silences {number} without a reason");
        return Err(Wrong { message, help: format!("write why: `# instate: allow {number}: the reason`") });
    }
    Ok(code)
}

fn malformed(source: &Source, span: Span, message: &str, help: &str) -> Finding {
    Finding::error(Code::AllowMalformed, message).at(source.place(span)).help(help)
}

/// Finds the line that a comment is about; comments are asked for from the top of the file to its end.
struct Lines<'s> {
    text: &'s str,
    /// Bytes that were looked at, and how many lines they are.
    at: usize,
    line: u32,
    /// The line that comments before `until` are about.
    next: u32,
    until: usize,
}

/// Of all that looks empty only this means nothing to YAML.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

impl<'s> Lines<'s> {
    fn of(source: &'s Source) -> Self {
        Self { text: source.text(), at: 0, line: 1, next: 0, until: 0 }
    }

    fn meant_by(&mut self, comment: Span) -> u32 {
        let start = comment.start as usize;
        let line = self.text[self.at..start].matches('\n').count();
        (self.at, self.line) = (start, self.line + u32::try_from(line).unwrap_or(u32::MAX));
        let begin = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        if !self.text[begin..start].trim_matches(BLANK).is_empty() {
            return self.line;
        }
        if start >= self.until {
            self.look_below(start);
        }
        self.next
    }

    /// The next line that is neither empty nor a comment; those between are about the same.
    fn look_below(&mut self, start: usize) {
        (self.until, self.next) = (start, self.line);
        for line in self.text[start..].split_inclusive('\n') {
            let said = line.trim_start_matches(BLANK);
            if !said.is_empty() && !said.starts_with('#') {
                return;
            }
            (self.until, self.next) = (self.until + line.len(), self.next + 1);
        }
        // Nothing follows: line 0 has no findings.
        self.next = 0;
    }
}

/// The comments of a revision, and which of them did something.
pub struct Allowing<'p> {
    policy: &'p Silence,
    files: HashMap<String, (usize, Vec<Told>)>,
}

/// A comment, and what came of it.
struct Told {
    allow: Allow,
    silenced: Cell<bool>,
    forbidden: Cell<bool>,
}

impl<'p> Allowing<'p> {
    /// None so far, under the policy of an environment.
    #[must_use]
    pub fn new(policy: &'p Silence) -> Self {
        Self { policy, files: HashMap::new() }
    }

    /// Adds those of the file with that number.
    pub fn add(&mut self, file: usize, path: &str, allows: Allows) {
        if allows.is_empty() {
            return;
        }
        let told = |allow: Allow| {
            let forbidden = Cell::new(!self.policy.names(allow.code));
            Told { allow, silenced: Cell::default(), forbidden }
        };
        self.files.insert(path.to_owned(), (file, allows.0.into_iter().map(told).collect()));
    }

    /// The findings that are left. It can be asked again for what is found later.
    #[must_use]
    pub fn apply(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        if !self.files.is_empty() {
            findings.retain(|finding| !self.silences(finding));
        }
        findings
    }

    fn silences(&self, finding: &Finding) -> bool {
        let Some(place) = &finding.place else { return false };
        let Some((_, told)) = self.files.get(&place.path) else { return false };
        let here = |told: &&Told| told.allow.line == place.line && told.allow.code == finding.code;
        let lets = self.policy.lets(finding);
        told.iter().filter(here).for_each(|told| {
            let done = if lets { &told.silenced } else { &told.forbidden };
            done.set(true);
        });
        lets && told.iter().any(|told| here(&told))
    }

    /// What is wrong with the comments: those that silenced nothing, and those that may not.
    #[must_use]
    pub fn wrong(&self, at: At<'_>) -> Vec<Finding> {
        let mut files: Vec<&(usize, Vec<Told>)> = self.files.values().collect();
        files.sort_by_key(|(file, _)| *file);
        let one = |file: usize, told: &Told| {
            let number = told.allow.code.number();
            let place = || at(file, told.allow.span);
            if told.forbidden.get() {
                let message = format!("{number} may not be silenced here");
                return Some(
                    Finding::error(Code::AllowForbidden, message)
                        .at(place())
                        .help(self.policy.instead(told.allow.code)),
                );
            }
            // Whether a cluster has something to say is not known to whoever did not ask it.
            let known = told.allow.code.certainty() != Certainty::Cluster;
            (known && !told.silenced.get()).then(|| {
                let message = format!("there is no {number} at the line that this comment is about");
                let help = "remove the comment, or move it to the line that it is about";
                Finding::warning(Code::AllowUnused, message).at(place()).help(help)
            })
        };
        files
            .iter()
            .flat_map(|(file, told)| told.iter().filter_map(|told| one(*file, told)).take(MOST_OF_ONE))
            .collect()
    }
}

impl Silence {
    /// Whether it lets anything of this code be silenced.
    fn names(&self, code: Code) -> bool {
        match self {
            Self::Warnings => true,
            Self::Codes(codes) => codes.contains(&code),
        }
    }

    /// Whether it lets this finding be silenced.
    fn lets(&self, finding: &Finding) -> bool {
        let may = matches!(self, Self::Codes(_)) && !is_final(finding.code);
        self.names(finding.code) && (may || finding.severity == Severity::Warning)
    }

    /// What to do about a finding of `code` that it does not let be silenced.
    fn instead(&self, code: Code) -> String {
        match self {
            Self::Warnings => "mend it: only warnings may be silenced".to_owned(),
            Self::Codes(_) if is_final(code) => {
                format!("mend it: an error {} is never silenced", code.number())
            }
            Self::Codes(_) => {
                "mend it, or let the server's administrator add it to `policy.silence`".to_owned()
            }
        }
    }
}

/// Whether an error of this code keeps a revision from being read or a cluster from taking it: what is
/// silenced would not work any better.
fn is_final(code: Code) -> bool {
    code.always_refuses() || code.certainty() == Certainty::Cluster
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::{Allowing, Allows};
    use crate::{
        config::Silence,
        finding::{Code, Finding},
        source::{Source, Span},
    };

    /// What is left of the findings of a file, one at each word that is a code in lower case: an error where
    /// `!` stands behind it, else a warning. Then what is wrong with its comments.
    fn left(text: &str, policy: &Silence) -> String {
        left_of("a.yaml", text, policy)
    }

    fn left_of(path: &str, text: &str, policy: &Silence) -> String {
        let source = Source::of_server(path, text);
        let mut findings = Vec::new();
        for code in Code::ALL {
            for (at, word) in text.match_indices(&code.number().to_lowercase()) {
                let error = text[at + word.len()..].starts_with('!');
                let made =
                    if error { Finding::error(*code, "wrong") } else { Finding::warning(*code, "odd") };
                findings.push(made.at(source.place(Span::from(at..at + word.len()))));
            }
        }
        let (allows, wrong) = Allows::of(&source);
        let mut allowing = Allowing::new(policy);
        allowing.add(0, path, allows);
        let mut left = allowing.apply(findings);
        left.extend(allowing.wrong(&|_, span| source.place(span)));
        left.extend(wrong);
        let mut shown = String::new();
        for Finding { code, place, message, help, .. } in left {
            let line = place.map_or(0, |place| place.line);
            let help = help.map(|help| format!(" ({help})")).unwrap_or_default();
            let _ = writeln!(shown, "{line}: {} {message}{help}", code.number());
        }
        shown
    }

    fn by_default(text: &str) -> String {
        left(text, &Silence::Warnings)
    }

    #[test]
    fn a_comment_silences_the_findings_of_its_code_on_its_line_or_the_next() {
        assert_eq!(by_default("a: i0301 # instate: allow I0301: so it is\n"), "");
        assert_eq!(by_default("# instate: allow I0301: so it is\na: i0301\n"), "");
        assert_eq!(
            by_default("#instate:allow I0301:x\n#instate: allow I0205 : y\n\n# z\na: [i0301, i0205]\n"),
            ""
        );
        assert_eq!(by_default("a: i0301\nb: i0301 # instate: allow I0301: so it is\n"), "1: I0301 odd\n");
        let below = "a: i0301 # instate: allow I0301: so it is\nb: i0301\n";
        assert_eq!(by_default(below), "2: I0301 odd\n");
    }

    #[test]
    fn what_only_looks_like_a_comment_silences_nothing() {
        for text in [
            "a: 'i0301 # instate: allow I0301: x'\n",
            "a: |\n  i0301 # instate: allow I0301: x\n",
            "a: i0301# instate: allow I0301: x\n",
            "a: i0301 # so that instate: allow I0301: x\n",
        ] {
            assert_eq!(by_default(text).lines().count(), 1, "{text}");
            assert!(by_default(text).ends_with("I0301 odd\n"), "{text}");
        }
        assert_eq!(
            left_of("a.json", "[\"i0301\"] # instate: allow I0301: x", &Silence::Warnings),
            "1: I0301 odd\n"
        );
    }

    #[test]
    fn a_comment_that_silences_nothing_is_a_warning() {
        insta::assert_snapshot!(by_default(
            "a: 1 # instate: allow I0301: x\n# instate: allow I0301: at the end, where nothing follows\n"
        ));
        assert_eq!(by_default("a: 1 # instate: allow I0406: only a cluster knows\n"), "");
    }

    #[test]
    fn a_comment_that_is_not_understood_is_an_error_and_silences_nothing() {
        insta::assert_snapshot!(by_default(
            "a: i0301 # instate: allow I0301\n\
             a: i0301 # instate: allow I0301:  \n\
             a: i0301 # instate: allow I9999: x\n\
             a: i0301 # instate: allow I0301 I0302: x\n\
             a: i0301 # instate: alow I0301: x\n\
             a: i0301 # instate: allowed I0301: x\n\
             a: i0301 # instate:\n"
        ));
        let secret = Source::new("a.yaml", "kind: Secret\na: 1 # instate: allow hunter2: x\n");
        let (_, wrong) = Allows::of(&secret);
        assert!(!format!("{wrong:?}").contains("hunter2"), "{wrong:?}");
    }

    #[test]
    fn what_the_policy_does_not_let_be_silenced_stays_and_is_named() {
        let text = "\
            a: i0301! # instate: allow I0301: x\n\
            b: i0301 # instate: allow I0301: x\n\
            c: i0121! # instate: allow I0121: x\n\
            d: i0401! # instate: allow I0401: x\n\
            e: i0105! # instate: allow I0105: x\n";
        let codes = |codes: &[Code]| Silence::Codes(codes.to_vec());
        let some = codes(&[Code::SameObjectTwice, Code::YamlSyntax, Code::Invalid]);
        let lists = [Silence::Warnings, codes(&[]), some];
        insta::assert_snapshot!(lists.map(|policy| left(text, &policy)).join("----\n"));
    }

    #[test]
    fn comments_without_end_are_read_once_and_not_all_obeyed() {
        let many = "# instate: allow I0301: x\n".repeat(100_000);
        let shown = by_default(&format!("{many}a: i0301\n"));
        assert_eq!(shown.lines().count(), 1, "{shown}");
        assert!(shown.starts_with("1001: I0141 the file has more than 1000 comments"), "{shown}");
        let wrong = by_default(&"# instate: x\n".repeat(100_000));
        assert_eq!(wrong.lines().count(), 100, "{wrong}");
    }
}
