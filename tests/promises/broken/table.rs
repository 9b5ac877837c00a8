//! `bases.yaml` and the test data of `k8s.io/api` make objects that a cluster takes.

use std::{collections::BTreeSet, fs, path::Path};

use instate::{manifest, source::Source};
use serde_json::{Map, Value, json};

/// An object that a cluster takes.
pub struct Base {
    /// `core.v1.Service load-balancer`
    pub name: String,
    pub object: Value,
}

/// Every base, from the test data in a folder.
pub fn bases(data: &Path) -> Vec<Base> {
    let table = read(include_str!("bases.yaml"));
    let mut made = Made { used: BTreeSet::new(), bases: Vec::new() };
    for (name, kind) in entries(&table["kinds"]) {
        let mut object = match kind.get("base") {
            Some(base) => base.clone(),
            None => {
                let file = data.join(format!("{name}.yaml"));
                let text =
                    fs::read_to_string(&file).unwrap_or_else(|err| panic!("{}: {err}", file.display()));
                let mut object = plain(read(&text));
                for (at, rule) in entries(&table["spread"]) {
                    visit(&mut object, &steps(at), false, &mut |mut items: Holder<'_>, key: &str| {
                        spread(items.at(key), rule);
                    });
                }
                for (at, value) in entries(&table["everywhere"]) {
                    if set(&mut object, at, value, false) > 0 {
                        made.used.insert(at.clone());
                    }
                }
                object
            }
        };
        made.apply(name, &mut object, &kind["set"]);
        if kind.get("apart").is_some() {
            made.apart(name, &object, &kind["apart"]);
        } else {
            made.keep(name, "", object.clone());
        }
        for (variant, rules) in entries(&kind["variants"]) {
            let mut object = object.clone();
            made.apply(&format!("{name} {variant}"), &mut object, rules);
            made.keep(name, variant, object);
        }
    }
    let idle: Vec<_> =
        entries(&table["everywhere"]).map(|(at, _)| at).filter(|at| !made.used.contains(*at)).collect();
    assert!(idle.is_empty(), "rules of bases.yaml that change nothing: {idle:?}");
    made.bases
}

struct Made {
    used: BTreeSet<String>,
    bases: Vec<Base>,
}

impl Made {
    fn keep(&mut self, name: &str, variant: &str, object: Value) {
        self.bases.push(Base { name: format!("{name} {variant}").trim_end().to_owned(), object });
    }

    fn apply(&self, name: &str, object: &mut Value, rules: &Value) {
        for (at, value) in entries(rules) {
            assert!(set(object, at, value, true) > 0, "{name}: nothing at {at}");
        }
    }

    /// One object for each field of a mapping that `keep` does not name; the first has everything else.
    fn apart(&mut self, name: &str, object: &Value, rule: &Value) {
        let within = rule["in"].as_str().expect("because the table says so");
        let kept = texts(&rule["keep"]);
        let each: Vec<String> =
            entries(&object[within]).map(|(k, _)| k.clone()).filter(|k| !kept.contains(k)).collect();
        for (number, field) in each.iter().enumerate() {
            let mut one = object.clone();
            if number > 0 {
                one["metadata"] = json!({"name": object["metadata"]["name"]});
                map(&mut one)
                    .retain(|key, _| ["apiVersion", "kind", "metadata", within].contains(&key.as_str()));
            }
            map(&mut one[within]).retain(|key, _| key == field || kept.contains(key));
            self.keep(name, &kebab(field), one);
        }
    }
}

/// The first document of a text, as Kubernetes reads it.
pub fn read(text: &str) -> Value {
    let (trees, findings) = manifest::parse(&Source::new("a.yaml", text));
    assert!(findings.is_empty(), "{findings:#?}");
    let root = trees[0].root().expect("because it is not empty");
    manifest::json(&trees[0], root).expect("because it is small")
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|text| text.as_str().expect("because it is a text").to_owned())
        .collect()
}

fn map(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("because it is a mapping")
}

/// `configMapValue` of the test data is `config-map` here, which nearly every field takes.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.strip_suffix("Value").map_or(text.clone(), kebab)),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => {
            let key = |key: String, value: &Value| match key.strip_suffix("Key") {
                Some(stem) if *value == format!("{stem}Value") => kebab(stem),
                _ => key,
            };
            fields.into_iter().map(|(k, value)| (key(k, &value), plain(value))).collect()
        }
        other => other,
    }
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && text.ends_with(|before: char| before.is_ascii_lowercase()) {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// `spec.ports[0].port`, `**.name`, `*`.
fn steps(at: &str) -> Vec<String> {
    at.replace('[', ".[").split('.').map(ToOwned::to_owned).collect()
}

/// What holds a value: a mapping or a sequence.
struct Holder<'v>(&'v mut Value);

impl Holder<'_> {
    fn at(&mut self, key: &str) -> &mut Value {
        match key.parse::<usize>() {
            Ok(number) if self.0.is_array() => &mut self.0[number],
            _ => &mut self.0[key],
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some(fields) = self.0.as_object_mut() {
            fields.remove(key);
        } else if let Some(items) = self.0.as_array_mut() {
            items.remove(key.parse().expect("because it is a number"));
        }
    }
}

/// Sets what a pattern names; `null` removes it. How many there were.
fn set(object: &mut Value, at: &str, value: &Value, make: bool) -> usize {
    visit(object, &steps(at), make, &mut |mut holder: Holder<'_>, key: &str| match value {
        Value::Null => holder.remove(key),
        value => *holder.at(key) = value.clone(),
    })
}

/// Hands over every place that a pattern names. `make` also names a last field that is not there.
fn visit(node: &mut Value, steps: &[String], make: bool, to: &mut dyn FnMut(Holder<'_>, &str)) -> usize {
    let [step, rest @ ..] = steps else { return 0 };
    if step == "**" {
        let here = visit(node, rest, false, to);
        let below: usize = match node {
            Value::Object(fields) => fields.values_mut().map(|value| visit(value, steps, false, to)).sum(),
            Value::Array(items) => items.iter_mut().map(|value| visit(value, steps, false, to)).sum(),
            _ => 0,
        };
        return here + below;
    }
    match node {
        Value::Array(items) => match step.strip_prefix('[').and_then(|step| step.strip_suffix(']')) {
            Some(number) => {
                let at: usize = number.parse().expect("because the table says so");
                match (items.get_mut(at), rest) {
                    (None, _) => 0,
                    (Some(_), []) => {
                        to(Holder(node), number);
                        1
                    }
                    (Some(item), rest) => visit(item, rest, make, to),
                }
            }
            None => items.iter_mut().map(|item| visit(item, steps, make, to)).sum(),
        },
        Value::Object(fields) => {
            let named: Vec<String> = match step.as_str() {
                "*" => fields.keys().cloned().collect(),
                step if fields.contains_key(step) || (make && rest.is_empty()) => vec![step.to_owned()],
                _ => Vec::new(),
            };
            let mut count = 0;
            for key in named {
                if rest.is_empty() {
                    to(Holder(node), &key);
                    count += 1;
                } else {
                    count += visit(&mut node[&key], rest, make, to);
                }
            }
            count
        }
        _ => 0,
    }
}

/// Items that hold what excludes each other become several.
fn spread(items: &mut Value, rule: &Value) {
    let keep = texts(&rule["keep"]);
    let old = items.as_array().cloned().unwrap_or_default();
    *items = old.into_iter().flat_map(|item| spread_one(item, &keep, &rule["apart"])).collect();
}

fn spread_one(item: Value, keep: &[String], apart: &Value) -> Vec<Value> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for choice in apart.as_array().expect("because the table says so") {
        let paths = if choice.is_array() { texts(choice) } else { vec![choice.as_str().unwrap().to_owned()] };
        match paths[0].strip_suffix('*') {
            Some(within) => {
                let held = item.pointer(&pointer(within.trim_end_matches('.'))).cloned().unwrap_or_default();
                let each = entries(&held).map(|(key, _)| format!("{within}{key}"));
                groups.extend(each.filter(|path| !keep.contains(path)).map(|path| vec![path]));
            }
            None => {
                let there: Vec<_> =
                    paths.into_iter().filter(|path| item.pointer(&pointer(path)).is_some()).collect();
                groups.extend((!there.is_empty()).then_some(there));
            }
        }
    }
    if groups.len() < 2 {
        return vec![item];
    }
    let mut first = item.clone();
    groups[1..].iter().flatten().for_each(|path| drop_path(&mut first, path));
    let mut made = vec![first];
    for group in &groups[1..] {
        let mut one = json!({});
        for path in keep.iter().chain(group) {
            let Some(value) = item.pointer(&pointer(path)) else { continue };
            path.split('.').fold(&mut one, |at, step| &mut at[step]).clone_from(value);
        }
        if let Some(Value::String(name)) = one.get_mut("name") {
            let last = group[0].rsplit('.').next().expect("because every path has a last step");
            *name = format!("{name}-{}", kebab(last));
        }
        made.push(one);
    }
    made
}

fn pointer(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("/{}", path.replace('.', "/")) }
}

/// Removes a value, and what holds nothing else.
fn drop_path(item: &mut Value, path: &str) {
    match path.split_once('.') {
        None => {
            map(item).remove(path);
        }
        Some((first, rest)) if item[first].is_object() => {
            drop_path(&mut item[first], rest);
            if item[first] == json!({}) {
                map(item).remove(first);
            }
        }
        Some(_) => {}
    }
}
