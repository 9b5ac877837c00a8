//! What checking costs: 3,000 objects in 1,000 files beside kubeconform, and one file of 10,000 through a real
//! `git push` beside the same push without hooks. `cargo bench --bench check`; Go builds kubeconform once.

#[path = "../tests/promises/common/mod.rs"]
#[allow(clippy::pedantic, reason = "it is the tests', and linted there")]
mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{Clone, Setup, World, run};
use serde_json::{Value as Json, json};

/// Three objects a file.
const FEW: usize = 1_000;
const MANY: usize = 10_000;
const ROUNDS: usize = 7;
/// The program that checks, and whose schemas both check by.
const KUBECONFORM: &str = "github.com/yannh/kubeconform/cmd/kubeconform";
const KUBERNETES: &str = "k8s.io/kubernetes@v1.36.3";
/// Of the times that the kernel counts for a process.
const TICKS: u64 = 100;

/// A Deployment, its Service and its `ConfigMap`, as people write them.
fn manifest(n: usize) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{n}\n  labels:\n    app: web-{n}\nspec:\n  replicas: 2\n  \
         selector:\n    matchLabels:\n      app: web-{n}\n  template:\n    metadata:\n      labels:\n        app: web-{n}\n    spec:\n      \
         containers:\n      - name: web\n        image: example/web:1.{n}\n        env:\n        - name: LEVEL\n          value: info\n        \
         - name: PORT\n          valueFrom:\n            configMapKeyRef:\n              name: web-{n}\n              key: port\n        \
         ports:\n        - name: http\n          containerPort: 8080\n        resources:\n          requests:\n            cpu: 100m\n            \
         memory: 128Mi\n          limits:\n            memory: 256Mi\n        readinessProbe:\n          httpGet:\n            path: /healthz\n            \
         port: http\n          periodSeconds: 10\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web-{n}\n  labels:\n    app: web-{n}\nspec:\n  \
         selector:\n    app: web-{n}\n  ports:\n  - name: http\n    port: 80\n    targetPort: http\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  \
         name: web-{n}\ndata:\n  port: \"8080\"\n  settings.yaml: |\n    level: info\n    workers: 4\n"
    )
}

fn path(n: usize) -> String {
    format!("team-{:03}/app-{n}.yaml", n % 100)
}

fn write(folder: &Path, files: usize) {
    for n in 0..files {
        let file = folder.join(path(n));
        fs::create_dir_all(file.parent().expect("it has one")).expect("it is ours");
        fs::write(file, manifest(n)).expect("it is ours");
    }
}

/// The CPU time of all children that have ended so far.
fn spent() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("it has fields").split(' ').collect();
    // `cutime` and `cstime`, the fields 16 and 17.
    let ticks: u64 = fields[13..15].iter().map(|field| field.parse::<u64>().expect("it is a number")).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// The CPU time of a command that ends well, the mean of several runs: the kernel counts in hundredths.
fn cost(command: impl Fn() -> Command) -> Duration {
    let rounds = u32::try_from(ROUNDS).expect("they are few");
    let before = spent();
    for _ in 0..rounds {
        let done = command().stdout(Stdio::null()).status().expect("it runs");
        assert!(done.success(), "it finds nothing wrong");
    }
    spent().saturating_sub(before) / rounds
}

fn output(command: &mut Command) -> String {
    let done = command.output().expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("it is text")
}

/// Where this program and what it builds stand.
fn built() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("bench")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// kubeconform, and the schemas of Kubernetes in the form that it reads.
fn kubeconform() -> (PathBuf, PathBuf) {
    let (program, schemas) = (built().join("kubeconform"), built().join("schemas"));
    let from = root().join("benches/kubeconform");
    output(Command::new("go").current_dir(&from).args(["build", "-o"]).arg(&program).arg(KUBECONFORM));
    let module: Json = serde_json::from_str(&output(
        Command::new("go").current_dir(&from).args(["mod", "download", "-json", KUBERNETES]),
    ))
    .expect("it is JSON");
    let swagger =
        Path::new(module["Dir"].as_str().expect("it has one")).join("api/openapi-spec/swagger.json");
    let mut swagger: Json =
        serde_json::from_slice(&fs::read(swagger).expect("it is there")).expect("it is JSON");
    let definitions = swagger["definitions"].as_object_mut().expect("it has some");
    for (name, definition) in definitions.iter_mut() {
        if name.ends_with(".IntOrString") || name.ends_with(".Quantity") {
            *definition = json!({"type": ["string", "number"]});
        } else if definition.get("properties").is_some() {
            definition["additionalProperties"] = json!(false);
        }
    }
    fs::create_dir_all(&schemas).expect("it is ours");
    let put = |name: &str, schema: &Json| {
        fs::write(schemas.join(name), schema.to_string()).expect("it is ours");
    };
    put("_definitions.json", &json!({"definitions": definitions}));
    for (file, name) in [
        ("deployment-apps-v1", "io.k8s.api.apps.v1.Deployment"),
        ("service-v1", "io.k8s.api.core.v1.Service"),
        ("configmap-v1", "io.k8s.api.core.v1.ConfigMap"),
    ] {
        put(&format!("{file}.json"), &json!({"$ref": format!("_definitions.json#/definitions/{name}")}));
    }
    (program, schemas)
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn beside_kubeconform(world: &World) -> String {
    let folder = world.path("few");
    write(&folder, FEW);
    let (program, schemas) = kubeconform();
    let schemas = format!("{}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json", schemas.display());
    let theirs = cost(|| {
        let mut command = Command::new(&program);
        command.args(["-strict", "-schema-location", &schemas]).arg(&folder);
        command
    });
    let ours = cost(|| {
        let mut command = world.instate();
        command.arg("check").arg(&folder);
        command
    });
    format!(
        "| 3,000 objects in 1,000 files | CPU time | |\n| --- | --- | --- |\n| kubeconform 0.8 -strict, local schemas | {:.2} s | 1.00 |\n\
         | instate check | {:.2} s | {:.2} |\n",
        seconds(theirs),
        seconds(ours),
        seconds(ours) / seconds(theirs),
    )
}

/// The most memory that a process of that command had, in MB; looked at until it is told to end.
fn watch(word: &'static str, end: Arc<AtomicBool>) -> std::thread::JoinHandle<u64> {
    std::thread::spawn(move || {
        let mut most = 0;
        while !end.load(Ordering::Relaxed) {
            for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
                let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
                if String::from_utf8_lossy(&line).contains(word) {
                    let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
                    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                    let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
                    most = most.max(peak.unwrap_or(0));
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        most / 1024
    })
}

/// One push: how long it took, and of that each hook, as git itself says.
fn push(ana: &Clone<'_>, remote: &str, trace: &Path) -> (Duration, Duration) {
    let _ = fs::remove_file(trace);
    let mut command = ana.git_command(&["push", "--quiet", remote, "main"]);
    command.env("GIT_TRACE2_EVENT", trace);
    let began = Instant::now();
    run(command).succeeds();
    let took = began.elapsed();
    let events = fs::read_to_string(trace).expect("git writes it");
    let events: Vec<Json> = events.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let hook = events.iter().find(|e| e["event"] == "child_start" && e["hook_name"] == "pre-receive");
    let ended = hook.and_then(|hook| {
        events.iter().find(|e| {
            e["event"] == "child_exit" && e["sid"] == hook["sid"] && e["child_id"] == hook["child_id"]
        })
    });
    let hook =
        ended.and_then(|ended| ended["t_rel"].as_f64()).map_or(Duration::ZERO, Duration::from_secs_f64);
    (took, hook)
}

fn through_a_push(world: &World) -> String {
    let setup = Setup::new(world);
    let bare = world.bare("without-hooks.git");
    let ana = setup.clone("ana");
    ana.git(&["remote", "add", "bare", &bare.display().to_string()]).succeeds();
    for n in 0..MANY {
        ana.write(path(n), manifest(n));
    }
    ana.commit("first");
    let trace = world.path("trace");
    let end = Arc::new(AtomicBool::new(false));
    let memory = watch("pre-receive", Arc::clone(&end));
    let (first, first_hook) = push(&ana, "origin", &trace);
    end.store(true, Ordering::Relaxed);
    let memory = memory.join().expect("it ends");
    push(&ana, "bare", &trace);
    let (mut without, mut with, mut hooks) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        setup.idle();
        let changed = manifest(5).replace("replicas: 2", &format!("replicas: {}", round + 3));
        ana.write(path(5), &changed);
        ana.commit("one");
        // In turn, so that a busy moment of the machine meets both.
        without.push(push(&ana, "bare", &trace).0);
        let (took, hook) = push(&ana, "origin", &trace);
        with.push(took);
        hooks.push(hook);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        seconds(times[times.len() / 2])
    };
    let (without, with, hook) = (median(&mut without), median(&mut with), median(&mut hooks));
    format!(
        "| 30,000 objects in 10,000 files, one file changed | | |\n| --- | --- | --- |\n| `git push` without hooks | {without:.3} s | 1.00 |\n\
         | pre-receive of instate | {hook:.3} s | {:.2} |\n| the whole push, deployed to a folder | {with:.3} s | {:.2} |\n\n\
         The first push, nothing cached: pre-receive {:.2} s, with at most {memory} MB; the whole push {:.1} s.\n",
        hook / without,
        with / without,
        seconds(first_hook),
        seconds(first),
    )
}

fn main() {
    fs::create_dir_all(built()).expect("it is ours");
    let world = World::new();
    let text = format!("{}\n{}", beside_kubeconform(&world), through_a_push(&world));
    #[allow(clippy::print_stdout, reason = "this is what it is for")]
    {
        println!("{text}");
    }
}
