//! The keys of a `ConfigMap`.

use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
};

/// A key stands in one of its two maps.
pub(super) fn of_config(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let (Some(texts), Some(bytes)) = (spot.field("data"), spot.field("binaryData")) else { return };
    for (key, value) in texts.fields() {
        if bytes.field(&key).is_some() {
            let message = format!("`{}` is a key of `binaryData` as well", value.path());
            let finding = Finding::error(Code::ItemTwice, message).at(value.key_place());
            found.push(finding.help("remove one of the two"));
        }
    }
}
