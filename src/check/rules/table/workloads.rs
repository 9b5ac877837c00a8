//! What makes Pods, scales them and keeps them.

use super::super::{
    objects, schedule,
    wants::Want::{
        Among, Between, Field, FieldIf, Least, Mapping, NotBoth, One, Only, Rule, Share, Some, With, Without,
    },
    workloads,
};
use super::Row;

pub(super) const APPS: &[Row] = &[
    ("ControllerRevision", &[Field("data"), Mapping("data")]),
    ("DaemonSet", &[Field("spec")]),
    (
        "DaemonSetSpec",
        &[
            Field("selector"),
            Field("template"),
            Rule(workloads::selector),
            Least("minReadySeconds", 0),
            Least("revisionHistoryLimit", 0),
        ],
    ),
    ("Deployment", &[Field("spec")]),
    (
        "DeploymentSpec",
        &[
            Field("selector"),
            Field("template"),
            Rule(workloads::selector),
            Least("replicas", 0),
            Least("minReadySeconds", 0),
            Least("revisionHistoryLimit", 0),
            Least("progressDeadlineSeconds", 0),
            Rule(workloads::progress),
        ],
    ),
    ("DeploymentStrategy", &[Without("rollingUpdate", "type", "Recreate")]),
    ("ReplicaSet", &[Field("spec")]),
    (
        "ReplicaSetSpec",
        &[
            Field("selector"),
            Field("template"),
            Rule(workloads::selector),
            Least("replicas", 0),
            Least("minReadySeconds", 0),
        ],
    ),
    (
        "RollingUpdateDaemonSet",
        &[Share("maxSurge", 100), Share("maxUnavailable", 100), Rule(workloads::rolling_on_nodes)],
    ),
    (
        "RollingUpdateDeployment",
        &[Share("maxSurge", u32::MAX), Share("maxUnavailable", 100), Rule(workloads::rolling)],
    ),
    ("RollingUpdateStatefulSetStrategy", &[Least("partition", 0)]),
    ("StatefulSet", &[Field("spec")]),
    (
        "StatefulSetSpec",
        &[
            Field("selector"),
            Field("template"),
            Rule(workloads::selector),
            Rule(workloads::templates),
            Least("replicas", 0),
            Least("minReadySeconds", 0),
        ],
    ),
    ("StatefulSetUpdateStrategy", &[Without("rollingUpdate", "type", "OnDelete")]),
];

pub(super) const AUTOSCALING_V1: &[Row] = &[
    ("CrossVersionObjectReference", &[Field("kind"), Field("name"), Rule(workloads::scaled)]),
    (
        "HorizontalPodAutoscalerSpec",
        &[Least("maxReplicas", 1), Least("minReplicas", 0), Rule(workloads::replicas)],
    ),
];

pub(super) const AUTOSCALING_V2: &[Row] = &[
    ("ContainerResourceMetricSource", &[Field("name"), Field("container")]),
    ("CrossVersionObjectReference", &[Field("kind"), Field("name"), Rule(workloads::scaled)]),
    (
        "HPAScalingPolicy",
        &[Between("periodSeconds", 1, 1800), Least("value", 1), Among("type", &["Pods", "Percent"])],
    ),
    ("HPAScalingRules", &[Rule(workloads::policies)]),
    (
        "HorizontalPodAutoscalerSpec",
        &[Least("maxReplicas", 1), Least("minReplicas", 0), Rule(workloads::replicas)],
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
            Least("averageUtilization", 1),
        ],
    ),
    ("ResourceMetricSource", &[Field("name")]),
];

pub(super) const BATCH: &[Row] = &[
    ("CronJob", &[Rule(objects::cron_job)]),
    (
        "CronJobSpec",
        &[
            Field("schedule"),
            Rule(schedule::of_cron_job),
            Least("startingDeadlineSeconds", 0),
            Least("successfulJobsHistoryLimit", 0),
            Least("failedJobsHistoryLimit", 0),
        ],
    ),
    ("Job", &[Field("spec")]),
    (
        "JobSpec",
        &[
            Least("parallelism", 0),
            Least("completions", 0),
            Least("activeDeadlineSeconds", 0),
            Least("backoffLimit", 0),
            Least("backoffLimitPerIndex", 0),
            Least("maxFailedIndexes", 0),
            Least("ttlSecondsAfterFinished", 0),
            With("completions", "completionMode", "Indexed"),
            Only("successPolicy", "completionMode", "Indexed"),
            Only("backoffLimitPerIndex", "completionMode", "Indexed"),
            FieldIf("backoffLimitPerIndex", workloads::limits_indexes, "add `backoffLimitPerIndex:`"),
            Rule(workloads::of_job),
        ],
    ),
    ("JobTemplateSpec", &[Field("spec")]),
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

pub(super) const POLICY: &[Row] = &[(
    "PodDisruptionBudgetSpec",
    &[NotBoth("minAvailable", "maxUnavailable"), Share("minAvailable", 100), Share("maxUnavailable", 100)],
)];
