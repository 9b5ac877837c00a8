//! `instate demo`: a push refused, one deployed and one that reverts it, in a temporary folder, with
//! nothing but Git; or with a cluster, in a namespace of its own. It types what a person would type.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use crate::{
    config::Kubernetes,
    error::{Doing, Error, Result},
    report::{Event, Report},
    target,
};

/// Show a push refused, one deployed and one reverted, in a temporary folder
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It needs Git and nothing else, and removes its folder at the end. With a cluster it runs three
small pods in a namespace of its own, which it deletes at the end.

Examples:
  instate demo
  instate demo --keep
  instate demo --kubeconfig ~/.kube/config --context test"
)]
pub(super) struct Arguments {
    /// Leave everything, to go on trying
    #[arg(long)]
    keep: bool,
    /// Run it in the cluster of this kubeconfig
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig, where it is not its current one
    #[arg(long, requires = "kubeconfig")]
    context: Option<String>,
}

/// How long the watchers of the demo's pushes may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx:1.29
";

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - port: 80
";

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let folder = folder()?;
    let place = match &arguments.kubeconfig {
        None => Place::Folder,
        Some(kubeconfig) => Place::Cluster {
            settings: Kubernetes {
                kubeconfig: fs::canonicalize(kubeconfig).doing("find the kubeconfig", kubeconfig)?,
                context: arguments.context.clone(),
                impersonate: None,
            },
            // Nobody else has it, as nobody else has the folder's.
            namespace: format!("instate-demo-{}", random(&folder)),
        },
    };
    let mut demo = Demo { folder: folder.clone(), place, report };
    let done = demo.story();
    let Demo { place, .. } = demo;
    let removed = if arguments.keep {
        let mut text = format!("everything is still in {}", folder.display());
        if let Place::Cluster { namespace, .. } = &place {
            text = format!("{text} and in the namespace {namespace}");
        }
        report.event(&Event::said(text));
        Ok(())
    } else {
        remove(&folder).and_then(|()| match &place {
            Place::Folder => Ok(()),
            Place::Cluster { settings, namespace } => {
                report.event(&Event::said(format!("deleting the namespace {namespace}")));
                target::delete_namespace(settings, namespace)
            }
        })
    };
    done.and(removed).map(|()| ExitCode::SUCCESS)
}

/// What the name of the folder ends with.
fn random(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.rsplit('-').next().unwrap_or_default().to_owned()
}

/// Where the demo's environment runs.
enum Place {
    Folder,
    Cluster { settings: Kubernetes, namespace: String },
}

/// Removes the folder. The last push has left a watcher behind, which may just be looking at the tip: it
/// ends by itself, and makes no folder anew that is gone.
fn remove(folder: &Path) -> Result<()> {
    let began = Instant::now();
    loop {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if began.elapsed() > PATIENCE => return Err(Error::io("remove", folder, &error)),
            _ => {}
        }
    }
}

/// A new folder among the system's temporary ones.
fn folder() -> Result<PathBuf> {
    let id = crate::record::DeploymentId::new(crate::record::now());
    let folder = std::env::temp_dir().join(format!("instate-demo-{id}"));
    fs::create_dir(&folder).doing("make the folder", &folder)?;
    fs::canonicalize(&folder).doing("find the folder", &folder)
}

struct Demo<'r> {
    folder: PathBuf,
    place: Place,
    report: &'r mut Report,
}

impl Demo<'_> {
    fn story(&mut self) -> Result<()> {
        match &self.place {
            Place::Folder => {
                self.say(
                    "On the server: a bare repository with instate's hooks. What runs is a folder here;",
                );
                self.say("with --kubeconfig it is a Kubernetes cluster.");
            }
            Place::Cluster { .. } => {
                self.say("On the server: a bare repository with instate's hooks, and a cluster.");
            }
        }
        self.run("git init --quiet --bare production.git", "", true)?;
        let configuration = self.configuration();
        self.write("instate.yaml", &configuration)?;
        self.show("cat instate.yaml", "")?;
        self.run("instate install production.git --config instate.yaml", "", true)?;

        self.say("On a laptop: somebody writes a manifest, forgets the name, and pushes.");
        self.run("git clone --quiet production.git laptop", "", true)?;
        self.write(
            "laptop/web.yaml",
            &WEB.replace("name: web\nspec:\n  replicas", "nmae: web\nspec:\n  replicas"),
        )?;
        self.run("git add web.yaml", "laptop", true)?;
        self.run("git commit --quiet --message 'Run web'", "laptop", true)?;
        self.run("git push origin main", "laptop", false)?;

        self.say("Refused: nothing landed, nothing was deployed. Mended, and pushed again:");
        self.write("laptop/web.yaml", WEB)?;
        self.write("laptop/service.yaml", SERVICE)?;
        let namespace = match &self.place {
            Place::Folder => None,
            Place::Cluster { namespace, .. } => Some(namespace.clone()),
        };
        if let Some(name) = &namespace {
            let text = format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n");
            self.write("laptop/namespace.yaml", &text)?;
        }
        self.run("git add .", "laptop", true)?;
        self.run("git commit --quiet --amend --no-edit", "laptop", true)?;
        self.run("git push origin main", "laptop", true)?;
        self.show(
            if namespace.is_some() { "instate status --repo production.git" } else { "ls running" },
            "",
        )?;

        self.say("A change that turns out to be wrong, and the way back: a revert, pushed.");
        self.write("laptop/web.yaml", &WEB.replace("replicas: 2", "replicas: 3"))?;
        self.run("git commit --quiet --all --message 'Run more of web'", "laptop", true)?;
        self.run("git push origin main", "laptop", true)?;
        self.run("git revert --no-edit HEAD", "laptop", true)?;
        self.run("git push origin main", "laptop", true)?;
        if namespace.is_none() {
            self.show("grep replicas running/web.yaml", "")?;
        }

        self.say("Git remembers what was deployed, when, and by whom:");
        self.run("instate log --repo production.git", "", true)?;
        self.say("That was all: next, on your own server, instate install REPOSITORY");
        Ok(())
    }

    fn configuration(&self) -> String {
        let environment = "environments:\n  production:\n    branch: main\n";
        match &self.place {
            Place::Folder => {
                let running = self.folder.join("running");
                format!("{environment}    target:\n      directory: {}\n", running.display())
            }
            Place::Cluster { settings, namespace } => {
                let kubeconfig = settings.kubeconfig.display();
                let context = settings.context.iter();
                let context: Vec<_> =
                    context.map(|context| format!("        context: {context}\n")).collect();
                format!(
                    "{environment}    namespace: {namespace}\n    timeout: 3m\n    target:\n      kubernetes:\n        \
                     kubeconfig: {kubeconfig}\n{}",
                    context.concat()
                )
            }
        }
    }

    fn say(&mut self, text: &str) {
        self.report.event(&Event::Typed { text: format!("# {text}") });
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, text).doing("write", &path)
    }

    /// Shows and runs a command in a folder of the demo. `good` is whether it should end well.
    fn run(&mut self, line: &str, place: &str, good: bool) -> Result<()> {
        let ended = self.show(line, place)?;
        if ended == good {
            return Ok(());
        }
        let how = if good { "failed" } else { "should have been refused" };
        Err(Error::server(format!("the demo stops: `{line}` {how}")).help("see what it printed above"))
    }

    fn show(&mut self, line: &str, place: &str) -> Result<bool> {
        let words = words(line);
        let (program, arguments) = words.split_first().ok_or_else(|| Error::server("no command"))?;
        let prompt = if place.is_empty() { String::new() } else { format!("{place} ") };
        self.report.event(&Event::Typed { text: format!("{prompt}$ {line}") });
        let own = std::env::current_exe()
            .map_err(|error| Error::server(format!("cannot find instate itself: {error}")))?;
        let program = if program == "instate" { own.as_path() } else { Path::new(program) };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.join(place)).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            // Nothing of the caller's Git may change the story: no hooks path, no signing, no other editor.
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        command.envs([
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_AUTHOR_NAME", "Ana"),
            ("GIT_AUTHOR_EMAIL", "ana@example.com"),
            ("GIT_COMMITTER_NAME", "Ana"),
            ("GIT_COMMITTER_EMAIL", "ana@example.com"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "init.defaultBranch"),
            ("GIT_CONFIG_VALUE_0", "main"),
        ]);
        // Both of its outputs, in the order in which they come, are part of the story.
        let both = rustix::io::dup(std::io::stdout())
            .map_err(|error| Error::server(format!("no output: {error}")))?;
        let ended = command.stderr(both).status().doing("run", program)?;
        self.report.event(&Event::Typed { text: String::new() });
        Ok(ended.success())
    }
}

/// The words of a command line; single quotes keep one together.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    quoted
        .flat_map(|(n, part)| match n % 2 {
            0 => part.split_whitespace().map(ToOwned::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}
