//! What people get wrong in manifests: the line that they are shown, and the words.

mod crooked;
mod hostile;
mod mistakes;
mod rules;
mod values;

use super::walk;
use crate::{
    check::schema::{Found, Minor, Schemas},
    finding::{Finding, Verdict},
    manifest, report,
    source::Source,
};

const SHOP: &str = include_str!("shop.yaml");
const BACK: &str = include_str!("back.yaml");
const OVEN: &str = include_str!("oven.yaml");
const OVENS: &str = include_str!("ovens.yaml");

/// The schemas of Kubernetes and of an oven.
fn schemas() -> Schemas {
    let mut schemas = Schemas::compiled(Minor::NEWEST);
    let (definitions, findings) = manifest::read(&Source::new("ovens.yaml", OVENS));
    assert!(findings.is_empty(), "{findings:?}");
    let definition = definitions[0].json().expect("because it is small");
    schemas.define(&definition).expect("because it is small");
    schemas
}

/// A finding as a person reads it, behind an empty line.
fn shown(finding: &Finding) -> Vec<String> {
    report::findings(&Verdict::new(vec![finding.clone()]))
}

/// What the walk finds in a file.
fn found(schemas: &Schemas, file: &str, text: &str) -> Vec<Finding> {
    let (manifests, findings) = manifest::read(&Source::new(file, text));
    assert!(findings.is_empty(), "{findings:?}");
    let walked = manifests.iter().flat_map(|manifest| {
        let Found::Kind(kind) = schemas.find(&manifest.api_version, &manifest.key.kind) else {
            panic!("{} is not known", manifest.key);
        };
        walk(manifest, kind)
    });
    walked.collect()
}

#[test]
fn good_manifests_give_no_finding() {
    let schemas = schemas();
    for (file, text) in [("shop.yaml", SHOP), ("back.yaml", BACK), ("oven.yaml", OVEN), ("ovens.yaml", OVENS)]
    {
        let found = found(&schemas, file, text);
        let shown: Vec<String> = found.iter().flat_map(shown).collect();
        assert!(found.is_empty(), "{}", shown.join("\n"));
    }
}
