//! What is wrong across the objects of an environment. One check, one file; none opens a connection.
//!
//! Checks across objects see [`Facts`], never trees: first [`Across::questions`] says what the cluster has to
//! be asked, and then [`Across::check`] is handed the answers.

mod across;
mod allow;
mod controllers;
mod duplicates;
mod facts;
mod grammar;
mod immutable;
mod kinds;
mod namespaces;
pub mod order;
mod quantity;
mod references;
mod rules;
pub mod schema;
mod scope;
mod selectors;
mod spot;
#[cfg(test)]
mod testing;
mod webhooks;

pub use across::Across;
pub use allow::{Allowing, Allows};
pub use facts::Facts;
pub use immutable::immutable;

use std::collections::BTreeSet;

use crate::{
    finding::Finding,
    manifest::{Manifest, ObjectKey},
    source::{Place, Span},
};
use schema::Schemas;

/// The place of a span of the file with that number.
pub type At<'a> = &'a dyn Fn(usize, Span) -> Place;

/// What checks across objects are told besides the objects.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The namespace of objects that name none.
    pub namespace: &'a str,
    /// What is known of kinds.
    pub schemas: &'a Schemas,
    /// Asked only where something is found.
    pub at: At<'a>,
}

/// What is known of the objects that the cluster has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cluster {
    /// Nothing.
    NotAsked,
    /// Of what [`Across::questions`] asked, this is not there, or this very push would delete it. What could
    /// not be asked, since nobody may read it, is not among it.
    Lacks(BTreeSet<ObjectKey>),
}

/// What is wrong with an object by itself; `None` where nothing says what it may be.
#[must_use]
pub fn one(manifest: &Manifest, schemas: &Schemas) -> Option<Vec<Finding>> {
    match schemas.find(&manifest.api_version, &manifest.key.kind) {
        schema::Found::Kind(kind) => {
            let mut findings = schema::walk::walk(manifest, kind);
            // A definition whose own fields are wrong says nothing of what it defines.
            if manifest.key.kind == schema::DEFINITION && kind.built_in && findings.is_empty() {
                findings = schema::check_definition(manifest);
            }
            // As in a cluster: what is wrong otherwise would only break rules as well.
            if !findings.iter().any(Finding::refuses) {
                findings.extend(schema::cel::check(manifest, kind, schemas.judge()));
            }
            Some(findings)
        }
        _ => None,
    }
}
