//! What a push does to a Kubernetes cluster, and what it never does.

mod again;
mod chaos;
mod conflicts;
mod crashes;
mod deletions;
mod deployed;
mod exact;
mod faults;
mod graph;
mod health;
mod order;
mod ownership;
mod rbac;
mod refused;
mod retire;
mod rules;
mod schemas;
mod secrets;
mod sets;
mod takeover;
mod two_servers;
pub mod upheaval;
mod whole_shop;

use std::{ops::Deref, path::PathBuf};

use insta::{Settings, internals::SettingsBindDropGuard};

use crate::common::{Clone, Cluster, Namespace, Output, Setup, World, eventually, shop};

/// How an environment that runs in a cluster is configured.
#[derive(Debug, Clone)]
pub struct Configuration {
    pub namespace: String,
    pub kubeconfig: PathBuf,
    pub context: Option<String>,
    pub impersonate: Option<String>,
    pub timeout: &'static str,
    pub settle: &'static str,
    pub policy: &'static str,
    pub accept: &'static str,
    pub health: String,
}

impl Configuration {
    pub fn text(&self) -> String {
        let Self { namespace, kubeconfig, context, impersonate, timeout, settle, policy, accept, health } =
            self;
        let context = context.iter().map(|context| format!(", context: {context}")).collect::<String>();
        let user = impersonate.iter().map(|user| format!(", impersonate: \"{user}\"")).collect::<String>();
        format!(
            "environments:\n  production:\n    branch: main\n    namespace: {namespace}\n    timeout: {timeout}\n    \
             settle: {settle}\n    accept: {accept}\n    policy: {{{policy}}}\n    health: {{{health}}}\n    target: {{kubernetes: {{kubeconfig: {}{context}{user}}}}}\n",
            kubeconfig.display(),
        )
    }
}

/// A bare repository with the hooks, whose branch `main` is the environment `production`, which runs in a
/// namespace of its own; and Ana's clone of it. While it lives, snapshots are without what differs from run
/// to run.
pub struct Production<'w> {
    pub setup: Setup<'w>,
    pub cluster: &'w Cluster,
    pub namespace: Namespace<'w>,
    pub ana: Clone<'w>,
    configuration: Configuration,
    _filters: SettingsBindDropGuard,
}

impl<'w> Deref for Production<'w> {
    type Target = Setup<'w>;

    fn deref(&self) -> &Setup<'w> {
        &self.setup
    }
}

impl<'w> Production<'w> {
    /// Installed, and nothing pushed yet.
    #[track_caller]
    pub fn new(world: &'w World) -> Self {
        Self::with(world, |_| {})
    }

    /// As [`Production::new`], with a configuration that is not the usual one.
    #[track_caller]
    pub fn with(world: &'w World, change: impl FnOnce(&mut Configuration)) -> Self {
        Self::on(world, Cluster::shared(), change)
    }

    /// As [`Production::with`], on another cluster.
    #[track_caller]
    pub fn on(world: &'w World, cluster: &'w Cluster, change: impl FnOnce(&mut Configuration)) -> Self {
        // Who types a command stands in the record.
        world.set_env("SUDO_USER", "ana");
        let namespace = cluster.namespace("shop");
        let mut configuration = Configuration {
            namespace: namespace.name().to_owned(),
            kubeconfig: cluster.kubeconfig(),
            context: None,
            impersonate: None,
            timeout: "60s",
            // Those that wait for what dies late wait longer.
            settle: "0",
            policy: "",
            accept: "checked",
            health: String::new(),
        };
        change(&mut configuration);
        let setup = Setup::bare(world);
        setup.install(&configuration.text()).succeeds();
        let ana = setup.clone("ana");
        let filters = filters(&world.account(), &namespace, &configuration).bind_to_scope();
        Self { setup, cluster, namespace, ana, configuration, _filters: filters }
    }

    /// Changes the configuration that the hooks read from now on.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut Configuration)) {
        change(&mut self.configuration);
        self.setup.configure(&self.configuration.text());
    }

    /// Writes files into Ana's clone and commits all that is there.
    #[track_caller]
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        files.iter().for_each(|(name, text)| self.ana.write(name, text));
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        self.ana.commit(&format!("change {}", names.join(" ")))
    }

    /// Pushes what is committed, watches until the deployment has ended, and waits for its worker's end.
    #[track_caller]
    /// A class of volumes that come with their first Pod, which is never. Classes belong to the whole cluster.
    pub fn late_class(&self) -> String {
        let class = format!("late-{}", self.namespace.name());
        let late = format!(
            r#"{{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {{"name": "{class}"}},
                "provisioner": "test.instate.dev/nobody", "volumeBindingMode": "WaitForFirstConsumer"}}"#
        );
        self.namespace.apply(&late, &[]).succeeds();
        class
    }

    pub fn push(&self) -> Output {
        let pushed = self.ana.push(&["origin", "main"]);
        self.setup.idle();
        pushed
    }

    /// Writes files and pushes them, which must end with this revision running: the revision, and what a
    /// person saw.
    #[track_caller]
    pub fn deploys(&self, files: &[(&str, &str)]) -> (String, String) {
        let revision = self.commit(files);
        let pushed = self.push().succeeds();
        assert_eq!(self.setup.outcomes(&revision), ["production deployed"], "{pushed}");
        assert_eq!(self.setup.deployed(), Some(revision.clone()), "{pushed}");
        (revision, self.seen(&pushed))
    }

    /// Makes kinds in the version `v1` of a group by hand, and waits until the cluster describes the list of one.
    #[track_caller]
    pub fn defines(&self, definition: &str, group: &str, list: &str) {
        self.namespace.apply(definition, &[]).succeeds();
        // That it is established, an API server says a moment before.
        let says = |address: String, word: &str| {
            let said = self.cluster.kubectl(&["get", "--raw", &address]);
            said.code == Some(0) && said.stdout.contains(word)
        };
        eventually("the kind is served and described", || {
            says(format!("/apis/{group}/v1"), "APIResourceList")
                && says(format!("/openapi/v3/apis/{group}/v1"), list)
        });
    }

    /// Writes files and pushes them, which must be accepted and fail: the revision, and what a person saw.
    #[track_caller]
    pub fn fails(&self, files: &[(&str, &str)]) -> (String, String) {
        let before = self.setup.deployed();
        let revision = self.commit(files);
        let pushed = self.push().succeeds();
        assert_eq!(self.setup.outcomes(&revision), ["production failed"], "{pushed}");
        assert_eq!(self.setup.deployed(), before, "{pushed}");
        (revision, self.seen(&pushed))
    }

    /// Writes files and pushes them, which must be refused; no ref moves, and nothing is written to the
    /// cluster. What a person saw. The clone is as it was before.
    #[track_caller]
    pub fn refused(&self, files: &[(&str, &str)]) -> String {
        let refs = || self.setup.world.git(&self.setup.repo, &["for-each-ref"]).succeeds().stdout;
        let (before, mark) = (refs(), self.cluster.mark());
        self.commit(files);
        let pushed = self.push();
        assert_eq!(pushed.code, Some(1), "{pushed}");
        assert!(pushed.stderr.contains("(pre-receive hook declined)"), "{pushed}");
        assert_eq!(refs(), before, "{pushed}");
        assert_eq!(self.writes_since(mark), Vec::<String>::new(), "{pushed}");
        if self.ana.git(&["reset", "--quiet", "--hard", "HEAD^"]).code != Some(0) {
            self.ana.git(&["update-ref", "-d", "HEAD"]).succeeds();
            self.ana.git(&["rm", "-rq", "--force", "."]).succeeds();
        }
        self.seen(&pushed)
    }

    /// What instate wrote about this namespace, and others whose name holds this one's, since a mark, as `patch deployments web`.
    #[track_caller]
    pub fn writes_since(&self, mark: u64) -> Vec<String> {
        let name = self.namespace.name();
        let ours = self.cluster.requests_since(mark).into_iter().filter(|request| {
            request.is_of("instate/")
                && request.is_write()
                && (request.namespace.contains(name) || request.name.contains(name))
        });
        ours.map(|request| format!("{} {} {}", request.verb, request.resource, request.name)).collect()
    }

    /// What the server said to a person.
    #[track_caller]
    pub fn seen(&self, output: &Output) -> String {
        shop::seen(self.setup.world, output)
    }
}

fn filters(account: &str, namespace: &Namespace<'_>, configuration: &Configuration) -> Settings {
    let mut settings = Settings::clone_current();
    let kubeconfig = configuration.kubeconfig.display().to_string();
    settings.add_filter(&kubeconfig.replace('.', r"\."), "(kubeconfig)");
    settings.add_filter(namespace.name(), "shop");
    settings.add_filter(r"\b[0-9a-f]{40}\b", "(revision)");
    settings.add_filter(r"applyset-[A-Za-z0-9_-]+", "(applyset)");
    settings.add_filter(r"\b[0-9a-f]{16}\b", "(identity)");
    settings.add_filter(r"\b[0-9a-f]{7}\b", "1a2b3c4");
    settings.add_filter(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "(time)");
    settings.add_filter(r"(?m)^Deployment: .*", "Deployment: (id)");
    settings.add_filter(&format!("(?m)^Who: {account}$"), "Who: (the account)");
    settings.add_filter(r"127\.0\.0\.1:\d+", "(address)");
    // What a controller puts behind the name of a Pod.
    settings.add_filter(r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-xxxxx");
    settings
}
