//! What a policy of the network lets through.

use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
    manifest::Resolved,
};

/// `endPort` closes a range that begins with a number.
pub(super) fn end_port(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(end) = spot.field("endPort") else { return };
    let message = match spot.field("port") {
        Some(port) => match (port.is(), end.whole()) {
            (Resolved::Int(first), Some(last)) if last >= first => return,
            (Resolved::Int(_), None) => return,
            (Resolved::Int(first), _) => format!("`{}` is smaller than `port`, which is {first}", end.path()),
            _ => format!("`{}` needs a number as `port`", end.path()),
        },
        None => format!("`{}` has no `port` that it could end", end.path()),
    };
    found.push(end.error(Code::Together, message).help("write the first port as a number"));
}
