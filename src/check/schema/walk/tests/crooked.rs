//! No tree and no schema makes the walk fail, or point beside the text.

use proptest::prelude::*;

use super::{BACK, OVEN, SHOP, schemas, walk};
use crate::{check::schema::Found, manifest, source::Source, text};

/// What a line of a manifest may be replaced by.
fn slip() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("- x".to_owned()),
        Just("[{name: a}, {name: a}, null, 7]".to_owned()),
        Just("{name: x, image: [y], spec: {spec: 1}}".to_owned()),
        Just("&a {b: c}".to_owned()),
        Just("\"{{ .Values.x }}\"".to_owned()),
        Just("ä\u{1f35e}".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("-1.5e300".to_owned()),
        "[a-z0-9 .:/-]{0,8}",
    ]
}

/// Every finding is about a place in the text, and what is shown of it is safe and fits.
fn looks_right(schemas: &crate::check::schema::Schemas, written: &str) {
    let (manifests, _) = manifest::read(&Source::new("a.yaml", written));
    for manifest in &manifests {
        let Found::Kind(kind) = schemas.find(&manifest.api_version, &manifest.key.kind) else { continue };
        for finding in walk(manifest, kind) {
            let place = finding.place.expect("because the walk knows where it is");
            assert!((1..=written.split('\n').count()).contains(&(place.line as usize)), "{place:?}");
            let shown = place.text.unwrap_or_default();
            assert!((place.caret + place.width) as usize <= shown.chars().count() + 1, "{shown:?}");
            assert!(text::is_clean(&finding.message), "{:?}", finding.message);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_slip_makes_the_walk_fail_or_point_beside_the_text(
        slips in proptest::collection::vec((0usize..400, 0usize..6, slip()), 1..6)
    ) {
        thread_local! {
            static SCHEMAS: crate::check::schema::Schemas = schemas();
        }
        for good in [SHOP, BACK, OVEN] {
            let mut lines: Vec<String> = good.lines().map(ToOwned::to_owned).collect();
            for (at, indent, slip) in &slips {
                let at = at % lines.len();
                let line = &lines[at];
                let key = line.split_once(": ").map_or(line.trim_end_matches(':'), |(key, _)| key);
                let key = key.trim_start();
                let depth = (line.len() - line.trim_start().len()).saturating_sub(2) + indent;
                lines[at] = format!("{}{key}: {slip}", " ".repeat(depth));
            }
            SCHEMAS.with(|schemas| looks_right(schemas, &lines.join("\n")));
        }
    }
}

#[test]
fn aliases_of_aliases_are_not_walked_for_ever() {
    let mut text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  a0: &a0 {x: 1}\n".to_owned();
    for n in 1..12 {
        let of = vec![format!("*a{}", n - 1); 10].join(", ");
        text = format!("{text}  a{n}: &a{n} [{of}]\n");
    }
    text.push_str("  containers: *a11\n");
    let source = Source::new("a.yaml", text);
    let (manifests, _) = manifest::read(&source);
    let schemas = schemas();
    for manifest in &manifests {
        let Found::Kind(kind) = schemas.find("v1", "Pod") else { panic!("a Pod is known") };
        assert!(walk(manifest, kind).len() <= crate::finding::MOST_OF_ONE);
    }
}
