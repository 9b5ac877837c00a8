//! Jobs as steps of a deployment: each runs once, and again when it is another.
//!
//! - A Job that is there runs once; where what it does changes, it is deleted and created anew.
//! - One that failed runs again with the next deployment: it would never heal by itself.
//! - A hook of Argo CD's or Helm's (a Job or a Pod) runs once for each revision that differs in any manifest.
//! - One that was cleaned up after it had ended (`ttlSecondsAfterFinished`), or that its hook deletes when it has
//!   succeeded, is done: the inventory remembers what it did.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::{Value as Json, json};

use crate::{manifest::ObjectKey, plan::files::Items};

/// On hooks: for which manifests they run.
const CONTENT: &str = "instate.dev/content";
const HOOKS: [&str; 2] = ["argocd.argoproj.io/hook", "helm.sh/hook"];
/// The annotations, and the word for "when it has succeeded".
const POLICIES: [(&str, &str); 2] = [
    ("argocd.argoproj.io/hook-delete-policy", "HookSucceeded"),
    ("helm.sh/hook-delete-policy", "hook-succeeded"),
];

/// Something that ends, and may not be there afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passing {
    /// What it does, as the inventory remembers it.
    pub digest: String,
    /// Whether instate deletes it when it has succeeded.
    pub is_deleted: bool,
}

/// Whether an object is a hook that runs.
fn is_hook(body: &Json) -> bool {
    let annotations = &body["metadata"]["annotations"];
    let runs = matches!(
        (body["apiVersion"].as_str(), body["kind"].as_str()),
        (Some("v1"), Some("Pod")) | (Some("batch/v1"), Some("Job"))
    );
    runs && HOOKS.iter().any(|hook| annotations[*hook].is_string())
}

/// Makes a hook another object for every other content of the environment.
pub(super) fn mark(
    body: &mut Json,
    content: &dyn Fn() -> crate::error::Result<String>,
) -> crate::error::Result<()> {
    if is_hook(body) {
        body["metadata"]["annotations"][CONTENT] = json!(content()?);
    }
    Ok(())
}

/// What stands for all manifests of a revision.
pub(super) fn content(items: &Items) -> String {
    let all: Vec<String> = items.iter().map(|(item, id)| format!("{id} {item}")).collect();
    short(&all.join("\n"))
}

fn short(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..12])
}

/// Whether an object may be gone once it has ended.
pub(super) fn passing(body: &Json) -> Option<Passing> {
    let annotations = &body["metadata"]["annotations"];
    let has = |(policy, word): (&str, &str)| {
        let policies = annotations[policy].as_str().into_iter().flat_map(|text| text.split(','));
        policies.map(str::trim).any(|policy| policy == word)
    };
    let is_deleted = is_hook(body) && POLICIES.into_iter().any(has);
    let is_cleaned_up = body["kind"] == "Job" && body["spec"]["ttlSecondsAfterFinished"].is_number();
    (is_deleted || is_cleaned_up).then(|| Passing { digest: short(&body.to_string()), is_deleted })
}

/// Why an object that is there has to run once more, though it could be left as it is.
pub(super) fn runs_again(key: &ObjectKey, body: &Json, live: &Json) -> Option<&'static str> {
    let content = |object: &Json| object["metadata"]["annotations"][CONTENT].clone();
    if is_hook(body) && content(body) != content(live) {
        return Some("a hook runs once for each revision");
    }
    let failed = |condition: &Json| condition["type"] == "Failed" && condition["status"] == "True";
    let mut conditions = live["status"]["conditions"].as_array().into_iter().flatten();
    let is_job = key.group == "batch" && key.kind == "Job";
    (is_job && conditions.any(failed)).then_some("it failed, and runs again")
}

/// Whether an object that is there has ended well.
pub(super) fn has_succeeded(live: &Json) -> bool {
    let complete = |condition: &Json| condition["type"] == "Complete" && condition["status"] == "True";
    live["status"]["phase"] == "Succeeded"
        || live["status"]["conditions"].as_array().into_iter().flatten().any(complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_gone_is_known_by_what_it_says() {
        let body = |annotations: Json, ttl: Json| json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "annotations": annotations}, "spec": {"ttlSecondsAfterFinished": ttl}});
        let is_deleted = |body: &Json| passing(body).map(|passing| passing.is_deleted);
        assert_eq!(is_deleted(&body(json!(null), json!(null))), None);
        assert_eq!(is_deleted(&body(json!(null), json!(0))), Some(false));
        let argo = json!({"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation, HookSucceeded"});
        assert_eq!(is_deleted(&body(argo, json!(null))), Some(true));
        let helm =
            json!({"helm.sh/hook": "pre-install", "helm.sh/hook-delete-policy": "before-hook-creation"});
        assert_eq!(is_deleted(&body(helm, json!(null))), None);
        // A policy of what is no hook means nothing.
        let policy = json!({"helm.sh/hook-delete-policy": "hook-succeeded"});
        assert_eq!(is_deleted(&body(policy, json!(null))), None);
        assert_ne!(passing(&body(json!(null), json!(0))), passing(&body(json!(null), json!(1))));
    }
}
