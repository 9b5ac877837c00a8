//! Claims of devices.

use super::wants::text_of;
use crate::{
    check::spot::Spot,
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
