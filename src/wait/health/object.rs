//! An object as somebody shows it: nothing in it is trusted to be of the type that it should be.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{Health, Status};

/// What the rules are asked about.
pub(super) struct Object<'o> {
    pub(super) live: &'o Json,
    pub(super) spec: &'o Json,
    pub(super) status: &'o Json,
    /// The time at which it is asked.
    pub(super) now: Timestamp,
}

/// One of `status.conditions`.
#[derive(Clone, Copy)]
pub(super) struct Condition<'o>(&'o Json);

impl<'o> Object<'o> {
    pub(super) fn new(live: &'o Json, now: Timestamp) -> Self {
        Self { live, spec: &live["spec"], status: &live["status"], now }
    }

    /// The value at a path such as `spec.suspend`.
    pub(super) fn at(&self, path: &str) -> &'o Json {
        path.split('.').fold(self.live, |value, key| &value[key])
    }

    pub(super) fn text(&self, path: &str) -> &'o str {
        self.at(path).as_str().unwrap_or_default()
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&'o str> {
        self.live["metadata"]["annotations"][name].as_str()
    }

    pub(super) fn condition(&self, kind: &str) -> Option<Condition<'o>> {
        condition(&self.status["conditions"], kind)
    }

    /// Whether the condition has the status `True`.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|found| found.status() == "True")
    }

    /// Whether the object is of a later generation than its status is about.
    pub(super) fn is_newer_than_status(&self) -> bool {
        matches!((self.generation(), number(&self.status["observedGeneration"])), (Some(is), Some(seen)) if is != seen)
    }

    /// Whether the object is of a later generation than the condition is about, as far as the status says. Some
    /// controllers write the number into a condition only when it changes, and for the whole status always.
    pub(super) fn is_newer_than(&self, condition: Condition<'_>) -> bool {
        number(&self.status["observedGeneration"]).is_none() && self.is_newer_than_this(condition)
    }

    /// The same, where a status has no other word than its conditions.
    pub(super) fn is_newer_than_this(&self, condition: Condition<'_>) -> bool {
        matches!((self.generation(), condition.generation()), (Some(is), Some(seen)) if is > seen)
    }

    fn generation(&self) -> Option<i64> {
        self.live["metadata"]["generation"].as_i64()
    }
}

impl<'o> Condition<'o> {
    pub(super) fn status(self) -> &'o str {
        self.field("status")
    }

    pub(super) fn reason(self) -> &'o str {
        self.field("reason")
    }

    /// What it says, in the controller's words.
    pub(super) fn words(self) -> String {
        let (reason, message) = (self.reason(), self.field("message"));
        let said = if message.trim().is_empty() { reason } else { message };
        if said.trim().is_empty() {
            format!("{} is {}", self.field("type"), self.status())
        } else {
            said.to_owned()
        }
    }

    /// What it means. That an object is well needs no words, unless its controller has some.
    pub(super) fn health(self, means: Status) -> Health {
        if means == Status::Healthy {
            return Health::new(means, self.field("message"));
        }
        Health::new(means, &self.words())
    }

    pub(super) fn field(self, key: &str) -> &'o str {
        self.0[key].as_str().unwrap_or_default()
    }

    /// When it last changed.
    pub(super) fn since(self) -> Option<Timestamp> {
        self.field("lastTransitionTime").parse().ok()
    }

    fn generation(self) -> Option<i64> {
        self.0["observedGeneration"].as_i64()
    }
}

pub(super) fn conditions(of: &Json) -> impl Iterator<Item = Condition<'_>> {
    items(of).map(Condition)
}

pub(super) fn condition<'o>(of: &'o Json, kind: &str) -> Option<Condition<'o>> {
    conditions(of).find(|found| found.0["type"] == kind)
}

pub(super) fn items(of: &Json) -> impl Iterator<Item = &Json> {
    of.as_array().into_iter().flatten()
}

/// A number, also one that is written as text, as Argo Rollouts writes its generations.
pub(super) fn number(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
