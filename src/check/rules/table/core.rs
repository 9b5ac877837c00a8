//! Pods, Services and the other kinds of Kubernetes' first group.

use super::super::{
    pods, resources, selectors, services,
    wants::Want::{Among, Between, Field, NotBoth, One, Only, Rule, With},
};
use super::Row;

pub(super) const TYPES: &[Row] = &[
    (
        "AppArmorProfile",
        &[
            Field("type"),
            With("localhostProfile", "type", "Localhost"),
            Only("localhostProfile", "type", "Localhost"),
        ],
    ),
    ("ConfigMapEnvSource", &[Field("name")]),
    ("ConfigMapKeySelector", &[Field("name"), Field("key")]),
    (
        "Container",
        &[Field("name"), Field("image"), Among("imagePullPolicy", &["Always", "IfNotPresent", "Never"])],
    ),
    (
        "ContainerPort",
        &[
            Between("containerPort", 1, 65535),
            Between("hostPort", 0, 65535),
            Among("protocol", &["TCP", "UDP", "SCTP"]),
        ],
    ),
    ("ContainerResizePolicy", &[Field("resourceName"), Field("restartPolicy")]),
    ("ContainerRestartRule", &[Field("exitCodes"), Among("action", &["Restart", "RestartAllContainers"])]),
    ("ContainerRestartRuleOnExitCodes", &[Among("operator", &["In", "NotIn"])]),
    ("EndpointAddress", &[Field("ip")]),
    ("EndpointPort", &[Between("port", 1, 65535)]),
    ("EnvFromSource", &[One(&["configMapRef", "secretRef"])]),
    ("EnvVar", &[Field("name"), NotBoth("value", "valueFrom")]),
    (
        "EnvVarSource",
        &[One(&["configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"])],
    ),
    ("ExecAction", &[Field("command")]),
    ("FileKeySelector", &[Field("key"), Field("path"), Field("volumeName")]),
    ("GRPCAction", &[Between("port", 1, 65535)]),
    ("HTTPGetAction", &[Among("scheme", &["HTTP", "HTTPS"]), Between("port", 1, 65535)]),
    ("HTTPHeader", &[Field("name")]),
    ("HostAlias", &[Field("ip")]),
    ("LifecycleHandler", &[One(&["exec", "httpGet", "sleep", "tcpSocket"])]),
    ("LimitRangeItem", &[Field("type")]),
    ("NodeSelector", &[Field("nodeSelectorTerms")]),
    ("NodeSelectorRequirement", &[Rule(selectors::of_nodes)]),
    ("ObjectFieldSelector", &[Field("fieldPath")]),
    ("PodAffinityTerm", &[Field("topologyKey")]),
    ("PodDNSConfigOption", &[Field("name")]),
    ("PodReadinessGate", &[Field("conditionType")]),
    ("PodResourceClaim", &[One(&["resourceClaimName", "resourceClaimTemplateName"])]),
    (
        "PodSpec",
        &[
            Field("containers"),
            Rule(pods::parts),
            Rule(resources::of_pod),
            Between("terminationGracePeriodSeconds", 0, 9_223_372_036_854_775_807),
            Between("activeDeadlineSeconds", 1, 2_147_483_647),
        ],
    ),
    ("PreferredSchedulingTerm", &[Between("weight", 1, 100)]),
    (
        "Probe",
        &[
            One(&["exec", "grpc", "httpGet", "tcpSocket"]),
            Between("periodSeconds", 0, 2_147_483_647),
            Between("timeoutSeconds", 0, 2_147_483_647),
            Between("failureThreshold", 0, 2_147_483_647),
            Between("successThreshold", 0, 2_147_483_647),
            Between("initialDelaySeconds", 0, 2_147_483_647),
        ],
    ),
    ("ResourceFieldSelector", &[Field("resource")]),
    ("ResourceRequirements", &[Rule(resources::of_container)]),
    ("ScopedResourceSelectorRequirement", &[Field("operator"), Field("scopeName")]),
    (
        "SeccompProfile",
        &[
            Field("type"),
            With("localhostProfile", "type", "Localhost"),
            Only("localhostProfile", "type", "Localhost"),
        ],
    ),
    ("SecretEnvSource", &[Field("name")]),
    ("SecretKeySelector", &[Field("name"), Field("key")]),
    (
        "ServicePort",
        &[
            Between("port", 1, 65535),
            Between("nodePort", 0, 65535),
            Between("targetPort", 1, 65535),
            Among("protocol", &["TCP", "UDP", "SCTP"]),
        ],
    ),
    ("ServiceSpec", &[With("externalName", "type", "ExternalName"), Rule(services::ports)]),
    ("Sysctl", &[Field("name")]),
    ("TCPSocketAction", &[Between("port", 1, 65535)]),
    (
        "Taint",
        &[Field("key"), Field("effect"), Among("effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"])],
    ),
    ("Toleration", &[Only("tolerationSeconds", "effect", "NoExecute")]),
    (
        "TopologySpreadConstraint",
        &[
            Field("topologyKey"),
            Between("maxSkew", 1, 2_147_483_647),
            Between("minDomains", 1, 2_147_483_647),
            Among("whenUnsatisfiable", &["DoNotSchedule", "ScheduleAnyway"]),
            Only("minDomains", "whenUnsatisfiable", "DoNotSchedule"),
        ],
    ),
    ("TypedLocalObjectReference", &[Field("kind"), Field("name")]),
    ("TypedObjectReference", &[Field("kind"), Field("name")]),
    ("VolumeDevice", &[Field("name"), Field("devicePath")]),
    ("VolumeMount", &[Field("name"), Field("mountPath"), NotBoth("subPath", "subPathExpr")]),
    ("WeightedPodAffinityTerm", &[Between("weight", 1, 100)]),
];
