//! Where a volume is.

use super::wants::both;
use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
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
