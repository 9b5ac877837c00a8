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

/// So many are looked at, for each of which its Pods are looked for; no cluster has as many.
const MOST_WEBHOOKS: usize = 500;

/// The label that every namespace has: its name.
const NAME: &str = "kubernetes.io/metadata.name";

pub(super) fn check(across: &Across<'_>) -> Vec<Finding> {
    let webhooks = across.objects.iter().filter_map(|object| match &object.facts.says {
        Says::Webhooks(webhooks) => Some(webhooks.iter().map(|webhook| (*object, webhook))),
        _ => None,
    });
    let webhooks = webhooks.flatten().take(MOST_WEBHOOKS);
    let findings = webhooks.filter_map(|(object, webhook)| locks_out(across, object, webhook));
    findings.take(finding::MOST_OF_ONE).collect()
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

#[cfg(test)]
mod tests {
    use crate::check::testing::offline;

    /// A webhook with its backend, in a namespace that the revision declares with these labels.
    fn gate(labels: &str, webhook: &str) -> String {
        format!(
            "\
apiVersion: v1
kind: Namespace
metadata: {{name: gate, labels: {{{labels}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: gate, namespace: gate}}
spec: {{selector: {{app: gate}}, ports: [{{port: 443}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: gate, namespace: gate}}
spec:
  selector: {{matchLabels: {{app: gate}}}}
  template:
    metadata: {{labels: {{app: gate, inject: \"false\"}}}}
    spec: {{containers: [{{name: gate, image: gate:1}}]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: gate}}
webhooks:
- name: gate.example.com
  clientConfig: {{service: {{name: gate, namespace: gate}}}}
{webhook}"
        )
    }

    const PODS: &str =
        "  rules:\n  - {apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE], resources: [pods]}\n";
    const ALL: &str =
        "  rules:\n  - {apiGroups: [\"*\"], apiVersions: [\"*\"], operations: [\"*\"], resources: [\"*\"]}\n";
    const DEPLOYMENTS: &str = "  rules:\n  - {apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [deployments]}\n";

    #[test]
    fn a_webhook_that_its_own_pods_need_is_refused_with_what_leaves_them_out() {
        insta::assert_snapshot!("own_pods", offline(&gate("", PODS)));
        insta::assert_snapshot!("leases", offline(&gate("", ALL)));
    }

    #[test]
    fn a_webhook_that_only_keeps_itself_from_being_mended_is_a_warning() {
        insta::assert_snapshot!("own_deployment", offline(&gate("", DEPLOYMENTS)));
        let configuration = gate("", PODS).rsplit("---\n").next().map(ToOwned::to_owned).unwrap_or_default();
        insta::assert_snapshot!("elsewhere", offline(&configuration));
    }

    #[test]
    fn a_webhook_that_leaves_its_own_out_or_may_do_so_is_no_finding() {
        let selecting = |field: &str, expression: &str| {
            format!("{PODS}  {field}: {{matchExpressions: [{{{expression}}}]}}\n")
        };
        let own_name = "key: kubernetes.io/metadata.name, operator: NotIn, values: [gate]";
        let other = PODS.replace("pods", "certificates").replace("\"\"", "cert-manager.io");
        for (why, labels, webhook) in [
            ("it may fail", "", format!("  failurePolicy: Ignore\n{ALL}")),
            ("it is about something else", "", other),
            ("its namespace is left out by name", "", selecting("namespaceSelector", own_name)),
            (
                "its namespace is left out by a label",
                "skip: \"yes\"",
                selecting("namespaceSelector", "key: skip, operator: DoesNotExist"),
            ),
            (
                "only what asks for it",
                "",
                selecting("namespaceSelector", "key: istio-injection, operator: In, values: [enabled]"),
            ),
            (
                "its Pods are left out",
                "",
                selecting("objectSelector", "key: inject, operator: NotIn, values: [\"false\"]"),
            ),
            (
                "a condition narrows it",
                "",
                format!("{PODS}  matchConditions: [{{name: a, expression: \"false\"}}]\n"),
            ),
            ("it is not in the cluster", "", PODS.to_owned()),
        ] {
            let mut text = gate(labels, &webhook);
            if why == "it is not in the cluster" {
                text =
                    text.replace("service: {name: gate, namespace: gate}", "url: \"https://gate.example\"");
            }
            assert_eq!(offline(&text), "", "{why}");
        }
    }

    #[test]
    fn webhooks_as_well_known_projects_publish_them_are_no_finding() {
        let gatekeeper = "  rules:\n  - {apiGroups: [\"\"], apiVersions: [\"*\"], operations: [CREATE, UPDATE], resources: [namespaces]}\n  \
                          namespaceSelector: {matchExpressions: [{key: gate/ignore, operator: DoesNotExist}]}\n";
        let injector = format!(
            "{PODS}  namespaceSelector:\n    matchExpressions:\n    - {{key: istio-injection, operator: DoesNotExist}}\n    \
             - {{key: istio.io/rev, operator: DoesNotExist}}\n  \
             objectSelector:\n    matchExpressions:\n    - {{key: inject, operator: In, values: [\"true\"]}}\n"
        );
        let linkerd = format!(
            "{PODS}  namespaceSelector:\n    matchExpressions:\n    \
             - {{key: config.linkerd.io/admission-webhooks, operator: NotIn, values: [disabled]}}\n    \
             - {{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, cert-manager]}}\n"
        );
        for (labels, webhook) in [
            ("", gatekeeper),
            ("", injector.as_str()),
            ("config.linkerd.io/admission-webhooks: disabled", linkerd.as_str()),
        ] {
            assert_eq!(offline(&gate(labels, webhook)), "", "{webhook}");
        }
    }

    #[test]
    fn a_label_that_a_namespace_may_have_been_given_elsewhere_is_the_benefit_of_the_doubt() {
        let selector =
            "  namespaceSelector: {matchExpressions: [{key: gate, operator: NotIn, values: [skip]}]}\n";
        let text = gate("", &format!("{ALL}{selector}"));
        let without_namespace = text.split_once("---\n").map(|(_, rest)| rest).unwrap_or_default();
        assert!(offline(&text).contains("error[I0307]"));
        assert!(!offline(without_namespace).contains("I0307"));
    }
}
