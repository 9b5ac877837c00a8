//! The server's configuration: what is taken is whole and safe to work with, and what is wrong has its place.

use std::{collections::BTreeSet, path::Path, time::Duration};

use instate::{
    config::{self, Config, Kubernetes, TEMPLATE, Target},
    finding::MOST_OF_ONE,
};

use crate::{
    frame::{Fuzzer, Watch, codes, look_right},
    json,
};

pub const FUZZER: Fuzzer = Fuzzer {
    name: "config",
    of: "the server's configuration",
    seeds,
    words: WORDS,
    change: json::change,
    read,
};

const WORDS: &[&str] = &[
    "\n",
    "\n  ",
    "\n    ",
    "\n---\n",
    "\n- ",
    ": ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    " # ",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "|\n",
    "'",
    "\"",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{202e}",
    "~",
    "0644",
    "environments:\n",
    "  a:\n",
    "    branch: main\n",
    "    branch: refs/heads/../x\n",
    "    target: {directory: /srv/a}\n",
    "    target: {directory: /srv/a/../..}\n",
    "    target: {kubernetes: {kubeconfig: /k, context: a, impersonate: b}}\n",
    "    path: ../x\n",
    "    path: a/./b//c\n",
    "    namespace: shop\n",
    "    kubernetes_version: 1.30\n",
    "    timeout: 99999999999h\n",
    "    settle: 1h30m\n",
    "    policy: {silence: [\"I03*\", I0301]}\n",
    "    policy: {silence: [\"*\"]}\n",
];

fn seeds() -> Vec<Vec<u8>> {
    let good = "environments:\n  production:\n    branch: main\n    target: {directory: /srv/manifests/production}\n    \
                path: shop\n    namespace: shop\n    kubernetes_version: \"1.36\"\n    timeout: 10m\n    settle: 5s\n    \
                policy: {silence: [I0308]}\n  test:\n    branch: test\n    target:\n      kubernetes: {kubeconfig: /k}\n";
    let json = "{\"environments\": {\"a\": {\"branch\": \"main\", \"target\": {\"directory\": \"/srv/a\"}, \
                \"path\": \"a\", \"policy\": {\"silence\": [\"I0308\"]}}}}";
    vec![TEMPLATE.into(), good.into(), json.into(), Vec::new()]
}

fn read(bytes: &[u8], watch: &mut Watch) -> String {
    // What is no text is refused before.
    let text = String::from_utf8_lossy(bytes);
    match watch.time(|| config::read(Path::new("instate.yaml"), &text)) {
        Ok(config) => {
            holds(&config);
            format!("{}", config.environments.len().min(9))
        }
        Err(error) => {
            assert!(!error.findings.is_empty(), "{error:?}");
            look_right(&text, &error.findings, MOST_OF_ONE + 1);
            codes(&error.findings)
        }
    }
}

/// What the rest of the program relies on.
fn holds(config: &Config) {
    assert!(!config.environments.is_empty());
    let names: BTreeSet<&str> = config.environments.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names.len(), config.environments.len(), "names are different");
    let plain = |name: &str| {
        (1..=63).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let day = Duration::from_secs(24 * 3600);
    let mut folders: Vec<&Path> = Vec::new();
    for one in &config.environments {
        assert!(plain(&one.name) && plain(&one.namespace), "{one:?}");
        assert!(one.reference.starts_with("refs/heads/") && !one.reference.contains(".."), "{one:?}");
        assert!(one.timeout <= day && one.settle <= day, "{one:?}");
        let is_below = |part: &str| !part.is_empty() && !part.starts_with('.');
        assert!(one.path == "." || one.path.split('/').all(is_below), "{one:?}");
        match &one.target {
            Target::Directory(folder) => {
                assert!(folder.is_absolute() && folder.parent().is_some(), "{one:?}");
                assert!(!folder.components().any(|part| part.as_os_str() == ".."), "{one:?}");
                folders.push(folder);
            }
            Target::Kubernetes(Kubernetes { kubeconfig, .. }) => assert!(kubeconfig.is_absolute(), "{one:?}"),
        }
    }
    folders.sort();
    assert!(folders.windows(2).all(|two| !two[1].starts_with(two[0])), "{folders:?}");
}
