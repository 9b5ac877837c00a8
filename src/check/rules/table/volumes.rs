//! Volumes, and where they come from.

use super::super::{
    pods, resources, volumes,
    wants::Want::{Absolute, Between, Field, FieldIf, Is, Mode, One, Rule},
};
use super::Row;
use crate::check::grammar::Grammar::{Below, Label, Name};

pub(super) const TYPES: &[Row] = &[
    ("AWSElasticBlockStoreVolumeSource", &[Field("volumeID")]),
    ("AzureDiskVolumeSource", &[Field("diskName"), Field("diskURI")]),
    ("AzureFilePersistentVolumeSource", &[Field("secretName"), Field("shareName")]),
    ("AzureFileVolumeSource", &[Field("secretName"), Field("shareName")]),
    ("CSIPersistentVolumeSource", &[Field("driver"), Field("volumeHandle")]),
    ("CSIVolumeSource", &[Field("driver")]),
    ("CephFSPersistentVolumeSource", &[Field("monitors")]),
    ("CephFSVolumeSource", &[Field("monitors")]),
    ("CinderPersistentVolumeSource", &[Field("volumeID")]),
    ("CinderVolumeSource", &[Field("volumeID")]),
    ("ConfigMapProjection", &[Field("name")]),
    ("ConfigMapVolumeSource", &[Field("name"), Mode("defaultMode")]),
    (
        "DownwardAPIVolumeFile",
        &[Field("path"), Is("path", Below), Mode("mode"), One(&["fieldRef", "resourceFieldRef"])],
    ),
    ("DownwardAPIVolumeSource", &[Mode("defaultMode")]),
    ("EphemeralVolumeSource", &[Field("volumeClaimTemplate")]),
    (
        "FCVolumeSource",
        &[
            One(&["targetWWNs", "wwids"]),
            FieldIf("lun", volumes::has_targets, "add `lun:`, a number from 0 to 255"),
        ],
    ),
    ("FlexPersistentVolumeSource", &[Field("driver")]),
    ("FlexVolumeSource", &[Field("driver")]),
    ("FlockerVolumeSource", &[One(&["datasetName", "datasetUUID"])]),
    ("GCEPersistentDiskVolumeSource", &[Field("pdName")]),
    ("GitRepoVolumeSource", &[Field("repository")]),
    ("GlusterfsPersistentVolumeSource", &[Field("endpoints"), Field("path")]),
    ("GlusterfsVolumeSource", &[Field("endpoints"), Field("path")]),
    ("HostPathVolumeSource", &[Field("path")]),
    (
        "ISCSIPersistentVolumeSource",
        &[Field("targetPortal"), Field("iqn"), FieldIf("secretRef", volumes::has_login, "add `secretRef:`")],
    ),
    (
        "ISCSIVolumeSource",
        &[Field("targetPortal"), Field("iqn"), FieldIf("secretRef", volumes::has_login, "add `secretRef:`")],
    ),
    ("KeyToPath", &[Field("key"), Field("path"), Is("path", Below), Mode("mode")]),
    ("LocalVolumeSource", &[Field("path")]),
    ("NFSVolumeSource", &[Field("server"), Field("path"), Absolute("path")]),
    ("PersistentVolume", &[Field("spec")]),
    ("PersistentVolumeClaim", &[Field("spec")]),
    (
        "PersistentVolumeClaimSpec",
        &[
            Field("accessModes"),
            Rule(resources::of_claim),
            Rule(volumes::one_source),
            Is("storageClassName", Name),
        ],
    ),
    ("PersistentVolumeClaimVolumeSource", &[Field("claimName")]),
    (
        "PersistentVolumeSpec",
        &[Field("accessModes"), Field("capacity"), Rule(volumes::capacity), Rule(volumes::one_place)],
    ),
    ("PhotonPersistentDiskVolumeSource", &[Field("pdID")]),
    ("PortworxVolumeSource", &[Field("volumeID")]),
    ("ProjectedVolumeSource", &[Mode("defaultMode")]),
    ("QuobyteVolumeSource", &[Field("registry"), Field("volume")]),
    ("RBDPersistentVolumeSource", &[Field("monitors"), Field("image")]),
    ("RBDVolumeSource", &[Field("monitors"), Field("image")]),
    ("ScaleIOPersistentVolumeSource", &[Field("gateway"), Field("system"), Field("volumeName")]),
    ("ScaleIOVolumeSource", &[Field("gateway"), Field("system"), Field("volumeName")]),
    ("SecretProjection", &[Field("name")]),
    ("SecretVolumeSource", &[Field("secretName"), Mode("defaultMode")]),
    ("ServiceAccountTokenProjection", &[Field("path"), Between("expirationSeconds", 600, 4_294_967_296)]),
    ("StorageOSPersistentVolumeSource", &[Field("volumeName")]),
    ("StorageOSVolumeSource", &[Field("volumeName")]),
    ("Volume", &[Field("name"), Is("name", Label), Rule(pods::one_source)]),
    ("VolumeNodeAffinity", &[Field("required")]),
    ("VolumeProjection", &[Rule(pods::one_source)]),
    ("VsphereVirtualDiskVolumeSource", &[Field("volumePath")]),
];
