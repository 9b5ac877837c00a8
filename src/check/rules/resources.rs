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

/// What containers or Pods may take in a namespace.
pub(super) fn of_range(spot: &Spot<'_>, found: &mut Vec<Finding>) {
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
    let nearest = requests.as_ref().or(resources.as_ref());
    let place = nearest.map_or_else(|| spot.head_place(), Spot::key_place);
    let message = format!("`{}` asks for no storage", spot.path());
    let help = "write how much below `resources:`, `requests:`, as in `storage: 1Gi`";
    found.push(Finding::error(Code::RequiredMissing, message).at(place).help(help));
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
