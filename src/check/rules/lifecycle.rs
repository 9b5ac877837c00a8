//! How a container begins, lives and ends: probes, and how long it may take to stop.

use super::{
    values,
    wants::{has, text_of},
};
use crate::{
    check::spot::{self, Spot},
    finding::{Code, Finding},
};

/// Seconds in which a Pod has to stop that does not say how many.
const TO_STOP: i64 = 30;

/// Whether a container has rules for when it ends.
pub(super) fn has_restart_rules(container: &Spot<'_>) -> bool {
    has(container, "restartPolicyRules")
}

/// One success ends what these probes ask; and only they can shorten the time to stop.
pub(super) fn probe(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(key) = spot.key() else { return };
    match &*spot::key_text(spot.manifest(), key) {
        name @ ("livenessProbe" | "startupProbe") => {
            if let Some(field) = spot.field("successThreshold")
                && let Some(number) = field.whole().filter(|number| *number > 1)
            {
                let message = format!("`{}` is {number}, and a `{name}` takes only 1", field.path());
                found.push(field.error(Code::OutOfRange, message).help("write 1, or remove it"));
            }
        }
        "readinessProbe" => {
            if let Some(field) = spot.field("terminationGracePeriodSeconds") {
                let message = format!("`{}` stands in a probe that stops nothing", field.path());
                let finding = Finding::error(Code::Together, message).at(field.key_place());
                found.push(finding.help("remove it"));
            }
        }
        _ => {}
    }
}

/// A container does not sleep for longer than its Pod has to stop.
pub(super) fn sleeps(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let to_stop = match spot.field("terminationGracePeriodSeconds") {
        None => Some(TO_STOP),
        Some(field) => field.whole(),
    };
    let Some(to_stop) = to_stop else { return };
    for (name, is_init) in [("containers", false), ("initContainers", true)] {
        let Some(list) = spot.field(name) else { continue };
        for container in list.items() {
            if is_init && text_of(&container, "restartPolicy") != Some("Always") {
                continue;
            }
            let Some(lifecycle) = container.field("lifecycle") else { continue };
            for hook in ["postStart", "preStop"].iter().filter_map(|name| lifecycle.field(name)) {
                let Some(sleep) = hook.field("sleep") else { continue };
                let Some(seconds) = sleep.field("seconds") else { continue };
                values::at_least(&seconds, 0, found);
                if let Some(number) = seconds.whole().filter(|number| *number > to_stop.max(0)) {
                    let message = format!(
                        "`{}` is {number}, more than the {to_stop} seconds in which the Pod has to stop",
                        seconds.path()
                    );
                    let help = format!("write at most {to_stop}, or raise `terminationGracePeriodSeconds`");
                    found.push(seconds.error(Code::Together, message).help(help));
                }
            }
        }
    }
}
