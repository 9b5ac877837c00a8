//! The end of an environment, another name for it and another place: nothing is deleted that is not meant, and
//! nothing is left behind that nobody knows of.

use insta::assert_snapshot;
use serde_json::Value;

use super::Production;
use crate::common::{World, run, shop::printed};

const SHOP: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: web, image: \"web:1\"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {kept: \"1\", dropped: \"1\"}
";

const CLAIM: &str = "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: late-CLASS
  resources: {requests: {storage: 1Gi}}
";

const STAYS: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: stays
  annotations: {instate.dev/delete: never}
";

const OBJECTS: [[&str; 2]; 3] = [["deployment", "web"], ["service", "web"], ["configmap", "a"]];

impl Production<'_> {
    /// UIDs and generations of the shop's objects.
    fn identities(&self) -> Vec<(Value, Value)> {
        let of = |object: &[&str; 2]| {
            let live = self.namespace.get(object);
            (live["metadata"]["uid"].clone(), live["metadata"]["generation"].clone())
        };
        OBJECTS.iter().map(of).collect()
    }

    /// The inventories and Leases of instate in the namespace.
    fn traces(&self) -> Vec<String> {
        let by = "--selector=app.kubernetes.io/managed-by=instate";
        let found = self.namespace.get(&["configmaps,leases", by]);
        let items = found["items"].as_array().into_iter().flatten();
        items.map(|one| one["kind"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The configuration with another name for the environment.
    fn rename(&self, to: &str) {
        self.setup.configure(&self.configuration.text().replace("production:\n", &format!("{to}:\n")));
    }

    /// What a command printed on either of its outputs.
    fn says(&self, arguments: &[&str], code: i32) -> String {
        let said = self.instate(arguments);
        assert_eq!(said.code, Some(code), "{said}");
        printed(self.setup.world, &format!("{}{}", said.stdout, said.stderr))
    }

    fn is_free(&self, object: &[&str; 2]) {
        let live = self.namespace.get(&[object[0], object[1], "--show-managed-fields"]);
        assert!(!live.to_string().contains("applyset"), "{live}");
        assert!(!live.to_string().contains("instate-"), "{live}");
    }
}

/// What was written, without the lines of the Lease, which is renewed as long as it takes.
fn writes(production: &Production<'_>, mark: u64) -> String {
    let all = production.writes_since(mark).into_iter();
    let mut all: Vec<String> = all.filter(|write| !write.contains("update leases")).collect();
    // Those of one step come in any order.
    all.sort();
    all.dedup();
    all.join("\n")
}

#[test]
fn an_environment_is_deleted_whole_but_what_is_protected_and_what_is_not_its_own() {
    let world = World::new();
    let production = Production::new(&world);
    let class = production.late_class();
    let other = STAYS.replace("name: stays", "name: other").replace("never", "ours");
    production.deploys(&[
        ("shop.yaml", SHOP),
        ("claim.yaml", &CLAIM.replace("late-CLASS", &class)),
        ("stays.yaml", STAYS),
        ("other.yaml", &other),
    ]);
    // One that is another object by now, and one that nobody ever listed.
    production.namespace.kubectl(&["delete", "configmap", "other"]).succeeds();
    production.namespace.apply(&other, &[]).succeeds();
    production.namespace.apply(&STAYS.replace("name: stays", "name: stranger"), &[]).succeeds();
    let stays = production.namespace.get(&["configmap", "stays"])["metadata"]["uid"].clone();

    let mark = production.cluster.mark();
    assert_snapshot!("retire_shown", production.says(&["retire", "production"], 1));
    assert_eq!(writes(&production, mark), "");
    assert_snapshot!("retire_protected", production.says(&["retire", "production", "--delete"], 1));
    // Only its Lease was taken and given back.
    assert_eq!(writes(&production, mark), "");
    let claim = "PersistentVolumeClaim/data";
    let said = production.says(&["retire", "production", "--delete", "--allow-delete", claim], 0);
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    assert_snapshot!("retire_deleted", lines.join("\n"));
    assert_snapshot!("retire_deleted_writes", writes(&production, mark));

    assert_eq!(production.traces(), [] as [&str; 0]);
    for object in OBJECTS {
        assert_ne!(
            production.namespace.kubectl(&[&["get"], &object[..]].concat()).code,
            Some(0),
            "{object:?}"
        );
    }
    for name in ["other", "stranger"] {
        production.namespace.kubectl(&["get", "configmap", name]).succeeds();
    }
    assert_eq!(production.namespace.get(&["configmap", "stays"])["metadata"]["uid"], stays);
    production.is_free(&["configmap", "stays"]);
    assert_eq!(production.deployed(), None);
    // Once more there is nothing, and a deployment brings it back.
    assert_snapshot!("retire_again", production.says(&["retire", "production", "--delete"], 0));
    production.instate(&["deploy"]).succeeds();
    production.namespace.kubectl(&["get", "deployment", "web"]).succeeds();
    production.cluster.kubectl(&["delete", "storageclass", &class]).succeeds();
}

#[test]
fn the_namespace_of_the_inventory_goes_last() {
    let world = World::new();
    let mut production = Production::new(&world);
    let name = format!("{}-own", production.namespace.name());
    production.reconfigure(|it| it.namespace.clone_from(&name));
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    production.deploys(&[("namespace.yaml", &namespace), ("shop.yaml", SHOP)]);
    let word = format!("Namespace/{name}");
    let kill = |at: &str| {
        let mut command = production.command(&["retire", "production", "--delete", "--allow-delete", &word]);
        command.env("FAILPOINTS", format!("{at}=return(kill)"));
        run(command)
    };
    assert_ne!(kill("pruned").code, Some(0));
    let shown = production.says(&["retire", "production"], 1);
    assert!(shown.contains("Namespace/"), "{shown}");
    production.says(&["retire", "production", "--delete", "--allow-delete", &word], 0);
    assert_ne!(production.cluster.kubectl(&["get", "namespace", &name]).code, Some(0));
}

#[test]
fn an_environment_gets_another_name_and_its_objects_stay_the_same() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("shop.yaml", SHOP)]);
    let before = production.identities();
    // Only another name in the configuration leaves the old environment behind: nothing is taken.
    production.rename("live");
    let changed = SHOP.replace("port: 80", "port: 81");
    assert_snapshot!("renamed_push", production.refused(&[("shop.yaml", &changed)]));
    assert_snapshot!("renamed_status", production.says(&["status"], 1));
    assert_snapshot!("renamed_retire", production.says(&["retire", "production", "--keep"], 2));

    production.rename("production");
    let mark = production.cluster.mark();
    let said = production.says(&["retire", "production", "--keep"], 0);
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    assert_snapshot!("kept", lines.join("\n"));
    assert_snapshot!("kept_writes", writes(&production, mark));
    assert_eq!(production.identities(), before);
    OBJECTS.iter().for_each(|object| production.is_free(object));
    assert_eq!(production.traces(), [] as [&str; 0]);

    production.rename("live");
    production.instate(&["deploy", "live"]).succeeds();
    assert_eq!(production.identities(), before);
    assert_eq!(production.tip("refs/instate/live/deployed"), production.tip("refs/heads/main"));
    assert_eq!(production.deployed(), None);
    production.instate(&["status"]).succeeds();
    // A field that Git gives up later goes, as if nothing had been between.
    production.commit(&[("shop.yaml", &SHOP.replace(", dropped: \"1\"", ""))]);
    production.push().succeeds();
    assert_eq!(production.namespace.get(&["configmap", "a"])["data"].to_string(), r#"{"kept":"1"}"#);
    assert_eq!(production.identities().len(), before.len());
}

#[test]
fn another_namespace_or_target_leaves_nothing_behind() {
    let world = World::new();
    let mut production = Production::new(&world);
    production.deploys(&[("shop.yaml", SHOP)]);
    let before = production.identities();
    let old = production.namespace.name().to_owned();
    let next = production.cluster.namespace("shop");
    production.reconfigure(|it| next.name().clone_into(&mut it.namespace));
    let changed = SHOP.replace("port: 80", "port: 81");
    let seen = production.refused(&[("shop.yaml", &changed)]);
    assert_snapshot!("moved_namespace", seen.replace(next.name(), "next"));
    let deploy = production.says(&["deploy"], 2);
    assert!(deploy.contains("would now be deployed to"), "{deploy}");
    // A folder is another place, too.
    let folder = world.path("running");
    let text = production.configuration.text();
    let (head, _) = text.split_once("    namespace:").expect("because it has one");
    production.setup.configure(&format!("{head}    target: {{directory: {}}}\n", folder.display()));
    assert_snapshot!("moved_to_a_folder", production.refused(&[("shop.yaml", &changed)]));
    assert_eq!(production.identities(), before);

    production.reconfigure(|it| it.namespace.clone_from(&old));
    production.says(&["retire", "production", "--delete"], 0);
    production.reconfigure(|it| next.name().clone_into(&mut it.namespace));
    production.instate(&["deploy"]).succeeds();
    next.kubectl(&["get", "deployment", "web"]).succeeds();
    // A cluster that is lost is forgotten without asking it.
    assert_snapshot!("gone", production.says(&["retire", "production", "--gone"], 0));
}

#[test]
fn a_retirement_that_is_killed_is_done_by_typing_it_again() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("shop.yaml", SHOP)]);
    let retire = |how: &str, at: &str| {
        let mut command = production.command(&["retire", "production", how]);
        command.env("FAILPOINTS", at);
        run(command)
    };
    let at = ["lease-taken", "object-freed", "retired", "object-deleting", "ref-retired"];
    for point in at {
        let before = production.identities();
        let killed = retire("--keep", &format!("{point}=return(kill)"));
        assert_ne!(killed.code, Some(0), "{point}: {killed}");
        production.says(&["retire", "production", "--keep"], 0);
        assert_eq!(production.identities(), before, "{point}");
        OBJECTS.iter().for_each(|object| production.is_free(object));
        assert_eq!(production.traces(), [] as [&str; 0], "{point}");
        assert_eq!(production.deployed(), None, "{point}");
        production.instate(&["deploy"]).succeeds();
        production.holds_exactly(["Deployment/web", "Service/web", "ConfigMap/a"], point);
    }
    for point in
        ["lease-taken", "object-deleting", "1*off->object-deleting", "pruned", "retired", "ref-retired"]
    {
        let point = match point.split_once("->") {
            Some((skip, name)) => format!("{name}={skip}->return(kill)"),
            None => format!("{point}=return(kill)"),
        };
        let killed = retire("--delete", &point);
        assert_ne!(killed.code, Some(0), "{point}: {killed}");
        production.says(&["retire", "production", "--delete"], 0);
        for object in OBJECTS {
            let left = production.namespace.kubectl(&[&["get"], &object[..]].concat());
            assert_ne!(left.code, Some(0), "{point}: {left}");
        }
        assert_eq!(production.traces(), [] as [&str; 0], "{point}");
        production.instate(&["deploy"]).succeeds();
    }
}

#[test]
fn what_is_being_deployed_is_not_retired() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "10m");
    production.deploys(&[("shop.yaml", SHOP)]);
    let never = SHOP.replace(
        "{labels: {app: web}}",
        "{labels: {app: web}, annotations: {test.instate.dev/behave: never-ready}}",
    );
    production.commit(&[("shop.yaml", &never)]);
    let pushing = crate::common::spawn(production.ana.git_command(&["push", "origin", "main"]));
    pushing.wait_for("waiting since");
    assert_snapshot!(production.says(&["retire", "production", "--delete"], 3));
    production.instate(&["cancel"]).succeeds();
    pushing.finish().succeeds();
    production.idle();
    production.says(&["retire", "production", "--delete"], 0);
}
