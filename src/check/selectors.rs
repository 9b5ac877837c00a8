//! What selects Pods finds some: a workload its own, a Service and a `PodDisruptionBudget` those of the
//! revision.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use super::{
    across::{Across, Object},
    controllers::may_make,
    facts::{
        Labels, Says, Selector,
        selector::{Is, Requirement, label, value},
    },
};
use crate::{
    finding::{self, Code, Finding},
    source::Span,
    text,
};

/// Of more Pods that carry a label it is not told whether one of them is meant.
const MOST_CANDIDATES: usize = 1_000;

/// Labels that controllers give to each Pod, or to some of them.
const OF_CONTROLLERS: [&str; 10] = [
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

pub(super) fn check(across: &Across<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for object in &across.objects {
        if let Says::Pods(pods) = &object.facts.says
            && !pods.unmatched.is_empty()
        {
            findings.push(own(across, *object));
        }
    }
    findings.truncate(finding::MOST_OF_ONE);
    findings.extend(others(across));
    findings
}

/// A workload that would not find its own Pods, which the API server refuses.
fn own(across: &Across<'_>, object: Object<'_>) -> Finding {
    let Says::Pods(pods) = &object.facts.says else { unreachable!("because only these were asked") };
    let (wants, at) = (&pods.unmatched[0].wants, pods.unmatched[0].at);
    let labels = labels_path(&object.facts.key.kind);
    let message =
        format!("{} selects Pods with `{}`, and its own Pods do not match", object.shown(), wants.shown());
    let has = value(&pods.labels, &wants.key);
    let help = match (&wants.is, has) {
        (_, Some(has)) => format!("`{labels}` has `{}`: make both the same", label(&wants.key, has)),
        (Is::Equal(_), None) => format!("add `{}` to `{labels}`", wants.shown()),
        (Is::In(values), None) => format!("add `{}` to `{labels}`", label(&wants.key, &values[0])),
        (_, None) => format!("add the label `{}` to `{labels}`", wants.key),
    };
    Finding::error(Code::SelectorMismatch, message).at(across.place(object, at)).help(help)
}

fn labels_path(kind: &str) -> &'static str {
    if kind == "CronJob" {
        "spec.jobTemplate.spec.template.metadata.labels"
    } else {
        "spec.template.metadata.labels"
    }
}

/// Services and budgets that select nothing of the revision.
fn others(across: &Across<'_>) -> Vec<Finding> {
    let mut pods = None;
    let mut findings = Vec::new();
    for object in &across.objects {
        if findings.len() >= finding::MOST_OF_ONE {
            break;
        }
        let (selector, at) = match &object.facts.says {
            Says::Service(service) if !service.external => (&service.selector, service.at),
            Says::Budget(selector, at) => (&**selector, *at),
            _ => continue,
        };
        let pods = pods.get_or_insert_with(|| AllPods::of(across));
        if let Some(Nothing { nearest }) = pods.none_for(*object, selector) {
            findings.push(nothing(across, *object, at, nearest));
        }
    }
    findings
}

fn nothing(across: &Across<'_>, object: Object<'_>, at: Span, nearest: Option<Nearest<'_>>) -> Finding {
    let does = match &object.facts.says {
        Says::Budget(..) => "protects no Pods",
        _ => "sends to no Pods",
    };
    let message = format!("{} {does}: none in this revision has the labels that it selects", object.shown());
    let help = match nearest {
        Some((pods, wants, has)) => format!(
            "it selects `{}`, and the Pods of {} have `{}`",
            wants.shown(),
            pods.shown(),
            label(&wants.key, has)
        ),
        None => "give the Pods that are meant these labels, or select by labels that they have".to_owned(),
    };
    Finding::warning(Code::SelectsNothing, message).at(across.place(object, at)).help(help)
}

/// That certainly no Pods are selected.
struct Nothing<'a> {
    nearest: Option<Nearest<'a>>,
}

/// Pods that are nearly meant: whose they are, what is asked of them, and what they have instead.
type Nearest<'a> = (Object<'a>, &'a Requirement, &'a str);

/// The Pods of the revision, found by their labels.
struct AllPods<'a> {
    hasher: RandomState,
    pods: Vec<(Object<'a>, &'a Labels)>,
    /// Hash of namespace, label and value, and which Pods have them; sorted.
    labels: Vec<(u64, usize)>,
    namespaces: HashSet<Option<&'a str>>,
}

impl<'a> AllPods<'a> {
    fn of(across: &Across<'a>) -> Self {
        let hasher = RandomState::new();
        let (mut pods, mut labels) = (Vec::new(), Vec::new());
        let (mut namespaces, mut custom) = (HashSet::new(), HashSet::new());
        for object in &across.objects {
            if let Says::Pods(of) = &object.facts.says {
                labels.extend(
                    of.labels
                        .iter()
                        .map(|(key, value)| (hasher.hash_one((object.namespace, key, value)), pods.len())),
                );
                namespaces.insert(object.namespace);
                pods.push((*object, &of.labels));
            } else if may_make(&object.facts.key) {
                custom.insert(object.namespace);
            }
        }
        labels.sort_unstable();
        // What a controller makes of a custom resource may have any labels.
        namespaces.retain(|namespace| !custom.contains(namespace) && *namespace != Some("kube-system"));
        Self { hasher, pods, labels, namespaces }
    }

    /// Whether certainly none of the Pods is selected; in a namespace of which the revision has no Pods they come
    /// from somewhere else.
    fn none_for(&self, object: Object<'a>, selector: &'a Selector) -> Option<Nothing<'a>> {
        if !self.namespaces.contains(&object.namespace) {
            return None;
        }
        let wanted = || selector.0.iter().filter(|one| !OF_CONTROLLERS.contains(&&*one.key));
        let lists: Vec<&[(u64, usize)]> = wanted()
            .filter_map(|one| match &one.is {
                Is::Equal(value) => {
                    Some(self.with(self.hasher.hash_one((object.namespace, &one.key, value))))
                }
                _ => None,
            })
            .collect();
        let shortest = lists.iter().min_by_key(|list| list.len())?;
        let of = |list: &[(u64, usize)]| -> Vec<(Object<'a>, &'a Labels)> {
            let pods = list.iter().map(|(_, at)| self.pods[*at]);
            pods.filter(|(pods, _)| pods.namespace == object.namespace).collect()
        };
        if shortest.len() > MOST_CANDIDATES {
            return None;
        }
        if of(shortest).iter().any(|(_, labels)| wanted().all(|one| one.holds(labels))) {
            return None;
        }
        // A label that the Pods do not have at all may be one that their program gives to one of them, as a
        // database does to its primary.
        if lists.iter().any(|list| list.len() > MOST_CANDIDATES) {
            return None;
        }
        let some: Vec<_> = lists.iter().flat_map(|list| of(list)).collect();
        let may =
            |labels: &Labels| wanted().all(|one| one.holds(labels) || value(labels, &one.key).is_none());
        if some.iter().any(|(_, labels)| may(labels)) {
            return None;
        }
        let differs = |(pods, labels): &(Object<'a>, &'a Labels)| {
            wanted()
                .find(|one| !one.holds(labels))
                .and_then(|one| Some((*pods, one, value(labels, &one.key)?)))
        };
        let agree =
            |(_, labels): &&(Object<'a>, &'a Labels)| wanted().filter(|one| one.holds(labels)).count();
        // The first of those that agree in most.
        let best = some.iter().rev().max_by_key(agree).and_then(differs);
        Some(Nothing { nearest: best.or_else(|| self.alike(object, wanted().next()?)) })
    }

    /// Pods of the namespace whose label is nearly so.
    fn alike(&self, object: Object<'a>, wants: &'a Requirement) -> Option<Nearest<'a>> {
        let Is::Equal(wanted) = &wants.is else { return None };
        let here = self.pods.iter().filter(|(pods, _)| pods.namespace == object.namespace);
        let values = here.filter_map(|(pods, labels)| Some((*pods, value(labels, &wants.key)?)));
        let values: Vec<(Object<'a>, &str)> = values.take(MOST_CANDIDATES).collect();
        let near = text::nearest(wanted, values.iter().map(|(_, value)| *value))?;
        values.into_iter().find(|(_, value)| *value == near).map(|(pods, value)| (pods, wants, value))
    }

    fn with(&self, hash: u64) -> &[(u64, usize)] {
        let from = self.labels.partition_point(|(known, _)| *known < hash);
        let to = self.labels.partition_point(|(known, _)| *known <= hash);
        &self.labels[from..to]
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::offline;

    const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
        tier: front
    spec:
      containers: [{name: web, image: web:1}]
";

    fn with(more: &str) -> String {
        format!("{WEB}---\n{more}")
    }

    #[test]
    fn a_workload_that_would_not_find_its_own_pods_is_shown_with_the_label_to_add() {
        insta::assert_snapshot!("own_missing", offline(&WEB.replace("        app: web\n", "")));
        insta::assert_snapshot!(
            "own_other",
            offline(&WEB.replace("        app: web\n", "        app: wbe\n"))
        );
        let expression = WEB.replace(
            "    matchLabels:\n      app: web\n",
            "    matchExpressions:\n    - {key: track, operator: In, values: [stable, canary]}\n",
        );
        insta::assert_snapshot!("own_expression", offline(&expression));
    }

    #[test]
    fn a_job_that_brings_its_own_selector_is_looked_at_and_any_other_is_not() {
        let job = "\
apiVersion: batch/v1
kind: Job
metadata: {name: tidy}
spec:
  selector: {matchLabels: {app: tidy}}
  template: {metadata: {labels: {app: other}}, spec: {restartPolicy: Never, containers: []}}
";
        assert_eq!(offline(job), "");
        let manual = job.replace("spec:\n  selector", "spec:\n  manualSelector: true\n  selector");
        assert!(offline(&manual).contains("error[I0303]"));
    }

    #[test]
    fn a_service_or_a_budget_that_no_pod_matches_is_shown_with_what_the_pods_have() {
        let service = with(
            "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector:\n    app: wbe\n  ports: [{port: 80}]\n",
        );
        insta::assert_snapshot!("service", offline(&service));
        let budget = with(
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec:\n  selector:\n    matchLabels: {app: web, tier: back}\n",
        );
        insta::assert_snapshot!("budget", offline(&budget));
    }

    #[test]
    fn what_may_select_pods_that_the_revision_does_not_show_is_no_finding() {
        let service = |selector: &str| {
            with(&format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: other}}\nspec: {{selector: {selector}, ports: [{{port: 80}}]}}\n"
            ))
        };
        for (why, text) in [
            ("it is selected", service("{app: web}")),
            ("it selects none", service("{}")),
            ("a Pod of a StatefulSet by its name", service("{statefulset.kubernetes.io/pod-name: db-0}")),
            ("a label that the program gives to its primary", service("{app: web, role: primary}")),
            (
                "Pods of a custom resource",
                format!(
                    "{}---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {{name: db}}\nspec: {{}}\n",
                    service("{cnpg.io/cluster: db}")
                ),
            ),
            (
                "another namespace",
                service("{app: x}").replace("{name: other}", "{name: other, namespace: kube-system}"),
            ),
            (
                "another name for something outside",
                service("{app: x}")
                    .replace("spec: {", "spec: {type: ExternalName, externalName: a.example, "),
            ),
            (
                "every Pod",
                with(
                    "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: all}\nspec: {selector: {}}\n",
                ),
            ),
        ] {
            assert_eq!(offline(&text), "", "{why}");
        }
    }
}
