//! What a Pod cannot start without.

use super::{Part, Reference, To, read::Field};

/// Of the arguments of a Pod's programs so many are kept.
const MOST_ARGUMENTS: usize = 50;

/// Adds what a Pod of this `spec` names.
pub(super) fn references(spec: Field<'_>, refs: &mut Vec<Reference>) {
    let account = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount"));
    refs.extend(account.and_then(|name| named(To::ServiceAccount, name)));
    refs.extend(spec.get("priorityClassName").and_then(|name| named(To::PriorityClass, name)));
    refs.extend(spec.get("runtimeClassName").and_then(|name| named(To::RuntimeClass, name)));
    pull_secrets(spec, refs);
    for list in ["initContainers", "containers"] {
        for container in spec.items_of(list) {
            environment(container, refs);
        }
    }
    for volume in spec.items_of("volumes") {
        self::volume(volume, refs);
    }
}

/// The Secrets by which images are pulled, of a Pod or of a `ServiceAccount`.
pub(super) fn pull_secrets(of: Field<'_>, refs: &mut Vec<Reference>) {
    refs.extend(of.items_of("imagePullSecrets").filter_map(|one| named(To::Secret, one.get("name")?)));
}

/// The object whose name stands in `name`.
pub(super) fn named(to: To, name: Field<'_>) -> Option<Reference> {
    let text = name.text().filter(|text| !text.is_empty())?;
    Some(Reference { to, name: text.into(), namespace: None, at: name.span(), part: None })
}

fn environment(container: Field<'_>, refs: &mut Vec<Reference>) {
    for variable in container.items_of("env") {
        let Some(from) = variable.get("valueFrom") else { continue };
        for (field, to) in [("configMapKeyRef", To::ConfigMap), ("secretKeyRef", To::Secret)] {
            refs.extend(from.get(field).and_then(|source| keyed(to, source)));
        }
    }
    for from in container.items_of("envFrom") {
        for (field, to) in [("configMapRef", To::ConfigMap), ("secretRef", To::Secret)] {
            let source = from.get(field).filter(|source| !is_optional(*source));
            refs.extend(source.and_then(|source| named(to, source.get("name")?)));
        }
    }
}

/// One key of a `ConfigMap` or a `Secret`.
fn keyed(to: To, source: Field<'_>) -> Option<Reference> {
    let source = Some(source).filter(|source| !is_optional(*source))?;
    let part = source.get("key").and_then(key);
    Some(Reference { part, ..named(to, source.get("name")?)? })
}

fn key(field: Field<'_>) -> Option<(Part, crate::source::Span)> {
    let text = field.text().filter(|text| !text.is_empty())?;
    Some((Part::Key(text.into()), field.span()))
}

fn is_optional(source: Field<'_>) -> bool {
    source.get("optional").is_some_and(Field::is_true)
}

fn volume(volume: Field<'_>, refs: &mut Vec<Reference>) {
    let claim = volume.at(&["persistentVolumeClaim", "claimName"]);
    refs.extend(claim.and_then(|name| named(To::PersistentVolumeClaim, name)));
    files(To::ConfigMap, volume.get("configMap"), "name", refs);
    files(To::Secret, volume.get("secret"), "secretName", refs);
    if let Some(projected) = volume.get("projected") {
        for source in projected.items_of("sources") {
            files(To::ConfigMap, source.get("configMap"), "name", refs);
            files(To::Secret, source.get("secret"), "name", refs);
        }
    }
    if let Some(claim) = volume.at(&["ephemeral", "volumeClaimTemplate", "spec"]) {
        storage_class(claim, refs);
    }
}

/// A `ConfigMap` or a `Secret` as files: with the keys that are named, if any are.
fn files(to: To, source: Option<Field<'_>>, name: &str, refs: &mut Vec<Reference>) {
    let Some(source) = source.filter(|source| !is_optional(*source)) else { return };
    let Some(found) = source.get(name).and_then(|name| named(to, name)) else { return };
    let keys = source.items_of("items").filter_map(|item| key(item.get("key")?));
    let mut keys: Vec<Reference> = keys.map(|part| Reference { part: Some(part), ..found.clone() }).collect();
    if keys.is_empty() {
        keys.push(found);
    }
    refs.extend(keys);
}

/// The class that a claim of this `spec` asks for.
pub(super) fn storage_class(spec: Field<'_>, refs: &mut Vec<Reference>) {
    // A claim of a certain volume takes that one, whatever its class is called.
    if spec.get("volumeName").is_none() {
        refs.extend(spec.get("storageClassName").and_then(|name| named(To::StorageClass, name)));
    }
}

/// Names in arguments that are about Secrets and the like: `--secret-name=web-certs` of a Job that makes one.
pub(super) fn arguments(spec: Field<'_>) -> Box<[Box<str>]> {
    let mut found: Vec<Box<str>> = Vec::new();
    for container in ["initContainers", "containers"].iter().flat_map(|list| spec.items_of(list)) {
        let words = container.items_of("command").chain(container.items_of("args"));
        let mut flag = false;
        for word in words.filter_map(Field::text) {
            let is_flag = word.starts_with('-');
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let value = if is_flag { value } else { word };
            if is_flag {
                let name = name.to_ascii_lowercase();
                flag = ["secret", "cert", "configmap", "config-map"].iter().any(|about| name.contains(about));
            }
            // `namespace/name`, too.
            let value = value.rsplit('/').next().unwrap_or_default();
            if flag && !value.is_empty() && value.len() <= 253 && found.len() < MOST_ARGUMENTS {
                found.push(value.into());
            }
        }
    }
    found.into()
}
