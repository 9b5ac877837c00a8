//! What custom resources say that no row of words can: numbers, and lists of what others think.

use serde_json::Value as Json;

use super::{
    Health, NOT_SEEN,
    Status::{Failed, Failing, Healthy, Progressing, Suspended, Terminating},
    object::{Condition, Object, condition, conditions, items, number},
    workloads::of,
};

/// So many controllers are asked whether they care for what another does not know. The Gateway API has 16 at most.
const MOST_OTHERS: usize = 16;

/// Argo Rollouts: a Deployment whose steps may wait for somebody.
pub(super) fn rollout(object: &Object<'_>) -> Option<Health> {
    let status = object.status;
    if status["observedGeneration"].is_null() {
        return None;
    }
    // Of the Deployment that it takes its template from.
    let workload = object.annotation("rollout.argoproj.io/workload-generation");
    if workload.is_some_and(|wanted| wanted != object.text("status.workloadObservedGeneration"))
        && !object.spec["workloadRef"].is_null()
    {
        return Some(Health::new(Progressing, NOT_SEEN));
    }
    // Since version 1.2 its controller says what all of it comes to.
    let phases =
        [("Healthy", Healthy), ("Paused", Suspended), ("Degraded", Failed), ("Progressing", Progressing)];
    let phase = object.text("status.phase");
    if let Some((_, means)) = phases.into_iter().find(|(name, _)| *name == phase) {
        let message = object.text("status.message");
        let own = if means == Healthy { "" } else { phase };
        return Some(Health::new(means, if message.is_empty() { own } else { message }));
    }
    for found in conditions(&status["conditions"]) {
        let bad = match found.field("type") {
            "InvalidSpec" => found.status() == "True",
            "Progressing" => {
                matches!(found.reason(), "RolloutAborted" | "ProgressDeadlineExceeded")
            }
            _ => false,
        };
        if bad {
            return Some(found.health(Failed));
        }
    }
    if *object.at("spec.paused") == true || items(&status["pauseConditions"]).next().is_some() {
        return Some(Health::new(Suspended, "it is paused"));
    }
    let hash = object.text("status.currentPodHash");
    if hash.is_empty() {
        return None;
    }
    let count = |key: &str| number(&status[key]).unwrap_or(0);
    let (wanted, updated) = (number(&object.spec["replicas"]).unwrap_or(1), count("updatedReplicas"));
    let strategy = &object.spec["strategy"];
    let stable = [object.text("status.stableRS"), object.text("status.canary.stableRS")];
    let stable = stable.into_iter().find(|one| !one.is_empty()).unwrap_or_default();
    let waits = |words: &str| Some(Health::new(Progressing, words));
    if updated < wanted {
        return Some(of(updated, wanted, "updated"));
    }
    if count("availableReplicas") < updated {
        return Some(of(count("availableReplicas"), updated, "available"));
    }
    if !strategy["blueGreen"].is_null() {
        if object.text("status.blueGreen.activeSelector") != hash {
            return waits("the active Service does not select the new pods yet");
        }
        if !stable.is_empty() && stable != hash {
            return waits("the new pods are being analysed");
        }
    } else if !strategy["canary"].is_null() {
        if count("replicas") > updated {
            return waits("the old pods still have to end");
        }
        if stable != hash {
            return waits("its steps are not done yet");
        }
    }
    Some(Health::new(Healthy, ""))
}

/// Kinds whose conditions must all be true.
pub(super) fn all_conditions(object: &Object<'_>) -> Option<Health> {
    let mut all = conditions(&object.status["conditions"]).peekable();
    all.peek()?;
    let bad = all.find(|found| found.status() != "True");
    Some(match bad {
        Some(found) if found.status() == "False" => found.health(Failing),
        Some(found) => found.health(Progressing),
        None => Health::new(Healthy, ""),
    })
}

/// What each Prometheus thinks of a monitor.
pub(super) fn bindings(object: &Object<'_>) -> Option<Health> {
    let mut all = items(&object.status["bindings"]).flat_map(|one| conditions(&one["conditions"]));
    let refused = all.find(|found| found.field("type") == "Accepted" && found.status() == "False")?;
    Some(if object.is_newer_than_this(refused) {
        Health::new(Progressing, NOT_SEEN)
    } else {
        refused.health(Failing)
    })
}

/// What the Gateway API says of anything: first what is wrong with it, then what is not done yet.
fn attached(object: &Object<'_>, of: &Json, whose: &str) -> Option<Health> {
    let named = |found: Condition<'_>, status| {
        if object.is_newer_than_this(found) {
            return Health::new(Progressing, NOT_SEEN);
        }
        Health::new(status, &format!("{whose}{}", found.words()))
    };
    let with = |kinds: &[&str], status: &str| {
        let mut found = kinds.iter().filter_map(|kind| condition(of, kind));
        found.find(|found| found.status() == status)
    };
    if let Some(found) = with(&["ResolvedRefs", "Accepted", "Conflicted"], "False")
        .filter(|it| it.field("type") != "Conflicted")
    {
        return Some(named(found, Failing));
    }
    if let Some(found) = with(&["Conflicted"], "True") {
        return Some(named(found, Failing));
    }
    let waits = ["Accepted", "Programmed", "ResolvedRefs"].iter().filter_map(|kind| condition(of, kind));
    let mut waits = waits.filter(|found| found.status() != "True");
    waits.next().map(|found| named(found, Progressing))
}

pub(super) fn gateway(object: &Object<'_>) -> Option<Health> {
    let conditions = &object.status["conditions"];
    if let Some(wrong) = attached(object, conditions, "") {
        return Some(wrong);
    }
    for listener in items(&object.status["listeners"]) {
        let whose = format!("listener {}: ", listener["name"].as_str().unwrap_or_default());
        if let Some(wrong) = attached(object, &listener["conditions"], &whose) {
            return Some(wrong);
        }
    }
    let said = condition(conditions, "Accepted").or_else(|| condition(conditions, "Programmed"))?;
    Some(if object.is_newer_than_this(said) {
        Health::new(Progressing, NOT_SEEN)
    } else {
        Health::new(Healthy, "")
    })
}

pub(super) fn route(object: &Object<'_>) -> Option<Health> {
    of_each(object, &object.status["parents"], "parentRef", "parent")
}

pub(super) fn policy(object: &Object<'_>) -> Option<Health> {
    of_each(object, &object.status["ancestors"], "ancestorRef", "ancestor")
}

/// What each thing that an object is attached to says of it. Of one that speaks of an older generation others may
/// have taken over, so it counts only where nobody speaks of this one.
fn of_each(object: &Object<'_>, all: &Json, name: &str, word: &str) -> Option<Health> {
    let mut heard = false;
    let mut old = false;
    for one in items(all).filter(|one| !is_of_others(all, one)) {
        let mut said = conditions(&one["conditions"]).peekable();
        if said.peek().is_none() {
            continue;
        }
        if said.all(|found| object.is_newer_than_this(found)) {
            old = true;
            continue;
        }
        heard = true;
        let whose = format!("{word} {}: ", one[name]["name"].as_str().unwrap_or_default());
        if let Some(wrong) = attached(object, &one["conditions"], &whose) {
            return Some(wrong);
        }
    }
    match (heard, old) {
        (true, _) => Some(Health::new(Healthy, "")),
        (false, true) => Some(Health::new(Progressing, NOT_SEEN)),
        (false, false) => None,
    }
}

/// Whether a controller only says that the target is none of its kinds, while another one takes care of it.
fn is_of_others(all: &Json, one: &Json) -> bool {
    let is_foreign = |one: &Json| {
        condition(&one["conditions"], "Accepted").is_some_and(|found| found.reason() == "TargetNotFound")
    };
    let mut others =
        items(all).take(MOST_OTHERS).filter(|other| other["controllerName"] != one["controllerName"]);
    is_foreign(one) && others.any(|other| !is_foreign(other) && !other["conditions"].is_null())
}

/// A phase that is none of those that are known to be bad.
pub(super) fn phase(object: &Object<'_>) -> Option<Health> {
    let phase = object.text("status.phase");
    let reason = object.text("status.phaseReason");
    let words = if reason.is_empty() { phase.to_owned() } else { format!("{phase}: {reason}") };
    (!phase.is_empty()).then(|| Health::new(Progressing, &words))
}

pub(super) fn pooler(object: &Object<'_>) -> Option<Health> {
    let has = number(&object.status["instances"])?;
    let wanted = number(&object.spec["instances"]).unwrap_or(1);
    Some(of(has, wanted, "instances"))
}

/// Databases and what is in them: an error of a generation that was never applied may only be that what it needs is
/// not there yet.
pub(super) fn applied(object: &Object<'_>) -> Option<Health> {
    let message = object.text("status.message");
    match object.status["applied"].as_bool()? {
        _ if object.is_newer_than_status() => None,
        true => Some(Health::new(Healthy, message)),
        false if object.status["observedGeneration"].is_null() => Some(Health::new(Progressing, message)),
        false => Some(Health::new(Failing, message)),
    }
}

/// A rebalance of Kafka's partitions has a condition for each of its states.
pub(super) fn rebalance(object: &Object<'_>) -> Option<Health> {
    let bad = ["NotReady", "Stopped"].into_iter().find(|kind| object.is(kind));
    if let Some(found) = bad.and_then(|kind| object.condition(kind)) {
        return Some(found.health(Failing));
    }
    // It waits for somebody to approve it.
    object.is("ProposalReady").then(|| Health::new(Suspended, "it waits to be approved"))
}

/// A kind whose controller has said that it knows of it, and nothing else.
pub(super) fn seen(object: &Object<'_>) -> Option<Health> {
    number(&object.status["observedGeneration"]).map(|_| Health::new(Healthy, ""))
}

pub(super) fn pod_set(object: &Object<'_>) -> Option<Health> {
    let count = |key: &str| number(&object.status[key]);
    let wanted = count("pods")?;
    let ready = of(count("readyPods").unwrap_or(0), wanted, "ready");
    Some(if ready.status == Healthy {
        of(count("currentPods").unwrap_or(0), wanted, "updated")
    } else {
        ready
    })
}

/// What Cluster API says in either of its two lists of conditions, the newer one first.
fn capi<'o>(object: &Object<'o>, kind: &str) -> Option<Condition<'o>> {
    let lists = [object.at("status.v1beta2.conditions"), &object.status["conditions"]];
    lists.into_iter().find_map(|list| condition(list, kind))
}

/// What all kinds of Cluster API may say: that it is over.
fn capi_end(object: &Object<'_>) -> Option<Health> {
    let old = ["status.failureMessage", "status.failureReason"];
    let new = ["status.deprecated.v1beta1.failureMessage", "status.deprecated.v1beta1.failureReason"];
    let said = old.into_iter().chain(new).map(|path| object.text(path)).find(|text| !text.is_empty());
    if let Some(said) = said {
        return Some(Health::new(Failed, said));
    }
    match object.text("status.phase") {
        "Failed" => {
            let ready = capi(object, "Ready").filter(|found| found.status() == "False");
            Some(
                ready
                    .map_or_else(|| Health::new(Failed, "its phase is Failed"), |found| found.health(Failed)),
            )
        }
        "Deleting" => Some(Health::new(Terminating, "it is being deleted")),
        _ => None,
    }
}

/// What its controllers warn of while they do what they were told.
fn is_step(found: Condition<'_>) -> bool {
    matches!(found.reason(), "RollingUpdateInProgress" | "ScalingDown" | "ScalingUp")
}

/// The `Ready` of the older conditions, whose severity tells an error from a step on the way.
fn capi_ready(object: &Object<'_>) -> Option<Health> {
    let found = capi(object, "Ready").filter(|found| found.status() != "True")?;
    let is_step =
        found.status() != "False" || matches!(found.field("severity"), "Info" | "") || is_step(found);
    Some(found.health(if is_step { Progressing } else { Failing }))
}

/// The first of these conditions that says that something is going on.
fn capi_busy(object: &Object<'_>, busy: &[&str], good: &[&str]) -> Option<Health> {
    let found = |kind: &&str| capi(object, kind);
    let mut bad = good.iter().filter_map(found).filter(|found| found.status() != "True");
    let mut goes = busy.iter().filter_map(found).filter(|found| found.status() == "True");
    goes.next().or_else(|| bad.next()).map(|found| found.health(Progressing))
}

pub(super) fn cluster(object: &Object<'_>) -> Option<Health> {
    if let Some(said) = capi_end(object).or_else(|| capi_ready(object)) {
        return Some(said);
    }
    let phase = object.text("status.phase");
    match capi_busy(object, &["RollingOut"], &["TopologyReconciled", "Available"]) {
        Some(busy) => Some(busy),
        None if phase == "Provisioned" => Some(Health::new(Healthy, "")),
        None => (!phase.is_empty()).then(|| Health::new(Progressing, phase)),
    }
}

pub(super) fn machine(object: &Object<'_>) -> Option<Health> {
    if let Some(said) = capi_end(object).or_else(|| capi_ready(object)) {
        return Some(said);
    }
    match object.text("status.phase") {
        "Running" => Some(capi_busy(object, &[], &["Available"]).unwrap_or(Health::new(Healthy, ""))),
        "" => None,
        phase => Some(Health::new(Progressing, phase)),
    }
}

/// How many of the machines are new, and how many ready. A list that is not there counts none.
fn machine_counts(object: &Object<'_>) -> Health {
    let count = |key: &str| number(&object.status[key]);
    let wanted = number(&object.spec["replicas"]).unwrap_or(1);
    let updated = count("upToDateReplicas").or_else(|| count("updatedReplicas"));
    let (all, ready) = (count("replicas").unwrap_or(0), count("readyReplicas").unwrap_or(0));
    // Sets and pools do not say how many are new.
    let has_updates = updated.is_some() || capi_counts_updates(object);
    if has_updates && updated.unwrap_or(0) < wanted {
        return of(updated.unwrap_or(0), wanted, "updated");
    }
    if ready < wanted {
        return of(ready, wanted, "ready");
    }
    if all.max(ready) > wanted {
        return Health::new(
            Progressing,
            &format!("{} more than {wanted} still to end", all.max(ready) - wanted),
        );
    }
    Health::new(Healthy, &format!("{ready} of {wanted} ready"))
}

fn capi_counts_updates(object: &Object<'_>) -> bool {
    matches!(object.text("kind"), "MachineDeployment" | "KubeadmControlPlane")
}

pub(super) fn machines(object: &Object<'_>) -> Option<Health> {
    if let Some(said) = capi_end(object) {
        return Some(said);
    }
    let phase = object.text("status.phase");
    if object.status["replicas"].is_null()
        && object.status["observedGeneration"].is_null()
        && phase.is_empty()
    {
        return None;
    }
    let busy = capi_busy(object, &["RollingOut", "ScalingUp", "ScalingDown"], &["Available"]);
    let step = !matches!(phase, "" | "Running" | "Provisioned" | "Provisioning");
    let counts = machine_counts(object);
    Some(match busy {
        Some(busy) => busy,
        None if counts.status != Healthy => counts,
        None if step || phase == "Provisioning" => Health::new(Progressing, phase),
        None => counts,
    })
}

pub(super) fn machine_health(object: &Object<'_>) -> Option<Health> {
    let wanted = number(&object.status["expectedMachines"])?;
    let well = number(&object.status["currentHealthy"]).unwrap_or(0);
    let counted = of(well, wanted, "machines are healthy");
    Some(if counted.status == Healthy { counted } else { Health::new(Failing, &counted.reason) })
}

pub(super) fn control_plane(object: &Object<'_>) -> Option<Health> {
    if let Some(said) = capi_end(object) {
        return Some(said);
    }
    if object.status.as_object().is_none_or(serde_json::Map::is_empty) {
        return None;
    }
    if let Some(found) = capi(object, "EtcdClusterHealthy").filter(|found| found.status() == "False") {
        return Some(found.health(Failing));
    }
    let ready = capi(object, "Ready").filter(|found| found.status() == "False");
    if let Some(found) = ready {
        let is_step = is_step(found) || found.field("severity") == "Info";
        return Some(found.health(if is_step { Progressing } else { Failing }));
    }
    let good = ["MachinesUpToDate", "MachinesReady", "ControlPlaneComponentsHealthy", "Available"];
    let busy = capi_busy(object, &["RollingOut", "ScalingUp", "ScalingDown"], &good);
    Some(busy.unwrap_or_else(|| machine_counts(object)))
}

/// New conditions are put at the end, and old ones stay.
pub(super) fn last_condition(object: &Object<'_>) -> Option<Health> {
    let last = conditions(&object.status["conditions"]).last()?;
    match (last.field("type"), last.status()) {
        ("Ready", "True") => Some(last.health(Healthy)),
        ("Ready", "False") | ("NotReady" | "PartiallyReady", "True") => Some(last.health(Failing)),
        _ => None,
    }
}
