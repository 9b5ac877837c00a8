//! `docs/security.md` names a test for every line, and each of them is there.

use std::{fs, path::PathBuf};

#[test]
fn every_line_of_the_threat_model_names_tests_that_are_there() {
    let page = include_str!("../../docs/security.md");
    let mut lines = 0;
    for line in page.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 2) {
        let tried = line.rsplit(" | ").next().unwrap_or_default();
        if tried.starts_with("tried by") || tried.starts_with("---") {
            continue;
        }
        let named: Vec<&str> = tried.split('`').filter(|word| word.contains("::")).collect();
        assert!(!named.is_empty(), "no test: {line}");
        for test in named {
            let (module, name) = test.rsplit_once("::").expect("it was looked for");
            let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/promises");
            path.push(format!("{}.rs", module.replace("::", "/")));
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(text.contains(&format!("#[test]\nfn {name}(")), "{test} is no test");
        }
        lines += 1;
    }
    assert!(lines > 30, "{lines} lines");
}
