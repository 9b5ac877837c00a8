//! Whether a deployment may do what it is going to do, asked of the API server before a push is accepted.
//!
//! What is applied is asked about by its dry-run. What no dry-run is made of, is asked here by access reviews: that
//! objects are deleted, and what instate writes for itself.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use http::Method;
use serde_json::json;

use super::{
    AT_ONCE,
    client::{Api, Failure},
    inventory::Us,
    inventory_path, lease,
    planning::Plan,
};
use crate::{
    error::Result,
    finding::{Code, Finding},
    text,
};

/// Something that is done to objects of a kind, or to one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Deed {
    verb: &'static str,
    group: String,
    /// `deployments`.
    resource: String,
    namespace: Option<String>,
    /// Empty for any of them.
    name: String,
    /// What it is done for, in words.
    because: String,
}

impl Deed {
    /// To the object at a path of the API server; `None` for what is no path of an object.
    fn at(verb: &'static str, path: &str, because: String) -> Option<Self> {
        let (group, rest) = match path.strip_prefix("/apis/") {
            Some(rest) => {
                let (group, rest) = rest.split_once('/')?;
                (group, rest.split_once('/')?.1)
            }
            None => ("", path.strip_prefix("/api/v1/")?),
        };
        let (namespace, resource, name) = match rest.split('/').collect::<Vec<_>>().as_slice() {
            ["namespaces", namespace, resource, name] => (Some(*namespace), *resource, *name),
            [resource, name] => (None, *resource, *name),
            _ => return None,
        };
        let owned = ToOwned::to_owned;
        let (group, resource, name) = (group.to_owned(), resource.to_owned(), name.to_owned());
        // What is not there yet has no name to a rule.
        let name = if verb == "create" { String::new() } else { name };
        Some(Self { verb, group, resource, namespace: namespace.map(owned), name, because })
    }

    /// `None` where the API server does not say.
    async fn is_allowed(&self, api: &Api<'_>) -> Result<Option<bool>> {
        let Self { verb, group, resource, namespace, name, .. } = self;
        let asked = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name,
            }},
        });
        match api
            .call(Method::POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", Some(&asked))
            .await
        {
            Ok(answer) => Ok(answer["status"]["allowed"].as_bool()),
            Err(Failure::Away(reason)) => Err(Failure::Away(reason).into()),
            // Who may not ask finds out by doing.
            Err(Failure::Refused(_)) => Ok(None),
        }
    }

    fn finding(&self) -> Finding {
        let of = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let resource = text::excerpt(&format!("{}{of}", self.resource), 120);
        let place =
            self.namespace.as_ref().map(|it| format!(" in {}", text::excerpt(it, 63))).unwrap_or_default();
        let message = format!("instate's user may not {} {resource}{place}: {}", self.verb, self.because);
        Finding::error(Code::Forbidden, message)
            .help("give instate's user that permission in the cluster: docs/rbac.md has all that it needs")
    }
}

/// What the plan needs and instate's user may not do.
pub(super) async fn forbidden(api: &Api<'_>, us: &Us, plan: &Plan) -> Result<Vec<Finding>> {
    if plan.is_empty() {
        return Ok(Vec::new());
    }
    let mut deeds = BTreeSet::new();
    let mut add = |verb, path: &str, because: String| {
        deeds.extend(Deed::at(verb, path, because));
    };
    let deletes =
        plan.deletes.iter().map(|delete| (&*delete.path, format!("{} is to be deleted", delete.key)));
    deletes.for_each(|(path, because)| add("delete", path, because));
    for write in plan.writes.iter().filter(|write| write.replaces.is_some()) {
        add("delete", &write.object.path(), format!("{} is to be made anew", write.object.key));
    }
    let inventory = inventory_path(us);
    for verb in ["create", "update"] {
        add(verb, &inventory, "the inventory is kept there".to_owned());
        add(verb, &lease::object(us), "the Lease that keeps others from writing is there".to_owned());
    }
    let asked =
        deeds.iter().map(async |deed| Ok::<_, crate::error::Error>((deed, deed.is_allowed(api).await?)));
    let mut asked = stream::iter(asked).buffered(AT_ONCE);
    let mut findings = Vec::new();
    while let Some(answer) = asked.next().await {
        let (deed, allowed) = answer?;
        findings.extend((allowed == Some(false)).then(|| deed.finding()));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::Deed;

    #[test]
    fn a_path_says_what_is_done_to_what() {
        let at = |path: &str| {
            let Deed { group, resource, namespace, name, .. } = Deed::at("delete", path, String::new())?;
            Some((group, resource, namespace.unwrap_or_default(), name))
        };
        let is =
            |words: [&str; 4]| Some((words[0].into(), words[1].into(), words[2].into(), words[3].into()));
        assert_eq!(at("/api/v1/namespaces/shop"), is(["", "namespaces", "", "shop"]));
        assert_eq!(at("/api/v1/namespaces/shop/pods/web"), is(["", "pods", "shop", "web"]));
        assert_eq!(
            at("/apis/apps/v1/namespaces/shop/deployments/web"),
            is(["apps", "deployments", "shop", "web"])
        );
        assert_eq!(
            at("/apis/rbac.authorization.k8s.io/v1/clusterroles/a"),
            is(["rbac.authorization.k8s.io", "clusterroles", "", "a"])
        );
        for path in ["", "/api/v1", "/apis/apps/v1/namespaces/shop/deployments", "/healthz/a/b/c/d"] {
            assert_eq!(at(path), None, "{path}");
        }
    }
}
