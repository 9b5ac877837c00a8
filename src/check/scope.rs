//! An object that lives in no namespace has none: the API server drops what is written there without a word,
//! and `kubectl` sends it.

use super::{
    across::Across,
    schema::{Found, Scope},
};
use crate::{
    finding::{self, Code, Finding},
    text,
};

pub(super) fn check(across: &Across<'_>) -> Vec<Finding> {
    let lives_in_none =
        |kind: usize| matches!(&across.kinds[kind].2, Found::Kind(kind) if kind.scope == Scope::Cluster);
    let wrong = across.objects.iter().filter_map(|object| {
        let namespace = object.facts.key.namespace.as_deref()?;
        lives_in_none(object.kind).then_some((*object, namespace))
    });
    let finding = |(object, namespace): (super::across::Object<'_>, &str)| {
        let kind = &object.facts.key.kind;
        let message = format!(
            "{} has a namespace, and a {kind} lives in none: the cluster would ignore it",
            object.shown()
        );
        Finding::error(Code::NamespaceIgnored, message)
            .at(across.place(object, object.facts.at.namespace))
            .help(format!("remove `namespace: {}`", text::excerpt(namespace, 63)))
    };
    wrong.take(finding::MOST_OF_ONE).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::offline;

    #[test]
    fn a_namespace_on_an_object_that_lives_in_none_is_shown() {
        let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: reader\n  namespace: shop\n";
        insta::assert_snapshot!(offline(text));
        assert_eq!(offline(&text.replace("  namespace: shop\n", "")), "");
        assert_eq!(offline(&text.replace("ClusterRole", "Role")), "");
    }
}
