//! What depends on an object's kind: which others it names, and what others may ask of it.

use std::collections::BTreeSet;

use super::{
    Part, Pods, Reference, Says, Selector, Service, To, Unmatched,
    pods::{self, named},
    read::Field,
    selector::{self, labels},
    webhooks,
};
use crate::{check::controllers::may_make, manifest::ObjectKey, source::Span};

/// Of a custom resource so many names are kept.
const MOST_NAMES: usize = 200;

/// Reads what the object says, and adds what it names.
pub(super) fn says(key: &ObjectKey, object: Field<'_>, refs: &mut Vec<Reference>) -> Says {
    let spec = object.get("spec");
    match (&*key.group, &*key.kind) {
        ("", "Pod") => made(object.at(&["metadata", "labels"]), spec, Vec::new(), refs),
        ("" | "apps" | "extensions" | "batch", _) if spec.is_some_and(|spec| template(spec).is_some()) => {
            workload(key, spec, refs)
        }
        ("", "Service") => service(object, spec),
        ("", "ConfigMap" | "Secret") => data(object),
        ("", "Namespace") => Says::Namespace(labels(object.at(&["metadata", "labels"]))),
        ("", "ServiceAccount") => {
            pods::pull_secrets(object, refs);
            Says::Nothing
        }
        ("", "PersistentVolume") => match spec.and_then(|spec| spec.text_of("storageClassName")) {
            Some(class) => Says::Volume(class.into()),
            None => Says::Nothing,
        },
        ("", "PersistentVolumeClaim") => {
            if let Some(spec) = spec {
                pods::storage_class(spec, refs);
            }
            Says::Nothing
        }
        ("networking.k8s.io" | "extensions", "Ingress") => {
            if let Some(spec) = spec {
                ingress(object, spec, refs);
            }
            Says::Nothing
        }
        ("autoscaling", "HorizontalPodAutoscaler") => {
            refs.extend(spec.and_then(|spec| scaled(spec.get("scaleTargetRef")?)));
            Says::Nothing
        }
        ("policy", "PodDisruptionBudget") => {
            let read = spec
                .and_then(|spec| Some((selector::selector(spec.get("selector")?)?, spec.key("selector")?)));
            read.map_or(Says::Nothing, |(selector, at)| Says::Budget(Box::new(selector), at))
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            binding(object, refs);
            Says::Nothing
        }
        ("apiregistration.k8s.io", "APIService") => {
            refs.extend(spec.and_then(|spec| called(spec.get("service")?)));
            Says::Nothing
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            let service = ["conversion", "webhook", "clientConfig", "service"];
            refs.extend(spec.and_then(|spec| called(spec.at(&service)?)));
            Says::Nothing
        }
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => {
            for webhook in object.items_of("webhooks") {
                refs.extend(webhook.at(&["clientConfig", "service"]).and_then(called));
            }
            Says::Webhooks(webhooks::webhooks(object))
        }
        _ if may_make(key) => names(object),
        _ => Says::Nothing,
    }
}

/// Whether a group is none of Kubernetes' own.
pub(crate) fn is_custom(group: &str) -> bool {
    let own = match group.strip_suffix(".k8s.io") {
        None => matches!(group, "" | "apps" | "autoscaling" | "batch" | "extensions" | "policy"),
        Some(own) => matches!(
            own,
            "admissionregistration"
                | "apiextensions"
                | "apiregistration"
                | "authentication"
                | "authorization"
                | "certificates"
                | "coordination"
                | "discovery"
                | "events"
                | "flowcontrol.apiserver"
                | "internal.apiserver"
                | "networking"
                | "node"
                | "rbac.authorization"
                | "resource"
                | "scheduling"
                | "storage"
                | "storagemigration"
        ),
    };
    !own
}

/// The template of the Pods that something makes.
fn template(spec: Field<'_>) -> Option<Field<'_>> {
    spec.get("template").or_else(|| spec.at(&["jobTemplate", "spec", "template"]))
}

/// Pods with these labels and this `spec`.
fn made(
    written: Option<Field<'_>>,
    spec: Option<Field<'_>>,
    selector: Vec<(selector::Requirement, Span)>,
    refs: &mut Vec<Reference>,
) -> Says {
    let arguments = spec.map(pods::arguments).unwrap_or_default();
    if let Some(spec) = spec {
        pods::references(spec, refs);
    }
    let labels = labels(written);
    let fails = |(wants, at): (selector::Requirement, Span)| {
        (!wants.holds(&labels)).then_some(Unmatched { wants, at })
    };
    let unmatched = selector.into_iter().filter_map(fails).collect();
    Says::Pods(Box::new(Pods { labels, unmatched, claims: Box::default(), arguments }))
}

fn workload(key: &ObjectKey, spec: Option<Field<'_>>, refs: &mut Vec<Reference>) -> Says {
    let Some((spec, template)) = spec.and_then(|spec| Some((spec, template(spec)?))) else {
        return Says::Nothing;
    };
    let selector = spec.get("selector");
    let requirements = match &*key.kind {
        "ReplicationController" => selector::plain(selector),
        // A Job's selector is made by the API server, unless it is told that it is not.
        "Job" if !spec.get("manualSelector").is_some_and(Field::is_true) => None,
        _ => selector.and_then(selector::requirements),
    };
    let mut says = made(
        template.at(&["metadata", "labels"]),
        template.get("spec"),
        requirements.unwrap_or_default(),
        refs,
    );
    if key.kind == "StatefulSet" {
        let name = spec.get("serviceName");
        refs.extend(name.and_then(|name| named(To::Service, name)));
        let claims = spec.items_of("volumeClaimTemplates").inspect(|claim| {
            claim.get("spec").into_iter().for_each(|spec| pods::storage_class(spec, refs));
        });
        let claims = claims.filter_map(|claim| claim.at(&["metadata", "name"])?.text().map(Into::into));
        let claims = claims.collect();
        if let Says::Pods(pods) = &mut says {
            pods.claims = claims;
        }
    }
    says
}

fn service(object: Field<'_>, spec: Option<Field<'_>>) -> Says {
    let Some(spec) = spec else { return Says::Nothing };
    let selector = spec.get("selector");
    let requirements = selector::plain(selector).unwrap_or_default();
    let annotations = object.at(&["metadata", "annotations"]);
    let certificate = ["service.beta.openshift.io", "service.alpha.openshift.io"]
        .iter()
        .find_map(|group| annotations?.text_of(&format!("{group}/serving-cert-secret-name")));
    let port = |port: Field<'_>| Some((port.get("port")?.port()?, port.text_of("name").map(Into::into)));
    Says::Service(Box::new(Service {
        selector: Selector(requirements.into_iter().map(|(one, _)| one).collect()),
        at: spec.key("selector").unwrap_or(spec.span()),
        ports: spec.items_of("ports").filter_map(port).collect(),
        external: spec.text_of("type") == Some("ExternalName"),
        certificate: certificate.map(Into::into),
    }))
}

fn data(object: Field<'_>) -> Says {
    let fields = ["data", "binaryData", "stringData"].into_iter();
    let keys = fields.flat_map(|field| object.entries_of(field)).map(|(key, ..)| key);
    // What cannot be a key may be part of a value that lost its place.
    Says::Data(keys.filter(|key| is_key(key)).map(Into::into).collect())
}

fn is_key(key: &str) -> bool {
    key.len() <= 253 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

fn ingress(object: Field<'_>, spec: Field<'_>, refs: &mut Vec<Reference>) {
    let class = spec.get("ingressClassName");
    refs.extend(class.and_then(|name| named(To::IngressClass, name)));
    let default = spec.get("defaultBackend").or_else(|| spec.get("backend"));
    refs.extend(default.and_then(backend));
    for rule in spec.items_of("rules") {
        let paths = rule.get("http").into_iter().flat_map(|http| http.items_of("paths"));
        refs.extend(paths.filter_map(|path| backend(path.get("backend")?)));
    }
    // By these a controller is told to make the Secret.
    let annotations = object.at(&["metadata", "annotations"]).into_iter().flat_map(Field::entries);
    let is_made = |key: &str| {
        key.starts_with("cert-manager.io/")
            || key.starts_with("certmanager.k8s.io/")
            || key == "kubernetes.io/tls-acme"
    };
    if !annotations.into_iter().any(|(key, ..)| is_made(&key)) {
        refs.extend(spec.items_of("tls").filter_map(|tls| named(To::Secret, tls.get("secretName")?)));
    }
}

/// Where an `Ingress` sends to, as it is written since `networking.k8s.io/v1` or before.
fn backend(backend: Field<'_>) -> Option<Reference> {
    if let Some(name) = backend.get("serviceName") {
        let port = backend.get("servicePort");
        return Some(Reference { part: port.and_then(self::port), ..named(To::Service, name)? });
    }
    let service = backend.get("service")?;
    let port = service.get("port").and_then(|port| port.get("name").or_else(|| port.get("number")));
    Some(Reference { part: port.and_then(self::port), ..named(To::Service, service.get("name")?)? })
}

fn port(field: Field<'_>) -> Option<(Part, Span)> {
    let part = match field.port() {
        Some(number) => Part::Number(number),
        None => Part::Port(field.text().filter(|text| !text.is_empty())?.into()),
    };
    Some((part, field.span()))
}

/// A Service that the API server itself calls.
fn called(service: Field<'_>) -> Option<Reference> {
    let found = named(To::Service, service.get("name")?)?;
    let namespace = service.text_of("namespace").map(Into::into);
    // Port 443 unless another is written; a Service that lacks it is shown at the name then.
    let written = service.get("port").and_then(port);
    let part = written.unwrap_or((Part::Number(443), found.at));
    Some(Reference { namespace, part: Some(part), ..found })
}

fn scaled(target: Field<'_>) -> Option<Reference> {
    let group = target.text_of("apiVersion").and_then(|version| version.split_once('/'));
    let group = group.map_or("", |(group, _)| group);
    let to = To::Other(Box::new((group.into(), target.text_of("kind")?.into())));
    named(to, target.get("name")?)
}

fn binding(object: Field<'_>, refs: &mut Vec<Reference>) {
    let role = object.get("roleRef").and_then(|role| {
        let to = match role.text_of("kind")? {
            "Role" => To::Role,
            "ClusterRole" => To::ClusterRole,
            _ => return None,
        };
        named(to, role.get("name")?)
    });
    refs.extend(role);
    for subject in object.items_of("subjects") {
        if subject.text_of("kind") == Some("ServiceAccount") {
            let found = subject.get("name").and_then(|name| named(To::ServiceAccount, name));
            let namespace = subject.text_of("namespace").map(Into::into);
            refs.extend(found.map(|found| Reference { namespace, ..found }));
        }
    }
}

/// Names that a custom resource holds: of what its controller is to make, among others.
fn names(object: Field<'_>) -> Says {
    let mut found = BTreeSet::new();
    object.get("spec").into_iter().for_each(|spec| gather(spec, false, &mut found, 12));
    Says::Names(found.into_iter().map(Into::into).collect())
}

fn gather<'m>(field: Field<'m>, is_name: bool, found: &mut BTreeSet<&'m str>, depth: usize) {
    if depth == 0 || found.len() >= MOST_NAMES {
        return;
    }
    if let Some(text) = field.text() {
        if is_name && !text.is_empty() && text.len() <= 253 {
            found.insert(text);
        }
        return;
    }
    field.items().for_each(|item| gather(item, is_name, found, depth - 1));
    for (key, _, value) in field.entries() {
        let lower = key.to_ascii_lowercase();
        let is_name = ["name", "secret", "configmap", "service"].iter().any(|word| lower.ends_with(word));
        gather(value, is_name, found, depth - 1);
    }
}
