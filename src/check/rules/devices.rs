//! Devices, and claims of them.

use super::{
    resources::amount,
    wants::{both, has, is_filled, is_true, missing, text_of},
};
use crate::{
    check::{quantity::Quantity, spot::Spot},
    finding::{Code, Finding},
    text,
};

/// What is asked of requests is asked of those that the claim has: `one`, or `one/sub`.
pub(super) fn of_claim(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let requests = spot.field("requests");
    let has = |wanted: &str| {
        let (name, sub) = wanted.split_once('/').map_or((wanted, None), |(name, sub)| (name, Some(sub)));
        requests.iter().flat_map(Spot::items).any(|request| {
            text_of(&request, "name") == Some(name)
                && sub.is_none_or(|sub| {
                    let subs = request.field("firstAvailable");
                    subs.iter().flat_map(Spot::items).any(|one| text_of(&one, "name") == Some(sub))
                })
        })
    };
    for list in ["config", "constraints"].into_iter().filter_map(|name| spot.field(name)) {
        for item in list.items() {
            for named in item.field("requests").iter().flat_map(Spot::items) {
                let Some(name) = named.text().filter(|name| !has(name)) else { continue };
                let message = format!(
                    "`{}` names the request `{}`, which the claim does not have",
                    named.path(),
                    text::excerpt(name, 60)
                );
                let help = "write the name of one of its `requests`";
                found.push(named.error(Code::NotInObject, message).help(help));
            }
        }
    }
}

/// A device has conditions for when it is bound and for when it is not, or neither; and what is shared of it says how.
pub(super) fn of_device(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    for (one, other) in
        [("bindingConditions", "bindingFailureConditions"), ("bindingFailureConditions", "bindingConditions")]
    {
        if let Some(there) = spot.field(one).filter(|_| has(spot, one) && !has(spot, other)) {
            let message = format!("`{}` needs `{other}` beside it", there.path());
            let finding = Finding::error(Code::Together, message).at(there.key_place());
            found.push(finding.help(format!("add `{other}:`")));
        }
    }
    let is_shared = is_true(spot, "allowMultipleAllocations");
    let capacity = spot.field("capacity");
    for (_, one) in capacity.iter().flat_map(Spot::fields) {
        if let Some(policy) = one.field("requestPolicy").filter(|_| !is_shared) {
            let message = format!("`{}` is about a device that nobody shares", policy.path());
            let finding = Finding::error(Code::Together, message).at(policy.key_place());
            found.push(finding.help("write `allowMultipleAllocations: true` for the device, or remove it"));
        }
    }
}

/// Where each device says on which node it is, each does.
pub(super) fn of_slice(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    const WHERE: [&str; 3] = ["allNodes", "nodeName", "nodeSelector"];
    if !is_true(spot, "perDeviceNodeSelection") {
        return;
    }
    for device in spot.field("devices").iter().flat_map(Spot::items) {
        let mut there = WHERE.iter().filter_map(|name| device.field(name));
        match (there.next(), there.next()) {
            (None, _) => {
                let message = format!("`{}` does not say on which node it is", device.path());
                let finding = Finding::error(Code::OneOf, message).at(device.head_place());
                found.push(finding.help(format!("add one of {}", text::listed(&WHERE))));
            }
            (Some(first), Some(second)) => found.push(both(&device, &first, &second)),
            (Some(_), None) => {}
        }
    }
}

/// What may be asked of a device is in the range of what it has.
pub(super) fn of_capacity(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(policy) = spot.field("requestPolicy") else { return };
    let (values, range) = (policy.field("validValues").filter(is_filled), policy.field("validRange"));
    let default = policy.field("default");
    if default.is_none() && (values.is_some() || range.is_some()) {
        found.push(missing(&policy, "default"));
        return;
    }
    let (Some(all), Some(default)) = (spot.field("value"), default) else { return };
    let (Some(most), Some(usual)) = (amount(&all), amount(&default)) else { return };
    let mut wrong = |at: &Spot<'_>, why: &str, help: &str| {
        found.push(at.error(Code::OutOfRange, format!("`{}` {why}", at.path())).help(help));
    };
    if let Some(values) = values {
        if let Some(large) = values.items().find(|value| amount(value).is_some_and(|value| value > most)) {
            wrong(&large, "is more than the device has", "write less");
        } else if values.items().all(|value| amount(&value).is_some_and(|value| value != usual)) {
            wrong(&default, "is none of `validValues`", "write one of them");
        }
    }
    let Some(range) = range else { return };
    let of = |name: &str| range.field(name).as_ref().and_then(amount);
    let Some(least) = of("min") else { return };
    let top = of("max").unwrap_or(most);
    let step = of("step").unwrap_or(Quantity::NONE);
    if least > top || top > most {
        wrong(&range, "is not within what the device has", "write `min` and `max` that are");
    } else if usual < least || usual > top {
        wrong(&default, "is not in `validRange`", "write an amount that is");
    } else if step > Quantity::NONE {
        let is_whole = |amount: Quantity| amount.is_whole_steps(least, step);
        if least + step > most {
            wrong(&range, "has a step that is more than the device has", "write a smaller `step`");
        } else if !is_whole(usual) {
            wrong(&default, "is not `min` and a number of steps", "write an amount that is");
        } else if of("max").is_some() && !is_whole(top) {
            wrong(&range, "does not end after a number of steps", "write another `max`, or another `step`");
        }
    }
}
