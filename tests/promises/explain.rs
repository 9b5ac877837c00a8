//! `instate explain`: what the code of a finding means, without a browser.

use crate::common::{Output, World, run};

fn explain(arguments: &[&str]) -> Output {
    let world = World::new();
    let mut command = world.instate();
    command.arg("explain").args(arguments);
    run(command)
}

#[test]
fn a_code_is_explained_with_its_meaning_an_example_and_the_fix() {
    let page = explain(&["I0122"]);
    assert_eq!((page.code, page.stderr.as_str()), (Some(0), ""), "{page}");
    insta::assert_snapshot!(page.stdout);
    assert_eq!(explain(&["i0122"]).stdout, page.stdout);
}

#[test]
fn all_codes_are_listed_by_what_they_are_about() {
    let list = explain(&[]);
    assert_eq!((list.code, list.stderr.as_str()), (Some(0), ""), "{list}");
    let lines: Vec<&str> = list.stdout.lines().collect();
    assert!(lines.contains(&"I0122  a key stands twice"), "{list}");
    assert!(lines.is_sorted(), "{list}");
}

#[test]
fn a_code_that_does_not_exist_is_a_mistake_of_the_call_and_the_nearest_is_named() {
    let (near, far) = (explain(&["I0099"]), explain(&["frobnicate"]));
    assert_eq!((near.code, far.code), (Some(2), Some(2)), "{near}{far}");
    assert_eq!((near.stdout.as_str(), far.stdout.as_str()), ("", ""), "{near}{far}");
    insta::assert_snapshot!(format!("{}{}", near.stderr, far.stderr));
}

#[test]
fn programs_get_the_pages_as_json() {
    let page = explain(&["I0122", "--format", "json"]);
    let event: serde_json::Value = serde_json::from_str(&page.stdout).expect("because it is one object");
    assert_eq!((&event["event"], &event["code"]), (&"explained".into(), &"I0122".into()), "{page}");
    assert!(event["page"].as_str().is_some_and(|page| page.contains("```yaml\n")), "{page}");
    assert!(
        explain(&["--format", "json"])
            .stdout
            .lines()
            .all(|line| line.starts_with("{\"event\":\"explained\""))
    );
}
