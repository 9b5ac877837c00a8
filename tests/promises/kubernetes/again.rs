//! The same revision is never written twice, however its objects are written and whoever adds to them.

use super::Production;
use crate::common::{Webhook, World};

/// Objects that come back from the cluster in another form. `NS` is the namespace.
const ODD: &str = include_str!("odd.yaml");

/// Everything is compared once more, and once more what a push has touched without changing it: nothing is
/// written but dry-runs.
#[track_caller]
fn is_written_once(production: &Production<'_>, file: &str, text: &str) {
    let mark = production.cluster.mark();
    let again = production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new(), "{again}");
    assert!(again.stdout.contains("nothing to change"), "{again}");
    let mark = production.cluster.mark();
    production.deploys(&[(file, &format!("# nothing but this\n{text}"))]);
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
}

#[test]
fn what_the_cluster_writes_in_another_form_is_written_once() {
    let world = World::new();
    let production = Production::new(&world);
    let odd = ODD.replace("NS", production.namespace.name());
    production.deploys(&[("odd.yaml", &odd)]);
    is_written_once(&production, "odd.yaml", &odd);
    let crd = format!("gadgets.{}.example.com", production.namespace.name());
    production.cluster.kubectl(&["delete", "crd", &crd, "--wait=false"]).succeeds();
}

#[test]
fn what_a_webhook_changes_is_written_once() {
    let world = World::new();
    let production = Production::new(&world);
    let webhook = Webhook::that_changes(&production.namespace);
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  \
                selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      \
                containers:\n      - {name: web, image: \"web:1\"}\n      - {name: side, image: \"side:1\"}\n---\n\
                apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"1\"}\n---\n\
                apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: \"1\", injected: \"no\"}\n";
    production.deploys(&[("all.yaml", text)]);
    let image = production.namespace.get(&["deployment", "web"])["spec"]["template"]["spec"]["containers"][0]
        ["image"]
        .clone();
    assert_eq!(image, "mirror.example/web:1", "the webhook does what it is here for");
    is_written_once(&production, "all.yaml", text);
    // What changes is written, and what the webhook makes of it comes back no more.
    let changed = text.replace("side:1", "side:2");
    production.deploys(&[("all.yaml", &changed)]);
    is_written_once(&production, "all.yaml", &changed);
    drop(webhook);
}

#[test]
fn an_object_that_moves_to_another_version_of_its_kind_is_written_once_and_leaves_nothing_behind() {
    let world = World::new();
    let production = Production::new(&world);
    let group = format!("{}.example.com", production.namespace.name());
    let definition = |versions: &[&str]| {
        let version = |name: &&str| {
            format!(
                "  - {{name: {name}, served: true, storage: {}, schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, \
                 properties: {{a: {{type: string}}, b: {{type: string}}}}}}}}}}}}}}\n",
                *name == "v1"
            )
        };
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gadgets.{group}}}\nspec:\n  \
             group: {group}\n  scope: Namespaced\n  names: {{kind: Gadget, plural: gadgets}}\n  versions:\n{}",
            versions.iter().map(version).collect::<String>()
        )
    };
    let gadget = |name: &str, version: &str, spec: &str| {
        format!("apiVersion: {group}/{version}\nkind: Gadget\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
    };
    let scaler = |version: &str, goal: &str| {
        format!(
            "apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web}}\nspec:\n  \
             scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: absent}}\n  maxReplicas: 3\n  {goal}\n"
        )
    };
    let spec = |name: &str| production.namespace.get(&[&format!("gadgets.{group}"), name])["spec"].clone();
    production.deploys(&[
        ("definition.yaml", &definition(&["v1", "v1beta1", "v1beta2"])),
        ("one.yaml", &gadget("one", "v1beta1", "a: x, b: x")),
        ("two.yaml", &gadget("two", "v1beta1", "a: x, b: x")),
        ("three.yaml", &gadget("three", "v1beta2", "a: x, b: x")),
        ("scaler.yaml", &scaler("v1", "targetCPUUtilizationPercentage: 80")),
    ]);
    let listed = production.inventory();

    // A field goes with the version that declared it.
    let metrics = "metrics: [{type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 70}}}]";
    let (one, after) = (gadget("one", "v1", "a: x"), scaler("v2", metrics));
    production.deploys(&[("one.yaml", &one), ("scaler.yaml", &after)]);
    assert_eq!(spec("one"), serde_json::json!({"a": "x"}));
    let metrics =
        production.namespace.get(&["horizontalpodautoscalers.v2.autoscaling", "web"])["spec"]["metrics"]
            .clone();
    assert_eq!(
        (metrics.as_array().map(Vec::len), &metrics[0]["resource"]["name"]),
        (Some(1), &"memory".into())
    );
    is_written_once(&production, "one.yaml", &one);
    is_written_once(&production, "scaler.yaml", &after);

    // The cluster stops to serve the version that the inventory has of the others: with the push, and before.
    let two = gadget("two", "v1", "a: x");
    let three = gadget("three", "v1", "a: x");
    let patch = r#"[{"op": "remove", "path": "/spec/versions/1"}]"#;
    let crd = format!("gadgets.{group}");
    production.cluster.kubectl(&["patch", "crd", &crd, "--type=json", "--patch", patch]).succeeds();
    let (_, seen) = production.deploys(&[("two.yaml", &two)]);
    assert!(seen.contains("which the cluster no longer"), "{seen}");
    production.deploys(&[("definition.yaml", &definition(&["v1"])), ("three.yaml", &three)]);
    for (name, file, text) in [("two", "two.yaml", &two), ("three", "three.yaml", &three)] {
        assert_eq!(spec(name), serde_json::json!({"a": "x"}), "{name}");
        is_written_once(&production, file, text);
    }
    assert_eq!(production.inventory(), listed, "the same objects, each listed once");
    production.cluster.kubectl(&["delete", "crd", &format!("gadgets.{group}"), "--wait=false"]).succeeds();
}
