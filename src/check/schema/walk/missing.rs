//! Required fields that are not there.

use std::{borrow::Cow, collections::HashMap};

use super::{Level, Object, Walker};
use crate::{
    finding::{Code, Finding},
    manifest::{NodeId, Resolved},
    text,
};

/// A mapping with more keys is none that somebody wrote.
const MANY: usize = 200;

impl Walker<'_> {
    /// One finding for all that is missing in a mapping.
    pub(super) fn missing(&mut self, level: &Level<'_>, object: &Object, entries: &[(NodeId, NodeId)]) {
        let mut missing: Vec<&str> = Vec::new();
        let written = |(key, value): &(NodeId, NodeId)| {
            let is_null = self.manifest.tree.resolve(*value) == Resolved::Null;
            (self.key(*key), is_null)
        };
        // Looked for one by one they would be too many.
        let many: Option<HashMap<Cow<'_, str>, bool>> =
            (entries.len() > MANY).then(|| entries.iter().map(written).collect());
        let find = |name: &str| match &many {
            Some(many) => many.get(name).copied(),
            None => entries.iter().map(written).find(|(key, _)| key == name).map(|(_, is_null)| is_null),
        };
        for field in object.fields.iter().filter(|field| field.required) {
            let schema = level.at.other(field.schema).schema();
            let is_there = find(&field.name).is_some_and(|is_null| schema.nullable || !is_null);
            let filled = !self.built_in && schema.default.is_some();
            let optional = self.built_in && may_be_left_out(level.at.schema().name.as_deref(), &field.name);
            if !is_there && !filled && !optional && !self.moved.has(level.spot.node(), &field.name) {
                missing.push(&field.name);
            }
        }
        if missing.is_empty() {
            return;
        }
        // What has been said here is not said by a rule as well.
        for name in &missing {
            self.moved.belongs(level.spot.node(), name);
        }
        let spot = level.spot;
        let key = entries.iter().map(|(key, _)| *key).find(|key| missing.contains(&&*self.key(*key)));
        // A key without a value is where the value has to go.
        if let ([one], Some(key)) = (missing.as_slice(), key) {
            let message = format!("`{}` is empty, and needs a value", spot.path_of(one));
            let place = self.manifest.source.place(self.manifest.tree.span(key));
            let help = Self::what_to_add(level, object, &missing);
            self.say(Finding::error(Code::RequiredMissing, message).at(place).help(help));
            return;
        }
        let fields: Vec<String> = missing.iter().map(|name| format!("no `{name}`")).collect();
        let fields = fields.join(" and ");
        let message = match spot.path().as_str() {
            "" => format!("{} has {fields}", self.manifest.key.kind),
            path => format!("`{path}` has {fields}"),
        };
        let help = Self::what_to_add(level, object, &missing);
        self.say(Finding::error(Code::RequiredMissing, message).at(spot.head_place()).help(help));
    }

    /// `add `name:` and `image:` to it`, with what they may hold where that is short.
    fn what_to_add(level: &Level<'_>, object: &Object, missing: &[&str]) -> String {
        let keys: Vec<String> = missing.iter().map(|name| format!("{name}:")).collect();
        let mut help = format!("add {}", text::listed(&keys.iter().map(String::as_str).collect::<Vec<_>>()));
        if let [one] = missing
            && let Some(field) = object.field(one)
        {
            let schema = level.at.other(field.schema).schema();
            help.push_str(", ");
            help.push_str(super::types::needed(schema));
            if let Some(values) = super::limits::few_values(schema) {
                help.push_str(": ");
                help.push_str(&values);
            }
        }
        help
    }
}

/// What Kubernetes' own schemas say is required, and its servers take as zero or empty.
fn may_be_left_out(name: Option<&str>, field: &str) -> bool {
    let of = name.and_then(|name| name.rsplit('.').next()).unwrap_or_default();
    matches!(
        (of, field),
        ("ControllerRevision", "revision")
            | ("CustomResourceDefinitionVersion", "served" | "storage")
            | (
                "DeviceClass" | "ResourceClaim" | "ResourceClaimTemplate" | "ResourceClaimTemplateSpec",
                "spec"
            )
            | ("HTTPHeader" | "PriorityClass" | "Sysctl", "value")
            | ("ISCSIVolumeSource" | "ISCSIPersistentVolumeSource", "lun")
            | ("LimitRangeSpec", "limits")
            | ("PreferredSchedulingTerm", "preference")
            | ("ResourcePool", "generation")
            | ("ScaleIOVolumeSource" | "ScaleIOPersistentVolumeSource", "secretRef")
            | ("SleepAction", "seconds")
    )
}
