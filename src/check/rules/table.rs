//! The rows: what the mappings of a type have to be like, by the name of the type without `io.k8s.`, sorted.

use super::{
    pods, resources, schedule, selectors,
    wants::{
        Want::{self, Absolute, Among, Between, Field, NotBoth, One, Only, Rule, Some, With},
        both, has, is_filled, missing, text_of,
    },
};
use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
    manifest::Resolved,
};

pub(super) const TYPES: &[(&str, &[Want])] = &[
    ("api.admissionregistration.v1.ApplyConfiguration", &[Field("expression")]),
    ("api.admissionregistration.v1.AuditAnnotation", &[Field("key"), Field("valueExpression")]),
    ("api.admissionregistration.v1.JSONPatch", &[Field("expression")]),
    ("api.admissionregistration.v1.MatchCondition", &[Field("name"), Field("expression")]),
    ("api.admissionregistration.v1.MutatingAdmissionPolicyBindingSpec", &[Field("policyName")]),
    (
        "api.admissionregistration.v1.MutatingAdmissionPolicySpec",
        &[Field("matchConstraints"), Field("mutations"), Field("reinvocationPolicy")],
    ),
    (
        "api.admissionregistration.v1.MutatingWebhook",
        &[
            Field("name"),
            Field("admissionReviewVersions"),
            Field("sideEffects"),
            Among("sideEffects", &["None", "NoneOnDryRun"]),
            Between("timeoutSeconds", 1, 30),
        ],
    ),
    (
        "api.admissionregistration.v1.Mutation",
        &[
            With("applyConfiguration", "patchType", "ApplyConfiguration"),
            Only("applyConfiguration", "patchType", "ApplyConfiguration"),
            With("jsonPatch", "patchType", "JSONPatch"),
            Only("jsonPatch", "patchType", "JSONPatch"),
        ],
    ),
    (
        "api.admissionregistration.v1.NamedRuleWithOperations",
        &[Field("apiGroups"), Field("apiVersions"), Field("operations"), Field("resources")],
    ),
    ("api.admissionregistration.v1.ParamKind", &[Field("apiVersion"), Field("kind")]),
    (
        "api.admissionregistration.v1.ParamRef",
        &[One(&["name", "selector"]), Field("parameterNotFoundAction")],
    ),
    (
        "api.admissionregistration.v1.RuleWithOperations",
        &[Field("apiGroups"), Field("apiVersions"), Field("operations"), Field("resources")],
    ),
    (
        "api.admissionregistration.v1.ServiceReference",
        &[Field("name"), Field("namespace"), Between("port", 1, 65535)],
    ),
    (
        "api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec",
        &[Field("policyName"), Field("validationActions")],
    ),
    (
        "api.admissionregistration.v1.ValidatingAdmissionPolicySpec",
        &[Field("matchConstraints"), Some(&["auditAnnotations", "validations"])],
    ),
    (
        "api.admissionregistration.v1.ValidatingWebhook",
        &[
            Field("name"),
            Field("admissionReviewVersions"),
            Field("sideEffects"),
            Among("sideEffects", &["None", "NoneOnDryRun"]),
            Between("timeoutSeconds", 1, 30),
        ],
    ),
    ("api.admissionregistration.v1.Validation", &[Field("expression")]),
    ("api.admissionregistration.v1.Variable", &[Field("name"), Field("expression")]),
    ("api.admissionregistration.v1.WebhookClientConfig", &[One(&["service", "url"])]),
    ("api.apps.v1.DaemonSetSpec", &[Field("selector"), Field("template")]),
    ("api.apps.v1.DeploymentSpec", &[Field("selector"), Field("template")]),
    ("api.apps.v1.ReplicaSetSpec", &[Field("selector"), Field("template")]),
    ("api.apps.v1.StatefulSetSpec", &[Field("selector"), Field("template")]),
    ("api.autoscaling.v1.CrossVersionObjectReference", &[Field("kind"), Field("name")]),
    ("api.autoscaling.v1.HorizontalPodAutoscalerSpec", &[Between("maxReplicas", 1, 2_147_483_647)]),
    ("api.autoscaling.v2.ContainerResourceMetricSource", &[Field("name"), Field("container")]),
    ("api.autoscaling.v2.CrossVersionObjectReference", &[Field("kind"), Field("name")]),
    (
        "api.autoscaling.v2.HPAScalingPolicy",
        &[
            Between("periodSeconds", 1, 1800),
            Between("value", 1, 2_147_483_647),
            Among("type", &["Pods", "Percent"]),
        ],
    ),
    (
        "api.autoscaling.v2.HorizontalPodAutoscalerSpec",
        &[Between("maxReplicas", 1, 2_147_483_647), Between("minReplicas", 0, 2_147_483_647)],
    ),
    ("api.autoscaling.v2.MetricIdentifier", &[Field("name")]),
    (
        "api.autoscaling.v2.MetricSpec",
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
        "api.autoscaling.v2.MetricTarget",
        &[
            Field("type"),
            Among("type", &["Utilization", "Value", "AverageValue"]),
            Some(&["averageUtilization", "averageValue", "value"]),
        ],
    ),
    ("api.autoscaling.v2.ResourceMetricSource", &[Field("name")]),
    ("api.batch.v1.CronJobSpec", &[Field("schedule"), Rule(schedule::of_cron_job)]),
    (
        "api.batch.v1.JobSpec",
        &[
            With("completions", "completionMode", "Indexed"),
            Only("successPolicy", "completionMode", "Indexed"),
            Only("backoffLimitPerIndex", "completionMode", "Indexed"),
        ],
    ),
    ("api.batch.v1.PodFailurePolicy", &[Field("rules")]),
    (
        "api.batch.v1.PodFailurePolicyOnExitCodesRequirement",
        &[Field("values"), Among("operator", &["In", "NotIn"])],
    ),
    ("api.batch.v1.PodFailurePolicyOnPodConditionsPattern", &[Field("type")]),
    (
        "api.batch.v1.PodFailurePolicyRule",
        &[
            One(&["onExitCodes", "onPodConditions"]),
            Among("action", &["Count", "FailIndex", "FailJob", "Ignore"]),
        ],
    ),
    ("api.batch.v1.SuccessPolicy", &[Field("rules")]),
    ("api.batch.v1.SuccessPolicyRule", &[Some(&["succeededCount", "succeededIndexes"])]),
    (
        "api.certificates.v1.CertificateSigningRequestSpec",
        &[Field("request"), Field("signerName"), Field("usages")],
    ),
    ("api.coordination.v1.LeaseSpec", &[Between("leaseDurationSeconds", 1, 2_147_483_647)]),
    ("api.core.v1.AWSElasticBlockStoreVolumeSource", &[Field("volumeID")]),
    (
        "api.core.v1.AppArmorProfile",
        &[
            Field("type"),
            With("localhostProfile", "type", "Localhost"),
            Only("localhostProfile", "type", "Localhost"),
        ],
    ),
    ("api.core.v1.AzureDiskVolumeSource", &[Field("diskName"), Field("diskURI")]),
    ("api.core.v1.AzureFilePersistentVolumeSource", &[Field("secretName"), Field("shareName")]),
    ("api.core.v1.AzureFileVolumeSource", &[Field("secretName"), Field("shareName")]),
    ("api.core.v1.CSIPersistentVolumeSource", &[Field("driver"), Field("volumeHandle")]),
    ("api.core.v1.CSIVolumeSource", &[Field("driver")]),
    ("api.core.v1.CephFSPersistentVolumeSource", &[Field("monitors")]),
    ("api.core.v1.CephFSVolumeSource", &[Field("monitors")]),
    ("api.core.v1.CinderPersistentVolumeSource", &[Field("volumeID")]),
    ("api.core.v1.CinderVolumeSource", &[Field("volumeID")]),
    ("api.core.v1.ConfigMapEnvSource", &[Field("name")]),
    ("api.core.v1.ConfigMapKeySelector", &[Field("name"), Field("key")]),
    ("api.core.v1.ConfigMapProjection", &[Field("name")]),
    ("api.core.v1.ConfigMapVolumeSource", &[Field("name")]),
    (
        "api.core.v1.Container",
        &[Field("name"), Field("image"), Among("imagePullPolicy", &["Always", "IfNotPresent", "Never"])],
    ),
    (
        "api.core.v1.ContainerPort",
        &[
            Between("containerPort", 1, 65535),
            Between("hostPort", 0, 65535),
            Among("protocol", &["TCP", "UDP", "SCTP"]),
        ],
    ),
    ("api.core.v1.ContainerResizePolicy", &[Field("resourceName"), Field("restartPolicy")]),
    (
        "api.core.v1.ContainerRestartRule",
        &[Field("exitCodes"), Among("action", &["Restart", "RestartAllContainers"])],
    ),
    ("api.core.v1.ContainerRestartRuleOnExitCodes", &[Among("operator", &["In", "NotIn"])]),
    ("api.core.v1.DownwardAPIVolumeFile", &[Field("path"), One(&["fieldRef", "resourceFieldRef"])]),
    ("api.core.v1.EndpointAddress", &[Field("ip")]),
    ("api.core.v1.EndpointPort", &[Between("port", 1, 65535)]),
    ("api.core.v1.EnvFromSource", &[One(&["configMapRef", "secretRef"])]),
    ("api.core.v1.EnvVar", &[Field("name"), NotBoth("value", "valueFrom")]),
    (
        "api.core.v1.EnvVarSource",
        &[One(&["configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"])],
    ),
    ("api.core.v1.EphemeralVolumeSource", &[Field("volumeClaimTemplate")]),
    ("api.core.v1.ExecAction", &[Field("command")]),
    ("api.core.v1.FCVolumeSource", &[One(&["targetWWNs", "wwids"])]),
    ("api.core.v1.FileKeySelector", &[Field("key"), Field("path"), Field("volumeName")]),
    ("api.core.v1.FlexPersistentVolumeSource", &[Field("driver")]),
    ("api.core.v1.FlexVolumeSource", &[Field("driver")]),
    ("api.core.v1.FlockerVolumeSource", &[One(&["datasetName", "datasetUUID"])]),
    ("api.core.v1.GCEPersistentDiskVolumeSource", &[Field("pdName")]),
    ("api.core.v1.GRPCAction", &[Between("port", 1, 65535)]),
    ("api.core.v1.GitRepoVolumeSource", &[Field("repository")]),
    ("api.core.v1.GlusterfsPersistentVolumeSource", &[Field("endpoints"), Field("path")]),
    ("api.core.v1.GlusterfsVolumeSource", &[Field("endpoints"), Field("path")]),
    ("api.core.v1.HTTPGetAction", &[Among("scheme", &["HTTP", "HTTPS"]), Between("port", 1, 65535)]),
    ("api.core.v1.HTTPHeader", &[Field("name")]),
    ("api.core.v1.HostAlias", &[Field("ip")]),
    ("api.core.v1.HostPathVolumeSource", &[Field("path")]),
    ("api.core.v1.ISCSIPersistentVolumeSource", &[Field("targetPortal"), Field("iqn"), Field("lun")]),
    ("api.core.v1.ISCSIVolumeSource", &[Field("targetPortal"), Field("iqn"), Field("lun")]),
    ("api.core.v1.KeyToPath", &[Field("key"), Field("path")]),
    ("api.core.v1.LifecycleHandler", &[One(&["exec", "httpGet", "sleep", "tcpSocket"])]),
    ("api.core.v1.LimitRangeItem", &[Field("type")]),
    ("api.core.v1.LocalVolumeSource", &[Field("path")]),
    ("api.core.v1.NFSVolumeSource", &[Field("server"), Field("path"), Absolute("path")]),
    ("api.core.v1.NodeSelector", &[Field("nodeSelectorTerms")]),
    ("api.core.v1.NodeSelectorRequirement", &[Rule(selectors::of_nodes)]),
    ("api.core.v1.ObjectFieldSelector", &[Field("fieldPath")]),
    ("api.core.v1.PersistentVolumeClaimSpec", &[Field("accessModes"), Rule(resources::of_claim)]),
    ("api.core.v1.PersistentVolumeClaimVolumeSource", &[Field("claimName")]),
    ("api.core.v1.PersistentVolumeSpec", &[Field("accessModes"), Field("capacity"), Rule(one_volume)]),
    ("api.core.v1.PhotonPersistentDiskVolumeSource", &[Field("pdID")]),
    ("api.core.v1.PodAffinityTerm", &[Field("topologyKey")]),
    ("api.core.v1.PodDNSConfigOption", &[Field("name")]),
    ("api.core.v1.PodReadinessGate", &[Field("conditionType")]),
    ("api.core.v1.PodResourceClaim", &[One(&["resourceClaimName", "resourceClaimTemplateName"])]),
    (
        "api.core.v1.PodSpec",
        &[
            Field("containers"),
            Rule(pods::parts),
            Rule(resources::of_pod),
            Between("terminationGracePeriodSeconds", 0, 9_223_372_036_854_775_807),
            Between("activeDeadlineSeconds", 1, 2_147_483_647),
        ],
    ),
    ("api.core.v1.PortworxVolumeSource", &[Field("volumeID")]),
    ("api.core.v1.PreferredSchedulingTerm", &[Between("weight", 1, 100)]),
    (
        "api.core.v1.Probe",
        &[
            One(&["exec", "grpc", "httpGet", "tcpSocket"]),
            Between("periodSeconds", 0, 2_147_483_647),
            Between("timeoutSeconds", 0, 2_147_483_647),
            Between("failureThreshold", 0, 2_147_483_647),
            Between("successThreshold", 0, 2_147_483_647),
            Between("initialDelaySeconds", 0, 2_147_483_647),
        ],
    ),
    ("api.core.v1.QuobyteVolumeSource", &[Field("registry"), Field("volume")]),
    ("api.core.v1.RBDPersistentVolumeSource", &[Field("monitors"), Field("image")]),
    ("api.core.v1.RBDVolumeSource", &[Field("monitors"), Field("image")]),
    ("api.core.v1.ResourceFieldSelector", &[Field("resource")]),
    ("api.core.v1.ResourceRequirements", &[Rule(resources::of_container)]),
    ("api.core.v1.ScaleIOPersistentVolumeSource", &[Field("gateway"), Field("system"), Field("secretRef")]),
    ("api.core.v1.ScaleIOVolumeSource", &[Field("gateway"), Field("system"), Field("secretRef")]),
    ("api.core.v1.ScopedResourceSelectorRequirement", &[Field("operator"), Field("scopeName")]),
    (
        "api.core.v1.SeccompProfile",
        &[
            Field("type"),
            With("localhostProfile", "type", "Localhost"),
            Only("localhostProfile", "type", "Localhost"),
        ],
    ),
    ("api.core.v1.SecretEnvSource", &[Field("name")]),
    ("api.core.v1.SecretKeySelector", &[Field("name"), Field("key")]),
    ("api.core.v1.SecretProjection", &[Field("name")]),
    ("api.core.v1.SecretVolumeSource", &[Field("secretName")]),
    (
        "api.core.v1.ServiceAccountTokenProjection",
        &[Field("path"), Between("expirationSeconds", 600, 4_294_967_296)],
    ),
    (
        "api.core.v1.ServicePort",
        &[
            Between("port", 1, 65535),
            Between("nodePort", 0, 65535),
            Between("targetPort", 1, 65535),
            Among("protocol", &["TCP", "UDP", "SCTP"]),
        ],
    ),
    ("api.core.v1.ServiceSpec", &[With("externalName", "type", "ExternalName"), Rule(ports_of_service)]),
    ("api.core.v1.StorageOSPersistentVolumeSource", &[Field("volumeName")]),
    ("api.core.v1.StorageOSVolumeSource", &[Field("volumeName")]),
    ("api.core.v1.Sysctl", &[Field("name")]),
    ("api.core.v1.TCPSocketAction", &[Between("port", 1, 65535)]),
    (
        "api.core.v1.Taint",
        &[Field("key"), Field("effect"), Among("effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"])],
    ),
    ("api.core.v1.Toleration", &[Only("tolerationSeconds", "effect", "NoExecute")]),
    (
        "api.core.v1.TopologySpreadConstraint",
        &[
            Field("topologyKey"),
            Between("maxSkew", 1, 2_147_483_647),
            Between("minDomains", 1, 2_147_483_647),
            Among("whenUnsatisfiable", &["DoNotSchedule", "ScheduleAnyway"]),
            Only("minDomains", "whenUnsatisfiable", "DoNotSchedule"),
        ],
    ),
    ("api.core.v1.TypedLocalObjectReference", &[Field("kind"), Field("name")]),
    ("api.core.v1.TypedObjectReference", &[Field("kind"), Field("name")]),
    ("api.core.v1.Volume", &[Field("name"), Rule(pods::one_source)]),
    ("api.core.v1.VolumeDevice", &[Field("name"), Field("devicePath")]),
    ("api.core.v1.VolumeMount", &[Field("name"), Field("mountPath"), NotBoth("subPath", "subPathExpr")]),
    ("api.core.v1.VolumeNodeAffinity", &[Field("required")]),
    ("api.core.v1.VolumeProjection", &[Rule(pods::one_source)]),
    ("api.core.v1.VsphereVirtualDiskVolumeSource", &[Field("volumePath")]),
    ("api.core.v1.WeightedPodAffinityTerm", &[Between("weight", 1, 100)]),
    ("api.discovery.v1.Endpoint", &[Field("addresses")]),
    ("api.discovery.v1.EndpointPort", &[Between("port", 1, 65535)]),
    ("api.discovery.v1.EndpointSlice", &[Field("addressType")]),
    (
        "api.events.v1.Event",
        &[
            Field("eventTime"),
            Field("reportingController"),
            Field("reportingInstance"),
            Field("action"),
            Field("reason"),
        ],
    ),
    ("api.flowcontrol.v1.FlowSchemaSpec", &[Field("priorityLevelConfiguration")]),
    (
        "api.flowcontrol.v1.LimitResponse",
        &[With("queuing", "type", "Queue"), Only("queuing", "type", "Queue")],
    ),
    ("api.flowcontrol.v1.NonResourcePolicyRule", &[Field("verbs"), Field("nonResourceURLs")]),
    (
        "api.flowcontrol.v1.PolicyRulesWithSubjects",
        &[Field("subjects"), Some(&["nonResourceRules", "resourceRules"])],
    ),
    ("api.flowcontrol.v1.PriorityLevelConfigurationReference", &[Field("name")]),
    (
        "api.flowcontrol.v1.PriorityLevelConfigurationSpec",
        &[With("limited", "type", "Limited"), Only("limited", "type", "Limited")],
    ),
    (
        "api.flowcontrol.v1.ResourcePolicyRule",
        &[Field("verbs"), Field("apiGroups"), Field("resources"), Some(&["clusterScope", "namespaces"])],
    ),
    (
        "api.flowcontrol.v1.Subject",
        &[
            With("user", "kind", "User"),
            Only("user", "kind", "User"),
            With("group", "kind", "Group"),
            Only("group", "kind", "Group"),
            With("serviceAccount", "kind", "ServiceAccount"),
            Only("serviceAccount", "kind", "ServiceAccount"),
        ],
    ),
    (
        "api.networking.v1.HTTPIngressPath",
        &[
            Field("pathType"),
            With("path", "pathType", "Exact"),
            With("path", "pathType", "Prefix"),
            Absolute("path"),
            Among("pathType", &["Exact", "ImplementationSpecific", "Prefix"]),
        ],
    ),
    ("api.networking.v1.HTTPIngressRuleValue", &[Field("paths")]),
    ("api.networking.v1.IPAddressSpec", &[Field("parentRef")]),
    ("api.networking.v1.IPBlock", &[Field("cidr")]),
    ("api.networking.v1.IngressBackend", &[One(&["resource", "service"])]),
    (
        "api.networking.v1.IngressClassParametersReference",
        &[
            Field("kind"),
            Field("name"),
            With("namespace", "scope", "Namespace"),
            Only("namespace", "scope", "Namespace"),
            Among("scope", &["Cluster", "Namespace"]),
        ],
    ),
    ("api.networking.v1.IngressClassSpec", &[Field("controller")]),
    ("api.networking.v1.IngressServiceBackend", &[Field("name"), Field("port")]),
    ("api.networking.v1.IngressSpec", &[Some(&["defaultBackend", "rules"])]),
    (
        "api.networking.v1.NetworkPolicyPeer",
        &[
            Some(&["ipBlock", "namespaceSelector", "podSelector"]),
            NotBoth("ipBlock", "podSelector"),
            NotBoth("ipBlock", "namespaceSelector"),
        ],
    ),
    ("api.networking.v1.NetworkPolicyPort", &[Rule(end_port), Between("endPort", 1, 65535)]),
    ("api.networking.v1.ParentReference", &[Field("resource"), Field("name")]),
    ("api.networking.v1.ServiceBackendPort", &[One(&["name", "number"]), Between("number", 1, 65535)]),
    ("api.networking.v1.ServiceCIDRSpec", &[Field("cidrs")]),
    ("api.node.v1.RuntimeClass", &[Field("handler")]),
    ("api.policy.v1.PodDisruptionBudgetSpec", &[NotBoth("minAvailable", "maxUnavailable")]),
    ("api.rbac.v1.PolicyRule", &[Field("verbs"), Rule(rule_of_role)]),
    ("api.rbac.v1.RoleRef", &[Field("name"), Among("kind", &["Role", "ClusterRole"])]),
    (
        "api.rbac.v1.Subject",
        &[Field("name"), Among("kind", &["ServiceAccount", "User", "Group"]), Rule(account_of_cluster)],
    ),
    ("api.resource.v1.CELDeviceSelector", &[Field("expression")]),
    ("api.resource.v1.CounterSet", &[Field("name"), Field("counters")]),
    ("api.resource.v1.Device", &[Field("name")]),
    (
        "api.resource.v1.DeviceAttribute",
        &[One(&["bool", "bools", "int", "ints", "string", "strings", "version", "versions"])],
    ),
    ("api.resource.v1.DeviceClaimConfiguration", &[Field("opaque")]),
    ("api.resource.v1.DeviceClassConfiguration", &[Field("opaque")]),
    ("api.resource.v1.DeviceConstraint", &[One(&["distinctAttribute", "matchAttribute"])]),
    ("api.resource.v1.DeviceCounterConsumption", &[Field("counterSet"), Field("counters")]),
    ("api.resource.v1.DeviceRequest", &[Field("name"), One(&["exactly", "firstAvailable"])]),
    ("api.resource.v1.DeviceSelector", &[Field("cel")]),
    ("api.resource.v1.DeviceSubRequest", &[Field("name"), Field("deviceClassName")]),
    ("api.resource.v1.DeviceTaint", &[Field("effect")]),
    ("api.resource.v1.ExactDeviceRequest", &[Field("deviceClassName")]),
    ("api.resource.v1.OpaqueDeviceConfiguration", &[Field("driver"), Field("parameters")]),
    ("api.resource.v1.ResourcePool", &[Field("name"), Between("resourceSliceCount", 1, 2_147_483_648)]),
    (
        "api.resource.v1.ResourceSliceSpec",
        &[
            Field("driver"),
            Field("pool"),
            One(&["allNodes", "nodeName", "nodeSelector", "perDeviceNodeSelection"]),
            NotBoth("devices", "sharedCounters"),
        ],
    ),
    ("api.storage.v1.CSINodeDriver", &[Field("name"), Field("nodeID")]),
    ("api.storage.v1.CSIStorageCapacity", &[Field("storageClassName")]),
    ("api.storage.v1.StorageClass", &[Field("provisioner")]),
    ("api.storage.v1.VolumeAttachmentSource", &[One(&["inlineVolumeSpec", "persistentVolumeName"])]),
    ("api.storage.v1.VolumeAttachmentSpec", &[Field("attacher"), Field("nodeName")]),
    ("api.storage.v1.VolumeAttributesClass", &[Field("driverName"), Field("parameters")]),
    (
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition",
        &[Field("name"), Field("type"), Field("jsonPath")],
    ),
    (
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion",
        &[With("webhook", "strategy", "Webhook"), Only("webhook", "strategy", "Webhook")],
    ),
    (
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames",
        &[Field("plural"), Field("kind")],
    ),
    (
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec",
        &[
            Field("group"),
            Field("scope"),
            Field("versions"),
            Field("names"),
            Among("scope", &["Cluster", "Namespaced"]),
        ],
    ),
    (
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion",
        &[Field("name"), Field("schema")],
    ),
    (
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale",
        &[Field("specReplicasPath"), Field("statusReplicasPath")],
    ),
    ("apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField", &[Field("jsonPath")]),
    (
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference",
        &[Field("name"), Field("namespace")],
    ),
    ("apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule", &[Field("rule")]),
    ("apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig", &[One(&["service", "url"])]),
    (
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion",
        &[Field("clientConfig"), Field("conversionReviewVersions")],
    ),
    ("apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement", &[Rule(selectors::of_labels)]),
    (
        "apimachinery.pkg.apis.meta.v1.OwnerReference",
        &[Field("apiVersion"), Field("kind"), Field("name"), Field("uid")],
    ),
    (
        "kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec",
        &[
            Field("group"),
            Field("version"),
            Between("groupPriorityMinimum", 1, 20000),
            Between("versionPriority", 1, 1000),
        ],
    ),
    ("kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference", &[Field("name"), Field("namespace")]),
];

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

/// A binding in a namespace means the accounts of its own where it names none; one of the cluster has none.
fn account_of_cluster(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if spot.manifest().key.kind == "ClusterRoleBinding" {
        With("namespace", "kind", "ServiceAccount").look(spot, &|_| false, found);
    }
}

/// A `PersistentVolume` is in one place.
fn one_volume(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let mut there = SOURCES.iter().filter_map(|source| spot.field(source));
    match (there.next(), there.next()) {
        (None, _) => {
            let message = format!("`{}` does not say where the volume is", spot.path());
            let finding = Finding::error(Code::OneOf, message).at(spot.head_place());
            found.push(finding.help("add one of `csi:`, `nfs:`, `hostPath:`, `local:` and so on"));
        }
        (Option::Some(first), Option::Some(second)) => found.push(both(spot, &first, &second)),
        (Option::Some(_), None) => {}
    }
}

/// A Service has ports, unless it is but a name or has no address of its own.
fn ports_of_service(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let needs_none = text_of(spot, "type") == Option::Some("ExternalName")
        || text_of(spot, "clusterIP") == Option::Some("None");
    if !needs_none && !has(spot, "ports") {
        found.push(missing(spot, "ports"));
    }
}

/// `endPort` closes a range that begins with a number.
fn end_port(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Option::Some(end) = spot.field("endPort") else { return };
    let message = match spot.field("port") {
        Option::Some(port) => match (port.is(), end.whole()) {
            (Resolved::Int(first), Option::Some(last)) if last >= first => return,
            (Resolved::Int(_), None) => return,
            (Resolved::Int(first), _) => format!("`{}` is smaller than `port`, which is {first}", end.path()),
            _ => format!("`{}` needs a number as `port`", end.path()),
        },
        None => format!("`{}` has no `port` that it could end", end.path()),
    };
    found.push(end.error(Code::Together, message).help("write the first port as a number"));
}

/// A rule of a role is about resources of groups, or about addresses, which are in no namespace.
fn rule_of_role(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if let Option::Some(urls) = spot.field("nonResourceURLs").filter(is_filled) {
        let mut others =
            ["apiGroups", "resources", "resourceNames"].iter().filter_map(|name| spot.field(name));
        if let Option::Some(other) = others.find(is_filled) {
            found.push(both(spot, &other, &urls));
        } else if spot.manifest().key.kind == "Role" {
            let message = format!("`{}` stands in a Role, and addresses are in no namespace", urls.path());
            let finding = Finding::error(Code::Together, message).at(urls.key_place());
            found.push(finding.help("write it into a ClusterRole"));
        }
        return;
    }
    for field in ["apiGroups", "resources"] {
        if !has(spot, field) {
            found.push(missing(spot, field));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn rows_are_sorted_so_that_they_are_found() {
        assert!(super::TYPES.windows(2).all(|rows| rows[0].0 < rows[1].0));
    }
}
