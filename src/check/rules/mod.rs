//! What Kubernetes wants of its own types beyond their schemas.

use super::spot::Spot;
use crate::finding::Finding;

/// What is wrong with a mapping of the type `name` (`io.k8s.api.core.v1.Container`). Its fields may be of any
/// type: what the schema forbids is found elsewhere.
pub(super) fn at(name: &str, spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let _ = (name, spot, found);
}
