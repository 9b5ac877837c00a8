//! YAML text becomes Kubernetes objects, every node with its span.
//!
//! The tree keeps what was written; what Kubernetes makes of a scalar is [`scalar`]'s to say. No schema
//! is known here: `check` has them.

pub mod node;
mod object;
mod parse;
pub mod scalar;
mod syntax;

pub use node::{NodeId, Tree, Value};
pub use object::{Manifest, ObjectKey};
pub use parse::parse;

use std::rc::Rc;

use crate::{
    finding::{Code, Finding},
    source::Source,
};

/// So many findings of one file are made: nobody reads more, and a file could hold a million.
const MAX_FINDINGS: usize = 100;

/// Reads the objects of one file, `List` kinds expanded.
#[must_use]
pub fn read(source: &Source) -> (Vec<Manifest>, Vec<Finding>) {
    let (trees, mut findings) = parse(source);
    let mut manifests = Vec::new();
    for tree in trees {
        object::read(source, &Rc::new(tree), &mut manifests, &mut findings);
    }
    if findings.len() >= MAX_FINDINGS {
        let message = format!("the file has {MAX_FINDINGS} errors and is not read further");
        let last = findings.last().and_then(|finding| finding.place.clone());
        let stopped = Finding::error(Code::TooMany, message).help("mend what is shown first");
        findings.extend(last.map(|place| stopped.at(place)));
    }
    (manifests, findings)
}
