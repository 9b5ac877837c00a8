//! The configuration's text becomes settings, or findings that point into it.

use std::path::{Path, PathBuf};

use super::{Config, Environment, Target};
use crate::{
    error::{Error, Result},
    finding::{Code, Finding},
    manifest::{
        NodeId, Tree, Value, parse,
        scalar::{self, Kind},
    },
    source::{Source, Span},
    text,
};

/// Keys of the design that this version does not obey, so that nobody relies on them.
const NOT_YET: [&str; 6] = ["groups", "accept", "kubernetes_version", "timeout", "settle", "policy"];

/// Reads the configuration in `text`, which is that of the file `path`.
///
/// # Errors
/// Everything that is wrong with it, with file, line and column.
pub fn read(path: &Path, text: &str) -> Result<Config> {
    let source = Source::new(path.display().to_string(), text);
    let (trees, findings) = parse(&source);
    let tree = trees.into_iter().find(|t| t.root().is_some()).unwrap_or_default();
    let mut reader = Reader { source: &source, tree: &tree, findings };
    let mut environments = Vec::new();
    if let Some(root) = tree.root() {
        environments = reader.root(root);
    }
    if environments.is_empty() && reader.findings.is_empty() {
        let finding = Finding::error(Code::FieldMissing, "the configuration declares no environment");
        reader.findings.push(finding.help("add one below `environments:`, with `branch` and `target`"));
    }
    if reader.findings.is_empty() {
        return Ok(Config { path: path.to_owned(), environments });
    }
    let mut error = Error::server(format!("the configuration {} is wrong", path.display()));
    error.findings = reader.findings;
    Err(error)
}

struct Reader<'a> {
    source: &'a Source,
    tree: &'a Tree,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn root(&mut self, root: NodeId) -> Vec<Environment> {
        self.keys(root, "the configuration", &["environments"]);
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
        for (key, value) in self.tree.entries(environments) {
            let Some(environment) = self.environment(*key, *value) else { continue };
            if let Some(other) = found.iter().find(|other| overlap(&other.target, &environment.target)) {
                let message =
                    format!("`{}` and `{}` would run in the same folder", other.name, environment.name);
                self.wrong(self.tree.span(*key), &message, "give each environment a folder of its own");
            }
            found.push(environment);
        }
        found
    }

    fn environment(&mut self, key: NodeId, node: NodeId) -> Option<Environment> {
        let name = self.tree.scalar(key).map(|(text, _)| text.to_owned()).unwrap_or_default();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty()
            || name.len() > 63
            || !name.chars().all(plain)
            || name.starts_with('-')
            || name.ends_with('-')
        {
            let message = format!("`{}` cannot be the name of an environment", text::excerpt(&name, 40));
            self.wrong(self.tree.span(key), &message, "use lower case letters, digits and `-`, at most 63");
            return None;
        }
        self.keys(node, &format!("environment `{name}`"), &["branch", "target", "path", "namespace"]);
        let branch = self.required(node, key, &name, "branch").and_then(|(b, span)| self.branch(&b, span));
        let target = match self.tree.get(node, "target") {
            Some((_, target)) => self.target(target),
            None => {
                let message = format!("environment `{name}` has no `target`");
                self.missing(self.tree.span(key), &message, "add `target:` with `directory:` and a folder");
                None
            }
        };
        let path = match self.optional(node, "path") {
            Some((path, span)) => self.path(&path, span)?,
            None => ".".to_owned(),
        };
        let namespace = self.optional(node, "namespace").map_or_else(|| "default".to_owned(), |(n, _)| n);
        Some(Environment { name, reference: branch?, path, namespace, target: target? })
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

    fn target(&mut self, node: NodeId) -> Option<Target> {
        self.keys(node, "`target`", &["directory"]);
        let (text, span) = self.optional(node, "directory")?;
        let folder = PathBuf::from(&text);
        let plain = folder.is_absolute()
            && folder.components().all(|c| !matches!(c, std::path::Component::ParentDir));
        if !plain || folder.parent().is_none() {
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
    fn keys(&mut self, node: NodeId, of: &str, known: &[&str]) {
        if !matches!(self.tree.value(node), Value::Mapping(_)) {
            self.wrong(
                self.tree.span(node),
                &format!("{of} is no mapping"),
                &format!("it has the keys {}", known.join(", ")),
            );
        }
        for (key, _) in self.tree.entries(node) {
            let Some((word, _)) = self.tree.scalar(*key) else { continue };
            if known.contains(&word) {
                continue;
            }
            let span = self.tree.span(*key);
            let later =
                if known.contains(&"directory") { word == "kubernetes" } else { NOT_YET.contains(&word) };
            let shown = text::excerpt(word, 40);
            if later {
                self.wrong(span, &format!("`{shown}` is not built yet, so it cannot be obeyed"), "remove it");
            } else {
                let help = match text::nearest(word, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("{of} has the keys {}", known.join(", ")),
                };
                self.wrong(span, &format!("unknown key `{shown}` in {of}"), &help);
            }
        }
    }

    fn required(&mut self, node: NodeId, at: NodeId, name: &str, key: &str) -> Option<(String, Span)> {
        if self.tree.get(node, key).is_none() {
            let message = format!("environment `{name}` has no `{key}`");
            self.missing(self.tree.span(at), &message, &format!("add `{key}:`"));
            return None;
        }
        self.optional(node, key)
    }

    fn optional(&mut self, node: NodeId, key: &str) -> Option<(String, Span)> {
        let (_, value) = self.tree.get(node, key)?;
        let span = self.tree.span(value);
        match self.tree.scalar(value) {
            Some((text, style)) if !text.is_empty() && matches!(scalar::kind(text, style), Kind::Text) => {
                Some((text.to_owned(), span))
            }
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
        self.findings
            .push(Finding::error(Code::FieldInvalid, message).at(self.source.place(span)).help(help));
    }

    fn missing(&mut self, span: Span, message: &str, help: &str) {
        self.findings
            .push(Finding::error(Code::FieldMissing, message).at(self.source.place(span)).help(help));
    }
}

/// Whether two targets are one folder, or one in the other.
fn overlap(a: &Target, b: &Target) -> bool {
    let (Target::Directory(a), Target::Directory(b)) = (a, b);
    a.starts_with(b) || b.starts_with(a)
}
