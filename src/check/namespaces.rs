//! Every namespace that objects live in is declared by the revision, or the cluster has it.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{
    Cluster,
    across::{Across, Id, Object, more},
    schema::Found,
};
use crate::{
    finding::{self, Code, Finding},
    manifest::ObjectKey,
    text,
};

/// Every cluster has these.
const OF_KUBERNETES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Namespaces that the revision does not declare, each with its first object and how many there are.
pub(super) fn undeclared<'a>(across: &Across<'a>) -> BTreeMap<&'a str, (Object<'a>, usize)> {
    let mut found: BTreeMap<&str, (Object<'_>, usize)> = BTreeMap::new();
    // Most objects live where the one before them does.
    let mut declared: Option<&str> = None;
    for object in &across.objects {
        let Some(namespace) = object.namespace.filter(|namespace| declared != Some(*namespace)) else {
            continue;
        };
        // It may live in none at all.
        if object.facts.key.namespace.is_none() && !matches!(across.kinds[object.kind].2, Found::Kind(_)) {
            continue;
        }
        if OF_KUBERNETES.contains(&namespace) || across.has(id(namespace)) {
            declared = Some(namespace);
            continue;
        }
        match found.entry(namespace) {
            Entry::Vacant(place) => {
                place.insert((*object, 1));
            }
            Entry::Occupied(mut first) => first.get_mut().1 += 1,
        }
    }
    found
}

fn id(namespace: &str) -> Id<'_> {
    Id { group: "", kind: "Namespace", namespace: None, name: namespace }
}

/// Whether the cluster has it.
pub(super) fn question(namespace: &str) -> ObjectKey {
    ObjectKey {
        group: String::new(),
        kind: "Namespace".to_owned(),
        namespace: None,
        name: namespace.to_owned(),
    }
}

pub(super) fn check(across: &Across<'_>, cluster: &Cluster) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (namespace, (object, count)) in undeclared(across) {
        let is_missing = match cluster {
            // Whoever set up the environment knows its own.
            Cluster::NotAsked => namespace != across.world.namespace,
            Cluster::Lacks(missing) => missing.contains(&question(namespace)),
        };
        if is_missing && findings.len() < finding::MOST_OF_ONE {
            findings.push(missing(across, cluster, namespace, object, count - 1));
        }
    }
    findings
}

fn missing(
    across: &Across<'_>,
    cluster: &Cluster,
    namespace: &str,
    object: Object<'_>,
    others: usize,
) -> Finding {
    let name = text::excerpt(namespace, 63);
    let of = format!("{}{}", object.shown(), more(others, "object"));
    let finding = match cluster {
        Cluster::NotAsked => Finding::warning(
            Code::NamespaceMissing,
            format!("nothing in this revision declares the namespace `{name}` of {of}"),
        ),
        Cluster::Lacks(_) => Finding::error(
            Code::NamespaceMissing,
            format!("neither this revision nor the cluster has the namespace `{name}` of {of}"),
        ),
    };
    let declared = across.objects.iter().map(|other| &other.facts.key);
    let declared = declared.filter(|key| key.kind == "Namespace" && key.group.is_empty()).take(1_000);
    let help = match text::nearest(namespace, declared.map(|key| key.name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add a manifest of Namespace/{name}, or create it: kubectl create namespace {name}"),
    };
    finding.at(across.place(object, object.facts.at.namespace)).help(help)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{asked, offline};

    fn in_namespaces(names: &[&str]) -> String {
        let text = |name: &&str| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a-{name}\n  namespace: {name}\n")
        };
        names.iter().map(text).collect::<Vec<_>>().join("---\n")
    }

    const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: backend\n";

    #[test]
    fn a_namespace_that_nobody_has_is_one_finding_for_all_of_its_objects() {
        let text =
            format!("{}---\n{}", in_namespaces(&["tools"]), in_namespaces(&["tools"]).replace("a-", "b-"));
        insta::assert_snapshot!("offline", offline(&text));
        insta::assert_snapshot!("asked", asked(&text));
        insta::assert_snapshot!("near", offline(&format!("{}{NAMESPACE}", in_namespaces(&["bakcend"]))));
    }

    #[test]
    fn a_namespace_that_is_declared_or_always_there_is_no_finding() {
        let text =
            format!("{}{NAMESPACE}", in_namespaces(&["backend", "default", "kube-system", "kube-public"]));
        assert_eq!(offline(&text), "");
        assert_eq!(asked(&text), "");
    }

    #[test]
    fn the_environments_own_namespace_is_only_missing_where_the_cluster_was_asked() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
        assert_eq!(offline(text), "");
        insta::assert_snapshot!("own", asked(text));
    }
}
