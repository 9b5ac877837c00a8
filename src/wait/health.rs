//! Is an object healthy? The rules of kstatus, on the object as the API server shows it.

use serde_json::Value as Json;

use crate::text::count;

/// How an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It is as its revision wants it.
    Ready,
    /// Not yet, and how far it is.
    Waiting(String),
    /// It will not become so by waiting.
    Failed(String),
}

/// Whether becoming ready is more than being there.
#[must_use]
pub fn takes_time(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job")
            | ("", "Pod" | "PersistentVolumeClaim" | "Service" | "Namespace" | "ReplicationController")
            | ("apiextensions.k8s.io", "CustomResourceDefinition")
    )
}

/// Whether it runs containers, which can die a moment after they were ready.
#[must_use]
pub fn runs_containers(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("", "Pod" | "ReplicationController")
    )
}

/// How `live` is.
#[must_use]
pub fn health(group: &str, kind: &str, live: &Json) -> Health {
    if !live["metadata"]["deletionTimestamp"].is_null() {
        return Health::Waiting("it is being deleted".to_owned());
    }
    if !takes_time(group, kind) {
        return Health::Ready;
    }
    if let (Some(wanted), Some(seen)) =
        (live["metadata"]["generation"].as_i64(), live["status"]["observedGeneration"].as_i64())
        && seen < wanted
    {
        return Health::Waiting("its controller has not seen the change yet".to_owned());
    }
    let (spec, status) = (&live["spec"], &live["status"]);
    match kind {
        "Deployment" => deployment(spec, status),
        "ReplicaSet" | "ReplicationController" => {
            replicas(number(spec, "replicas", 1), number(status, "availableReplicas", 0), "available")
        }
        "StatefulSet" => stateful_set(spec, status),
        "DaemonSet" => daemon_set(status),
        "Job" => job(spec, status),
        "Pod" => pod(status),
        "PersistentVolumeClaim" => phase(status, "Bound"),
        "Namespace" => phase(status, "Active"),
        "Service" => service(spec),
        "CustomResourceDefinition" => definition(status),
        _ => Health::Ready,
    }
}

fn number(of: &Json, key: &str, default: i64) -> i64 {
    of[key].as_i64().unwrap_or(default)
}

/// The condition of a type: its status, reason and message.
fn condition<'s>(status: &'s Json, kind: &str) -> Option<(&'s str, &'s str, &'s str)> {
    let found = status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)?;
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    Some((text("status"), text("reason"), text("message")))
}

fn replicas(wanted: i64, have: i64, word: &str) -> Health {
    if have >= wanted { Health::Ready } else { Health::Waiting(format!("{have} of {wanted} {word}")) }
}

fn deployment(spec: &Json, status: &Json) -> Health {
    if let Some((_, "ProgressDeadlineExceeded", message)) = condition(status, "Progressing") {
        return Health::Failed(message.to_owned());
    }
    if status["observedGeneration"].is_null() {
        return Health::Waiting("its controller has not seen it yet".to_owned());
    }
    let wanted = number(spec, "replicas", 1);
    let updated = number(status, "updatedReplicas", 0);
    if updated < wanted {
        return Health::Waiting(format!("{updated} of {wanted} updated"));
    }
    let old = number(status, "replicas", 0) - updated;
    if old > 0 {
        let old = count(usize::try_from(old).unwrap_or_default(), "old pod");
        return Health::Waiting(format!("{old} still to end"));
    }
    replicas(wanted, number(status, "availableReplicas", 0), "available")
}

fn stateful_set(spec: &Json, status: &Json) -> Health {
    if status["observedGeneration"].is_null() {
        return Health::Waiting("its controller has not seen it yet".to_owned());
    }
    let wanted = number(spec, "replicas", 1);
    let ready = replicas(wanted, number(status, "readyReplicas", 0), "ready");
    if ready != Health::Ready || spec["updateStrategy"]["type"] == "OnDelete" {
        return ready;
    }
    let partition = number(&spec["updateStrategy"]["rollingUpdate"], "partition", 0);
    let updated = replicas((wanted - partition).max(0), number(status, "updatedReplicas", 0), "updated");
    if updated != Health::Ready || partition > 0 || status["currentRevision"] == status["updateRevision"] {
        return updated;
    }
    Health::Waiting("the last pods are being updated".to_owned())
}

fn daemon_set(status: &Json) -> Health {
    if status["observedGeneration"].is_null() {
        return Health::Waiting("its controller has not seen it yet".to_owned());
    }
    let wanted = number(status, "desiredNumberScheduled", 0);
    let updated = replicas(wanted, number(status, "updatedNumberScheduled", 0), "updated");
    if updated == Health::Ready {
        replicas(wanted, number(status, "numberAvailable", 0), "available")
    } else {
        updated
    }
}

fn job(spec: &Json, status: &Json) -> Health {
    if let Some(("True", reason, message)) = condition(status, "Failed") {
        return Health::Failed(format!("{reason}: {message}"));
    }
    if let Some(("True", ..)) = condition(status, "Complete") {
        return Health::Ready;
    }
    // It runs when somebody lets it.
    if spec["suspend"] == true {
        return Health::Ready;
    }
    let wanted = number(spec, "completions", 1);
    Health::Waiting(format!("{} of {wanted} completed", number(status, "succeeded", 0)))
}

fn pod(status: &Json) -> Health {
    match status["phase"].as_str() {
        Some("Succeeded") => Health::Ready,
        Some("Failed") => {
            let words = [&status["reason"], &status["message"]].map(|w| w.as_str().unwrap_or_default());
            // Of a container's end the kubelet says nothing here.
            let words = words.join(" ");
            Health::Failed(if words.trim().is_empty() { "it ended badly" } else { words.trim() }.to_owned())
        }
        _ => match condition(status, "Ready") {
            Some(("True", ..)) => Health::Ready,
            Some((_, reason, _)) if !reason.is_empty() => Health::Waiting(reason.to_owned()),
            _ => Health::Waiting("not ready".to_owned()),
        },
    }
}

fn phase(status: &Json, wanted: &str) -> Health {
    match status["phase"].as_str() {
        Some(phase) if phase == wanted => Health::Ready,
        Some(phase) => Health::Waiting(phase.to_owned()),
        None => Health::Waiting("not seen yet".to_owned()),
    }
}

fn service(spec: &Json) -> Health {
    // Whether a load balancer comes is up to what the cluster stands on, and nothing that a push can mend.
    if spec["type"] == "LoadBalancer" && spec["clusterIP"].as_str().is_none_or(str::is_empty) {
        return Health::Waiting("no address yet".to_owned());
    }
    Health::Ready
}

fn definition(status: &Json) -> Health {
    if let Some(("False", _, message)) = condition(status, "NamesAccepted") {
        return Health::Failed(message.to_owned());
    }
    match condition(status, "Established") {
        Some(("True", ..)) => Health::Ready,
        _ => Health::Waiting("not established".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{Health, health};

    fn of(kind: &str, live: &Json) -> Health {
        let group = match kind {
            "Job" => "batch",
            "CustomResourceDefinition" => "apiextensions.k8s.io",
            "Pod" | "Service" | "PersistentVolumeClaim" | "Namespace" | "ConfigMap" => "",
            _ => "apps",
        };
        health(group, kind, live)
    }

    fn waits(text: &str) -> Health {
        Health::Waiting(text.to_owned())
    }

    #[test]
    fn a_deployment_is_healthy_when_all_its_pods_are_new_and_available() {
        let with = |generation: i64, status: Json| {
            of(
                "Deployment",
                &json!({"metadata": {"generation": generation}, "spec": {"replicas": 3}, "status": status}),
            )
        };
        let seen = json!({"observedGeneration": 1});
        assert_eq!(with(2, seen), waits("its controller has not seen the change yet"));
        assert_eq!(with(1, json!({})), waits("its controller has not seen it yet"));
        let some =
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 3});
        assert_eq!(with(2, some), waits("1 of 3 updated"));
        let old =
            json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "availableReplicas": 4});
        assert_eq!(with(2, old), waits("1 old pod still to end"));
        let new =
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2});
        assert_eq!(with(2, new), waits("2 of 3 available"));
        let all =
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3});
        assert_eq!(with(2, all), Health::Ready);
        let late = json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}]});
        assert_eq!(with(2, late), Health::Failed("late".into()));
    }

    #[test]
    fn a_job_is_healthy_when_it_is_complete() {
        let with = |kind: &str| json!({"status": {"conditions": [{"type": kind, "status": "True", "reason": "R", "message": "m"}]}});
        assert_eq!(of("Job", &with("Complete")), Health::Ready);
        assert_eq!(of("Job", &with("Failed")), Health::Failed("R: m".into()));
        assert_eq!(of("Job", &json!({"status": {"active": 1}})), waits("0 of 1 completed"));
        assert_eq!(of("Job", &json!({"spec": {"suspend": true}})), Health::Ready);
    }

    #[test]
    fn other_kinds_are_healthy_by_their_own_words() {
        for (kind, live, is) in [
            ("ConfigMap", json!({}), Health::Ready),
            ("ConfigMap", json!({"metadata": {"deletionTimestamp": "x"}}), waits("it is being deleted")),
            (
                "Pod",
                json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}),
                Health::Ready,
            ),
            ("Pod", json!({"status": {"phase": "Running"}}), waits("not ready")),
            (
                "Pod",
                json!({"status": {"phase": "Failed", "reason": "Evicted"}}),
                Health::Failed("Evicted".into()),
            ),
            ("Pod", json!({"status": {"phase": "Failed"}}), Health::Failed("it ended badly".into())),
            ("PersistentVolumeClaim", json!({"status": {"phase": "Pending"}}), waits("Pending")),
            ("PersistentVolumeClaim", json!({"status": {"phase": "Bound"}}), Health::Ready),
            ("Service", json!({"spec": {"type": "LoadBalancer"}}), waits("no address yet")),
            ("Service", json!({"spec": {"type": "ClusterIP"}}), Health::Ready),
            ("CustomResourceDefinition", json!({"status": {}}), waits("not established")),
            (
                "StatefulSet",
                json!({"spec": {"replicas": 2}, "status": {"observedGeneration": 1, "readyReplicas": 2, "updatedReplicas": 2, "currentRevision": "a", "updateRevision": "a"}}),
                Health::Ready,
            ),
            (
                "StatefulSet",
                json!({"spec": {"replicas": 2}, "status": {"observedGeneration": 1, "readyReplicas": 2, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"}}),
                waits("1 of 2 updated"),
            ),
            (
                "DaemonSet",
                json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}}),
                waits("1 of 2 available"),
            ),
        ] {
            assert_eq!(of(kind, &live), is, "{kind} {live}");
        }
    }
}
