//! Fields of a Pod that its containers may read of it.

use super::{values::refused, wants::not_among};
use crate::{
    check::spot::{Spot, key_text},
    finding::{Code, Finding},
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

/// `fieldRef`, in a variable or in a volume.
pub(super) fn of_pod(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(path) = spot.field("fieldPath") else { return };
    let Some(text) = path.text().filter(|text| !text.is_empty()) else { return };
    let from = spot.up().and_then(Spot::key);
    let in_env = from.is_some_and(|key| key_text(spot.manifest(), key) == "valueFrom");
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

/// `resourceFieldRef`
pub(super) fn of_container(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(resource) = spot.field("resource") else { return };
    let Some(text) = resource.text().filter(|text| !text.is_empty()) else { return };
    let is_huge = ["limits.hugepages-", "requests.hugepages-"].iter().any(|start| text.starts_with(start));
    if !is_huge && !OF_CONTAINERS.contains(&text) {
        found.push(not_among(&resource, &OF_CONTAINERS));
    }
}
