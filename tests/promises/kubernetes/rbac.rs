//! What instate's user must be allowed to do, as `docs/rbac.md` has it.

use serde_json::Value;

use super::Production;
use crate::common::{World, shop::replace};

const PAGE: &str = include_str!("../../../docs/rbac.md");

/// The Role of the page, in a namespace.
fn role(namespace: &str) -> Value {
    let mut role = documents().swap_remove(0);
    role["metadata"]["namespace"] = namespace.into();
    role
}

fn documents() -> Vec<Value> {
    let blocks = PAGE.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.map(crate::broken::table::read).collect()
}

const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n  \
    accessModes: [ReadWriteOnce]\n  storageClassName: slow\n  resources: {requests: {storage: 1Gi}}\n";
const OTHERS: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n---\n\
    apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {a: b}\n---\n\
    apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n---\n\
    apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web}\nspec: {podSelector: {}}\n---\n\
    apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      \
    containers: [{name: once, image: \"once:1\"}]\n";

fn web(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
         template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: web, image: \"{image}\"}}]}}\n"
    )
}

impl Production<'_> {
    fn grants(&self, role: &Value) {
        self.namespace.apply(&role.to_string(), &[]).succeeds();
    }
}

/// An environment whose user has exactly what the page says.
fn least<'w>(world: &'w World) -> (Production<'w>, Value) {
    let mut production = Production::new(world);
    let name = production.namespace.name().to_owned();
    let user = format!("least-of-{name}");
    let role = role(&name);
    production.grants(&role);
    let mut binding = documents().swap_remove(1);
    binding["metadata"]["namespace"] = name.into();
    binding["subjects"][0]["name"] = user.clone().into();
    production.grants(&binding);
    production.reconfigure(|it| it.impersonate = Some(user));
    (production, role)
}

#[test]
fn a_user_with_the_least_role_deploys_changes_replaces_and_deletes_and_learns_why_something_is_not_healthy() {
    let world = World::new();
    let (mut production, _) = least(&world);
    let configs: Vec<(String, String)> = (0..6)
        .map(|n| {
            let name = format!("c{n}");
            (format!("{name}.yaml"), format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"))
        })
        .collect();
    let mut files: Vec<(&str, &str)> = configs.iter().map(|(name, text)| (&**name, &**text)).collect();
    let first = web("web:1");
    files.extend([("web.yaml", &*first), ("others.yaml", OTHERS)]);
    production.deploys(&files);
    replace(&production.ana, "web.yaml", "web:1", "web:2");
    replace(&production.ana, "others.yaml", "once:1", "once:2");
    production.deploys(&[]);
    production.ana.git(&["rm", "--quiet", "others.yaml", "c1.yaml"]).succeeds();
    production.deploys(&[]);
    production.instate(&["drift"]).succeeds();
    let broken = web("web:3").replace(
        "labels: {app: web}",
        "labels: {app: web}, annotations: {test.instate.dev/behave: image-pull}",
    );
    production.reconfigure(|it| it.timeout = "6s");
    let (_, seen) = production.fails(&[("web.yaml", &broken)]);
    assert!(seen.contains("ImagePull"), "{seen}");
}

#[test]
fn a_permission_that_is_missing_refuses_the_push_before_anything_is_changed() {
    let world = World::new();
    let (production, role) = least(&world);
    let others = format!("{OTHERS}---\n{}", CLAIM.replace("slow", "\"\""));
    production.deploys(&[("web.yaml", &web("web:1")), ("others.yaml", OTHERS)]);
    let without = |rule: usize, verb: &str| {
        let mut less = role.clone();
        let verbs = less["rules"][rule]["verbs"].as_array_mut().expect("because each rule has verbs");
        let before = verbs.len();
        verbs.retain(|known| known != verb);
        assert_eq!(verbs.len() + 1, before, "rule {rule} has {verb}");
        less
    };
    // Which rule, which verb, and a push that needs it.
    let deletes = |production: &Production<'_>| {
        production.ana.git(&["rm", "--quiet", "others.yaml"]).succeeds();
    };
    let creates = |production: &Production<'_>| production.ana.write("others.yaml", &others);
    let changes = |production: &Production<'_>| production.ana.write("web.yaml", web("web:2"));
    type Push<'p> = &'p dyn Fn(&Production<'_>);
    let missing: [(usize, &str, Push<'_>); 7] = [
        (0, "update", &changes),
        (1, "update", &changes),
        (1, "create", &changes),
        (2, "create", &creates),
        (3, "patch", &changes),
        (2, "delete", &deletes),
        (4, "delete", &deletes),
    ];
    let mut all = String::new();
    for (rule, verb, push) in missing {
        production.grants(&without(rule, verb));
        push(&production);
        let seen = production.refused(&[]);
        let errors: Vec<&str> = seen.split("\n\n").filter(|part| part.starts_with("error")).collect();
        assert!(
            !errors.is_empty() && errors.iter().all(|it| it.starts_with("error[I0403]")),
            "{rule} {verb}: {seen}"
        );
        all += &format!("without {verb} of rule {rule}:\n{}\n\n", errors[0]);
    }
    insta::assert_snapshot!(all);
    // The same pushes are deployed with all of it.
    production.grants(&role);
    changes(&production);
    production.deploys(&[]);
    deletes(&production);
    production.deploys(&[]);
}

#[test]
fn a_role_and_its_binding_are_deployed_by_one_push_of_a_user_who_has_what_it_gives_and_no_more() {
    let world = World::new();
    let (production, mut role) = least(&world);
    let more = serde_json::json!({
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles", "rolebindings"],
        "verbs": ["get", "list", "create", "update", "patch", "delete"],
    });
    role["rules"].as_array_mut().expect("because it is a list").push(more);
    production.grants(&role);
    let pair = |n: usize| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: reads-{n}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: read-{n}}}\n\
             subjects: [{{kind: ServiceAccount, name: web}}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: read-{n}}}\n\
             rules: [{{apiGroups: [\"\"], resources: [pods], verbs: [get]}}]\n"
        )
    };
    // Several, so that some binding is always asked about before its Role is known.
    let all: Vec<String> = (0..8).map(pair).collect();
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n";
    production.deploys(&[("all.yaml", &format!("{account}---\n{}", all.join("---\n")))]);
    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
}

#[test]
fn where_the_branch_waits_for_it_going_back_must_be_allowed_too_before_anything_is_changed() {
    let world = World::new();
    let (mut production, role) = least(&world);
    production.deploys(&[("web.yaml", &web("web:1"))]);
    production.reconfigure(|it| (it.accept, it.timeout) = ("deployed", "6s"));
    production.instate(&["install", "."]).succeeds();
    let mut less = role.clone();
    let verbs = less["rules"][2]["verbs"].as_array_mut().expect("because each rule has verbs");
    verbs.retain(|known| known != "delete");
    production.grants(&less);
    let seen = production.refused(&[("others.yaml", OTHERS)]);
    assert!(seen.contains("error[I0403]") && seen.contains("is taken away again"), "{seen}");
    // With the least Role it goes there, and back again.
    production.grants(&role);
    let broken = web("web:2").replace(
        "labels: {app: web}",
        "labels: {app: web}, annotations: {test.instate.dev/behave: image-pull}",
    );
    let before = production.deployed();
    let revision = production.commit(&[("others.yaml", OTHERS), ("web.yaml", &broken)]);
    let pushed = production.push();
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert_eq!(production.outcomes(&revision), ["production failed"], "{pushed}");
    assert_eq!(production.tip("refs/heads/main"), before);
    production.holds_exactly(["Deployment/web"], "went back");
}
