//! What one object says that matters to others: small enough to be kept of every object of an environment,
//! and independent of the path that its file has.
//!
//! Checks across objects see nothing else. Places are bytes of the file, which is read again only where
//! something is found.

mod pods;
mod read;
mod says;
pub mod selector;
mod webhooks;
mod wishes;

use serde::{Deserialize, Serialize};

use crate::{
    manifest::{self, Manifest, ObjectKey},
    source::{Source, Span},
};
use read::Field;
pub(super) use says::is_custom;
pub use selector::{Labels, Selector};
pub use webhooks::{Rule, Webhook};
pub use wishes::{After, Asked, By, Wave, Wishes};

/// What one object says that matters to others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Facts {
    /// What identifies it, as written.
    pub key: ObjectKey,
    /// `apps/v1`.
    pub api_version: Box<str>,
    /// Where that stands.
    pub at: At,
    /// What it cannot do without. What is `optional` is not among it.
    pub refs: Box<[Reference]>,
    /// What else depends on its kind.
    pub says: Says,
    /// What it asks of the order in which it is deployed.
    pub wishes: Option<Box<Wishes>>,
}

/// Where stands what every object has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct At {
    /// `metadata.name`.
    pub name: Span,
    /// `apiVersion`.
    pub api_version: Span,
    /// `kind`.
    pub kind: Span,
    /// `metadata.namespace`; where there is none it is the name's.
    pub namespace: Span,
}

/// Another object that an object names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// What kind of object.
    pub to: To,
    /// Its name.
    pub name: Box<str>,
    /// Its namespace, where that is written; else it is the object's own.
    pub namespace: Option<Box<str>>,
    /// Where the name stands.
    pub at: Span,
    /// What the other has to have.
    pub part: Option<(Part, Span)>,
}

/// What kind of object is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum To {
    /// A `ConfigMap`.
    ConfigMap,
    /// A `Secret`.
    Secret,
    /// A `Service`.
    Service,
    /// A `ServiceAccount`.
    ServiceAccount,
    /// A `PersistentVolumeClaim`.
    PersistentVolumeClaim,
    /// A `StorageClass`.
    StorageClass,
    /// A `PriorityClass`.
    PriorityClass,
    /// An `IngressClass`.
    IngressClass,
    /// A `RuntimeClass`.
    RuntimeClass,
    /// A `Role`.
    Role,
    /// A `ClusterRole`.
    ClusterRole,
    /// Of any group (first) and kind, in the namespace of the object that names it.
    Other(Box<(Box<str>, Box<str>)>),
}

/// What the other object has to have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// A key in the data of a `ConfigMap` or a `Secret`.
    Key(Box<str>),
    /// A port of a `Service`, by its name.
    Port(Box<str>),
    /// A port of a `Service`, by its number.
    Number(u16),
}

/// What depends on the kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Says {
    /// Nothing.
    Nothing,
    /// It is a Pod, or makes some.
    Pods(Box<Pods>),
    /// A `Service`.
    Service(Box<Service>),
    /// A `PodDisruptionBudget`: which Pods it protects, and where that stands.
    Budget(Box<Selector>, Span),
    /// The keys of a `ConfigMap` or a `Secret`.
    Data(Box<[Box<str>]>),
    /// The labels of a `Namespace`.
    Namespace(Labels),
    /// The class of a `PersistentVolume`, which needs no `StorageClass`.
    Volume(Box<str>),
    /// What a `ValidatingWebhookConfiguration` or a `MutatingWebhookConfiguration` calls.
    Webhooks(Box<[Webhook]>),
    /// A custom resource: names in it, each of which may be that of something that its controller makes.
    Names(Box<[Box<str>]>),
}

/// Pods, as far as others select them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pods {
    /// What they carry.
    pub labels: Labels,
    /// What of the object's own selector they do not match.
    pub unmatched: Box<[Unmatched]>,
    /// The names of the claims that a `StatefulSet` makes for each.
    pub claims: Box<[Box<str>]>,
    /// Names of Secrets and the like in arguments of their programs, which may make what is called so.
    pub arguments: Box<[Box<str>]>,
}

/// What a selector asks for that the object's own Pods do not have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unmatched {
    /// What is asked for.
    pub wants: selector::Requirement,
    /// Where that stands.
    pub at: Span,
}

/// A `Service`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Service {
    /// Which Pods it sends to; empty where it selects none.
    pub selector: Selector,
    /// Where that stands.
    pub at: Span,
    /// Its ports: number, and name where it has one.
    pub ports: Box<[(u16, Option<Box<str>>)]>,
    /// Whether it is only another name for something outside of the cluster.
    pub external: bool,
    /// The Secret that a controller makes of it (`OpenShift`'s serving certificates).
    pub certificate: Option<Box<str>>,
}

impl Facts {
    /// What `manifest` says.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        let budget = read::budget();
        let object = Field::of(manifest, &budget);
        let span = |path: &[&str]| object.at(path).map_or(manifest.name_span(), Field::span);
        let at = At {
            name: manifest.name_span(),
            api_version: span(&["apiVersion"]),
            kind: span(&["kind"]),
            namespace: span(&["metadata", "namespace"]),
        };
        let mut refs = Vec::new();
        let says = says::says(&manifest.key, object, &mut refs);
        refs.truncate(MOST_REFERENCES);
        Self {
            key: manifest.key.clone(),
            api_version: manifest.api_version.as_str().into(),
            at,
            refs: refs.into(),
            says,
            wishes: wishes::wishes(object),
        }
    }
}

impl Facts {
    /// What an object of a cluster says; its places mean nothing.
    #[must_use]
    pub fn of_live(live: &serde_json::Value) -> Option<Self> {
        let mut live = live.clone();
        live["metadata"].as_object_mut()?.remove("managedFields");
        let (manifests, _) = manifest::read(&Source::new("live", live.to_string()));
        manifests.first().map(Self::of)
    }
}

/// So many references of one object are looked at: no Pod that runs has more.
const MOST_REFERENCES: usize = 2_000;

impl To {
    /// The group of its `apiVersion`.
    #[must_use]
    pub fn group(&self) -> &str {
        match self {
            To::ConfigMap | To::Secret | To::Service | To::ServiceAccount | To::PersistentVolumeClaim => "",
            To::StorageClass => "storage.k8s.io",
            To::PriorityClass => "scheduling.k8s.io",
            To::IngressClass => "networking.k8s.io",
            To::RuntimeClass => "node.k8s.io",
            To::Role | To::ClusterRole => "rbac.authorization.k8s.io",
            To::Other(of) => &of.0,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            To::ConfigMap => "ConfigMap",
            To::Secret => "Secret",
            To::Service => "Service",
            To::ServiceAccount => "ServiceAccount",
            To::PersistentVolumeClaim => "PersistentVolumeClaim",
            To::StorageClass => "StorageClass",
            To::PriorityClass => "PriorityClass",
            To::IngressClass => "IngressClass",
            To::RuntimeClass => "RuntimeClass",
            To::Role => "Role",
            To::ClusterRole => "ClusterRole",
            To::Other(of) => &of.1,
        }
    }

    /// Whether it lives in no namespace.
    #[must_use]
    pub fn is_of_cluster(&self) -> bool {
        use To::{ClusterRole, IngressClass, PriorityClass, RuntimeClass, StorageClass};
        matches!(self, StorageClass | PriorityClass | IngressClass | RuntimeClass | ClusterRole)
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Part, Says};
    use crate::{manifest, source::Source};

    fn read(text: &str) -> Vec<Facts> {
        let (manifests, findings) = manifest::read(&Source::new("a.yaml", text));
        assert!(findings.is_empty(), "{findings:#?}");
        manifests.iter().map(Facts::of).collect()
    }

    /// Each with what stands at its place, and what it has to have with what stands there.
    fn names(text: &str) -> Vec<String> {
        let facts = read(text);
        let shown = facts.iter().flat_map(|facts| &facts.refs).map(|one| {
            assert_eq!(text[one.at.range()].trim_matches('"'), &*one.name);
            let namespace = one.namespace.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
            let part = match &one.part {
                Some((Part::Key(key), at)) => format!(" key {key} ({})", &text[at.range()]),
                Some((Part::Port(port), at)) => format!(" port {port} ({})", &text[at.range()]),
                Some((Part::Number(port), at)) => format!(" port {port} ({})", &text[at.range()]),
                None => String::new(),
            };
            format!("{}/{}{namespace}{part}", one.to.kind(), one.name)
        });
        shown.collect()
    }

    #[test]
    fn a_pod_names_all_that_it_cannot_start_without() {
        let text = "\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      serviceAccountName: db
      priorityClassName: high
      runtimeClassName: gvisor
      imagePullSecrets: [{name: pull}]
      initContainers:
      - {name: i, envFrom: [{secretRef: {name: early}}, {configMapRef: {name: maybe, optional: true}}]}
      containers:
      - name: c
        env:
        - {name: A, value: b}
        - {name: B, valueFrom: {secretKeyRef: {name: \"pass\", key: word}}}
        - {name: C, valueFrom: {configMapKeyRef: {name: conf, key: c, optional: false}}}
        - {name: D, valueFrom: {secretKeyRef: {name: no, key: d, optional: true}}}
        - {name: E, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      volumes:
      - {name: a, configMap: {name: files}}
      - {name: b, secret: {secretName: certs, items: [{key: tls.crt, path: a}, {key: tls.key, path: b}]}}
      - {name: c, persistentVolumeClaim: {claimName: old}}
      - {name: d, emptyDir: {}}
      - name: e
        projected:
          sources:
          - configMap: {name: one}
          - secret: {name: two, optional: true}
          - serviceAccountToken: {path: t}
      - {name: f, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: fast}}}}
  volumeClaimTemplates:
  - {metadata: {name: data}, spec: {storageClassName: slow}}
";
        insta::assert_snapshot!(names(text).join("\n"));
        let Says::Pods(pods) = &read(text)[0].says else { panic!("they are Pods") };
        assert_eq!(*pods.claims, ["data".into()]);
    }

    #[test]
    fn other_kinds_name_what_they_send_to_scale_and_bind() {
        let text = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  defaultBackend: {service: {name: none, port: {number: 80}}}
  tls: [{hosts: [a.example], secretName: tls}]
  rules:
  - http: {paths: [{path: /, backend: {service: {name: web, port: {name: http}}}}]}
---
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: old, annotations: {cert-manager.io/issuer: ca}}
spec:
  tls: [{hosts: [a.example], secretName: made}]
  backend: {serviceName: web, servicePort: 8080}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: web}
- {kind: ServiceAccount, name: prometheus, namespace: monitoring}
- {kind: User, name: ana, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec: {service: {name: metrics, namespace: kube-system}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: fast}
";
        insta::assert_snapshot!(names(text).join("\n"));
    }

    #[test]
    fn what_stands_behind_anchors_and_merges_is_read_as_kubernetes_reads_it() {
        let text = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: &labels {app: web}}
spec:
  selector: {matchLabels: *labels}
  template:
    metadata: {labels: {<<: *labels, tier: front}}
    spec: {containers: []}
";
        let Says::Pods(pods) = &read(text)[0].says else { panic!("they are Pods") };
        assert_eq!(*pods.labels, [("app".into(), "web".into()), ("tier".into(), "front".into())]);
        assert!(pods.unmatched.is_empty());
    }

    #[test]
    fn aliases_of_aliases_are_bounded() {
        let env = "{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}, ".repeat(250);
        let containers = "{name: c, env: *env}, ".repeat(100);
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations: {{env: &env [{env}]}}\n\
             spec: {{containers: [{containers}]}}\n"
        );
        assert!(read(&text)[0].refs.len() <= super::MOST_REFERENCES);
    }

    #[test]
    fn facts_are_the_same_after_they_were_kept() {
        for facts in read(include_str!("../../tests/promises/fixtures/shop/shop.yaml")) {
            let kept = postcard::to_stdvec(&facts).expect("they can be written");
            assert!(kept.len() < 1_500, "{} bytes: {facts:#?}", kept.len());
            assert_eq!(postcard::from_bytes::<Facts>(&kept).expect("they can be read"), facts);
        }
    }
}
