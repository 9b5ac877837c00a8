//! What tests of checks across objects need: files, and what a person sees of them.

use std::sync::LazyLock;

use super::{
    Across, Cluster, Facts, World,
    schema::{Minor, Schemas},
};
use crate::{
    finding::{Finding, Verdict},
    manifest::{self, ObjectKey},
    report,
    revision::Declared,
    source::Source,
};

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::compiled(Minor(36)));

/// The findings of `files`, each a path and a text, in the namespace `shop`.
pub(super) fn check(files: &[(&str, &str)], lacks: impl Fn(&[ObjectKey]) -> Cluster) -> Vec<Finding> {
    in_order(files, None, lacks)
}

/// As [`check`], the objects handed over in another order.
pub(super) fn in_order(
    files: &[(&str, &str)],
    order: Option<&[usize]>,
    lacks: impl Fn(&[ObjectKey]) -> Cluster,
) -> Vec<Finding> {
    let sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(*path, *text)).collect();
    let mut objects = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        let (manifests, findings) = manifest::read(source);
        assert!(findings.is_empty(), "{findings:#?}");
        let facts = manifests.iter().map(Facts::of).enumerate();
        objects.extend(facts.map(|(at, facts)| Declared { file, at, facts }));
    }
    if let Some(order) = order {
        objects = order.iter().map(|at: &usize| objects[*at].clone()).collect();
    }
    let world = World { namespace: "shop", schemas: &SCHEMAS, at: &|file, span| sources[file].place(span) };
    let across = Across::new(&objects, world);
    let questions: Vec<ObjectKey> = across.questions().into_iter().collect();
    across.check(&lacks(&questions))
}

/// What a person sees where no cluster was asked.
pub(super) fn offline(text: &str) -> String {
    shown(check(&[("shop.yaml", text)], |_| Cluster::NotAsked))
}

/// What a person sees where the cluster has nothing of what it was asked.
pub(super) fn asked(text: &str) -> String {
    shown(check(&[("shop.yaml", text)], |asked| Cluster::Lacks(asked.iter().cloned().collect())))
}

/// The findings as they stand on a terminal.
pub(super) fn shown(findings: Vec<Finding>) -> String {
    report::findings(&Verdict::new(findings)).join("\n")
}
