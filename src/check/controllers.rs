//! What is there without anybody declaring it, since a controller makes it: no finding is made of what may be so.

use std::collections::HashSet;

use super::{
    across::{Across, Id},
    facts::{Says, is_custom},
};
use crate::manifest::ObjectKey;

/// Namespaces that are Kubernetes' own, and in which it has objects of its own.
pub(super) const NAMESPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Groups whose objects may bring anything at all, anywhere.
const DEPLOYERS: [&str; 7] = [
    "app.k14s.io",
    "argoproj.io",
    "helm.cattle.io",
    "helm.toolkit.fluxcd.io",
    "kappctrl.k14s.io",
    "kustomize.toolkit.fluxcd.io",
    "packaging.carvel.dev",
];

/// Groups whose objects configure what is there, and make nothing that others would name.
const CONFIGURE: [&str; 12] = [
    "autoscaling.k8s.io",
    "cilium.io",
    "keda.sh",
    "kyverno.io",
    "networking.istio.io",
    "policies.kyverno.io",
    "security.istio.io",
    "snapshot.storage.k8s.io",
    "telemetry.istio.io",
    "traefik.containo.us",
    "traefik.io",
    "wgpolicyk8s.io",
];

/// Groups whose objects make what they name, or what is named as they are, and nothing else.
const MAKE_ONE: [&str; 3] = ["bitnami.com", "cert-manager.io", "external-secrets.io"];

/// Whether a controller may make other objects of such an object.
pub(super) fn may_make(ObjectKey { group, kind, .. }: &ObjectKey) -> bool {
    match &**group {
        group if !is_custom(group) || CONFIGURE.contains(&group) => false,
        "gateway.networking.k8s.io" => kind == "Gateway",
        "monitoring.coreos.com" => !matches!(
            &**kind,
            "AlertmanagerConfig"
                | "PodMonitor"
                | "Probe"
                | "PrometheusRule"
                | "ScrapeConfig"
                | "ServiceMonitor"
        ),
        _ => true,
    }
}

/// Whether every namespace has it.
pub(super) fn is_everywhere(id: Id<'_>) -> bool {
    matches!(
        (id.kind, id.name),
        ("ServiceAccount", "default" | "builder" | "deployer")
            | ("ConfigMap", "kube-root-ca.crt" | "openshift-service-ca.crt" | "istio-ca-root-cert")
    )
}

/// What may be made of the objects of a revision.
pub(super) struct Made<'a> {
    anything: bool,
    /// In a namespace, or anywhere: names of what is made.
    names: HashSet<(Option<&'a str>, &'a str)>,
    /// With what names begin.
    beginnings: HashSet<(Option<&'a str>, &'a str)>,
    kinds: HashSet<String>,
    /// Claims of each `StatefulSet`, without the number of the Pod.
    claims: HashSet<(Option<&'a str>, String)>,
    classes: HashSet<&'a str>,
}

impl<'a> Made<'a> {
    pub fn by(across: &Across<'a>) -> Self {
        let mut made = Self {
            anything: false,
            names: HashSet::new(),
            beginnings: HashSet::new(),
            kinds: HashSet::new(),
            claims: HashSet::new(),
            classes: HashSet::new(),
        };
        for object in &across.objects {
            let (key, namespace) = (&object.facts.key, object.namespace);
            match &object.facts.says {
                Says::Pods(pods) => {
                    let claims = pods.claims.iter();
                    made.claims.extend(claims.map(|claim| (namespace, format!("{claim}-{}", key.name))));
                    made.names.extend(pods.arguments.iter().map(|name| (namespace, &**name)));
                }
                Says::Service(service) => {
                    made.names.extend(service.certificate.iter().map(|name| (namespace, &**name)));
                }
                Says::Volume(class) => {
                    made.classes.insert(class);
                }
                Says::Names(names) if may_make(key) => {
                    made.anything |= DEPLOYERS.contains(&&*key.group);
                    made.names.insert((namespace, &key.name));
                    made.names.extend(names.iter().map(|name| (namespace, &**name)));
                    if !MAKE_ONE.contains(&&*key.group) {
                        made.beginnings.insert((namespace, &key.name));
                        made.kinds.insert(key.kind.to_ascii_lowercase());
                    }
                }
                _ => {}
            }
        }
        made
    }

    /// Whether `id` may be made.
    pub fn has(&self, id: Id<'_>) -> bool {
        let named =
            |name: &str| self.names.contains(&(id.namespace, name)) || self.names.contains(&(None, name));
        if self.anything || id.namespace.is_some() && named(id.name) {
            return true;
        }
        let mut beginnings = id.name.match_indices('-').map(|(at, _)| &id.name[..at]);
        let number = |end: &str| !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit());
        match id.kind {
            "StorageClass" => self.classes.contains(id.name),
            _ if id.namespace.is_none() => false,
            "PersistentVolumeClaim"
                if id.name.rsplit_once('-').is_some_and(|(claim, end)| {
                    number(end) && self.claims.contains(&(id.namespace, claim.to_owned()))
                }) =>
            {
                true
            }
            _ => beginnings.any(|one| {
                self.beginnings.contains(&(id.namespace, one))
                    || self.beginnings.contains(&(None, one))
                    || self.kinds.contains(one)
            }),
        }
    }
}
