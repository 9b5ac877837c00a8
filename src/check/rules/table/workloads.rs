//! What makes Pods, scales them and keeps them.

use super::super::{
    schedule,
    wants::Want::{Among, Between, Field, NotBoth, One, Only, Rule, Some, With},
};
use super::Row;

pub(super) const APPS: &[Row] = &[
    ("DaemonSetSpec", &[Field("selector"), Field("template")]),
    ("DeploymentSpec", &[Field("selector"), Field("template")]),
    ("ReplicaSetSpec", &[Field("selector"), Field("template")]),
    ("StatefulSetSpec", &[Field("selector"), Field("template")]),
];

pub(super) const AUTOSCALING_V1: &[Row] = &[
    ("CrossVersionObjectReference", &[Field("kind"), Field("name")]),
    ("HorizontalPodAutoscalerSpec", &[Between("maxReplicas", 1, 2_147_483_647)]),
];

pub(super) const AUTOSCALING_V2: &[Row] = &[
    ("ContainerResourceMetricSource", &[Field("name"), Field("container")]),
    ("CrossVersionObjectReference", &[Field("kind"), Field("name")]),
    (
        "HPAScalingPolicy",
        &[
            Between("periodSeconds", 1, 1800),
            Between("value", 1, 2_147_483_647),
            Among("type", &["Pods", "Percent"]),
        ],
    ),
    (
        "HorizontalPodAutoscalerSpec",
        &[Between("maxReplicas", 1, 2_147_483_647), Between("minReplicas", 0, 2_147_483_647)],
    ),
    ("MetricIdentifier", &[Field("name")]),
    (
        "MetricSpec",
        &[
            With("resource", "type", "Resource"),
            Only("resource", "type", "Resource"),
            With("containerResource", "type", "ContainerResource"),
            Only("containerResource", "type", "ContainerResource"),
            With("pods", "type", "Pods"),
            Only("pods", "type", "Pods"),
            With("object", "type", "Object"),
            Only("object", "type", "Object"),
            With("external", "type", "External"),
            Only("external", "type", "External"),
        ],
    ),
    (
        "MetricTarget",
        &[
            Field("type"),
            Among("type", &["Utilization", "Value", "AverageValue"]),
            Some(&["averageUtilization", "averageValue", "value"]),
        ],
    ),
    ("ResourceMetricSource", &[Field("name")]),
];

pub(super) const BATCH: &[Row] = &[
    ("CronJobSpec", &[Field("schedule"), Rule(schedule::of_cron_job)]),
    (
        "JobSpec",
        &[
            With("completions", "completionMode", "Indexed"),
            Only("successPolicy", "completionMode", "Indexed"),
            Only("backoffLimitPerIndex", "completionMode", "Indexed"),
        ],
    ),
    ("PodFailurePolicy", &[Field("rules")]),
    ("PodFailurePolicyOnExitCodesRequirement", &[Field("values"), Among("operator", &["In", "NotIn"])]),
    ("PodFailurePolicyOnPodConditionsPattern", &[Field("type")]),
    (
        "PodFailurePolicyRule",
        &[
            One(&["onExitCodes", "onPodConditions"]),
            Among("action", &["Count", "FailIndex", "FailJob", "Ignore"]),
        ],
    ),
    ("SuccessPolicy", &[Field("rules")]),
    ("SuccessPolicyRule", &[Some(&["succeededCount", "succeededIndexes"])]),
];

pub(super) const POLICY: &[Row] =
    &[("PodDisruptionBudgetSpec", &[NotBoth("minAvailable", "maxUnavailable")])];
