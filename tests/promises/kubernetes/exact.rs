//! What must hold whenever nothing is under way: the inventory lists exactly what of ours is in the cluster,
//! and that is what the revision that runs declares.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Production;

/// Kinds that the tests declare in their namespace.
pub const KINDS: &str = "deployments,statefulsets,daemonsets,jobs,cronjobs,pods,services,configmaps,secrets,\
                         serviceaccounts,persistentvolumeclaims,roles,rolebindings";
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";

/// `Deployment/web` and its UID, as an inventory lists them.
pub fn listed(inventory: &Value) -> BTreeMap<String, String> {
    let lines = inventory["data"]["objects"].as_str().expect("because instate wrote it").lines();
    let line = |line: &str| {
        let parts: Vec<&str> = line.splitn(5, ' ').collect();
        let [_, kind, _, uid, name] = parts[..] else { panic!("{line}") };
        (format!("{kind}/{name}"), uid.to_owned())
    };
    lines.map(line).collect()
}

impl Production<'_> {
    /// The ConfigMap that lists the environment's objects.
    #[track_caller]
    pub fn inventory_object(&self) -> Value {
        let found = self.namespace.get(&["configmaps", "--selector", "app.kubernetes.io/managed-by=instate"]);
        let items = found["items"].as_array().expect("because it is a list");
        assert_eq!(items.len(), 1, "{found}");
        items[0].clone()
    }

    /// `Deployment/web` and its UID, as the inventory lists them.
    #[track_caller]
    pub fn inventory(&self) -> BTreeMap<String, String> {
        listed(&self.inventory_object())
    }

    /// `Deployment/web` and its UID, of everything in the namespace with the environment's label, but for
    /// what controllers made.
    #[track_caller]
    pub fn labelled(&self) -> BTreeMap<String, String> {
        let label = self.inventory_object()["metadata"]["labels"]["applyset.kubernetes.io/id"].clone();
        let label = label.as_str().expect("because the specification wants it").to_owned();
        let found = self.namespace.get(&[KINDS, "--selector", &format!("{PART_OF}={label}")]);
        let items = found["items"].as_array().expect("because it is a list").clone();
        let ours = items.iter().filter(|item| item["metadata"]["ownerReferences"].is_null());
        ours.map(|item| {
            let text = |path: &str| item.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
            (format!("{}/{}", text("/kind"), text("/metadata/name")), text("/metadata/uid"))
        })
        .collect()
    }

    /// The inventory, the cluster and `declared` (`ConfigMap/a`) are the same.
    #[track_caller]
    pub fn holds_exactly<'a>(&self, declared: impl IntoIterator<Item = &'a str>, after: &str) {
        let (inventory, labelled) = (self.inventory(), self.labelled());
        assert_eq!(inventory, labelled, "{after}: inventory and cluster");
        let declared: BTreeSet<&str> = declared.into_iter().collect();
        let listed: BTreeSet<&str> = inventory.keys().map(String::as_str).collect();
        assert_eq!(listed, declared, "{after}: inventory and revision");
    }
}
