//! Objects that wait for each other, as a person can follow it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Edge, Edges, Step, Why, components::Components, number};
use crate::{
    check::across::Across,
    finding::{Code, Finding},
};

/// So many objects of a circle are named.
const NAMED: usize = 5;
/// So many circles are told.
const MOST: usize = 20;

/// Objects that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle {
    /// Each waits for the one of the next, and the last for that of the first.
    pub links: Vec<Link>,
}

/// One that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The object.
    pub object: usize,
    /// Why it waits for the next.
    pub why: Why,
}

/// One circle, a short one, of each component that has any.
pub(super) fn circles(edges: &Edges<'_>, components: &Components) -> Vec<Circle> {
    let mut before: HashMap<Step, Vec<Edge>> = HashMap::new();
    let objects = edges.nodes.len();
    for edge in &edges.list {
        let of = |step| components.of(number(objects, step));
        if of(edge.from) == of(edge.to) {
            before.entry(edge.to).or_default().push(*edge);
        }
    }
    let mut seen = HashSet::new();
    let mut circles = Vec::new();
    // What somebody asked for is where it can be mended.
    let asked = |edge: &&Edge| matches!(edge.why, Why::Asked(..));
    for edge in edges.list.iter().filter(asked) {
        let to = number(objects, edge.to);
        if components.is_circle(to)
            && components.of(to) == components.of(number(objects, edge.from))
            && seen.insert(components.of(to))
            && circles.len() < MOST
        {
            circles.extend(shortest(&before, *edge));
        }
    }
    circles
}

/// The shortest way from an edge's end back to it.
fn shortest(before: &HashMap<Step, Vec<Edge>>, closing: Edge) -> Option<Circle> {
    // From each step, the edge by which it was reached, towards the end.
    let mut by: HashMap<Step, Edge> = HashMap::new();
    let mut queue = VecDeque::from([closing.from]);
    while let Some(step) = queue.pop_front() {
        if step == closing.to {
            break;
        }
        let own = match step {
            Step::Ready(at) => Some(Edge { from: Step::Write(at), to: step, why: Why::Better }),
            _ => None,
        };
        for edge in own.iter().chain(before.get(&step).into_iter().flatten()) {
            if edge.from != closing.from && !by.contains_key(&edge.from) {
                by.insert(edge.from, *edge);
                queue.push_back(edge.from);
            }
        }
    }
    // The edges of the circle, each with the one that comes next behind it.
    let mut way = vec![closing];
    let mut at = closing.to;
    while at != closing.from {
        let edge = by.get(&at)?;
        way.push(*edge);
        at = edge.to;
    }
    Some(Circle { links: links(&way) })
}

/// Objects alone: of joins and of steps of the same object nothing is said.
fn links(way: &[Edge]) -> Vec<Link> {
    let object = |step| match step {
        Step::Write(at) | Step::Ready(at) => Some(at),
        Step::Join(_) => None,
    };
    let mut links: Vec<Link> = Vec::new();
    // Who waits is at the end of an edge: backwards, each waits for the one that follows.
    for edge in way.iter().rev() {
        match (object(edge.to), links.last_mut()) {
            (Some(at), last) if last.as_ref().is_none_or(|last| last.object != at) => {
                links.push(Link { object: at, why: edge.why });
            }
            // Another step of the same object, or a join through which it waits, may know better why.
            (_, Some(last)) if last.why == Why::Better => last.why = edge.why,
            _ => {}
        }
    }
    if links.len() > 1 && links.first().map(|l| l.object) == links.last().map(|l| l.object) {
        // The two steps of one object stand at the two ends: the one that waits for another says why.
        let last = links.pop();
        if let (Some(first), Some(last)) = (links.first_mut(), last)
            && first.why == Why::Better
        {
            first.why = last.why;
        }
    }
    links
}

impl Circle {
    /// What a person is told of it.
    pub(super) fn finding(&self, across: &Across<'_>) -> Finding {
        let named: Vec<String> = self.links.iter().map(|link| across.objects[link.object].shown()).collect();
        let mut words = format!("{} would wait for itself", named[0]);
        for (at, link) in self.links.iter().take(NAMED).enumerate() {
            let next = &named[(at + 1) % named.len()];
            let how = match link.why {
                Why::Namespace => format!("is in {next}"),
                Why::Kind => format!("is of a kind that {next} defines"),
                Why::Uses => format!("cannot start without {next}"),
                Why::Asked(by, ..) => format!("comes after {next} ({})", by.name()),
                Why::Better => format!("comes after {next}"),
            };
            words = format!("{words}{} {how}", if at == 0 { ": it" } else { ", which" });
        }
        if named.len() > NAMED {
            words = format!("{words}, and so on through {} objects", named.len());
        }
        let finding = Finding::error(Code::OrderCircle, words)
            .help("take one of them out of the circle: leave out an annotation, or change its number");
        // The annotation of the first, or else of any that has one.
        let asked = self.links.iter().find_map(|link| match link.why {
            Why::Asked(_, whose, at) => Some((whose, at)),
            _ => None,
        });
        match asked {
            Some((whose, at)) => finding.at(across.place(across.objects[whose], at)),
            None => finding,
        }
    }
}
