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

/// A binding in a namespace means the accounts of its own where it names none; one of the cluster has none.
pub(super) fn account_of_cluster(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if spot.manifest().key.kind == "ClusterRoleBinding" {
        With("namespace", "kind", "ServiceAccount").look(spot, &|_| false, found);
    }
}
