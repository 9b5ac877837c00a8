//! A document becomes a Kubernetes object: what identifies it, and where that stands.

use std::{borrow::Cow, fmt, rc::Rc};

use serde::{Deserialize, Serialize};

use super::{
    json::{MAX_VALUES, TooLarge, is_too_large, json},
    locate::{self, Located},
    node::{NodeId, Resolved, Tree},
};
use crate::{
    finding::{Code, Finding, MOST_OF_ONE},
    source::{Place, Source, Span},
    text,
};

/// `List` in `List` in `List`: nobody writes more.
pub const MAX_LISTS: usize = 4;

/// Of a kind and a version, in bytes: Kubernetes makes labels of DNS of them.
const LONGEST_KIND: usize = 63;
/// Of names and groups, in bytes: subdomains of DNS.
const LONGEST_NAME: usize = 253;

/// What to do about a file that was never meant for a cluster.
const NO_MANIFEST: &str = "if the file is no manifest, name it in .instateignore";

/// What identifies an object in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// The group of `apiVersion`; empty for the core group. The version does not identify.
    pub group: String,
    /// `Deployment`.
    pub kind: String,
    /// As written, or `None`.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)?;
        self.namespace.iter().try_for_each(|namespace| write!(f, " in {namespace}"))
    }
}

/// One Kubernetes object as written.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// What identifies it.
    pub key: ObjectKey,
    /// `apps/v1`.
    pub api_version: String,
    /// The file.
    pub source: Source,
    /// The document that holds it.
    pub tree: Rc<Tree>,
    /// Its mapping in the document; not the root where a `List` was expanded.
    pub node: NodeId,
    name: Span,
}

impl Manifest {
    /// Where its name stands, in its source.
    #[must_use]
    pub fn name_span(&self) -> Span {
        self.name
    }

    /// Where its name stands.
    #[must_use]
    pub fn place(&self) -> Place {
        self.source.place(self.name)
    }

    /// Where a field stands that an API server names, or the nearest that the manifest has.
    #[must_use]
    pub fn locate(&self, field: &str) -> Located {
        // What is the same in all versions of a definition has an older name in an API server.
        let older =
            field.strip_prefix("spec.validation.").filter(|_| self.key.kind == "CustomResourceDefinition");
        let field =
            older.map_or(Cow::Borrowed(field), |rest| format!("spec.versions[0].schema.{rest}").into());
        locate::locate(&self.tree, self.node, &field, self.name)
    }

    /// The object as `kubectl` would send it.
    ///
    /// # Errors
    /// Its aliases stand for more than any cluster takes.
    pub fn json(&self) -> Result<serde_json::Value, TooLarge> {
        json(&self.tree, self.node)
    }
}

/// Reads the objects of one document.
pub(super) fn read(
    source: &Source,
    tree: &Rc<Tree>,
    manifests: &mut Vec<Manifest>,
    findings: &mut Vec<Finding>,
) {
    let mut reader = Reader { source, tree, manifests, findings };
    if let Some(root) = tree.root() {
        reader.object(root, 0);
    }
}

struct Reader<'a> {
    source: &'a Source,
    tree: &'a Rc<Tree>,
    manifests: &'a mut Vec<Manifest>,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn object(&mut self, node: NodeId, lists: usize) {
        if self.findings.len() >= MOST_OF_ONE {
            return;
        }
        match self.tree.resolve(node) {
            Resolved::Mapping(_) => {}
            // A document that holds nothing is nothing, as between two lines `---`.
            Resolved::Null if lists == 0 => return,
            other => {
                let what = other.describe();
                let (part, help) = match lists {
                    0 => ("a document", NO_MANIFEST),
                    _ => ("an item of a List", "an item is a whole object: `- apiVersion: ...`"),
                };
                let message = format!("{part} is {what}, not a Kubernetes object");
                self.report(Code::NotAnObject, message, self.tree.span(node), help);
                return;
            }
        }
        if self.is_something_else(node) {
            let message = "a document has neither `apiVersion` nor `kind`: it is no Kubernetes object";
            self.report(Code::NotAnObject, message.to_owned(), self.first_line(node), NO_MANIFEST);
            return;
        }
        let top = self.first_line(node);
        let api_version = self.text(node, "apiVersion", "apiVersion", top);
        let kind = self.text(node, "kind", "kind", top);
        let (Some(api_version), Some(kind)) = (api_version, kind) else { return };
        let known = self.api_version(&api_version) & self.kind(&kind);
        if kind.0.ends_with("List") && self.tree.get(node, "items").is_some() {
            self.list(node, &kind.0, lists);
        } else if known {
            self.named(node, api_version.0, kind.0);
        }
    }

    /// Whether a mapping lacks both words, and anything that could be a misspelt one.
    fn is_something_else(&self, node: NodeId) -> bool {
        let entries = self.tree.entries(node);
        let keys = || entries.iter().filter_map(|(key, _)| self.tree.scalar(*key)).map(|(text, _)| text);
        let is_there = |word: &str| keys().any(|key| key == word) || text::nearest(word, keys()).is_some();
        !["apiVersion", "kind"].into_iter().any(is_there)
    }

    fn list(&mut self, node: NodeId, kind: &str, lists: usize) {
        let Some((_, items)) = self.tree.get(node, "items") else { return };
        if lists == MAX_LISTS {
            let message = format!("a {} stands in {MAX_LISTS} others", text::excerpt(kind, 40));
            self.report(Code::FieldInvalid, message, self.tree.span(items), "write its objects as documents");
            return;
        }
        match self.tree.resolve(items) {
            Resolved::Sequence(items) => items.iter().for_each(|item| self.object(*item, lists + 1)),
            other => {
                let message = format!(
                    "`items` of a {} is {}, not a sequence",
                    text::excerpt(kind, 40),
                    other.describe()
                );
                self.report(
                    Code::FieldInvalid,
                    message,
                    self.tree.span(items),
                    "write `items:` and one `- ` an object",
                );
            }
        }
    }

    fn named(&mut self, node: NodeId, api_version: String, kind: String) {
        let Some((key, metadata)) = self.tree.get(node, "metadata") else {
            let (span, help) = self.nearest(node, "metadata").unwrap_or_else(|| {
                let above = self.tree.get(node, "name").map(|(name, _)| self.tree.span(name));
                (above.unwrap_or_else(|| self.first_line(node)), "add `metadata:` with a `name:`".to_owned())
            });
            self.report(Code::FieldMissing, format!("{kind} has no `metadata.name`"), span, &help);
            return;
        };
        let of_metadata = self.tree.resolve(metadata);
        if of_metadata == Resolved::Null && self.no_name(node, metadata, &kind) {
            return;
        }
        if !matches!(of_metadata, Resolved::Mapping(_)) {
            let message = format!("`metadata` of a {kind} is {}, not a mapping", of_metadata.describe());
            self.report(
                Code::FieldInvalid,
                message,
                self.told(key, metadata),
                "indent `name:` below `metadata:`",
            );
            return;
        }
        if self.tree.get(metadata, "name").is_none()
            && self.nearest(metadata, "name").is_none()
            && self.no_name(node, metadata, &kind)
        {
            return;
        }
        let name = self.text(metadata, "name", "metadata.name", self.tree.span(key));
        let namespace = match self.tree.get(metadata, "namespace") {
            Some((_, value)) if self.is_null(value) => None,
            Some(_) => match self.text(metadata, "namespace", "metadata.namespace", self.tree.span(key)) {
                Some(found) => Some(found),
                None => return,
            },
            None => None,
        };
        let Some((name, span)) = name else { return };
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
        if !self.name("metadata.name", &name, span, lenient_names(&group)) {
            return;
        }
        if let Some((namespace, span)) = &namespace
            && !self.name("metadata.namespace", namespace, *span, false)
        {
            return;
        }
        if self.tree.values() > MAX_VALUES && is_too_large(self.tree, node) {
            let message = format!("{kind} stands for more than {MAX_VALUES} values");
            self.report(Code::DocumentTooLarge, message, self.first_line(node), "divide it");
            return;
        }
        let key = ObjectKey { group, kind, namespace: namespace.map(|(text, _)| text), name };
        let (source, tree) = (self.source.clone(), Rc::clone(self.tree));
        self.manifests.push(Manifest { key, api_version, source, tree, node, name: span });
    }

    /// Why an object has no name, where more can be said than that.
    fn no_name(&mut self, node: NodeId, metadata: NodeId, kind: &str) -> bool {
        if let Some((key, _)) = self.tree.get(node, "name") {
            let message = format!("{kind} has a `name` beside `metadata`");
            self.report(Code::FieldMissing, message, self.tree.span(key), "indent it below `metadata:`");
        } else if let Some((key, _)) = self.tree.get(metadata, "generateName") {
            let message = format!("{kind} has `generateName`: each deployment would create another one");
            self.report(Code::FieldInvalid, message, self.tree.span(key), "give it a `name:`");
        } else {
            return false;
        }
        true
    }

    /// The key that may be a misspelt `key`, and how to say so.
    fn nearest(&self, mapping: NodeId, key: &str) -> Option<(Span, String)> {
        let keys = self.tree.entries(mapping).iter().filter_map(|(k, _)| self.tree.scalar(*k));
        let meant = text::nearest(key, keys.map(|(text, _)| text))?;
        let (found, _) = self.tree.get(mapping, meant)?;
        Some((self.tree.span(found), format!("did you mean `{key}` here?")))
    }

    /// Where a value stands that is of the wrong type: of one below its key, the key.
    fn told(&self, key: NodeId, value: NodeId) -> Span {
        match self.tree.resolve(value) {
            Resolved::Mapping(_) | Resolved::Sequence(_) | Resolved::Null => self.tree.span(key),
            _ => self.tree.span(value),
        }
    }

    /// The text in the field `key` of a mapping, which must have it; `head` says where it lacks it.
    fn text(&mut self, mapping: NodeId, key: &str, path: &str, head: Span) -> Option<(String, Span)> {
        let Some((name, value)) = self.tree.get(mapping, key) else {
            let (span, help) = self.nearest(mapping, key).unwrap_or_else(|| (head, format!("add `{key}:`")));
            self.report(Code::FieldMissing, format!("an object has no `{path}`"), span, &help);
            return None;
        };
        let span = self.told(name, value);
        match self.tree.resolve(value) {
            Resolved::Text(text) if !text.is_empty() => return Some((text.to_owned(), span)),
            Resolved::Text(_) | Resolved::Null => {
                let span = self.tree.span(name);
                self.report(Code::FieldMissing, format!("`{path}` is empty"), span, "give it a value");
            }
            other => {
                let message = format!("`{path}` is {}, not a text", other.describe());
                let help = match self.tree.scalar(value) {
                    Some((text, _)) => format!("put it in quotes: \"{}\"", text::excerpt(text, 40)),
                    None => "write one text".to_owned(),
                };
                self.report(Code::FieldInvalid, message, span, &help);
            }
        }
        None
    }

    fn is_null(&self, node: NodeId) -> bool {
        self.tree.resolve(node) == Resolved::Null
    }

    fn api_version(&mut self, (text, span): &(String, Span)) -> bool {
        let (group, version) = text.split_once('/').unwrap_or(("", text));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_version = version.len() <= LONGEST_KIND
            && version.starts_with(|c: char| c.is_ascii_lowercase())
            && version.chars().all(|c| plain(c) || c == '-');
        let is_group = group.len() <= LONGEST_NAME
            && group.is_empty() != text.contains('/')
            && group.chars().all(|c| plain(c) || matches!(c, '-' | '.'));
        if !(is_version && is_group) {
            let message = format!("`{}` is no apiVersion", text::excerpt(text, 60));
            self.report(Code::FieldInvalid, message, *span, "write `v1` or `group/version`, as in `apps/v1`");
        }
        is_version && is_group
    }

    fn kind(&mut self, (text, span): &(String, Span)) -> bool {
        let good = text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.chars().all(|c| c.is_ascii_alphanumeric())
            && text.len() <= LONGEST_KIND;
        if !good {
            let message = format!("`{}` is no kind", text::excerpt(text, 60));
            self.report(Code::FieldInvalid, message, *span, "a kind is one word like `Deployment`");
        }
        good
    }

    fn name(&mut self, path: &str, text: &str, span: Span, lenient: bool) -> bool {
        let (good, rule) = if lenient {
            let good = !text.contains(['/', '%']) && text != "." && text != ".." && text::is_clean(text);
            (good && text.len() <= LONGEST_NAME, "a name has no `/` and no `%`, and at most 253 letters")
        } else {
            let part = |p: &str| {
                let inner = p.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
                inner && !p.is_empty() && !p.starts_with('-') && !p.ends_with('-')
            };
            let good = text.len() <= LONGEST_NAME && text.split('.').all(part);
            (good, "use lower case letters, digits, `-` and `.`, at most 253")
        };
        if !good {
            let message = format!("`{path}` cannot be `{}`", text::excerpt(text, 60));
            self.report(Code::FieldInvalid, message, span, rule);
        }
        good
    }

    /// Where to point when something is missing: at the mapping's first key.
    fn first_line(&self, node: NodeId) -> Span {
        self.tree.entries(node).first().map_or(self.tree.span(node), |(key, _)| self.tree.span(*key))
    }

    fn report(&mut self, code: Code, message: String, span: Span, help: &str) {
        self.findings.push(Finding::error(code, message).at(self.source.place(span)).help(help));
    }
}

/// Groups whose names may hold nearly everything, as `system:node` does.
fn lenient_names(group: &str) -> bool {
    matches!(group, "rbac.authorization.k8s.io" | "certificates.k8s.io")
}

#[cfg(test)]
mod tests {
    use crate::{manifest::read, source::Source};

    fn keys(text: &str) -> Vec<String> {
        let (manifests, findings) = read(&Source::new("a.yaml", text));
        assert!(findings.is_empty(), "{findings:#?}");
        manifests.iter().map(|m| m.key.to_string()).collect()
    }

    #[test]
    fn documents_of_a_file_are_objects_and_empty_ones_are_nothing() {
        let text = "# c\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n---\n# only this\n---\n\
                    kind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata:\n  name: system:x\n  namespace: ns\n";
        assert_eq!(keys(text), ["Service/a", "Role/system:x in ns"]);
    }

    #[test]
    fn lists_are_expanded() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n\
                    - apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Secret, metadata: {name: b}}\n";
        assert_eq!(keys(text), ["ConfigMap/a", "Secret/b"]);
    }

    #[test]
    fn json_is_read_too() {
        assert_eq!(
            keys("{\"apiVersion\": \"v1\",\n\t\"kind\": \"Service\", \"metadata\": {\"name\": \"a\"}}\n"),
            ["Service/a"]
        );
    }
}
