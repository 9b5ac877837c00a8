//! Rights, storage classes, and what else a cluster is run by.

use super::super::{
    roles,
    wants::Want::{Among, Field, Least, One, Only, Rule, Some, With},
};
use super::Row;

pub(super) const CERTIFICATES: &[Row] =
    &[("CertificateSigningRequestSpec", &[Field("request"), Field("signerName"), Field("usages")])];

pub(super) const COORDINATION: &[Row] = &[("LeaseSpec", &[Least("leaseDurationSeconds", 1)])];

pub(super) const EVENTS: &[Row] = &[(
    "Event",
    &[
        Field("eventTime"),
        Field("reportingController"),
        Field("reportingInstance"),
        Field("action"),
        Field("reason"),
    ],
)];

pub(super) const FLOWCONTROL: &[Row] = &[
    ("FlowSchemaSpec", &[Field("priorityLevelConfiguration")]),
    ("LimitResponse", &[With("queuing", "type", "Queue"), Only("queuing", "type", "Queue")]),
    ("NonResourcePolicyRule", &[Field("verbs"), Field("nonResourceURLs")]),
    ("PolicyRulesWithSubjects", &[Field("subjects"), Some(&["nonResourceRules", "resourceRules"])]),
    ("PriorityLevelConfigurationReference", &[Field("name")]),
    (
        "PriorityLevelConfigurationSpec",
        &[With("limited", "type", "Limited"), Only("limited", "type", "Limited")],
    ),
    (
        "ResourcePolicyRule",
        &[Field("verbs"), Field("apiGroups"), Field("resources"), Some(&["clusterScope", "namespaces"])],
    ),
    (
        "Subject",
        &[
            With("user", "kind", "User"),
            Only("user", "kind", "User"),
            With("group", "kind", "Group"),
            Only("group", "kind", "Group"),
            With("serviceAccount", "kind", "ServiceAccount"),
            Only("serviceAccount", "kind", "ServiceAccount"),
        ],
    ),
];

pub(super) const NODE: &[Row] = &[("RuntimeClass", &[Field("handler")])];

pub(super) const RBAC: &[Row] = &[
    ("PolicyRule", &[Field("verbs"), Rule(roles::rule)]),
    ("RoleRef", &[Field("name"), Among("kind", &["Role", "ClusterRole"])]),
    (
        "Subject",
        &[
            Field("name"),
            Among("kind", &["ServiceAccount", "User", "Group"]),
            Rule(roles::account_of_cluster),
        ],
    ),
];

pub(super) const STORAGE: &[Row] = &[
    ("CSINodeDriver", &[Field("name"), Field("nodeID")]),
    ("CSIStorageCapacity", &[Field("storageClassName")]),
    ("StorageClass", &[Field("provisioner")]),
    ("VolumeAttachmentSource", &[One(&["inlineVolumeSpec", "persistentVolumeName"])]),
    ("VolumeAttachmentSpec", &[Field("attacher"), Field("nodeName")]),
    ("VolumeAttributesClass", &[Field("driverName"), Field("parameters")]),
];
