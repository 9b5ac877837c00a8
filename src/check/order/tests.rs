use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Node, Order, Step, Way, order};
use crate::{
    check::{Facts, testing::offline},
    manifest,
    source::Source,
};

fn facts(text: &str) -> Vec<Facts> {
    let (manifests, findings) = manifest::read(&Source::new("a.yaml", text));
    assert!(findings.is_empty(), "{findings:#?}");
    manifests.iter().map(Facts::of).collect()
}

fn nodes(facts: &[Facts]) -> Vec<Node<'_>> {
    let namespace = |facts: &Facts| {
        !matches!(
            &*facts.key.kind,
            "Namespace" | "CustomResourceDefinition" | "ValidatingWebhookConfiguration"
        )
    };
    facts
        .iter()
        .map(|facts| Node {
            namespace: namespace(facts).then(|| facts.key.namespace.as_deref().unwrap_or("shop")),
            facts,
        })
        .collect()
}

fn ordered(text: &str, way: Way) -> (Vec<String>, Order) {
    let facts = facts(text);
    let order = order(&nodes(&facts), way).expect("nothing waits for itself");
    (facts.iter().map(|facts| format!("{}/{}", facts.key.kind, facts.key.name)).collect(), order)
}

/// All that comes before a step.
fn before(order: &Order, step: usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::from([step]);
    loop {
        let more: BTreeSet<usize> =
            (0..order.steps()).filter(|from| order.then(*from).any(|to| all.contains(&to))).collect();
        let known = all.len();
        all.extend(more);
        if all.len() == known {
            return all;
        }
    }
}

/// Each object with what is written before it, and in brackets what must be healthy before it.
fn told(text: &str) -> String {
    let (names, order) = ordered(text, Way::Write);
    let mut told = String::new();
    for (at, name) in names.iter().enumerate() {
        let mut words = BTreeSet::new();
        let all = before(&order, order.number(Step::Write(at)));
        for (other, other_name) in names.iter().enumerate().filter(|(other, _)| *other != at) {
            if all.contains(&order.number(Step::Ready(other))) {
                words.insert(format!("[{other_name}]"));
            } else if all.contains(&order.number(Step::Write(other))) {
                words.insert(other_name.clone());
            }
        }
        let words: Vec<String> = words.into_iter().collect();
        told = format!("{told}{name}: {}\n", words.join(" "));
    }
    told
}

fn object(kind: &str, name: &str, annotations: &str) -> String {
    let version = match kind {
        "Deployment" => "apps/v1",
        "Job" => "batch/v1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "Certificate" => "cert-manager.io/v1",
        _ => "v1",
    };
    let spec = match kind {
        "Deployment" | "Job" => format!(
            "spec: {{template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: a, envFrom: [{{configMapRef: {{name: settings, optional: true}}}}]}}]}}}}}}\n"
        ),
        "Service" => format!("spec: {{selector: {{app: {name}}}, ports: [{{port: 443}}]}}\n"),
        _ => String::new(),
    };
    format!(
        "---\napiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n  annotations: {{{annotations}}}\n{spec}"
    )
}

#[test]
fn what_others_live_in_are_instances_of_and_name_comes_before_them() {
    let text = [
        object("Certificate", "web", ""),
        object("Deployment", "web", ""),
        object("ConfigMap", "settings", ""),
        object("CustomResourceDefinition", "certificates.cert-manager.io", ""),
        object("Namespace", "shop", ""),
        object("Namespace", "other", ""),
    ];
    insta::assert_snapshot!(told(&text.concat()));
}

#[test]
fn a_webhook_comes_after_what_answers_it_and_before_the_objects_that_it_is_about() {
    let webhook = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: gate}\n\
                   webhooks:\n- name: a.b.c\n  clientConfig: {service: {name: gate, namespace: shop}}\n  \
                   rules: [{apiGroups: [cert-manager.io], apiVersions: [v1], operations: [CREATE], resources: [certificates]}]\n";
    let text = [
        webhook.to_owned(),
        object("Certificate", "web", ""),
        object("Service", "gate", ""),
        object("Deployment", "gate", ""),
        object("Deployment", "web", ""),
    ];
    insta::assert_snapshot!(told(&text.concat()));
}

#[test]
fn the_annotations_that_people_have_already_are_kept() {
    let texts = [
        [
            object("Job", "a", "instate.dev/after: Deployment/b"),
            object("Deployment", "b", "config.kubernetes.io/depends-on: /namespaces/shop/ConfigMap/c"),
            object("ConfigMap", "c", ""),
        ],
        [
            object("Deployment", "web", "argocd.argoproj.io/sync-wave: \"2\""),
            object("ConfigMap", "zero", ""),
            object("Job", "first", "argocd.argoproj.io/sync-wave: \"-1\""),
        ],
        [
            object("Job", "migrate", "helm.sh/hook: \"pre-install,pre-upgrade\", helm.sh/hook-weight: \"5\""),
            object("Job", "seed", "helm.sh/hook: post-install"),
            object("Deployment", "web", ""),
        ],
        [
            object("Job", "migrate", "argocd.argoproj.io/hook: PreSync"),
            object("Job", "check", "argocd.argoproj.io/hook: PostSync"),
            object("Deployment", "web", "argocd.argoproj.io/sync-wave: \"-5\""),
        ],
        [
            object("Job", "migrate", "kapp.k14s.io/change-group: db"),
            object("Deployment", "web", "kapp.k14s.io/change-rule.x: upsert after upserting db"),
            object("Secret", "s", "kapp.k14s.io/change-rule: upsert before upserting db"),
        ],
    ];
    let told: Vec<String> = texts.iter().map(|texts| told(&texts.concat())).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_deleted_goes_before_what_it_needs() {
    let text = [
        object("Deployment", "web", "instate.dev/after: Job/migrate"),
        object("Job", "migrate", "kapp.k14s.io/change-rule: delete after deleting keep"),
        object("ConfigMap", "keep", "kapp.k14s.io/change-group: keep"),
        object("Namespace", "shop", ""),
    ];
    let (_, order) = ordered(&text.concat(), Way::Delete);
    let back = order.reversed();
    let goes_first = |first: usize, second: usize| {
        before(&back, back.number(Step::Write(second))).contains(&back.number(Step::Write(first)))
    };
    assert!(goes_first(0, 1) && goes_first(2, 1));
    assert!((0..3).all(|one| goes_first(one, 3) && !goes_first(3, one)));
}

#[test]
fn objects_that_wait_for_each_other_are_refused_with_the_way_around() {
    let uses = |text: &str| text.replace(", optional: true", "");
    let cases = [
        [object("Job", "a", "instate.dev/after: Job/a"), String::new(), String::new()],
        [
            object("Job", "a", "instate.dev/after: Deployment/b"),
            object("Deployment", "b", "config.kubernetes.io/depends-on: batch/namespaces/shop/Job/a"),
            String::new(),
        ],
        [
            uses(&object("Deployment", "web", "argocd.argoproj.io/sync-wave: \"0\"")),
            object("ConfigMap", "settings", "argocd.argoproj.io/sync-wave: \"1\""),
            String::new(),
        ],
        [
            object(
                "Job",
                "a",
                "kapp.k14s.io/change-group: one, kapp.k14s.io/change-rule: upsert after upserting two",
            ),
            object(
                "Job",
                "b",
                "kapp.k14s.io/change-group: two, kapp.k14s.io/change-rule: upsert after upserting one",
            ),
            String::new(),
        ],
        [
            object("Namespace", "shop", "instate.dev/after: Job/shop/a"),
            object("Job", "a", "instate.dev/after: Job/b"),
            object("Job", "b", ""),
        ],
    ];
    let told: Vec<String> = cases.iter().map(|texts| offline(&texts.concat())).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn what_annotations_say_wrongly_is_refused_where_it_stands() {
    let text = [
        object("Deployment", "web", ""),
        object("Job", "a", "instate.dev/after: \"Deployment/wbe, Deployment/prod/web, web\""),
        object("Job", "b", "argocd.argoproj.io/sync-wave: first"),
        object("Pod", "c", "helm.sh/hook: test"),
        object("Job", "d", "kapp.k14s.io/change-rule: after db"),
        object("Job", "e", "kapp.k14s.io/change-rule: upsert after deleting db"),
        object("Job", "f", "config.kubernetes.io/depends-on: Deployment/web"),
    ];
    insta::assert_snapshot!(offline(&text.concat()));
}

proptest! {
    /// Whatever stands in the objects, either there is an order, or somebody asked for a circle.
    #[test]
    fn without_annotations_there_is_always_an_order(names in proptest::collection::vec((0usize..9, 0usize..3), 1..14)) {
        let kinds = [
            "Namespace", "ConfigMap", "Secret", "Service", "Deployment", "Job", "Certificate",
            "CustomResourceDefinition", "ServiceAccount",
        ];
        let text: String = names.iter().map(|(kind, name)| object(kinds[*kind], ["shop", "settings", "a.cert-manager.io"][*name], "")).collect();
        let facts = facts(&text);
        prop_assert!(order(&nodes(&facts), Way::Write).is_ok());
    }

    /// An order has no circle, and everything that is asked for without one is in it.
    #[test]
    fn what_is_asked_is_kept_or_refused(after in proptest::collection::vec((0usize..6, 0usize..6), 0..8), waves in proptest::collection::vec(-1i32..2, 6)) {
        let mut text = String::new();
        for (at, wave) in waves.iter().enumerate() {
            let names: Vec<String> = after.iter().filter(|(from, _)| *from == at).map(|(_, to)| format!("Job/j{to}")).collect();
            let wave = if *wave == 0 { String::new() } else { format!("argocd.argoproj.io/sync-wave: \"{wave}\", ") };
            text += &object("Job", &format!("j{at}"), &format!("{wave}instate.dev/after: \"{}\"", names.join(",")));
        }
        let facts = facts(&text);
        match order(&nodes(&facts), Way::Write) {
            Ok(order) => {
                for (at, to) in after {
                    let all = before(&order, order.number(Step::Write(at)));
                    prop_assert!(all.contains(&order.number(Step::Ready(to))));
                    prop_assert!(at != to);
                }
                for step in 0..order.steps() {
                    prop_assert!(order.then(step).all(|next| !before(&order, step).contains(&next)));
                }
            }
            Err(circles) => prop_assert!(circles.iter().all(|circle| !circle.links.is_empty())),
        }
    }
}
