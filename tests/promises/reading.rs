//! YAML is read as Kubernetes reads it, compared with the library that it uses.

mod corpus;
mod deliberate;
pub mod dice;
mod generate;

use crate::common::built;
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use instate::{finding::Severity, manifest, render};
use serde::Deserialize;

use corpus::CORPUS;
use deliberate::REFUSALS;

/// What became of one part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Answer {
    json: String,
    error: String,
    strict: String,
    more: bool,
}

/// The program of `tests/yaml`; the first who asks has it built.
fn library() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("yaml").join("read"))
}

/// What the library makes of each text.
fn asked(texts: &[String]) -> Vec<Vec<Answer>> {
    let mut child = Command::new(library()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let answers = thread::scope(|scope| {
        scope.spawn(move || {
            for text in texts {
                write!(stdin, "{}\n{text}", text.len()).unwrap();
            }
        });
        answers.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect::<Vec<_>>()
    });
    assert!(child.wait().unwrap().success());
    assert_eq!(answers.len(), texts.len());
    answers
}

/// What we make of a text: its documents, or the codes of what refuses it.
fn ours(text: &str) -> Result<Vec<String>, Vec<(&'static str, String)>> {
    let source = match render::plain("a.yaml", text.into()) {
        Ok(source) => source,
        Err(finding) => return Err(vec![(finding.code.number(), finding.message.clone())]),
    };
    let (trees, findings) = manifest::parse(&source);
    let errors = findings.iter().filter(|f| f.severity == Severity::Error);
    let codes: Vec<_> = errors.map(|f| (f.code.number(), f.message.clone())).collect();
    if !codes.is_empty() {
        return Err(codes);
    }
    let lines = trees.iter().filter_map(|tree| Some(manifest::line(tree, tree.root()?).unwrap()));
    Ok(lines.filter(|line| line != "null").collect())
}

/// How we differ from the library, if we do.
fn difference(text: &str, answers: &[Answer]) -> Option<String> {
    let error = answers.iter().find(|answer| !answer.error.is_empty());
    let theirs = answers.iter().map(|answer| answer.json.as_str()).filter(|json| *json != "null");
    match (ours(text), error) {
        (Ok(ours), None) if answers.iter().any(|answer| answer.more) => {
            Some(format!("what stands behind the document is dropped: {ours:?}"))
        }
        (Ok(ours), None) => {
            let theirs: Vec<&str> = theirs.collect();
            (ours != theirs).then(|| format!("we read  {ours:?}\nit reads {theirs:?}"))
        }
        // kubectl reads a file of JSON as JSON, which has escapes of its own.
        (Ok(_), Some(_)) if is_json(text) => None,
        (Ok(ours), Some(error)) => Some(format!("we read {ours:?}\nit refuses: {}", error.error)),
        (Err(_), Some(_)) => None,
        (Err(_), None) if answers.iter().any(|answer| answer.more) => None,
        (Err(found), None) => {
            let said = |(code, message): &(&str, String)| REFUSALS.iter().any(|r| r.is(code, message));
            (!found.iter().any(said))
                .then(|| format!("we refuse: {found:?}\nit reads {:?}", theirs.collect::<Vec<_>>()))
        }
    }
}

fn is_json(text: &str) -> bool {
    text.starts_with('{') && serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// Compares every text, and shows the shortest that is read otherwise.
#[track_caller]
fn all_are_the_same(texts: &[String]) {
    let answers = asked(texts);
    let compared = texts.iter().zip(&answers);
    let wrong = compared.filter_map(|(text, answers)| Some((text, difference(text, answers)?)));
    let mut wrong: Vec<_> = wrong.collect();
    wrong.sort_by_key(|(text, _)| text.len());
    let shown: Vec<String> = wrong.iter().take(10).map(|(text, how)| format!("{text:?}\n{how}\n")).collect();
    assert!(wrong.is_empty(), "{} of {} texts:\n\n{}", wrong.len(), texts.len(), shown.join("\n"));
}

#[test]
fn what_people_write_is_read_as_kubernetes_reads_it() {
    let mut texts: Vec<String> = CORPUS.iter().map(|text| (*text).to_owned()).collect();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promises/fixtures");
    for file in
        ["kinds.yaml", "service.yaml", "web.yaml", "shop/shop.yaml", "shop/web.json", "shop/settings.yaml"]
    {
        texts.push(std::fs::read_to_string(fixtures.join(file)).unwrap());
    }
    all_are_the_same(&texts);
    let read = texts.iter().filter(|text| ours(text).is_ok()).count();
    assert!(read > 55, "only {read} of {} are read at all", texts.len());
}

#[test]
fn what_rules_and_dice_make_is_read_as_kubernetes_reads_it() {
    let texts = generate::all();
    assert!(texts.len() > 10_000, "{}", texts.len());
    all_are_the_same(&texts);
    let read = texts.iter().filter(|text| ours(text).is_ok()).count();
    assert!(read > 5_000, "only {read} are read at all");
}

#[test]
fn what_is_refused_although_kubernetes_reads_it_has_a_reason() {
    let examples: Vec<String> = REFUSALS.iter().map(deliberate::Refusal::example).collect();
    for ((refusal, example), answers) in REFUSALS.iter().zip(&examples).zip(asked(&examples)) {
        let found = ours(example).expect_err(refusal.why);
        assert!(found.iter().any(|(code, message)| refusal.is(code, message)), "{example:?}: {found:?}");
        // But for the one that kubectl itself is said to fail at.
        let of_kubectl = answers.iter().any(|answer| answer.error.contains("document separator"));
        assert!(
            of_kubectl || answers.iter().all(|answer| answer.error.is_empty()),
            "{example:?}: {answers:?}"
        );
        if matches!(refusal.code, "I0122" | "I0128") {
            assert!(answers.iter().any(|answer| !answer.strict.is_empty()), "{example:?}: {answers:?}");
        }
    }
}

#[test]
fn a_file_of_json_is_read_as_json() {
    let text = r#"{"a": "\ud83d\ude00 \/ \u00e9"}"#;
    assert_eq!(ours(text), Ok(vec!["{\"a\":\"\u{1f600} / \u{e9}\"}".to_owned()]));
    let error = &asked(&[text.to_owned()])[0][0].error;
    assert!(
        error.contains("escape"),
        "the library reads it by now, and nothing is to be said of it: {error}"
    );
    for text in ["a: \"\\ud83d\\ude00\"\n", "a: \"\\/\"\n", "{\"a\": \"\\/\"} # c\n"] {
        assert_eq!(ours(text).map_err(|found| found[0].0), Err("I0121"), "{text}");
    }
}

#[test]
fn aliases_may_stand_for_as_much_as_kubernetes_allows() {
    // Levels of aliases, ten in each, over some plain values before and behind them.
    let bomb = |levels: usize, before: usize, behind: usize| {
        let mut text = format!("p: [{}]\na0: &a0 [1,1,1,1,1,1,1,1,1,1]\n", "1,".repeat(before));
        for level in 1..=levels {
            let of = vec![format!("*a{}", level - 1); 10].join(",");
            text.push_str(&format!("a{level}: &a{level} [{of}]\n"));
        }
        format!("{text}q: [{}]\n", "1,".repeat(behind))
    };
    let mut texts: Vec<String> = (1..8).map(|levels| bomb(levels, 0, 0)).collect();
    texts.extend([
        bomb(3, 100, 0),
        bomb(3, 0, 5000),
        bomb(4, 1000, 0),
        bomb(4, 10_000, 0),
        bomb(5, 400_000, 0),
    ]);
    texts.extend(
        (90..130).map(|items| format!("a: &a [{}]\nb: [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n", "1,".repeat(items))),
    );
    texts.extend([10, 50, 200].map(|times| {
        let merges = "- <<: *a\n".repeat(times);
        format!("- &a {{{}}}\n{merges}", (0..100).map(|n| format!("k{n}: 1,")).collect::<String>())
    }));
    all_are_the_same(&texts);
    let refused = texts.iter().filter(|text| ours(text).is_err()).count();
    assert!(refused > 3 && refused < texts.len() - 20, "{refused} of {}", texts.len());
}
