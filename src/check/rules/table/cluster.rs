//! Rights, storage classes, and what else a cluster is run by.

use super::super::{
    resources, roles,
    wants::Want::{Among, Field, FieldIf, Keyed, Least, One, Only, Rule, Some, With},
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
        Field("type"),
    ],
)];

pub(super) const FLOWCONTROL: &[Row] = &[
    ("FlowSchema", &[Field("spec")]),
    ("FlowSchemaSpec", &[Field("priorityLevelConfiguration")]),
    ("LimitResponse", &[With("queuing", "type", "Queue"), Only("queuing", "type", "Queue")]),
    ("LimitedPriorityLevelConfiguration", &[Field("limitResponse")]),
    ("NonResourcePolicyRule", &[Field("verbs"), Field("nonResourceURLs")]),
    ("PolicyRulesWithSubjects", &[Field("subjects"), Some(&["nonResourceRules", "resourceRules"])]),
    ("PriorityLevelConfiguration", &[Field("spec")]),
    ("PriorityLevelConfigurationReference", &[Field("name")]),
    (
        "PriorityLevelConfigurationSpec",
        &[With("limited", "type", "Limited"), Only("limited", "type", "Limited")],
    ),
    ("QueuingConfiguration", &[Rule(roles::queues)]),
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

pub(super) const NODE: &[Row] =
    &[("Overhead", &[Rule(resources::of_runtime)]), ("RuntimeClass", &[Field("handler")])];

pub(super) const RBAC: &[Row] = &[
    ("AggregationRule", &[Field("clusterRoleSelectors")]),
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
    (
        "CSIDriverSpec",
        &[FieldIf("tokenRequests", roles::wants_tokens, "add the tokens that go into secrets")],
    ),
    ("CSINodeDriver", &[Field("name"), Field("nodeID")]),
    ("CSIStorageCapacity", &[Field("storageClassName")]),
    ("StorageClass", &[Field("provisioner")]),
    ("VolumeAttachmentSource", &[One(&["inlineVolumeSpec", "persistentVolumeName"])]),
    ("VolumeAttachmentSpec", &[Field("attacher"), Field("nodeName")]),
    ("VolumeAttributesClass", &[Field("driverName"), Field("parameters"), Keyed("parameters")]),
];
