//! Where Pods may run.

use super::wants::{has, is_filled, text_of};
use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
};

/// A toleration without a key is of every taint.
pub(super) fn toleration(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if has(spot, "key") || text_of(spot, "operator") == Some("Exists") {
        return;
    }
    let place = match spot.field("operator") {
        Some(operator) => operator.place(),
        None => spot.head_place(),
    };
    let message = format!("`{}` has no `key`, which only `operator: Exists` goes without", spot.path());
    let finding = Finding::error(Code::Together, message).at(place);
    found.push(finding.help("add `key:`, or write `operator: Exists` to tolerate every taint"));
}

/// Keys narrow a selector, which has to be there.
pub(super) fn keys(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if spot.field("labelSelector").is_some() {
        return;
    }
    for keys in ["matchLabelKeys", "mismatchLabelKeys"].into_iter().filter_map(|name| spot.field(name)) {
        if is_filled(&keys) {
            let message = format!("`{}` narrows a `labelSelector`, and there is none", keys.path());
            let finding = Finding::error(Code::Together, message).at(keys.key_place());
            found.push(finding.help("add `labelSelector:`, or remove it"));
        }
    }
}

/// A Pod that does not ask the cluster for names says whom it asks.
pub(super) fn names(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if text_of(spot, "dnsPolicy") != Some("None") {
        return;
    }
    let config = spot.field("dnsConfig");
    if config.as_ref().is_some_and(|config| has(config, "nameservers")) {
        return;
    }
    let message = format!("`{}` is `None`, and no `nameservers` are there to ask", spot.path_of("dnsPolicy"));
    let place = config.map_or_else(|| spot.head_place(), |config| config.key_place());
    let finding = Finding::error(Code::Together, message).at(place);
    found.push(finding.help("add `nameservers:` below `dnsConfig:`, or remove `dnsPolicy`"));
}
