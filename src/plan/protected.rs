//! What is not deleted without somebody's word.

/// Kinds whose loss cannot be taken back by a revert: what they hold is not in Git.
#[must_use]
pub fn is_protected(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("", "Namespace" | "PersistentVolumeClaim") | ("apiextensions.k8s.io", "CustomResourceDefinition")
    )
}
