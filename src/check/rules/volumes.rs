//! Where a volume is.

use super::wants::{both, has, is_true, text_of};
use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
    text,
};

/// Where a `PersistentVolume` may be.
const SOURCES: [&str; 22] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

/// A `PersistentVolume` is in one place.
pub(super) fn one_place(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let mut there = SOURCES.iter().filter_map(|source| spot.field(source));
    match (there.next(), there.next()) {
        (None, _) => {
            let message = format!("`{}` does not say where the volume is", spot.path());
            let finding = Finding::error(Code::OneOf, message).at(spot.head_place());
            found.push(finding.help("add one of `csi:`, `nfs:`, `hostPath:`, `local:` and so on"));
        }
        (Some(first), Some(second)) => found.push(both(spot, &first, &second)),
        (Some(_), None) => {}
    }
}

/// Whether a volume is found by targets, which have numbers of their own.
pub(super) fn has_targets(spot: &Spot<'_>) -> bool {
    has(spot, "targetWWNs")
}

/// Whether a volume of iSCSI is logged into.
pub(super) fn has_login(spot: &Spot<'_>) -> bool {
    is_true(spot, "chapAuthDiscovery") || is_true(spot, "chapAuthSession")
}

/// Whether a volume is mounted as it is; what makes Pods may have it filled in.
pub(super) fn is_mounted(spot: &Spot<'_>) -> bool {
    spot.manifest().key.kind == "Pod"
}

/// Whether a volume is a disk of one node.
pub(super) fn is_local(spot: &Spot<'_>) -> bool {
    spot.field("local").is_some()
}

/// A disk of Azure is named in the way of its kind, which is a shared blob where none is written.
pub(super) fn disk(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(uri) = spot.field("diskURI") else { return };
    let Some(text) = uri.text().filter(|text| !text.is_empty()) else { return };
    let kind = text_of(spot, "kind").unwrap_or("Shared");
    let (start, other) = match kind {
        "Managed" => ("/subscriptions/", "Shared"),
        "Shared" | "Dedicated" => ("https://", "Managed"),
        _ => return,
    };
    if !text.starts_with(start) {
        let message =
            format!("`{}` does not begin with `{start}`, as it does of a `{kind}` disk", uri.path());
        let help = format!("write it so, or write `kind: {other}` beside it");
        found.push(uri.error(Code::Together, message).help(help));
    }
}

/// What a claim begins with is said in two fields, of which one is there for older clients.
pub(super) fn one_source(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    for source in ["dataSource", "dataSourceRef"].into_iter().filter_map(|name| spot.field(name)) {
        let kind = text_of(&source, "kind").unwrap_or("PersistentVolumeClaim");
        if !has(&source, "apiGroup") && kind != "PersistentVolumeClaim" {
            let message =
                format!("`{}` has no `apiGroup`, and {} is of one", source.path(), text::excerpt(kind, 60));
            let finding = Finding::error(Code::Together, message).at(source.key_place());
            return found.push(finding.help("add `apiGroup:`, as in `snapshot.storage.k8s.io`"));
        }
    }
    let (Some(older), Some(newer)) = (spot.field("dataSource"), spot.field("dataSourceRef")) else { return };
    let same = |name| text_of(&older, name).unwrap_or_default() == text_of(&newer, name).unwrap_or_default();
    if has(&newer, "namespace") || !["apiGroup", "kind", "name"].into_iter().all(same) {
        let message = format!("`{}` is not the same as `dataSourceRef`", older.path());
        let finding = Finding::error(Code::Together, message).at(older.key_place());
        found.push(finding.help("remove it: `dataSourceRef` says it all"));
    }
}

/// Of a `PersistentVolume` it is said how much it stores, and nothing else.
pub(super) fn capacity(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(capacity) = spot.field("capacity") else { return };
    let mut others = capacity.fields().filter(|(name, _)| name != "storage");
    let (place, help) = match others.next() {
        Some((_, other)) => (other.key_place(), "write `storage:` and nothing else"),
        None if capacity.field("storage").is_none() => (capacity.key_place(), "add `storage:` to it"),
        None => return,
    };
    let message = format!("`{}` has to say how much the volume stores, and nothing else", capacity.path());
    found.push(Finding::error(Code::NotAllowed, message).at(place).help(help));
}
