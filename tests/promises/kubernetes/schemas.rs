//! What instate knows of kinds is what a cluster says of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use instate::check::schema::{At, Document, Found, Live, Minor, Others, Schemas, Shape};
use serde_json::Value;

use crate::common::Cluster;

fn get(cluster: &Cluster, path: &str) -> Value {
    serde_json::from_str(&cluster.kubectl(&["get", "--raw", path]).stdout).unwrap()
}

/// Every version of a group that the cluster serves, and its document.
fn documents(cluster: &Cluster) -> BTreeMap<String, Value> {
    let index = get(cluster, "/openapi/v3");
    let paths = index["paths"].as_object().unwrap();
    let versions = paths.keys().filter_map(|path| match path.split('/').collect::<Vec<_>>().as_slice() {
        ["api", version] => Some((path, (*version).to_owned())),
        ["apis", group, version] => Some((path, format!("{group}/{version}"))),
        _ => None,
    });
    versions.map(|(path, version)| (version, get(cluster, &format!("/openapi/v3/{path}")))).collect()
}

/// What a schema says, in a line; what has a name is only named, and described later.
fn line<'a>(at: At<'a>, waiting: &mut Vec<At<'a>>) -> String {
    let schema = at.schema();
    if let Some(name) = &schema.name {
        waiting.push(at);
        return name.to_string();
    }
    let mut line = match &schema.shape {
        Shape::Object(object) => {
            let fields = object.fields.iter().map(|field| field.name.to_string()).collect::<Vec<_>>();
            let others = match object.others {
                Others::Each(id) => line(at.other(id), waiting),
                other => format!("{other:?}"),
            };
            format!("{{{} {others}}}", fields.join(" "))
        }
        Shape::List(list) => format!("[{}] {:?}", line(at.other(list.items), waiting), list.by),
        other => format!("{other:?}"),
    };
    if let Some(default) = &schema.default {
        write!(line, " default {default}").unwrap();
    }
    if let Some(limits) = &schema.limits {
        write!(line, " {limits:?}").unwrap();
    }
    line
}

/// Everything that a kind says, a field a line.
fn lines(of: &Schemas, api_version: &str, kind: &str) -> BTreeSet<String> {
    let Found::Kind(found) = of.find(api_version, kind) else { return BTreeSet::new() };
    let mut lines =
        BTreeSet::from([format!("{api_version} {kind} {:?} {:?}", found.scope, found.deprecated)]);
    let (mut waiting, mut known) = (vec![found.schema], BTreeSet::new());
    while let Some(at) = waiting.pop() {
        let name = at.schema().name.as_deref().unwrap();
        if !known.insert(name) {
            continue;
        }
        let Shape::Object(object) = &at.schema().shape else { panic!("{at:?}") };
        lines.insert(format!("{name} {:?}", object.others));
        for field in &object.fields {
            let written = line(at.other(field.schema), &mut waiting);
            let needed = if field.required { "!" } else { "" };
            lines.insert(format!("{name}.{}{needed} {written}", field.name));
        }
    }
    lines
}

#[test]
fn every_kind_that_a_cluster_serves_is_compiled_in_as_the_cluster_describes_it() {
    let cluster = Cluster::shared();
    let read = documents(cluster);
    let read: BTreeMap<_, _> = read
        .iter()
        .filter(|(version, _)| !version.contains(".example"))
        .map(|(version, document)| (version.clone(), (String::new(), Document::read(document).unwrap())))
        .collect();
    let names: Vec<(String, String)> = read
        .iter()
        .flat_map(|(version, (_, document))| document.kinds().map(|kind| (version.clone(), kind.to_owned())))
        .collect();
    assert!(names.len() > 50, "{names:?}");
    let live = Live { minor: Minor::NEWEST, served: read.keys().cloned().collect(), documents: read };
    let compiled = Schemas::compiled(Minor::NEWEST);
    let live = Schemas::compiled(Minor::NEWEST).with_cluster(live);
    let mut differ = BTreeSet::new();
    for (api_version, kind) in &names {
        let (ours, theirs) = (lines(&compiled, api_version, kind), lines(&live, api_version, kind));
        assert!(theirs.len() > 3, "{api_version} {kind}: {theirs:?}");
        differ.extend(ours.difference(&theirs).map(|line| format!("only compiled: {line}")));
        differ.extend(theirs.difference(&ours).map(|line| format!("only live: {line}")));
    }
    insta::assert_snapshot!(differ.into_iter().collect::<Vec<_>>().join("\n"), @"");
}
