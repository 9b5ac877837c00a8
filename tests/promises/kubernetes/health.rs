//! An accepted push ends when what it deployed is healthy, or with the reason why it is not.

use serde_json::Value;

use super::Production;
use crate::common::{World, shop::replace, spawn};

/// A manifest of a Deployment, whose Pods behave as told.
fn web(replicas: usize, behave: &str) -> String {
    workload("Deployment", replicas, behave)
}

fn workload(kind: &str, replicas: usize, behave: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: {kind}
metadata:
  name: web
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: web}}
  template:
    metadata:
      labels: {{app: web}}
      annotations: {{test.instate.dev/behave: \"{behave}\"}}
    spec:
      initContainers:
      - {{name: prepare, image: 'prepare:1'}}
      containers:
      - {{name: web, image: 'web:1'}}
"
    )
}

fn job(name: &str, behave: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations: {{test.instate.dev/behave: \"{behave}\"}}
    spec:
      restartPolicy: Never
      containers:
      - {{name: migrate, image: 'migrate:1'}}
"
    )
}

const CLAIM: &str = "apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: orders
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: nowhere
  resources: {requests: {storage: 1Gi}}
";

/// A kind whose status nobody keeps from being written with the rest.
const WIDGETS: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.GROUP
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

fn widget(group: &str, colour: &str) -> String {
    format!("apiVersion: {group}/v1\nkind: Widget\nmetadata:\n  name: one\nspec:\n  colour: {colour}\n")
}

const QUOTA: &str = r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
    "spec": {"hard": {"pods": "1"}}}"#;

/// Everything whose health there is, and it is well.
const KINDS: &str = include_str!("../fixtures/kinds.yaml");

#[test]
fn a_deployment_is_deployed_when_its_pods_are_ready() {
    let world = World::new();
    let production = Production::new(&world);
    let (revision, seen) = production.deploys(&[("web.yaml", &web(3, ""))]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
}

#[test]
fn pods_that_become_ready_late_are_waited_for() {
    let world = World::new();
    let production = Production::new(&world);
    let late = web(1, "").replace("behave: \"\"", "ready-after: 3s");
    let (_, seen) = production.deploys(&[("web.yaml", &late)]);
    assert!(seen.contains("Deployment/web in "), "{seen}");
    let web = production.namespace.get(&["deployment", "web"]);
    assert_eq!(web["status"]["availableReplicas"], 1, "{web}");
}

#[test]
fn pods_that_never_become_ready_fail_a_deployment_and_a_push_that_mends_them_is_deployed() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "6s");
    let (revision, seen) = production.fails(&[("web.yaml", &web(3, "never-ready"))]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
    let (_, seen) = production.deploys(&[("web.yaml", &web(3, ""))]);
    insta::assert_snapshot!(seen);
}

#[test]
fn a_container_that_crashes_after_it_was_ready_fails_a_deployment() {
    let world = World::new();
    let production = Production::with(&world, |it| (it.timeout, it.settle) = ("6s", "4s"));
    let two = web(1, "crash").replace("annotations: {", "annotations: {test.instate.dev/container: web, ")
        + "      - {name: proxy, image: 'proxy:1'}\n";
    let (revision, seen) = production.fails(&[("web.yaml", &two)]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
}

#[test]
fn an_image_that_cannot_be_pulled_fails_a_deployment() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "6s");
    let (revision, seen) = production.fails(&[("web.yaml", &web(3, "image-pull"))]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
}

#[test]
fn an_init_container_that_fails_fails_a_deployment() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "6s");
    let (revision, seen) = production.fails(&[("web.yaml", &workload("StatefulSet", 2, "init-fails"))]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
}

#[test]
fn a_job_that_fails_fails_a_deployment_at_once_and_one_that_mends_it_takes_its_place() {
    let world = World::new();
    let production = Production::new(&world);
    let (revision, seen) = production.fails(&[("job.yaml", &job("migrate", "job-fails"))]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
    let (_, seen) = production.deploys(&[("job.yaml", &job("migrate", ""))]);
    insta::assert_snapshot!(seen);
}

#[test]
fn a_pod_of_its_own_that_ends_badly_fails_a_deployment_at_once() {
    let world = World::new();
    let production = Production::with(&world, |it| it.settle = "6s");
    let pod = "apiVersion: v1
kind: Pod
metadata:
  name: once
  annotations: {test.instate.dev/behave: crash}
spec:
  restartPolicy: Never
  containers:
  - {name: once, image: 'once:1'}
";
    let (revision, seen) = production.fails(&[("pod.yaml", pod)]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
}

#[test]
fn a_quota_that_forbids_the_pods_fails_a_deployment() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "6s");
    production.namespace.apply(QUOTA, &[]).succeeds();
    production.namespace.kubectl(&["wait", "--for=jsonpath={.status.hard.pods}=1", "quota/small"]).succeeds();
    let (revision, seen) = production.fails(&[("web.yaml", &web(3, ""))]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
}

#[test]
fn a_pod_that_no_node_takes_fails_a_deployment() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "6s");
    let large = web(1, "").replace("'web:1'", "'web:1', resources: {requests: {cpu: 1000}}");
    let (revision, seen) = production.fails(&[("web.yaml", &large)]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
}

#[test]
fn a_deployment_that_waits_is_given_up_and_what_was_written_stays_until_a_revert() {
    let world = World::new();
    let production = Production::with(&world, |configuration| configuration.timeout = "10m");
    let (first, _) = production.deploys(&[("web.yaml", &web(1, ""))]);
    let revision = production.commit(&[("web.yaml", &web(1, "never-ready"))]);
    let pushing = spawn(production.ana.git_command(&["push", "origin", "main"]));
    pushing.wait_for("waiting since");
    let cancelled = production.instate(&["cancel"]).succeeds();
    insta::assert_snapshot!("cancelled", cancelled.stdout);
    pushing.finish().succeeds();
    production.idle();
    assert_eq!(production.outcomes(&revision), ["production failed"]);
    assert_eq!(production.deployed(), Some(first));
    assert!(production.note(&revision).contains("Healthy: no"), "{}", production.note(&revision));
    production.ana.git(&["revert", "--no-edit", "HEAD"]).succeeds();
    production.deploys(&[]);
}

#[test]
fn a_claim_that_nobody_binds_fails_a_deployment() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "6s");
    let (revision, seen) = production.fails(&[("claim.yaml", CLAIM)]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
}

#[test]
fn a_claim_that_waits_for_its_first_pod_is_as_well_as_it_can_be() {
    let world = World::new();
    let production = Production::new(&world);
    let class = production.late_class();
    production.deploys(&[("claim.yaml", &CLAIM.replace("nowhere", &class))]);
    let claim = production.namespace.get(&["pvc", "orders"]);
    assert_eq!(claim["status"]["phase"], "Pending", "{claim}");
    production.cluster.kubectl(&["delete", "storageclass", &class]).succeeds();
}

#[test]
fn a_custom_resource_is_waited_for_as_long_as_its_controller_says_so_and_not_where_nobody_says_anything() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "8s");
    // Definitions belong to the whole cluster.
    let group = format!("{}.example.com", production.namespace.name());
    let widgets = WIDGETS.replace("GROUP", &group);
    let (_, seen) = production.deploys(&[("widgets.yaml", &widgets), ("one.yaml", &widget(&group, "red"))]);
    insta::assert_snapshot!("custom_silent", seen.replace(&group, "GROUP"));
    // What a controller would do.
    let says = |kind: &str, status: &str| {
        let said = format!(
            r#"{{"status": {{"conditions": [{{"type": "{kind}", "status": "{status}", "message": "it has no wheels"}}]}}}}"#
        );
        production
            .namespace
            .kubectl(&["patch", &format!("widgets.{group}"), "one", "--type=merge", "--patch", &said])
            .succeeds();
    };
    says("Ready", "False");
    let (_, seen) = production.fails(&[("one.yaml", &widget(&group, "green"))]);
    insta::assert_snapshot!("custom_waits", seen);
    says("Stalled", "True");
    let (_, seen) = production.fails(&[("one.yaml", &widget(&group, "blue"))]);
    insta::assert_snapshot!("custom_never", seen);
    says("Ready", "True");
    let (_, seen) = production.deploys(&[("one.yaml", &widget(&group, "white"))]);
    insta::assert_snapshot!("custom_ready", seen);
    production
        .cluster
        .kubectl(&["delete", "customresourcedefinition", &format!("widgets.{group}")])
        .succeeds();
}

/// What is written at once is said in any order.
fn sorted(seen: &str) -> String {
    let mut lines: Vec<&str> = seen.lines().collect();
    let is_written = |line: &&str| ["  created ", "  updated "].iter().any(|word| line.starts_with(word));
    lines.chunk_by_mut(|a, b| is_written(a) && is_written(b)).for_each(<[&str]>::sort_unstable);
    lines.join("\n")
}

#[test]
fn a_kind_with_an_expression_is_waited_for_and_is_as_that_says() {
    let world = World::new();
    let mut production = Production::with(&world, |it| it.timeout = "8s");
    let group = format!("{}.example.com", production.namespace.name());
    let rule = "healthy: \"object.status.phase == 'Ready'\", failed: \"object.status.phase == 'Broken'\", \
                reason: \"object.status.message\"";
    production.reconfigure(|it| {
        it.health = format!("{group}/Widget: {{{rule}}}, ConfigMap: {{healthy: \"'ready' in object.data\"}}");
    });
    let widgets = WIDGETS.replace("GROUP", &group);
    // A kind that is never waited for without one, and a custom resource of which nobody says anything.
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {is: \"1\"}\n";
    let (_, seen) = production.fails(&[
        ("widgets.yaml", &widgets),
        ("one.yaml", &widget(&group, "red")),
        ("a.yaml", config),
    ]);
    insta::assert_snapshot!("expression_silent", sorted(&seen.replace(&group, "GROUP")));
    let says = |phase: &str, message: &str| {
        let said = format!(
            r#"{{"status": {{"phase": "{phase}", "message": "{message}", "conditions": [{{"type": "Ready", "status": "True"}}]}}}}"#
        );
        production
            .namespace
            .kubectl(&["patch", &format!("widgets.{group}"), "one", "--type=merge", "--patch", &said])
            .succeeds();
    };
    let ready = config.replace("is: \"1\"", "ready: \"1\"");
    says("Rolling", "it gets its wheels");
    let (_, seen) = production.fails(&[("one.yaml", &widget(&group, "green")), ("a.yaml", &ready)]);
    insta::assert_snapshot!("expression_waits", sorted(&seen));
    says("Broken", "it has no wheels");
    let (_, seen) = production.fails(&[("one.yaml", &widget(&group, "blue"))]);
    insta::assert_snapshot!("expression_never", seen);
    says("Ready", "");
    let (_, seen) = production.deploys(&[("one.yaml", &widget(&group, "white"))]);
    insta::assert_snapshot!("expression_ready", seen);
    production
        .cluster
        .kubectl(&["delete", "customresourcedefinition", &format!("widgets.{group}")])
        .succeeds();
}

#[test]
fn an_update_that_fails_is_told_by_its_new_pods_and_a_revert_brings_back_what_was() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "6s");
    let (good, _) = production.deploys(&[("web.yaml", &web(2, ""))]);
    let (_, seen) = production.fails(&[("web.yaml", &web(2, "image-pull"))]);
    insta::assert_snapshot!(seen);
    // What was wrong with the revision before is no reason of this one.
    let (_, seen) = production.fails(&[("web.yaml", &web(2, "never-ready"))]);
    insta::assert_snapshot!(seen);
    production.ana.git(&["revert", "--no-edit", &format!("{good}..HEAD")]).succeeds();
    let pushed = production.push().succeeds();
    insta::assert_snapshot!(production.seen(&pushed));
    let pods = production.namespace.get(&["pods"]);
    assert_eq!(pods["items"].as_array().map(Vec::len), Some(2), "{pods}");
}

#[test]
fn several_that_are_not_well_are_told_one_by_one() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "6s");
    let other = web(1, "image-pull").replace("name: web\n", "name: shop\n").replace("app: web", "app: shop");
    let (_, seen) = production.fails(&[
        ("claim.yaml", CLAIM),
        ("shop.yaml", &other),
        ("web.yaml", &web(3, "init-fails")),
    ]);
    let last: Vec<&str> = seen.lines().skip_while(|line| !line.contains("failed: ")).collect();
    insta::assert_snapshot!(last.join("\n"));
}

#[test]
fn every_kind_that_becomes_ready_is_waited_for() {
    let world = World::new();
    let production = Production::new(&world);
    // Volumes belong to the whole cluster.
    let kinds = KINDS.replace("orders-volume", &format!("orders-{}", production.namespace.name()));
    let (revision, seen) = production.deploys(&[("kinds.yaml", &kinds)]);
    // A claim that is bound at the first look is not worth a line.
    let mut lines: Vec<&str> = seen.lines().filter(|line| !line.ends_with("is bound")).collect();
    // Those of one step come in any order.
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"));
    assert!(production.note(&revision).contains("Changes: 8 created"), "{}", production.note(&revision));

    let at = |object: &str, path: &str| {
        production.namespace.get(&[object]).pointer(path).cloned().unwrap_or(Value::Null)
    };
    assert_eq!(at("pvc/orders", "/status/phase"), "Bound");
    assert_eq!(at("job/migrate", "/status/succeeded"), 1);
    assert_eq!(at("statefulset/carts", "/status/readyReplicas"), 2);
    assert_eq!(at("daemonset/logs", "/status/numberAvailable"), 2);
    assert_eq!(at("replicaset/queue", "/status/availableReplicas"), 1);
    assert_eq!(at("pod/once", "/status/phase"), "Running");

    // What is well is not waited for again.
    replace(&production.ana, "kinds.yaml", "port: 80", "port: 81");
    let (_, seen) = production.deploys(&[]);
    insta::assert_snapshot!(seen);
}
