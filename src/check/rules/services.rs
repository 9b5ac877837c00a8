//! What a Service says of its addresses.

use super::{
    values,
    wants::{has, is_filled, text_of},
};
use crate::{
    check::{grammar::Grammar, spot::Spot},
    finding::{Code, Finding},
};

/// Addresses go with the type of the Service.
pub(super) fn addresses(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let kind = text_of(spot, "type").unwrap_or("ClusterIP");
    if let Some(address) = spot.field("clusterIP").filter(|_| matches!(kind, "NodePort" | "LoadBalancer"))
        && address.text() == Some("None")
    {
        let message = format!("`{}` cannot be `None` in a Service of the type `{kind}`", address.path());
        found.push(address.error(Code::Together, message).help("remove it, or remove the type"));
    }
    if let Some(list) = spot.field("clusterIPs").filter(|list| is_filled(list) && !has(spot, "clusterIP")) {
        let message = format!("`{}` stands without `clusterIP`, which is the first of them", list.path());
        let finding = Finding::error(Code::Together, message).at(list.key_place());
        found.push(finding.help("write the first one as `clusterIP:`, too"));
    }
    if let Some(port) = spot.field("healthCheckNodePort").filter(|port| port.whole() != Some(0))
        && !(kind == "LoadBalancer" && text_of(spot, "externalTrafficPolicy") == Some("Local"))
    {
        let message = format!(
            "`{}` stands only where `type` is `LoadBalancer` and `externalTrafficPolicy` is `Local`",
            port.path()
        );
        let finding = Finding::error(Code::Together, message).at(port.key_place());
        found.push(finding.help("remove it, or write both"));
    }
    if let Some(ranges) = spot.field("loadBalancerSourceRanges").filter(is_filled)
        && kind != "LoadBalancer"
    {
        let message = format!("`{}` stands only where `type` is `LoadBalancer`", ranges.path());
        let finding = Finding::error(Code::Together, message).at(ranges.key_place());
        found.push(finding.help("remove it, or write `type: LoadBalancer` beside it"));
    }
    if kind == "ExternalName" {
        if let Some(name) = spot.field("externalName") {
            values::form(&name, Grammar::Outside, found);
        }
    } else if let Some(policy) = spot.field("externalTrafficPolicy").filter(is_filled)
        && kind == "ClusterIP"
        && !has(spot, "externalIPs")
    {
        let message = format!("`{}` stands in a Service that nobody outside reaches", policy.path());
        let finding = Finding::error(Code::Together, message).at(policy.key_place());
        found.push(finding.help("remove it, or write `type: NodePort` or `LoadBalancer` beside it"));
    }
}
