//! Comments that silence findings: whatever stands in a file, one never silences another line or another code than
//! it names, nor an error where only warnings may be silenced; and a `#` in a text is no comment.

use instate::{
    check::{Allowing, Allows},
    config::Silence,
    finding::{Code, Finding, MOST_OF_ONE, Severity},
    manifest,
    source::{Source, Span},
};

use crate::frame::{self, Fuzzer, Watch, codes, look_right};

pub const FUZZER: Fuzzer = Fuzzer {
    name: "allow",
    of: "comments that silence findings",
    seeds,
    words: WORDS,
    change: frame::no_change,
    read,
};

const WORDS: &[&str] = &[
    "\n",
    "\n\n",
    "\n  ",
    "\n- ",
    "\n---\n",
    "\n...\n",
    ": ",
    "[\n",
    "]\n",
    "{",
    "}",
    ",",
    "#",
    " #",
    " # instate: allow I0301: x\n",
    "# instate: allow I0201: x\n",
    "#instate:allow I0205:x",
    "\t# instate: allow i0301 : x",
    "# instate: allow I0301 I0201: x\n",
    "# instate: allow I9999: x\n",
    "# instate: alow I0301: x\n",
    "instate:",
    "allow ",
    "I0301",
    "I0201",
    ":",
    "|\n  ",
    ">-\n  ",
    "|2\n",
    "'",
    "\"",
    "\\",
    "&a ",
    "*a",
    "? ",
    "!t ",
    "\t",
    "\r",
    "\r\n",
    " ",
    "\u{a0}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{202e}",
    "\u{e9}",
    "kind: Secret\n",
];

/// So many lines have a finding each, for every code.
const LINES: usize = 400;
/// Of each certainty; one that is never silenced where it is an error, and one that no word names.
const CODES: [Code; 4] =
    [Code::UnknownField, Code::SameObjectTwice, Code::KindUnknown, Code::RequiredMissing];

fn seeds() -> Vec<Vec<u8>> {
    let good = "# instate: allow I0201: of the next line\n\n# and more\na: 1 # instate: allow I0301: of this line\n\
                b:\n  # instate: allow I0205: of an item\n  - c: '# instate: allow I0201: no comment'\n\
                d: |\n  # instate: allow I0201: no comment\ne: [ # instate: allow I0207: x\n  1,\n]\n";
    let mut seeds = frame::manifests();
    seeds.extend([good.into(), good.repeat(30).into(), good.replace('\n', "\r\n").into()]);
    seeds
}

fn read(bytes: &[u8], watch: &mut Watch) -> String {
    let source = match frame::source(bytes, watch) {
        Ok(source) => source,
        Err(code) => return code,
    };
    let (allows, wrong) = watch.time(|| Allows::of(&source));
    look_right(source.text(), &wrong, MOST_OF_ONE);
    comments(&source, watch);
    let mut answer = codes(&wrong);
    let findings = findings(&source);
    for policy in [Silence::Warnings, Silence::Codes(CODES[..3].to_vec())] {
        let made = findings.clone();
        let (left, unused) = watch.time(|| {
            let mut allowing = Allowing::new(&policy);
            allowing.add(0, source.path(), allows.clone());
            let left = allowing.apply(made);
            (left, allowing.wrong(&|_, span| source.place(span)))
        });
        look_right(source.text(), &unused, MOST_OF_ONE);
        let mut left = left.iter().peekable();
        let silenced: Vec<&Finding> =
            findings.iter().filter(|finding| left.next_if(|left| left == finding).is_none()).collect();
        assert!(left.next().is_none(), "what is left was there");
        for finding in &silenced {
            let line = finding.place.as_ref().unwrap().line as usize;
            assert!(is_meant(source.text(), line, finding.code), "{finding:?}");
            match &policy {
                Silence::Warnings => assert_eq!(finding.severity, Severity::Warning, "{finding:?}"),
                Silence::Codes(codes) => assert!(codes.contains(&finding.code), "{finding:?}"),
            }
            // What keeps a revision from being read is silenced by nobody.
            assert!(finding.severity == Severity::Warning || !finding.code.always_refuses(), "{finding:?}");
        }
        answer += &format!(" {} {}", silenced.len().min(20), codes(&unused));
    }
    answer
}

/// An error and a warning of each code at the beginning of each line.
fn findings(source: &Source) -> Vec<Finding> {
    let text = source.text();
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let at = |start: usize| {
        let place = source.place(Span::from(start..start));
        let both = move |code| {
            [Finding::error(code, "wrong").at(place.clone()), Finding::warning(code, "odd").at(place.clone())]
        };
        CODES.into_iter().flat_map(both)
    };
    starts.take(LINES).flat_map(at).collect()
}

/// Whether a comment to instate may be about that line, by what any reader of the text sees.
fn is_meant(text: &str, line: usize, code: Code) -> bool {
    const BLANK: [char; 3] = [' ', '\t', '\r'];
    let names = |line: &str| {
        line.match_indices('#').any(|(at, _)| {
            let said = line[at..].trim_start_matches('#').trim_start();
            let rest = said.strip_prefix("instate:").map(str::trim_start);
            let rest = rest.and_then(|rest| rest.strip_prefix("allow")).map(str::trim_start);
            let number = rest.and_then(|rest| rest.split_once(':')).filter(|(_, why)| !why.trim().is_empty());
            number.is_some_and(|(number, _)| number.trim().eq_ignore_ascii_case(code.number()))
        })
    };
    let lines: Vec<&str> = text.split('\n').take(line).collect();
    let (own, above) = lines.split_last().unwrap();
    let said = |line: &str| line.trim_matches(BLANK).to_owned();
    // Within a line of the screen, a carriage return ends one of YAML.
    let is_several = own.trim_end_matches('\r').contains('\r');
    if (is_several || !said(own).starts_with('#')) && names(own) {
        return true;
    }
    let about = above.iter().rev().take_while(|line| said(line).is_empty() || said(line).starts_with('#'));
    about.into_iter().any(|line| names(line))
}

/// Comments are what can be left out: every document says the same without them.
fn comments(source: &Source, watch: &mut Watch) {
    let (trees, findings) = manifest::parse(source);
    if !findings.is_empty() {
        return;
    }
    let mut text = source.text().to_owned();
    let all = watch.time(|| manifest::comments(source));
    for span in all.into_iter().rev() {
        let comment = &text[span.range()];
        assert!(comment.starts_with('#') && !comment.contains('\n'), "{comment:?}");
        let begin = text[..span.range().start].rfind('\n').map_or(0, |at| at + 1);
        // An empty line may be a part of the text above it.
        let end = text[span.range().end..].find('\n').map_or(text.len(), |at| span.range().end + at + 1);
        // A carriage return alone ends a line of YAML, too.
        let behind = text[span.range().end..end].trim_matches(['\r', '\n']);
        let is_alone =
            text[begin..span.range().start].trim_matches([' ', '\t']).is_empty() && behind.is_empty();
        let gone = if is_alone { begin..end } else { span.range() };
        text.replace_range(gone, "");
    }
    let without = Source::new(source.path(), text);
    let (blank, findings) = manifest::parse(&without);
    assert!(findings.is_empty(), "{findings:?}");
    let lines = |trees: &[manifest::Tree]| -> Vec<String> {
        let line = |tree: &manifest::Tree| tree.root().and_then(|root| manifest::line(tree, root).ok());
        trees.iter().map(|tree| line(tree).unwrap_or_default()).filter(|line| !line.is_empty()).collect()
    };
    assert_eq!(lines(&trees), lines(&blank), "without its comments");
}
