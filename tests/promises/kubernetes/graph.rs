//! What waits for what while a revision is deployed, and what a Job is in it.

use insta::assert_snapshot;

use super::Production;
use crate::common::{World, eventually, spawn};

/// A Job that runs, unless it is told otherwise.
fn job(name: &str, annotations: &str, spec: &str, behave: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations: {{{annotations}}}\nspec:\n  backoffLimit: 0\n{spec}  \
         template:\n    metadata: {{annotations: {{test.instate.dev/behave: \"{behave}\"}}}}\n    spec:\n      restartPolicy: Never\n      \
         containers: [{{name: migrate, image: \"migrate:1\", envFrom: [{{configMapRef: {{name: settings}}}}]}}]\n"
    )
}

fn web(annotations: &str, behave: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations: {{{annotations}}}\nspec:\n  \
         selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}, annotations: {{test.instate.dev/behave: \"{behave}\"}}}}\n    \
         spec: {{containers: [{{name: web, image: \"web:1\"}}]}}\n"
    )
}

fn settings(value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{a: \"{value}\"}}\n")
}

impl Production<'_> {
    /// The UID of a Job, or nothing.
    fn job(&self, name: &str) -> Option<String> {
        let found = self.namespace.kubectl(&[
            "get",
            "job",
            name,
            "--ignore-not-found",
            "-o",
            "jsonpath={.metadata.uid}",
        ]);
        Some(found.succeeds().stdout).filter(|uid| !uid.is_empty())
    }

    /// When an object of a kind was created, or ended.
    fn time(&self, kind: &str, name: &str, field: &str) -> String {
        let path = format!("jsonpath={{{field}}}");
        self.namespace.kubectl(&["get", kind, name, "-o", &path]).succeeds().stdout
    }
}

#[test]
fn a_job_before_deployments_has_ended_when_they_begin_and_runs_once_for_what_it_does() {
    let world = World::new();
    let production = Production::new(&world);
    let migrate = job("migrate", "", "", "");
    let after = web("instate.dev/after: Job/migrate", "");
    let mark = production.cluster.mark();
    let (_, seen) = production.deploys(&[
        ("a-web.yaml", &after),
        ("b-migrate.yaml", &migrate),
        ("c-settings.yaml", &settings("1")),
    ]);
    assert_snapshot!("graph_job_first", seen);
    // In the order in which each could be of use, whatever the files are called.
    let written: Vec<String> = production
        .writes_since(mark)
        .into_iter()
        .filter(|write| write.starts_with("patch ") && !write.contains("instate-"))
        .collect();
    assert_eq!(written, ["patch configmaps settings", "patch jobs migrate", "patch deployments web"]);
    let ended = production.time("job", "migrate", ".status.completionTime");
    assert!(ended <= production.time("deployment", "web", ".metadata.creationTimestamp"), "{ended}");

    // Not once more for what it has nothing to do with.
    let first = production.job("migrate");
    production.deploys(&[("c-settings.yaml", &settings("2"))]);
    assert_eq!(production.job("migrate"), first);
    // But for what it does.
    let (_, seen) = production.deploys(&[("b-migrate.yaml", &migrate.replace("migrate:1", "migrate:2"))]);
    assert!(seen.contains("replaced Job/migrate"), "{seen}");
    assert_ne!(production.job("migrate"), first);
}

#[test]
fn where_a_job_fails_what_waits_for_it_is_not_written_and_it_runs_again_when_that_is_mended() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("c-settings.yaml", &settings("1"))]);
    let before = production.setup.deployed();
    let revision = production.commit(&[
        ("a-web.yaml", &web("argocd.argoproj.io/sync-wave: \"1\"", "")),
        ("b-migrate.yaml", &job("migrate", "", "", "job-fails")),
    ]);
    let mark = production.cluster.mark();
    let pushed = production.push().succeeds();
    assert_snapshot!("graph_job_fails", production.seen(&pushed));
    assert_eq!(production.setup.outcomes(&revision), ["production diverged"], "{pushed}");
    assert_eq!(production.setup.deployed(), before);
    let written = production.writes_since(mark);
    assert!(!written.iter().any(|write| write.contains("deployments")), "{written:?}");

    // What it needed is mended; what it does is the same.
    let first = production.job("migrate");
    production.commit(&[("c-settings.yaml", &settings("2"))]);
    let pushed = production.push();
    assert_ne!(production.job("migrate"), first, "{pushed}");
    // And the way back is a revert.
    let (_, seen) = production.deploys(&[("b-migrate.yaml", &job("migrate", "", "", ""))]);
    assert!(seen.contains("is complete"), "{seen}");
    assert!(seen.contains("created Deployment/web"), "{seen}");
}

#[test]
fn a_fix_does_not_wait_for_what_a_revision_waits_for_in_its_middle_and_it_can_be_given_up() {
    let world = World::new();
    let production = Production::new(&world);
    let waits = web("instate.dev/after: Job/migrate", "");
    production.commit(&[
        ("c-settings.yaml", &settings("1")),
        ("a-web.yaml", &waits),
        ("b-migrate.yaml", &job("migrate", "", "", "never-ready")),
    ]);
    let stuck = spawn(production.ana.git_command(&["push", "origin", "main"]));
    eventually("the Job is there", || production.job("migrate").is_some());
    let fix = production.commit(&[("b-migrate.yaml", &job("migrate", "", "", ""))]);
    let pushed = production.ana.push(&["origin", "main"]).succeeds();
    let stuck = stuck.finish().succeeds();
    production.setup.idle();
    assert!(stuck.stderr.contains("newer revision took over before it was healthy"), "{stuck}");
    assert_eq!(production.setup.outcomes(&fix), ["production deployed"], "{pushed}");
    assert_eq!(production.namespace.get(&["deployment", "web"])["spec"]["replicas"], 1);

    // One that nobody mends is given up by whoever is at the server.
    let revision = production.commit(&[("b-migrate.yaml", &job("migrate", "", "", "never-ready"))]);
    let before = production.job("migrate");
    let stuck = spawn(production.ana.git_command(&["push", "origin", "main"]));
    eventually("the Job is replaced", || {
        production.job("migrate").is_some_and(|job| before.as_ref() != Some(&job))
    });
    production.instate(&["cancel"]).succeeds();
    stuck.finish();
    production.setup.idle();
    assert_eq!(production.setup.outcomes(&revision).len(), 1);
    assert!(
        production.setup.note(&revision).contains("cancelled by"),
        "{}",
        production.setup.note(&revision)
    );
}

#[test]
fn a_job_that_was_cleaned_up_after_it_had_ended_is_done_and_does_not_run_again() {
    let world = World::new();
    let production = Production::new(&world);
    let quick = job("migrate", "", "  ttlSecondsAfterFinished: 0\n", "");
    let (_, _) = production.deploys(&[
        ("a-web.yaml", &web("instate.dev/after: Job/migrate", "")),
        ("b-migrate.yaml", &quick),
        ("c-settings.yaml", &settings("1")),
    ]);
    eventually("the Job is cleaned up", || production.job("migrate").is_none());
    // Everything is compared, and nothing is written.
    let mark = production.cluster.mark();
    let again = production.instate(&["deploy"]).succeeds();
    assert!(again.stdout.contains("nothing to change"), "{again}");
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    production.instate(&["drift"]).succeeds();
    // What it does changes: it runs.
    let mark = production.cluster.mark();
    production.deploys(&[("b-migrate.yaml", &quick.replace("migrate:1", "migrate:2"))]);
    assert!(production.writes_since(mark).contains(&"patch jobs migrate".to_owned()));
    // It is no longer declared, and nothing is left of it.
    eventually("the Job is cleaned up", || production.job("migrate").is_none());
    production.ana.git(&["rm", "--quiet", "b-migrate.yaml"]).succeeds();
    production.deploys(&[("a-web.yaml", &web("", ""))]);
    let left = format!("{:?}", production.inventory());
    assert!(!left.contains("migrate"), "{left}");
}

#[test]
fn a_hook_runs_once_for_each_revision_and_goes_when_it_has_succeeded() {
    let world = World::new();
    let production = Production::new(&world);
    let hook = "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded";
    let migrate = job("migrate", hook, "", "");
    let seed = job("seed", "helm.sh/hook: \"post-install,post-upgrade\"", "", "");
    let (_, seen) = production.deploys(&[
        ("migrate.yaml", &migrate),
        ("seed.yaml", &seed),
        ("settings.yaml", &settings("1")),
        ("web.yaml", &web("team: shop", "")),
    ]);
    assert_snapshot!("graph_hooks", seen);
    assert_eq!(production.job("migrate"), None);
    let seeded = production.job("seed");
    // The same once more, and a commit in which no manifest changes: nothing runs.
    let mark = production.cluster.mark();
    production.instate(&["deploy"]).succeeds();
    production.deploys(&[("README.md", "# shop\n")]);
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    // Another manifest changes: both run, each at its place.
    let mark = production.cluster.mark();
    production.deploys(&[("settings.yaml", &settings("2"))]);
    let jobs: Vec<String> = production
        .writes_since(mark)
        .into_iter()
        .filter(|write| write.starts_with("patch ") && !write.contains("instate-"))
        .collect();
    assert_eq!(jobs, ["patch configmaps settings", "patch jobs migrate", "patch jobs seed"]);
    assert_ne!(production.job("seed"), seeded);
    assert_eq!(production.job("migrate"), None);
}

#[test]
fn a_webhook_is_written_when_what_answers_it_is_ready() {
    let world = World::new();
    let production = Production::new(&world);
    let name = production.namespace.name().to_owned();
    let gate = web("", "").replace("web", "gate");
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: gate}\nspec: {selector: {app: gate}, ports: [{port: 443}]}\n";
    let webhook = format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: {name}-gate}}\nwebhooks:\n\
         - name: gate.example.com\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  clientConfig: {{service: {{name: gate, namespace: {name}}}}}\n  \
         rules: [{{apiGroups: [{name}.example.com], apiVersions: [v1], operations: [CREATE], resources: [gadgets]}}]\n"
    );
    let mark = production.cluster.mark();
    production.deploys(&[("a.yaml", &webhook), ("b.yaml", service), ("c.yaml", &gate)]);
    let written: Vec<String> = production
        .writes_since(mark)
        .into_iter()
        .filter(|write| write.starts_with("patch ") && !write.contains("instate-"))
        .collect();
    let names: Vec<&str> = written.iter().map(|write| write.split(' ').nth(1).unwrap_or_default()).collect();
    assert_eq!(names, ["services", "deployments", "validatingwebhookconfigurations"]);
    // Backwards, so that nobody asks what does not answer any more.
    let mark = production.cluster.mark();
    production.ana.git(&["rm", "--quiet", "a.yaml", "b.yaml", "c.yaml"]).succeeds();
    production.deploys(&[("settings.yaml", &settings("1"))]);
    let deleted: Vec<String> =
        production.writes_since(mark).into_iter().filter(|write| write.starts_with("delete ")).collect();
    let names: Vec<&str> = deleted.iter().map(|write| write.split(' ').nth(1).unwrap_or_default()).collect();
    assert_eq!(names, ["validatingwebhookconfigurations", "deployments", "services"]);
}
