//! In which order kinds are applied. Deletions run it backwards.

/// A step of the order: one is begun when the one before has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// What others live in or are instances of. It must be ready before the next begins.
    Ground,
    /// What others refer to.
    Referred,
    /// What runs, and all kinds that are not known here.
    Running,
    /// What judges or serves everybody's requests: last, since its backend is among what runs.
    Gatekeeping,
}

impl Stage {
    /// All of them, first to last.
    pub const ALL: [Self; 4] = [Self::Ground, Self::Referred, Self::Running, Self::Gatekeeping];

    /// The stage of a kind.
    #[must_use]
    pub fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("", "Namespace") | ("apiextensions.k8s.io", "CustomResourceDefinition") => Self::Ground,
            (
                "",
                "ServiceAccount"
                | "ConfigMap"
                | "Secret"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "Service"
                | "ResourceQuota"
                | "LimitRange",
            )
            | ("rbac.authorization.k8s.io" | "storage.k8s.io" | "scheduling.k8s.io" | "node.k8s.io", _)
            | ("networking.k8s.io", "NetworkPolicy" | "IngressClass") => Self::Referred,
            ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => Self::Gatekeeping,
            _ => Self::Running,
        }
    }
}

/// Kinds whose loss cannot be taken back by a revert: what they hold is not in Git.
#[must_use]
pub fn is_protected(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("", "Namespace" | "PersistentVolumeClaim") | ("apiextensions.k8s.io", "CustomResourceDefinition")
    )
}
