//! An environment under which everything dies, and what must run in it all the same.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::Value;

use super::{
    Production,
    exact::{KINDS, PART_OF, listed},
};
use crate::common::World;

/// What a revision has besides ConfigMaps and a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Plain,
    /// A hook that goes when it has succeeded, and a Job that every revision replaces and the Deployment waits for.
    Jobs,
    /// An object that another tool made.
    TakenOver,
}

pub struct Upheaval<'w> {
    pub production: Production<'w>,
    count: Cell<usize>,
    /// What each revision has.
    revisions: RefCell<BTreeMap<String, (usize, Content)>>,
    mark: Cell<u64>,
}

fn job(name: &str, annotations: &str, image: &str) -> String {
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{{annotations}}}}}\nspec:\n  backoffLimit: 0\n  \
         template:\n    spec:\n      restartPolicy: Never\n      containers: [{{name: main, image: \"{image}\"}}]\n"
    )
}

fn config(name: &str, value: usize) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: \"{value}\"}}\n"
    )
}

impl<'w> Upheaval<'w> {
    pub fn new(world: &'w World) -> Self {
        let production = Production::new(world);
        let mark = production.cluster.mark().into();
        Self { production, count: 0.into(), revisions: RefCell::default(), mark }
    }

    /// Commits another revision.
    pub fn revision(&self, content: Content) -> String {
        let n = self.count.get() + 1;
        self.count.set(n);
        let after = if content == Content::Jobs { "instate.dev/after: Job/seed" } else { "" };
        let mut text = config("settings", n) + &config(&format!("of-{n}"), n);
        write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, annotations: {{{after}}}}}\nspec:\n  \
             selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    \
             spec: {{terminationGracePeriodSeconds: 0, containers: [{{name: web, image: \"web:{n}\"}}]}}\n"
        )
        .expect("it is a text");
        match content {
            Content::Plain => {}
            Content::Jobs => {
                let hook =
                    "argocd.argoproj.io/hook: Sync, argocd.argoproj.io/hook-delete-policy: HookSucceeded";
                text += &job("migrate", hook, "migrate:1");
                text += &job("seed", "", &format!("seed:{n}"));
            }
            Content::TakenOver => {
                let taken = config(&format!("taken-{n}"), n);
                self.production
                    .namespace
                    .apply(&taken.replace("\ndata: {", "\ndata: {more: a, "), &[])
                    .succeeds();
                text += &taken;
            }
        }
        let revision = self.production.commit(&[("all.yaml", &text)]);
        self.revisions.borrow_mut().insert(revision.clone(), (n, content));
        revision
    }

    /// The cluster, the inventory and the revision are the same, by UID and content.
    #[track_caller]
    pub fn runs_exactly(&self, revision: &str, after: &str) {
        let (n, content) = self.revisions.borrow()[revision];
        let mut declared: BTreeSet<String> =
            ["ConfigMap/settings".into(), format!("ConfigMap/of-{n}"), "Deployment/web".into()].into();
        match content {
            Content::Plain => {}
            Content::Jobs => drop(declared.insert("Job/seed".into())),
            Content::TakenOver => drop(declared.insert(format!("ConfigMap/taken-{n}"))),
        }
        // All at once: what is in the cluster, what is listed, and whose the Lease is.
        let found = self.production.namespace.get(&[&format!("{KINDS},leases")]);
        let items = found["items"].as_array().expect("because it is a list");
        let text = |item: &Value, path: &str| {
            item.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let key_of = |item: &Value| format!("{}/{}", text(item, "/kind"), text(item, "/metadata/name"));
        let lists = |item: &&Value| item["metadata"]["labels"]["applyset.kubernetes.io/id"].is_string();
        let inventory_object = items.iter().find(lists).expect("because something was deployed");
        let listed = listed(inventory_object);
        // What has ended and was deleted is remembered, with what it did behind its UID.
        let (ended, inventory): (BTreeMap<_, _>, BTreeMap<_, _>) =
            listed.into_iter().partition(|(_, uid)| uid.contains('='));
        assert_eq!(ended.len(), usize::from(content == Content::Jobs), "{after}: hooks that are remembered");
        let ours = items.iter().filter(|item| {
            item["metadata"]["labels"][PART_OF].is_string() && item["metadata"]["ownerReferences"].is_null()
        });
        let labelled: BTreeMap<_, _> = ours.map(|item| (key_of(item), text(item, "/metadata/uid"))).collect();
        assert_eq!(inventory, labelled, "{after}: inventory and cluster");
        assert_eq!(
            inventory.into_keys().collect::<BTreeSet<_>>(),
            declared,
            "{after}: inventory and revision"
        );

        let says = |key: &str, path: &str| {
            items.iter().find(|item| key_of(item) == key).map(|item| text(item, path)).unwrap_or_default()
        };
        let image = "/spec/template/spec/containers/0/image";
        for key in declared {
            let (path, value) = match key.as_str() {
                "Deployment/web" => (image, format!("web:{n}")),
                "Job/seed" => (image, format!("seed:{n}")),
                _ => ("/data/value", n.to_string()),
            };
            assert_eq!(says(&key, path), value, "{after}: {key}");
            assert_eq!(says(&key, "/data/more"), "", "{after}: {key} keeps what another tool wrote");
        }
        // Whoever held the Lease has given it back, or it runs out in a minute.
        for lease in items.iter().filter(|item| item["kind"] == "Lease") {
            let seconds = lease["spec"]["leaseDurationSeconds"].as_u64();
            assert!(lease["spec"]["holderIdentity"] == "" || seconds <= Some(60), "{after}: {lease}");
        }
    }

    /// No Job of the revisions that were pushed since the last time was created once more than there are revisions.
    #[track_caller]
    pub fn no_job_ran_twice(&self, revisions: usize, after: &str) {
        let cluster = self.production.cluster;
        let since = self.mark.replace(cluster.mark());
        let mut created = BTreeMap::<String, usize>::new();
        for request in cluster.requests_since(since) {
            if request.resource == "jobs"
                && request.is_write()
                && request.code == 201
                && request.namespace == self.production.namespace.name()
            {
                *created.entry(request.name).or_default() += 1;
            }
        }
        for (name, times) in created {
            assert!(times <= revisions, "{after}: Job/{name} ran {times} times for {revisions} revisions");
        }
    }
}
