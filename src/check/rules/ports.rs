//! Ports of containers and of Services: which of them exclude each other.

use super::wants::{has, missing, text_of};
use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
    manifest::Resolved,
};

/// The ports that a Pod takes of its node.
pub(super) fn of_pod(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let on_node = spot.field("hostNetwork").is_some_and(|field| field.is() == Resolved::Bool(true));
    let mut taken = Vec::new();
    if let Some(containers) = spot.field("containers") {
        for container in containers.items() {
            of_node(&container, on_node, &mut taken, found);
        }
    }
    // Those run one by one.
    if let Some(containers) = spot.field("initContainers") {
        for container in containers.items() {
            of_node(&container, false, &mut Vec::new(), found);
        }
    }
}

/// A port of the node: its protocol, address and number.
type Taken<'a> = (&'a str, &'a str, i64);

fn of_node<'a>(container: &Spot<'a>, on_node: bool, taken: &mut Vec<Taken<'a>>, found: &mut Vec<Finding>) {
    let Some(ports) = container.field("ports") else { return };
    for port in ports.items() {
        let Some(host) = port.field("hostPort") else { continue };
        let Some(number) = host.whole().filter(|number| *number != 0) else { continue };
        let inner = port.field("containerPort").and_then(|inner| inner.whole());
        if on_node && inner.is_some_and(|inner| inner != number) {
            let message =
                format!("`{}` is not `containerPort`, and with `hostNetwork` they are one port", host.path());
            found.push(host.error(Code::Together, message).help("remove it, or write the same number"));
        }
        let tree = &container.manifest().tree;
        let text = |field: &str| {
            let (_, value) = tree.get(port.node(), field)?;
            match tree.resolve(value) {
                Resolved::Text(text) => Some(text),
                _ => None,
            }
        };
        let this = (text("protocol").unwrap_or("TCP"), text("hostIP").unwrap_or_default(), number);
        if taken.contains(&this) {
            let message = format!("`{}` is a port of the node that the Pod has already", host.path());
            found.push(host.error(Code::ItemTwice, message).help("write another one, or remove it"));
        }
        taken.push(this);
    }
}

/// The names of a container's ports differ.
pub(super) fn of_container(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if let Some(ports) = spot.field("ports") {
        differ(&ports, found);
    }
}

/// What a Service says of its ports.
pub(super) fn of_service(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let kind = text_of(spot, "type").filter(|kind| !kind.is_empty());
    let is_headless = text_of(spot, "clusterIP") == Some("None");
    // One that is but a name, or has no address of its own, needs none.
    if kind != Some("ExternalName") && !is_headless && !has(spot, "ports") {
        found.push(missing(spot, "ports"));
    }
    let Some(ports) = spot.field("ports") else { return };
    let several = ports.items().nth(1).is_some();
    for port in ports.items() {
        if several && !has(&port, "name") && matches!(port.is(), Resolved::Mapping(_)) {
            let message = format!("`{}` has no `name`, which each of several ports needs", port.path());
            let finding = Finding::error(Code::RequiredMissing, message).at(port.head_place());
            found.push(finding.help("add `name:`, as in `name: http`"));
        }
        if let Some(node) = port.field("nodePort").filter(|node| node.whole().is_some_and(|port| port != 0))
            && matches!(kind, None | Some("ClusterIP"))
        {
            let message = format!("`{}` stands in a Service that has no port of its nodes", node.path());
            let finding = Finding::error(Code::Together, message).at(node.key_place());
            found.push(finding.help("write `type: NodePort`, or remove it"));
        }
    }
    differ(&ports, found);
}

/// No two of them have the same name.
fn differ(ports: &Spot<'_>, found: &mut Vec<Finding>) {
    let mut seen = Vec::new();
    for port in ports.items() {
        let Some(text) = text_of(&port, "name").filter(|text| !text.is_empty()) else { continue };
        if seen.contains(&text)
            && let Some(name) = port.field("name")
        {
            let message = format!("`{}` is already the name of another port", name.path());
            found.push(name.error(Code::ItemTwice, message).help("give it a name of its own"));
        }
        seen.push(text);
    }
}
