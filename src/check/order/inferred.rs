//! What objects say of each other without knowing it: what they live in, what they are instances of, what they name.

use std::collections::HashMap;

use super::{Edges, Node, Step, Why};
use crate::check::{
    across::{Id, same_group},
    facts::{Reference, Says, To, is_custom},
    schema::DEFINITION,
};

/// Of so many Services it is looked for what answers them to the API server: nobody has more webhooks.
const MOST_BACKENDS: usize = 200;

/// How the kinds of a cluster stand to each other where objects say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    /// What others live in or are instances of.
    Ground,
    /// What others refer to, or are judged by.
    Referred,
    /// What runs, and all kinds that are not known here.
    Running,
    /// What judges or serves everybody's requests: last, since what answers for it is among what runs.
    Gatekeeping,
}

impl Rank {
    fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("", "Namespace") | ("apiextensions.k8s.io", "CustomResourceDefinition") => Self::Ground,
            (
                "",
                "ServiceAccount"
                | "ConfigMap"
                | "Secret"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "Service"
                | "ResourceQuota"
                | "LimitRange",
            )
            | ("rbac.authorization.k8s.io" | "storage.k8s.io" | "scheduling.k8s.io" | "node.k8s.io", _)
            | ("networking.k8s.io", "NetworkPolicy" | "IngressClass") => Self::Referred,
            ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => Self::Gatekeeping,
            _ => Self::Running,
        }
    }
}

/// Adds what follows from the objects themselves.
pub(super) fn add(edges: &mut Edges<'_>) {
    let nodes = edges.nodes;
    let ranks: Vec<Rank> =
        nodes.iter().map(|node| Rank::of(&node.facts.key.group, &node.facts.key.kind)).collect();
    let definitions = definitions(edges);
    let gates = gates(edges, &ranks);
    let (mut there, ran) = (HashMap::new(), edges.join());
    for (at, _) in ranks.iter().enumerate().filter(|(_, rank)| **rank == Rank::Referred) {
        let join = *there.entry(nodes[at].namespace).or_insert_with(|| edges.join());
        edges.add(Step::Write(at), join, Why::Better);
    }
    for (at, node) in nodes.iter().enumerate() {
        let key = &node.facts.key;
        if let Some(namespace) = node.namespace {
            let id = Id { group: "", kind: "Namespace", namespace: None, name: namespace };
            if let Some(namespace) = edges.found.get(&id) {
                edges.add(Step::Ready(*namespace), Step::Write(at), Why::Namespace);
            }
        }
        if let Some(definitions) = definitions.get(key.group.as_str()).filter(|_| key.kind != DEFINITION) {
            edges.add(*definitions, Step::Write(at), Why::Kind);
        }
        let gates = gates.get(key.group.as_str()).filter(|_| is_custom(&key.group));
        for gate in gates.into_iter().flatten() {
            edges.add(*gate, Step::Write(at), Why::Better);
        }
        named(edges, at, node);
        match ranks[at] {
            Rank::Ground | Rank::Referred => {}
            Rank::Running | Rank::Gatekeeping => {
                for place in [None, node.namespace] {
                    if let Some(join) = there.get(&place) {
                        edges.add(*join, Step::Write(at), Why::Better);
                    }
                }
                if ranks[at] == Rank::Gatekeeping {
                    edges.add(ran, Step::Write(at), Why::Better);
                } else if gates.is_none() {
                    edges.add(Step::Write(at), ran, Why::Better);
                }
            }
        }
    }
}

/// What an object names.
fn named(edges: &mut Edges<'_>, at: usize, node: &Node<'_>) {
    let is_pods = matches!(node.facts.says, Says::Pods(_));
    for by in &node.facts.refs {
        // What the API server calls comes with what answers; a definition needs that only for its objects.
        let calls = by.to == To::Service && (node.namespace.is_none() || node.facts.key.kind == DEFINITION);
        let Some(found) = target(edges, node, by).filter(|found| *found != at && !calls) else { continue };
        let needed = is_pods
            && matches!(by.to, To::ConfigMap | To::Secret | To::ServiceAccount | To::PersistentVolumeClaim);
        edges.add(Step::Write(found), Step::Write(at), if needed { Why::Uses } else { Why::Better });
    }
}

fn target(edges: &Edges<'_>, node: &Node<'_>, by: &Reference) -> Option<usize> {
    let (group, kind) = (by.to.group(), by.to.kind());
    let namespace = by.namespace.as_deref().or(node.namespace).filter(|_| !by.to.is_of_cluster());
    edges.found.get(&Id { group: same_group(group, kind), kind, namespace, name: &by.name }).copied()
}

/// Of each group, a step after which its kinds are served.
fn definitions<'a>(edges: &mut Edges<'a>) -> HashMap<&'a str, Step> {
    let mut groups = HashMap::new();
    for (at, node) in edges.nodes.iter().enumerate().filter(|(_, node)| node.facts.key.kind == DEFINITION) {
        // `certificates.cert-manager.io`
        let Some((_, group)) = node.facts.key.name.split_once('.') else { continue };
        let join = *groups.entry(group).or_insert_with(|| edges.join());
        edges.add(Step::Ready(at), join, Why::Kind);
        // Objects of another version than the one that is kept are converted by what answers for that.
        for by in node.facts.refs.iter().filter(|by| by.to == To::Service) {
            answers(edges, node, by, join);
        }
    }
    groups
}

/// Puts what judges or serves requests behind what answers them; of each group that a webhook names, the webhooks.
fn gates<'a>(edges: &mut Edges<'a>, ranks: &[Rank]) -> HashMap<&'a str, Vec<Step>> {
    let mut gates: HashMap<&str, Vec<Step>> = HashMap::new();
    let mut looked = 0;
    for (at, node) in edges.nodes.iter().enumerate().filter(|(at, _)| ranks[*at] == Rank::Gatekeeping) {
        for by in node.facts.refs.iter().filter(|by| by.to == To::Service) {
            looked += 1;
            if looked <= MOST_BACKENDS {
                answers(edges, node, by, Step::Write(at));
            }
        }
        let Says::Webhooks(webhooks) = &node.facts.says else { continue };
        let groups = webhooks.iter().flat_map(|webhook| &webhook.rules).flat_map(|rule| &rule.groups);
        for group in groups {
            let before = gates.entry(group).or_default();
            if before.last() != Some(&Step::Write(at)) && before.len() < MOST_BACKENDS {
                before.push(Step::Write(at));
            }
        }
    }
    gates
}

/// `step` comes after the Service that is named and the Pods behind it.
fn answers(edges: &mut Edges<'_>, node: &Node<'_>, by: &Reference, step: Step) {
    let Some(found) = target(edges, node, by) else { return };
    edges.add(Step::Write(found), step, Why::Better);
    let namespace = edges.nodes[found].namespace;
    let Says::Service(service) = &edges.nodes[found].facts.says else { return };
    if service.selector.0.is_empty() {
        return;
    }
    for (at, pods) in edges.nodes.iter().enumerate().filter(|(_, node)| node.namespace == namespace) {
        if let Says::Pods(pods) = &pods.facts.says
            && service.selector.matches(&pods.labels)
        {
            edges.add(Step::Ready(at), step, Why::Better);
        }
    }
}
