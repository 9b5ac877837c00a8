//! Who may do what: the rules of roles, and whom they are bound to.

use super::wants::{Want::With, both, has, is_filled, missing};
use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
};

/// A rule of a role is about resources of groups, or about addresses, which are in no namespace.
pub(super) fn rule(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if let Some(urls) = spot.field("nonResourceURLs").filter(is_filled) {
        let mut others =
            ["apiGroups", "resources", "resourceNames"].iter().filter_map(|name| spot.field(name));
        if let Some(other) = others.find(is_filled) {
            found.push(both(spot, &other, &urls));
        } else if spot.manifest().key.kind == "Role" {
            let message = format!("`{}` stands in a Role, and addresses are in no namespace", urls.path());
            let finding = Finding::error(Code::Together, message).at(urls.key_place());
            found.push(finding.help("write it into a ClusterRole"));
        }
        return;
    }
    for field in ["apiGroups", "resources"] {
        if !has(spot, field) {
            found.push(missing(spot, field));
        }
    }
}

/// Whether the tokens of Pods go into secrets, and so have to be there.
pub(super) fn wants_tokens(driver: &Spot<'_>) -> bool {
    driver.field("serviceAccountTokenInSecrets").is_some()
}

/// Nobody is dealt more queues than there are.
pub(super) fn queues(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    const DEALT: i64 = 8;
    const THERE: i64 = 64;
    let (hand, queues) = (spot.field("handSize"), spot.field("queues"));
    let number = |field: &Option<Spot<'_>>, none| field.as_ref().map_or(Some(none), Spot::whole);
    if let (Some(dealt), Some(there)) = (number(&hand, DEALT), number(&queues, THERE))
        && dealt > there
        && let Some(at) = hand.or(queues)
    {
        let message = format!("`{}`: {dealt} of {there} queues cannot be dealt", at.path());
        found.push(at.error(Code::Together, message).help("make `handSize` smaller than `queues`"));
    }
}

/// A binding in a namespace means the accounts of its own where it names none; one of the cluster has none.
pub(super) fn account_of_cluster(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if spot.manifest().key.kind == "ClusterRoleBinding" {
        With("namespace", "kind", "ServiceAccount").look(spot, &|_| false, found);
    }
}
