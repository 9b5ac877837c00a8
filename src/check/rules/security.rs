//! What a container may do.

use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
    manifest::Resolved,
};

/// What has every right cannot be kept from getting more.
pub(super) fn escalation(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let is =
        |field: &str, value: bool| spot.field(field).is_some_and(|field| field.is() == Resolved::Bool(value));
    let Some(escalation) = spot.field("allowPrivilegeEscalation") else { return };
    if !is("allowPrivilegeEscalation", false) {
        return;
    }
    let capabilities = spot.field("capabilities");
    let added = capabilities.as_ref().and_then(|capabilities| capabilities.field("add"));
    let rules = added.is_some_and(|added| added.items().any(|item| item.text() == Some("CAP_SYS_ADMIN")));
    let beside = match (is("privileged", true), rules) {
        (true, _) => "`privileged: true`",
        (_, true) => "the capability `CAP_SYS_ADMIN`",
        _ => return,
    };
    let message = format!("`{}` cannot be false beside {beside}", escalation.path());
    found.push(escalation.error(Code::Together, message).help("remove one of the two"));
}
