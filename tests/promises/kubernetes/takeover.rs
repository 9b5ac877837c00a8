//! Objects that other tools deployed before: nothing of them stays that Git does not declare.

use insta::assert_snapshot;
use serde_json::Value;

use super::Production;
use crate::common::World;

/// Tools, and how `kubectl` does what they do: Helm 3 creates and patches under its own name, Helm 4 and Argo
/// CD's server-side apply apply, Argo CD otherwise applies as `kubectl apply` does.
const TOOLS: [(&str, &[&str]); 8] = [
    ("apply", &["apply"]),
    ("create", &["create"]),
    ("server", &["apply", "--server-side"]),
    ("helm3", &["create", "--field-manager=helm"]),
    ("helm4", &["apply", "--server-side", "--field-manager=helm"]),
    ("argocd", &["apply", "--field-manager=argocd-controller"]),
    ("argocd-server", &["apply", "--server-side", "--field-manager=argocd-controller"]),
    ("kapp", &["create", "--field-manager=kapp"]),
];

fn config(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{data}}}\n")
}

/// What an object holds, and which field managers hold something of it.
fn held(object: &Value) -> (String, Vec<String>) {
    let managers = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let managers = managers.filter_map(|entry| entry["manager"].as_str().map(ToOwned::to_owned));
    (object["data"].to_string(), managers.collect())
}

impl Production<'_> {
    /// `kubectl ARGS -f` of a manifest.
    #[track_caller]
    fn by(&self, args: &[&str], name: &str, manifest: &str) {
        let file = self.setup.world.path(name);
        std::fs::write(&file, manifest).expect("because the folder is ours");
        let file = file.to_str().expect("because the test named it").to_owned();
        self.namespace.kubectl(&[args, &["-f", &file]].concat()).succeeds();
    }

    #[track_caller]
    fn object(&self, kind: &str, name: &str) -> Value {
        self.namespace.get(&[kind, name, "--show-managed-fields"])
    }

    #[track_caller]
    fn files(&self, data: &str) -> Vec<(String, String)> {
        TOOLS.iter().map(|(name, _)| (format!("{name}.yaml"), config(name, data))).collect()
    }
}

/// Of objects that are written at once any may be first.
fn in_order(seen: &str) -> String {
    let is_done = |line: &&str| line.starts_with("  updated ") || line.starts_with("  created ");
    let mut done: Vec<&str> = seen.lines().filter(is_done).collect();
    done.sort_unstable();
    let mut done = done.into_iter();
    let line = |line| if is_done(&line) { done.next().unwrap_or_default() } else { line };
    seen.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn refs(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

#[test]
fn a_field_that_another_tool_deployed_goes_when_git_gives_it_up() {
    let world = World::new();
    let production = Production::new(&world);
    for (name, args) in TOOLS {
        production.by(args, name, &config(name, "kept: \"1\", dropped: \"1\", changed: \"1\", never: \"1\""));
    }
    let hand = r#"{"data": {"hand": "1", "changed": "2"}}"#;
    production.namespace.kubectl(&["patch", "configmap", "apply", "--patch", hand]).succeeds();

    let files = production.files("kept: \"1\", dropped: \"1\", changed: \"3\"");
    let revision = production.commit(&refs(&files));
    production.ana.git(&["push", "--quiet", "origin", "main:next"]).succeeds();
    let plan = production.instate(&["plan", &revision]).succeeds();
    assert_snapshot!("takeover_planned", plan.stdout);
    let pushed = production.push().succeeds();
    assert_eq!(production.outcomes(&revision), ["production deployed"], "{pushed}");
    assert_snapshot!("takeover", in_order(&production.seen(&pushed)));
    for (name, _) in TOOLS {
        let object = production.object("configmap", name);
        let (data, managers) = held(&object);
        // What a person added beside is a person's.
        let (hand, persons) = if name == "apply" { (r#","hand":"1""#, 1) } else { ("", 0) };
        assert_eq!(data, format!(r#"{{"changed":"3","dropped":"1"{hand},"kept":"1"}}"#), "{name}");
        let others: Vec<&String> = managers.iter().filter(|m| !m.starts_with("instate-")).collect();
        assert_eq!(others.len(), persons, "{name}: {managers:?}");
        assert_eq!(object["metadata"]["annotations"], Value::Null, "{name}");
    }

    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());

    let (_, seen) = production.deploys(&refs(&production.files("kept: \"1\", changed: \"3\"")));
    assert!(!seen.contains("taken over"), "{seen}");
    for (name, _) in TOOLS {
        let (data, _) = held(&production.object("configmap", name));
        assert!(!data.contains("dropped"), "{name}: {data}");
    }
}

#[test]
fn a_field_that_a_persons_tool_holds_too_goes_when_git_gives_it_up() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("a.yaml", &config("a", "x: \"1\", y: \"1\", z: \"1\""))]);
    // The same file by hand, and a value that Git comes to say as well.
    production.by(&["apply", "--server-side"], "a", &config("a", "x: \"1\", y: \"1\", own: \"1\""));
    production
        .namespace
        .kubectl(&["patch", "configmap", "a", "--patch", r#"{"data": {"z": "2"}}"#])
        .succeeds();
    let (_, seen) = production.deploys(&[("a.yaml", &config("a", "x: \"1\", y: \"1\", z: \"2\""))]);
    assert!(!seen.contains("taken"), "{seen}");
    production.deploys(&[("a.yaml", &config("a", "x: \"1\""))]);
    let (data, _) = held(&production.object("configmap", "a"));
    assert_eq!(data, r#"{"own":"1","x":"1"}"#);
    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
}

#[test]
fn what_cannot_be_taken_over_refuses_the_push_and_what_another_tool_goes_on_with_is_said() {
    let world = World::new();
    let production = Production::new(&world);
    // A selector that Git does not have, and that cannot be changed.
    let web = |label: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web{label}}}}}\n  \
             template:\n    metadata: {{labels: {{app: web{label}}}}}\n    spec: {{containers: [{{name: web, image: \"web:1\"}}]}}\n"
        )
    };
    production.by(&["create", "--field-manager=kapp"], "web", &web(", kapp.k14s.io/app: \"17\""));
    assert_snapshot!("takeover_immutable", production.refused(&[("web.yaml", &web(""))]));

    let marked = |name: &str, metadata: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, {metadata}}}\n")
    };
    let (argo, helm) = (
        "annotations: {argocd.argoproj.io/tracking-id: \"shop:/ConfigMap:shop/a\"}",
        "annotations: {meta.helm.sh/release-name: shop}",
    );
    production.by(&["apply", "--server-side", "--field-manager=argocd-controller"], "a", &marked("a", argo));
    production.by(&["create", "--field-manager=helm"], "b", &marked("b", helm));
    production.by(
        &["apply", "--server-side", "--field-manager=kustomize-controller"],
        "c",
        &marked("c", "labels: {kustomize.toolkit.fluxcd.io/name: apps}"),
    );
    let files = [("a.yaml", &*config("a", "")), ("b.yaml", &*config("b", "")), ("c.yaml", &*config("c", ""))];
    let (_, seen) = production.deploys(&files);
    assert_snapshot!("takeover_marked", in_order(&seen));
    // Once.
    let (_, seen) = production.deploys(&[("a.yaml", &config("a", "x: \"1\""))]);
    assert!(!seen.contains("I0408"), "{seen}");
}

#[test]
fn a_takeover_that_was_cut_off_is_ended_by_the_next_one() {
    let world = World::new();
    let production = Production::new(&world);
    for point in ["object-handed-over", "object-applied"] {
        production.by(&["apply"], point, &config(point, "kept: \"1\", never: \"1\""));
        let file = format!("{point}.yaml");
        let id = production.commit(&[(&file, &config(point, "kept: \"1\""))]);
        production.push_at(&production.ana, &format!("{point}=return(kill)")).finish().succeeds();
        production.idle();
        production.instate(&["resume"]).succeeds();
        production.idle();
        assert_eq!(production.outcomes(&id), ["production deployed"], "{point}");
        let (data, managers) = held(&production.object("configmap", point));
        assert_eq!((data.as_str(), managers.len()), (r#"{"kept":"1"}"#, 1), "{point}: {managers:?}");
    }
}

fn web(spec: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n{spec}  \
         selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    \
         spec: {{containers: [{{name: web, image: \"web:1\"}}]}}\n"
    )
}

const SCALER: &str = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  \
                  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  minReplicas: 2\n  maxReplicas: 5\n";

#[test]
fn replicas_that_git_gives_up_to_an_autoscaler_stay_as_they_are() {
    let world = World::new();
    let production = Production::new(&world);
    let replicas = || production.object("deployment", "web")["spec"]["replicas"].clone();
    production.deploys(&[("web.yaml", &web("  replicas: 3\n"))]);
    // Helm had set a number, and Git has none.
    let of_helm = |text: String| text.replace("name: web}", "name: shop}");
    production.by(&["create", "--field-manager=helm"], "shop", &of_helm(web("  replicas: 3\n")));
    let scaler_of_helm = of_helm(SCALER.to_owned());
    production.deploys(&[("shop.yaml", &of_helm(web(""))), ("shop-scaler.yaml", &scaler_of_helm)]);
    assert_eq!(production.object("deployment", "shop")["spec"]["replicas"], 3);
    // By the very commit that brings the autoscaler; it could not know a number yet.
    let (_, seen) = production.deploys(&[("web.yaml", &web("")), ("scaler.yaml", SCALER)]);
    assert_snapshot!("autoscaled", in_order(&seen));
    assert_eq!(replicas(), 3);
    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    // Declared again it is Git's, without a word about a manager of ours.
    let (_, seen) = production.deploys(&[("web.yaml", &web("  replicas: 4\n"))]);
    assert!(!seen.contains("instate-for"), "{seen}");
    assert_eq!(replicas(), 4);
    // And once more with an autoscaler that is not of the push.
    production.deploys(&[("web.yaml", &web(""))]);
    assert_eq!(replicas(), 4);
    // Without one the default is what Git says.
    production.deploys(&[("web.yaml", &web("  replicas: 4\n"))]);
    production.ana.git(&["rm", "--quiet", "scaler.yaml"]).succeeds();
    production.deploys(&[]);
    production.deploys(&[("web.yaml", &web(""))]);
    assert_eq!(replicas(), 1);
}

#[test]
fn an_object_that_is_being_deleted_is_waited_for_and_created_anew() {
    let world = World::new();
    let production = Production::new(&world);
    let held = config("a", "x: \"1\"").replace("name: a", "name: a, finalizers: [example.com/slow]");
    production.deploys(&[("a.yaml", &held)]);
    production.namespace.kubectl(&["delete", "configmap", "a", "--wait=false"]).succeeds();
    let before = production.object("configmap", "a")["metadata"]["uid"].clone();
    let id = production.commit(&[("a.yaml", &config("a", "x: \"2\""))]);
    let push = production.push_at(&production.ana, "never=off");
    push.wait_for("ConfigMap/a");
    let patch = r#"[{"op": "remove", "path": "/metadata/finalizers"}]"#;
    production.namespace.kubectl(&["patch", "configmap", "a", "--type=json", "--patch", patch]).succeeds();
    let pushed = push.finish().succeeds();
    production.idle();
    assert_eq!(production.outcomes(&id), ["production deployed"], "{pushed}");
    assert_snapshot!("created_anew", production.seen(&pushed));
    let after = production.object("configmap", "a");
    assert_eq!(after["data"]["x"], "2");
    assert_ne!(after["metadata"]["uid"], before);
    production.holds_exactly(["ConfigMap/a"], "created anew");
}

#[test]
fn what_an_api_server_lets_stand_twice_in_a_live_object_is_there_once_afterwards() {
    let world = World::new();
    let production = Production::new(&world);
    let web = |env: &str, ports: &str| {
        web("").replace("image: \"web:1\"", &format!("image: \"web:1\", env: [{env}], ports: [{ports}]"))
    };
    let (env, port) = ("{name: A, value: \"2\"}", "{containerPort: 80}");
    let twice = web(&format!("{{name: A, value: \"1\"}}, {env}"), &format!("{port}, {port}"));
    production.by(&["create"], "web", &twice);
    let once = web(env, port);
    production.deploys(&[("web.yaml", &once)]);
    let container =
        production.object("deployment", "web")["spec"]["template"]["spec"]["containers"][0].clone();
    assert_eq!(container["env"], serde_json::json!([{"name": "A", "value": "2"}]));
    assert_eq!(container["ports"].as_array().map(Vec::len), Some(1), "{container}");
    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    // Written twice in Git it does not come so far.
    let refused = production.refused(&[("web.yaml", &twice)]);
    assert_eq!(refused.matches("error[I0212]").count(), 2, "{refused}");
}
