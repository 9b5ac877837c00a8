//! What defines other kinds, and what all of them have.

use super::super::{
    objects, selectors,
    wants::Want::{Among, Between, Field, One, Only, Rule, With},
};
use super::Row;

pub(super) const EXTENSIONS: &[Row] = &[
    ("CustomResourceColumnDefinition", &[Field("name"), Field("type"), Field("jsonPath")]),
    (
        "CustomResourceConversion",
        &[With("webhook", "strategy", "Webhook"), Only("webhook", "strategy", "Webhook")],
    ),
    ("CustomResourceDefinitionNames", &[Field("plural"), Field("kind")]),
    (
        "CustomResourceDefinitionSpec",
        &[
            Field("group"),
            Field("scope"),
            Field("versions"),
            Field("names"),
            Among("scope", &["Cluster", "Namespaced"]),
        ],
    ),
    ("CustomResourceDefinitionVersion", &[Field("name"), Field("schema")]),
    ("CustomResourceSubresourceScale", &[Field("specReplicasPath"), Field("statusReplicasPath")]),
    ("SelectableField", &[Field("jsonPath")]),
    ("ServiceReference", &[Field("name"), Field("namespace")]),
    ("ValidationRule", &[Field("rule")]),
    ("WebhookClientConfig", &[One(&["service", "url"])]),
    ("WebhookConversion", &[Field("clientConfig"), Field("conversionReviewVersions")]),
];

pub(super) const REGISTRATION: &[Row] = &[
    ("APIService", &[Field("spec")]),
    (
        "APIServiceSpec",
        &[
            Field("group"),
            Field("version"),
            Between("groupPriorityMinimum", 1, 20000),
            Between("versionPriority", 1, 1000),
            Rule(objects::local_service),
        ],
    ),
    ("ServiceReference", &[Field("name"), Field("namespace")]),
];

pub(super) const META: &[Row] = &[
    ("LabelSelectorRequirement", &[Rule(selectors::of_labels)]),
    ("OwnerReference", &[Field("apiVersion"), Field("kind"), Field("name"), Field("uid")]),
];
