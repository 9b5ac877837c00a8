//! In which order a first push deploys, and that the same revision is never written twice.

use insta::assert_snapshot;

use super::Production;
use crate::common::World;

/// One object of every kind that an ordinary cluster has, written in the ways that people write them:
/// quantities that the server writes otherwise, plain text in a Secret, ports by number and by name.
/// `NS` is the namespace, which also makes the names of what lives in none.
const EVERYTHING: &str = include_str!("everything.yaml");

#[test]
fn a_namespace_a_definition_and_all_that_needs_them_are_deployed_by_one_first_push() {
    let world = World::new();
    // A namespace that is not there: the revision brings it.
    let mut name = String::new();
    let production = Production::with(&world, |configuration| {
        name = format!("{}-new", configuration.namespace);
        configuration.namespace.clone_from(&name);
    });
    let mark = production.cluster.mark();
    // In an order in which nothing could be applied as it stands.
    let files = [
        ("a-gadget.yaml", format!("apiVersion: {name}.example.com/v1\nkind: Gadget\nmetadata: {{name: one}}\nspec: {{size: 3}}\n")),
        ("b-web.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {serviceAccountName: web, containers: [{name: web, image: \"web:1\"}]}\n".to_owned()),
        ("c-account.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n".to_owned()),
        ("d-definition.yaml", definition(&name)),
        ("e-namespace.yaml", format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{team: shop}}}}\n")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (_, seen) = production.deploys(&files);
    // Several objects of one stage are written at once, and any may be first.
    // That a definition is established is said only where somebody had to wait for it.
    let is_said_always =
        |line: &&str| !line.starts_with("  CustomResourceDefinition/") && line.trim() != "established";
    let mut lines: Vec<&str> = seen.lines().filter(is_said_always).collect();
    lines.sort_unstable();
    assert_snapshot!(lines.join("\n"));
    let requests = production.cluster.requests_since(mark);
    let writes: Vec<_> = requests.iter().filter(|r| r.is_of("instate/") && r.is_write()).collect();
    let ours = writes.iter().filter(|r| r.namespace == name || r.name.contains(&name));
    let order: Vec<String> = ours.clone().map(|r| r.resource.clone()).collect();
    let at = |resource: &str| {
        order.iter().position(|r| r == resource).unwrap_or_else(|| panic!("{resource}: {order:?}"))
    };
    assert_eq!(at("namespaces"), 0, "{order:?}");
    assert!(at("customresourcedefinitions") < at("gadgets"), "{order:?}");
    assert!(at("serviceaccounts") < at("pods"), "{order:?}");
    let team = production.cluster.get(&["namespace", &name]);
    assert_eq!(team["metadata"]["labels"]["team"], "shop", "{team}");
    production
        .cluster
        .kubectl(&["get", "--namespace", &name, &format!("gadgets.{name}.example.com/one")])
        .succeeds();
    // A second look finds nothing to do.
    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    production.cluster.kubectl(&["delete", "namespace", &name, "--wait=false"]).succeeds();
}

fn definition(group: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gadgets.{group}.example.com}}\n\
         spec:\n  group: {group}.example.com\n  scope: Namespaced\n  names: {{kind: Gadget, plural: gadgets}}\n  versions:\n  \
         - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        \
         properties: {{spec: {{type: object, properties: {{size: {{type: integer, default: 1}}}}}}}}\n"
    )
}

/// An API server describes a kind a moment after it says that its definition is established.
#[test]
fn a_kind_can_be_used_by_the_very_next_push() {
    let world = World::new();
    let production = Production::new(&world);
    let group = production.namespace.name();
    production.deploys(&[("gadgets.yaml", &definition(group))]);
    let gadget = format!("apiVersion: {group}.example.com/v1\nkind: Gadget\nmetadata: {{name: one}}\n");
    production.deploys(&[("one.yaml", &gadget)]);
    let crd = format!("gadgets.{group}.example.com");
    production.cluster.kubectl(&["delete", "crd", &crd, "--wait=false"]).succeeds();
}

#[test]
fn the_same_revision_is_never_written_twice_whatever_its_kinds() {
    let world = World::new();
    let production = Production::new(&world);
    let everything = EVERYTHING.replace("NS", production.namespace.name());
    production.deploys(&[("everything.yaml", &everything)]);

    // Everything is compared, and nothing is written.
    let mark = production.cluster.mark();
    let again = production.instate(&["deploy"]).succeeds();
    assert!(again.stdout.contains("nothing to change"), "{again}");
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    let plan = production.instate(&["plan"]).succeeds();
    assert!(plan.stdout.contains("nothing to change"), "{plan}");

    // A push of the same tree.
    let mark = production.cluster.mark();
    production.deploys(&[]);
    assert_eq!(production.writes_since(mark), Vec::<String>::new());

    // Another object changes: it is written, and no other.
    let mark = production.cluster.mark();
    production.deploys(&[("motd.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: motd}\n")]);
    let written = production.writes_since(mark);
    let others: Vec<&String> =
        written.iter().filter(|w| !w.contains("instate-production-") && !w.contains(" motd")).collect();
    assert_eq!(others, Vec::<&String>::new(), "{written:?}");
    production.ana.git(&["rm", "--quiet", "-r", "."]).succeeds();
    production
        .cluster
        .kubectl(&[
            "delete",
            "--ignore-not-found",
            "crd",
            &format!("gadgets.{}.example.com", production.namespace.name()),
        ])
        .succeeds();
}

#[test]
fn a_plan_tells_every_change_by_its_field_before_anything_is_changed() {
    let world = World::new();
    let production = Production::new(&world);
    let web = |replicas: u32, image: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: web}}}}\n  \
             template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: web, image: \"{image}\"}}]}}\n"
        )
    };
    let job = |image: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: migrate}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      \
             containers: [{{name: m, image: \"{image}\"}}]\n"
        )
    };
    let secret = |value: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: key}}\nstringData: {{value: {value}}}\n")
    };
    let (first, _) = production.deploys(&[
        ("web.yaml", &web(1, "web:1")),
        ("job.yaml", &job("m:1")),
        ("key.yaml", &secret("hunter22")),
        ("old.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n"),
    ]);
    production.ana.git(&["rm", "--quiet", "old.yaml"]).succeeds();
    production.deploys(&[
        ("web.yaml", &web(2, "web:2")),
        ("job.yaml", &job("m:2")),
        ("key.yaml", &secret("hunter33")),
        ("new.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n"),
    ]);
    let mark = production.cluster.mark();
    let plan = production.instate(&["plan", &first]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    assert_snapshot!(plan.stdout);
}

#[test]
fn what_has_not_changed_since_the_revision_that_runs_is_not_even_looked_at() {
    let world = World::new();
    let production = Production::new(&world);
    let config = |name: &str, value: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: \"{value}\"}}\n---\n"
        )
    };
    let many: Vec<(String, String)> =
        (0..10).map(|n| (format!("{n}.yaml"), config(&format!("c-{n}"), "1"))).collect();
    let mut files: Vec<(&str, &str)> =
        many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let two = config("a", "1") + &config("b", "1");
    files.push(("two.yaml", &two));
    production.deploys(&files);

    // One object of a file with two; the other is the same though its file is not.
    let mark = production.cluster.mark();
    production.deploys(&[("two.yaml", &(config("a", "1") + &config("b", "2")))]);
    let requests = production.cluster.requests_since(mark);
    let about = |name: &str| {
        let own = production.namespace.name();
        let ours = requests
            .iter()
            .filter(|r| r.is_of("instate/") && r.namespace == own && r.resource == "configmaps");
        ours.filter(|r| r.name == name).count()
    };
    assert!(about("b") > 0, "{requests:?}");
    assert_eq!(about("a") + about("c-0") + about(""), 0, "{requests:?}");

    // What a person changed is seen where everything is compared.
    production.namespace.kubectl(&["delete", "configmap", "c-3"]).succeeds();
    production.deploys(&[("9.yaml", &config("c-9", "2"))]);
    assert_ne!(production.namespace.kubectl(&["get", "configmap", "c-3"]).code, Some(0));
    let again = production.instate(&["deploy"]).succeeds();
    assert!(again.stdout.contains("created ConfigMap/c-3"), "{again}");
    assert_eq!(production.inventory(), production.labelled());
}

#[test]
fn the_context_that_the_configuration_names_is_used_and_not_the_current_one() {
    let world = World::new();
    let cluster = crate::common::Cluster::shared();
    let kubeconfig = world.path("kubeconfig");
    std::fs::copy(cluster.kubeconfig(), &kubeconfig).expect("the world is ours");
    let path = kubeconfig.display().to_string();
    let current = cluster.kubectl(&["config", "current-context"]).succeeds().stdout.trim().to_owned();
    for change in [
        &["set-cluster", "gone", "--server=https://127.0.0.1:1"][..],
        &["set-context", "gone", "--cluster=gone"],
        &["use-context", "gone"],
    ] {
        cluster.kubectl(&[&["config", "--kubeconfig", &path], change].concat()).succeeds();
    }
    let mut production =
        Production::with(&world, |configuration| configuration.kubeconfig.clone_from(&kubeconfig));
    let motd = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: motd}\n";
    let seen = production.refused(&[("motd.yaml", motd)]);
    assert!(seen.contains("the cluster does not answer"), "{seen}");
    production.reconfigure(|configuration| configuration.context = Some(current));
    production.deploys(&[("motd.yaml", motd)]);
}
