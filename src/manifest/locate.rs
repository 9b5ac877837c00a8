//! The place in a manifest that an API server's answer is about: `spec.ports[0].port` or
//! `.spec.containers[name="web"].image` becomes a span.

use super::node::{NodeId, Tree, Value};
use crate::source::Span;

/// Where a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// Of the key, where the field is a key of a mapping.
    pub key: Span,
    /// Of the value; of a mapping or a sequence that has a key it is the key's, which says what it is.
    pub value: Span,
    /// Whether the manifest has the field itself, not only something above it.
    pub whole: bool,
}

/// Walks `field` from `object` as far as the manifest has it. `top` is where to point when it has nothing.
pub(super) fn locate(tree: &Tree, object: NodeId, field: &str, top: Span) -> Located {
    let mut at = Located { key: top, value: top, whole: false };
    let (mut node, mut rest) = (object, field.trim_start_matches('.'));
    while !rest.is_empty() {
        let next = match rest.strip_prefix('[') {
            Some(inner) => {
                let Some((inner, after)) = closed(inner) else { return at };
                item(tree, node, inner).map(|found| (found, after))
            }
            None => entry(tree, node, rest),
        };
        let Some(((key, value), after)) = next else { return at };
        let named = key.map_or(tree.span(value), |key| tree.span(key));
        let many = matches!(tree.value(value), Value::Mapping(_) | Value::Sequence(_));
        at = Located { key: named, value: if many { named } else { tree.span(value) }, ..at };
        node = value;
        rest = after.trim_start_matches('.');
    }
    // An empty field is the object itself: nothing better to show than its name.
    Located { whole: !field.trim_start_matches('.').is_empty(), ..at }
}

type Found = (Option<NodeId>, NodeId);

/// What stands in the brackets, and what comes behind them; a quoted `]` does not end it.
fn closed(inner: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let end = inner.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == ']' && !quoted
    });
    end.map(|(at, _)| (&inner[..at], &inner[at + 1..]))
}

/// `0`, `name="web"`, `"value"`, or the key of a map.
fn item(tree: &Tree, node: NodeId, inner: &str) -> Option<Found> {
    let Value::Sequence(items) = tree.value(node) else {
        return tree.get(node, inner.trim_matches('"')).map(|(key, value)| (Some(key), value));
    };
    if let Ok(index) = inner.parse::<usize>() {
        return items.get(index).map(|item| (None, *item));
    }
    let text = |node: NodeId| tree.scalar(node).map(|(text, _)| text);
    let pairs: Vec<(&str, &str)> =
        inner.split(',').filter_map(|p| p.split_once('=')).map(|(k, v)| (k, v.trim_matches('"'))).collect();
    let is_it = |item: NodeId| match pairs.as_slice() {
        [] => text(item) == Some(inner.trim_matches('"')),
        // A key that is not written has its default, `protocol="TCP"` most of the time.
        pairs => {
            let said = |k: &str| tree.get(item, k).and_then(|(_, v)| text(v));
            pairs.iter().all(|(k, v)| said(k).is_none_or(|said| said == *v))
                && pairs.iter().any(|(k, _)| said(k).is_some())
        }
    };
    items.iter().find(|item| is_it(**item)).map(|item| (None, *item))
}

/// The key that `rest` begins with. Keys of labels and annotations have dots: the longest one is meant.
fn entry<'r>(tree: &Tree, node: NodeId, rest: &'r str) -> Option<(Found, &'r str)> {
    let ends = |key: &str| {
        let after = rest.strip_prefix(key)?;
        (after.is_empty() || after.starts_with(['.', '['])).then_some(after)
    };
    let keys = tree.entries(node).iter().filter_map(|(key, value)| {
        let text = tree.key(*key)?;
        Some((text.len(), (Some(*key), *value), ends(&text)?))
    });
    keys.max_by_key(|(length, ..)| *length).map(|(_, found, after)| (found, after))
}

#[cfg(test)]
mod tests {
    use crate::{manifest::read, source::Source};

    const TEXT: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app.example/x: y}
spec:
  containers:
  - name: web
    image: a
    ports:
    - containerPort: 80
";

    #[test]
    fn fields_are_found_as_far_as_the_manifest_has_them() {
        let source = Source::new("a.yaml", TEXT);
        let (manifests, _) = read(&source);
        let at = |field: &str| {
            let found = manifests[0].locate(field);
            let shown =
                |span: crate::source::Span| TEXT[span.range()].lines().next().unwrap_or("").to_owned();
            (shown(found.key), shown(found.value), found.whole)
        };
        let is = |key: &str, value: &str, whole| (key.to_owned(), value.to_owned(), whole);
        assert_eq!(at("spec.containers[0].image"), is("image", "a", true));
        assert_eq!(at(".spec.containers[name=\"web\"].image"), is("image", "a", true));
        assert_eq!(
            at("spec.containers[0].ports[containerPort=80,protocol=\"TCP\"].containerPort"),
            is("containerPort", "80", true)
        );
        assert_eq!(at("metadata.labels.app.example/x"), is("app.example/x", "y", true));
        assert_eq!(at("metadata.labels[app.example/x]"), is("app.example/x", "y", true));
        assert_eq!(at("metadata.name"), is("name", "web", true));
        assert_eq!(at("spec.containers"), is("containers", "containers", true));
        assert_eq!(at("metadata.labels"), is("labels", "labels", true));
        assert!(!at("spec.containers[0].imag").2);
        assert_eq!(at("nothing"), is("web", "web", false));
        assert_eq!(at(""), is("web", "web", false));
    }
}
