//! In which order the objects of a revision are deployed: a graph, from what they say of each other.
//!
//! An object is written when everything that it needs is there, and healthy where it was asked to be. What would
//! not work otherwise is firm: a namespace before what is in it, a definition before its objects, what a Pod cannot
//! start without, and what annotations ask for. Everything else is only better so (a `Service` before the Pods that
//! read its address, a webhook after what answers it), and gives way where it contradicts what is firm.
//!
//! Objects that wait for each other firmly cannot be deployed: that is a finding, and [`Circle`] says how.

mod asked;
mod circle;
mod components;
mod inferred;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use super::{
    Facts,
    across::{Id, same_group},
    facts::By,
};
use crate::{manifest::ObjectKey, source::Span};
pub(super) use asked::check;
pub use circle::{Circle, Link};

/// An object, and the namespace that it will have.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// What it says.
    pub facts: &'a Facts,
    /// None where it lives in none.
    pub namespace: Option<&'a str>,
}

/// What the order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Writing objects.
    Write,
    /// Deleting them, which runs backwards.
    Delete,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An object is written.
    Write(usize),
    /// An object is healthy.
    Ready(usize),
    /// Nothing, but others wait for it instead of for each of many.
    Join(usize),
}

/// An order without circles, over the objects by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    objects: usize,
    /// Of each step, those that need it; see [`Order::number`].
    then: Vec<Vec<u32>>,
}

/// Why one comes after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It lives in that namespace.
    Namespace,
    /// It is of that kind.
    Kind,
    /// Its Pods cannot start without it.
    Uses,
    /// An annotation asks for it: which, of which object, and where it stands.
    Asked(By, usize, Span),
    /// It is better so.
    Better,
}

impl Why {
    fn is_firm(self) -> bool {
        self != Self::Better
    }
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    from: Step,
    to: Step,
    why: Why,
}

/// Finds the order of objects.
///
/// # Errors
/// Those that wait for each other.
pub fn order(nodes: &[Node<'_>], way: Way) -> Result<Order, Vec<Circle>> {
    let mut edges = Edges::new(nodes, way);
    inferred::add(&mut edges);
    asked::add(&mut edges);
    edges.untangled()
}

/// What comes after what, while that is found out.
struct Edges<'a> {
    nodes: &'a [Node<'a>],
    way: Way,
    found: HashMap<Id<'a>, usize>,
    list: Vec<Edge>,
    joins: usize,
}

impl<'a> Edges<'a> {
    fn new(nodes: &'a [Node<'a>], way: Way) -> Self {
        let mut found = HashMap::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            found.entry(node.id()).or_insert(at);
        }
        Self { nodes, way, found, list: Vec::new(), joins: 0 }
    }

    fn join(&mut self) -> Step {
        self.joins += 1;
        Step::Join(self.joins - 1)
    }

    /// `to` comes after `from`.
    fn add(&mut self, from: Step, to: Step, why: Why) {
        self.list.push(Edge { from, to, why });
    }

    fn order(&self) -> Order {
        Order::new(self.nodes.len(), self.joins, self.list.iter().map(|edge| (edge.from, edge.to)))
    }

    /// Leaves out what is only better, where it is part of a circle. What is deleted goes in any order rather than
    /// not at all.
    fn untangled(mut self) -> Result<Order, Vec<Circle>> {
        for firm_gives_way in [false, true] {
            let order = self.order();
            let components = components::components(&order.then);
            if !components.has_circles() {
                return Ok(order);
            }
            if firm_gives_way && self.way == Way::Write {
                return Err(circle::circles(&self, &components));
            }
            let of = |step| components.of(order.number(step));
            self.list.retain(|edge| of(edge.from) != of(edge.to) || (edge.why.is_firm() && !firm_gives_way));
        }
        Ok(self.order())
    }
}

/// Steps have numbers: each object has two, and joins come after them.
fn number(objects: usize, step: Step) -> usize {
    match step {
        Step::Write(at) => 2 * at,
        Step::Ready(at) => 2 * at + 1,
        Step::Join(at) => 2 * objects + at,
    }
}

fn step(objects: usize, number: usize) -> Step {
    match number {
        _ if number >= 2 * objects => Step::Join(number - 2 * objects),
        _ if number.is_multiple_of(2) => Step::Write(number / 2),
        _ => Step::Ready(number / 2),
    }
}

/// An environment has fewer objects than that.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Order {
    /// Of so many objects and joins, with what comes before what: no circle may be in it.
    pub(crate) fn new(objects: usize, joins: usize, edges: impl Iterator<Item = (Step, Step)>) -> Self {
        let mut then = vec![Vec::new(); 2 * objects + joins];
        let own = (0..objects).map(|at| (Step::Write(at), Step::Ready(at)));
        for (from, to) in own.chain(edges) {
            then[number(objects, from)].push(short(number(objects, to)));
        }
        Self { objects, then }
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.then.len()
    }

    /// What the step of that number is.
    #[must_use]
    pub fn step(&self, number: usize) -> Step {
        step(self.objects, number)
    }

    /// The steps that need that one.
    pub fn then(&self, number: usize) -> impl Iterator<Item = usize> {
        self.then[number].iter().map(|next| *next as usize)
    }

    /// The number of a step.
    #[must_use]
    pub fn number(&self, step: Step) -> usize {
        number(self.objects, step)
    }

    /// Where each object stands in a list that keeps the order; objects between which it says nothing stay as they
    /// were.
    #[must_use]
    pub fn positions(&self) -> Vec<usize> {
        let mut needs = vec![0_u32; self.steps()];
        (0..self.steps()).flat_map(|step| self.then(step)).for_each(|next| needs[next] += 1);
        let (mut positions, mut next) = (vec![0; self.objects], 0);
        // Joins take no place of their own: they come before any object.
        let rank = |step: usize| Reverse((matches!(self.step(step), Step::Write(_)), step));
        let mut free: BinaryHeap<_> = (0..self.steps()).filter(|step| needs[*step] == 0).map(rank).collect();
        while let Some(Reverse((_, step))) = free.pop() {
            if let Step::Write(object) = self.step(step) {
                positions[object] = next;
                next += 1;
            }
            for after in self.then(step) {
                needs[after] -= 1;
                if needs[after] == 0 {
                    free.push(rank(after));
                }
            }
        }
        positions
    }

    /// The same backwards: what came last comes first, and nothing has to be healthy.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let plain = |number: usize| match self.step(number) {
            Step::Ready(at) => self.number(Step::Write(at)),
            _ => number,
        };
        let mut then = vec![Vec::new(); self.steps()];
        for from in 0..self.steps() {
            for to in self.then(from).map(plain).filter(|to| *to != plain(from)) {
                then[to].push(short(plain(from)));
            }
        }
        Self { objects: self.objects, then }
    }
}

impl<'a> Node<'a> {
    fn id(&self) -> Id<'a> {
        let ObjectKey { group, kind, name, .. } = &self.facts.key;
        Id { group: same_group(group, kind), kind, namespace: self.namespace, name }
    }
}

#[cfg(test)]
mod tests;
