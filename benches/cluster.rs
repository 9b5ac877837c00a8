//! What a deployment of 300 objects costs beside the tools that people know, on one cluster, in one run:
//! `cargo bench --bench cluster`. Times are of this machine; the ratios are what to look at.

#[path = "../tests/promises/common/mod.rs"]
#[allow(clippy::pedantic, reason = "it is the tests', and linted there")]
mod common;

use std::{
    fmt::Write as _,
    fs,
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
const ROUNDS: usize = 3;
/// Requests under way at once: more made nothing quicker.
const AT_ONCE: usize = 32;

/// A manifest a file, since that is how people keep them. Deployments have no Pods: what is measured is the
/// deploying and not the rollout.
fn manifests(value: usize) -> Vec<(String, String)> {
    let one = |n: usize| {
        let name = format!("object-{n}");
        let text = match n % 3 {
            0 => format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 0\n  selector: {{matchLabels: {{app: {name}}}}}\n  \
                 template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: web\n        image: web:1\n        \
                 ports: [{{containerPort: 8080}}]\n        resources: {{requests: {{cpu: 100m, memory: 128Mi}}}}\n"
            ),
            1 => format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: 8080}}]}}\n"
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
    (0..OBJECTS).map(one).collect()
}

/// Something that deploys, in a namespace of its own.
trait Peer {
    fn deploy(&mut self, manifests: &[(String, String)]) -> Duration;
}

struct Kubectl<'c> {
    cluster: &'c Cluster,
    namespace: Namespace<'c>,
    folder: std::path::PathBuf,
}

impl Peer for Kubectl<'_> {
    fn deploy(&mut self, manifests: &[(String, String)]) -> Duration {
        fs::create_dir_all(&self.folder).expect("it is ours");
        for (name, text) in manifests {
            fs::write(self.folder.join(name), text).expect("it is ours");
        }
        let folder = self.folder.display().to_string();
        let began = Instant::now();
        self.cluster
            .kubectl(&["apply", "--server-side", "--namespace", self.namespace.name(), "--filename", &folder])
            .succeeds();
        began.elapsed()
    }
}

/// Nothing but the requests: no list, no comparison, no wait. What no tool that writes can go below.
struct Bare<'c> {
    kubeconfig: std::path::PathBuf,
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
        Self { setup, ana, _namespace: namespace }
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
        let began = Instant::now();
        let pushed = self.ana.push(&["origin", "main"]).succeeds();
        let took = began.elapsed();
        assert!(pushed.stderr.contains("deployed: production runs"), "{pushed}");
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
        self.first.push(peer.deploy(&manifests(0)));
        self.again.push(peer.deploy(&manifests(0)));
        self.changed.push(peer.deploy(&manifests(1)));
    }
}

fn main() {
    let cluster = Cluster::start();
    let (mut bare, mut kubectl, mut instate) = (Times::default(), Times::default(), Times::default());
    let mut once_more = Vec::new();
    for _ in 0..ROUNDS {
        // In turn, so that a busy moment of the machine meets all of them.
        bare.run(&mut Bare { kubeconfig: cluster.kubeconfig(), namespace: cluster.namespace("bare") });
        let world = World::new();
        let folder = world.path("manifests");
        kubectl.run(&mut Kubectl { cluster: &cluster, namespace: cluster.namespace("kubectl"), folder });
        let mut peer = Instate::new(&world, &cluster);
        instate.run(&mut peer);
        once_more.push(peer.once_more());
    }
    let median = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times[times.len() / 2].as_secs_f64()
    };
    let mut table =
        String::from("| | first | again, nothing changed | one changed |\n| --- | --- | --- | --- |\n");
    let mut row = |name: &str, times: &Times| {
        let cell = |of: &dyn Fn(&Times) -> Vec<Duration>| {
            let (time, least) = (median(&of(times)), median(&of(&bare)));
            format!("{time:.2} s ({:.2})", time / least)
        };
        let cells = [cell(&|t| t.first.clone()), cell(&|t| t.again.clone()), cell(&|t| t.changed.clone())];
        writeln!(table, "| {name} | {} |", cells.join(" | ")).expect("it is a text");
    };
    row("32 concurrent server-side-apply PATCHes", &bare);
    row("`kubectl apply --server-side`", &kubectl);
    row("`git push` with instate", &instate);
    let all = median(&once_more);
    let text = format!(
        "{table}\n{OBJECTS} objects, a third each of Deployment (without Pods), Service and ConfigMap, one a file; the median of {ROUNDS} rounds; in\n\
         brackets the ratio to the bare PATCHes. `instate deploy`, which compares every object with what runs: {all:.2} s ({:.2} of\n\
         kubectl's \"again\").\n",
        all / median(&kubectl.again)
    );
    #[allow(clippy::print_stdout, reason = "this is what it is for")]
    {
        println!("{text}");
    }
}
