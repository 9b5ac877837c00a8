//! What Kubernetes wants of its own types beyond their schemas, which its API server checks by hand.
//!
//! Rules go by the name of a type: a `Container` has the same ones wherever it stands. Most are rows of
//! [`table`]; where a row cannot say it, a small function does.

mod devices;
mod fields;
mod lifecycle;
mod maps;
mod network;
mod objects;
mod pods;
mod ports;
mod resources;
mod roles;
mod schedule;
mod scheduling;
mod secrets;
mod security;
mod selectors;
mod services;
mod table;
mod values;
mod volumes;
mod wants;
mod workloads;

use super::spot::Spot;
use crate::finding::{Finding, MOST_OF_ONE};

/// What is wrong with a mapping of the type `name` (`io.k8s.api.core.v1.Container`). Its fields may be of any
/// type: what the schema forbids is found elsewhere. `elsewhere` says of a field of it that a finding has
/// already placed it: it is not missing as well.
pub(super) fn at(name: &str, spot: &Spot<'_>, elsewhere: &dyn Fn(&str) -> bool, found: &mut Vec<Finding>) {
    let Some(short) = name.strip_prefix("io.k8s.") else { return };
    for want in table::of(short) {
        if found.len() < MOST_OF_ONE {
            want.look(spot, elsewhere, found);
        }
    }
}
