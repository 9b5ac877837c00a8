//! The configuration's text becomes settings, or findings that point into it.

mod announce;
mod health;
mod people;
mod policy;
mod server;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Accept, Config, DEFAULT_NAMESPACE, Environment, Kubernetes, Server, Target};
use crate::{
    check::schema::Minor,
    error::{Error, Result},
    finding::{Code, Finding, MOST_OF_ONE},
    manifest::{NodeId, Resolved, Tree, Value, parse},
    source::{Source, Span},
    text,
};

/// The keys of one level.
struct Keys {
    /// What this version obeys.
    known: &'static [&'static str],
    /// What the design has and this version does not obey yet, so that nobody relies on it.
    later: &'static [&'static str],
}

const ROOT: Keys = Keys { known: &["server", "groups", "environments", "announce"], later: &[] };
const ENVIRONMENT: Keys = Keys {
    known: &[
        "branch",
        "target",
        "path",
        "namespace",
        "accept",
        "kubernetes_version",
        "timeout",
        "settle",
        "policy",
        "health",
    ],
    later: &[],
};
const TARGET: Keys = Keys { known: &["directory", "kubernetes"], later: &[] };
const KUBERNETES: Keys = Keys { known: &["kubeconfig", "context", "impersonate"], later: &[] };
/// How long a deployment may take, and how long it must then stay healthy, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(600);
const SETTLE: Duration = Duration::from_secs(5);

/// Reads the configuration in `text`, which is that of the file `path`.
///
/// # Errors
/// Everything that is wrong with it, with file, line and column.
pub fn read(path: &Path, text: &str) -> Result<Config> {
    let source = Source::of_server(path.display().to_string(), text);
    let (trees, findings) = parse(&source);
    let mut trees = trees.into_iter().filter(|tree| tree.root().is_some());
    let (tree, second) = (trees.next().unwrap_or_else(|| Tree::new(&source)), trees.next());
    let mut reader =
        Reader { source: &source, tree: &tree, findings, groups: BTreeMap::new(), server: Server::default() };
    if let Some((second, root)) = second.as_ref().and_then(|tree| Some((tree, tree.root()?))) {
        let message = "a second document stands in the configuration";
        reader.wrong(second.span(root), message, "join it with the first, and remove the line `---`");
    }
    let (mut environments, mut announce) = (Vec::new(), Vec::new());
    if let Some(root) = tree.root() {
        environments = reader.root(root);
        announce = reader.announce(root);
    }
    if environments.is_empty() && reader.findings.is_empty() {
        let finding = Finding::error(Code::FieldMissing, "the configuration declares no environment");
        reader.findings.push(finding.help("add one below `environments:`, with `branch` and `target`"));
    }
    if reader.findings.is_empty() {
        return Ok(Config { path: path.to_owned(), server: reader.server, environments, announce });
    }
    let mut error = Error::server(format!("the configuration {} is wrong", path.display()));
    error.findings = reader.findings;
    Err(error)
}

struct Reader<'a> {
    source: &'a Source,
    tree: &'a Tree,
    findings: Vec<Finding>,
    /// Who belongs to each group.
    groups: BTreeMap<String, BTreeSet<String>>,
    /// What stands between people and the repository.
    server: Server,
}

impl Reader<'_> {
    fn root(&mut self, root: NodeId) -> Vec<Environment> {
        self.keys(root, "the configuration", &ROOT);
        self.server(root);
        self.groups(root);
        let Some((_, environments)) = self.tree.get(root, "environments") else { return Vec::new() };
        if !matches!(self.tree.value(environments), Value::Mapping(_)) {
            self.wrong(
                self.tree.span(environments),
                "`environments` is no mapping",
                "write one name a line, as in `production:`",
            );
            return Vec::new();
        }
        let mut found: Vec<Environment> = Vec::new();
        let mut folders = BTreeMap::<PathBuf, String>::new();
        for (key, value) in self.tree.entries(environments) {
            let Some(environment) = self.environment(*key, *value) else { continue };
            if let Target::Directory(folder) = &environment.target {
                if let Some(other) = in_same(&folders, folder) {
                    let message =
                        format!("`{other}` and `{}` would run in the same folder", environment.name);
                    self.wrong(self.tree.span(*key), &message, "give each environment a folder of its own");
                }
                folders.entry(folder.clone()).or_insert_with(|| environment.name.clone());
            }
            self.alone_on_its_branch(&environment, &found, *key);
            found.push(environment);
        }
        found
    }

    fn environment(&mut self, key: NodeId, node: NodeId) -> Option<Environment> {
        let name = self.tree.scalar(key).map(|(text, _)| text.to_owned()).unwrap_or_default();
        if !is_label(&name) {
            let message = format!("`{}` cannot be the name of an environment", text::excerpt(&name, 40));
            self.wrong(self.tree.span(key), &message, "use lower case letters, digits and `-`, at most 63");
            return None;
        }
        if !matches!(self.tree.value(node), Value::Mapping(_)) {
            let message = format!("environment `{name}` has no keys");
            self.missing(self.tree.span(key), &message, "add `branch:` and `target:` below it");
            return None;
        }
        self.keys(node, &format!("environment `{name}`"), &ENVIRONMENT);
        let branch = self.required(node, key, &name, "branch").and_then(|(b, span)| self.branch(&b, span));
        let target = match self.tree.get(node, "target") {
            Some((_, target)) => self.target(target),
            None if self.is_misspelt(node, "target", &ENVIRONMENT) => None,
            None => {
                let message = format!("environment `{name}` has no `target`");
                self.missing(
                    self.tree.span(key),
                    &message,
                    "add `target:` with `kubernetes:` or `directory:`",
                );
                None
            }
        };
        let path = match self.optional(node, "path") {
            Some((path, span)) => self.path(&path, span)?,
            None => ".".to_owned(),
        };
        let namespace = match self.optional(node, "namespace") {
            Some((namespace, span)) => self.namespace(namespace, span)?,
            None => DEFAULT_NAMESPACE.to_owned(),
        };
        let minor = self.minor(node);
        let timeout = self.duration(node, "timeout", TIMEOUT);
        let settle = self.duration(node, "settle", SETTLE);
        let silence = self.silence(node);
        let delete = self.delete(node, target.as_ref());
        let pushers = self.pushers(node);
        let merges_only = self.merges_only(node);
        let accept = self.accept(node);
        let health = self.health(node, target.as_ref());
        Some(Environment {
            name,
            reference: branch?,
            path,
            namespace,
            target: target?,
            minor: minor?,
            timeout: timeout?,
            settle: settle?,
            silence: silence?,
            delete: delete?,
            accept: accept?,
            health: health?,
            pushers: pushers?,
            merges_only: merges_only?,
        })
    }

    /// A branch that moves when one environment runs cannot wait for another one, too.
    fn alone_on_its_branch(&mut self, environment: &Environment, found: &[Environment], at: NodeId) {
        let other = found.iter().find(|other| other.reference == environment.reference);
        let Some(other) = other else { return };
        if [environment, other].iter().any(|one| one.accept == Accept::Deployed) {
            let message = format!(
                "`{}` and `{}` have one branch, which cannot be with `accept: deployed`",
                other.name, environment.name
            );
            let help = "give each a branch of its own, or leave `accept` out of both";
            self.wrong(self.tree.span(at), &message, help);
        }
    }

    fn accept(&mut self, node: NodeId) -> Option<Accept> {
        let Some((_, value)) = self.tree.get(node, "accept") else { return Some(Accept::default()) };
        match self.tree.resolve(value) {
            Resolved::Text("checked") => Some(Accept::Checked),
            Resolved::Text("deployed") => Some(Accept::Deployed),
            _ => {
                let help = "write `checked`: the push is accepted, then deployed; or `deployed`: it is accepted once it runs";
                self.wrong(self.tree.span(value), "`accept` is neither `checked` nor `deployed`", help);
                None
            }
        }
    }

    fn namespace(&mut self, namespace: String, span: Span) -> Option<String> {
        if is_label(&namespace) {
            return Some(namespace);
        }
        let message = format!("`{}` cannot be the name of a namespace", text::excerpt(&namespace, 40));
        self.wrong(span, &message, "use lower case letters, digits and `-`, at most 63");
        None
    }

    fn branch(&mut self, branch: &str, span: Span) -> Option<String> {
        let reference =
            if branch.starts_with("refs/") { branch.to_owned() } else { format!("refs/heads/{branch}") };
        let valid = gix::validate::reference::name(reference.as_str().into()).is_ok();
        if valid && reference.starts_with("refs/heads/") {
            return Some(reference);
        }
        self.wrong(span, "`branch` is no name of a branch", "write it as git does, as in `main`");
        None
    }

    /// `"1.36"`, of those that are compiled in.
    fn minor(&mut self, node: NodeId) -> Option<Minor> {
        let Some((_, value)) = self.tree.get(node, "kubernetes_version") else { return Some(Minor::NEWEST) };
        // Without quotes `1.30` is `1.3` to YAML, but here it is what it looks like.
        let read = self.tree.scalar(value).and_then(|(text, _)| Minor::parse(text));
        let known = read.filter(|read| (Minor::OLDEST..=Minor::NEWEST).contains(read));
        if known.is_none() {
            let message = format!("`kubernetes_version` is none of {} to {}", Minor::OLDEST, Minor::NEWEST);
            let help = format!("write the cluster's, as in \"{}\"; kubectl version shows it", Minor::NEWEST);
            self.wrong(self.tree.span(value), &message, &help);
        }
        known
    }

    /// `10m`, `90s`, `1h30m`, as Kubernetes tools write them.
    fn duration(&mut self, node: NodeId, key: &str, default: Duration) -> Option<Duration> {
        let Some((_, value)) = self.tree.get(node, key) else { return Some(default) };
        let text = self.tree.scalar(value).map_or("", |(text, _)| text);
        let read = text::parse_duration(text).filter(|read| *read <= Duration::from_secs(24 * 3600));
        if read.is_none() {
            let message = format!("`{key}` is no time up to a day");
            self.wrong(self.tree.span(value), &message, "write it as in `90s`, `10m` or `1h30m`");
        }
        read
    }

    fn target(&mut self, node: NodeId) -> Option<Target> {
        self.keys(node, "`target`", &TARGET);
        let there = |key| self.tree.get(node, key);
        match (there("directory"), there("kubernetes")) {
            (Some(_), None) => self.directory(node),
            (None, Some((_, cluster))) => self.kubernetes(cluster).map(Target::Kubernetes),
            (Some(_), Some((key, _))) => {
                self.wrong(
                    self.tree.span(key),
                    "`target` is two places",
                    "an environment runs in one: remove the other",
                );
                None
            }
            (None, None) => {
                if self.tree.entries(node).is_empty() {
                    let message = "`target` says nothing";
                    self.missing(self.tree.span(node), message, "add `kubernetes:` or `directory:` below it");
                }
                None
            }
        }
    }

    fn kubernetes(&mut self, node: NodeId) -> Option<Kubernetes> {
        self.keys(node, "`kubernetes`", &KUBERNETES);
        if !matches!(self.tree.value(node), Value::Mapping(_)) {
            return None;
        }
        if self.tree.get(node, "kubeconfig").is_none() {
            if self.is_misspelt(node, "kubeconfig", &KUBERNETES) {
                return None;
            }
            let help = "add `kubeconfig:` with the path of a file that `kubectl --kubeconfig` can use";
            self.missing(self.tree.span(node), "`kubernetes` has no `kubeconfig`", help);
            return None;
        }
        let (text, span) = self.optional(node, "kubeconfig")?;
        let kubeconfig = PathBuf::from(&text);
        if !kubeconfig.is_absolute() {
            let help = "write it in full, as in /etc/instate/production.kubeconfig";
            self.wrong(span, "`kubeconfig` is no absolute path of a file", help);
            return None;
        }
        let mut text = |key| match self.tree.get(node, key) {
            Some(_) => self.optional(node, key).map(|(text, _)| Some(text)),
            None => Some(None),
        };
        let (context, impersonate) = (text("context"), text("impersonate"));
        Some(Kubernetes { kubeconfig, context: context?, impersonate: impersonate? })
    }

    fn directory(&mut self, node: NodeId) -> Option<Target> {
        let (text, span) = self.optional(node, "directory")?;
        let folder = PathBuf::from(&text);
        let plain = folder.is_absolute()
            && folder.components().all(|c| !matches!(c, std::path::Component::ParentDir));
        if folder.parent().is_none() {
            self.wrong(span, "`directory` cannot be the top of the file system", "name a folder in it");
            return None;
        }
        if !plain {
            self.wrong(
                span,
                "`directory` is no absolute path of a folder",
                "write it in full, as in /srv/manifests/production",
            );
            return None;
        }
        // Component by component, so that `/srv/a/` and `/srv//a` are one folder.
        Some(Target::Directory(folder.components().collect()))
    }

    fn path(&mut self, path: &str, span: Span) -> Option<String> {
        let parts: Vec<&str> = path.split('/').filter(|p| !matches!(*p, "" | ".")).collect();
        if path.starts_with('/') || parts.iter().any(|p| *p == ".." || p.starts_with('.')) {
            self.wrong(
                span,
                "`path` is no folder in the repository",
                "write it from the repository's top, without `..`",
            );
            return None;
        }
        Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
    }

    /// Reports every key that is not known, with what it was probably meant to be.
    fn keys(&mut self, node: NodeId, of: &str, Keys { known, later }: &Keys) {
        if !matches!(self.tree.value(node), Value::Mapping(_)) {
            self.wrong(
                self.tree.span(node),
                &format!("{of} is no mapping"),
                &format!("it has the keys {}", known.join(", ")),
            );
        }
        for (key, _) in self.tree.entries(node) {
            let word = self.tree.scalar(*key).map_or("(no text)", |(word, _)| word);
            if known.contains(&word) {
                continue;
            }
            let span = self.tree.span(*key);
            let shown = text::excerpt(word, 40);
            if later.contains(&word) {
                self.wrong(span, &format!("`{shown}` is not built yet, so it cannot be obeyed"), "remove it");
            } else {
                let help = match text::nearest(word, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.len() == 1 => format!("the only key of {of} is `{}`", known[0]),
                    None => format!("{of} has the keys {}", known.join(", ")),
                };
                self.wrong(span, &format!("unknown key `{shown}` in {of}"), &help);
            }
        }
    }

    /// Whether a key that is not known was probably meant to be this one, which was said already.
    fn is_misspelt(&self, node: NodeId, key: &str, of: &Keys) -> bool {
        let mut words = self.tree.entries(node).iter().filter_map(|(word, _)| self.tree.scalar(*word));
        words.any(|(word, _)| text::nearest(word, of.known.iter().copied()) == Some(key))
    }

    fn required(&mut self, node: NodeId, at: NodeId, name: &str, key: &str) -> Option<(String, Span)> {
        if self.tree.get(node, key).is_none() {
            if self.is_misspelt(node, key, &ENVIRONMENT) {
                return None;
            }
            let message = format!("environment `{name}` has no `{key}`");
            self.missing(self.tree.span(at), &message, &format!("add `{key}:`"));
            return None;
        }
        self.optional(node, key)
    }

    fn optional(&mut self, node: NodeId, key: &str) -> Option<(String, Span)> {
        let (_, value) = self.tree.get(node, key)?;
        let span = self.tree.span(value);
        match self.tree.resolve(value) {
            Resolved::Text(text) if !text.is_empty() => Some((text.to_owned(), span)),
            _ => {
                self.wrong(
                    span,
                    &format!("`{key}` must be a text"),
                    "write one text, in quotes if it looks like a number",
                );
                None
            }
        }
    }

    fn wrong(&mut self, span: Span, message: &str, help: &str) {
        self.say(Code::FieldInvalid, span, message, help);
    }

    fn missing(&mut self, span: Span, message: &str, help: &str) {
        self.say(Code::FieldMissing, span, message, help);
    }

    fn say(&mut self, code: Code, span: Span, message: &str, help: &str) {
        if self.findings.len() < MOST_OF_ONE {
            self.findings.push(Finding::error(code, message).at(self.source.place(span)).help(help));
        }
    }
}

/// Whether a name is a label as DNS has it.
fn is_label(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Of which environment a folder is, or is in, or holds the folder. Of a cluster each has its own objects.
fn in_same<'f>(folders: &'f BTreeMap<PathBuf, String>, folder: &Path) -> Option<&'f str> {
    let above = folder.ancestors().find_map(|above| folders.get(above));
    // Folders are sorted part by part, so what is in one comes next after it.
    let below = || folders.range(folder.to_owned()..).next().filter(|(other, _)| other.starts_with(folder));
    above.or_else(|| below().map(|(_, name)| name)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::read;

    pub(super) const GOOD: &str = "environments:\n  production:\n    branch: main\n    target: {directory: /srv/manifests/production}\n";

    fn wrong(text: &str) -> Vec<String> {
        let error = read(Path::new("instate.yaml"), text).expect_err("it is wrong");
        let place = |f: &crate::finding::Finding| f.place.as_ref().map_or(0, |place| place.line);
        error.findings.iter().map(|f| format!("{}: {}", place(f), f.message)).collect()
    }

    #[test]
    fn what_is_not_written_has_its_default() {
        let config = read(Path::new("instate.yaml"), GOOD).expect("it is right");
        let environment = &config.environments[0];
        assert_eq!((environment.reference.as_str(), environment.branch()), ("refs/heads/main", "main"));
        assert_eq!((environment.path.as_str(), environment.namespace.as_str()), (".", "default"));
    }

    #[test]
    fn nothing_that_is_written_is_passed_over() {
        let with = |line: &str| wrong(&format!("{GOOD}{line}\n"));
        assert_eq!(with("    brnch: x"), ["5: unknown key `brnch` in environment `production`"]);
        assert_eq!(with("    accept: healthy"), ["5: `accept` is neither `checked` nor `deployed`"]);
        assert_eq!(
            with("    policy: {freeze: []}"),
            ["5: `freeze` is not built yet, so it cannot be obeyed"]
        );
        assert_eq!(with("    policy: {silnce: []}"), ["5: unknown key `silnce` in `policy`"]);
        assert_eq!(with("    policy: {silence: I0406}"), ["5: `silence` is no list of codes"]);
        assert_eq!(with("    policy: {silence: [I9999]}"), ["5: `I9999` is no code of a finding"]);
        assert_eq!(with("    policy: {silence: [\"I9*\"]}"), ["5: `I9*` is no code of a finding"]);
        assert_eq!(with("    policy: {silence: [[]]}"), ["5: an item of `silence` is no code of a finding"]);
        assert_eq!(
            with("    ? [a]\n    : b"),
            ["5: a key is a sequence, not a text", "5: unknown key `(no text)` in environment `production`",]
        );
        assert_eq!(with("    path: ../other"), ["5: `path` is no folder in the repository"]);
        assert_eq!(with("    path: 0644"), ["5: `path` must be a text"]);
        assert_eq!(with("---\nenvironments: {}"), ["6: a second document stands in the configuration"]);
        let cluster = |text: &str| wrong(&GOOD.replace("{directory: /srv/manifests/production}", text));
        assert_eq!(cluster("{kubernetes: {kubeconfg: /k}}"), ["4: unknown key `kubeconfg` in `kubernetes`"]);
        assert_eq!(cluster("{kubernetes: {context: a}}"), ["4: `kubernetes` has no `kubeconfig`"]);
        assert_eq!(
            cluster("{kubernetes: {kubeconfig: k}}"),
            ["4: `kubeconfig` is no absolute path of a file"]
        );
        assert_eq!(cluster("{kubernetes: {kubeconfig: /k}, directory: /d}"), ["4: `target` is two places"]);
        assert_eq!(cluster("{kubernetes: {kubeconfig: /k, context: 1}}"), ["4: `context` must be a text"]);
        assert_eq!(with("    timeout: 5"), ["5: `timeout` is no time up to a day"]);
        assert_eq!(wrong(""), ["0: the configuration declares no environment"]);
        assert_eq!(wrong("environments:\n  a: {branch: x}\n"), ["2: environment `a` has no `target`"]);
    }

    #[test]
    fn very_many_mistakes_are_not_all_told() {
        let many: Vec<String> = (0..1000).map(|n| format!("    key{n}: a")).collect();
        assert_eq!(wrong(&format!("{GOOD}{}\n", many.join("\n"))).len(), crate::finding::MOST_OF_ONE);
    }

    #[test]
    fn a_branch_that_waits_for_one_environment_is_of_no_other() {
        let environment = |name: &str, accept: &str| {
            format!("  {name}: {{branch: main, accept: {accept}, target: {{directory: /srv/{name}}}}}\n")
        };
        for (one, two) in [("deployed", "checked"), ("checked", "deployed"), ("deployed", "deployed")] {
            let text = format!("environments:\n{}{}", environment("one", one), environment("two", two));
            let said = "3: `one` and `two` have one branch, which cannot be with `accept: deployed`";
            assert_eq!(wrong(&text), [said], "{one} {two}");
        }
    }

    #[test]
    fn no_two_environments_share_a_folder() {
        let environment = |name: &str, folder: &str| {
            format!("  {name}: {{branch: main, target: {{directory: {folder}}}}}\n")
        };
        for (one, two) in [("/srv/a", "/srv/a/"), ("/srv/a", "/srv/a/b/c"), ("/srv//a/b/c", "/srv/a")] {
            let text = format!("environments:\n{}{}", environment("one", one), environment("two", two));
            assert_eq!(wrong(&text), ["3: `one` and `two` would run in the same folder"], "{one} {two}");
        }
    }
}
