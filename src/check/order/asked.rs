//! What annotations ask of the order, and what is wrong with them.

use std::collections::{BTreeMap, HashMap};

use super::{Edges, Node, Step, Way, Why, order};
use crate::{
    check::{
        across::{Across, Id, Object, same_group},
        facts::{After, Asked, Wave, Wishes},
    },
    finding::{self, Code, Finding},
    manifest::ObjectKey,
    text,
};

/// Adds what annotations ask for.
pub(super) fn add(edges: &mut Edges<'_>) {
    let nodes = edges.nodes;
    if nodes.iter().all(|node| node.facts.wishes.is_none()) {
        return;
    }
    let by_name = by_name(nodes);
    for (at, node, wishes) in wishing(nodes) {
        for after in &wishes.after {
            for found in named(&by_name, node, after) {
                let why = Why::Asked(after.asked.by, at, after.asked.at);
                edges.add(Step::Ready(found), Step::Write(at), why);
            }
        }
    }
    waves(edges);
    groups(edges);
}

fn wishing<'a>(nodes: &'a [Node<'a>]) -> impl Iterator<Item = (usize, &'a Node<'a>, &'a Wishes)> {
    let all = nodes.iter().enumerate();
    all.filter_map(|(at, node)| Some((at, node, node.facts.wishes.as_deref()?)))
}

/// All objects of a name, whatever their kind.
type ByName<'a> = HashMap<&'a str, Vec<(usize, Id<'a>)>>;

fn by_name<'a>(nodes: &[Node<'a>]) -> ByName<'a> {
    let mut by_name: ByName<'a> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        by_name.entry(&node.facts.key.name).or_default().push((at, node.id()));
    }
    by_name
}

/// The objects that are meant.
fn named(by_name: &ByName<'_>, node: &Node<'_>, after: &After) -> Vec<usize> {
    let meant = |id: &Id<'_>| {
        let namespace = match &after.namespace {
            Some(namespace) => id.namespace == Some(namespace),
            // Of the same namespace, or of the whole cluster.
            None => id.namespace.is_none() || id.namespace == node.namespace,
        };
        let group = after.group.as_deref().is_none_or(|group| id.group == same_group(group, id.kind));
        *id.kind == *after.kind && namespace && group
    };
    let all = by_name.get(&*after.name).into_iter().flatten();
    all.filter(|(_, id)| meant(id)).map(|(at, _)| *at).collect()
}

/// What has a number begins when all that is of an earlier one is healthy; what has none has the number 0.
fn waves(edges: &mut Edges<'_>) {
    let nodes = edges.nodes;
    let wave = |node: &Node<'_>| {
        node.facts
            .wishes
            .as_ref()
            .and_then(|wishes| wishes.wave)
            .map_or((Wave::default(), None), |(w, a)| (w, Some(a)))
    };
    if nodes.iter().all(|node| wave(node).1.is_none()) {
        return;
    }
    let mut waves: BTreeMap<Wave, Vec<(usize, Option<Asked>)>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let (wave, asked) = wave(node);
        waves.entry(wave).or_default().push((at, asked));
    }
    let mut before = None;
    for of in waves.into_values() {
        let join = edges.join();
        for (at, asked) in of {
            // Nobody asked for the place of what has no number.
            let why = asked.map_or(Why::Better, |asked| Why::Asked(asked.by, at, asked.at));
            if let Some(before) = before {
                edges.add(before, Step::Write(at), why);
            }
            edges.add(Step::Ready(at), join, why);
        }
        if let Some(before) = before {
            edges.add(before, join, Why::Better);
        }
        before = Some(join);
    }
}

fn groups(edges: &mut Edges<'_>) {
    let nodes = edges.nodes;
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, _, wishes) in wishing(nodes) {
        wishes.groups.iter().for_each(|group| groups.entry(group).or_default().push(at));
    }
    // Before and after a group, for everybody who has to do with it.
    let mut joins: HashMap<(&str, bool), Step> = HashMap::new();
    let deletes = edges.way == Way::Delete;
    for (at, _, wishes) in wishing(nodes) {
        for rule in wishes.rules.iter().filter(|rule| rule.deletes == deletes) {
            let Some(members) = groups.get(&*rule.group) else { continue };
            let why = Why::Asked(rule.asked.by, at, rule.asked.at);
            // What is deleted after the group is written before it.
            let after = rule.before == rule.deletes;
            // One of the group does not wait for itself.
            if members.contains(&at) {
                for member in members.iter().filter(|member| **member != at) {
                    let (first, second) = if after { (*member, at) } else { (at, *member) };
                    edges.add(Step::Ready(first), Step::Write(second), why);
                }
                continue;
            }
            let join = *joins.entry((&rule.group, after)).or_insert_with(|| {
                let join = edges.join();
                for member in members {
                    if after {
                        edges.add(Step::Ready(*member), join, why);
                    } else {
                        edges.add(join, Step::Write(*member), why);
                    }
                }
                join
            });
            if after {
                edges.add(join, Step::Write(at), why);
            } else {
                edges.add(Step::Ready(at), join, why);
            }
        }
    }
}

/// What is wrong with what is asked.
pub(in crate::check) fn check(across: &Across<'_>) -> Vec<Finding> {
    let objects = &across.objects;
    let nodes: Vec<Node<'_>> =
        objects.iter().map(|one| Node { facts: one.facts, namespace: one.namespace }).collect();
    if nodes.iter().all(|node| node.facts.wishes.is_none()) {
        return Vec::new();
    }
    let by_name = by_name(&nodes);
    let mut findings = Vec::new();
    for (at, node, wishes) in wishing(&nodes) {
        findings.extend(wishes.wrong.iter().map(|wrong| {
            let message = format!("{}: {}", objects[at].shown(), wrong.what);
            Finding::error(Code::OrderUnreadable, message)
                .at(across.place(objects[at], wrong.at))
                .help(&*wrong.help)
        }));
        let missing = wishes.after.iter().filter(|after| named(&by_name, node, after).is_empty());
        findings.extend(missing.map(|after| nowhere(across, objects[at], after)));
        if findings.len() >= finding::MOST_OF_ONE {
            break;
        }
    }
    if let Err(circles) = order(&nodes, Way::Write) {
        findings.extend(circles.iter().map(|circle| circle.finding(across)));
    }
    findings.truncate(finding::MOST_OF_ONE);
    findings
}

fn nowhere(across: &Across<'_>, object: Object<'_>, after: &After) -> Finding {
    let what = format!("{}/{}", text::excerpt(&after.kind, 63), text::excerpt(&after.name, 120));
    let place = match &after.namespace {
        Some(namespace) => format!("{what} in {}", text::excerpt(namespace, 63)),
        None => what,
    };
    let message = format!("{} waits for {place}, which this revision does not declare", object.shown());
    let alike = across.objects.iter().filter(|other| other.facts.key.kind == *after.kind);
    let near = text::nearest(&after.name, alike.take(1_000).map(|other| other.facts.key.name.as_str()));
    let elsewhere = across.objects.iter().find(|other| {
        let ObjectKey { kind, name, .. } = &other.facts.key;
        *kind == *after.kind && *name == *after.name && other.namespace.is_some()
    });
    let help = match (elsewhere.and_then(|other| other.namespace), near) {
        (Some(namespace), _) => format!("the one that it declares is in {}", text::excerpt(namespace, 63)),
        (None, Some(near)) => format!("did you mean {}/{near}?", text::excerpt(&after.kind, 63)),
        (None, None) => {
            "declare it too, or leave it out: what is not deployed here cannot be waited for".to_owned()
        }
    };
    Finding::error(Code::OrderUnknown, message).at(across.place(object, after.asked.at)).help(help)
}
