//! Why pods are not ready: one cause, shown once, however many pods have it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::text::count;

/// What keeps some pods from being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// In words, without the pod's name.
    pub words: String,
    /// How many pods have it.
    pub pods: usize,
    /// The first of them.
    pub pod: String,
    /// The container whose last lines may tell more, and whether it is those of the run before.
    pub log: Option<(String, bool)>,
}

impl Cause {
    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        match self.pods {
            1 => format!("pod {}: {}", self.pod, self.words),
            n => format!("{}, {} first: {}", count(n, "pod"), self.pod, self.words),
        }
    }
}

/// What keeps `pods` from being ready, the most frequent first.
#[must_use]
pub fn causes(pods: &[Json]) -> Vec<Cause> {
    let mut found: BTreeMap<String, Cause> = BTreeMap::new();
    for pod in pods {
        let Some((words, log)) = of_pod(pod) else { continue };
        let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        found.entry(words.clone()).and_modify(|cause| cause.pods += 1).or_insert(Cause {
            words,
            pods: 1,
            pod: name,
            log,
        });
    }
    let mut causes: Vec<Cause> = found.into_values().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.pods));
    causes
}

type Log = Option<(String, bool)>;

/// What keeps one pod from being ready; `None` where nothing does.
pub(super) fn of_pod(pod: &Json) -> Option<(String, Log)> {
    let status = &pod["status"];
    if status["phase"] == "Succeeded" {
        return None;
    }
    let statuses = |key: &str| status[key].as_array().cloned().unwrap_or_default();
    for (word, all) in
        [("init container", statuses("initContainerStatuses")), ("container", statuses("containerStatuses"))]
    {
        for container in all {
            if let Some(found) = of_container(word, &container, pod) {
                return Some(found);
            }
        }
    }
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let unscheduled = conditions.iter().find(|c| c["type"] == "PodScheduled" && c["status"] == "False");
    if let Some(condition) = unscheduled {
        let message = condition["message"].as_str().unwrap_or("no node takes it");
        return Some((format!("not scheduled: {message}"), None));
    }
    if status["phase"] == "Failed" {
        let words = [&status["reason"], &status["message"]].map(|w| w.as_str().unwrap_or_default());
        return Some((format!("failed: {}", words.join(" ").trim()), None));
    }
    let ready = conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True");
    if ready {
        return None;
    }
    let gates = conditions.iter().find(|c| c["type"] == "Ready" && c["reason"] == "ReadinessGatesNotReady");
    if let Some(gates) = gates {
        return Some((format!("not ready: {}", gates["message"].as_str().unwrap_or_default()), None));
    }
    Some(("not ready yet".to_owned(), None))
}

fn of_container(word: &str, container: &Json, pod: &Json) -> Option<(String, Log)> {
    let name = container["name"].as_str().unwrap_or_default();
    let (state, last) = (&container["state"], &container["lastState"]["terminated"]);
    let waiting = &state["waiting"];
    let text = |of: &Json, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let restarts = container["restartCount"].as_u64().unwrap_or(0);
    if !waiting.is_null() {
        let (reason, message) = (text(waiting, "reason"), text(waiting, "message"));
        // Those are steps on the way, not troubles.
        if matches!(reason.as_str(), "ContainerCreating" | "PodInitializing" | "") {
            return None;
        }
        if last.is_null() {
            let pod = text(&pod["metadata"], "name");
            let message = if pod.is_empty() { message } else { message.replace(&pod, "POD") };
            return Some((join(&format!("{word} {name}: {reason}"), &message), None));
        }
        let ended = ended(last);
        return Some((format!("{word} {name}: {reason}, after it {ended}"), Some((name.to_owned(), true))));
    }
    let terminated = &state["terminated"];
    if !terminated.is_null() && terminated["exitCode"] != 0 {
        return Some((format!("{word} {name}: it {}", ended(terminated)), Some((name.to_owned(), false))));
    }
    if container["ready"] == false && !state["running"].is_null() {
        if !last.is_null() && restarts > 0 {
            let ended = ended(last);
            return Some((
                format!("{word} {name}: started again, after it {ended}"),
                Some((name.to_owned(), true)),
            ));
        }
        if word == "container" {
            return Some((
                format!("{word} {name}: runs, but is not ready (its readiness probe does not pass)"),
                Some((name.to_owned(), false)),
            ));
        }
    }
    None
}

/// `ended with exit code 3 (Error)`.
fn ended(terminated: &Json) -> String {
    let reason = terminated["reason"].as_str().filter(|r| !r.is_empty());
    let message = terminated["message"].as_str().unwrap_or_default();
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let how = match (terminated["signal"].as_u64(), terminated["exitCode"].as_i64()) {
        (Some(signal), _) if signal > 0 => format!("was killed by signal {signal}"),
        (_, code) => format!("ended with exit code {}", code.unwrap_or(-1)),
    };
    join(&format!("{how}{reason}"), message)
}

fn join(words: &str, message: &str) -> String {
    let message = message.trim();
    if message.is_empty() { words.to_owned() } else { format!("{words}: {message}") }
}

/// When an event was last seen.
#[must_use]
pub fn at(event: &Json) -> &str {
    let times = [&event["lastTimestamp"], &event["eventTime"], &event["metadata"]["creationTimestamp"]];
    times.into_iter().filter_map(Json::as_str).find(|time| !time.is_empty()).unwrap_or_default()
}

/// Warning events as lines, the newest first, one reason once.
#[must_use]
pub fn warnings(events: &[Json]) -> Vec<String> {
    let mut warnings: Vec<&Json> = events.iter().filter(|event| event["type"] == "Warning").collect();
    warnings.sort_by_key(|event| std::cmp::Reverse(at(event)));
    let mut reasons = Vec::new();
    let mut lines = Vec::new();
    for event in warnings {
        let reason = event["reason"].as_str().unwrap_or_default();
        if !reasons.contains(&reason) {
            reasons.push(reason);
            let message = event["message"].as_str().unwrap_or_default().trim();
            let message = message.strip_prefix("(combined from similar events): ").unwrap_or(message);
            lines.push(format!("{reason}: {message}"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn pod(name: &str, container: Json) -> Json {
        let mut container = container;
        container["name"] = json!("web");
        json!({"metadata": {"name": name}, "status": {"phase": "Pending", "containerStatuses": [container]}})
    }

    #[test]
    fn one_cause_is_told_once_however_many_pods_have_it() {
        let pull = |name: &str| {
            pod(
                name,
                json!({"state": {"waiting": {"reason": "ImagePullBackOff", "message": format!("Back-off pulling image \"x\" for {name}")}}}),
            )
        };
        let crash = pod(
            "c",
            json!({
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
            }),
        );
        let found = causes(&[pull("web-1"), crash, pull("web-2")]);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0].line(),
            "2 pods, web-1 first: container web: ImagePullBackOff: Back-off pulling image \"x\" for POD"
        );
        assert_eq!(
            found[1].line(),
            "pod c: container web: CrashLoopBackOff, after it ended with exit code 3 (Error)"
        );
        assert_eq!(found[1].log, Some(("web".to_owned(), true)));
    }

    #[test]
    fn a_pod_that_no_node_takes_says_why() {
        let pod = json!({"metadata": {"name": "a"}, "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."},
        ]}});
        assert_eq!(causes(&[pod])[0].words, "not scheduled: 0/1 nodes are available: 1 Insufficient cpu.");
    }

    #[test]
    fn a_pod_that_is_well_has_no_cause() {
        let pod = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"name": "a", "ready": true, "state": {"running": {}}}]}});
        assert!(causes(&[pod]).is_empty());
    }

    #[test]
    fn the_newest_warning_of_each_reason_is_told() {
        let event = |kind: &str, reason: &str, at: &str| json!({"type": kind, "reason": reason, "message": at, "lastTimestamp": at});
        let lines = warnings(&[
            event("Warning", "A", "1"),
            event("Normal", "N", "5"),
            event("Warning", "A", "2"),
            event("Warning", "B", "3"),
        ]);
        assert_eq!(lines, ["B: 3", "A: 2"]);
    }
}
