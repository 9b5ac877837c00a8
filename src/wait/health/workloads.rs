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

/// The first that is not reached yet.
fn open(steps: &[(i64, i64, &str)]) -> Option<Health> {
    let open = steps.iter().find(|(have, wanted, _)| have < wanted);
    open.map(|(have, wanted, word)| of(*have, *wanted, word))
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
        (field(status, "availableReplicas"), updated.max(wanted), "available"),
        (field(status, "readyReplicas"), wanted, "ready"),
    ];
    if let Some(open) = open(&steps) {
        return open;
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
        Some(found) if found.status() == "True" => of(wanted, wanted, "available"),
        Some(found) => Health::new(Progressing, &found.words()),
        None => Health::new(Progressing, "its controller has not said that it is available"),
    }
}

pub(super) fn replica_set(object: &Object<'_>) -> Health {
    let (status, wanted) = (object.status, wanted(object));
    if let Some(found) = object.condition("ReplicaFailure").filter(|it| it.status() == "True") {
        return Health::new(Progressing, &found.words());
    }
    let open = open(&[
        (field(status, "fullyLabeledReplicas"), wanted, "labelled"),
        (field(status, "availableReplicas"), wanted, "available"),
        (field(status, "readyReplicas"), wanted, "ready"),
    ]);
    let extra = field(status, "replicas").saturating_sub(wanted);
    let old = (extra > 0).then(|| old_pods(extra));
    open.or(old).unwrap_or_else(|| of(wanted, wanted, "available"))
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
    let ready = field(status, "readyReplicas");
    if let Some(open) = open(&[(ready, wanted, "ready"), (field(status, "replicas"), wanted, "created")]) {
        return open;
    }
    let counted = of(ready, wanted, "ready");
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
    open(&[
        (field(status, "currentNumberScheduled"), wanted, "scheduled"),
        (updated, wanted, "updated"),
        (field(status, "numberAvailable"), wanted, "available"),
        (field(status, "numberReady"), wanted, "ready"),
    ])
    .unwrap_or_else(|| of(wanted, wanted, "available"))
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value as Json, json};

    use super::super::{Health, NOT_SEEN, Status, health};

    fn of(kind: &str, live: &Json) -> Health {
        let group = match kind {
            "Job" | "CronJob" => "batch",
            "Pod" | "ReplicationController" => "",
            _ => "apps",
        };
        let noon = "2026-02-01T12:00:00Z".parse::<Timestamp>();
        health(group, kind, live, noon.expect("because it is a time"))
    }

    #[track_caller]
    fn is(kind: &str, live: &Json, status: Status, reason: &str) {
        let is = of(kind, live);
        assert_eq!((is.status, is.reason.as_str()), (status, reason), "{kind} {live}");
    }

    #[test]
    fn a_deployment_is_healthy_when_all_its_pods_are_new_and_available() {
        let with =
            |status: Json| json!({"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": status});
        let counts = |all: i64, updated: i64, ready: i64, available: i64| {
            with(json!({
                "observedGeneration": 2, "replicas": all, "updatedReplicas": updated, "readyReplicas": ready,
                "availableReplicas": available, "conditions": [{"type": "Available", "status": "True"}],
            }))
        };
        for (live, status, reason) in [
            (with(json!({"observedGeneration": 1})), Status::Progressing, NOT_SEEN),
            (with(json!({})), Status::Progressing, "its controller has not seen it yet"),
            (counts(3, 1, 3, 3), Status::Progressing, "1 of 3 updated"),
            (counts(4, 3, 4, 4), Status::Progressing, "1 old pod still to end"),
            (counts(5, 5, 5, 5), Status::Progressing, "2 old pods still to end"),
            (counts(2, 3, 3, 3), Status::Progressing, "2 of 3 created"),
            (counts(3, 3, 2, 3), Status::Progressing, "2 of 3 ready"),
            (counts(3, 3, 3, 2), Status::Progressing, "2 of 3 available"),
            (counts(3, 3, 3, 3), Status::Healthy, "3 of 3 available"),
            (
                with(
                    json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}]}),
                ),
                Status::Failed,
                "late",
            ),
        ] {
            is("Deployment", &live, status, reason);
        }
        let mut unsaid = counts(3, 3, 3, 3);
        unsaid["status"]["conditions"] = json!([]);
        is("Deployment", &unsaid, Status::Progressing, "its controller has not said that it is available");
        let mut rolling = counts(3, 3, 3, 3);
        rolling["spec"]["progressDeadlineSeconds"] = json!(600);
        is("Deployment", &rolling, Status::Progressing, "its new pods are not taken for available yet");
        rolling["status"]["conditions"] = json!([
            {"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ]);
        is("Deployment", &rolling, Status::Healthy, "3 of 3 available");
        rolling["spec"]["paused"] = json!(true);
        is("Deployment", &rolling, Status::Suspended, "`spec.paused` is true");
    }

    #[test]
    fn a_stateful_set_is_healthy_when_the_pods_of_its_partition_are_new() {
        let with = |strategy: Json, status: Json| json!({"spec": {"replicas": 2, "updateStrategy": strategy}, "status": status});
        let status = |ready: i64, updated: i64, current: &str| json!({"replicas": 2, "readyReplicas": ready, "currentReplicas": 2, "updatedReplicas": updated, "currentRevision": current, "updateRevision": "b"});
        let rolling =
            |partition: i64| json!({"type": "RollingUpdate", "rollingUpdate": {"partition": partition}});
        for (live, is_so, reason) in [
            (with(Json::Null, Json::Null), Status::Progressing, "its controller has not seen it yet"),
            (with(Json::Null, json!({"replicas": 1})), Status::Progressing, "0 of 2 ready"),
            (with(Json::Null, status(1, 2, "b")), Status::Progressing, "1 of 2 ready"),
            (with(Json::Null, status(2, 1, "a")), Status::Progressing, "1 of 2 updated"),
            (with(Json::Null, status(2, 2, "a")), Status::Progressing, "the last pods are being updated"),
            (with(Json::Null, status(2, 2, "b")), Status::Healthy, "2 of 2 ready"),
            (
                with(Json::Null, json!({"replicas": 3, "readyReplicas": 3})),
                Status::Progressing,
                "1 old pod still to end",
            ),
            (with(rolling(0), status(2, 1, "a")), Status::Progressing, "1 of 2 updated"),
            (with(rolling(1), status(2, 1, "a")), Status::Healthy, "2 of 2 ready"),
            (
                with(rolling(i64::MIN), status(2, 1, "a")),
                Status::Progressing,
                "1 of 9223372036854775807 updated",
            ),
            (
                with(json!({"type": "OnDelete"}), status(1, 0, "a")),
                Status::Healthy,
                "its pods are updated when somebody deletes them",
            ),
        ] {
            is("StatefulSet", &live, is_so, reason);
        }
    }

    #[test]
    fn daemon_sets_and_replica_sets_are_healthy_when_they_have_all_their_pods() {
        let daemons = |current: i64, updated: i64, available: i64| {
            json!({
                "metadata": {"generation": 1},
                "status": {"observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": current,
                    "updatedNumberScheduled": updated, "numberReady": 2, "numberAvailable": available},
            })
        };
        is(
            "DaemonSet",
            &json!({"metadata": {"generation": 1}, "status": {}}),
            Status::Progressing,
            "its controller has not seen it yet",
        );
        is("DaemonSet", &daemons(1, 2, 2), Status::Progressing, "1 of 2 scheduled");
        is("DaemonSet", &daemons(2, 1, 2), Status::Progressing, "1 of 2 updated");
        is("DaemonSet", &daemons(2, 2, 1), Status::Progressing, "1 of 2 available");
        is("DaemonSet", &daemons(2, 2, 2), Status::Healthy, "2 of 2 available");
        let mut by_hand = daemons(2, 0, 2);
        by_hand["spec"] = json!({"updateStrategy": {"type": "OnDelete"}});
        is("DaemonSet", &by_hand, Status::Healthy, "2 of 2 available");

        let set = |labelled: i64, available: i64, all: i64| {
            json!({"spec": {"replicas": 2}, "status": {
                "replicas": all, "fullyLabeledReplicas": labelled, "readyReplicas": 2, "availableReplicas": available,
            }})
        };
        for kind in ["ReplicaSet", "ReplicationController"] {
            is(kind, &set(1, 2, 2), Status::Progressing, "1 of 2 labelled");
            is(kind, &set(2, 1, 2), Status::Progressing, "1 of 2 available");
            is(kind, &set(2, 2, 3), Status::Progressing, "1 old pod still to end");
            is(kind, &set(2, 2, 2), Status::Healthy, "2 of 2 available");
        }
        let mut refused = set(2, 2, 2);
        refused["status"]["conditions"] =
            json!([{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]);
        is("ReplicaSet", &refused, Status::Progressing, "exceeded quota");
    }

    #[test]
    fn a_job_is_healthy_when_it_is_complete() {
        let with = |kind: &str| json!({"status": {"conditions": [{"type": kind, "status": "True", "reason": "R", "message": "m"}]}});
        is("Job", &with("Complete"), Status::Healthy, "m");
        is("Job", &with("Failed"), Status::Failed, "R: m");
        is("Job", &with("Suspended"), Status::Suspended, "m");
        is("Job", &json!({"status": {"active": 1}}), Status::Progressing, "0 of 1 completed");
        is(
            "Job",
            &json!({"spec": {"parallelism": 3}, "status": {"succeeded": 1}}),
            Status::Progressing,
            "1 of 3 completed",
        );
        is("Job", &json!({"spec": {"suspend": true}}), Status::Suspended, "`spec.suspend` is true");
        is("CronJob", &json!({"spec": {"suspend": true}}), Status::Suspended, "`spec.suspend` is true");
        is("CronJob", &json!({}), Status::Healthy, "");
    }

    #[test]
    fn a_pod_is_healthy_when_it_is_ready_and_failed_when_waiting_does_not_help() {
        let running = |container: Json| {
            json!({"status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady"},
        ], "containerStatuses": [container]}})
        };
        let waiting =
            |reason: &str| json!({"name": "web", "state": {"waiting": {"reason": reason, "message": "m"}}});
        let unplaced = |since: &str| {
            json!({"status": {"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": since, "message": "no cpu"},
            ]}})
        };
        let ended = json!({"phase": "Failed", "containerStatuses": [
            {"name": "web", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}},
        ]});
        for (live, status, reason) in [
            (json!({}), Status::Progressing, "no node has taken it yet"),
            (json!({"status": {"phase": "Running"}}), Status::Progressing, "not ready"),
            (
                json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}),
                Status::Healthy,
                "",
            ),
            (json!({"status": {"phase": "Succeeded"}}), Status::Healthy, "it has ended well"),
            (json!({"status": {"phase": "Failed", "reason": "Evicted"}}), Status::Failed, "Evicted"),
            (json!({"status": {"phase": "Failed"}}), Status::Failed, "it ended badly"),
            (json!({"status": ended}), Status::Failed, "container web: it ended with exit code 3 (Error)"),
            (running(waiting("CrashLoopBackOff")), Status::Failed, "container web: CrashLoopBackOff: m"),
            (running(waiting("ImagePullBackOff")), Status::Failed, "container web: ImagePullBackOff: m"),
            (running(waiting("ContainerCreating")), Status::Progressing, "ContainersNotReady"),
            (unplaced("2026-02-01T11:59:46Z"), Status::Progressing, "no node takes it: no cpu"),
            (unplaced("2026-02-01T11:59:45Z"), Status::Failed, "no node takes it: no cpu"),
            (unplaced("a while ago"), Status::Failed, "no node takes it: no cpu"),
        ] {
            is("Pod", &live, status, reason);
        }
        // One that is to end may still be given its image, and would run although it was given up.
        let mut once = running(waiting("ImagePullBackOff"));
        once["spec"] = json!({"restartPolicy": "Never"});
        is("Pod", &once, Status::Progressing, "container web: ImagePullBackOff: m");
    }
}
