//! The objects that belong to an environment, kept in the cluster.
//!
//! - A `ConfigMap` in the environment's namespace lists every object with its UID. It is also a parent as
//!   the `ApplySet` specification has it, so that `kubectl` can read it.
//! - An object is listed before it is created and until it is gone.
//! - Only what is listed, has the listed UID and carries our label is ever deleted: controllers copy labels
//!   onto objects of their own, and a name may be somebody else's by now.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value as Json, json};

use super::kinds;
use crate::{
    error::{Error, Result},
    manifest::ObjectKey,
    target, text,
};

/// The label of every object of an environment.
pub(super) const PART_OF: &str = "applyset.kubernetes.io/part-of";
const PREFIX: &str = "instate-";
/// The largest object that a cluster keeps is 1 MiB.
const MAX_SIZE: usize = 1_000_000;

/// Who we are to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Us {
    /// The field manager, and the name of the inventory and the Lease.
    pub manager: String,
    /// The value of our label.
    pub part_of: String,
    /// The namespace of inventory and Lease.
    pub namespace: String,
    /// The repository, for people who find the inventory.
    pub repository: String,
    /// Which of the servers with this environment we are.
    pub writer: String,
}

/// Says in an inventory which repository it is of.
pub(super) const REPOSITORY: &str = "instate.dev/repository";
/// Says in an inventory which server wrote to the cluster last.
const WRITER: &str = "instate.dev/writer";

impl Us {
    /// Of an environment of a repository.
    pub fn new(owner: &target::Owner, environment: &str, namespace: &str) -> Self {
        let manager = format!("{PREFIX}{environment}-{}", owner.id);
        let digest = ring::digest::digest(
            &ring::digest::SHA256,
            format!("{manager}.{namespace}.ConfigMap.").as_bytes(),
        );
        let part_of = format!("applyset-{}-v1", BASE64_URL_SAFE_NO_PAD.encode(digest));
        Self {
            manager,
            part_of,
            namespace: namespace.to_owned(),
            repository: owner.repository.clone(),
            writer: owner.lock.clone(),
        }
    }

    /// The other environment of the same repository that `owner` is.
    pub fn sibling<'o>(&self, owner: &'o str) -> Option<&'o str> {
        let (_, own) = parts(&self.manager)?;
        parts(owner).filter(|(_, id)| *id == own).map(|(environment, _)| environment)
    }

    /// Whose a live object is.
    pub fn owner(&self, live: &Json) -> Owner {
        let managers = live["metadata"]["managedFields"].as_array().into_iter().flatten();
        let applied =
            managers.filter(|entry| entry["operation"] == "Apply" && entry["subresource"].is_null());
        let managers: Vec<&str> = applied.filter_map(|entry| entry["manager"].as_str()).collect();
        let other = managers.iter().find(|name| **name != self.manager && is_instate(name));
        let label = live["metadata"]["labels"][PART_OF].as_str();
        match (other, label) {
            (Some(other), _) => Owner::Other((*other).to_owned()),
            // Also where the environment's namespace was another, and its label with it.
            (None, _) if managers.contains(&self.manager.as_str()) => Owner::Us,
            (None, Some(label)) if label == self.part_of => Owner::Us,
            (None, Some(label)) => Owner::Other(label.to_owned()),
            (None, None) => Owner::Nobody,
        }
    }
}

/// Whether a field manager is some environment's.
fn is_instate(manager: &str) -> bool {
    parts(manager).is_some()
}

fn parts(manager: &str) -> Option<(&str, &str)> {
    let (environment, id) = manager.strip_prefix(PREFIX)?.rsplit_once('-')?;
    (id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some((environment, id))
}

/// An owner as a person reads it. `repository` is what its inventory says, where it was found.
pub(super) fn describe(owner: &str, repository: Option<&str>) -> String {
    match (parts(owner), repository) {
        (Some((environment, _)), Some(repository)) => {
            format!("the environment `{environment}` of {}", text::excerpt(repository, 200))
        }
        (Some((environment, id)), None) => {
            format!("the environment `{environment}` of the repository with the identity {id}")
        }
        (None, _) => format!("the ApplySet {}", text::excerpt(owner, 80)),
    }
}

/// Whose a live object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// This environment's.
    Us,
    /// No tool's that says so.
    Nobody,
    /// Another environment's, by its field manager, or another tool's, by its label.
    Other(String),
}

/// One object of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// With which version it was applied.
    pub api_version: String,
    /// `None` until it is known that it was created.
    pub uid: Option<String>,
    /// What it did when it ended well, of what may be gone since then.
    pub ran: Option<String>,
}

/// The objects of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Inventory {
    /// Those that may change.
    pub entries: BTreeMap<ObjectKey, Entry>,
    /// Those that stay as they are, in their order: in a large environment all but a few.
    aside: Rc<Vec<(ObjectKey, Entry)>>,
    /// The server that wrote to the cluster last: what another's journal says of what runs may be old.
    pub writer: Option<String>,
    /// What the API server compares, so that nobody else's writing is lost; `None` before the first.
    pub version: Option<String>,
}

impl Inventory {
    /// Reads it.
    ///
    /// # Errors
    /// It is not one that instate wrote: nothing may be deleted by it, so nothing is done at all.
    pub fn read(found: Option<&Json>, us: &Us) -> Result<Self> {
        let Some(found) = found else { return Ok(Self::default()) };
        let damaged = |what: &str| {
            let error = Error::server(format!(
                "the inventory ConfigMap/{} in {} is damaged: {what}",
                us.manager, us.namespace
            ));
            error.help("restore it from a backup, or delete it: what runs is then taken up again, and nothing deleted")
        };
        if found["metadata"]["labels"]["applyset.kubernetes.io/id"] != us.part_of.as_str() {
            return Err(damaged("its label is not instate's"));
        }
        let lines = found["data"]["objects"].as_str().ok_or_else(|| damaged("it has no list"))?.lines();
        // Made at once of lines that are in order: to find the place of each is most of the work otherwise.
        let entries: Option<BTreeMap<_, _>> = lines.map(parse).collect();
        let entries = entries.ok_or_else(|| damaged("a line is not an object"))?;
        let text = |value: &Json| value.as_str().map(ToOwned::to_owned);
        let writer = text(&found["metadata"]["annotations"][WRITER]);
        let version = text(&found["metadata"]["resourceVersion"]);
        Ok(Self { entries, aside: Rc::default(), writer, version })
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.entries.len() + self.aside.len()
    }

    /// All objects in their order.
    fn all(&self) -> Vec<(&ObjectKey, &Entry)> {
        let aside = self.aside.iter().map(|(key, entry)| (key, entry));
        let mut all: Vec<_> = aside.chain(&self.entries).collect();
        // Two lists that are in order: hardly more than looking at each.
        all.sort_by_key(|(key, _)| *key);
        all
    }

    /// Whether another says the same, but for the version.
    pub fn says(&self, other: &Self) -> bool {
        let is_same = if Rc::ptr_eq(&self.aside, &other.aside) {
            self.entries == other.entries
        } else {
            self.all() == other.all()
        };
        is_same && self.writer == other.writer
    }

    /// Puts those aside of which `stays` says so, by their number.
    pub fn set_aside(&mut self, stays: &[bool]) {
        let entries = std::mem::take(&mut self.entries).into_iter().zip(stays);
        let (aside, rest): (Vec<_>, Vec<_>) = entries.partition(|(_, stays)| **stays);
        self.entries = rest.into_iter().map(|(entry, _)| entry).collect();
        self.aside = Rc::new(aside.into_iter().map(|(entry, _)| entry).collect());
    }

    /// Finds what is there for certain.
    pub fn index(&self) -> Index<'_> {
        let there = self.entries.iter().enumerate().filter(|(_, (_, entry))| entry.uid.is_some());
        Index(there.map(|(at, (key, _))| (Index::id(key, key.namespace.as_deref()), (at, key))).collect())
    }

    /// As the cluster keeps it.
    ///
    /// # Errors
    /// It is too large for a cluster.
    pub fn to_json(&self, us: &Us) -> Result<Json> {
        let all = self.all();
        let objects: String = all.iter().map(|(key, entry)| line(key, entry)).collect();
        if objects.len() > MAX_SIZE {
            let error = Error::server("the environment has more objects than its inventory can list");
            return Err(error.help("divide it into several environments"));
        }
        let kinds: BTreeSet<String> = all.iter().map(|(key, _)| group_kind(key)).collect();
        let namespaces: BTreeSet<&str> = all.iter().filter_map(|(key, _)| key.namespace.as_deref()).collect();
        let others: Vec<&str> = namespaces.into_iter().filter(|name| *name != us.namespace).collect();
        Ok(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": us.manager,
                "namespace": us.namespace,
                "resourceVersion": self.version,
                "labels": {"applyset.kubernetes.io/id": us.part_of, "app.kubernetes.io/managed-by": "instate"},
                "annotations": {
                    REPOSITORY: us.repository,
                    WRITER: self.writer,
                    "applyset.kubernetes.io/tooling": concat!("instate/v", env!("CARGO_PKG_VERSION")),
                    "applyset.kubernetes.io/contains-group-kinds": kinds.into_iter().collect::<Vec<_>>().join(","),
                    "applyset.kubernetes.io/additional-namespaces": others.join(","),
                },
            },
            "data": {"objects": objects},
        }))
    }
}

/// Group, kind, namespace and name.
type Id<'a> = (&'a str, &'a str, Option<&'a str>, &'a str);

/// The objects of an inventory that are known to be there, with their numbers.
pub(super) struct Index<'a>(HashMap<Id<'a>, (usize, &'a ObjectKey)>);

impl<'a> Index<'a> {
    fn id<'k>(key: &'k ObjectKey, namespace: Option<&'k str>) -> Id<'k> {
        (&key.group, &key.kind, namespace, &key.name)
    }

    /// The one that is declared, in the namespace that it has when it names none.
    pub fn find(&self, declared: &ObjectKey, namespace: &str) -> Option<(usize, &'a ObjectKey)> {
        let places = [Some(declared.namespace.as_deref().unwrap_or(namespace)), None];
        places.into_iter().find_map(|place| self.0.get(&Index::id(declared, place))).copied()
    }
}

fn group_kind(key: &ObjectKey) -> String {
    if key.group.is_empty() { key.kind.clone() } else { format!("{}.{}", key.kind, key.group) }
}

/// `apps/v1 Deployment shop web 1b2c...`; `-` where there is nothing; behind the UID of what ran `=` and what it did.
fn line(key: &ObjectKey, entry: &Entry) -> String {
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let ran = entry.ran.as_ref().map(|ran| format!("={ran}")).unwrap_or_default();
    let uid = or(&entry.uid);
    format!("{} {} {} {uid}{ran} {}\n", entry.api_version, key.kind, or(&key.namespace), key.name)
}

fn parse(line: &str) -> Option<(ObjectKey, Entry)> {
    // A name comes last, since names of some kinds may hold anything.
    let mut parts = line.splitn(5, ' ');
    let mut next = || parts.next().filter(|part| !part.is_empty()).map(ToOwned::to_owned);
    let some = |part: String| (part != "-").then_some(part);
    let (api_version, kind) = (next()?, next()?);
    let (namespace, run, name) = (some(next()?), next()?, next()?);
    let (uid, ran) = run.split_once('=').map_or((run.as_str(), None), |(uid, ran)| (uid, Some(ran)));
    let (uid, ran) = (some(uid.to_owned()), ran.map(ToOwned::to_owned));
    let group = kinds::group(&api_version).to_owned();
    Some((ObjectKey { group, kind, namespace, name }, Entry { api_version, uid, ran }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn us() -> Us {
        let owner =
            target::Owner { id: "0123456789abcdef".into(), repository: "here".into(), lock: String::new() };
        Us::new(&owner, "production", "shop")
    }

    #[test]
    fn the_label_is_that_of_the_specification() {
        // base64url(sha256("<name>.<namespace>.<kind>.<group>")), computed by other tools.
        let us = us();
        assert_eq!(us.manager, "instate-production-0123456789abcdef");
        assert_eq!(us.part_of, "applyset-S_4RrMprtkd_Edk3BDCPeOZnIyQhvy6tI2fN3YnOcRw-v1");
    }

    #[test]
    fn an_inventory_reads_back_as_it_was_written() {
        let key = |kind: &str, namespace: Option<&str>, name: &str| ObjectKey {
            group: if kind == "Deployment" { "apps".into() } else { String::new() },
            kind: kind.into(),
            namespace: namespace.map(Into::into),
            name: name.into(),
        };
        let mut inventory =
            Inventory { version: Some("7".into()), writer: Some("here".into()), ..Inventory::default() };
        for (key, uid) in [
            (key("Deployment", Some("shop"), "web"), Some("u1".to_owned())),
            (key("Namespace", None, "shop"), None),
            (key("ConfigMap", Some("other"), "a b"), None),
        ] {
            let api_version = if key.group.is_empty() { "v1".to_owned() } else { "apps/v1".to_owned() };
            let ran = (key.kind == "Deployment").then(|| "Zm9v-_".to_owned());
            inventory.entries.insert(key, Entry { api_version, uid, ran });
        }
        let written = inventory.to_json(&us()).expect("it is small");
        assert_eq!(Inventory::read(Some(&written), &us()).expect("it is good"), inventory);
        let annotations = &written["metadata"]["annotations"];
        assert_eq!(
            annotations["applyset.kubernetes.io/contains-group-kinds"],
            "ConfigMap,Deployment.apps,Namespace"
        );
        assert_eq!(annotations["applyset.kubernetes.io/additional-namespaces"], "other");
    }

    #[test]
    fn what_instate_did_not_write_is_no_inventory() {
        let good = Inventory::default().to_json(&us()).expect("it is small");
        for (pointer, value) in [
            ("/data/objects", json!("rubbish")),
            ("/data/objects", json!(null)),
            ("/metadata/labels/applyset.kubernetes.io~1id", json!("x")),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).expect("it is there") = value;
            assert!(Inventory::read(Some(&bad), &us()).is_err(), "{pointer}");
        }
    }

    #[test]
    fn an_object_of_another_environment_is_known_by_its_field_manager() {
        let live = |manager: &str| json!({"metadata": {"managedFields": [{"manager": manager, "operation": "Apply"}]}});
        assert_eq!(us().owner(&live("kubectl")), Owner::Nobody);
        assert_eq!(us().owner(&live("instate-production-0123456789abcdef")), Owner::Us);
        let mut moved = live("instate-production-0123456789abcdef");
        moved["metadata"]["labels"] = json!({PART_OF: "applyset-of-another-namespace-v1"});
        assert_eq!(us().owner(&moved), Owner::Us);
        let copied = json!({"metadata": {"labels": {PART_OF: "applyset-x-v1"}}});
        assert_eq!(us().owner(&copied), Owner::Other("applyset-x-v1".into()));
        let other = "instate-production-fedcba9876543210";
        assert_eq!(us().owner(&live(other)), Owner::Other(other.into()));
        assert_eq!(describe(other, Some("x:/a.git")), "the environment `production` of x:/a.git");
        let unnamed = "the environment `production` of the repository with the identity fedcba9876543210";
        assert_eq!(describe(other, None), unnamed);
    }
}
