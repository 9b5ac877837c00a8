//! What a Service has to say.

use super::wants::{has, missing, text_of};
use crate::{check::spot::Spot, finding::Finding};

/// A Service has ports, unless it is but a name or has no address of its own.
pub(super) fn ports(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let needs_none =
        text_of(spot, "type") == Some("ExternalName") || text_of(spot, "clusterIP") == Some("None");
    if !needs_none && !has(spot, "ports") {
        found.push(missing(spot, "ports"));
    }
}
