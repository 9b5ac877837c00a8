//! The cluster of the tests is as real as they need it: Pods fail as they are told, the audit log says who
//! wrote what, and the way to the API server can be spoiled.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::{Cluster, Namespace, Proxy, children, eventually};

const CONFIG_MAP: &str = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "motd"}}"#;

/// The only Pod of an app.
fn pod(namespace: &Namespace<'_>, app: &str) -> Value {
    namespace.get(&["pods", "--selector", &format!("app={app}")])["items"][0].clone()
}

fn until(namespace: &Namespace<'_>, app: &str, path: &str, value: &str) -> Value {
    let mut found = Value::Null;
    eventually(&format!("{app}: {path} is {value}"), || {
        found = pod(namespace, app);
        found.pointer(path).is_some_and(|is| is == value)
    });
    found
}

#[test]
fn a_pod_that_is_told_to_crash_crashes() {
    let namespace = Cluster::shared().namespace("crash");
    namespace.apply(&Namespace::deployment("web", "crash"), &[]).succeeds();
    // Late enough for `kubectl rollout status`, as a container that finds no database does.
    namespace.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).succeeds();
    let state = "/status/containerStatuses/0/state/waiting/reason";
    let crashed = until(&namespace, "web", state, "CrashLoopBackOff");
    let container = &crashed["status"]["containerStatuses"][0];
    assert_eq!(container["restartCount"], 1, "{container}");
    assert_eq!(container["lastState"]["terminated"]["exitCode"], 3, "{container}");
    let deployment = namespace.get(&["deployment", "web"]);
    assert_eq!(deployment["status"]["unavailableReplicas"], 1, "{deployment}");
    let logs = namespace.kubectl(&["logs", "--previous", "deployment/web", "--container=web"]).succeeds();
    assert!(logs.stdout.ends_with("panic: no DATABASE_URL\n"), "{logs}");
}

#[test]
fn a_pod_fails_before_it_is_ready_as_it_is_told() {
    let namespace = Cluster::shared().namespace("fail");
    for how in ["never-ready", "image-pull", "init-fails", ""] {
        namespace.apply(&Namespace::deployment(&format!("web{how}"), how), &[]).succeeds();
    }
    let state = "/status/containerStatuses/0/state/waiting/reason";
    let unpulled = until(&namespace, "webimage-pull", state, "ImagePullBackOff");
    let message = &unpulled["status"]["containerStatuses"][0]["state"]["waiting"]["message"];
    assert!(
        message.as_str().is_some_and(|message| message.contains(r#"image "web:1": not found"#)),
        "{message}"
    );
    let state = "/status/initContainerStatuses/0/state/waiting/reason";
    let unprepared = until(&namespace, "webinit-fails", state, "CrashLoopBackOff");
    let init = &unprepared["status"]["initContainerStatuses"][0];
    assert_eq!(init["lastState"]["terminated"]["exitCode"], 1, "{init}");
    let unready = until(&namespace, "webnever-ready", "/status/phase", "Running");
    assert_eq!(unready["status"]["containerStatuses"][0]["ready"], false, "{unready}");
    let unready: Vec<_> = ["never-ready", "image-pull", "init-fails"].map(|how| format!("web{how}")).into();
    namespace.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).succeeds();
    for deployment in unready {
        let found = namespace.get(&["deployment", &deployment]);
        assert_eq!(found["status"]["readyReplicas"], Value::Null, "{found}");
    }
    let events = namespace.kubectl(&["get", "events", "--field-selector=type=Warning"]).succeeds();
    assert!(events.stdout.contains("Failed to pull image"), "{events}");
}

#[test]
fn a_job_ends_as_it_is_told() {
    let namespace = Cluster::shared().namespace("job");
    for (name, behave) in [("good", ""), ("bad", "job-fails")] {
        let job = format!(
            r#"{{"apiVersion": "batch/v1", "kind": "Job", "metadata": {{"name": "{name}"}}, "spec": {{
                "backoffLimit": 0, "template": {{
                "metadata": {{"annotations": {{"test.instate.dev/behave": "{behave}"}}}},
                "spec": {{"restartPolicy": "Never", "containers": [{{"name": "do", "image": "do:1"}}]}}}}}}}}"#
        );
        namespace.apply(&job, &[]).succeeds();
    }
    namespace.kubectl(&["wait", "--for=condition=complete", "job/good", "--timeout=60s"]).succeeds();
    namespace.kubectl(&["wait", "--for=condition=failed", "job/bad", "--timeout=60s"]).succeeds();
    let failed = namespace.get(&["pods", "--selector=job-name=bad"])["items"][0].clone();
    let exit = &failed["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"];
    assert_eq!(exit, 1, "{failed}");
}

#[test]
fn the_audit_log_tells_writes_from_dry_runs() {
    let cluster = Cluster::shared();
    let namespace = cluster.namespace("audit");
    let mark = cluster.mark();
    let ours = || {
        let mut requests = cluster.requests_since(mark);
        requests.retain(|request| request.is_of("kubectl") && request.uri.contains(namespace.name()));
        requests
    };
    namespace.apply(CONFIG_MAP, &["--server-side", "--dry-run=server"]).succeeds();
    namespace.apply(CONFIG_MAP, &["--server-side"]).succeeds();
    namespace.kubectl(&["delete", "configmap", "motd", "--dry-run=server"]).succeeds();
    let asked = namespace.kubectl(&["--as=ana", "auth", "can-i", "delete", "configmaps"]);
    assert_eq!(asked.stdout, "no\n", "{asked}");
    let refused = namespace.kubectl(&["--as=ana", "delete", "configmap", "motd"]);
    assert_eq!(refused.code, Some(1), "{refused}");

    let requests = ours();
    let patches: Vec<_> = requests.iter().filter(|request| request.verb == "patch").collect();
    assert_eq!(
        patches.iter().map(|patch| patch.is_write()).collect::<Vec<_>>(),
        [false, true],
        "{requests:#?}"
    );
    let made = patches[1];
    assert_eq!((&*made.user, &*made.resource, &*made.name), ("admin", "configmaps", "motd"), "{requests:#?}");
    assert_eq!((&*made.namespace, made.code), (namespace.name(), 201), "{requests:#?}");
    let deletions: Vec<_> = requests.iter().filter(|request| request.verb == "delete").collect();
    let deletions: Vec<_> =
        deletions.iter().map(|one| (one.is_write(), one.code, one.impersonated.as_deref())).collect();
    assert_eq!(deletions, [(false, 200, None), (true, 403, Some("ana"))], "{requests:#?}");
    let questions = cluster.requests_since(mark);
    let question = questions.iter().find(|request| request.resource == "selfsubjectaccessreviews");
    assert!(question.is_some_and(|question| question.verb == "create" && !question.is_write()));
}

#[test]
fn a_proxy_cuts_and_delays() {
    let cluster = Cluster::shared();
    let namespace = cluster.namespace("proxy");
    let proxy = Proxy::of(cluster);
    let create = |name: &str| proxy.kubectl(&["--namespace", namespace.name(), "create", "configmap", name]);
    let exists = |name: &str| namespace.kubectl(&["get", "configmap", name]).code == Some(0);
    let list = || proxy.kubectl(&["get", "--raw", "/api/v1/namespaces"]);

    create("passes").succeeds();
    let dry = ["--namespace", namespace.name(), "delete", "configmap", "passes", "--dry-run=server"];
    proxy.kubectl(&dry).succeeds();
    assert_eq!(proxy.writes(), 1);
    assert!(exists("passes"));

    proxy.delay(Duration::from_millis(700));
    let begin = Instant::now();
    list().succeeds();
    assert!(begin.elapsed() >= Duration::from_millis(700));
    proxy.clear();

    proxy.cut_answer(1);
    let cut = create("unheard");
    assert!(cut.code == Some(1) && cut.stderr.contains("EOF"), "{cut}");
    assert!(exists("unheard"), "it was done all the same");

    proxy.cut_after(1);
    create("last").succeeds();
    assert_eq!(list().code, Some(1));
    assert_eq!(create("late").code, Some(1));
    proxy.clear();
    assert!(!exists("late"));

    proxy.status(503, 1.0);
    let refused = list();
    assert!(refused.code == Some(1) && refused.stderr.contains("the proxy of a test says 503"), "{refused}");
    proxy.status_of_writes(409, 1.0);
    list().succeeds();
    let refused = create("conflict");
    assert!(refused.code == Some(1) && refused.stderr.contains("409"), "{refused}");
    proxy.cut(0.5);
    let codes: Vec<_> = (0..4).map(|_| list().code).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 2, "{codes:?}");

    proxy.clear();
    proxy.hold();
    let held = proxy.kubectl(&["get", "--raw", "/livez", "--request-timeout=500ms"]);
    assert_eq!(held.code, Some(1), "{held}");
    proxy.clear();
    list().succeeds();

    // A watch says what happens as it happens.
    let mut watch = proxy.kubectl_command(&["--namespace", namespace.name(), "get", "configmaps", "--watch"]);
    watch.env("LC_ALL", "C");
    let watching = crate::common::spawn(watch);
    watching.wait_for("unheard");
    namespace.kubectl(&["create", "configmap", "new"]).succeeds();
    watching.wait_for("new ");
}

#[test]
fn a_cluster_stops_goes_on_and_leaves_nothing() {
    let cluster = Cluster::start();
    let namespace = cluster.namespace("own");
    cluster.stop_apiserver();
    let refused = cluster.kubectl(&["get", "namespaces"]);
    assert!(refused.stderr.contains("refused"), "{refused}");
    cluster.start_apiserver();
    namespace.apply(&Namespace::deployment("web", ""), &[]).succeeds();
    namespace.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).succeeds();
    cluster.pause_apiserver();
    let silent = cluster.kubectl(&["get", "--raw", "/livez", "--request-timeout=1s"]);
    assert_eq!(silent.code, Some(1), "{silent}");
    cluster.continue_apiserver();
    cluster.kubectl(&["get", "--raw", "/livez"]).succeeds();
    drop(namespace);

    let programs = children(cluster.id());
    assert_eq!(programs.len(), 5, "{programs:?}");
    let folder = cluster.kubeconfig().parent().map(Path::to_owned).unwrap();
    // The worst end that it can have.
    kill_process(Pid::from_raw(cluster.id() as i32).unwrap(), Signal::KILL).unwrap();
    drop(cluster);
    eventually("its programs end with it", || programs.iter().all(|id| has_ended(*id)));
    assert!(!folder.exists());
}

/// Dead, be it that nobody has asked for its exit code.
fn has_ended(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('Z'))
}
