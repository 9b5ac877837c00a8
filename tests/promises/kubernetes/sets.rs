//! Sets of objects as people have them: from nothing by one push, changed, reverted, deleted; each time the cluster is
//! exactly what the revision says. kubectl says whether it is: `kubectl diff` of what the revision declares.

use std::collections::BTreeSet;

use super::Production;
use crate::common::World;

const PART_OF: &str = "applyset.kubernetes.io/part-of";

/// What a set declares: as it stands there, or with what stands behind `#2` instead of what stands before it.
fn declares(text: &str, namespace: &str, second: bool) -> String {
    let line = |line: &str| match line.split_once("#2 ") {
        None => line.to_owned(),
        Some((first, _)) if !second => first.trim_end().to_owned(),
        // What is behind it is a line of its own, or the value of the line's last key.
        Some((first, other)) if first.trim().is_empty() => format!("{first}{other}"),
        Some((first, other)) => {
            let key = first.find(": ").expect("there is a key") + 2;
            format!("{}{other}", &first[..key])
        }
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n").replace("NS", namespace) + "\n"
}

/// `Deployment/web` of everything that a text declares.
fn names(text: &str) -> BTreeSet<String> {
    let name = |document: &str| {
        let value = |key: &str| {
            let rest = document.split(key).nth(1)?;
            rest.split([',', '}', '\n']).next().map(str::trim)
        };
        Some(format!("{}/{}", value("\nkind: ")?, value("name: ")?))
    };
    text.split("\n---\n").map(|document| name(document).expect("it has both")).collect()
}

impl Production<'_> {
    /// The cluster is exactly what `text` declares.
    #[track_caller]
    fn equals(&self, text: &str, when: &str) {
        let file = self.setup.world.path("declared.yaml");
        let own = self.namespace.name();
        let other = format!("{own}-all");
        // kubectl takes objects of one namespace at a time.
        let is_of_other = |document: &&str| {
            document.contains(&format!(", namespace: {other}}}"))
                || document.contains(&format!("\n  namespace: {other}\n"))
        };
        let (of_other, of_own): (Vec<&str>, Vec<&str>) = text.split("\n---\n").partition(is_of_other);
        for (namespace, documents) in [(own, of_own), (other.as_str(), of_other)] {
            if documents.is_empty() {
                continue;
            }
            std::fs::write(&file, documents.join("\n---\n")).expect("it is ours");
            let file = file.display().to_string();
            let diff = ["diff", "--server-side", "--force-conflicts", "--field-manager", "oracle"];
            let diff =
                self.cluster.kubectl(&[&diff[..], &["--namespace", namespace, "--filename", &file]].concat());
            assert_eq!(diff.code, Some(0), "{when}: {diff}");
        }
        assert_eq!(self.ours(), names(text), "{when}");
    }

    /// Everything in the cluster that carries the environment's label, but for what controllers made of it.
    #[track_caller]
    fn ours(&self) -> BTreeSet<String> {
        let label = self.inventory_object()["metadata"]["labels"]["applyset.kubernetes.io/id"].clone();
        let label = format!("{PART_OF}={}", label.as_str().expect("because the specification wants it"));
        let kinds =
            self.cluster.kubectl(&["api-resources", "--verbs=list,get", "--output=name"]).succeeds().stdout;
        let kinds: Vec<&str> = kinds.lines().collect();
        let found = self.cluster.get(&[&kinds.join(","), "--all-namespaces", "--selector", &label]);
        let items = found["items"].as_array().expect("because it is a list");
        let text = |item: &serde_json::Value, path: &str| {
            item.pointer(path).and_then(|it| it.as_str()).unwrap_or_default().to_owned()
        };
        let made = items.iter().filter(|item| item["metadata"]["ownerReferences"].is_null());
        // The Endpoints of a Service have its labels and no owner.
        let made = made.filter(|item| item["kind"] != "Endpoints");
        made.map(|item| format!("{}/{}", text(item, "/kind"), text(item, "/metadata/name"))).collect()
    }
}

/// One set, through its whole life. `protected` is what a commit has to name before it is deleted.
fn lives(set: &str, protected: &[&str]) {
    let world = World::new();
    let production = Production::new(&world);
    let namespace = production.namespace.name().to_owned();
    let [first, second] = [false, true].map(|second| declares(set, &namespace, second));
    assert_ne!(first, second);

    let (_, seen) = production.deploys(&[("set.yaml", &first)]);
    assert!(!seen.contains("asked again") && !seen.contains("is taken back"), "{seen}");
    production.equals(&first, "from nothing");

    production.deploys(&[("set.yaml", &second)]);
    production.equals(&second, "changed");

    production.ana.git(&["revert", "--no-edit", "HEAD"]).succeeds();
    let reverted = production.push().succeeds();
    let tip = production.ana.git(&["rev-parse", "HEAD"]).succeeds().stdout;
    assert_eq!(production.setup.deployed().as_deref(), Some(tip.trim()), "{reverted}");
    production.equals(&first, "reverted");

    // The same once more writes nothing.
    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());

    let left = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: left}\ndata: {a: b}\n";
    production.ana.git(&["rm", "--quiet", "set.yaml"]).succeeds();
    production.commit(&[("left.yaml", left)]);
    for name in protected {
        let line = format!("Allow-Delete: {}", name.replace("NS", &namespace));
        production.ana.git(&["commit", "--quiet", "--amend", "--no-edit", "--trailer", &line]).succeeds();
    }
    let deleted = production.push().succeeds();
    let tip = production.ana.git(&["rev-parse", "HEAD"]).succeeds().stdout;
    assert_eq!(production.setup.deployed().as_deref(), Some(tip.trim()), "{deleted}");
    production.equals(left, "deleted");
}

#[test]
fn definitions_and_their_objects() {
    let definitions =
        ["CustomResourceDefinition/ships.NS.example.com", "CustomResourceDefinition/fleets.NS.example.com"];
    lives(include_str!("../fixtures/sets/definitions.yaml"), &definitions);
}

#[test]
fn a_webhook_with_what_answers_it() {
    lives(include_str!("../fixtures/sets/gate.yaml"), &[]);
}

#[test]
fn a_namespace_with_everything_in_it() {
    lives(
        include_str!("../fixtures/sets/namespace.yaml"),
        &["Namespace/NS-all", "PersistentVolumeClaim/NS-all/data"],
    );
}

#[test]
fn jobs_before_deployments() {
    lives(include_str!("../fixtures/sets/jobs.yaml"), &[]);
}
