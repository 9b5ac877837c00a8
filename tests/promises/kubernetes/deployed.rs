//! `accept: deployed` on a cluster: what does not become healthy is taken back, and the branch stays.

use insta::assert_snapshot;

use super::Production;
use crate::common::{Cluster, Output, Proxy, Running, World, go_on, kill_at, spawn};

fn web(replicas: usize, behave: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: {replicas}\n  \
         selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata:\n      labels: {{app: web}}\n      \
         annotations: {{test.instate.dev/behave: \"{behave}\"}}\n    spec:\n      terminationGracePeriodSeconds: 0\n      \
         containers: [{{name: web, image: \"web:1\"}}]\n"
    )
}

fn config(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: \"{value}\"}}\n")
}

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {key: abracadabra}\n";

impl<'w> Production<'w> {
    #[track_caller]
    fn accept_deployed(world: &'w World, timeout: &'static str) -> Self {
        Production::with(world, |it| (it.accept, it.timeout) = ("deployed", timeout))
    }

    /// What a person saw, with git's own line about the branch.
    #[track_caller]
    fn whole(&self, pushed: &Output) -> String {
        let own: Vec<&str> = pushed.stderr.lines().filter(|line| line.contains(" -> ")).collect();
        format!("{}\n{}", self.seen(pushed), own.join("\n"))
    }

    /// Writes files and pushes them, which must fail and leave the branch where it is: the revision, and what a person saw.
    #[track_caller]
    fn rejected(&self, files: &[(&str, &str)], outcome: &str) -> (String, String) {
        let before = (self.tip("refs/heads/main"), self.deployed());
        let revision = self.commit(files);
        let pushed = self.push();
        self.at_rest();
        assert_eq!(pushed.code, Some(1), "{pushed}");
        assert_eq!((self.tip("refs/heads/main"), self.deployed()), before, "{pushed}");
        assert_eq!(self.outcomes(&revision), [format!("production {outcome}")], "{pushed}");
        (revision, self.whole(&pushed))
    }

    fn replicas(&self) -> serde_json::Value {
        self.namespace.get(&["deployment", "web"])["spec"]["replicas"].clone()
    }
}

#[test]
fn a_revision_that_is_not_healthy_is_taken_back_and_the_branch_stays() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "4s");
    let (first, seen) = production.deploys(&[("web.yaml", &web(1, "")), ("a.yaml", &config("a", "1"))]);
    assert_snapshot!("healthy", seen);
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n  \
                 accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n";
    let files = [
        ("web.yaml", web(2, "never-ready")),
        ("a.yaml", config("a", "2")),
        ("b.yaml", config("b", "1")),
        // Of a kind that no push deletes without a word: but this one was not there before.
        ("claim.yaml", claim.to_owned()),
        ("secret.yaml", SECRET.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (revision, seen) = production.rejected(&files, "failed");
    // Several objects are written at once, and which is waited for longest is the cluster's.
    let last = seen.find("instate: failed").expect("it failed");
    assert_snapshot!("unhealthy", &seen[last..]);
    assert!(seen.contains("it does not run: going back to"), "{seen}");
    assert!(!seen.contains("abracadabra") && !production.note(&revision).contains("abracadabra"), "{seen}");
    assert_snapshot!("unhealthy_note", production.note(&revision));
    production.holds_exactly(["Deployment/web", "ConfigMap/a"], "went back");
    assert_eq!(production.namespace.get(&["configmap", "a"])["data"]["value"], "1");
    assert_eq!(production.replicas(), 1);
    assert_eq!(production.tip("refs/heads/main"), Some(first));

    // Nothing is left to do, and what is known to run is known again.
    let mark = production.cluster.mark();
    production.instate(&["resume"]).succeeds();
    production.instate(&["deploy"]).succeeds();
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    production.ana.git(&["rm", "--quiet", "claim.yaml"]).succeeds();
    production.deploys(&[("web.yaml", &web(2, ""))]);
    production.holds_exactly(["Deployment/web", "ConfigMap/a", "ConfigMap/b", "Secret/key"], "mended");
}

#[test]
fn a_first_push_that_is_not_healthy_leaves_nothing() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "4s");
    let files = [("web.yaml", web(1, "never-ready")), ("secret.yaml", SECRET.to_owned())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (_, seen) = production.rejected(&files, "failed");
    let last = seen.find("instate: failed").expect("it failed");
    assert_snapshot!("first_unhealthy", &seen[last..]);
    production.holds_exactly([], "nothing before");
    let (_, _) = production.deploys(&[("web.yaml", &web(1, ""))]);
    production.holds_exactly(["Deployment/web", "Secret/key"], "mended");
}

#[test]
fn what_was_there_before_is_never_deleted_on_the_way_back_and_the_record_lists_it() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "4s");
    production.namespace.apply(&config("theirs", "1"), &[]).succeeds();
    let files = [("web.yaml", web(1, "never-ready")), ("theirs.yaml", config("theirs", "2"))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (revision, seen) = production.rejected(&files, "diverged");
    let last = seen.find("instate: diverged").expect("it diverged");
    assert_snapshot!("found_before", &seen[last..]);
    assert!(production.note(&revision).contains("ConfigMap/"), "{}", production.note(&revision));
    assert_eq!(production.namespace.get(&["configmap", "theirs"])["data"]["value"], "2");
    production.deploys(&[("web.yaml", &web(1, ""))]);
    production.holds_exactly(["Deployment/web", "ConfigMap/theirs"], "mended");
}

#[test]
fn a_namespace_that_holds_the_inventory_is_left_and_listed() {
    let world = World::new();
    let mut name = String::new();
    let production = Production::with(&world, |it| {
        (it.accept, it.timeout) = ("deployed", "4s");
        name = format!("{}-new", it.namespace);
        it.namespace.clone_from(&name);
    });
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    let (_, seen) =
        production.rejected(&[("web.yaml", &web(1, "never-ready")), ("n.yaml", &namespace)], "diverged");
    let last = seen.find("instate: diverged").expect("it diverged");
    assert_snapshot!("own_namespace", &seen[last..]);
    let web = production.cluster.kubectl(&["get", "deployment", "web", "--namespace", &name]);
    assert!(web.stderr.contains("NotFound"), "{web}");
    let revision = production.commit(&[("web.yaml", &self::web(1, ""))]);
    let pushed = production.push().succeeds();
    assert_eq!(production.tip("refs/heads/main"), Some(revision), "{pushed}");
    production.cluster.kubectl(&["delete", "namespace", &name, "--wait=false"]).succeeds();
}

#[test]
fn what_the_cluster_does_not_take_back_is_diverged_and_says_what() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "4s");
    production.deploys(&[("web.yaml", &web(1, "")), ("a.yaml", &config("a", "1"))]);
    let fixed = config("a", "1") + "immutable: true\n";
    let (_, seen) =
        production.rejected(&[("web.yaml", &web(1, "never-ready")), ("a.yaml", &fixed)], "diverged");
    let last = seen.find("instate: diverged").expect("it diverged");
    assert_snapshot!("not_taken_back", &seen[last..]);
    let status = production.instate(&["status"]);
    assert_eq!(status.code, Some(1), "{status}");
    production.deploys(&[("web.yaml", &web(1, ""))]);
    production.instate(&["status"]).succeeds();
}

#[test]
fn what_was_deleted_before_the_branch_could_not_be_moved_is_made_anew_and_that_is_said() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "60s");
    let other = format!("{}-other", production.namespace.name());
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {other}}}\n");
    production.deploys(&[("n.yaml", &namespace), ("a.yaml", &config("a", "1"))]);
    production.ana.git(&["rm", "--quiet", "n.yaml"]).succeeds();
    production.commit(&[]);
    let trailer = format!("Allow-Delete: Namespace/{other}");
    production.ana.git(&["commit", "--quiet", "--amend", "--no-edit", "--trailer", &trailer]).succeeds();
    let lock = production.repo.join("refs/heads/main.lock");
    std::fs::write(&lock, "").expect("because the world is ours");
    let pushed = production.push();
    production.at_rest();
    std::fs::remove_file(&lock).expect("because it was left alone");
    assert_eq!(pushed.code, Some(1), "{pushed}");
    let seen = production.seen(&pushed);
    let words = seen.replace("\ninstate: ", " ");
    assert!(words.contains("diverged: main stays at"), "{seen}");
    assert!(
        words.contains(&format!("Namespace/{other}, which is made anew without what was in it")),
        "{seen}"
    );
    production.cluster.kubectl(&["delete", "namespace", &other, "--wait=false"]).succeeds();
}

#[test]
fn an_api_server_that_goes_away_leaves_it_diverged_and_deploying_the_tip_again_brings_it_back() {
    let world = World::new();
    let proxy = Proxy::of(Cluster::shared());
    let production = Production::with(&world, |it| {
        it.kubeconfig = proxy.kubeconfig().to_owned();
        (it.accept, it.timeout) = ("deployed", "5s");
    });
    let all = |value: &str| -> Vec<(String, String)> {
        (0..6).map(|n| (format!("c{n}.yaml"), config(&format!("c{n}"), value))).collect()
    };
    fn named(files: &[(String, String)]) -> Vec<(&str, &str)> {
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
    }
    let (first, _) = production.deploys(&named(&all("1")));
    let revision = production.commit(&named(&all("2")));
    // The verdict's dry-runs are over when it is planned.
    let pushing = production.push_at(&production.ana, "planned=1*return(stop)");
    let worker = production.stopped(&["hook", "worker"]);
    proxy.cut_after(3);
    go_on(worker);
    let pushed = pushing.finish();
    production.at_rest();
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert!(pushed.stderr.contains("deploy failed, and production is not as it was"), "{pushed}");
    assert_eq!(production.outcomes(&revision), ["production diverged"], "{pushed}");
    assert!(production.note(&revision).contains("ConfigMap/c"), "{}", production.note(&revision));
    assert_eq!(production.tip("refs/heads/main"), Some(first.clone()));
    proxy.clear();
    production.instate(&["deploy"]).succeeds();
    let names: Vec<String> = (0..6).map(|n| format!("ConfigMap/c{n}")).collect();
    production.holds_exactly(names.iter().map(String::as_str), "again");
    for n in 0..6 {
        assert_eq!(production.namespace.get(&["configmap", &format!("c{n}")])["data"]["value"], "1");
    }
    production.instate(&["status"]).succeeds();
}

/// What runs, a revision that will never be healthy, and the push that waits for it.
fn hanging(production: &Production<'_>) -> (String, String, Running) {
    let (first, _) = production.deploys(&[("web.yaml", &web(1, ""))]);
    let hangs = production.commit(&[("web.yaml", &web(1, "never-ready")), ("b.yaml", &config("b", "1"))]);
    let pushing = spawn(production.ana.git_command(&["push", "origin", "main"]));
    pushing.wait_for("created ConfigMap/b");
    (first, hangs, pushing)
}

#[test]
fn a_push_that_mends_it_takes_over_from_one_that_only_waits() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "60s");
    let (first, hangs, pushing) = hanging(&production);
    let ben = production.clone("ben");
    ben.write("web.yaml", web(3, ""));
    let mends = ben.commit("mends it");
    let mending = ben.push(&["origin", "HEAD:main"]).succeeds();
    let pushed = pushing.finish();
    production.at_rest();
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert!(
        pushed.stderr.contains(&format!("(superseded by {}, which was pushed after it)", &mends[..7])),
        "{pushed}"
    );
    assert_eq!(production.outcomes(&hangs), ["production superseded"], "{pushed}");
    assert_eq!(production.outcomes(&mends), ["production deployed"], "{mending}");
    assert_eq!(production.tip("refs/heads/main"), Some(mends));
    production.holds_exactly(["Deployment/web"], "mended");
    assert_eq!(production.replicas(), 3);
    assert_ne!(production.deployed(), Some(first));
}

#[test]
fn one_that_took_over_and_does_not_run_either_goes_back_to_before_both() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "6s");
    let (first, _) = production.deploys(&[("web.yaml", &web(1, ""))]);
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n  \
                 accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n";
    production.commit(&[("web.yaml", &web(1, "never-ready")), ("claim.yaml", claim)]);
    let pushing = spawn(production.ana.git_command(&["push", "origin", "main"]));
    pushing.wait_for("created PersistentVolumeClaim/data");
    let ben = production.clone("ben");
    ben.write("web.yaml", web(2, "never-ready"));
    let second = ben.commit("does not mend it");
    let other = ben.push(&["origin", "HEAD:main"]);
    assert_eq!(other.code, Some(1), "{other}");
    assert_eq!(pushing.finish().code, Some(1));
    production.at_rest();
    assert_eq!(production.outcomes(&second), ["production failed"], "{other}");
    assert_eq!(production.tip("refs/heads/main"), Some(first));
    production.holds_exactly(["Deployment/web"], "before both");
    assert_eq!(production.replicas(), 1);
}

#[test]
fn a_deployment_that_is_given_up_while_it_waits_is_taken_back() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "60s");
    let (first, hangs, pushing) = hanging(&production);
    world.set_env("SUDO_USER", "ben");
    production.instate(&["cancel"]).succeeds();
    let pushed = pushing.finish();
    production.at_rest();
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert!(pushed.stderr.contains("deploy failed: cancelled by ben before it was healthy"), "{pushed}");
    assert_eq!(production.outcomes(&hangs), ["production failed"]);
    assert_eq!(production.tip("refs/heads/main"), Some(first));
    production.holds_exactly(["Deployment/web"], "given up");
}

#[test]
fn a_worker_that_is_killed_after_any_step_is_taken_up_and_the_branch_moves_then() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "60s");
    production.deploys(&[("a.yaml", &config("a", "0")), ("web.yaml", &web(1, ""))]);
    for (n, point) in [
        "lease-taken",
        "begun-saved",
        "planned",
        "listed",
        "object-applied",
        "applied",
        "healthy",
        "object-deleting",
        "pruned",
        "deployed",
        "runs",
        "branch-moving",
        "branch-moved",
        "outcome-journalled",
        "recorded",
    ]
    .into_iter()
    .enumerate()
    {
        let (old, new) = (format!("b{n}.yaml"), format!("b{}.yaml", n + 1));
        if n > 0 {
            production.ana.git(&["rm", "--quiet", &old]).succeeds();
        }
        let name = format!("b{}", n + 1);
        let id = production.commit(&[("a.yaml", &config("a", point)), (&new, &config(&name, "1"))]);
        let pushed = production.push_at(&production.ana, &kill_at(point)).finish();
        production.at_rest();
        production.instate(&["resume"]).succeeds();
        production.at_rest();
        assert_eq!(production.tip("refs/heads/main"), Some(id.clone()), "{point}: {pushed}");
        assert_eq!(production.outcomes(&id), ["production deployed"], "{point}: {pushed}");
        assert_eq!(production.deployed(), Some(id), "{point}");
        production.holds_exactly(["ConfigMap/a", "Deployment/web", &format!("ConfigMap/{name}")], point);
        // Nobody else tells of a branch that moved after the push had ended.
        production.ana.git(&["fetch", "--quiet", "origin"]).succeeds();
    }
}

#[test]
fn a_worker_that_is_killed_on_the_way_back_is_taken_up_and_goes_on_back() {
    let world = World::new();
    let production = Production::accept_deployed(&world, "3s");
    let (first, _) = production.deploys(&[("a.yaml", &config("a", "0")), ("web.yaml", &web(1, ""))]);
    for point in ["given-up", "back-planned", "object-deleting", "went-back", "outcome-journalled"] {
        let broken = production.commit(&[
            ("a.yaml", &config("a", point)),
            ("b.yaml", &config("b", point)),
            ("web.yaml", &web(2, "never-ready")),
        ]);
        let pushed = production.push_at(&production.ana, &kill_at(point)).finish();
        assert_eq!(pushed.code, Some(1), "{point}: {pushed}");
        production.at_rest();
        production.instate(&["resume"]);
        production.at_rest();
        assert_eq!(production.outcomes(&broken), ["production failed"], "{point}: {pushed}");
        assert_eq!(production.tip("refs/heads/main"), Some(first.clone()), "{point}");
        production.holds_exactly(["ConfigMap/a", "Deployment/web"], point);
        assert_eq!(production.namespace.get(&["configmap", "a"])["data"]["value"], "0", "{point}");
        assert_eq!(production.replicas(), 1, "{point}");
        assert_eq!(production.open(), Vec::<String>::new(), "{point}");
    }
}
