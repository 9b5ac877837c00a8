//! What runs containers, and what makes it.

use jiff::SignedDuration;

use super::{
    Health,
    Status::{Failed, Healthy, Progressing, Suspended},
    object::{Object, items, number},
};
use crate::{text::count, wait::why};

/// So long a Pod may look for a node.
const SCHEDULING: SignedDuration = SignedDuration::from_secs(15);

/// What kubelets and the registry say when waiting does not help.
const TROUBLES: [&str; 9] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

const NOT_SEEN_YET: &str = "its controller has not seen it yet";

/// `1 of 3 updated`.
pub(super) fn of(have: i64, wanted: i64, word: &str) -> Health {
    let status = if have >= wanted { Healthy } else { Progressing };
    Health::new(status, &format!("{have} of {wanted} {word}"))
}

/// The first that is not reached yet, or the last.
fn first(steps: &[(i64, i64, &str)]) -> Health {
    let reached = |step: &&(i64, i64, &str)| step.0 >= step.1;
    let open = steps.iter().find(|step| !reached(step)).or(steps.last());
    open.map_or_else(|| Health::new(Healthy, ""), |(have, wanted, word)| of(*have, *wanted, word))
}

fn old_pods(number: i64) -> Health {
    let old = count(usize::try_from(number).unwrap_or_default(), "old pod");
    Health::new(Progressing, &format!("{old} still to end"))
}

fn field(of: &serde_json::Value, key: &str) -> i64 {
    number(&of[key]).unwrap_or(0)
}

fn wanted(object: &Object<'_>) -> i64 {
    number(&object.spec["replicas"]).unwrap_or(1)
}

pub(super) fn deployment(object: &Object<'_>) -> Health {
    let status = object.status;
    if let Some(late) = object.condition("Progressing").filter(|it| it.reason() == "ProgressDeadlineExceeded")
    {
        return Health::new(Failed, &late.words());
    }
    if status["observedGeneration"].is_null() && status["conditions"].is_null() {
        return Health::new(Progressing, NOT_SEEN_YET);
    }
    let (wanted, updated) = (wanted(object), field(status, "updatedReplicas"));
    if updated < wanted {
        return of(updated, wanted, "updated");
    }
    let extra = field(status, "replicas").saturating_sub(wanted);
    if extra > 0 {
        return old_pods(extra);
    }
    let steps = [
        (field(status, "replicas"), wanted, "created"),
        (field(status, "readyReplicas"), wanted, "ready"),
        (field(status, "availableReplicas"), updated.max(wanted), "available"),
    ];
    let counted = first(&steps);
    if counted.status != Healthy {
        return counted;
    }
    // Without a deadline its controller says nothing of progress.
    let has_deadline =
        number(&object.spec["progressDeadlineSeconds"]).is_some_and(|it| it < i64::from(i32::MAX));
    let progress = object.condition("Progressing");
    if has_deadline
        && !progress.is_some_and(|it| it.status() == "True" && it.reason() == "NewReplicaSetAvailable")
    {
        return Health::new(Progressing, "its new pods are not taken for available yet");
    }
    match object.condition("Available") {
        Some(found) if found.status() == "True" => counted,
        Some(found) => Health::new(Progressing, &found.words()),
        None => Health::new(Progressing, "its controller has not said that it is available"),
    }
}

pub(super) fn replica_set(object: &Object<'_>) -> Health {
    let (status, wanted) = (object.status, wanted(object));
    if let Some(found) = object.condition("ReplicaFailure").filter(|it| it.status() == "True") {
        return Health::new(Progressing, &found.words());
    }
    let counted = first(&[
        (field(status, "fullyLabeledReplicas"), wanted, "labelled"),
        (field(status, "readyReplicas"), wanted, "ready"),
        (field(status, "availableReplicas"), wanted, "available"),
    ]);
    let extra = field(status, "replicas").saturating_sub(wanted);
    if counted.status == Healthy && extra > 0 { old_pods(extra) } else { counted }
}

pub(super) fn stateful_set(object: &Object<'_>) -> Health {
    let (spec, status, wanted) = (object.spec, object.status, wanted(object));
    // Somebody deletes its pods when it suits.
    if spec["updateStrategy"]["type"] == "OnDelete" {
        return Health::new(Healthy, "its pods are updated when somebody deletes them");
    }
    if status.is_null() {
        return Health::new(Progressing, NOT_SEEN_YET);
    }
    let counted = first(&[
        (field(status, "replicas"), wanted, "created"),
        (field(status, "readyReplicas"), wanted, "ready"),
    ]);
    if counted.status != Healthy {
        return counted;
    }
    let extra = field(status, "replicas").saturating_sub(wanted);
    if extra > 0 {
        return old_pods(extra);
    }
    let updated = field(status, "updatedReplicas");
    if let Some(partition) = number(&spec["updateStrategy"]["rollingUpdate"]["partition"]) {
        let share = wanted.saturating_sub(partition).max(0);
        return if updated < share { of(updated, share, "updated") } else { counted };
    }
    if status["currentRevision"] != status["updateRevision"] {
        return if updated < wanted {
            of(updated, wanted, "updated")
        } else {
            Health::new(Progressing, "the last pods are being updated")
        };
    }
    let current = field(status, "currentReplicas");
    if current < wanted { of(current, wanted, "current") } else { counted }
}

pub(super) fn daemon_set(object: &Object<'_>) -> Health {
    let status = object.status;
    let seen = number(&object.live["metadata"]["generation"]).and(number(&status["observedGeneration"]));
    let Some(wanted) = number(&status["desiredNumberScheduled"]).filter(|_| seen.is_some()) else {
        return Health::new(Progressing, NOT_SEEN_YET);
    };
    // Somebody deletes its pods when it suits, and until then there are old ones.
    let by_hand = object.spec["updateStrategy"]["type"] == "OnDelete";
    let updated = if by_hand { wanted } else { field(status, "updatedNumberScheduled") };
    first(&[
        (field(status, "currentNumberScheduled"), wanted, "scheduled"),
        (updated, wanted, "updated"),
        (field(status, "numberReady"), wanted, "ready"),
        (field(status, "numberAvailable"), wanted, "available"),
    ])
}

pub(super) fn job(object: &Object<'_>) -> Health {
    let status = object.status;
    for (kind, means) in [("Failed", Failed), ("Complete", Healthy), ("Suspended", Suspended)] {
        if let Some(found) = object.condition(kind).filter(|it| it.status() == "True") {
            let (reason, words) = (found.reason(), found.words());
            let told = means == Failed && !reason.is_empty() && words != reason;
            return Health::new(means, &if told { format!("{reason}: {words}") } else { words });
        }
    }
    if object.spec["suspend"] == true {
        return Health::new(Suspended, "`spec.suspend` is true");
    }
    let parallelism = number(&object.spec["parallelism"]).unwrap_or(1);
    let wanted = number(&object.spec["completions"]).unwrap_or(parallelism);
    Health::new(Progressing, &format!("{} of {wanted} completed", field(status, "succeeded")))
}

pub(super) fn cron_job(object: &Object<'_>) -> Health {
    if object.spec["suspend"] == true {
        return Health::new(Suspended, "`spec.suspend` is true");
    }
    // What its last Job came to is that Job's health: its next one may do better.
    Health::new(Healthy, "")
}

pub(super) fn pod(object: &Object<'_>) -> Health {
    let status = object.status;
    let ready = object.condition("Ready");
    match status["phase"].as_str() {
        Some("Succeeded") => return Health::new(Healthy, "it has ended well"),
        Some("Failed") => {
            let words = [&status["reason"], &status["message"]].map(|it| it.as_str().unwrap_or_default());
            let words = words.join(" ");
            let cause = if words.trim().is_empty() { why::of_pod(object.live) } else { None };
            let words = cause.map_or(words, |(words, _)| words);
            // Of a container's end the kubelet says nothing here.
            let said = words.trim();
            return Health::new(
                Failed,
                if said.is_empty() || said == "failed:" { "it ended badly" } else { said },
            );
        }
        None | Some("") => return Health::new(Progressing, "no node has taken it yet"),
        _ => {}
    }
    if let Some(found) = ready.filter(|it| it.status() == "True") {
        let told = if found.words() == "Ready is True" { String::new() } else { found.words() };
        return Health::new(Healthy, &told);
    }
    if let Some(trouble) = trouble(object) {
        return trouble;
    }
    let unplaced = object.condition("PodScheduled").filter(|it| it.status() == "False");
    if let Some(found) = unplaced.filter(|it| it.reason() == "Unschedulable") {
        let waits = found.since().is_some_and(|since| object.now.duration_since(since) < SCHEDULING);
        let words = format!("no node takes it: {}", found.words());
        return Health::new(if waits { Progressing } else { Failed }, &words);
    }
    let words = why::of_pod(object.live).map(|(words, _)| words).filter(|words| words != "not ready yet");
    let reason = ready.map(|it| it.reason().to_owned()).filter(|reason| !reason.is_empty());
    Health::new(Progressing, &words.or(reason).unwrap_or_else(|| "not ready".to_owned()))
}

/// A container that waiting does not help. One that is started once may still be pulled a moment later, and then it
/// would run although it was given up.
fn trouble(object: &Object<'_>) -> Option<Health> {
    let restarts = matches!(object.spec["restartPolicy"].as_str(), None | Some("Always"));
    let lists = [&object.status["initContainerStatuses"], &object.status["containerStatuses"]];
    let stuck = lists.into_iter().flat_map(items).find(|container| {
        let reason = container["state"]["waiting"]["reason"].as_str().unwrap_or_default();
        TROUBLES.contains(&reason) && (restarts || matches!(reason, "CrashLoopBackOff" | "InvalidImageName"))
    })?;
    let name = stuck["name"].as_str().unwrap_or_default();
    let waiting = &stuck["state"]["waiting"];
    let text = |key: &str| waiting[key].as_str().unwrap_or_default();
    let words = match why::of_pod(object.live) {
        Some((words, _)) if words.contains(text("reason")) => words,
        _ => format!("container {name}: {}: {}", text("reason"), text("message")),
    };
    Some(Health::new(Failed, &words))
}
