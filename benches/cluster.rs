//! What a deployment of 300 objects costs beside the tools that people know, on one cluster, in one run, and what one
//! changed object costs among 30 and among 3,000: `cargo bench --bench cluster`; Go builds Helm and kapp once. Times are
//! of this machine; the ratios are what to look at.

#[path = "../tests/promises/common/mod.rs"]
#[allow(clippy::pedantic, reason = "it is the tests', and linted there")]
mod common;

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use common::{Cluster, Namespace, Setup, World, run};
use futures::{StreamExt, stream};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

/// A third of each kind.
const OBJECTS: usize = 300;
/// Among so many one is changed.
const FEW: usize = 30;
const MANY: usize = 3_000;
/// Changes that are timed, of each.
const CHANGES: usize = 7;
const ROUNDS: usize = 3;
/// Requests under way at once: more made nothing quicker.
const AT_ONCE: usize = 32;

/// A manifest a file, since that is how people keep them. Deployments have no Pods: what is measured is the
/// deploying and not the rollout.
fn manifests(objects: usize, value: usize) -> Vec<(String, String)> {
    let one = |n: usize| {
        let name = format!("object-{n}");
        let text = match n % 3 {
            0 => format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 0\n  selector: {{matchLabels: {{app: {name}}}}}\n  \
                 template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: web\n        image: web:1\n        \
                 ports: [{{containerPort: 8080}}]\n        resources: {{requests: {{cpu: 100m, memory: 128Mi}}}}\n"
            ),
            1 => format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: object-{}}}, ports: [{{port: 80, targetPort: 8080}}]}}\n",
                n - 1
            ),
            _ => {
                let value = if n == 2 { value } else { 0 };
                format!(
                    "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: \"{value}\"}}\n"
                )
            }
        };
        (format!("{name}.yaml"), text)
    };
    (0..objects).map(one).collect()
}

/// Something that deploys, in a namespace of its own.
trait Peer {
    fn deploy(&mut self, manifests: &[(String, String)]) -> Duration;
}

fn write(folder: &Path, manifests: &[(String, String)]) {
    fs::create_dir_all(folder).expect("it is ours");
    for (name, text) in manifests {
        fs::write(folder.join(name), text).expect("it is ours");
    }
}

struct Kubectl<'c> {
    cluster: &'c Cluster,
    namespace: Namespace<'c>,
    folder: PathBuf,
}

impl Peer for Kubectl<'_> {
    fn deploy(&mut self, manifests: &[(String, String)]) -> Duration {
        write(&self.folder, manifests);
        let folder = self.folder.display().to_string();
        let began = Instant::now();
        self.cluster
            .kubectl(&["apply", "--server-side", "--namespace", self.namespace.name(), "--filename", &folder])
            .succeeds();
        began.elapsed()
    }
}

/// Helm or kapp, neither of which waits.
struct Other<'c> {
    program: PathBuf,
    arguments: Vec<String>,
    /// Where it looks for manifests.
    manifests: PathBuf,
    _namespace: Namespace<'c>,
}

impl<'c> Other<'c> {
    fn new(name: &str, world: &World, cluster: &'c Cluster) -> Self {
        let namespace = cluster.namespace(name);
        let folder = world.path(name);
        let (shown, kubeconfig) = (folder.display(), cluster.kubeconfig());
        let arguments = match name {
            "helm" => format!(
                "upgrade --install shop {shown} --kubeconfig {} --namespace {}",
                kubeconfig.display(),
                namespace.name()
            ),
            _ => format!(
                "deploy --app shop --file {shown} --kubeconfig {} --namespace {} --yes --wait=false",
                kubeconfig.display(),
                namespace.name()
            ),
        };
        let manifests = match name {
            "helm" => {
                fs::create_dir_all(&folder).expect("it is ours");
                let chart = "apiVersion: v2\nname: shop\nversion: 0.1.0\n";
                fs::write(folder.join("Chart.yaml"), chart).expect("it is ours");
                folder.join("templates")
            }
            _ => folder,
        };
        let arguments = arguments.split(' ').map(ToOwned::to_owned).collect();
        Self { program: built(name), arguments, manifests, _namespace: namespace }
    }
}

impl Peer for Other<'_> {
    fn deploy(&mut self, manifests: &[(String, String)]) -> Duration {
        write(&self.manifests, manifests);
        let began = Instant::now();
        let done = Command::new(&self.program).args(&self.arguments).output().expect("it was built");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        began.elapsed()
    }
}

/// Helm or kapp, built once.
fn built(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let from = if name == "helm" { "helm.sh/helm/v4/cmd/helm" } else { "carvel.dev/kapp/cmd/kapp" };
    let mut go = Command::new("go");
    go.current_dir(root.join("benches/deployers")).args(["build", "-o"]).arg(&program).arg(from);
    assert!(go.status().expect("go is installed").success(), "{name} was not built");
    program
}

/// Nothing but the requests: no list, no comparison, no wait. What no tool that writes can go below.
struct Bare<'c> {
    kubeconfig: PathBuf,
    namespace: Namespace<'c>,
}

impl Peer for Bare<'_> {
    fn deploy(&mut self, manifests: &[(String, String)]) -> Duration {
        let namespace = self.namespace.name();
        let request = |(_, text): &(String, String)| {
            let kind = text.lines().nth(1).and_then(|line| line.strip_prefix("kind: ")).expect("it has one");
            let name =
                text.split("{name: ").nth(1).and_then(|rest| rest.split('}').next()).expect("it has one");
            let path = match kind {
                "Deployment" => format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}"),
                "Service" => format!("/api/v1/namespaces/{namespace}/services/{name}"),
                _ => format!("/api/v1/namespaces/{namespace}/configmaps/{name}"),
            };
            http::Request::patch(format!("{path}?fieldManager=bare&force=true"))
                .header("content-type", "application/apply-patch+yaml")
                .body(text.clone().into_bytes())
                .expect("it is one")
        };
        let requests: Vec<_> = manifests.iter().map(request).collect();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it is there");
        runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(&self.kubeconfig).expect("it is one");
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
            let client = Client::try_from(config.expect("it is one")).expect("it is one");
            let began = Instant::now();
            let sent = stream::iter(requests).map(|request| client.request::<serde_json::Value>(request));
            sent.buffer_unordered(AT_ONCE).for_each(async |done| drop(done.expect("it is good"))).await;
            began.elapsed()
        })
    }
}

/// `git push`, from the first byte to the last line: judged, accepted, deployed, recorded.
struct Instate<'w> {
    setup: Setup<'w>,
    ana: common::Clone<'w>,
    /// Of each push, how long its deployment took without the rollout: from the worker's first word until everything
    /// was written, or, where nothing was, to the outcome.
    deployments: Vec<Duration>,
    _namespace: Namespace<'w>,
}

impl<'w> Instate<'w> {
    fn new(world: &'w World, cluster: &'w Cluster) -> Self {
        let namespace = cluster.namespace("instate");
        let setup = Setup::bare(world);
        let configuration = format!(
            "environments:\n  production:\n    branch: main\n    namespace: {}\n    settle: 0s\n    target: {{kubernetes: {{kubeconfig: {}}}}}\n",
            namespace.name(),
            cluster.kubeconfig().display(),
        );
        setup.install(&configuration).succeeds();
        let ana = setup.clone("ana");
        Self { setup, ana, deployments: Vec::new(), _namespace: namespace }
    }

    /// Everything compared with what runs, as after a deployment that failed.
    fn once_more(&self) -> Duration {
        let began = Instant::now();
        run(self.setup.command(&["deploy"])).succeeds();
        began.elapsed()
    }
}

impl Peer for Instate<'_> {
    fn deploy(&mut self, manifests: &[(String, String)]) -> Duration {
        for (name, text) in manifests {
            self.ana.write(name, text);
        }
        self.ana.commit("deploy");
        let mut push = self.ana.git_command(&["push", "origin", "main"]);
        let began = Instant::now();
        let mut push = push.stderr(Stdio::piped()).spawn().expect("git is there");
        let said = BufReader::new(push.stderr.take().expect("it is piped")).lines();
        let (mut begins, mut written, mut deployed) = (None, None, None);
        for line in said.map_while(Result::ok) {
            begins = begins.or(line.contains("production: deploying").then(Instant::now));
            let writes = ["  created ", "  updated ", " objects"].iter().any(|word| line.contains(word));
            written = if writes && begins.is_some() { Some(Instant::now()) } else { written };
            deployed = deployed.or(line.contains("deployed: production runs").then(Instant::now));
        }
        assert!(push.wait().expect("it is ours").success());
        let took = began.elapsed();
        let done = written.or(deployed).expect("it is deployed");
        self.deployments.push(done - begins.expect("it begins"));
        self.setup.idle();
        took
    }
}

#[derive(Default, Clone)]
struct Times {
    first: Vec<Duration>,
    again: Vec<Duration>,
    changed: Vec<Duration>,
}

impl Times {
    fn run(&mut self, peer: &mut dyn Peer) {
        self.first.push(peer.deploy(&manifests(OBJECTS, 0)));
        self.again.push(peer.deploy(&manifests(OBJECTS, 0)));
        self.changed.push(peer.deploy(&manifests(OBJECTS, 1)));
    }
}

/// One object changed, among few and among many: the whole push, and the deployment in it.
fn one_of(objects: usize, cluster: &Cluster) -> (Vec<Duration>, Vec<Duration>) {
    let world = World::new();
    let mut peer = Instate::new(&world, cluster);
    peer.deploy(&manifests(objects, 0));
    peer.deployments.clear();
    let pushes = (1..=CHANGES).map(|value| peer.deploy(&manifests(objects, value)[2..3])).collect();
    (pushes, peer.deployments)
}

fn median(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn main() {
    let cluster = Cluster::start();
    let [mut bare, mut kubectl, mut helm, mut kapp, mut instate, mut deployment] =
        std::array::from_fn(|_| Times::default());
    let mut once_more = Vec::new();
    for _ in 0..ROUNDS {
        // In turn, so that a busy moment of the machine meets all of them.
        bare.run(&mut Bare { kubeconfig: cluster.kubeconfig(), namespace: cluster.namespace("bare") });
        let world = World::new();
        let folder = world.path("manifests");
        kubectl.run(&mut Kubectl { cluster: &cluster, namespace: cluster.namespace("kubectl"), folder });
        helm.run(&mut Other::new("helm", &world, &cluster));
        kapp.run(&mut Other::new("kapp", &world, &cluster));
        let mut peer = Instate::new(&world, &cluster);
        instate.run(&mut peer);
        let [first, again, changed] = peer.deployments[..] else { panic!("there are three") };
        deployment.first.push(first);
        deployment.again.push(again);
        deployment.changed.push(changed);
        once_more.push(peer.once_more());
    }
    let mut table =
        String::from("| | first | again, nothing changed | one changed |\n| --- | --- | --- | --- |\n");
    let mut row = |name: &str, times: &Times| {
        let cell = |of: &dyn Fn(&Times) -> &[Duration]| {
            let (time, least, known) = (median(of(times)), median(of(&bare)), median(of(&kubectl)));
            format!("{time:.2} s ({:.2}, {:.2})", time / least, time / known)
        };
        let cells = [cell(&|t| &t.first), cell(&|t| &t.again), cell(&|t| &t.changed)];
        writeln!(table, "| {name} | {} |", cells.join(" | ")).expect("it is a text");
    };
    row("32 concurrent server-side-apply PATCHes", &bare);
    row("`kubectl apply --server-side`", &kubectl);
    row("Helm 4", &helm);
    row("kapp", &kapp);
    row("`git push` with instate", &instate);
    row("the deployment in it, without the rollout", &deployment);
    let all = median(&once_more);
    let (few, many) = (one_of(FEW, &cluster), one_of(MANY, &cluster));
    let ratio = |few: &[Duration], many: &[Duration]| {
        let (few, many) = (median(few), median(many));
        format!("{few:.2} s | {many:.2} s | {:.2}", many / few)
    };
    let text = format!(
        "{table}\n{OBJECTS} objects, a third each of Deployment (without Pods), Service and ConfigMap, one a file; the median of {ROUNDS} rounds; in\n\
         brackets the ratios to the bare PATCHes and to kubectl. `instate deploy`, which compares every object with what runs: {all:.2} s\n\
         ({:.2} of kubectl's \"again\").\n\n\
         | one object changed | of {FEW} | of {MANY} | ratio |\n| --- | --- | --- | --- |\n| `git push` | {} |\n| the deployment in it, without the rollout | {} |\n",
        all / median(&kubectl.again),
        ratio(&few.0, &many.0),
        ratio(&few.1, &many.1),
    );
    #[allow(clippy::print_stdout, reason = "this is what it is for")]
    {
        println!("{text}");
    }
}
