//! Ingresses, policies of the network, endpoints.

use super::super::{
    network,
    wants::Want::{Absolute, Among, Between, Field, NotBoth, One, Only, Rule, Some, With},
};
use super::Row;

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
            Among("pathType", &["Exact", "ImplementationSpecific", "Prefix"]),
        ],
    ),
    ("HTTPIngressRuleValue", &[Field("paths")]),
    ("IPAddressSpec", &[Field("parentRef")]),
    ("IPBlock", &[Field("cidr")]),
    ("IngressBackend", &[One(&["resource", "service"])]),
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
    ("IngressClassSpec", &[Field("controller")]),
    ("IngressServiceBackend", &[Field("name"), Field("port")]),
    ("IngressSpec", &[Some(&["defaultBackend", "rules"])]),
    (
        "NetworkPolicyPeer",
        &[
            Some(&["ipBlock", "namespaceSelector", "podSelector"]),
            NotBoth("ipBlock", "podSelector"),
            NotBoth("ipBlock", "namespaceSelector"),
        ],
    ),
    ("NetworkPolicyPort", &[Rule(network::end_port), Between("endPort", 1, 65535)]),
    ("ParentReference", &[Field("resource"), Field("name")]),
    ("ServiceBackendPort", &[One(&["name", "number"]), Between("number", 1, 65535)]),
    ("ServiceCIDRSpec", &[Field("cidrs")]),
];
