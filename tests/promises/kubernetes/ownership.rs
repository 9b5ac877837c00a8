//! What is deleted and what is not, and whose an object is.

use insta::assert_snapshot;

use super::Production;
use crate::common::{World, eventually};

fn web(replicas: u32) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: {replicas}\n  \
         selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    \
         spec: {{containers: [{{name: web, image: \"web:1\"}}]}}\n"
    )
}

fn config(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: \"{value}\"}}\n")
}

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n";

#[test]
fn removing_a_deployment_removes_it_and_its_pods_and_a_revert_brings_it_back() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("web.yaml", &web(2)), ("motd.yaml", &config("motd", "a"))]);
    production.holds_exactly(["Deployment/web", "ConfigMap/motd"], "the first");

    production.ana.git(&["rm", "--quiet", "web.yaml"]).succeeds();
    let (_, seen) = production.deploys(&[]);
    assert_snapshot!(seen);
    // Already when the push ends: what is deleted is waited for.
    let left = production.namespace.get(&["deployments,replicasets,pods"]);
    assert_eq!(left["items"].as_array().map(Vec::len), Some(0), "{left}");
    production.holds_exactly(["ConfigMap/motd"], "the removal");

    production.ana.git(&["revert", "--no-edit", "HEAD"]).succeeds();
    let pushed = production.push().succeeds();
    assert!(pushed.stderr.contains("Deployment/web in"), "{pushed}");
    let back = production.namespace.get(&["deployment", "web"]);
    assert_eq!(back["status"]["availableReplicas"], 2, "{back}");
    production.holds_exactly(["Deployment/web", "ConfigMap/motd"], "the revert");
}

#[test]
fn what_is_not_in_the_inventory_survives_every_prune() {
    let world = World::new();
    let production = Production::new(&world);
    let namespace = &production.namespace;
    production.deploys(&[("web.yaml", &web(1)), ("service.yaml", SERVICE), ("a.yaml", &config("a", "1"))]);
    // A controller's object with a copy of our label, and a stranger's without.
    let label = production.inventory_object()["metadata"]["labels"]["applyset.kubernetes.io/id"].clone();
    let label = label.as_str().expect("because it has one");
    let copied = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: copied, labels: {{applyset.kubernetes.io/part-of: {label}}}}}\n"
    );
    namespace.apply(&copied, &[]).succeeds();
    namespace.apply(&config("stranger", "1"), &[]).succeeds();
    eventually("the Service has its EndpointSlice, with our label", || {
        let slices = namespace.get(&[
            "endpointslices",
            "--selector",
            &format!("applyset.kubernetes.io/part-of={label}"),
        ]);
        slices["items"].as_array().is_some_and(|items| !items.is_empty())
    });
    let slice = || namespace.get(&["endpointslices"])["items"][0]["metadata"]["uid"].clone();
    let before = slice();

    production.ana.git(&["rm", "--quiet", "a.yaml"]).succeeds();
    production.deploys(&[]);
    assert_eq!(slice(), before, "a controller's object is not ours");
    for name in ["copied", "stranger"] {
        namespace.kubectl(&["get", "configmap", name]).succeeds();
    }
    let gone = namespace.kubectl(&["get", "configmap", "a"]);
    assert_ne!(gone.code, Some(0), "{gone}");
}

#[test]
fn an_object_that_somebody_else_created_anew_is_left_alone() {
    let world = World::new();
    let production = Production::new(&world);
    let namespace = &production.namespace;
    let files =
        [("a.yaml", &*config("a", "1")), ("b.yaml", &*config("b", "1")), ("c.yaml", &*config("c", "1"))];
    production.deploys(&files);
    // `a` is another object of the same name, label and all; `b` lost its label.
    let was = namespace.get(&["configmap", "a"]);
    let labels = was["metadata"]["labels"].to_string();
    namespace.kubectl(&["delete", "configmap", "a"]).succeeds();
    namespace
        .apply(&format!("{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {{\"name\": \"a\", \"labels\": {labels}}}}}"), &[])
        .succeeds();
    namespace
        .kubectl(&["label", "configmap", "b", "applyset.kubernetes.io/part-of-", "--overwrite"])
        .succeeds();
    namespace
        .kubectl(&[
            "patch",
            "configmap",
            "b",
            "--type=json",
            r#"--patch=[{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]"#,
        ])
        .succeeds();

    production.ana.git(&["rm", "--quiet", "a.yaml", "b.yaml"]).succeeds();
    let (_, seen) = production.deploys(&[]);
    assert_snapshot!(seen);
    for name in ["a", "b"] {
        namespace.kubectl(&["get", "configmap", name]).succeeds();
    }
    let listed: Vec<String> = production.inventory().into_keys().collect();
    assert_eq!(listed, ["ConfigMap/c"]);
}

#[test]
fn two_environments_of_one_name_never_touch_each_others_objects() {
    let (world, other_world) = (World::new(), World::new());
    let ours = Production::new(&world);
    let theirs = Production::with(&other_world, |configuration| {
        ours.namespace.name().clone_into(&mut configuration.namespace);
    });
    ours.deploys(&[("web.yaml", &web(1)), ("a.yaml", &config("a", "1"))]);

    // Taking one is refused, with its owner's name, also where nothing of it would change.
    let seen = theirs.refused(&[("web.yaml", &web(1)), ("mine.yaml", &config("mine", "1"))]);
    assert_snapshot!(other_world.redact(&world.redact(&seen)));

    theirs.deploys(&[("mine.yaml", &config("mine", "1"))]);
    // Each changes and removes what it has, and the other's stays as it is.
    ours.ana.git(&["rm", "--quiet", "a.yaml"]).succeeds();
    ours.deploys(&[("web.yaml", &web(2))]);
    let mine = ours.namespace.get(&["configmap", "mine"]);
    assert_eq!(mine["data"]["value"], "1", "{mine}");
    theirs.deploys(&[("mine.yaml", &config("mine", "2")), ("b.yaml", &config("b", "1"))]);
    let web = ours.namespace.get(&["deployment", "web"]);
    assert_eq!(web["spec"]["replicas"], 2, "{web}");
    // What the other has given up may be had.
    theirs.deploys(&[("a.yaml", &config("a", "2"))]);
}

#[test]
fn a_revision_without_objects_never_deletes_the_environment() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("a.yaml", &config("a", "1")), ("b.yaml", &config("b", "1"))]);
    production.ana.git(&["rm", "--quiet", "b.yaml"]).succeeds();
    assert_snapshot!(production.refused(&[("a.yaml", "# nothing is left\n")]));
    production.holds_exactly(["ConfigMap/a", "ConfigMap/b"], "the refusal");
}

#[test]
fn what_a_revert_could_not_bring_back_is_not_deleted() {
    let world = World::new();
    let production = Production::new(&world);
    let namespace = production.namespace.name();
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n  accessModes: [ReadWriteOnce]\n  storageClassName: manual\n  volumeName: ";
    let volume = format!(
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {namespace}-v}}\nspec:\n  accessModes: [ReadWriteOnce]\n  \
         storageClassName: manual\n  capacity: {{storage: 1Gi}}\n  hostPath: {{path: /tmp}}\n"
    );
    let other = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}-other}}\n");
    production.deploys(&[
        ("data.yaml", &format!("{claim}{namespace}-v\n  resources: {{requests: {{storage: 1Gi}}}}\n")),
        ("volume.yaml", &volume),
        ("other.yaml", &other),
        ("a.yaml", &config("a", "1")),
    ]);
    production.ana.git(&["rm", "--quiet", "data.yaml", "other.yaml"]).succeeds();
    assert_snapshot!(production.refused(&[]));
    // Who deletes it by hand has nothing to confirm.
    production.ana.git(&["rm", "--quiet", "data.yaml", "other.yaml"]).succeeds();
    production.namespace.kubectl(&["delete", "pvc", "data"]).succeeds();
    production.cluster.kubectl(&["delete", "namespace", &format!("{namespace}-other")]).succeeds();
    production.deploys(&[]);
    production.ana.git(&["rm", "--quiet", "volume.yaml"]).succeeds();
    production.deploys(&[]);
}

#[test]
fn what_a_person_changed_past_git_is_shown_field_by_field_and_healed() {
    let world = World::new();
    let production = Production::new(&world);
    let namespace = &production.namespace;
    production.deploys(&[
        ("web.yaml", &web(1)),
        ("a.yaml", &config("a", "1")),
        ("b.yaml", &config("b", "1")),
    ]);
    let mark = production.cluster.mark();
    assert_snapshot!("drift_none", production.instate(&["drift"]).succeeds().stdout);
    namespace.kubectl(&["patch", "configmap", "a", "--patch", r#"{"data": {"value": "x"}}"#]).succeeds();
    namespace.kubectl(&["delete", "configmap", "b"]).succeeds();
    // What somebody adds beside what Git declares is theirs.
    namespace.kubectl(&["annotate", "deployment", "web", "team=shop"]).succeeds();
    let drifted = production.instate(&["drift"]);
    assert_eq!(drifted.code, Some(1), "{drifted}");
    assert_snapshot!("drift_of_a_cluster", drifted.stdout);
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    production.instate(&["drift", "--heal"]).succeeds();
    production.idle();
    production.holds_exactly(["Deployment/web", "ConfigMap/a", "ConfigMap/b"], "healed");
    assert_eq!(namespace.get(&["configmap", "a"])["data"]["value"], "1");
    assert_eq!(namespace.get(&["deployment", "web"])["metadata"]["annotations"]["team"], "shop");
    production.instate(&["drift"]).succeeds();
}

#[test]
fn fields_of_a_persons_tool_are_taken_back_and_an_autoscalers_are_left_and_both_are_said() {
    let world = World::new();
    let production = Production::new(&world);
    let namespace = &production.namespace;
    production.deploys(&[("web.yaml", &web(1)), ("a.yaml", &config("a", "1"))]);
    namespace.kubectl(&["patch", "configmap", "a", "--patch", r#"{"data": {"value": "x"}}"#]).succeeds();
    // As a controller does it: by the subresource, under its own name.
    namespace.kubectl(&["scale", "deployment", "web", "--replicas=3"]).succeeds();
    namespace
        .kubectl(&[
            "patch",
            "deployment",
            "web",
            "--subresource=scale",
            "--field-manager=horizontal-pod-autoscaler",
            "--type=merge",
            "--patch",
            r#"{"spec": {"replicas": 4}}"#,
        ])
        .succeeds();
    let (_, seen) = production.deploys(&[("web.yaml", &web(2)), ("a.yaml", &config("a", "2"))]);
    assert_snapshot!(seen);
    assert_eq!(namespace.get(&["configmap", "a"])["data"]["value"], "2");
    assert_eq!(namespace.get(&["deployment", "web"])["spec"]["replicas"], 4);
    // And nothing more is to be done.
    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
}

#[test]
fn an_object_whose_version_is_no_longer_served_is_deleted_all_the_same() {
    let world = World::new();
    let production = Production::new(&world);
    let group = format!("{}.example.com", production.namespace.name());
    let definition = |old: bool| {
        let version = |name: &str, served: bool, storage: bool| {
            format!(
                "  - {{name: {name}, served: {served}, storage: {storage}, schema: {{openAPIV3Schema: {{type: object, \
                 x-kubernetes-preserve-unknown-fields: true}}}}}}\n"
            )
        };
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gadgets.{group}}}\nspec:\n  \
             group: {group}\n  scope: Namespaced\n  names: {{kind: Gadget, plural: gadgets}}\n  versions:\n{}{}",
            version("v1", true, true),
            version("v1beta1", old, false),
        )
    };
    let gadget = format!("apiVersion: {group}/v1beta1\nkind: Gadget\nmetadata: {{name: one}}\n");
    production.deploys(&[("definition.yaml", &definition(true)), ("gadget.yaml", &gadget)]);
    production.ana.git(&["rm", "--quiet", "gadget.yaml"]).succeeds();
    // Somebody else was quicker to take the version away.
    let crd = format!("gadgets.{group}");
    let patch = r#"[{"op": "replace", "path": "/spec/versions/1/served", "value": false}]"#;
    production.cluster.kubectl(&["patch", "crd", &crd, "--type=json", "--patch", patch]).succeeds();
    let (_, seen) = production.deploys(&[("definition.yaml", &definition(false))]);
    assert!(seen.contains("deleted Gadget/one"), "{seen}");
    let left = production.namespace.kubectl(&["get", &format!("gadgets.v1.{group}"), "one"]);
    assert_ne!(left.code, Some(0), "{left}");
}
