//! Names of objects of which more is asked than of others.

use super::{
    values,
    wants::{has, is_filled},
};
use crate::{
    check::{
        grammar::{self, Grammar},
        spot::Spot,
    },
    finding::{Code, Finding},
    manifest::Resolved,
};

/// Characters of the name of a `CronJob`: its Jobs have eleven more.
const MOST_OF_CRON_JOB: usize = 52;

/// Whether an event is of the newer kind, of which more is said.
pub(super) fn is_new_event(event: &Spot<'_>) -> bool {
    has(event, "eventTime")
}

/// A name that is part of a DNS name has no dots, and is shorter.
pub(super) fn label(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(metadata) = spot.field("metadata") else { return };
    // What is no name of anything is found when the object is read.
    if let Some(name) = metadata.field("name")
        && name.text().is_some_and(grammar::is_dns_name)
    {
        values::form(&name, Grammar::Label, found);
    }
}

/// What the API server serves itself is not reached over a connection.
pub(super) fn local_service(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if spot.field("service").is_some() {
        return;
    }
    for field in ["caBundle", "insecureSkipTLSVerify"].into_iter().filter_map(|name| spot.field(name)) {
        if field.is() == Resolved::Bool(false) || !is_filled(&field) {
            continue;
        }
        let message = format!("`{}` stands without `service`, to which it belongs", field.path());
        let finding = Finding::error(Code::Together, message).at(field.key_place());
        found.push(finding.help("add `service:`, or remove it"));
    }
}

/// A `CronJob` leaves room for the names of its Jobs.
pub(super) fn cron_job(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(metadata) = spot.field("metadata") else { return };
    if let Some(name) = metadata.field("name")
        && let Some(length) = name.text().map(str::len).filter(|length| *length > MOST_OF_CRON_JOB)
    {
        let message = format!(
            "`{}` has {length} characters, and a CronJob may have {MOST_OF_CRON_JOB}: its Jobs have more",
            name.path()
        );
        found.push(name.error(Code::OutOfRange, message).help("shorten it"));
    }
}
