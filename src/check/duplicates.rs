//! The same object may stand in an environment once: of two, the one that is applied last would win.

use super::across::Across;
use crate::finding::{self, Code, Finding};

/// A finding at the second and every further place of an object.
pub(super) fn check(across: &Across<'_>) -> Vec<Finding> {
    if across.found.len() == across.objects.len() {
        return Vec::new();
    }
    let again = across.objects.iter().enumerate().filter_map(|(at, object)| {
        let first = *across.found.get(&object.id())?;
        (first != at).then(|| (*object, across.objects[first]))
    });
    let finding = |(object, first): (super::across::Object<'_>, super::across::Object<'_>)| {
        let place = across.place(first, first.facts.at.name);
        let (key, version) = (&object.facts.key, &object.facts.api_version);
        let mut message = format!("{key} is declared twice");
        if first.facts.api_version != *version {
            // It is one object to the cluster, and a person sees two.
            message = format!("{message}, as {} and as {version}", first.facts.api_version);
        }
        Finding::error(Code::SameObjectTwice, message)
            .at(across.place(object, object.facts.at.name))
            .help(format!("it already stands in {}:{}: remove one of the two", place.path, place.line))
    };
    again.take(finding::MOST_OF_ONE).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::{
        Cluster,
        testing::{check, offline, shown},
    };

    #[test]
    fn an_object_of_another_version_or_of_the_former_group_is_the_same_one() {
        let object = |version: &str, kind: &str| {
            format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\n")
        };
        let versions = [
            ("b.yaml", object("autoscaling/v1", "HorizontalPodAutoscaler")),
            ("a.yaml", object("autoscaling/v2", "HorizontalPodAutoscaler")),
        ];
        let files = versions.each_ref().map(|(path, text)| (*path, text.as_str()));
        insta::assert_snapshot!("versions", shown(check(&files, |_| Cluster::NotAsked)));
        let groups = format!(
            "{}---\n{}",
            object("networking.k8s.io/v1", "Ingress"),
            object("extensions/v1beta1", "Ingress")
        );
        assert!(offline(&groups).contains("error[I0301]"));
    }

    #[test]
    fn an_object_that_lives_in_no_namespace_is_the_same_one_whatever_namespace_is_written() {
        let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\n---\n\
                    apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a, namespace: other}\n";
        assert!(offline(text).contains("error[I0301]"));
        assert!(!offline(&text.replace("ClusterRole", "Role")).contains("I0301"));
    }
}
