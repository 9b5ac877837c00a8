//! Labels, and what selects by them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::read::Field;
use crate::{source::Span, text};

/// Labels, sorted by their keys, each key once.
pub type Labels = Box<[(Box<str>, Box<str>)]>;

/// What selects by labels: everything in it has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Selector(pub Box<[Requirement]>);

/// One thing that a selector asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requirement {
    /// The label.
    pub key: Box<str>,
    /// How it has to be.
    pub is: Is,
}

/// How a label has to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Is {
    /// There, with this value.
    Equal(Box<str>),
    /// There, with one of these values.
    In(Box<[Box<str>]>),
    /// Not there, or with another value.
    NotIn(Box<[Box<str>]>),
    /// There.
    There,
    /// Not there.
    Absent,
}

impl Selector {
    /// Whether it selects what carries `labels`.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|one| one.holds(labels))
    }
}

impl Requirement {
    /// Whether it holds of what carries `labels`.
    #[must_use]
    pub fn holds(&self, labels: &Labels) -> bool {
        let value = value(labels, &self.key);
        match &self.is {
            Is::Equal(wanted) => value == Some(wanted),
            Is::In(wanted) => value.is_some_and(|value| wanted.iter().any(|one| **one == *value)),
            Is::NotIn(others) => value.is_none_or(|value| others.iter().all(|one| **one != *value)),
            Is::There => value.is_some(),
            Is::Absent => value.is_none(),
        }
    }

    /// As a person would write it: `app: web`, `tier in (a, b)`.
    #[must_use]
    pub fn shown(&self) -> String {
        let key = text::excerpt(&self.key, 80);
        let list = |values: &[Box<str>]| {
            let values: Vec<String> = values.iter().take(4).map(|v| text::excerpt(v, 63)).collect();
            values.join(", ")
        };
        match &self.is {
            Is::Equal(value) => label(&self.key, value),
            Is::In(values) => format!("{key} in ({})", list(values)),
            Is::NotIn(values) => format!("{key} not in ({})", list(values)),
            Is::There => format!("{key} exists"),
            Is::Absent => format!("{key} does not exist"),
        }
    }
}

/// A label as it is written.
#[must_use]
pub fn label(key: &str, value: &str) -> String {
    let value = match text::excerpt(value, 63) {
        value if value.is_empty() => "\"\"".to_owned(),
        value => value,
    };
    format!("{}: {value}", text::excerpt(key, 80))
}

/// The value of one label.
#[must_use]
pub fn value<'l>(labels: &'l Labels, key: &str) -> Option<&'l str> {
    let at = labels.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
    Some(&labels[at].1)
}

/// The labels in a mapping.
pub(super) fn labels(field: Option<Field<'_>>) -> Labels {
    let entries = field.into_iter().flat_map(Field::entries);
    let mut found: Vec<(Box<str>, Box<str>)> =
        entries.filter_map(|(key, _, value)| Some((key.into(), value.text()?.into()))).collect();
    found.sort();
    found.into()
}

/// What a `LabelSelector` asks for, each with its place; `None` where it is none that Kubernetes would take.
pub(super) fn requirements(selector: Field<'_>) -> Option<Vec<(Requirement, Span)>> {
    let mut all = plain(selector.get("matchLabels"))?;
    for expression in selector.items_of("matchExpressions") {
        let values = || -> Option<Box<[Box<str>]>> {
            expression.items_of("values").map(|value| Some(value.text()?.into())).collect()
        };
        let is = match expression.text_of("operator")? {
            "In" => Is::In(values().filter(|values| !values.is_empty())?),
            "NotIn" => Is::NotIn(values().filter(|values| !values.is_empty())?),
            "Exists" => Is::There,
            "DoesNotExist" => Is::Absent,
            _ => return None,
        };
        let key = expression.get("key")?;
        all.push((Requirement { key: key.text()?.into(), is }, key.span()));
    }
    Some(all)
}

/// What a mapping of labels asks for, as that of a `Service`.
pub(super) fn plain(field: Option<Field<'_>>) -> Option<Vec<(Requirement, Span)>> {
    let entries = field.into_iter().flat_map(Field::entries);
    let one = |(key, span, value): (Cow<'_, str>, Span, Field<'_>)| {
        Some((Requirement { key: key.into(), is: Is::Equal(value.text()?.into()) }, span))
    };
    entries.map(one).collect()
}

/// A `LabelSelector`; `None` where it is none that Kubernetes would take.
pub(super) fn selector(field: Field<'_>) -> Option<Selector> {
    Some(Selector(requirements(field)?.into_iter().map(|(one, _)| one).collect()))
}
