//! A webhook that must answer before a write is taken does not stand in the way of what it needs itself to
//! answer: where it does, and its Pods are gone once, nobody can bring them back.
//!
//! Only what is certain refuses a push. A label that a namespace may have been given elsewhere is the benefit of
//! the doubt. What changes webhook configurations themselves is never asked of a webhook: Kubernetes sees to that.

use super::{
    across::{Across, Id, Object},
    facts::{Labels, Says, Selector, Webhook, selector::Requirement},
};
use crate::{
    finding::{self, Code, Finding},
    text,
};

/// What a write is about that has to go through.
struct Needed {
    operation: &'static str,
    group: &'static str,
    resource: &'static str,
}

const PODS: Needed = Needed { operation: "CREATE", group: "", resource: "pods" };
const LEASES: Needed = Needed { operation: "UPDATE", group: "coordination.k8s.io", resource: "leases" };
const DEPLOYMENTS: Needed = Needed { operation: "UPDATE", group: "apps", resource: "deployments" };

/// The label that every namespace has: its name.
const NAME: &str = "kubernetes.io/metadata.name";

pub(super) fn check(across: &Across<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for object in &across.objects {
        let Says::Webhooks(webhooks) = &object.facts.says else { continue };
        for webhook in webhooks {
            if findings.len() >= finding::MOST_OF_ONE {
                return findings;
            }
            findings.extend(locks_out(across, *object, webhook));
        }
    }
    findings
}

fn locks_out(across: &Across<'_>, object: Object<'_>, webhook: &Webhook) -> Option<Finding> {
    let (namespace, service) = webhook.service.as_ref()?;
    if !webhook.fails || webhook.narrowed {
        return None;
    }
    let name = format!("the webhook `{}` of {}", text::excerpt(&webhook.name, 100), object.shown());
    let backend = format!("Service/{} in {}", text::excerpt(service, 63), text::excerpt(namespace, 63));
    let place = |needed: &Needed| across.place(object, rule(webhook, needed).unwrap_or(webhook.at));
    let all = webhook.objects.0.is_empty();
    for other in ["kube-system", "kube-node-lease"] {
        if all && rule(webhook, &LEASES).is_some() && is_in(across, &webhook.namespaces, other) {
            let message = format!(
                "{name} is asked about leases in {other}: when {backend} does not answer, the cluster's own \
                 controllers stop"
            );
            let help = exclude("kube-system, kube-node-lease", namespace);
            return Some(Finding::error(Code::LocksOut, message).at(place(&LEASES)).help(help));
        }
    }
    if !is_in(across, &webhook.namespaces, namespace) {
        return None;
    }
    let own = backends(across, namespace, service);
    let is_asked = |labels: &Labels| webhook.objects.matches(labels);
    if rule(webhook, &PODS).is_some() {
        if let Some((pods, _)) = own.iter().find(|(_, labels)| is_asked(labels)) {
            let message = format!(
                "{name} is asked about its own Pods: when those of {} are gone, no Pod can be created to answer",
                pods.shown()
            );
            let finding = Finding::error(Code::LocksOut, message).at(place(&PODS));
            return Some(finding.help(exclude("", namespace)));
        }
        if own.is_empty() && all {
            let message = format!(
                "{name} is asked about its own Pods: when {backend} does not answer, none can be created"
            );
            let finding = Finding::warning(Code::LocksOut, message).at(place(&PODS));
            return Some(finding.help(exclude("", namespace)));
        }
    }
    let (workload, _) = own.iter().find(|(one, _)| one.facts.key.kind == "Deployment")?;
    (all && rule(webhook, &DEPLOYMENTS).is_some()).then(|| {
        let message = format!(
            "{name} is asked about its own {}: when it does not answer, no push can change that any more",
            workload.shown()
        );
        Finding::warning(Code::LocksOut, message).at(place(&DEPLOYMENTS)).help(exclude("", namespace))
    })
}

/// What to write.
fn exclude(others: &str, namespace: &str) -> String {
    let names = text::excerpt(namespace, 63);
    let names = match others {
        "" => names,
        others if others.split(", ").any(|other| other == namespace) => others.to_owned(),
        others => format!("{others}, {names}"),
    };
    format!(
        "leave them out, under `namespaceSelector.matchExpressions`: {{key: {NAME}, operator: NotIn, values: \
         [{names}]}}"
    )
}

/// Where the rule stands that covers a write in a namespace.
fn rule(webhook: &Webhook, needed: &Needed) -> Option<crate::source::Span> {
    let covers =
        |rule: &&super::facts::Rule| rule.covers(needed.operation, needed.group, needed.resource, true);
    webhook.rules.iter().find(covers).map(|rule| rule.at)
}

/// Whether a namespace is certainly selected.
fn is_in(across: &Across<'_>, selector: &Selector, namespace: &str) -> bool {
    let id = Id { group: "", kind: "Namespace", namespace: None, name: namespace };
    let declared = across.found.get(&id).map(|at| &across.objects[*at].facts.says);
    let name: Labels = Box::new([(NAME.into(), namespace.into())]);
    let holds = |one: &Requirement| match declared {
        _ if *one.key == *NAME => one.holds(&name),
        Some(Says::Namespace(labels)) => one.holds(labels),
        _ => false,
    };
    selector.0.iter().all(holds)
}

/// Whose Pods answer, and the labels that these have.
fn backends<'a>(across: &Across<'a>, namespace: &str, service: &str) -> Vec<(Object<'a>, &'a Labels)> {
    let id = Id { group: "", kind: "Service", namespace: Some(namespace), name: service };
    let Some(Says::Service(service)) = across.found.get(&id).map(|at| &across.objects[*at].facts.says) else {
        return Vec::new();
    };
    let pods = across.objects.iter().filter(|object| object.namespace == Some(namespace));
    let pods = pods.filter_map(|object| match &object.facts.says {
        Says::Pods(pods) if service.selector.matches(&pods.labels) => Some((*object, &pods.labels)),
        _ => None,
    });
    if service.selector.0.is_empty() { Vec::new() } else { pods.collect() }
}
