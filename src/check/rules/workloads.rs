//! What makes Pods: how they are replaced, whether they end, and how many there are.

use super::{
    values::{self, is_zero},
    wants::{has, is_true, missing, text_of},
};
use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
    manifest::Resolved,
    text,
};

/// Seconds after which a Deployment counts as stuck that does not say how many.
const STUCK: i64 = 600;

/// Whether the Pods of the object run to their end.
pub(super) fn ends(pod: &Spot<'_>) -> bool {
    matches!(&*pod.manifest().key.kind, "Job" | "CronJob")
}

/// Whether the Pods of the object are kept running.
fn is_kept(pod: &Spot<'_>) -> bool {
    let kind = &*pod.manifest().key.kind;
    matches!(kind, "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet" | "ReplicationController")
}

/// Pods that are kept running are always restarted, and those that end never are.
pub(super) fn restarts(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let kind = &*spot.manifest().key.kind;
    if let Some(policy) = spot.field("restartPolicy")
        && let Some(text) = policy.text()
    {
        let help = match text {
            "Always" if ends(spot) => {
                format!("the Pods of a {kind} run to their end: write `OnFailure` or `Never`")
            }
            "OnFailure" | "Never" if is_kept(spot) => {
                format!("a {kind} keeps its Pods running: remove it, or make a Job of it")
            }
            _ => return,
        };
        found.push(values::refused(&policy, Code::NotAllowed).help(help));
    }
}

/// Pods that are kept running have no end.
pub(super) fn deadline(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if let Some(deadline) = spot.field("activeDeadlineSeconds").filter(|_| is_kept(spot)) {
        let message = format!("`{}` would end what is kept running", deadline.path());
        let finding = Finding::error(Code::Together, message).at(deadline.key_place());
        found.push(finding.help("remove it, or make a Job of it"));
    }
}

/// A Deployment waits for longer than a Pod takes to count as ready.
pub(super) fn progress(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let (ready, stuck) = (spot.field("minReadySeconds"), spot.field("progressDeadlineSeconds"));
    let seconds = |field: &Option<Spot<'_>>, none: i64| field.as_ref().map_or(Some(none), Spot::whole);
    let (Some(ready_after), Some(stuck_after)) = (seconds(&ready, 0), seconds(&stuck, STUCK)) else { return };
    if stuck_after < 0 || stuck_after > ready_after {
        return;
    }
    let Some(at) = stuck.or(ready) else { return };
    let message = format!(
        "`{}` leaves no time: a Pod is ready after {ready_after} seconds, and the Deployment counts as \
         stuck after {stuck_after}",
        at.path()
    );
    let help = "make `progressDeadlineSeconds` larger than `minReadySeconds`";
    found.push(at.error(Code::Together, message).help(help));
}

/// A Deployment needs room to replace a Pod.
pub(super) fn rolling(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if let (Some(surge), Some(unavailable)) = (spot.field("maxSurge"), spot.field("maxUnavailable"))
        && is_zero(&surge)
        && is_zero(&unavailable)
    {
        let message =
            format!("`{}` and `maxSurge` are both 0, so no Pod can be replaced", unavailable.path());
        found.push(unavailable.error(Code::Together, message).help("make one of them at least 1"));
    }
}

/// A `DaemonSet` replaces a Pod either before the old one goes or after.
pub(super) fn rolling_on_nodes(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if spot.up().is_some_and(|strategy| text_of(strategy, "type") == Some("OnDelete")) {
        return;
    }
    let (surge, unavailable) = (spot.field("maxSurge"), spot.field("maxUnavailable"));
    let surges = surge.as_ref().is_some_and(|surge| !is_zero(surge));
    let goes = unavailable.as_ref().is_none_or(|unavailable| !is_zero(unavailable));
    let (at, message, help) = match (surge, unavailable) {
        (Some(surge), _) if surges && goes => (
            surge,
            "stands beside a `maxUnavailable` that is not 0",
            "write `maxUnavailable: 0` beside it, which is 1 where it is not written",
        ),
        (_, Some(unavailable)) if !surges && !goes => {
            (unavailable, "is 0, and so is `maxSurge`: no Pod can be replaced", "make one of them at least 1")
        }
        _ => return,
    };
    found.push(at.error(Code::Together, format!("`{}` {message}", at.path())).help(help));
}

/// The least number of replicas is not above the most.
pub(super) fn replicas(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let (Some(least), Some(most)) = (spot.field("minReplicas"), spot.field("maxReplicas")) else { return };
    if let (Some(from), Some(to)) = (least.whole(), most.whole())
        && from > to
        && to > 0
    {
        let message = format!("`{}` is {to}, less than `minReplicas`, which is {from}", most.path());
        found.push(most.error(Code::Together, message).help(format!("write at least {from}")));
    }
}

/// What is scaled is in a group, but for one kind. Kubernetes before 1.34 takes it without, and never finds it.
pub(super) fn scaled(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(kind) = spot.field("kind").filter(|_| spot.is_behind("scaleTargetRef")) else { return };
    let Some(text) = kind.text().filter(|kind| !matches!(*kind, "" | "ReplicationController")) else {
        return;
    };
    let version = spot.field("apiVersion");
    let is_there = version.is_some_and(|version| version.text().is_none_or(|text| text.contains('/')));
    if is_there {
        return;
    }
    let message = format!("`{}` does not say which group the kind is in: nothing is scaled", spot.path());
    let finding = Finding::warning(Code::RequiredMissing, message).at(spot.head_place());
    found.push(match text {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            finding.help("write `apiVersion: apps/v1` beside `kind`")
        }
        _ => finding.help("write its `apiVersion:` beside `kind`"),
    });
}

/// What scales at some pace says which one, or says nothing.
pub(super) fn policies(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if let Some(policies) = spot.field("policies")
        && let Resolved::Sequence([]) = policies.is()
    {
        let message = format!("`{}` is empty, and needs one policy at least", policies.path());
        let finding = Finding::error(Code::RequiredMissing, message).at(policies.key_place());
        found.push(finding.help("add one, or remove the field"));
    }
}

/// The claims of a `StatefulSet` have names, by which its containers mount them.
pub(super) fn templates(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    for template in spot.field("volumeClaimTemplates").iter().flat_map(Spot::items) {
        let metadata = template.field("metadata");
        if !metadata.is_some_and(|metadata| has(&metadata, "name")) {
            let message = format!("`{}` has no `metadata.name`", template.path());
            let finding = Finding::error(Code::RequiredMissing, message).at(template.head_place());
            found.push(finding.help("add `metadata:` with a `name:`"));
        }
    }
}

/// Whether a Job says how many of its indexes may fail.
pub(super) fn limits_indexes(spot: &Spot<'_>) -> bool {
    spot.field("maxFailedIndexes").is_some()
}

/// The selector of a Job, which Kubernetes makes; and its rules for failures, which name its containers.
pub(super) fn of_job(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let is_manual = is_true(spot, "manualSelector");
    match spot.field("selector") {
        Some(selector) if !is_manual && &*spot.manifest().key.kind == "Job" => {
            let message = format!("`{}` is made by Kubernetes, and cannot be written", selector.path());
            let finding = Finding::error(Code::Together, message).at(selector.key_place());
            found.push(finding.help("remove it"));
        }
        None if is_manual => found.push(missing(spot, "selector")),
        _ => {}
    }
    let Some(policy) = spot.field("podFailurePolicy") else { return };
    let Some(template) = spot.field("template") else { return };
    let Some(pod) = template.field("spec") else { return };
    let Some(rules) = policy.field("rules") else { return };
    for rule in rules.items() {
        let Some(codes) = rule.field("onExitCodes") else { continue };
        let Some(named) = codes.field("containerName") else { continue };
        let Some(name) = named.text().filter(|name| !name.is_empty()) else { continue };
        let is_there = ["containers", "initContainers"].into_iter().any(|list| {
            let list = pod.field(list);
            list.iter().flat_map(Spot::items).any(|container| text_of(&container, "name") == Some(name))
        });
        if !is_there {
            let name = text::excerpt(name, 60);
            let message =
                format!("`{}` names the container `{name}`, which the Pod does not have", named.path());
            found.push(
                named.error(Code::NotInObject, message).help("write the name of one of its containers"),
            );
        }
    }
}

/// A selector of a workload names labels.
pub(super) fn selector(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(selector) = spot.field("selector") else { return };
    let Resolved::Mapping(_) = selector.is() else { return };
    let says = |name: &str| {
        selector.field(name).is_some_and(|field| match field.is() {
            Resolved::Mapping(entries) => !entries.is_empty(),
            Resolved::Sequence(items) => !items.is_empty(),
            _ => true,
        })
    };
    let only_known = selector.fields().all(|(key, _)| matches!(&*key, "matchLabels" | "matchExpressions"));
    if only_known && !says("matchLabels") && !says("matchExpressions") {
        let message = format!("`{}` is empty, and would select every Pod", selector.path());
        let finding = Finding::error(Code::RequiredMissing, message).at(selector.key_place());
        found.push(finding.help("write the labels of its Pods below `matchLabels:`"));
    }
}

/// A Pod itself with a blank around its image is refused; what makes Pods is taken, and makes none.
pub(super) fn image(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(image) = spot.field("image") else { return };
    let Some(text) = image.text() else { return };
    let trimmed = text.trim();
    if trimmed.len() == text.len() || trimmed.is_empty() && &*spot.manifest().key.kind != "Pod" {
        return;
    }
    let message = format!("`{}` begins or ends with a blank", image.path());
    let finding = match &*spot.manifest().key.kind {
        "Pod" => image.error(Code::OutOfRange, message),
        _ => image.warning(Code::OutOfRange, message),
    };
    found.push(finding.help("remove the blank"));
}
