//! The objects of an environment together, as the checks see them.

use std::collections::{BTreeSet, HashMap};

use super::{
    Cluster, World, duplicates,
    facts::Facts,
    kinds, namespaces, order, references,
    references::Lacks,
    schema::{Found, Scope},
    scope, selectors, webhooks,
};
use crate::{
    finding::Finding,
    manifest::ObjectKey,
    revision::Declared,
    source::{Place, Span},
    text,
};

/// The objects of an environment, and how they are found.
pub struct Across<'a> {
    pub(super) world: World<'a>,
    /// In the order of files and of places in them.
    pub(super) objects: Vec<Object<'a>>,
    /// The first of each.
    pub(super) found: HashMap<Id<'a>, usize>,
    /// Kinds of them: `apiVersion`, `kind`, and what is known of it.
    pub(super) kinds: Vec<(&'a str, &'a str, Found<'a>)>,
    /// What they name and do not have.
    pub(super) lacks: Lacks<'a>,
}

/// One object of the revision.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    pub file: usize,
    pub facts: &'a Facts,
    /// Which one of [`Across::kinds`].
    pub kind: usize,
    /// The namespace that it will have; none where it lives in none.
    pub namespace: Option<&'a str>,
}

/// What tells objects apart in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    pub namespace: Option<&'a str>,
    pub group: &'a str,
}

impl<'a> Across<'a> {
    /// Looks at the objects of an environment, in any order.
    #[must_use]
    pub fn new(objects: &'a [Declared], world: World<'a>) -> Self {
        let mut kinds: Vec<(&str, &str, Found<'a>)> = Vec::new();
        let mut known: HashMap<(&str, &str), usize> = HashMap::new();
        let mut all: Vec<Object<'a>> = Vec::with_capacity(objects.len());
        for one in objects {
            let facts = &one.facts;
            let (version, name) = (&*facts.api_version, facts.key.kind.as_str());
            let kind = *known.entry((version, name)).or_insert_with(|| {
                kinds.push((version, name, world.schemas.find(version, name)));
                kinds.len() - 1
            });
            let namespace = match &kinds[kind].2 {
                Found::Kind(kind) if kind.scope == Scope::Cluster => None,
                _ => Some(facts.key.namespace.as_deref().unwrap_or(world.namespace)),
            };
            all.push(Object { file: one.file, facts, kind, namespace });
        }
        all.sort_by_key(|one| (one.file, one.facts.at.name));
        let mut found = HashMap::with_capacity(all.len());
        for (at, object) in all.iter().enumerate() {
            found.entry(object.id()).or_insert(at);
        }
        let mut across = Self { world, objects: all, found, kinds, lacks: Lacks::default() };
        across.lacks = Lacks::of(&across);
        across
    }

    /// What the cluster has to be asked before [`Across::check`] can tell what it lacks.
    #[must_use]
    pub fn questions(&self) -> BTreeSet<ObjectKey> {
        let mut all: BTreeSet<ObjectKey> =
            namespaces::undeclared(self).into_keys().map(namespaces::question).collect();
        all.extend(self.lacks.questions());
        all
    }

    /// Everything that is wrong with these objects together.
    #[must_use]
    pub fn check(&self, cluster: &Cluster) -> Vec<Finding> {
        let mut findings = duplicates::check(self);
        findings.extend(kinds::check(self));
        findings.extend(scope::check(self));
        findings.extend(namespaces::check(self, cluster));
        findings.extend(selectors::check(self));
        findings.extend(webhooks::check(self));
        findings.extend(references::check(self, cluster));
        findings.extend(order::check(self));
        findings
    }

    /// Whether the revision has it.
    pub(super) fn has(&self, id: Id<'_>) -> bool {
        self.found.contains_key(&id)
    }

    pub(super) fn place(&self, object: Object<'_>, span: Span) -> Place {
        (self.world.at)(object.file, span)
    }
}

impl<'a> Object<'a> {
    /// `Deployment/web`, as messages name it.
    pub fn shown(self) -> String {
        let ObjectKey { kind, name, .. } = &self.facts.key;
        format!("{}/{}", text::excerpt(kind, 63), text::excerpt(name, 120))
    }

    pub fn id(self) -> Id<'a> {
        let ObjectKey { group, kind, name, .. } = &self.facts.key;
        Id { group: same_group(group, kind), kind, namespace: self.namespace, name }
    }
}

/// Some kinds are served by two groups, and an object of the one is an object of the other.
pub(super) fn same_group<'k>(group: &'k str, kind: &str) -> &'k str {
    match (group, kind) {
        ("extensions", "Deployment" | "DaemonSet" | "ReplicaSet") => "apps",
        ("extensions", "Ingress" | "NetworkPolicy") => "networking.k8s.io",
        ("extensions", "PodSecurityPolicy") => "policy",
        ("events.k8s.io", "Event") => "",
        _ => group,
    }
}

/// How many others something is about, behind the name of the first.
pub(super) fn more(others: usize, word: &str) -> String {
    match others {
        0 => String::new(),
        1 => format!(" and 1 more {word}"),
        n => format!(" and {n} more {word}s"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{
        check::{
            Cluster,
            testing::{self, check},
        },
        finding::Verdict,
    };

    /// Files that say something to each other, and of which most is wrong.
    const FILES: [(&str, &str); 5] = [
        (
            "a.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: wbe}, ports: [{port: 80}]}\n---\n\
             apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: toosl}\ndata: {a: b}\n",
        ),
        (
            "b.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  \
             template:\n    metadata: {labels: {app: web}}\n    spec: {serviceAccountName: web, containers: []}\n",
        ),
        (
            "c.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: other}\nspec:\n  selector: {matchLabels: {app: other}}\n  \
             template:\n    metadata: {labels: {app: else}}\n    spec: {serviceAccountName: web, containers: []}\n",
        ),
        (
            "d.yaml",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: tools, namespace: shop}\n---\n\
             apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: []}\n",
        ),
        ("e.yaml", "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n"),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn the_order_in_which_objects_are_read_changes_nothing(order in Just(vec![0, 1, 2, 3, 4, 5, 6]).prop_shuffle()) {
            let found = |order: &[usize]| {
                Verdict::new(testing::in_order(&FILES, Some(order), |asked| Cluster::Lacks(asked.iter().cloned().collect())))
            };
            let usual = found(&[0, 1, 2, 3, 4, 5, 6]);
            prop_assert!(usual.findings().len() >= 7, "{:#?}", usual);
            prop_assert_eq!(usual, found(&order));
        }
    }

    #[test]
    fn very_many_objects_that_are_fine_have_no_finding() {
        let one = |n: usize| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web-{n}}}\nspec:\n  \
                 selector: {{matchLabels: {{app: web-{n}}}}}\n  template:\n    metadata: {{labels: {{app: web-{n}, part-of: shop}}}}\n    \
                 spec: {{containers: [{{name: a, envFrom: [{{configMapRef: {{name: web-{n}}}}}]}}]}}\n---\n\
                 apiVersion: v1\nkind: Service\nmetadata: {{name: web-{n}}}\nspec: {{selector: {{app: web-{n}, part-of: shop}}, ports: [{{port: 80}}]}}\n---\n\
                 apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web-{n}}}\ndata: {{a: b}}\n"
            )
        };
        let texts: Vec<String> = (0..1_000).map(one).collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|text| ("many.yaml", text.as_str())).collect();
        assert_eq!(check(&files, |_| Cluster::NotAsked), []);
    }

    #[test]
    fn of_very_much_that_is_wrong_only_so_much_is_said() {
        let one = |n: usize| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: a{n}, labels: {{a: \"{}\", b: \"{}\"}}}}\n\
                 spec: {{serviceAccountName: no{n}, containers: []}}\n---\n\
                 apiVersion: v1\nkind: Service\nmetadata: {{name: a{n}}}\nspec: {{selector: {{a: \"{}\", b: x}}, ports: [{{port: 80}}]}}\n",
                n % 2,
                n % 3,
                n % 2
            )
        };
        let texts: Vec<String> = (0..500).map(one).collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|text| ("many.yaml", text.as_str())).collect();
        let found = check(&files, |_| Cluster::NotAsked);
        assert!((100..=1_000).contains(&found.len()), "{}", found.len());
    }
}
