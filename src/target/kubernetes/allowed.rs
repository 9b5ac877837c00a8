//! Whether a deployment may do what it is going to do, asked of the API server before a push is accepted.
//!
//! What is applied is asked about by its dry-run. What no dry-run is made of, is asked here by access reviews: that
//! objects are deleted, and what instate writes for itself.

use std::collections::BTreeMap;

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
    config::Accept,
    error::{Error, Result},
    finding::{Code, Finding},
    plan::Action,
    text,
};

/// Something that is done to objects of a kind, or to one.
#[derive(Debug)]
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

    /// Whether it is the same but for the verb.
    fn is_beside(&self, other: &Self) -> bool {
        (&self.group, &self.resource, &self.namespace, &self.because)
            == (&other.group, &other.resource, &other.namespace, &other.because)
    }
}

/// Deeds that are the same but for their verbs, of which one is there at least.
fn finding(deeds: &[&Deed]) -> Finding {
    let verbs: Vec<&str> = deeds.iter().map(|deed| deed.verb).collect();
    let Deed { group, resource, namespace, because, .. } = deeds[0];
    let of = if group.is_empty() { String::new() } else { format!(".{group}") };
    let resource = text::excerpt(&format!("{resource}{of}"), 120);
    let place = namespace.as_ref().map(|it| format!(" in {}", text::excerpt(it, 63))).unwrap_or_default();
    let message = format!("instate's user may not {} {resource}{place}: {because}", verbs.join(" or "));
    Finding::error(Code::Forbidden, message)
        .help("give instate's user that permission in the cluster: docs/rbac.md has all that it needs")
}

/// What the plan needs and instate's user may not do, going back from it included where the branch waits for it.
pub(super) async fn forbidden(api: &Api<'_>, us: &Us, plan: &Plan, accept: Accept) -> Result<Vec<Finding>> {
    if plan.is_empty() {
        return Ok(Vec::new());
    }
    // Of many of one kind the first stands for all: who may not delete it may mostly delete none of them.
    let mut deeds: BTreeMap<_, Deed> = BTreeMap::new();
    let mut add = |verb, path: &str, because: String| {
        if let Some(deed) = Deed::at(verb, path, because) {
            let kind = (deed.group.clone(), deed.resource.clone(), deed.namespace.clone(), verb);
            deeds.entry(kind).or_insert(deed);
        }
    };
    for delete in &plan.deletes {
        add("delete", &delete.path, format!("{} is to be deleted", delete.key));
    }
    for write in plan.writes.iter().filter(|write| write.replaces.is_some()) {
        add("delete", &write.object.path(), format!("{} is to be made anew", write.object.key));
    }
    let created = plan.writes.iter().filter(|write| match accept {
        Accept::Checked => false,
        Accept::Deployed => write.action == Action::Create,
    });
    for write in created {
        let key = &write.object.key;
        add(
            "delete",
            &write.object.path(),
            format!("{key} is taken away again if the revision does not run"),
        );
    }
    let inventory = inventory_path(us);
    for verb in ["create", "update"] {
        add(verb, &inventory, "the inventory is kept there".to_owned());
        add(verb, &lease::object(us), "the Lease that keeps others from writing is there".to_owned());
    }
    let asked = deeds.values().map(async |deed| Ok::<_, Error>((deed, deed.is_allowed(api).await?)));
    let mut asked = stream::iter(asked).buffered(AT_ONCE);
    let mut denied = Vec::new();
    while let Some(answer) = asked.next().await {
        let (deed, allowed) = answer?;
        denied.extend((allowed == Some(false)).then_some(deed));
    }
    Ok(denied.chunk_by(|one, other| one.is_beside(other)).map(finding).collect())
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
