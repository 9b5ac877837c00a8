//! A verdict as SARIF 2.1.0, which code review tools read.

use std::{collections::HashMap, fmt::Write as _};

use ring::digest;
use serde_json::{Value, json};

use crate::{
    finding::{Code, Finding, Severity, Verdict},
    source::Place,
    text::clean,
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Names how fingerprints are made; another number where that changes.
const FINGERPRINT: &str = "instate/v1";

/// The whole document.
pub(super) fn document(verdict: &Verdict) -> Value {
    let mut codes: Vec<Code> = verdict.findings().iter().map(|finding| finding.code).collect();
    codes.sort();
    codes.dedup();
    let mut seen = HashMap::new();
    let results: Vec<Value> = verdict.findings().iter().map(|f| result(f, &codes, &mut seen)).collect();
    let driver = json!({
        "name": "instate",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
    });
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.number(),
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": code.meaning()},
        "help": {"text": code.page_in_lines().join("\n"), "markdown": code.page()},
    })
}

fn result(finding: &Finding, codes: &[Code], seen: &mut HashMap<String, usize>) -> Value {
    let help = finding.help.as_ref().map(|help| format!("\nhelp: {}", clean(help))).unwrap_or_default();
    json!({
        "ruleId": finding.code.number(),
        "ruleIndex": codes.binary_search(&finding.code).unwrap_or_default(),
        "level": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": {"text": format!("{}{help}", clean(&finding.message))},
        "baselineState": if finding.introduced { "new" } else { "unchanged" },
        "partialFingerprints": {FINGERPRINT: fingerprint(finding, seen)},
        "locations": [{"physicalLocation": location(finding.place.as_ref())}],
    })
}

/// GitHub's code scanning takes no document in which one result has no place of its own, so what is about a whole
/// file stands at its beginning, and what is about no file at the top of the repository.
fn location(place: Option<&Place>) -> Value {
    let file = json!({"uri": place.map_or_else(|| ".".to_owned(), |place| uri(&place.path)), "uriBaseId": "%SRCROOT%"});
    let (line, column, width) = match place {
        Some(place) if place.line > 0 => (place.line, place.column, place.width),
        _ => (1, 1, 0),
    };
    let region =
        json!({"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + width});
    json!({"artifactLocation": file, "region": region})
}

/// A path as a URI has it.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(byte.into());
            }
            byte => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

/// The same for the same finding when lines above it come and go: the line's text counts, not its number,
/// and among equals which of them it is.
fn fingerprint(finding: &Finding, seen: &mut HashMap<String, usize>) -> String {
    let place = finding.place.as_ref();
    let path = place.map_or("", |place| &place.path);
    let line = place.and_then(|place| place.text.as_deref()).unwrap_or_default();
    let about = [finding.code.number(), path, &finding.message, line.trim()].join("\0");
    let nth = seen.entry(about.clone()).or_default();
    *nth += 1;
    let hash = digest::digest(&digest::SHA256, format!("{about}\0{nth}").as_bytes());
    hash.as_ref()[..16].iter().fold(String::new(), |mut word, byte| {
        let _ = write!(word, "{byte:02x}");
        word
    })
}

#[cfg(test)]
mod tests {
    use super::{document, uri};
    use crate::{
        finding::{Code, Finding, Verdict},
        source::{Place, Source},
    };
    use serde_json::Value;

    /// A finding at each line of a file that has the word `bad`.
    fn findings(text: &str) -> Vec<Finding> {
        let source = Source::of_server("shop/a b.yaml", text);
        let places = text.match_indices("bad").map(|(at, word)| source.place((at..at + word.len()).into()));
        places.map(|place| Finding::error(Code::Invalid, "it is bad").at(place)).collect()
    }

    fn fingerprints(document: &Value) -> Vec<String> {
        let results = document["runs"][0]["results"].as_array().expect("because there are results");
        results.iter().map(|result| result["partialFingerprints"]["instate/v1"].to_string()).collect()
    }

    #[test]
    fn a_document_has_what_the_standard_requires() {
        let mut found = findings("\u{1f6d2}: bad\n");
        found[0].help = Some("mend it".into());
        found.push(Finding::error(Code::FileTooLarge, "it is large").at(Place::file("b.yaml")));
        found.push(Finding::warning(Code::NoManifests, "there is nothing"));
        found.push(Finding { introduced: false, ..Finding::error(Code::Invalid, "it was there") });
        let mut document = document(&Verdict::new(found));
        document["runs"][0]["tool"]["driver"]["semanticVersion"] = "(version)".into();
        for rule in document["runs"][0]["tool"]["driver"]["rules"].as_array_mut().expect("there are rules") {
            for text in ["/fullDescription/text", "/help/text", "/help/markdown"] {
                let text = rule.pointer_mut(text).expect("because each rule is explained");
                assert!(text.as_str().is_some_and(|text| text.len() > 40), "{text}");
                *text = "(of docs/findings.md)".into();
            }
        }
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("because it is JSON"));
    }

    #[test]
    fn a_fingerprint_stays_when_lines_are_added_above_and_equal_findings_have_different_ones() {
        let before = fingerprints(&document(&Verdict::new(findings("a: bad\na: bad\nb: bad\n"))));
        let after = fingerprints(&document(&Verdict::new(findings("# new\n\na: bad\na: bad\nb: bad\n"))));
        assert_eq!(before, after);
        assert_eq!(before.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn a_path_is_written_as_a_uri() {
        assert_eq!(uri("a b/caf\u{e9}%.yaml"), "a%20b/caf%C3%A9%25.yaml");
    }
}
