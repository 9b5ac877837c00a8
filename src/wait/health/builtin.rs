//! Kinds of Kubernetes itself that run nothing.

use serde_json::Value as Json;

use super::{
    Health,
    Status::{Failed, Failing, Healthy, Progressing, Terminating},
    object::{Condition, Object, conditions, items},
};

/// The API groups that an API server has without anybody's doing.
const GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Whether Kubernetes itself has the group.
pub(super) fn has(group: &str) -> bool {
    GROUPS.binary_search(&group).is_ok()
}

pub(super) fn service(object: &Object<'_>) -> Health {
    // Whether a load balancer comes is up to what the cluster stands on, and nothing that a push can mend.
    if object.spec["type"] == "LoadBalancer" && object.text("spec.clusterIP").is_empty() {
        return Health::new(Progressing, "no address yet");
    }
    Health::new(Healthy, "")
}

pub(super) fn claim(object: &Object<'_>) -> Health {
    match object.text("status.phase") {
        "Bound" => Health::new(Healthy, "Bound"),
        "Lost" => Health::new(Failed, "the volume that it was bound to is gone"),
        "" => Health::new(Progressing, "not seen yet"),
        phase => Health::new(Progressing, phase),
    }
}

pub(super) fn volume(object: &Object<'_>) -> Health {
    match object.text("status.phase") {
        "Failed" => {
            let message = object.text("status.message");
            Health::new(Failed, if message.is_empty() { "it could not be taken back" } else { message })
        }
        "Pending" => Health::new(Progressing, "Pending"),
        phase => Health::new(Healthy, phase),
    }
}

pub(super) fn namespace(object: &Object<'_>) -> Health {
    match object.text("status.phase") {
        "Active" | "" => Health::new(Healthy, ""),
        "Terminating" => Health::new(Terminating, "it is being deleted"),
        phase => Health::new(Progressing, phase),
    }
}

pub(super) fn definition(object: &Object<'_>) -> Health {
    for found in conditions(&object.status["conditions"]) {
        match (found.field("type"), found.status()) {
            ("NamesAccepted", "False") => return Health::new(Failed, &found.words()),
            ("Established", "False") if found.reason() != "Installing" => {
                return Health::new(Failed, &found.words());
            }
            ("Established", "True") => return Health::new(Healthy, ""),
            _ => {}
        }
    }
    Health::new(Progressing, "not established")
}

pub(super) fn ingress(object: &Object<'_>) -> Health {
    if items(&object.status["loadBalancer"]["ingress"]).next().is_some() {
        Health::new(Healthy, "")
    } else {
        Health::new(Progressing, "no address yet")
    }
}

/// The conditions of the first version stand in an annotation.
pub(super) fn autoscaler(object: &Object<'_>) -> Health {
    let note = object.annotation("autoscaling.alpha.kubernetes.io/conditions");
    let noted = note.and_then(|text| serde_json::from_str::<Json>(text).ok()).unwrap_or(Json::Null);
    let mut all = conditions(&object.status["conditions"]).chain(conditions(&noted));
    let decided = all.find_map(scaling);
    decided.unwrap_or_else(|| Health::new(Progressing, "it does not scale yet"))
}

/// What one condition of an autoscaler means, if it decides.
fn scaling(found: Condition<'_>) -> Option<Health> {
    let status = match (found.field("type"), found.reason()) {
        ("AbleToScale", "FailedGetScale" | "FailedUpdateScale") => Failing,
        ("ScalingActive", reason) if reason.starts_with("FailedGet") || reason.starts_with("Invalid") => {
            Failing
        }
        ("AbleToScale", "SucceededRescale")
        | ("ScalingActive", "ScalingDisabled")
        | ("ScalingLimited", "DesiredWithinRange" | "TooFewReplicas" | "TooManyReplicas") => Healthy,
        _ => return None,
    };
    Some(Health::new(status, &found.words()))
}

pub(super) fn api_service(object: &Object<'_>) -> Health {
    match object.condition("Available") {
        Some(found) if found.status() == "True" => Health::new(Healthy, &found.words()),
        Some(found) => Health::new(Progressing, &found.words()),
        None => Health::new(Progressing, "nobody has looked whether it answers yet"),
    }
}

pub(super) fn signing_request(object: &Object<'_>) -> Health {
    for kind in ["Denied", "Failed"] {
        if let Some(found) = object.condition(kind).filter(|it| it.status() != "False") {
            return Health::new(Failed, &found.words());
        }
    }
    if object.text("status.certificate").is_empty() {
        Health::new(Progressing, if object.is("Approved") { "not signed yet" } else { "not approved yet" })
    } else {
        Health::new(Healthy, "")
    }
}

pub(super) fn node(object: &Object<'_>) -> Health {
    match object.condition("Ready") {
        Some(found) if found.status() == "True" => Health::new(Healthy, ""),
        Some(found) => Health::new(Progressing, &found.words()),
        None => Health::new(Progressing, "it has not reported yet"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::{
        super::{Status, health},
        GROUPS,
    };

    #[test]
    fn groups_are_sorted_so_that_they_are_found() {
        assert!(GROUPS.is_sorted());
    }

    #[test]
    fn other_kinds_are_healthy_by_their_own_words() {
        let condition = |kind: &str, status: &str, reason: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "reason": reason}]}});
        let phase = |phase: &str| json!({"status": {"phase": phase}});
        for (group, kind, live, status, reason) in [
            ("", "ConfigMap", json!({}), Status::Healthy, ""),
            ("rbac.authorization.k8s.io", "Role", json!({"rules": []}), Status::Healthy, ""),
            (
                "policy",
                "PodDisruptionBudget",
                json!({"status": {"disruptionsAllowed": 0}}),
                Status::Healthy,
                "",
            ),
            ("", "PersistentVolumeClaim", phase("Pending"), Status::Progressing, "Pending"),
            ("", "PersistentVolumeClaim", json!({}), Status::Progressing, "not seen yet"),
            ("", "PersistentVolumeClaim", phase("Bound"), Status::Healthy, "Bound"),
            (
                "",
                "PersistentVolumeClaim",
                phase("Lost"),
                Status::Failed,
                "the volume that it was bound to is gone",
            ),
            ("", "PersistentVolume", phase("Available"), Status::Healthy, "Available"),
            ("", "PersistentVolume", phase("Failed"), Status::Failed, "it could not be taken back"),
            ("", "Namespace", phase("Active"), Status::Healthy, ""),
            ("", "Namespace", phase("Terminating"), Status::Terminating, "it is being deleted"),
            (
                "",
                "Node",
                condition("Ready", "Unknown", "NodeStatusUnknown"),
                Status::Progressing,
                "NodeStatusUnknown",
            ),
            ("", "Service", json!({"spec": {"type": "LoadBalancer"}}), Status::Progressing, "no address yet"),
            (
                "",
                "Service",
                json!({"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1"}}),
                Status::Healthy,
                "",
            ),
            ("", "Service", json!({"spec": {"type": "ClusterIP"}}), Status::Healthy, ""),
            (
                "apiextensions.k8s.io",
                "CustomResourceDefinition",
                json!({}),
                Status::Progressing,
                "not established",
            ),
            (
                "apiextensions.k8s.io",
                "CustomResourceDefinition",
                condition("Established", "False", "Installing"),
                Status::Progressing,
                "not established",
            ),
            (
                "apiextensions.k8s.io",
                "CustomResourceDefinition",
                condition("NamesAccepted", "False", "KindConflict"),
                Status::Failed,
                "KindConflict",
            ),
            (
                "apiextensions.k8s.io",
                "CustomResourceDefinition",
                condition("Established", "True", ""),
                Status::Healthy,
                "",
            ),
            ("networking.k8s.io", "Ingress", json!({}), Status::Progressing, "no address yet"),
            (
                "networking.k8s.io",
                "Ingress",
                json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}),
                Status::Healthy,
                "",
            ),
            (
                "autoscaling",
                "HorizontalPodAutoscaler",
                condition("AbleToScale", "False", "FailedGetScale"),
                Status::Failing,
                "FailedGetScale",
            ),
            (
                "autoscaling",
                "HorizontalPodAutoscaler",
                condition("ScalingActive", "False", "ScalingDisabled"),
                Status::Healthy,
                "ScalingDisabled",
            ),
            (
                "autoscaling",
                "HorizontalPodAutoscaler",
                json!({}),
                Status::Progressing,
                "it does not scale yet",
            ),
            (
                "apiregistration.k8s.io",
                "APIService",
                condition("Available", "True", "Local"),
                Status::Healthy,
                "Local",
            ),
            (
                "certificates.k8s.io",
                "CertificateSigningRequest",
                condition("Denied", "True", "No"),
                Status::Failed,
                "No",
            ),
        ] {
            let is = health(group, kind, &live, Timestamp::UNIX_EPOCH);
            assert_eq!((is.status, is.reason.as_str()), (status, reason), "{kind} {live}");
        }
    }
}
