//! Fields that others hold: a person's are taken back, a controller's are left, and the object may say otherwise.

use insta::assert_snapshot;

use super::Production;
use crate::common::{World, go_on};

/// Objects of whose every kind a controller holds a field; `NS` is the namespace.
const HELD: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {sealed.example.com/by.whom: git}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: side, image: "side:1"}
      - {name: web, image: "web:1", resources: {limits: {cpu: 1000m, memory: 1Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{name: web, port: 80, nodePort: PORT}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NS-house}
webhooks:
- name: house.test.instate.dev
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  namespaceSelector: {matchLabels: {none: "true"}}
  rules: [{apiGroups: [""], apiVersions: [v1], resources: [pods], operations: [CREATE]}]
  clientConfig: {caBundle: Cg==, service: {name: web, namespace: NS}}
"#;

fn config(value: &str, annotations: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, annotations: {{{annotations}}}}}\ndata: {{value: \"{value}\", other: \"{value}\"}}\n"
    )
}

impl Production<'_> {
    /// A change as a controller makes it: under its own name.
    #[track_caller]
    fn controls(&self, manager: &str, object: &str, patch: &str) {
        let manager = format!("--field-manager={manager}");
        let sort = if patch.starts_with('[') { "--type=json" } else { "--type=merge" };
        self.namespace.kubectl(&["patch", object, &manager, sort, "--patch", patch]).succeeds();
    }
}

#[test]
fn any_field_that_a_controller_holds_is_left_to_it() {
    let world = World::new();
    let production = Production::new(&world);
    let name = production.namespace.name();
    // Each test its own, of those that a cluster gives away last.
    let held = HELD.replace("NS", name).replace("PORT", "30931");
    production.deploys(&[("held.yaml", &held)]);
    production.controls(
        "sealer",
        "deployment/web",
        r#"{"metadata": {"annotations": {"sealed.example.com/by.whom": "sealer"}}}"#,
    );
    production.controls(
        "vpa-updater",
        "deployment/web",
        r#"[{"op": "replace", "path": "/spec/template/spec/containers/1/resources/limits", "value": {"cpu": "2", "memory": "2Gi"}}]"#,
    );
    production.controls(
        "ports",
        "service/web",
        r#"[{"op": "replace", "path": "/spec/ports/0/nodePort", "value": 30932}]"#,
    );
    production.controls(
        "cert-manager-cainjector",
        &format!("validatingwebhookconfiguration/{name}-house"),
        r#"[{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": "LS0="}]"#,
    );
    let changed = held
        .replace("image: \"web:1\"", "image: \"web:2\"")
        .replace("failurePolicy: Ignore", "failurePolicy: Ignore\n  timeoutSeconds: 5");
    let (_, seen) = production.deploys(&[("held.yaml", &changed)]);
    assert_snapshot!(
        "left",
        seen.lines().filter(|line| !line.starts_with("  updated")).collect::<Vec<_>>().join("\n")
    );
    let web = production.namespace.get(&["deployment", "web"]);
    assert_eq!(web["metadata"]["annotations"]["sealed.example.com/by.whom"], "sealer");
    let container = &web["spec"]["template"]["spec"]["containers"][1];
    assert_eq!(
        (&container["image"], &container["resources"]["limits"]["cpu"]),
        (&"web:2".into(), &"2".into())
    );
    let service = production.namespace.get(&["service", "web"]);
    assert_eq!(service["spec"]["ports"][0]["nodePort"], 30932, "{service}");
    let webhook = production.cluster.get(&["validatingwebhookconfiguration", &format!("{name}-house")]);
    assert_eq!(webhook["webhooks"][0]["clientConfig"]["caBundle"], "LS0=");
    assert_eq!(webhook["webhooks"][0]["timeoutSeconds"], 5);
    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
}

#[test]
fn an_object_says_itself_what_its_conflicts_come_to() {
    let world = World::new();
    let production = Production::new(&world);
    let value = || {
        let data = production.namespace.get(&["configmap", "a"])["data"].clone();
        format!("{} {}", data["value"], data["other"])
    };
    // A person and a controller each hold one field.
    let meddle = || {
        production.controls("kubectl-edit", "configmap/a", r#"{"data": {"value": "p"}}"#);
        production.controls("controller", "configmap/a", r#"{"data": {"other": "c"}}"#);
    };
    production.deploys(&[("a.yaml", &config("1", ""))]);
    meddle();
    let (_, seen) = production.deploys(&[("a.yaml", &config("2", "instate.dev/conflicts: take"))]);
    assert_snapshot!("wish_take", seen);
    assert_eq!(value(), r#""2" "2""#);
    meddle();
    let (_, seen) = production.deploys(&[("a.yaml", &config("3", "instate.dev/conflicts: leave"))]);
    assert_snapshot!("wish_leave", seen);
    assert_eq!(value(), r#""p" "c""#);
    assert_snapshot!(
        "wish_refuse",
        production.refused(&[("a.yaml", &config("4", "instate.dev/conflicts: refuse"))])
    );
    assert_snapshot!(
        "wish_unknown",
        production.refused(&[("a.yaml", &config("4", "instate.dev/conflicts: leav"))])
    );
}

#[test]
fn a_field_that_cannot_be_left_is_a_finding_and_is_never_taken() {
    let world = World::new();
    let production = Production::new(&world);
    let group = format!("{}.example.com", production.namespace.name());
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gadgets.{group}}}\nspec:\n  \
         group: {group}\n  scope: Namespaced\n  names: {{kind: Gadget, plural: gadgets}}\n  versions:\n  \
         - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: array, \
         x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {{type: object, required: [name], \
         properties: {{name: {{type: string}}, weight: {{type: integer}}}}}}}}}}}}}}\n"
    );
    // A name that an API server writes in a way that nobody else reads.
    let gadget = |weight: u32| {
        format!(
            "apiVersion: {group}/v1\nkind: Gadget\nmetadata: {{name: one}}\nspec:\n- {{name: \"a\\a\", weight: {weight}}}\n"
        )
    };
    production.deploys(&[("definition.yaml", &definition), ("gadget.yaml", &gadget(1))]);
    let object = format!("gadgets.{group}/one");
    production.controls("weigher", &object, r#"[{"op": "replace", "path": "/spec/0/weight", "value": 7}]"#);
    assert_snapshot!("not_left", production.refused(&[("gadget.yaml", &gadget(2))]));
    let crd = format!("gadgets.{group}");
    production.cluster.kubectl(&["delete", "crd", &crd, "--wait=false"]).succeeds();
}

#[test]
fn what_a_controller_changes_between_plan_and_apply_is_not_overwritten() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("a.yaml", &config("1", ""))]);
    production.controls("kubectl-edit", "configmap/a", r#"{"data": {"value": "p"}}"#);
    let id = production.commit(&[("a.yaml", &config("2", ""))]);
    let push = production.push_at(&production.ana, "planned=return(stop)");
    let worker = production.stopped(&["hook", "worker"]);
    production.controls("controller", "configmap/a", r#"{"data": {"other": "c"}}"#);
    go_on(worker);
    let pushed = push.finish().succeeds();
    production.at_rest();
    assert_eq!(production.outcomes(&id), ["production failed"], "{pushed}");
    assert!(pushed.stderr.contains("controller changed"), "{pushed}");
    assert_eq!(production.namespace.get(&["configmap", "a"])["data"]["other"], "c", "{pushed}");
    // Asked once more it is planned anew: what is a controller's is left to it.
    production.instate(&["deploy"]).succeeds();
    let data = production.namespace.get(&["configmap", "a"])["data"].clone();
    assert_eq!((&data["value"], &data["other"]), (&"2".into(), &"c".into()));
}
