//! What is wrong across the objects of an environment. One check, one file; none opens a connection.

mod duplicates;
pub mod schema;

use crate::{finding::Finding, manifest::Manifest};

/// Everything that is wrong with these objects together. `namespace` is that of objects which name none.
#[must_use]
pub fn check(manifests: &[Manifest], namespace: &str) -> Vec<Finding> {
    duplicates::check(manifests, namespace)
}
