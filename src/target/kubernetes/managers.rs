//! What a field manager is: a tool that deploys, a person's hand, or a controller that keeps a field up to date.

use serde_json::Value as Json;

use crate::text;

/// Holds `spec.replicas` for an autoscaler between the moment at which Git no longer declares it and the
/// autoscaler's first change.
pub(super) const FOR_AUTOSCALER: &str = "instate-for-autoscaler";

/// Holds what an environment held that was retired: nobody's, and whoever takes it over takes it whole.
pub(super) const FREED: &str = "instate";

/// Who holds a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A tool that deploys whole objects, by its name.
    Deployer(&'static str),
    /// A person with a tool for one change.
    Person,
    /// Whoever else: what it writes, it writes again.
    Controller,
}

/// Field managers of tools that deploy, with their names. Helm, kapp and many others are known by the name of
/// their program.
const DEPLOYERS: [(&str, &str); 21] = [
    (FREED, "an environment that was retired"),
    ("kubectl", "kubectl"),
    ("kubectl-client-side-apply", "kubectl apply"),
    ("kubectl-create", "kubectl create"),
    ("kubectl-replace", "kubectl replace"),
    ("kubectl-run", "kubectl run"),
    ("kubectl-expose", "kubectl expose"),
    ("kubectl-autoscale", "kubectl autoscale"),
    ("helm", "Helm"),
    ("Helm", "Helm"),
    ("argocd", "Argo CD"),
    ("argocd-controller", "Argo CD"),
    ("argocd-application-controller", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
    ("flux", "Flux"),
    ("kapp", "kapp"),
    ("kapp-controller", "kapp"),
    ("kluctl", "kluctl"),
    ("Terraform", "Terraform"),
    ("pulumi-kubernetes", "Pulumi"),
];

/// Beginnings of the names of tools by which a person changes one thing.
const HANDS: [&str; 9] =
    ["kubectl", "before-first-apply", "terraform", "pulumi", "k9s", "Lens", "Mozilla", "curl", "oc-"];

impl Holder {
    pub fn of(manager: &str) -> Self {
        if let Some((_, tool)) = DEPLOYERS.iter().find(|(known, _)| *known == manager) {
            return Self::Deployer(tool);
        }
        let by_hand = HANDS.iter().any(|hand| manager.starts_with(hand));
        if by_hand || manager == FOR_AUTOSCALER { Self::Person } else { Self::Controller }
    }
}

/// A tool whose marks on an object say that it deploys it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    pub tool: &'static str,
    /// The label or annotation.
    pub mark: &'static str,
    /// How it is kept from going on with `NAME`.
    stop: &'static str,
}

impl Marked {
    /// How it is kept from going on.
    pub fn stop(&self, live: &Json) -> String {
        let metadata = &live["metadata"];
        let said = metadata["labels"][self.mark].as_str().or(metadata["annotations"][self.mark].as_str());
        let name = said.and_then(|said| said.split(':').next()).unwrap_or("NAME");
        // The value of kapp's label is a number of its own.
        let name = if self.tool == "kapp" { "NAME" } else { name };
        self.stop.replace("NAME", &text::excerpt(name, 80))
    }
}

/// Labels and annotations of other deployers.
const MARKS: [Marked; 7] = [
    Marked { tool: "Argo CD", mark: "argocd.argoproj.io/tracking-id", stop: STOP_ARGO },
    Marked { tool: "Argo CD", mark: "argocd.argoproj.io/instance", stop: STOP_ARGO },
    // Helm's charts and people set it too.
    Marked { tool: "Argo CD", mark: "app.kubernetes.io/instance", stop: STOP_ARGO },
    Marked {
        tool: "Flux",
        mark: "kustomize.toolkit.fluxcd.io/name",
        stop: "flux suspend kustomization NAME, and set its `prune: false`",
    },
    Marked { tool: "Flux", mark: "helm.toolkit.fluxcd.io/name", stop: "flux suspend helmrelease NAME" },
    Marked {
        tool: "Helm",
        mark: "meta.helm.sh/release-name",
        stop: "kubectl delete secret -l owner=helm,name=NAME, which forgets the release and deletes nothing of it",
    },
    Marked { tool: "kapp", mark: "kapp.k14s.io/app", stop: "kubectl delete configmap NAME, of the kapp app" },
];

const STOP_ARGO: &str = "argocd app delete NAME --cascade=false";

/// The other deployer that an object says it belongs to.
pub(super) fn marked(live: &Json) -> Option<&'static Marked> {
    let metadata = &live["metadata"];
    let has = |mark: &str| metadata["labels"][mark].is_string() || metadata["annotations"][mark].is_string();
    let entries = metadata["managedFields"].as_array();
    let by_argo = || {
        let mut managers = entries.into_iter().flatten().filter_map(|entry| entry["manager"].as_str());
        managers.any(|manager| Holder::of(manager) == Holder::Deployer("Argo CD"))
    };
    MARKS.iter().find(|marked| has(marked.mark) && (marked.mark != "app.kubernetes.io/instance" || by_argo()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Holder, marked};

    #[test]
    fn deployers_persons_and_controllers_are_told_apart() {
        for (manager, holder) in [
            ("kubectl-client-side-apply", Holder::Deployer("kubectl apply")),
            ("helm", Holder::Deployer("Helm")),
            ("instate", Holder::Deployer("an environment that was retired")),
            ("argocd-controller", Holder::Deployer("Argo CD")),
            ("kubectl-edit", Holder::Person),
            ("kubectl-patch", Holder::Person),
            ("before-first-apply", Holder::Person),
            ("kube-controller-manager", Holder::Controller),
            ("cert-manager-cainjector", Holder::Controller),
            ("argocd-image-updater", Holder::Controller),
            ("helm-operator", Holder::Controller),
            ("vpa-updater", Holder::Controller),
        ] {
            assert_eq!(Holder::of(manager), holder, "{manager}");
        }
    }

    #[test]
    fn a_mark_that_many_set_is_argo_cds_only_where_it_wrote() {
        let of = |manager: &str| {
            json!({"metadata": {
                "labels": {"app.kubernetes.io/instance": "web"}, "managedFields": [{"manager": manager}],
            }})
        };
        assert_eq!(marked(&of("argocd-controller")).map(|marked| marked.tool), Some("Argo CD"));
        assert_eq!(marked(&of("helm")), None);
    }
}
