//! Ingresses, policies of the network, endpoints.

use super::super::{
    network,
    wants::Want::{Absolute, Among, Between, Each, Field, FieldIf, Is, NotBoth, One, Only, Rule, Some, With},
};
use super::Row;
use crate::check::grammar::Grammar::{Controller, Host, Label, Name, Port, Range};

pub(super) const DISCOVERY: &[Row] = &[
    ("Endpoint", &[Field("addresses")]),
    ("EndpointPort", &[Between("port", 1, 65535)]),
    ("EndpointSlice", &[Field("addressType")]),
];

pub(super) const NETWORKING: &[Row] = &[
    (
        "HTTPIngressPath",
        &[
            Field("pathType"),
            With("path", "pathType", "Exact"),
            With("path", "pathType", "Prefix"),
            Absolute("path"),
            Rule(network::path),
            Among("pathType", &["Exact", "ImplementationSpecific", "Prefix"]),
        ],
    ),
    ("HTTPIngressRuleValue", &[Field("paths")]),
    ("IPAddressSpec", &[Field("parentRef")]),
    ("IPBlock", &[Field("cidr"), Is("cidr", Range), Each("except", Range), Rule(network::block)]),
    ("Ingress", &[Field("spec")]),
    ("IngressBackend", &[One(&["resource", "service"])]),
    ("IngressClass", &[FieldIf("spec", |_| true, "add `spec:` and below it `controller:`")]),
    (
        "IngressClassParametersReference",
        &[
            Field("kind"),
            Field("name"),
            With("namespace", "scope", "Namespace"),
            Only("namespace", "scope", "Namespace"),
            Among("scope", &["Cluster", "Namespace"]),
        ],
    ),
    ("IngressClassSpec", &[Field("controller"), Is("controller", Controller)]),
    ("IngressRule", &[Rule(network::host)]),
    ("IngressServiceBackend", &[Field("name"), Is("name", Label), Field("port")]),
    ("IngressSpec", &[Some(&["defaultBackend", "rules"]), Is("ingressClassName", Name)]),
    ("IngressTLS", &[Each("hosts", Host), Is("secretName", Name)]),
    (
        "NetworkPolicyPeer",
        &[
            Some(&["ipBlock", "namespaceSelector", "podSelector"]),
            NotBoth("ipBlock", "podSelector"),
            NotBoth("ipBlock", "namespaceSelector"),
        ],
    ),
    (
        "NetworkPolicyPort",
        &[Rule(network::end_port), Between("endPort", 1, 65535), Between("port", 1, 65535), Is("port", Port)],
    ),
    ("ParentReference", &[Field("resource"), Field("name")]),
    (
        "ServiceBackendPort",
        &[One(&["name", "number"]), Between("number", 1, 65535), Rule(network::backend_port)],
    ),
    ("ServiceCIDR", &[Field("spec")]),
    ("ServiceCIDRSpec", &[Field("cidrs")]),
];
