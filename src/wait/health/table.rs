//! The rows: what the custom resources that people really use say about themselves.

use super::{
    Status::{Failed, Failing, Healthy, Progressing, Suspended, Unknown},
    custom::{
        Pause::{self, Flag, Note},
        Row,
        Sign::{self, Ask, At, Else, If, Since},
    },
    projects,
};

/// The first row of a kind counts, so a group's special kinds stand before the rest of it.
pub(super) static ROWS: &[Row] = &[
    // cert-manager
    Row {
        group: "cert-manager.io",
        kinds: &["Certificate"],
        pauses: &[],
        signs: &[
            If("Issuing", "True", Progressing),
            // Also where it could not be renewed yet.
            If("Ready", "True", Healthy),
            Since("Issuing", "False", &["Failed"], Failing),
            // Said before the first request is made.
            Since("Ready", "False", &["DoesNotExist", "Pending", "MissingData"], Progressing),
            If("Ready", "False", Failing),
        ],
    },
    Row {
        group: "cert-manager.io",
        kinds: &["Issuer", "ClusterIssuer"],
        pauses: &[],
        signs: &[If("Ready", "False", Failing), If("Ready", "True", Healthy)],
    },
    Row {
        group: "cert-manager.io",
        kinds: &["CertificateRequest"],
        pauses: &[],
        signs: &[
            If("Denied", "True", Failed),
            If("InvalidRequest", "True", Failed),
            If("Ready", "True", Healthy),
            Since("Ready", "False", &["Failed", "Denied"], Failed),
            Since("Ready", "False", &["Pending"], Progressing),
            If("Ready", "False", Failing),
        ],
    },
    Row {
        group: "acme.cert-manager.io",
        kinds: &["Order", "Challenge"],
        pauses: &[],
        signs: &[
            At("status.state", &["valid"], Healthy, "status.reason"),
            At("status.state", &["invalid", "expired", "errored"], Failed, "status.reason"),
            At("status.state", &["pending", "ready", "processing"], Progressing, "status.reason"),
        ],
    },
    // Prometheus operator
    Row {
        group: "monitoring.coreos.com",
        kinds: &["Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"],
        pauses: &[Flag("spec.paused")],
        signs: &[
            If("Reconciled", "False", Failing),
            If("Available", "True", Healthy),
            Since("Available", "False", &["SomePodsNotReady"], Progressing),
            Since("Available", "Degraded", &["SomePodsNotReady"], Progressing),
            If("Available", "Unknown", Progressing),
            If("Available", "*", Failing),
        ],
    },
    Row {
        group: "monitoring.coreos.com",
        kinds: &[],
        pauses: &[],
        // Its status has what each Prometheus thinks of it, if anything.
        signs: &[Ask(projects::bindings), Else(Healthy, "")],
    },
    // Argo
    Row {
        group: "argoproj.io",
        kinds: &["Application"],
        pauses: &[],
        signs: &[
            At("status.health.status", &["Healthy"], Healthy, "status.health.message"),
            At("status.health.status", &["Degraded"], Failing, "status.health.message"),
            At("status.health.status", &["Suspended"], Suspended, "status.health.message"),
            At("status.health.status", &["Unknown"], Unknown, "status.health.message"),
            At("status.health.status", &["Progressing", "Missing"], Progressing, "status.health.message"),
        ],
    },
    Row {
        group: "argoproj.io",
        kinds: &["ApplicationSet"],
        pauses: &[],
        signs: &[
            If("ErrorOccurred", "True", Failing),
            If("ResourcesUpToDate", "False", Failing),
            If("RolloutProgressing", "True", Progressing),
            If("ResourcesUpToDate", "True", Healthy),
        ],
    },
    Row { group: "argoproj.io", kinds: &["Rollout"], pauses: &[], signs: &[Ask(projects::rollout)] },
    Row {
        group: "argoproj.io",
        kinds: &["Workflow"],
        pauses: &[Flag("spec.suspend")],
        signs: &[
            At("status.phase", &["Succeeded"], Healthy, "status.message"),
            At("status.phase", &["Failed", "Error"], Failed, "status.message"),
        ],
    },
    Row {
        group: "argoproj.io",
        kinds: &["CronWorkflow"],
        pauses: &[Flag("spec.suspend")],
        signs: &[If("SpecError", "True", Failed), If("SubmissionError", "True", Failing), Else(Healthy, "")],
    },
    Row {
        group: "argoproj.io",
        kinds: &["AnalysisRun", "Experiment"],
        pauses: &[],
        signs: &[
            At("status.phase", &["Successful"], Healthy, "status.message"),
            At("status.phase", &["Failed", "Error"], Failed, "status.message"),
            // Somebody has to look at what was measured.
            At("status.phase", &["Inconclusive"], Unknown, "status.message"),
        ],
    },
    Row {
        group: "argoproj.io",
        kinds: &["EventBus", "EventSource", "Sensor"],
        pauses: &[],
        signs: &[Ask(projects::all_conditions)],
    },
    Row {
        group: "argoproj.io",
        kinds: &[
            "AppProject",
            "WorkflowTemplate",
            "ClusterWorkflowTemplate",
            "AnalysisTemplate",
            "ClusterAnalysisTemplate",
            "WorkflowEventBinding",
        ],
        pauses: &[],
        signs: &[Else(Healthy, "")],
    },
    // Flux
    Row {
        group: "notification.toolkit.fluxcd.io",
        kinds: &["Provider", "Alert"],
        pauses: &[Flag("spec.suspend")],
        // Since v1beta3 they have no status.
        signs: &[If("Ready", "True", Healthy), If("Ready", "*", Failing), Else(Healthy, "")],
    },
    Row {
        group: "*.toolkit.fluxcd.io",
        kinds: &[],
        pauses: &[Flag("spec.suspend")],
        signs: &[
            Since("Ready", "False", &["Progressing", "DependencyNotReady", "SourceNotReady"], Progressing),
            If("Ready", "True", Healthy),
            If("Ready", "Unknown", Progressing),
            If("Ready", "False", Failing),
            // Nothing is asked of a registry until a chart is.
            At("spec.type", &["oci"], Healthy, ""),
        ],
    },
    // Crossplane
    Row {
        group: "pkg.crossplane.io",
        kinds: &["Provider", "Configuration", "Function"],
        pauses: &[Note("crossplane.io/paused", Some("true"))],
        signs: &[
            If("Installed", "False", Failing),
            If("Healthy", "False", Failing),
            If("Installed", "Unknown", Progressing),
            If("Healthy", "True", Healthy),
            If("Healthy", "*", Progressing),
        ],
    },
    Row {
        group: "apiextensions.crossplane.io",
        kinds: &["CompositeResourceDefinition"],
        pauses: &[Note("crossplane.io/paused", Some("true"))],
        signs: &[
            If("Established", "False", Progressing),
            If("Offered", "False", Progressing),
            If("Established", "True", Healthy),
            If("Offered", "True", Healthy),
        ],
    },
    Row { group: "*.crossplane.io", kinds: SETTINGS, pauses: &[], signs: &[Else(Healthy, "")] },
    Row { group: "*.upbound.io", kinds: SETTINGS, pauses: &[], signs: &[Else(Healthy, "")] },
    Row { group: "*.crossplane.io", kinds: &[], pauses: PAUSED, signs: MANAGED },
    Row { group: "*.upbound.io", kinds: &[], pauses: PAUSED, signs: MANAGED },
    // Knative: False is the end of what it tries, Unknown is on the way.
    Row { group: "serving.knative.dev", kinds: &[], pauses: &[], signs: KNATIVE },
    Row { group: "eventing.knative.dev", kinds: &[], pauses: &[], signs: KNATIVE },
    Row { group: "messaging.knative.dev", kinds: &[], pauses: &[], signs: KNATIVE },
    Row { group: "sources.knative.dev", kinds: &[], pauses: &[], signs: KNATIVE },
    Row { group: "flows.knative.dev", kinds: &[], pauses: &[], signs: KNATIVE },
    Row { group: "networking.internal.knative.dev", kinds: &[], pauses: &[], signs: KNATIVE },
    // Gateway API
    Row {
        group: "gateway.networking.k8s.io",
        kinds: &["GatewayClass"],
        pauses: &[],
        signs: &[
            If("Accepted", "True", Healthy),
            If("Accepted", "False", Failing),
            If("Accepted", "*", Progressing),
        ],
    },
    Row {
        group: "gateway.networking.k8s.io",
        kinds: &["Gateway", "ListenerSet", "XListenerSet"],
        pauses: &[],
        signs: &[Ask(projects::gateway)],
    },
    Row {
        group: "gateway.networking.k8s.io",
        kinds: &["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"],
        pauses: &[],
        signs: &[Ask(projects::route)],
    },
    Row {
        group: "gateway.networking.k8s.io",
        kinds: &["BackendTLSPolicy", "BackendLBPolicy"],
        pauses: &[],
        signs: &[Ask(projects::policy)],
    },
    Row {
        group: "gateway.networking.k8s.io",
        kinds: &["ReferenceGrant"],
        pauses: &[],
        signs: &[Else(Healthy, "")],
    },
    // CloudNativePG
    Row {
        group: "postgresql.cnpg.io",
        kinds: &["Cluster"],
        pauses: &[Note("cnpg.io/reconciliation", Some("disabled"))],
        signs: &[
            If("cnpg.io/hibernation", "True", Suspended),
            If("cnpg.io/hibernation", "*", Progressing),
            At("status.phase", &["Cluster in healthy state"], Healthy, "status.phaseReason"),
            At(
                "status.phase",
                &[
                    "Cluster is unrecoverable and needs manual intervention",
                    "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
                    "Cluster has incomplete or invalid image catalog",
                    "Cluster cannot execute instance online upgrade due to missing architecture binary",
                ],
                Failed,
                "status.phaseReason",
            ),
            At(
                "status.phase",
                &[
                    "Unable to create required cluster objects",
                    "Failing over",
                    "Waiting for user action",
                    "Cluster upgrade delayed",
                ],
                Failing,
                "status.phaseReason",
            ),
            Ask(projects::phase),
        ],
    },
    Row {
        group: "postgresql.cnpg.io",
        kinds: &["Backup"],
        pauses: &[],
        signs: &[
            At("status.phase", &["completed"], Healthy, ""),
            At("status.phase", &["failed", "invalid backup definition"], Failed, "status.error"),
            At("status.phase", &["walArchivingFailing"], Failing, "status.error"),
        ],
    },
    Row { group: "postgresql.cnpg.io", kinds: &["Pooler"], pauses: &[], signs: &[Ask(projects::pooler)] },
    Row {
        group: "postgresql.cnpg.io",
        kinds: &["ScheduledBackup"],
        pauses: &[Flag("spec.suspend")],
        signs: &[Else(Healthy, "")],
    },
    Row {
        group: "postgresql.cnpg.io",
        kinds: &["Database", "Publication", "Subscription"],
        pauses: &[],
        signs: &[Ask(projects::applied)],
    },
    Row {
        group: "postgresql.cnpg.io",
        kinds: &["ImageCatalog", "ClusterImageCatalog"],
        pauses: &[],
        signs: &[Else(Healthy, "")],
    },
    // Strimzi
    Row {
        group: "kafka.strimzi.io",
        kinds: &["KafkaNodePool"],
        pauses: STRIMZI_PAUSED,
        // It speaks only of what is wrong; the Kafka that it is a part of says the rest.
        signs: &[If("NotReady", "True", Failing), Ask(projects::seen)],
    },
    Row { group: "kafka.strimzi.io", kinds: &[], pauses: STRIMZI_PAUSED, signs: STRIMZI },
    Row {
        group: "core.strimzi.io",
        kinds: &["StrimziPodSet"],
        pauses: &[],
        signs: &[Ask(projects::pod_set)],
    },
    // Cluster API
    Row {
        group: "cluster.x-k8s.io",
        kinds: &["Cluster"],
        pauses: CLUSTER_PAUSED,
        signs: &[Ask(projects::cluster)],
    },
    Row {
        group: "cluster.x-k8s.io",
        kinds: &["Machine"],
        pauses: CLUSTER_PAUSED,
        signs: &[Ask(projects::machine)],
    },
    Row {
        group: "cluster.x-k8s.io",
        kinds: &["MachineDeployment", "MachineSet", "MachinePool"],
        pauses: CLUSTER_PAUSED,
        signs: &[Ask(projects::machines)],
    },
    Row {
        group: "cluster.x-k8s.io",
        kinds: &["MachineHealthCheck"],
        pauses: CLUSTER_PAUSED,
        signs: &[If("RemediationAllowed", "False", Failing), Ask(projects::machine_health)],
    },
    Row {
        group: "cluster.x-k8s.io",
        kinds: &["ClusterClass"],
        pauses: CLUSTER_PAUSED,
        signs: &[
            If("VariablesReady", "False", Failing),
            If("VariablesReconciled", "False", Failing),
            Else(Healthy, ""),
        ],
    },
    Row {
        group: "controlplane.cluster.x-k8s.io",
        kinds: &["KubeadmControlPlane"],
        pauses: CLUSTER_PAUSED,
        signs: &[Ask(projects::control_plane)],
    },
    // external-secrets
    Row {
        group: "external-secrets.io",
        kinds: &["ExternalSecret", "SecretStore", "ClusterSecretStore", "PushSecret", "ClusterPushSecret"],
        pauses: &[],
        signs: &[If("Ready", "True", Healthy), If("Ready", "False", Failing)],
    },
    Row {
        group: "external-secrets.io",
        kinds: &["ClusterExternalSecret"],
        pauses: &[],
        signs: &[Ask(projects::last_condition)],
    },
];

/// Kinds of Crossplane that only hold settings; of some the status counts who uses them.
const SETTINGS: &[&str] = &[
    "ClusterProviderConfig",
    "ClusterProviderConfigUsage",
    "Composition",
    "CompositionRevision",
    "ControllerConfig",
    "DeploymentRuntimeConfig",
    "EnvironmentConfig",
    "ImageConfig",
    "ManagedResourceActivationPolicy",
    "ProviderConfig",
    "ProviderConfigUsage",
    "StoreConfig",
    "Usage",
    "ClusterUsage",
];

const PAUSED: &[Pause] = &[Note("crossplane.io/paused", Some("true"))];

const MANAGED: &[Sign] = &[
    Since("Synced", "False", &["ReconcilePaused"], Suspended),
    If("LastAsyncOperation", "False", Failing),
    If("Synced", "False", Failing),
    If("Ready", "True", Healthy),
    If("Healthy", "False", Failing),
    If("Healthy", "True", Healthy),
    If("RevisionHealthy", "False", Failing),
    If("RevisionHealthy", "True", Healthy),
    If("Ready", "*", Progressing),
];

const KNATIVE: &[Sign] =
    &[If("Ready", "False", Failing), If("Ready", "True", Healthy), If("Ready", "*", Progressing)];

const STRIMZI_PAUSED: &[Pause] = &[Note("strimzi.io/pause-reconciliation", Some("true"))];

const STRIMZI: &[Sign] = &[
    If("ReconciliationPaused", "True", Suspended),
    Since("NotReady", "True", &["Creating"], Progressing),
    If("NotReady", "True", Failing),
    If("Ready", "True", Healthy),
    // What its operator for topics and users says instead.
    If("Ready", "False", Failing),
    Ask(projects::rebalance),
];

const CLUSTER_PAUSED: &[Pause] = &[Flag("spec.paused"), Note("cluster.x-k8s.io/paused", None)];
