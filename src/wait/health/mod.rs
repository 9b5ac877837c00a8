//! Is an object healthy? Decided from the object alone, as the API server shows it, and the time.
//!
//! Built-in kinds are as kstatus has them, and where it has no rule as Argo CD decides. Custom resources are as their
//! own controllers mean what they write. `docs/health.md` tells where and why this differs from either.

mod builtin;
mod custom;
mod object;
mod projects;
mod table;
mod workloads;

use std::fmt;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::text;
use custom::Sign::{self, If};
use object::Object;

/// Characters of a reason.
const REASON: usize = 300;

const NOT_SEEN: &str = "its controller has not seen the change yet";

/// How an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// In a word.
    pub status: Status,
    /// Why, on one line that a terminal can show; empty where there is nothing to say.
    pub reason: String,
}

/// The words for how an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is as it is wanted.
    Healthy,
    /// Not yet.
    Progressing,
    /// Its controller could not make it so, and tries again.
    Failing,
    /// It will not become so by waiting.
    Failed,
    /// Somebody has stopped it.
    Suspended,
    /// It is being deleted.
    Terminating,
    /// Nothing says how it is.
    Unknown,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Progressing => "progressing",
            Self::Failing | Self::Failed => "failed",
            Self::Suspended => "suspended",
            Self::Terminating => "terminating",
            Self::Unknown => "unknown",
        })
    }
}

impl Health {
    /// What a controller says may be anything, of any length.
    #[must_use]
    pub fn new(status: Status, reason: &str) -> Self {
        let mut line = String::new();
        for word in reason.split_whitespace() {
            if line.len() > REASON * 4 {
                break;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.extend(word.chars().take(REASON + 1));
        }
        Self { status, reason: text::excerpt(&line, REASON) }
    }

    /// Whether a deployment need not wait for it: also what somebody has stopped, and what nothing is known about,
    /// are as well as waiting makes them.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.status, Status::Healthy | Status::Suspended | Status::Unknown)
    }

    /// Whether waiting does not help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.status == Status::Failed
    }
}

/// Whether a deployment waits for objects of a kind. Not for those whose health is somebody else's work and often
/// nobody's, as the address of an Ingress or the measurements of an autoscaler: a cluster that has nobody who does it
/// is whole, and nothing that a push holds would mend it.
#[must_use]
pub fn is_waited_for(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job")
            | ("", "Pod" | "PersistentVolumeClaim" | "Service" | "Namespace" | "ReplicationController")
            | ("apiextensions.k8s.io", "CustomResourceDefinition")
    ) || is_custom(group)
}

/// Whether objects of the group are what some controller makes of them, which may not be there.
#[must_use]
pub fn is_custom(group: &str) -> bool {
    !builtin::has(group)
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

/// Whether no controller has said anything about an object: its status is not there, or only what its definition
/// fills in (the Gateway API dates that to 1970).
#[must_use]
pub fn is_silent(live: &Json) -> bool {
    let Some(status) = live["status"].as_object() else { return live["status"].is_null() };
    status.iter().all(|(key, value)| match value {
        Json::Array(items) if key == "conditions" => items
            .iter()
            .all(|one| one["lastTransitionTime"].as_str().is_some_and(|time| time.starts_with("1970-"))),
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        _ => value.is_null(),
    })
}

/// How `live` is at the time `now`.
#[must_use]
pub fn health(group: &str, kind: &str, live: &Json, now: Timestamp) -> Health {
    let object = Object::new(live, now);
    if let Some(leaving) = terminating(&object) {
        return leaving;
    }
    let row = custom::row(group, kind);
    // Who was told to leave it alone has not seen its last change either.
    let pauses = row.map_or(&[][..], |row| row.pauses);
    if let Some(why) = pauses.iter().find_map(|pause| pause.stops(&object)) {
        return Health::new(Status::Suspended, &why);
    }
    if (group, kind) == ("apps", "Deployment") && object.spec["paused"] == true {
        return Health::new(Status::Suspended, "`spec.paused` is true");
    }
    if object.is_newer_than_status() {
        return Health::new(Status::Progressing, NOT_SEEN);
    }
    if let Some(said) = stalled_or_reconciling(&object) {
        return said;
    }
    if let Some(row) = row {
        let silence = || Health::new(Status::Progressing, "its controller has not said how it is");
        return custom::read(row.signs, &object).unwrap_or_else(silence);
    }
    if is_custom(group) { by_convention(&object) } else { built_in(group, kind, &object) }
}

fn terminating(object: &Object<'_>) -> Option<Health> {
    let metadata = &object.live["metadata"];
    if metadata["deletionTimestamp"].is_null() {
        return None;
    }
    let holders: Vec<&str> =
        object::items(&metadata["finalizers"]).take(5).filter_map(Json::as_str).collect();
    let words = if holders.is_empty() {
        "it is being deleted".to_owned()
    } else {
        format!("it is being deleted, and waits for {}", holders.join(", "))
    };
    Some(Health::new(Status::Terminating, &words))
}

/// The conditions of kstatus, which any controller may set.
fn stalled_or_reconciling(object: &Object<'_>) -> Option<Health> {
    let holds = |kind: &str| object.condition(kind).filter(|found| found.status() == "True");
    let said = [("Reconciling", Status::Progressing), ("Stalled", Status::Failed)];
    let (found, means) = said.into_iter().find_map(|(kind, means)| Some((holds(kind)?, means)))?;
    if object.is_newer_than(found) {
        return Some(Health::new(Status::Progressing, NOT_SEEN));
    }
    // Why the last try did not succeed tells more than that there is another.
    let ready = object.condition("Ready").filter(|ready| ready.status() == "False");
    Some(Health::new(means, &ready.unwrap_or(found).words()))
}

fn built_in(group: &str, kind: &str, object: &Object<'_>) -> Health {
    match (group, kind) {
        ("apps" | "extensions", "Deployment") => workloads::deployment(object),
        ("apps" | "extensions", "ReplicaSet") | ("", "ReplicationController") => {
            workloads::replica_set(object)
        }
        ("apps", "StatefulSet") => workloads::stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => workloads::daemon_set(object),
        ("batch", "Job") => workloads::job(object),
        ("batch", "CronJob") => workloads::cron_job(object),
        ("", "Pod") => workloads::pod(object),
        ("", "PersistentVolumeClaim") => builtin::claim(object),
        ("", "PersistentVolume") => builtin::volume(object),
        ("", "Namespace") => builtin::namespace(object),
        ("", "Node") => builtin::node(object),
        ("", "Service") => builtin::service(object),
        ("networking.k8s.io" | "extensions", "Ingress") => builtin::ingress(object),
        ("autoscaling", "HorizontalPodAutoscaler") => builtin::autoscaler(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => builtin::definition(object),
        ("apiregistration.k8s.io", "APIService") => builtin::api_service(object),
        ("certificates.k8s.io", "CertificateSigningRequest") => builtin::signing_request(object),
        // Its controller has seen it, or it has none.
        _ => Health::new(Status::Healthy, ""),
    }
}

/// What the conditions that many controllers share mean.
const CONVENTION: &[Sign] = &[
    If("Synced", "False", Status::Failing),
    If("Ready", "True", Status::Healthy),
    If("Ready", "*", Status::Progressing),
    If("Available", "True", Status::Healthy),
    If("Available", "*", Status::Progressing),
    If("Failed", "True", Status::Failed),
    If("Succeeded", "True", Status::Healthy),
    If("Succeeded", "False", Status::Failed),
    If("Succeeded", "*", Status::Progressing),
    If("Complete", "True", Status::Healthy),
    If("Completed", "True", Status::Healthy),
    If("Healthy", "True", Status::Healthy),
    If("Healthy", "*", Status::Progressing),
    If("Synced", "True", Status::Healthy),
    If("Accepted", "True", Status::Healthy),
    If("Accepted", "False", Status::Failing),
    If("Accepted", "*", Status::Progressing),
];

/// A custom resource that no row is about.
fn by_convention(object: &Object<'_>) -> Health {
    if let Some(said) = custom::read(CONVENTION, object) {
        return said;
    }
    if is_silent(object.live) {
        return Health::new(Status::Unknown, "it has no status");
    }
    // Its controller has seen what is wanted, and complains of nothing.
    if object::number(&object.status["observedGeneration"]).is_some() {
        return Health::new(Status::Healthy, "");
    }
    Health::new(Status::Unknown, "its status has no condition that tells how it is")
}
