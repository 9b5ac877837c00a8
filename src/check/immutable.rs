//! Fields that Kubernetes lets nobody change once the object is there, compared with the revision before, so
//! that it is said without a cluster what the cluster would say.
//!
//! A value that is only written in another way, or that was the default before it was written, is no change.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value as Json, json};

use super::quantity::Quantity;
use crate::{
    finding::{Code, Finding},
    manifest::Manifest,
    policy::confirmed,
};

/// A field that stays as it is.
struct Field {
    path: &'static str,
    unwritten: Unwritten,
}

/// What it is where it is not written.
#[derive(Clone, Copy)]
enum Unwritten {
    /// Nothing, or an empty text, list or mapping.
    Nothing,
    /// This.
    Is(&'static str),
    /// Whatever the cluster made it: only what was written stays.
    Any,
}

const fn plain(path: &'static str) -> Field {
    Field { path, unwritten: Unwritten::Nothing }
}

const fn or(path: &'static str, default: &'static str) -> Field {
    Field { path, unwritten: Unwritten::Is(default) }
}

const fn made(path: &'static str) -> Field {
    Field { path, unwritten: Unwritten::Any }
}

/// The fields of each group and kind.
const FIELDS: &[(&str, &str, &[Field])] = &[
    ("apps", "Deployment", &[plain("spec.selector")]),
    ("apps", "DaemonSet", &[plain("spec.selector")]),
    ("apps", "ReplicaSet", &[plain("spec.selector")]),
    (
        "apps",
        "StatefulSet",
        &[
            plain("spec.selector"),
            plain("spec.serviceName"),
            or("spec.podManagementPolicy", "OrderedReady"),
            plain("spec.volumeClaimTemplates"),
        ],
    ),
    (
        "",
        "PersistentVolumeClaim",
        &[
            plain("spec.accessModes"),
            plain("spec.selector"),
            made("spec.storageClassName"),
            made("spec.volumeName"),
            or("spec.volumeMode", "Filesystem"),
            made("spec.dataSource"),
            made("spec.dataSourceRef"),
        ],
    ),
    ("", "PersistentVolume", &[or("spec.volumeMode", "Filesystem")]),
    ("", "Secret", &[or("type", "Opaque")]),
    ("rbac.authorization.k8s.io", "RoleBinding", &[plain("roleRef")]),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &[plain("roleRef")]),
    (
        "storage.k8s.io",
        "StorageClass",
        &[
            plain("provisioner"),
            plain("parameters"),
            or("reclaimPolicy", "Delete"),
            or("volumeBindingMode", "Immediate"),
        ],
    ),
    ("storage.k8s.io", "VolumeAttributesClass", &[plain("driverName"), plain("parameters")]),
    ("scheduling.k8s.io", "PriorityClass", &[plain("value"), or("preemptionPolicy", "PreemptLowerPriority")]),
    ("networking.k8s.io", "IngressClass", &[plain("spec.controller")]),
    ("node.k8s.io", "RuntimeClass", &[plain("handler")]),
    ("discovery.k8s.io", "EndpointSlice", &[plain("addressType")]),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        &[plain("spec.group"), plain("spec.scope"), plain("spec.names.kind"), plain("spec.names.plural")],
    ),
];

/// What `new` changes of `old`, the same object in the revision before, that cannot be changed. What is deleted
/// and created anew then (a Job; what carries `instate.dev/replace: allowed`) may change in everything.
#[must_use]
pub fn immutable(old: &Manifest, new: &Manifest) -> Vec<Finding> {
    // What stands for too much is found elsewhere.
    let (Ok(was), Ok(is)) = (old.json(), new.json()) else { return Vec::new() };
    if was["metadata"]["annotations"]["instate.dev/replace"] == "allowed" {
        return Vec::new();
    }
    let (group, kind) = (new.key.group.as_str(), new.key.kind.as_str());
    let fields = FIELDS.iter().find(|(of, name, _)| (*of, *name) == (group, kind));
    let fields = fields.map(|(.., fields)| *fields).unwrap_or_default().iter();
    let mut changed: Vec<String> = fields
        .filter(|field| differs(at(&was, field.path), at(&is, field.path), field.unwritten))
        .map(|field| field.path.to_owned())
        .collect();
    match (group, kind) {
        ("", "Service") => changed.extend(service(&was, &is)),
        ("", "ConfigMap" | "Secret") if was["immutable"] == true => changed.extend(data(&was, &is)),
        ("", "PersistentVolumeClaim") if is_smaller(&was, &is) => {
            changed.push("spec.resources.requests.storage".to_owned());
        }
        ("", "PersistentVolume") => changed.extend(volume(&was, &is)),
        _ => {}
    }
    changed.iter().map(|path| finding(new, path)).collect()
}

fn finding(new: &Manifest, path: &str) -> Finding {
    let kind = &new.key.kind;
    let says = match path {
        "spec.resources.requests.storage" => "a claim cannot become smaller".to_owned(),
        "data" | "binaryData" | "stringData" => {
            format!("it cannot be changed, since the {kind} says `immutable: true`")
        }
        "immutable" => "what is immutable stays so".to_owned(),
        _ => format!("it cannot be changed once the {kind} is there"),
    };
    let finding = Finding::error(Code::Immutable, format!("{}: `{path}`: {says}", new.key));
    finding.at(new.source.place(new.locate(path).key)).help(confirmed::anew(&new.key))
}

fn at<'j>(object: &'j Json, path: &str) -> &'j Json {
    path.split('.').fold(object, |value, key| &value[key])
}

fn differs(was: &Json, is: &Json, unwritten: Unwritten) -> bool {
    let (was, is) = (settled(was), settled(is));
    match unwritten {
        Unwritten::Nothing => was != is,
        Unwritten::Is(default) => {
            let or_default = |value: Json| if value.is_null() { json!(default) } else { value };
            or_default(was) != or_default(is)
        }
        Unwritten::Any => !was.is_null() && was != is,
    }
}

/// A value without what makes no difference to Kubernetes: what is empty, what it fills in, and how
/// quantities are written.
fn settled(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let mut kept: Map<String, Json> = Map::new();
            for (key, value) in fields {
                let value = match key.as_str() {
                    "requests" | "limits" => amounts(value),
                    // What a template of a claim or a `roleRef` says by default.
                    "creationTimestamp" | "status" => Json::Null,
                    "apiVersion" if *value == "v1" => Json::Null,
                    "kind" if *value == "PersistentVolumeClaim" => Json::Null,
                    "volumeMode" if *value == "Filesystem" => Json::Null,
                    "apiGroup" if *value == "rbac.authorization.k8s.io" => Json::Null,
                    _ => settled(value),
                };
                if !value.is_null() {
                    kept.insert(key.clone(), value);
                }
            }
            if kept.is_empty() { Json::Null } else { Json::Object(kept) }
        }
        Json::Array(items) if items.is_empty() => Json::Null,
        Json::Array(items) => Json::Array(items.iter().map(settled).collect()),
        Json::String(text) if text.is_empty() => Json::Null,
        other => other.clone(),
    }
}

fn quantity(value: &Json) -> Option<Quantity> {
    match value {
        Json::String(text) => Quantity::parse(text),
        Json::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    }
}

/// `1Gi` and `1024Mi` are one amount.
fn amounts(value: &Json) -> Json {
    let Json::Object(amounts) = value else { return value.clone() };
    let amount =
        |value: &Json| quantity(value).map_or_else(|| value.clone(), |amount| json!(amount.to_string()));
    Json::Object(amounts.iter().map(|(key, value)| (key.clone(), amount(value))).collect())
}

/// The address of a Service: it is given once, and a Service that has one cannot do without.
fn service(was: &Json, is: &Json) -> Option<String> {
    let external = |object: &Json| object["spec"]["type"] == "ExternalName";
    let (old, new) = (at(was, "spec.clusterIP"), at(is, "spec.clusterIP"));
    let (old, new) = (old.as_str().unwrap_or_default(), new.as_str().unwrap_or_default());
    let changes = match (old, new) {
        (_, "") => false,
        // It was given one that nobody wrote.
        ("", new) => new == "None",
        (old, new) => old != new,
    };
    (changes && !external(was) && !external(is)).then(|| "spec.clusterIP".to_owned())
}

/// The data of what says that it is immutable.
fn data(was: &Json, is: &Json) -> Vec<String> {
    let bytes = |object: &Json, fields: [&str; 2], encoded: [bool; 2]| {
        let mut all = std::collections::BTreeMap::new();
        for (field, encoded) in fields.into_iter().zip(encoded) {
            for (key, value) in object[field].as_object().into_iter().flatten() {
                let text = value.as_str().unwrap_or_default();
                let bytes = if encoded { BASE64_STANDARD.decode(text.replace('\n', "")).ok() } else { None };
                all.insert(key.clone(), bytes.unwrap_or_else(|| text.as_bytes().to_vec()));
            }
        }
        all
    };
    let mut changed = Vec::new();
    if was["kind"] == "Secret" {
        let secret = |object: &Json| bytes(object, ["data", "stringData"], [true, false]);
        if secret(was) != secret(is) {
            changed.push(if is["stringData"].is_object() { "stringData" } else { "data" });
        }
    } else {
        changed.extend(["data", "binaryData"].iter().filter(|field| {
            let one = |object: &Json| bytes(object, [**field, "-"], [**field == "binaryData", false]);
            one(was) != one(is)
        }));
    }
    if is["immutable"] != true {
        changed.push("immutable");
    }
    changed.into_iter().map(ToOwned::to_owned).collect()
}

fn is_smaller(was: &Json, is: &Json) -> bool {
    let size = |object: &Json| quantity(at(object, "spec.resources.requests.storage"));
    matches!((size(was), size(is)), (Some(was), Some(is)) if is < was)
}

/// What a volume is: one field of its `spec`, named after the kind of storage.
fn volume(was: &Json, is: &Json) -> Option<String> {
    const OTHERS: [&str; 9] = [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    let source = |object: &Json| {
        let spec = object["spec"].as_object().cloned().unwrap_or_default();
        spec.into_iter().find(|(key, value)| !OTHERS.contains(&key.as_str()) && !value.is_null())
    };
    let (mut old, mut new) = (source(was)?, source(is)?);
    // A reference that may be added later, and defaults that are filled in.
    for value in [&mut old.1, &mut new.1] {
        if let Some(fields) = value.as_object_mut() {
            fields.remove("controllerExpandSecretRef");
            fields.retain(|_, value| *value != false && *value != "");
        }
    }
    (old.0 != new.0 || settled(&old.1) != settled(&new.1)).then(|| format!("spec.{}", new.0))
}

#[cfg(test)]
mod tests {
    use super::immutable;
    use crate::{check::testing::shown, manifest, source::Source};

    fn changed(old: &str, new: &str) -> String {
        let read = |text: &str| {
            let (mut manifests, findings) = manifest::read(&Source::new("shop.yaml", text));
            assert!(findings.is_empty(), "{findings:#?}");
            manifests.remove(0)
        };
        shown(immutable(&read(old), &read(new)))
    }

    const SET: &str = "\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  replicas: 1
  serviceName: db
  selector:
    matchLabels: {app: db}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: db:1}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

    #[test]
    fn a_field_that_stays_as_it_is_is_shown_where_it_is_changed() {
        insta::assert_snapshot!(
            "selector",
            changed(SET, &SET.replace("    matchLabels: {app: db}", "    matchLabels: {app: database}"))
        );
        insta::assert_snapshot!("claims", changed(SET, &SET.replace("1Gi", "2Gi")));
        let large = SET.replace("1Gi", "64Gi");
        assert_eq!(changed(&large, &SET.replace("1Gi", "65536Mi")), "", "the same in another unit");
        insta::assert_snapshot!("removed", changed(SET, &SET.replace("  serviceName: db\n", "")));
    }

    fn object(api_version: &str, kind: &str, rest: &str) -> String {
        format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n{rest}\n")
    }

    #[test]
    fn each_kind_has_its_fields() {
        let rbac = "rbac.authorization.k8s.io/v1";
        for (api_version, kind, old, new, path) in [
            (
                "apps/v1",
                "Deployment",
                "spec: {selector: {matchLabels: {a: b}}}",
                "spec: {selector: {matchLabels: {a: c}}}",
                "spec.selector",
            ),
            ("v1", "Service", "spec: {ports: []}", "spec: {clusterIP: None}", "spec.clusterIP"),
            ("v1", "Service", "spec: {clusterIP: 10.0.0.1}", "spec: {clusterIP: 10.0.0.2}", "spec.clusterIP"),
            ("v1", "Secret", "type: Opaque", "type: kubernetes.io/tls", "type"),
            (
                "v1",
                "Secret",
                "data: {a: eA==}\nimmutable: true",
                "stringData: {a: y}\nimmutable: true",
                "stringData",
            ),
            ("v1", "ConfigMap", "data: {a: x}\nimmutable: true", "data: {a: y}\nimmutable: true", "data"),
            ("v1", "ConfigMap", "data: {a: x}\nimmutable: true", "data: {a: x}", "immutable"),
            (
                "v1",
                "PersistentVolumeClaim",
                "spec: {resources: {requests: {storage: 2Gi}}}",
                "spec: {resources: {requests: {storage: 1Gi}}}",
                "spec.resources.requests.storage",
            ),
            (
                "v1",
                "PersistentVolumeClaim",
                "spec: {storageClassName: fast}",
                "spec: {storageClassName: slow}",
                "spec.storageClassName",
            ),
            (
                "v1",
                "PersistentVolume",
                "spec: {nfs: {server: a, path: /}}",
                "spec: {nfs: {server: b, path: /}}",
                "spec.nfs",
            ),
            (
                rbac,
                "RoleBinding",
                "roleRef: {kind: Role, name: a}",
                "roleRef: {kind: Role, name: b}",
                "roleRef",
            ),
            ("storage.k8s.io/v1", "StorageClass", "provisioner: a", "provisioner: b", "provisioner"),
            ("scheduling.k8s.io/v1", "PriorityClass", "value: 1", "value: 2", "value"),
            (
                "networking.k8s.io/v1",
                "IngressClass",
                "spec: {controller: a/b}",
                "spec: {controller: a/c}",
                "spec.controller",
            ),
            (
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                "spec: {scope: Cluster}",
                "spec: {scope: Namespaced}",
                "spec.scope",
            ),
        ] {
            let found = changed(&object(api_version, kind, old), &object(api_version, kind, new));
            assert!(
                found.contains("error[I0402]") && found.contains(&format!("`{path}`")),
                "{kind}: {found}"
            );
            assert_eq!(found.matches("error").count(), 1, "{found}");
        }
    }

    #[test]
    fn what_is_written_otherwise_or_is_replaced_is_no_change() {
        let rbac = "rbac.authorization.k8s.io/v1";
        for (api_version, kind, old, new) in [
            ("v1", "Service", "spec: {clusterIP: None}", "spec: {ports: []}"),
            ("v1", "Service", "spec: {ports: []}", "spec: {clusterIP: 10.0.0.1}"),
            (
                "v1",
                "Service",
                "spec: {clusterIP: None}",
                "spec: {type: ExternalName, externalName: a.example}",
            ),
            ("v1", "Secret", "data: {a: b}", "type: Opaque\ndata: {a: c}"),
            ("v1", "Secret", "data: {a: eA==}\nimmutable: true", "stringData: {a: x}\nimmutable: true"),
            ("v1", "ConfigMap", "data: {a: x}", "data: {a: y}\nimmutable: true"),
            (
                "v1",
                "PersistentVolumeClaim",
                "spec: {resources: {requests: {storage: 1Gi}}}",
                "spec: {volumeMode: Filesystem, resources: {requests: {storage: 1024Mi}}}",
            ),
            (
                "v1",
                "PersistentVolumeClaim",
                "spec: {resources: {requests: {storage: 1Gi}}}",
                "spec: {storageClassName: fast, volumeName: a, resources: {requests: {storage: 2Gi}}}",
            ),
            (
                "v1",
                "PersistentVolume",
                "spec: {nfs: {server: a, path: /}}",
                "spec: {nfs: {path: /, server: a, readOnly: false}, capacity: {storage: 1Gi}}",
            ),
            (
                rbac,
                "RoleBinding",
                "roleRef: {kind: Role, name: a}",
                "roleRef: {kind: Role, name: a, apiGroup: rbac.authorization.k8s.io}\nsubjects: []",
            ),
            (
                "storage.k8s.io/v1",
                "StorageClass",
                "provisioner: a",
                "provisioner: a\nreclaimPolicy: Delete\nvolumeBindingMode: Immediate\nallowVolumeExpansion: true",
            ),
            ("batch/v1", "Job", "spec: {template: {spec: {a: b}}}", "spec: {template: {spec: {a: c}}}"),
            (
                "apps/v1",
                "Deployment",
                "spec: {replicas: 1, selector: {matchLabels: {a: b}}}",
                "spec: {replicas: 2, selector: {matchExpressions: [], matchLabels: {\"a\": \"b\"}}}",
            ),
        ] {
            assert_eq!(
                changed(&object(api_version, kind, old), &object(api_version, kind, new)),
                "",
                "{kind} {new}"
            );
        }
        let explicit = SET
            .replace("  replicas: 1\n", "  replicas: 3\n  podManagementPolicy: OrderedReady\n")
            .replace("  - metadata:", "  - apiVersion: v1\n    kind: PersistentVolumeClaim\n    metadata:")
            .replace("1Gi", "1024Mi")
            .replace("db:1", "db:2");
        assert_eq!(changed(SET, &explicit), "");
        let replaced =
            SET.replace("  name: db\n", "  name: db\n  annotations: {instate.dev/replace: allowed}\n");
        assert_eq!(changed(&replaced, &replaced.replace("1Gi", "2Gi")), "");
    }

    #[test]
    fn no_value_of_a_secret_is_shown() {
        let secret =
            |value: &str| object("v1", "Secret", &format!("stringData: {{a: {value}}}\nimmutable: true"));
        insta::assert_snapshot!("secret", changed(&secret("hunter2"), &secret("hunter3")));
    }
}
