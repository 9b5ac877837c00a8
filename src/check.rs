//! What is wrong across the objects of an environment. One check, one file; none opens a connection.

mod duplicates;
mod facts;
mod rules;
pub mod schema;
mod spot;

pub use facts::Facts;

use crate::{
    finding::Finding,
    revision::Declared,
    source::{Place, Span},
};

/// The place of a span of the file with that number.
pub type At<'a> = &'a dyn Fn(usize, Span) -> Place;

/// Everything that is wrong with these objects together. `namespace` is that of objects which name none.
#[must_use]
pub fn together(objects: &[Declared], namespace: &str, at: At<'_>) -> Vec<Finding> {
    duplicates::check(objects, namespace, at)
}
