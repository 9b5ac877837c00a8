//! A real Kubernetes cluster, built and started by `tests/cluster`, and a proxy that spoils what passes
//! between it and its clients.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Output, TIMEOUT, built, process::start, run, run_with_input, world::text};

/// What a client with no configuration but ours needs, and where it is.
fn kubectl(kubeconfig: &Path, args: &[&str]) -> Command {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(|assets| Path::new(&assets).join("kubectl"));
    let program = assets.filter(|program| program.exists()).unwrap_or_else(|| binaries().join("kubectl"));
    let mut command = Command::new(program);
    let home = kubeconfig.parent().expect("because it is a file in a folder");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
    command.env("KUBECONFIG", kubeconfig).args(args);
    command
}

/// Waits until a condition holds that takes a program to ask for, which it must within a minute.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within a minute");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The programs of a cluster; the first who asks has them built.
fn binaries() -> &'static Path {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| built("cluster").join("bin"))
}

fn tmp() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// A program that says `ready`, answers each line with one, and ends with its standard input.
struct Service {
    child: Child,
    talk: Mutex<Option<(ChildStdin, Receiver<String>)>>,
}

impl Service {
    #[track_caller]
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(binaries().join("cluster"));
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = start(&mut command);
        let stdin = child.stdin.take().expect("because it is piped");
        let stdout = BufReader::new(child.stdout.take().expect("because it is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let service = Self { child, talk: Mutex::new(Some((stdin, lines))) };
        let ready = service.answer();
        assert_eq!(ready.as_deref(), Ok("ready"), "{args:?}: did not start, see above");
        service
    }

    fn answer(&self) -> Result<String, String> {
        let talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, lines) = talk.as_ref().expect("because it is taken only at the end");
        lines.recv_timeout(TIMEOUT).map_err(|err| err.to_string())
    }

    #[track_caller]
    fn ask(&self, line: &str) -> String {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let (stdin, lines) = talk.as_mut().expect("because it is taken only at the end");
        let sent = writeln!(stdin, "{line}").map_err(|err| err.to_string());
        let answer = sent.and_then(|()| lines.recv_timeout(TIMEOUT).map_err(|err| err.to_string()));
        match answer {
            Ok(answer) if !answer.starts_with("error") => answer,
            other => panic!("`{line}` was answered with {other:?}"),
        }
    }

    /// The end of its standard input is its end.
    fn end(&mut self) {
        drop(self.talk.lock().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.child.wait();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end();
    }
}

/// A cluster with two nodes, on which Pods run, or fail as `tests/cluster/stages/pods.yaml` says.
pub struct Cluster {
    service: Service,
    dir: PathBuf,
    count: AtomicUsize,
}

impl Cluster {
    /// The one that all tests share, in namespaces of their own. It ends with this process.
    #[track_caller]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A test's own, for those that stop it.
    #[track_caller]
    pub fn start() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        binaries();
        remove_the_dead();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = tmp().join(format!("cluster-{}-{count}", std::process::id()));
        let service = Service::start(&["up", text(&dir), "--audit", "--remove"]);
        Self { service, dir, count: AtomicUsize::new(0) }
    }

    /// The administrator's.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// The process that all others of the cluster are children of.
    pub fn id(&self) -> u32 {
        self.service.child.id()
    }

    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> Output {
        run(kubectl(&self.kubeconfig(), args))
    }

    /// `kubectl get ARGS -o json`.
    #[track_caller]
    pub fn get(&self, args: &[&str]) -> Value {
        json(&self.kubectl(&[&["get", "-o", "json"], args].concat()))
    }

    /// A namespace of its own, ready for Pods; it goes away some time after it was dropped.
    #[track_caller]
    pub fn namespace(&self, prefix: &str) -> Namespace<'_> {
        // As long for every test: where the lines of a message break depends on it.
        let name = format!("{prefix}-{:03}", self.count.fetch_add(1, Ordering::Relaxed));
        self.service.ask(&format!("create namespace {name}"));
        Namespace { cluster: self, name }
    }

    /// What containers of the name `tells` have written, whosever they are.
    pub fn tell(&self, lines: &[String]) {
        let at = |line: &String| format!("2026-11-22T10:00:00.0Z stdout F {line}\n");
        let log = lines.iter().map(at).collect::<String>();
        fs::write(self.dir.join("told.log"), log).expect("because the folder is ours");
    }

    /// Kills the API server: connections are refused.
    #[track_caller]
    pub fn stop_apiserver(&self) {
        self.service.ask("stop apiserver");
    }

    /// Starts it again, at the same address, and waits until it is ready.
    #[track_caller]
    pub fn start_apiserver(&self) {
        self.service.ask("start apiserver");
    }

    /// Holds the API server: connections are accepted, and nobody answers.
    #[track_caller]
    pub fn pause_apiserver(&self) {
        self.service.ask("pause apiserver");
    }

    #[track_caller]
    pub fn continue_apiserver(&self) {
        self.service.ask("continue apiserver");
    }

    /// Where the audit log ends now.
    #[track_caller]
    pub fn mark(&self) -> u64 {
        self.service.ask("flush");
        fs::metadata(self.dir.join("audit.log")).expect("because the API server writes it").len()
    }

    /// What was asked of the API server since a mark, but for what the cluster itself asked.
    #[track_caller]
    pub fn requests_since(&self, mark: u64) -> Vec<Request> {
        self.service.ask("flush");
        let log = fs::read(self.dir.join("audit.log")).expect("because the API server writes it");
        let since = usize::try_from(mark).expect("because it fits into memory");
        // The last line may be half written.
        let lines = log[since..].split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        lines.map(Request::parse).filter(|request| request.user != "harness").collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.service.end();
        // It does so itself, unless a test has killed it.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Clusters whose test program was killed had nobody to remove what they wrote.
fn remove_the_dead() {
    for entry in fs::read_dir(tmp()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix("cluster-")?.split('-').next());
        if owner.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[track_caller]
fn json(output: &Output) -> Value {
    assert_eq!(output.code, Some(0), "{output}");
    serde_json::from_str(&output.stdout).unwrap_or_else(|err| panic!("{err}: {output}"))
}

/// A namespace that is deleted at the end.
pub struct Namespace<'c> {
    cluster: &'c Cluster,
    name: String,
}

impl Namespace<'_> {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `kubectl` in this namespace.
    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> Output {
        self.cluster.kubectl(&[&["--namespace", &self.name], args].concat())
    }

    #[track_caller]
    pub fn get(&self, args: &[&str]) -> Value {
        json(&self.kubectl(&[&["get", "-o", "json"], args].concat()))
    }

    /// `kubectl apply` of a manifest, with options.
    #[track_caller]
    pub fn apply(&self, manifest: &str, options: &[&str]) -> Output {
        let args = ["--namespace", &self.name, "apply", "-f", "-"];
        run_with_input(kubectl(&self.cluster.kubeconfig(), &[&args, options].concat()), manifest)
    }

    /// A manifest of a Deployment with one Pod, which behaves as told (`crash`).
    pub fn deployment(name: &str, behave: &str) -> String {
        format!(
            r#"{{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {{"name": "{name}"}}, "spec": {{
                "selector": {{"matchLabels": {{"app": "{name}"}}}}, "template": {{
                "metadata": {{"labels": {{"app": "{name}"}}, "annotations": {{"test.instate.dev/behave": "{behave}"}}}},
                "spec": {{"initContainers": [{{"name": "prepare", "image": "prepare:1"}}],
                    "containers": [{{"name": "web", "image": "web:1"}}]}}}}}}}}"#
        )
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        // Not worth a second panic; the cluster will not live long.
        let mut talk = self.cluster.service.talk.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stdin, lines)) = talk.as_mut()
            && writeln!(stdin, "delete namespace {}", self.name).is_ok()
        {
            let _ = lines.recv_timeout(TIMEOUT);
        }
    }
}

/// A validating webhook that judges what is written in one namespace, and refuses what has the label
/// `test.instate.dev/refuse`: `tests/cluster/launch/webhook.go`.
pub struct Webhook<'n> {
    namespace: &'n Namespace<'n>,
    service: Service,
}

impl<'n> Webhook<'n> {
    /// It is asked from now on.
    #[track_caller]
    pub fn of(namespace: &'n Namespace<'n>) -> Self {
        let (webhook, configuration) = Self::start(namespace, "None");
        namespace.apply(&configuration.to_string(), &[]).succeeds();
        webhook.asked("house.test.instate.dev");
        webhook
    }

    /// One that a cluster of before 1.22 has left, and that may not be asked in a dry run.
    #[track_caller]
    pub fn that_acts(namespace: &'n Namespace<'n>) -> Self {
        let (webhook, mut configuration) = Self::start(namespace, "Some");
        // It says by itself all that the API server would have added to it.
        configuration["metadata"]["uid"] = namespace.name.clone().into();
        configuration["metadata"]["creationTimestamp"] = "2020-11-22T10:00:00Z".into();
        let key = format!("validatingwebhookconfigurations/{}", namespace.name);
        namespace.cluster.service.ask(&format!("store {key} {configuration}"));
        webhook.asked("does not support dry run");
        webhook
    }

    /// One that changes what is written, as an injector of sidecars does.
    #[track_caller]
    pub fn that_changes(namespace: &'n Namespace<'n>) -> Self {
        let (webhook, mut configuration) = Self::start(namespace, "None");
        configuration["kind"] = "MutatingWebhookConfiguration".into();
        let url = format!("{}change", webhook.service.ask("url"));
        configuration["webhooks"][0]["clientConfig"]["url"] = url.into();
        namespace.apply(&configuration.to_string(), &[]).succeeds();
        let probe =
            r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}, "data": {"a": "b"}}"#;
        eventually("the webhook changes what is written", || {
            namespace.apply(probe, &["--dry-run=server", "-o", "json"]).stdout.contains("injected")
        });
        webhook
    }

    /// Takes the program behind it away, and leaves its configuration.
    pub fn ends(&mut self) {
        self.service.end();
    }

    fn start(namespace: &'n Namespace<'n>, side_effects: &str) -> (Self, Value) {
        let service = Service::start(&["webhook"]);
        let configuration = serde_json::json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace.name},
            "webhooks": [{
                "name": "house.test.instate.dev",
                "admissionReviewVersions": ["v1"],
                "sideEffects": side_effects,
                "failurePolicy": "Fail",
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}},
                // Of what is in no namespace it would be asked for everybody.
                "rules": [{
                    "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "scope": "Namespaced",
                    "operations": ["CREATE", "UPDATE"],
                }],
                "clientConfig": {"url": service.ask("url"), "caBundle": service.ask("authority")},
            }],
        });
        (Self { namespace, service }, configuration)
    }

    /// Waits until the API server asks it, which then says so.
    #[track_caller]
    fn asked(&self, says: &str) {
        let probe = r#"{"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "probe", "labels": {"test.instate.dev/refuse": "yes"}}}"#;
        eventually("the webhook is asked", || {
            self.namespace.apply(probe, &["--dry-run=server"]).stderr.contains(says)
        });
    }
}

impl Drop for Webhook<'_> {
    fn drop(&mut self) {
        // Not worth a second panic: it judges nobody else.
        let name = self.namespace.name.clone();
        let kubeconfig = self.namespace.cluster.kubeconfig();
        let args = [
            "delete",
            "--ignore-not-found",
            "validatingwebhookconfigurations,mutatingwebhookconfigurations",
            &name,
        ];
        let _ = kubectl(&kubeconfig, &args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A request that the API server has answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub verb: String,
    pub uri: String,
    pub user: String,
    /// Whom the user acted for.
    pub impersonated: Option<String>,
    pub agent: String,
    pub code: u64,
    /// As `deployments` or `deployments/status`.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    dry: bool,
}

impl Request {
    fn parse(line: &[u8]) -> Self {
        let event: Value = serde_json::from_slice(line).expect("because the API server writes JSON");
        let at = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let subresource = at("/objectRef/subresource");
        let separator = if subresource.is_empty() { "" } else { "/" };
        let uri = at("/requestURI");
        // Deletions say so in their body.
        let dry = uri.contains("dryRun=") || event.pointer("/requestObject/dryRun/0").is_some();
        Self {
            verb: at("/verb"),
            user: at("/user/username"),
            impersonated: Some(at("/impersonatedUser/username")).filter(|name| !name.is_empty()),
            agent: at("/userAgent"),
            code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
            resource: format!("{}{separator}{subresource}", at("/objectRef/resource")),
            namespace: at("/objectRef/namespace"),
            name: at("/objectRef/name"),
            uri,
            dry,
        }
    }

    /// Whether it was meant to change something: no dry run, and no question in the form of an object.
    pub fn is_write(&self) -> bool {
        let question = ["/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/"];
        ["create", "update", "patch", "delete", "deletecollection"].contains(&self.verb.as_str())
            && !self.dry
            && !question.iter().any(|start| self.uri.starts_with(start))
    }

    /// Whether it is of a client whose name starts so, as `instate/`.
    pub fn is_of(&self, agent: &str) -> bool {
        self.agent.starts_with(agent)
    }
}

/// Between a cluster and its clients: passes everything on, until it is told otherwise.
pub struct Proxy {
    service: Service,
    kubeconfig: PathBuf,
}

impl Proxy {
    #[track_caller]
    pub fn of(cluster: &Cluster) -> Self {
        let count = cluster.count.fetch_add(1, Ordering::Relaxed);
        let kubeconfig = cluster.dir.join(format!("proxy-{count}.kubeconfig"));
        let of = cluster.kubeconfig();
        let service = Service::start(&["proxy", "--kubeconfig", text(&of), "--out", text(&kubeconfig)]);
        Self { service, kubeconfig }
    }

    /// The administrator's, through the proxy.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> Output {
        run(self.kubectl_command(args))
    }

    /// One that has not been run, for `spawn`.
    pub fn kubectl_command(&self, args: &[&str]) -> Command {
        kubectl(&self.kubeconfig, args)
    }

    /// Every answer comes that much later.
    #[track_caller]
    pub fn delay(&self, time: Duration) {
        self.service.ask(&format!("delay {}", time.as_secs_f64()));
    }

    /// Answers come at so many bytes a second.
    #[track_caller]
    pub fn slow(&self, bytes: usize) {
        self.service.ask(&format!("slow {bytes}"));
    }

    /// A share (0.5) of the requests is answered with this code, and not passed on.
    #[track_caller]
    pub fn status(&self, code: u16, share: f64) {
        self.service.ask(&format!("status {code} {share}"));
    }

    /// A share of the writes is answered with this code.
    #[track_caller]
    pub fn status_of_writes(&self, code: u16, share: f64) {
        self.service.ask(&format!("status {code} {share} writes"));
    }

    /// A share of the requests is answered, by turns, with 429, with 500, not at all, or after it was done not at all.
    #[track_caller]
    pub fn mix(&self, share: f64) {
        self.service.ask(&format!("mix {share}"));
    }

    /// A share of the requests gets no answer but the end of the connection.
    #[track_caller]
    pub fn cut(&self, share: f64) {
        self.service.ask(&format!("cut {share}"));
    }

    /// A share of the writes gets no answer.
    #[track_caller]
    pub fn cut_writes(&self, share: f64) {
        self.service.ask(&format!("cut {share} writes"));
    }

    /// After that many more writes nothing gets through.
    #[track_caller]
    pub fn cut_after(&self, writes: usize) {
        self.service.ask(&format!("cut-after {writes}"));
    }

    /// The nth write from now on (1 is the next) is done, and its answer is lost.
    #[track_caller]
    pub fn cut_answer(&self, nth: usize) {
        self.service.ask(&format!("cut-answers {nth}"));
    }

    /// Requests wait until [`Proxy::clear`].
    #[track_caller]
    pub fn hold(&self) {
        self.service.ask("hold");
    }

    /// All passes again.
    #[track_caller]
    pub fn clear(&self) {
        self.service.ask("clear");
    }

    /// How many requests got no answer.
    #[track_caller]
    pub fn cuts(&self) -> usize {
        self.service.ask("cuts").parse().expect("because it is a number")
    }

    /// How many writes came, whatever became of them.
    #[track_caller]
    pub fn writes(&self) -> usize {
        self.service.ask("writes").parse().expect("because it is a number")
    }
}
