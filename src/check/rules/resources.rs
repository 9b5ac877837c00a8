//! Amounts of resources: their names, and that nobody asks for more than the limit.

use super::wants::text_of;
use crate::{
    check::{quantity::Quantity, spot::Spot},
    finding::{Code, Finding},
    manifest::Resolved,
    text,
};

/// `requests` and `limits` of a container or a Pod.
pub(super) fn of_container(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    for list in ["limits", "requests"].into_iter().filter_map(|name| spot.field(name)) {
        names(&list, found);
        for (name, given) in list.fields() {
            if matches!(&*name, "memory" | "ephemeral-storage")
                && let Some(number) = given.text().and_then(|text| text.strip_suffix('m'))
                && let Some(written) = given.written()
            {
                let message = format!("`{}` is {written}: thousandths of a byte", given.path());
                let number = text::excerpt(number, 30);
                found.push(
                    given.warning(Code::Misread, message).help(format!("write `{number}Mi`, or `{number}M`")),
                );
            }
            if amount(&given).is_some_and(|amount| amount < Quantity::NONE) {
                let message = format!("`{}` is less than nothing", given.path());
                found.push(given.error(Code::OutOfRange, message).help("write an amount without `-`"));
            }
        }
    }
    let (Some(requests), Some(limits)) = (spot.field("requests"), spot.field("limits")) else { return };
    for (name, request) in requests.fields() {
        let Some(limit) = limits.field(&name) else { continue };
        let (Some(wanted), Some(most)) = (amount(&request), amount(&limit)) else { continue };
        if wanted > most {
            let shown = |spot: &Spot<'_>| spot.written().unwrap_or_default();
            let message = format!(
                "`{}` is {}, more than the limit of {}",
                request.path(),
                shown(&request),
                shown(&limit)
            );
            found.push(request.error(Code::OverLimit, message).help("raise the limit, or ask for less"));
        }
    }
}

/// Amounts that a Pod takes beside its containers.
pub(super) fn of_pod(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if let Some(overhead) = spot.field("overhead") {
        names(&overhead, found);
    }
    let (Some(resources), Some(containers)) = (spot.field("resources"), spot.field("containers")) else {
        return;
    };
    if let Some(requests) = resources.field("requests") {
        sums(spot, &requests, found);
    }
    let Some(limits) = resources.field("limits") else { return };
    for container in containers.items() {
        let Some(resources) = container.field("resources") else { continue };
        let Some(own) = resources.field("limits") else { continue };
        for (name, limit) in own.fields() {
            let Some(most) = limits.field(&name) else { continue };
            if let (Some(wanted), Some(allowed)) = (amount(&limit), amount(&most))
                && wanted > allowed
                && let Some(shown) = most.written()
            {
                let message = format!("`{}` is more than the whole Pod may take: {shown}", limit.path());
                found.push(
                    limit.error(Code::OverLimit, message).help("raise the limit of the Pod, or lower this"),
                );
            }
        }
    }
}

/// A Pod asks for as much as its containers together.
fn sums(pod: &Spot<'_>, requests: &Spot<'_>, found: &mut Vec<Finding>) {
    for (name, given) in requests.fields() {
        let Some(most) = amount(&given) else { continue };
        let asked = |container: &Spot<'_>| {
            let resources = container.field("resources");
            // Who only has a limit asks for all of it.
            let list = ["requests", "limits"].into_iter().find_map(|list| {
                let list = resources.as_ref()?.field(list)?;
                amount(&list.field(&name)?)
            });
            list.unwrap_or(Quantity::NONE)
        };
        let (mut kept, mut peak) = (Quantity::NONE, Quantity::NONE);
        for container in pod.field("initContainers").iter().flat_map(Spot::items) {
            if text_of(&container, "restartPolicy") == Some("Always") {
                kept = kept + asked(&container);
                peak = peak.max(kept);
            } else {
                peak = peak.max(kept + asked(&container));
            }
        }
        let all =
            pod.field("containers").iter().flat_map(Spot::items).fold(kept, |sum, one| sum + asked(&one));
        if all.max(peak) > most
            && let Some(shown) = given.written()
        {
            let message = format!("`{}` is {shown}, less than its containers ask for", given.path());
            found.push(
                given.error(Code::OverLimit, message).help("raise it, or let the containers ask for less"),
            );
        }
    }
}

/// What a namespace may have: of what has no group only what Kubernetes counts.
pub(super) fn of_quota(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    const COUNTED: [&str; 19] = [
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.storage",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
        "configmaps",
        "services.nodeports",
        "services.loadbalancers",
    ];
    let Some(hard) = spot.field("hard") else { return };
    for (name, amount) in hard.fields() {
        let is_huge = name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
        if COUNTED.contains(&&*name) || name.contains('/') || is_huge {
            continue;
        }
        let message = format!("`{}` is nothing that a quota counts", amount.path());
        let help = match text::nearest(&name, COUNTED) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write `count/{}`, with the group behind it", text::excerpt(&name, 60)),
        };
        found.push(Finding::error(Code::NotAllowed, message).at(amount.key_place()).help(help));
    }
}

/// The amounts of a range are in their order.
fn order(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    const ORDER: [(&str, &str); 6] = [
        ("min", "max"),
        ("min", "defaultRequest"),
        ("min", "default"),
        ("defaultRequest", "default"),
        ("defaultRequest", "max"),
        ("default", "max"),
    ];
    for (lower, upper) in ORDER {
        let (Some(least), Some(most)) = (spot.field(lower), spot.field(upper)) else { continue };
        for (name, from) in least.fields() {
            let Some(to) = most.field(&name) else { continue };
            if let (Some(small), Some(large)) = (amount(&from), amount(&to))
                && small > large
                && let Some(shown) = to.written()
            {
                let message = format!("`{}` is more than `{}`, which is {shown}", from.path(), to.path());
                found.push(from.error(Code::OverLimit, message).help("make it smaller, or the other larger"));
                return;
            }
        }
    }
    ratio(spot, found);
}

/// How much more than it asks for something may take, which its least and its most allow.
fn ratio(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(ratios) = spot.field("maxLimitRequestRatio") else { return };
    for (name, ratio) in ratios.fields() {
        let of = |list: &str| spot.field(list).as_ref().and_then(|list| amount(&list.field(&name)?));
        let Some(times) = amount(&ratio) else { continue };
        if let (Some(least), Some(most)) = (of("min"), of("max"))
            && least > Quantity::NONE
            && times.is_more_than(most, least)
        {
            let message = format!("`{}` is more than `max` divided by `min`", ratio.path());
            found.push(ratio.error(Code::OverLimit, message).help("make it smaller, or `max` larger"));
        }
    }
}

/// What containers or Pods may take in a namespace.
pub(super) fn of_range(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    order(spot, found);
    if !matches!(text_of(spot, "type"), Some("Container" | "Pod")) {
        return;
    }
    let lists = ["default", "defaultRequest", "max", "maxLimitRequestRatio", "min"];
    lists.into_iter().filter_map(|name| spot.field(name)).for_each(|list| names(&list, found));
}

/// `requests` and `limits` of a claim.
pub(super) fn of_claim(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if let Some(modes) = spot.field("accessModes")
        && modes.items().nth(1).is_some()
        && let Some(alone) = modes.items().find(|mode| mode.text() == Some("ReadWriteOncePod"))
    {
        let message = format!("`{}` goes with no other mode", alone.path());
        found.push(alone.error(Code::Together, message).help("remove it, or the others"));
    }
    let resources = spot.field("resources");
    let requests = resources.as_ref().and_then(|resources| resources.field("requests"));
    if let Some(storage) = requests.as_ref().and_then(|requests| requests.field("storage")) {
        if amount(&storage).is_some_and(|amount| amount <= Quantity::NONE) {
            let message = format!("`{}` asks for no storage", storage.path());
            found.push(storage.error(Code::OutOfRange, message).help("write how much, as in `1Gi`"));
        }
        return;
    }
    let message = format!("`{}` asks for no storage", spot.path());
    let misspelt = requests.as_ref().and_then(|requests| {
        let (_, wrong) = requests.fields().find(|(name, _)| text::nearest(name, ["storage"]).is_some())?;
        Some(wrong.key_place())
    });
    if let Some(place) = misspelt {
        found.push(Finding::error(Code::RequiredMissing, message).at(place).help("did you mean `storage`?"));
        return;
    }
    let nearest = requests.as_ref().or(resources.as_ref());
    let place = nearest.map_or_else(|| spot.head_place(), Spot::key_place);
    let help = "write how much below `resources:`, `requests:`, as in `storage: 1Gi`";
    found.push(Finding::error(Code::RequiredMissing, message).at(place).help(help));
}

/// What a Pod takes beside its containers, where its runtime says so.
pub(super) fn of_runtime(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if let Some(fixed) = spot.field("podFixed") {
        names(&fixed, found);
    }
}

fn names(list: &Spot<'_>, found: &mut Vec<Finding>) {
    const KNOWN: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
    for (name, amount) in list.fields() {
        if KNOWN.contains(&&*name) || name.starts_with("hugepages-") || name.contains('/') {
            continue;
        }
        let message = format!("`{}` is no resource that a container has", amount.path());
        let finding = Finding::error(Code::NotAllowed, message).at(amount.key_place());
        let help = match text::nearest(&name, KNOWN) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write `cpu`, `memory`, `ephemeral-storage`, or a name with a `/`".to_owned(),
        };
        found.push(finding.help(help));
    }
}

/// What it amounts to; what is no quantity is found elsewhere.
pub(super) fn amount(spot: &Spot<'_>) -> Option<Quantity> {
    match spot.is() {
        Resolved::Int(number) => Quantity::parse(&number.to_string()),
        Resolved::Uint(number) => Quantity::parse(&number.to_string()),
        Resolved::Float(number) => Quantity::parse(&number.to_string()),
        Resolved::Text(text) => Quantity::parse(text),
        _ => None,
    }
}
