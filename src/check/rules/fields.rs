//! Fields of a Pod that its containers may read of it.

use super::{
    resources,
    values::refused,
    wants::{has, missing, not_among},
};
use crate::{
    check::{quantity::Quantity, spot::Spot},
    finding::{Code, Finding},
    text,
};

const OF_ENV: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const OF_VOLUMES: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
const OF_CONTAINERS: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// What may be one of them.
const OF_CPU: [&str; 2] = ["1", "1m"];
const OF_BYTES: [&str; 13] =
    ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/// `fieldRef`, in a variable or in a volume.
pub(super) fn of_pod(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(path) = spot.field("fieldPath") else { return };
    let Some(text) = path.text().filter(|text| !text.is_empty()) else { return };
    let in_env = is_variable(spot);
    let known: &[_] = if in_env { &OF_ENV } else { &OF_VOLUMES };
    if known.contains(&text) || (in_env && text == "spec.host") {
        return;
    }
    let map = ["metadata.labels", "metadata.annotations"].into_iter().find(|map| text.starts_with(map));
    match map {
        Some(map) if text[map.len()..].starts_with("['") && text.ends_with("']") => {}
        Some(map) => {
            let help = format!("name one of them: {map}['example.com/team']");
            found.push(refused(&path, Code::NotAllowed).help(help));
        }
        None => found.push(not_among(&path, known)),
    }
}

/// Whether what is read becomes a variable of a container, or else a file in a volume.
fn is_variable(spot: &Spot<'_>) -> bool {
    spot.up().is_some_and(|from| from.is_behind("valueFrom"))
}

/// `resourceFieldRef`
pub(super) fn of_container(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if !is_variable(spot) && !has(spot, "containerName") {
        found.push(missing(spot, "containerName"));
    }
    let Some(resource) = spot.field("resource") else { return };
    let Some(text) = resource.text().filter(|text| !text.is_empty()) else { return };
    let is_huge = ["limits.hugepages-", "requests.hugepages-"].iter().any(|start| text.starts_with(start));
    if !is_huge && !OF_CONTAINERS.contains(&text) {
        return found.push(not_among(&resource, &OF_CONTAINERS));
    }
    let Some(divisor) = spot.field("divisor") else { return };
    let Some(amount) = resources::amount(&divisor).filter(|amount| *amount != Quantity::NONE) else { return };
    let units: &[_] =
        if text.split_once('.').is_some_and(|(_, name)| name == "cpu") { &OF_CPU } else { &OF_BYTES };
    if !units.iter().any(|unit| Quantity::parse(unit).as_ref() == Some(&amount)) {
        let help = format!("write one of: {}", text::listed(units));
        found.push(refused(&divisor, Code::NotAllowed).help(help));
    }
}
