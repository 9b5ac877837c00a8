//! What only the API server knows is refused at the push, with its place, and nothing is written.

use super::Production;
use crate::common::{Webhook, World, eventually};

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: web:1
        env:
        - {name: COLOR, value: red}
";

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - name: http
    port: 80
    targetPort: 8080
";

const JOB: &str = "apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: migrate, image: 'migrate:1'}
";

const FROZEN: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: frozen
immutable: true
data:
  color: red
";

/// A kind of this namespace's own: kinds belong to the whole cluster.
fn widgets(production: &Production<'_>) -> String {
    let group = format!("{}.example.com", production.namespace.name());
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.{group}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {{type: integer, maximum: 10}}
              color: {{type: string, enum: [red, green]}}
              tags: {{type: array, items: {{type: string}}}}
            x-kubernetes-validations:
            - {{rule: \"self.size != 7\", message: seven is taken}}
"
    );
    production.defines(&definition, &group, "WidgetList");
    format!("apiVersion: {group}/v1\nkind: Widget\nmetadata:\n  name: first\nspec:\n  size: 3\n")
}

/// An environment in which a Deployment and a Service run.
fn running(world: &World) -> Production<'_> {
    let production = Production::new(world);
    production.deploys(&[("web.yaml", WEB), ("service.yaml", SERVICE)]);
    production
}

#[test]
fn a_field_that_cannot_be_changed_is_refused() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[
        ("web.yaml", WEB),
        ("service.yaml", SERVICE),
        ("frozen.yaml", FROZEN),
        ("carts.yaml", &WEB.replace("Deployment", "StatefulSet").replace("name: web\n", "name: carts\n")),
    ]);
    let other = WEB.replace("app: web", "app: site");
    insta::assert_snapshot!("immutable_selector", production.refused(&[("web.yaml", &other)]));
    let address = SERVICE.replace("spec:\n", "spec:\n  clusterIP: 10.0.99.99\n");
    insta::assert_snapshot!("immutable_cluster_ip", production.refused(&[("service.yaml", &address)]));
    let thawed = FROZEN.replace("red", "green");
    insta::assert_snapshot!("immutable_config_map", production.refused(&[("frozen.yaml", &thawed)]));
    let carts = WEB
        .replace("Deployment", "StatefulSet")
        .replace("name: web\n", "name: carts\n")
        .replace("spec:\n  replicas", "spec:\n  serviceName: web\n  replicas");
    insta::assert_snapshot!("immutable_stateful_set", production.refused(&[("carts.yaml", &carts)]));
}

#[test]
fn a_job_that_changes_is_replaced_and_so_is_what_says_that_it_may_be() {
    let world = World::new();
    let production = Production::new(&world);
    let replaceable =
        WEB.replace("  name: web\nspec", "  name: web\n  annotations: {instate.dev/replace: allowed}\nspec");
    production.deploys(&[("job.yaml", JOB), ("web.yaml", &replaceable)]);
    let uid = |object: &str| production.namespace.get(&[object])["metadata"]["uid"].clone();
    let before = (uid("job/migrate"), uid("deployment/web"));

    production.commit(&[("job.yaml", &JOB.replace("migrate:1", "migrate:2"))]);
    let plan = |revision: &str| production.instate(&["plan", revision]).all();
    let revision = production.ana.git(&["rev-parse", "HEAD"]).succeeds().stdout;
    let mark = production.cluster.mark();
    production.ana.git(&["push", "--quiet", "origin", "HEAD:refs/heads/next"]).succeeds();
    insta::assert_snapshot!("replaced_plan", plan(revision.trim()));
    assert_eq!(production.writes_since(mark), Vec::<String>::new(), "neither the push nor the plan");
    let (_, seen) = production.deploys(&[]);
    insta::assert_snapshot!("replaced_job", seen);
    assert_ne!(uid("job/migrate"), before.0);
    assert_eq!(uid("deployment/web"), before.1);

    let (_, seen) = production.deploys(&[("web.yaml", &replaceable.replace("app: web", "app: site"))]);
    insta::assert_snapshot!("replaced_deployment", seen);
    assert_ne!(uid("deployment/web"), before.1);
}

#[test]
fn a_field_that_the_schema_does_not_have_is_refused() {
    let world = World::new();
    let production = Production::new(&world);
    for (name, file, from, to) in [
        ("field_unknown", "web.yaml", "replicas: 1", "replica: 1"),
        (
            "field_unknown_in_a_list",
            "web.yaml",
            "image: web:1",
            "image: web:1\n        imagePullPolice: Always",
        ),
        ("field_of_another_type", "web.yaml", "replicas: 1", "replicas: many"),
        ("field_text_that_is_a_number", "web.yaml", "value: red", "value: 8080"),
        ("field_out_of_range", "service.yaml", "port: 80\n", "port: 99999\n"),
        (
            "field_out_of_choice",
            "web.yaml",
            "      containers:",
            "      restartPolicy: Sometimes\n      containers:",
        ),
        ("fields_two_of_them", "web.yaml", "replicas: 1", "replica: 1\n  paused: perhaps"),
    ] {
        let text = if file == "web.yaml" { WEB } else { SERVICE };
        assert!(text.contains(from), "{name}");
        let seen = production.refused(&[("web.yaml", WEB), (file, &text.replacen(from, to, 1))]);
        insta::assert_snapshot!(name, seen);
    }
}

#[test]
fn a_field_that_the_schema_does_not_have_is_refused_also_of_what_runs() {
    let world = World::new();
    let production = running(&world);
    for (name, from, to) in [
        ("running_field_unknown", "replicas: 1", "replica: 1"),
        ("running_field_of_another_type", "replicas: 1", "replicas: many"),
        ("running_field_out_of_range", "value: red}", "value: red}\n        ports: [{containerPort: 99999}]"),
    ] {
        assert!(WEB.contains(from), "{name}");
        insta::assert_snapshot!(name, production.refused(&[("web.yaml", &WEB.replacen(from, to, 1))]));
    }
}

#[test]
fn a_custom_resource_is_judged_by_the_definition_that_the_cluster_has() {
    let world = World::new();
    let production = Production::new(&world);
    let widget = widgets(&production);
    for (name, to) in [
        ("widget_of_another_type", "size: big"),
        ("widget_unknown_field", "size: 3\n  colour: red"),
        ("widget_out_of_choice", "size: 3\n  color: blue"),
        ("widget_out_of_range", "size: 11"),
        ("widget_without_what_is_required", "color: red"),
        ("widget_against_a_rule", "size: 7"),
        ("widget_wrong_item", "size: 3\n  tags: [a, 5]"),
    ] {
        insta::assert_snapshot!(name, production.refused(&[("w.yaml", &widget.replace("size: 3", to))]));
    }
    production.deploys(&[("w.yaml", &widget)]);
    let seen = production.refused(&[("w.yaml", &widget.replace("size: 3", "size: big"))]);
    insta::assert_snapshot!("widget_running_of_another_type", seen);
}

#[test]
fn a_kind_that_the_cluster_does_not_have_is_refused() {
    let world = World::new();
    let production = Production::new(&world);
    for (name, from, to) in [
        ("kind_misspelt", "kind: Deployment", "kind: Deploymnet"),
        ("kind_of_no_version", "apiVersion: apps/v1", "apiVersion: apps/v2"),
        ("kind_of_no_group", "apiVersion: apps/v1", "apiVersion: shops.example.com/v1"),
        ("kind_of_another_group", "apiVersion: apps/v1", "apiVersion: batch/v1"),
    ] {
        insta::assert_snapshot!(name, production.refused(&[("web.yaml", &WEB.replacen(from, to, 1))]));
    }
}

#[test]
fn a_namespace_that_is_not_there_is_refused_unless_the_push_declares_it() {
    let world = World::new();
    let production = Production::new(&world);
    let missing = SERVICE.replace("  name: web\nspec", "  name: web\n  namespace: nowhere\nspec");
    insta::assert_snapshot!("namespace_missing", production.refused(&[("service.yaml", &missing)]));

    // As far as can be without it, what is in it is checked.
    let other = format!("{}-other", production.namespace.name());
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {other}\n");
    let web = WEB.replacen("  name: web\n", &format!("  name: web\n  namespace: {other}\n"), 1);
    for (name, from, to) in [
        ("namespace_declared_field_unknown", "replicas: 1", "replica: 1"),
        ("namespace_declared_field_of_another_type", "replicas: 1", "replicas: many"),
        ("namespace_declared_selector", "matchLabels: {app: web}", "matchLabels: {app: site}"),
    ] {
        let wrong = web.replacen(from, to, 1);
        let seen = production.refused(&[("namespace.yaml", &namespace), ("web.yaml", &wrong)]);
        insta::assert_snapshot!(name, seen);
    }
    let (_, seen) = production.deploys(&[("namespace.yaml", &namespace), ("web.yaml", &web)]);
    insta::assert_snapshot!("namespace_declared", seen);
    production.cluster.kubectl(&["delete", "namespace", &other, "--wait=false"]).succeeds();

    let other = World::new();
    let production = Production::with(&other, |it| it.namespace = "nowhere".to_owned());
    insta::assert_snapshot!(
        "namespace_of_the_environment_missing",
        production.refused(&[("README.md", "x")])
    );
}

#[test]
fn a_quota_that_a_push_exceeds_refuses_it() {
    let world = World::new();
    let production = Production::new(&world);
    let quota = r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
        "spec": {"hard": {"services": "0"}}}"#;
    production.namespace.apply(quota, &[]).succeeds();
    eventually("the quota is known", || {
        production.namespace.get(&["quota", "small"])["status"]["hard"]["services"] == "0"
    });
    insta::assert_snapshot!(production.refused(&[("web.yaml", WEB), ("service.yaml", SERVICE)]));
}

#[test]
fn a_webhook_that_refuses_is_heard_before_anything_is_written() {
    let world = World::new();
    let production = running(&world);
    let webhook = Webhook::of(&production.namespace);
    let label = |to: &str| {
        let labels = format!("  name: web\n  labels: {{test.instate.dev/refuse: \"{to}\"}}\nspec");
        WEB.replacen("  name: web\nspec", &labels, 1)
    };
    insta::assert_snapshot!("webhook_refuses", production.refused(&[("web.yaml", &label("yes"))]));
    let seen = production.refused(&[("web.yaml", &label("spec.replicas"))]);
    insta::assert_snapshot!("webhook_refuses_a_field", seen);
    let new = label("yes").replace("name: web\n", "name: site\n");
    insta::assert_snapshot!("webhook_refuses_what_is_new", production.refused(&[("site.yaml", &new)]));
    production.deploys(&[("web.yaml", &WEB.replace("web:1", "web:2"))]);
    drop(webhook);
}

#[test]
fn a_webhook_that_does_not_answer_shuts_the_gate() {
    let world = World::new();
    let production = running(&world);
    let mut webhook = Webhook::of(&production.namespace);
    webhook.ends();
    let seen = production.refused(&[("web.yaml", &WEB.replace("web:1", "web:2"))]);
    insta::assert_snapshot!(seen);
    drop(webhook);
    production.deploys(&[("web.yaml", &WEB.replace("web:1", "web:2"))]);
}

#[test]
fn a_webhook_that_cannot_be_asked_beforehand_is_a_warning() {
    let world = World::new();
    let production = running(&world);
    let webhook = Webhook::that_acts(&production.namespace);
    let new = SERVICE.replace("  name: web\n", "  name: site\n");
    let (_, seen) = production.deploys(&[("web.yaml", &WEB.replace("web:1", "web:2")), ("site.yaml", &new)]);
    insta::assert_snapshot!(seen);
    // What it refuses then ends the deployment, with its words.
    let refuse = "  name: site\n  labels: {test.instate.dev/refuse: \"yes\"}\n";
    let (revision, seen) = production.fails(&[("site.yaml", &new.replace("  name: site\n", refuse))]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
    drop(webhook);
}

#[test]
fn what_the_clusters_user_may_not_do_is_refused() {
    let world = World::new();
    let mut production = Production::new(&world);
    let name = production.namespace.name().to_owned();
    let ben = format!("ben-of-{name}");
    production.reconfigure(|it| it.impersonate = Some(ben.clone()));
    insta::assert_snapshot!("permission_for_nothing", production.refused(&[("web.yaml", WEB)]));

    let grant = |role: &str| {
        let (role, user) = (format!("--clusterrole={role}"), format!("--user={ben}"));
        let binding = format!("{ben}{}", role.len());
        production.namespace.kubectl(&["create", "rolebinding", &binding, &role, &user]).succeeds();
    };
    grant("view");
    insta::assert_snapshot!("permission_to_look", production.refused(&[("web.yaml", WEB)]));

    // Who may do everything in a namespace needs nothing elsewhere.
    grant("admin");
    let mark = production.cluster.mark();
    production.deploys(&[("web.yaml", WEB), ("service.yaml", SERVICE)]);
    let wrote = production.cluster.requests_since(mark);
    let mut wrote = wrote.iter().filter(|it| it.is_of("instate/") && it.is_write() && it.namespace == name);
    assert!(wrote.all(|request| request.impersonated.as_ref() == Some(&ben)));
    let role = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: all-{name}\n"
    );
    insta::assert_snapshot!("permission_for_a_namespace", production.refused(&[("role.yaml", &role)]));
}
