//! Amounts of resources: their names, and that nobody asks for more than the limit.

use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
    manifest::Resolved,
    text,
};

/// `requests` and `limits` of a container or a Pod.
pub(super) fn of_container(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    for list in ["limits", "requests"].into_iter().filter_map(|name| spot.field(name)) {
        names(&list, found);
    }
    let (Some(requests), Some(limits)) = (spot.field("requests"), spot.field("limits")) else { return };
    for (name, request) in requests.fields() {
        let Some(limit) = limits.field(&name) else { continue };
        let (Some(wanted), Some(most)) = (amount(&request), amount(&limit)) else { continue };
        if wanted > most * (1.0 + 1e-9) {
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
}

/// `requests` and `limits` of a claim.
pub(super) fn of_claim(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let resources = spot.field("resources");
    let requests = resources.as_ref().and_then(|resources| resources.field("requests"));
    if requests.as_ref().is_some_and(|requests| requests.field("storage").is_some()) {
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

/// A quantity as a number; what is none is found elsewhere.
#[allow(clippy::cast_precision_loss, reason = "amounts are compared with a margin")]
pub(super) fn amount(spot: &Spot<'_>) -> Option<f64> {
    let text = match spot.is() {
        Resolved::Int(number) => return Some(number as f64),
        Resolved::Uint(number) => return Some(number as f64),
        Resolved::Float(number) => return Some(number),
        Resolved::Text(text) => text,
        _ => return None,
    };
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let number: f64 = digits.parse().ok()?;
    let factor = match unit {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        // `1e3`
        _ => return text.parse().ok(),
    };
    Some(number * factor)
}
