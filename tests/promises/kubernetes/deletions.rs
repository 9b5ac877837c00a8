//! What is deleted only when a commit says so, and what never is.

use insta::assert_snapshot;

use super::Production;
use crate::common::World;

fn config(name: &str, annotation: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  annotations: {{{annotation}}}\ndata: {{a: b}}\n"
    )
}

const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n  \
    accessModes: [ReadWriteOnce]\n  storageClassName: \"\"\n  volumeName: VOLUME\n  \
    resources: {requests: {storage: 1Gi}}\n";

impl Production<'_> {
    /// A claim that is bound, and so as healthy as one can be.
    fn claim(&self) -> [(&'static str, String); 2] {
        let namespace = self.namespace.name();
        let volume = format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {namespace}-v}}\nspec:\n  accessModes: [ReadWriteOnce]\n  \
             capacity: {{storage: 1Gi}}\n  hostPath: {{path: /tmp}}\n  persistentVolumeReclaimPolicy: Recycle\n"
        );
        [("claim.yaml", CLAIM.replace("VOLUME", &format!("{namespace}-v"))), ("volume.yaml", volume)]
    }

    /// Commits what is there, with these last lines of the message.
    fn confirm(&self, lines: &[&str]) {
        self.commit(&[]);
        for line in lines {
            self.ana.git(&["commit", "--quiet", "--amend", "--no-edit", "--trailer", line]).succeeds();
        }
    }

    /// Pushes what is committed, which must end with it running.
    fn runs(&self) -> String {
        let pushed = self.push().succeeds();
        let tip = self.ana.git(&["rev-parse", "HEAD"]).succeeds().stdout;
        assert_eq!(self.setup.deployed().as_deref(), Some(tip.trim()), "{pushed}");
        self.seen(&pushed)
    }

    /// Pushes what is committed, which must be refused, and takes the commit back.
    fn refuses(&self) -> String {
        let pushed = self.push();
        assert_eq!(pushed.code, Some(1), "{pushed}");
        self.ana.git(&["reset", "--quiet", "--hard", "origin/main"]).succeeds();
        self.seen(&pushed)
    }
}

#[test]
fn what_a_revert_could_not_bring_back_is_deleted_by_a_commit_that_says_so_and_only_once() {
    let world = World::new();
    let production = Production::new(&world);
    let [claim, volume] = production.claim();
    production.deploys(&[(claim.0, &claim.1), (volume.0, &volume.1), ("a.yaml", &config("a", ""))]);

    // Another object, another word, or no last line of a message confirm nothing.
    for line in ["Allow-Delete: PersistentVolumeClaim/date", "Allow-Replace: PersistentVolumeClaim/data"] {
        production.ana.git(&["rm", "--quiet", "claim.yaml"]).succeeds();
        production.confirm(&[line]);
        assert!(production.refuses().contains("I0405"), "{line}");
    }
    production.ana.git(&["rm", "--quiet", "claim.yaml"]).succeeds();
    production.confirm(&["Allow-Delete: PersistentVolumeClaim/data"]);
    // A commit that comes after it in the same push changes nothing of that.
    production.commit(&[("a.yaml", &config("a", "b: c"))]);
    assert_snapshot!(production.runs());
    assert_ne!(production.namespace.kubectl(&["get", "pvc", "data"]).code, Some(0));

    // What was confirmed is done: the next one is another.
    let [claim, volume] = production.claim();
    production.ana.git(&["rm", "--quiet", "volume.yaml"]).succeeds();
    production.deploys(&[]);
    production.deploys(&[(claim.0, &claim.1), (volume.0, &volume.1)]);
    production.ana.git(&["rm", "--quiet", "claim.yaml"]).succeeds();
    production.commit(&[]);
    assert!(production.refuses().contains("I0405"));
}

#[test]
fn an_object_that_says_so_stays_when_it_is_no_longer_declared() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[
        ("a.yaml", &config("a", "instate.dev/delete: never")),
        ("b.yaml", &config("b", "kustomize.toolkit.fluxcd.io/prune: disabled")),
        ("c.yaml", &config("c", "instate.dev/delete: sometimes")),
        ("d.yaml", &config("d", "")),
    ]);
    production.ana.git(&["rm", "--quiet", "a.yaml", "b.yaml", "c.yaml"]).succeeds();
    let (_, seen) = production.deploys(&[]);
    assert_snapshot!(seen);
    for (name, is_there) in [("a", true), ("b", true), ("c", false), ("d", true)] {
        let got = production.namespace.kubectl(&["get", "configmap", name]);
        assert_eq!(got.code == Some(0), is_there, "{name}: {got}");
    }
    // Who declares it again has it again, and what is done to it.
    production.deploys(&[("a.yaml", &config("a", ""))]);
    production.ana.git(&["rm", "--quiet", "a.yaml"]).succeeds();
    production.deploys(&[]);
    assert_ne!(production.namespace.kubectl(&["get", "configmap", "a"]).code, Some(0));
}

#[test]
fn an_empty_revision_deletes_the_environment_only_when_its_commit_says_so() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("a.yaml", &config("a", ""))]);
    production.ana.git(&["rm", "--quiet", "a.yaml"]).succeeds();
    production.ana.write("README", "It was nice.\n");
    production.ana.git(&["add", "README"]).succeeds();
    production.confirm(&[]);
    assert_snapshot!("empty_refused", production.refuses());
    production.ana.git(&["rm", "--quiet", "a.yaml"]).succeeds();
    production.ana.write("README", "It was nice.\n");
    production.ana.git(&["add", "README"]).succeeds();
    production.confirm(&["Allow-Delete: all"]);
    assert_snapshot!("empty_confirmed", production.runs());
    let left = production.namespace.get(&["configmaps", "--selector=applyset.kubernetes.io/part-of"]);
    assert_eq!(left["items"].as_array().map(Vec::len), Some(0), "{left}");
}

#[test]
fn more_deletions_than_the_server_allows_are_confirmed_in_a_commit() {
    let world = World::new();
    let mut production =
        Production::with(&world, |configuration| configuration.policy = "delete: {max: 25%}");
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let files: Vec<(String, String)> =
        names.iter().map(|name| (format!("{name}.yaml"), config(name, ""))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    production.deploys(&files);
    production.ana.git(&["rm", "--quiet", "a.yaml", "b.yaml", "c.yaml"]).succeeds();
    production.confirm(&[]);
    assert_snapshot!("many_refused", production.refuses());

    // Those that are named do not count.
    production.ana.git(&["rm", "--quiet", "a.yaml", "b.yaml", "c.yaml"]).succeeds();
    production.confirm(&["Allow-Delete: ConfigMap/a"]);
    production.runs();
    production.holds_exactly(
        ["ConfigMap/d", "ConfigMap/e", "ConfigMap/f", "ConfigMap/g", "ConfigMap/h"],
        "two of eight",
    );
    production.ana.git(&["rm", "--quiet", "d.yaml", "e.yaml", "f.yaml"]).succeeds();
    production.confirm(&["Allow-Delete: all"]);
    production.runs();

    production.reconfigure(|configuration| configuration.policy = "delete: {max: 0, protect: [ConfigMap]}");
    production.ana.git(&["rm", "--quiet", "g.yaml"]).succeeds();
    production.confirm(&["Allow-Delete: all"]);
    assert_snapshot!("kind_protected", production.refuses());
    production.ana.git(&["rm", "--quiet", "g.yaml"]).succeeds();
    production.confirm(&["Allow-Delete: ConfigMap/g"]);
    production.runs();
    production.holds_exactly(["ConfigMap/h"], "one that is named");
}

#[test]
fn a_field_that_cannot_be_changed_is_changed_by_a_commit_that_lets_the_object_be_made_anew() {
    let world = World::new();
    let production = Production::new(&world);
    let web = |label: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: {label}}}}}\n  \
             template:\n    metadata: {{labels: {{app: {label}}}}}\n    spec: {{containers: [{{name: web, image: \"web:1\"}}]}}\n"
        )
    };
    production.deploys(&[("web.yaml", &web("web"))]);
    let uid = || production.namespace.get(&["deployment", "web"])["metadata"]["uid"].clone();
    let before = uid();
    production.commit(&[("web.yaml", &web("site"))]);
    assert_snapshot!("anew_refused", production.refuses());
    assert_eq!(uid(), before);

    production.ana.write("web.yaml", web("site"));
    production.confirm(&["Allow-Replace: Deployment/web"]);
    assert_snapshot!("anew_confirmed", production.runs());
    assert_ne!(uid(), before);
    // Where nothing has to be made anew, nothing is.
    let anew = uid();
    production.ana.write("web.yaml", web("site").replace("web:1", "web:2"));
    production.confirm(&["Allow-Replace: Deployment/web"]);
    production.runs();
    assert_eq!(uid(), anew);
}
