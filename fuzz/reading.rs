//! Manifests: bytes become a text, documents, trees, objects.

use instate::manifest::{self, NodeId, Resolved, Tree};

use crate::frame::{self, Fuzzer, Watch, codes, look_right};

pub const FUZZER: Fuzzer = Fuzzer {
    name: "reading",
    of: "the reading of manifests",
    seeds: frame::manifests,
    words: WORDS,
    change: frame::no_change,
    read,
};

pub const WORDS: &[&str] = &[
    "\n",
    "\n  ",
    "\n- ",
    "\n---\n",
    "\n...\n",
    ": ",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    " # ",
    "&a ",
    "*a",
    "<<: *a",
    "!!int ",
    "!!binary ",
    "!t ",
    "|\n",
    ">-\n  ",
    "|2\n",
    "'",
    "\"",
    "\\",
    "\\u2028",
    "\\/",
    "%YAML 1.1\n",
    "\t",
    "\r",
    "\r\n",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{202e}",
    "\0",
    "\u{7f}",
    "0x",
    "0644",
    "1_0",
    ".inf",
    "1e999",
    "~",
    "yes",
    "apiVersion: v1\n",
    "kind: List\n",
    "items:\n",
    "kind: Secret\n",
    "metadata: {name: a}\n",
    "stringData: {a: b}\n",
    "{{ a }}",
    "<<<<<<< a\n=======\n>>>>>>> b\n",
];

/// Reads bytes as a push is read.
fn read(bytes: &[u8], watch: &mut Watch) -> String {
    let source = match frame::source(bytes, watch) {
        Ok(source) => source,
        Err(code) => return code,
    };
    let (manifests, findings) = watch.time(|| manifest::read(&source));
    look_right(source.text(), &findings, instate::finding::MOST_OF_ONE + 1);
    assert!(findings.iter().all(|finding| finding.place.as_ref().is_some_and(|place| place.line > 0)));
    for found in &manifests {
        let json = found.json().expect("because an object that is too large was refused");
        let line = manifest::line(&found.tree, found.node).expect("because it is the same object");
        let same: serde_json::Value = serde_json::from_str(&line).expect("because it is JSON");
        assert_eq!(same["kind"], json["kind"]);
        assert_eq!(same.as_object().unwrap().len(), json.as_object().unwrap().len());
    }
    let (trees, _) = manifest::parse(&source);
    let depth =
        trees.iter().map(|tree| tree.root().map_or(0, |root| spans(tree, root, source.text(), 0))).max();
    format!("{} {} {} {depth:?}", codes(&findings), trees.len().min(9), manifests.len().min(9))
}

/// How deep a node is; every span is in the text.
fn spans(tree: &Tree, node: NodeId, text: &str, depth: usize) -> usize {
    assert!(text.get(tree.span(node).range()).is_some(), "{:?}", tree.span(node));
    // An alias's values were looked at where they stand.
    if matches!(tree.node(node).value, manifest::Value::Alias(_)) {
        return depth;
    }
    match tree.resolve(node) {
        Resolved::Sequence(items) => {
            items.iter().map(|item| spans(tree, *item, text, depth + 1)).max().unwrap_or(depth)
        }
        Resolved::Mapping(entries) => {
            let both = entries.iter().flat_map(|(key, value)| [*key, *value]);
            both.map(|node| spans(tree, node, text, depth + 1)).max().unwrap_or(depth)
        }
        _ => depth,
    }
}
