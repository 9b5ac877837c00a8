//! What the API server is told to ask before it takes a write.

use serde::{Deserialize, Serialize};

use super::{
    read::Field,
    selector::{self, Selector},
};
use crate::source::Span;

/// One webhook of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Webhook {
    /// Its name.
    pub name: Box<str>,
    /// Where that stands.
    pub at: Span,
    /// Whether a write is refused where the webhook does not answer.
    pub fails: bool,
    /// Namespace and name of the Service that is asked; `None` where it is a URL.
    pub service: Option<(Box<str>, Box<str>)>,
    /// Which writes it is asked about.
    pub rules: Box<[Rule]>,
    /// In which namespaces; all where it selects nothing.
    pub namespaces: Selector,
    /// About which objects; all where it selects nothing.
    pub objects: Selector,
    /// Whether more conditions narrow that, which are not looked into.
    pub narrowed: bool,
}

/// Some kinds of writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// Where it stands.
    pub at: Span,
    /// `CREATE`, `*`.
    pub operations: Box<[Box<str>]>,
    /// `apps`, `*`; empty for the core group.
    pub groups: Box<[Box<str>]>,
    /// `pods`, `pods/status`, `*`, `*/*`.
    pub resources: Box<[Box<str>]>,
    /// `Namespaced`, `Cluster`, `*`.
    pub scope: Box<str>,
}

impl Rule {
    /// Whether it is about a write.
    #[must_use]
    pub fn covers(&self, operation: &str, group: &str, resource: &str, namespaced: bool) -> bool {
        let has = |list: &[Box<str>], word: &str| list.iter().any(|one| **one == *word || **one == *"*");
        let resources = self.resources.iter();
        let scope = match &*self.scope {
            "Namespaced" => namespaced,
            "Cluster" => !namespaced,
            _ => true,
        };
        let mut resources = resources.map(|one| &**one);
        scope
            && has(&self.operations, operation)
            && has(&self.groups, group)
            && resources.any(|one| one == resource || one == "*" || one == "*/*")
    }
}

/// The webhooks of a configuration.
pub(super) fn webhooks(object: Field<'_>) -> Box<[Webhook]> {
    // The only version with another default went with Kubernetes 1.22.
    let may_fail = object.text_of("apiVersion") == Some("admissionregistration.k8s.io/v1beta1");
    object.items_of("webhooks").map(|webhook| self::webhook(webhook, may_fail)).collect()
}

fn webhook(webhook: Field<'_>, may_fail: bool) -> Webhook {
    let select = |field: &str| match webhook.get(field) {
        Some(field) => selector::selector(field),
        None => Some(Selector::default()),
    };
    let (namespaces, objects) = (select("namespaceSelector"), select("objectSelector"));
    let service = webhook.at(&["clientConfig", "service"]);
    Webhook {
        name: webhook.text_of("name").unwrap_or_default().into(),
        at: webhook.get("name").unwrap_or(webhook).span(),
        fails: match webhook.text_of("failurePolicy") {
            Some(policy) => policy == "Fail",
            None => !may_fail,
        },
        service: service
            .and_then(|one| Some((one.text_of("namespace")?.into(), one.text_of("name")?.into()))),
        rules: webhook.items_of("rules").map(rule).collect(),
        narrowed: namespaces.is_none()
            || objects.is_none()
            || webhook.items_of("matchConditions").next().is_some(),
        namespaces: namespaces.unwrap_or_default(),
        objects: objects.unwrap_or_default(),
    }
}

fn rule(rule: Field<'_>) -> Rule {
    let list = |key: &str| rule.items_of(key).filter_map(|one| one.text().map(Into::into)).collect();
    let (operations, groups, resources) = (list("operations"), list("apiGroups"), list("resources"));
    let scope = rule.text_of("scope").unwrap_or("*").into();
    Rule { at: rule.key("resources").unwrap_or(rule.span()), operations, groups, resources, scope }
}
