//! What is: the objects of a revision as they would be sent, and what the cluster has of them. It reads only.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value as Json, json};

use super::{
    AT_ONCE,
    client::{Api, Failure, segment},
    inventory::{Entry, Inventory, PART_OF, Us},
    jobs,
    kinds::{Kind, Kinds, Known},
};
use crate::{
    check::{
        order::{Node, Order, Way, order},
        schema::DEFINITION,
    },
    error::{Error, Result},
    finding::{Code, Finding},
    manifest::{Manifest, ObjectKey},
    plan,
    revision::Declared,
    target::Wanted,
    text,
};

/// From so many objects of a kind in a namespace on, all of them are asked for at once.
const LIST_FROM: usize = 4;

/// An object of a revision.
#[derive(Debug, Clone)]
pub(super) struct Object {
    /// With the namespace that it will have.
    pub key: ObjectKey,
    pub kind: Kind,
    /// As it is sent.
    pub body: Json,
    /// Which manifest it is of.
    pub manifest: usize,
    /// Which of the revision's objects it is.
    pub node: usize,
    /// What of the same push must be there before the API server can take it.
    pub needs: Option<String>,
    /// Whether its definition changes with the same push: the API server judges it by the one that it has still.
    pub is_redefined: bool,
}

impl Object {
    pub fn path(&self) -> String {
        self.kind.object(self.key.namespace.as_deref(), &self.key.name)
    }
}

/// An object that is listed and no longer wanted.
#[derive(Debug, Clone)]
pub(super) struct Gone {
    pub key: ObjectKey,
    pub entry: Entry,
    pub path: String,
    pub live: Option<Json>,
}

/// What is wanted and what is.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub objects: Vec<Object>,
    /// What they are of.
    pub manifests: Vec<Manifest>,
    /// What is as it was in the revision that runs is put aside, and not looked at.
    pub inventory: Inventory,
    pub gone: Vec<Gone>,
    pub live: BTreeMap<ObjectKey, Json>,
    pub findings: Vec<Finding>,
    /// Of all objects of the revision.
    pub order: Order,
}

/// Reads the cluster.
pub(super) async fn survey(api: &Api<'_>, us: &Us, wanted: &Wanted<'_>, namespace: &str) -> Result<Survey> {
    let inventory_path = super::inventory_path(us);
    let inventory = Inventory::read(api.find(&inventory_path).await?.as_ref(), us)?;
    let mut survey = Survey { inventory, ..Survey::default() };

    // What runs is known from our own journal, which another server does not write to.
    let is_ours = survey.inventory.writer.as_ref() == Some(&us.writer);
    let known = survey.inventory.index();
    let (mut manifests, mut nodes, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let mut stays = vec![false; survey.inventory.len()];
    for (node, object) in (wanted.objects)()?.iter().enumerate() {
        // A hook runs for every other revision.
        let is_hook = object.facts.wishes.as_ref().is_some_and(|wishes| wishes.is_hook());
        let is_kept = is_ours && !is_hook && (wanted.kept)(object)?;
        match is_kept.then(|| known.find(&object.facts.key, namespace)).flatten() {
            Some((at, key)) => {
                stays[at] = true;
                kept.push((node, key.namespace.clone()));
            }
            None => {
                manifests.push((wanted.manifest)(object)?);
                nodes.push(node);
            }
        }
    }
    survey.inventory.set_aside(&stays);
    let mut bodies = Vec::new();
    for (at, manifest) in manifests.iter().enumerate() {
        match manifest.json() {
            Ok(body) => bodies.push((at, manifest, body)),
            Err(_) => {
                let message = format!("{} stands for more values than a cluster takes", manifest.key);
                let finding = Finding::error(Code::DocumentTooLarge, message).at(manifest.place());
                survey.findings.push(finding.help("write it without aliases of aliases"));
            }
        }
    }
    let kinds = kinds(api, &survey, &bodies).await?;
    resolve(&mut survey, &kinds, bodies, us, namespace);
    let content = || Ok(jobs::content((wanted.files)()?));
    survey.objects.iter_mut().try_for_each(|object| jobs::mark(&mut object.body, &content))?;
    survey.objects.iter_mut().for_each(|object| object.node = nodes[object.manifest]);
    survey.order = ordered((wanted.objects)()?, &survey, &kept)?;
    gone(&mut survey, &kinds);
    namespaces(api, &mut survey, &manifests, us).await?;
    live(api, &mut survey, &manifests).await?;
    redefined(&mut survey, us);
    Ok(Survey { manifests, ..survey })
}

/// Marks the objects whose definition is there already, and is another in this revision.
fn redefined(survey: &mut Survey, us: &Us) {
    let changes = |object: &&Object| {
        let live = survey.live.get(&object.key);
        object.key.kind == DEFINITION
            && live.is_some_and(|live| !plan::unchanged(&object.body, live, &us.manager))
    };
    let of = |object: &Object| {
        let spec = &object.body["spec"];
        Some((spec["group"].as_str()?.to_owned(), spec["names"]["kind"].as_str()?.to_owned()))
    };
    let kinds: BTreeSet<(String, String)> = survey.objects.iter().filter(changes).filter_map(of).collect();
    if !kinds.is_empty() {
        for object in &mut survey.objects {
            object.is_redefined = kinds.contains(&(object.key.group.clone(), object.key.kind.clone()));
        }
    }
}

/// Reads what is listed, of which nothing is wanted any more.
pub(super) async fn listed_alone(api: &Api<'_>, us: &Us) -> Result<Survey> {
    let inventory = Inventory::read(api.find(&super::inventory_path(us)).await?.as_ref(), us)?;
    let mut survey = Survey { inventory, ..Survey::default() };
    let kinds = kinds(api, &survey, &[]).await?;
    gone(&mut survey, &kinds);
    live(api, &mut survey, &[]).await?;
    Ok(survey)
}

/// The order of all objects, each in the namespace that it has in the cluster.
fn ordered(objects: &[Declared], survey: &Survey, kept: &[(usize, Option<String>)]) -> Result<Order> {
    let mut nodes: Vec<Node<'_>> =
        objects.iter().map(|one| Node { facts: &one.facts, namespace: None }).collect();
    for object in &survey.objects {
        nodes[object.node].namespace = object.key.namespace.as_deref();
    }
    for (node, namespace) in kept {
        nodes[*node].namespace = namespace.as_deref();
    }
    order(&nodes, Way::Write).map_err(|circles| {
        let first = circles.iter().flat_map(|circle| &circle.links).next();
        let key = first.map(|link| objects[link.object].facts.key.to_string()).unwrap_or_default();
        Error::revision(format!("{key} would wait for itself")).help("instate check shows the way around")
    })
}

async fn kinds(api: &Api<'_>, survey: &Survey, bodies: &[(usize, &Manifest, Json)]) -> Result<Kinds> {
    let mut versions: BTreeSet<String> =
        bodies.iter().map(|(_, manifest, _)| manifest.api_version.clone()).collect();
    // Of what may be deleted too.
    versions.extend(survey.inventory.entries.values().map(|entry| entry.api_version.clone()));
    let mut kinds = Kinds::ask(api, versions).await?;
    let unserved: BTreeSet<&str> = survey
        .inventory
        .entries
        .iter()
        .filter(|(key, entry)| !key.group.is_empty() && kinds.find(&entry.api_version, &key.kind).is_none())
        .map(|(key, _)| key.group.as_str())
        .collect();
    let unknown = bodies.iter().map(|(_, manifest, _)| *manifest).filter(|manifest| {
        !manifest.key.group.is_empty() && kinds.find(&manifest.api_version, &manifest.key.kind).is_none()
    });
    let groups: BTreeSet<&str> =
        unserved.into_iter().chain(unknown.map(|manifest| manifest.key.group.as_str())).collect();
    for group in groups {
        kinds.add_group(api, group).await?;
    }
    for (_, manifest, body) in bodies {
        if manifest.key.kind == "CustomResourceDefinition" {
            kinds.declare(body);
        }
    }
    Ok(kinds)
}

/// Finds every object's kind and namespace, and makes its body what is sent.
fn resolve(
    survey: &mut Survey,
    kinds: &Kinds,
    bodies: Vec<(usize, &Manifest, Json)>,
    us: &Us,
    namespace: &str,
) {
    for (at, manifest, mut body) in bodies {
        let Some((kind, known)) = kinds.find(&manifest.api_version, &manifest.key.kind) else {
            survey.findings.push(unknown_kind(manifest, kinds));
            continue;
        };
        let mut key = manifest.key.clone();
        if kind.namespaced {
            let namespace = key.namespace.get_or_insert_with(|| namespace.to_owned());
            body["metadata"]["namespace"] = json!(namespace);
        } else {
            // What is written there is the API server's to refuse.
            key.namespace = None;
        }
        encode(&mut body);
        // A field that is null is one that is not written.
        strip(&mut body);
        label(&mut body, us);
        let needs =
            (known == Known::Declared).then(|| format!("the CustomResourceDefinition of {}", key.kind));
        let kind = kind.clone();
        survey.objects.push(Object { key, kind, body, manifest: at, node: 0, needs, is_redefined: false });
    }
}

fn unknown_kind(manifest: &Manifest, kinds: &Kinds) -> Finding {
    let (version, kind) = (&manifest.api_version, &manifest.key.kind);
    if let Some(served) = kinds.find_in_group(version, kind) {
        let message = format!("the cluster does not serve `{version}` of {kind}");
        let span = manifest.locate("apiVersion").value;
        let help = format!("did you mean `{}`?", served.api_version);
        return Finding::error(Code::KindUnknown, message).at(manifest.source.place(span)).help(help);
    }
    let mut there = kinds.in_version(version).peekable();
    let (message, field, help) = if there.peek().is_none() {
        (
            format!("the cluster has no API `{version}`"),
            "apiVersion",
            "install what brings it, or put its CustomResourceDefinition into the repository".to_owned(),
        )
    } else {
        let help = match text::nearest(kind, there) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "kubectl api-resources --api-group={} shows what there is",
                super::kinds::group(version)
            ),
        };
        (format!("the cluster has no kind `{kind}` in {version}"), "kind", help)
    };
    let span = manifest.locate(field).value;
    Finding::error(Code::KindUnknown, message).at(manifest.source.place(span)).help(help)
}

/// `stringData` becomes `data`: applied as it is, a key that is removed would stay in `data` for ever.
fn encode(body: &mut Json) {
    if body["kind"] != "Secret" || body["apiVersion"] != "v1" {
        return;
    }
    let Some(object) = body.as_object_mut() else { return };
    let plain = match object.get("stringData") {
        Some(Json::Object(plain)) if plain.values().all(Json::is_string) => plain.clone(),
        Some(Json::Null) => Map::new(),
        // Something else is the API server's to refuse.
        _ => return,
    };
    object.remove("stringData");
    if plain.is_empty() {
        return;
    }
    let data = object.entry("data").or_insert_with(|| json!({}));
    if data.is_null() {
        *data = json!({});
    }
    let Some(data) = data.as_object_mut() else { return };
    for (key, value) in plain {
        data.insert(key, json!(BASE64_STANDARD.encode(value.as_str().unwrap_or_default())));
    }
}

fn strip(value: &mut Json) {
    match value {
        Json::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(strip);
        }
        Json::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn label(body: &mut Json, us: &Us) {
    let Some(metadata) = body["metadata"].as_object_mut() else { return };
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert(PART_OF.to_owned(), json!(us.part_of));
    }
}

/// What is listed and no longer wanted.
fn gone(survey: &mut Survey, kinds: &Kinds) {
    let wanted: BTreeSet<&ObjectKey> = survey.objects.iter().map(|object| &object.key).collect();
    let gone = survey.inventory.entries.iter().filter(|(key, _)| !wanted.contains(key));
    survey.gone = gone
        .map(|(key, entry)| {
            // A kind that is no longer served has no objects any more.
            let kind = kinds.find_in_group(&entry.api_version, &key.kind);
            let path = kind.map(|kind| kind.object(key.namespace.as_deref(), &key.name)).unwrap_or_default();
            Gone { key: key.clone(), entry: entry.clone(), path, live: None }
        })
        .collect();
}

/// Which namespaces are not there yet: declared by the same push, or missing.
async fn namespaces(api: &Api<'_>, survey: &mut Survey, manifests: &[Manifest], us: &Us) -> Result<()> {
    let mut used: BTreeSet<String> = survey.objects.iter().filter_map(|o| o.key.namespace.clone()).collect();
    used.insert(us.namespace.clone());
    let asked = used.into_iter().map(async |name| {
        match api.find(&format!("/api/v1/namespaces/{}", segment(&name))).await {
            Ok(found) => Ok::<_, Failure>((name, found.is_none())),
            // Who may not see namespaces lives in one that is there.
            Err(failure) if failure.code() == 403 => Ok((name, false)),
            Err(failure) => Err(failure),
        }
    });
    let answers: Vec<(String, bool)> = stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await?;
    let absent: BTreeSet<String> =
        answers.into_iter().filter(|(_, absent)| *absent).map(|(name, _)| name).collect();
    let is_namespace = |o: &&Object| o.key.kind == "Namespace" && o.key.group.is_empty();
    let declared: BTreeSet<String> =
        survey.objects.iter().filter(is_namespace).map(|o| o.key.name.clone()).collect();
    let findings = &mut survey.findings;
    // The API server would only say it once more.
    survey.objects.retain_mut(|object| {
        let Some(name) = object.key.namespace.as_ref().filter(|name| absent.contains(*name)) else {
            return true;
        };
        if declared.contains(name) {
            object.needs = Some(format!("Namespace/{name}"));
            return true;
        }
        let manifest = &manifests[object.manifest];
        let shown = text::excerpt(name, 63);
        let message = format!("{}: the cluster has no namespace `{shown}`", manifest.key);
        let place = manifest.source.place(manifest.locate("metadata.namespace").value);
        let help = format!(
            "declare Namespace/{shown} in the repository, or create it: kubectl create namespace {shown}"
        );
        findings.push(Finding::error(Code::NamespaceMissing, message).at(place).help(help));
        false
    });
    if absent.contains(&us.namespace) && !declared.contains(&us.namespace) && survey.findings.is_empty() {
        let name = &us.namespace;
        let error = Error::server(format!(
            "the cluster has no namespace `{name}`, in which the environment's inventory is kept"
        ));
        return Err(error.help(format!(
            "declare Namespace/{name} in the repository, or change `namespace` in the configuration"
        )));
    }
    Ok(())
}

/// What the cluster has of the objects that are wanted, and of those that are gone.
async fn live(api: &Api<'_>, survey: &mut Survey, manifests: &[Manifest]) -> Result<()> {
    let mut groups: BTreeMap<String, Vec<&Object>> = BTreeMap::new();
    for object in survey.objects.iter().filter(|object| object.needs.is_none()) {
        groups.entry(object.kind.path(object.key.namespace.as_deref())).or_default().push(object);
    }
    let mut asks = Vec::new();
    for (path, objects) in groups {
        if objects.len() >= LIST_FROM {
            asks.push((path, objects, true));
        } else {
            asks.extend(objects.into_iter().map(|object| (object.path(), vec![object], false)));
        }
    }
    let asked = asks.into_iter().map(async |(path, objects, list)| {
        let found = if list {
            self::list(api, &path).await
        } else {
            api.find(&path).await.map(|found| found.into_iter().collect())
        };
        let found = match found {
            // It is about these objects and no others: somebody may not read them.
            Err(Failure::Refused(status)) if status.code == 403 => {
                let keys = objects.into_iter().map(|object| object.key.clone()).collect();
                return Ok(Found::Forbidden(keys, status.message));
            }
            found => found?,
        };
        let mut by_name: BTreeMap<String, Json> = found.into_iter().filter_map(named).collect();
        let found = objects.into_iter().filter_map(|object| {
            let mut live = by_name.remove(&object.key.name)?;
            // An item of a list does not say what it is.
            live["apiVersion"] = json!(object.kind.api_version);
            live["kind"] = json!(object.kind.name);
            Some((object.key.clone(), live))
        });
        Ok::<_, Failure>(Found::Live(found.collect()))
    });
    let answers: Vec<Found> = stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await?;
    for answer in answers {
        match answer {
            Found::Live(live) => survey.live.extend(live),
            Found::Forbidden(keys, words) => forbidden(survey, manifests, &keys, &words),
        }
    }

    let asked = survey
        .gone
        .iter()
        .map(async |gone| if gone.path.is_empty() { Ok(None) } else { api.find(&gone.path).await });
    let answers: Vec<Option<Json>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    for (gone, live) in survey.gone.iter_mut().zip(answers) {
        gone.live = live;
    }
    Ok(())
}

/// An answer to the question which objects there are.
enum Found {
    Live(Vec<(ObjectKey, Json)>),
    Forbidden(Vec<ObjectKey>, String),
}

/// Objects that may not be read cannot be deployed either: what is there might be somebody else's.
fn forbidden(survey: &mut Survey, manifests: &[Manifest], keys: &[ObjectKey], words: &str) {
    let (findings, words) = (&mut survey.findings, text::excerpt(words, 300));
    survey.objects.retain(|object| {
        if !keys.contains(&object.key) {
            return true;
        }
        let message = format!("{}: the cluster forbids it: {words}", object.key);
        let finding = Finding::error(Code::Forbidden, message).at(manifests[object.manifest].place());
        findings.push(finding.help("give instate's user that permission in the cluster"));
        false
    });
}

fn named(object: Json) -> Option<(String, Json)> {
    Some((object["metadata"]["name"].as_str()?.to_owned(), object))
}

/// All objects below a path, page by page.
pub(super) async fn list(api: &Api<'_>, path: &str) -> Result<Vec<Json>, Failure> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let page = api.get(&format!("{path}{separator}limit=500{next}")).await?;
        let Json::Object(mut page) = page else { return Ok(found) };
        if let Some(Json::Array(items)) = page.remove("items") {
            found.extend(items);
        }
        match page["metadata"]["continue"].as_str() {
            Some(token) if !token.is_empty() => next = format!("&continue={}", segment(token)),
            _ => return Ok(found),
        }
    }
}
