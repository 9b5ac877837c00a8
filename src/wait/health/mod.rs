//! Is an object healthy? Decided from the object alone, as the API server shows it, and the time.
//!
//! Built-in kinds are as kstatus has them, and where it has no rule as Argo CD decides. Custom resources are as their
//! own controllers mean what they write. `docs/health.md` tells where and why this differs from either.

mod builtin;
mod custom;
mod expression;
mod object;
mod projects;
mod table;
mod workloads;

use std::fmt;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{config::HealthRule, text};
use custom::Sign::{self, If};
pub use expression::Expressions;
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
/// is whole, and nothing that a push holds would mend it. For those of which somebody says how they are it is.
#[must_use]
pub fn is_waited_for(group: &str, kind: &str, rules: &[HealthRule]) -> bool {
    expression::rule(rules, group, kind).is_some()
        || matches!(
            (group, kind),
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
                | ("batch", "Job")
                | ("", "Pod" | "PersistentVolumeClaim" | "Service" | "Namespace" | "ReplicationController")
                | ("apiextensions.k8s.io", "CustomResourceDefinition")
        )
        || is_custom(group)
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

/// How `live` is at the time `now`, by what is known of its kind.
fn health(group: &str, kind: &str, live: &Json, now: Timestamp) -> Health {
    let object = Object::new(live, now);
    of_any_kind(group, kind, &object).unwrap_or_else(|| of_kind(group, kind, &object))
}

/// What decides before anything that is known of a kind.
fn of_any_kind(group: &str, kind: &str, object: &Object<'_>) -> Option<Health> {
    if let Some(leaving) = terminating(object) {
        return Some(leaving);
    }
    // Who was told to leave it alone has not seen its last change either.
    let pauses = custom::row(group, kind).map_or(&[][..], |row| row.pauses);
    if let Some(why) = pauses.iter().find_map(|pause| pause.stops(object)) {
        return Some(Health::new(Status::Suspended, &why));
    }
    if (group, kind) == ("apps", "Deployment") && object.spec["paused"] == true {
        return Some(Health::new(Status::Suspended, "`spec.paused` is true"));
    }
    object.is_newer_than_status().then(|| Health::new(Status::Progressing, NOT_SEEN))
}

/// What is known of a kind.
fn of_kind(group: &str, kind: &str, object: &Object<'_>) -> Health {
    if let Some(said) = stalled_or_reconciling(object) {
        return said;
    }
    if let Some(row) = custom::row(group, kind) {
        return custom::read(row.signs, object).unwrap_or_else(|| custom::unsaid(object));
    }
    if is_custom(group) { by_convention(object) } else { built_in(group, kind, object) }
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
    let ready = object
        .condition("Ready")
        .filter(|ready| ready.status() == "False" && !ready.field("message").trim().is_empty());
    Some(ready.unwrap_or(found).health(means))
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{manifest, source::Source, text};

    /// Objects as their projects show them.
    const EXAMPLES: [&str; 13] = [
        include_str!("../../../tests/promises/fixtures/health/argo.yaml"),
        include_str!("../../../tests/promises/fixtures/health/cert-manager.yaml"),
        include_str!("../../../tests/promises/fixtures/health/cluster-api.yaml"),
        include_str!("../../../tests/promises/fixtures/health/cnpg.yaml"),
        include_str!("../../../tests/promises/fixtures/health/crossplane.yaml"),
        include_str!("../../../tests/promises/fixtures/health/external-secrets.yaml"),
        include_str!("../../../tests/promises/fixtures/health/flux.yaml"),
        include_str!("../../../tests/promises/fixtures/health/gateway.yaml"),
        include_str!("../../../tests/promises/fixtures/health/knative.yaml"),
        include_str!("../../../tests/promises/fixtures/health/kubernetes.yaml"),
        include_str!("../../../tests/promises/fixtures/health/others.yaml"),
        include_str!("../../../tests/promises/fixtures/health/prometheus.yaml"),
        include_str!("../../../tests/promises/fixtures/health/strimzi.yaml"),
    ];

    fn at_noon(group: &str, kind: &str, live: &Json) -> Health {
        let noon = "2026-02-01T12:00:00Z".parse::<Timestamp>();
        health(group, kind, live, noon.expect("because it is a time"))
    }

    static ALL: LazyLock<Vec<Json>> = LazyLock::new(|| {
        let read = EXAMPLES.iter().enumerate().flat_map(|(at, text)| {
            let (trees, wrong) = manifest::parse(&Source::new(format!("{at}.yaml"), *text));
            assert!(wrong.is_empty(), "{wrong:?}");
            trees.into_iter().map(|tree| {
                let root = tree.root().expect("because no example is empty");
                manifest::json(&tree, root).expect("because no example is large")
            })
        });
        read.collect()
    });

    #[test]
    fn what_is_common_to_all_kinds_is_asked_first() {
        let conditions = |kind: &str| json!([{"type": kind, "status": "True", "message": "m"}]);
        for (live, status, reason) in [
            (json!({"metadata": {"deletionTimestamp": "x"}}), Status::Terminating, "it is being deleted"),
            (
                json!({"metadata": {"deletionTimestamp": "x", "finalizers": ["a/b"]}}),
                Status::Terminating,
                "it is being deleted, and waits for a/b",
            ),
            (
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}),
                Status::Progressing,
                NOT_SEEN,
            ),
            (json!({"status": {"conditions": conditions("Reconciling")}}), Status::Progressing, "m"),
            (json!({"status": {"conditions": conditions("Stalled")}}), Status::Failed, "m"),
            (json!({}), Status::Healthy, ""),
        ] {
            // A Deployment would otherwise say something of its own, a ConfigMap has nothing to say.
            let is = at_noon("", "ConfigMap", &live);
            assert_eq!((is.status, is.reason.as_str()), (status, reason), "{live}");
        }
    }

    #[test]
    fn what_somebody_has_stopped_is_ready_and_what_a_controller_tries_again_is_not_final() {
        let ready = |status| Health::new(status, "").is_ready();
        let is_final = |status| Health::new(status, "").is_final();
        assert!(ready(Status::Healthy) && ready(Status::Suspended) && ready(Status::Unknown));
        assert!(!ready(Status::Progressing) && !ready(Status::Failing) && !ready(Status::Failed));
        assert!(!ready(Status::Terminating));
        assert!(is_final(Status::Failed) && !is_final(Status::Failing) && !is_final(Status::Terminating));
    }

    #[test]
    fn an_address_and_measurements_are_not_waited_for_and_custom_resources_are() {
        for (group, kind, is) in [
            ("apps", "Deployment", true),
            ("networking.k8s.io", "Ingress", false),
            ("autoscaling", "HorizontalPodAutoscaler", false),
            ("apiregistration.k8s.io", "APIService", false),
            ("batch", "CronJob", false),
            ("", "ConfigMap", false),
            ("cert-manager.io", "Certificate", true),
            ("gateway.networking.k8s.io", "Gateway", true),
        ] {
            assert_eq!(is_waited_for(group, kind, &[]), is, "{group} {kind}");
            let rule = HealthRule {
                group: group.to_owned(),
                kind: kind.to_owned(),
                healthy: "true".to_owned(),
                failed: None,
                reason: None,
            };
            assert!(is_waited_for(group, kind, &[rule]), "{group} {kind}");
        }
    }

    #[test]
    fn silence_is_a_status_that_no_controller_wrote() {
        for (live, is) in [
            (json!({}), true),
            (json!({"status": {}}), true),
            (json!({"status": {"parents": []}}), true),
            (json!({"status": {"conditions": [{"lastTransitionTime": "1970-01-01T00:00:00Z"}]}}), true),
            (json!({"status": {"conditions": [{"lastTransitionTime": "2026-01-01T00:00:00Z"}]}}), false),
            (json!({"status": {"observedGeneration": 1}}), false),
            (json!({"status": "odd"}), false),
        ] {
            assert_eq!(is_silent(&live), is, "{live}");
        }
    }

    #[test]
    fn a_reason_is_one_line_of_bounded_length() {
        let reason = |text: &str| Health::new(Status::Failed, text).reason;
        assert_eq!(reason("a\n  b\tc\u{2028}d\n"), "a b c d");
        assert_eq!(reason("\u{1b}[2J\u{202e}"), "\\u{1b}[2J\\u{202e}");
        assert_eq!(reason(&"x".repeat(9000)).chars().count(), REASON);
        assert_eq!(reason(&"\u{202e} ".repeat(9000)).chars().count(), REASON);
    }

    fn crooked() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            Just(json!(i64::MIN)),
            Just(json!(i64::MAX)),
            Just(json!("True")),
            Just(json!("False")),
            any::<String>().prop_map(Json::from),
        ];
        let key = prop_oneof![Just("type"), Just("status"), Just("conditions"), Just("reason"), Just("name")];
        leaf.prop_recursive(3, 12, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::vec((key.clone(), inner), 0..4).prop_map(|fields| fields
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()),
            ]
        })
    }

    /// Puts `odd` in the place of the value that is reached after `left` steps.
    fn put(value: &mut Json, left: &mut usize, odd: &Json) {
        if *left == 0 {
            *left = usize::MAX;
            *value = odd.clone();
            return;
        }
        *left -= 1;
        match value {
            Json::Array(items) => items.iter_mut().for_each(|item| put(item, left, odd)),
            Json::Object(fields) => fields.iter_mut().for_each(|(_, field)| put(field, left, odd)),
            _ => {}
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_object_however_crooked_makes_it_fail_or_print_what_a_terminal_obeys(
            at in any::<prop::sample::Index>(), places in proptest::collection::vec((0usize..60, crooked()), 1..4),
        ) {
            let mut live = ALL[at.index(ALL.len())].clone();
            let api_version = live["apiVersion"].as_str().unwrap_or_default().to_owned();
            let kind = live["kind"].as_str().unwrap_or_default().to_owned();
            for (place, odd) in places {
                put(&mut live, &mut place.clone(), &odd);
            }
            let is = at_noon(api_version.split_once('/').map_or("", |(group, _)| group), &kind, &live);
            prop_assert!(text::is_clean(&is.reason), "{:?}", is.reason);
            prop_assert!(is.reason.chars().count() <= REASON);
        }
    }
}
