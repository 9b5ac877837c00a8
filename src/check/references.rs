//! What objects name is there: in the revision, in the cluster, or made by a controller of something that is.

use std::collections::{BTreeMap, HashSet, btree_map::Entry};

use super::{
    Cluster,
    across::{Across, Id, Object, more, same_group},
    controllers::{self, Made},
    facts::{Part, Reference, Says},
};
use crate::{
    finding::{self, Code, Finding},
    manifest::ObjectKey,
    text,
};

/// Among so many names one is looked for that was meant.
const MOST_NAMES: usize = 1_000;

/// Who names something that is not there: the first, where, and how many other objects do.
#[derive(Clone, Copy)]
struct Named<'a> {
    object: Object<'a>,
    by: &'a Reference,
    others: usize,
    last: usize,
}

/// What objects name and the revision does not have.
#[derive(Default)]
pub(super) struct Lacks<'a> {
    whole: BTreeMap<Id<'a>, Named<'a>>,
    /// Of objects that it has: which object, and what it does not have.
    parts: BTreeMap<(usize, &'a Part), Named<'a>>,
}

impl<'a> Lacks<'a> {
    /// Looks for everything that is named.
    pub fn of(across: &Across<'a>) -> Self {
        let mut lacks = Self::default();
        for (at, object) in across.objects.iter().enumerate() {
            for by in &object.facts.refs {
                let id = id(across, *object, by);
                let named = Named { object: *object, by, others: 0, last: at };
                match across.found.get(&id) {
                    None if !controllers::is_everywhere(id) => note(lacks.whole.entry(id), named),
                    Some(found) => {
                        if let Some((part, _)) = &by.part
                            && !has(&across.objects[*found].facts.says, part)
                        {
                            note(lacks.parts.entry((*found, part)), named);
                        }
                    }
                    None => {}
                }
            }
        }
        if !lacks.whole.is_empty() {
            let made = Made::by(across);
            lacks.whole.retain(|id, _| !made.has(*id));
        }
        lacks
    }

    /// What the cluster has to be asked for.
    pub fn questions(&self) -> impl Iterator<Item = ObjectKey> {
        self.whole.iter().map(|(id, named)| question(*id, named.by))
    }
}

fn note<'a, K: Ord>(entry: Entry<'_, K, Named<'a>>, named: Named<'a>) {
    let first = entry.or_insert(named);
    first.others += usize::from(first.last != named.last);
    first.last = named.last;
}

fn question(id: Id<'_>, by: &Reference) -> ObjectKey {
    ObjectKey {
        group: by.to.group().to_owned(),
        kind: id.kind.to_owned(),
        namespace: id.namespace.map(ToOwned::to_owned),
        name: id.name.to_owned(),
    }
}

/// What is named.
fn id<'a>(across: &Across<'a>, object: Object<'a>, by: &'a Reference) -> Id<'a> {
    let own = object.namespace.unwrap_or(across.world.namespace);
    let namespace = (!by.to.is_of_cluster()).then(|| by.namespace.as_deref().unwrap_or(own));
    let (group, kind) = (by.to.group(), by.to.kind());
    Id { group: same_group(group, kind), kind, namespace, name: &by.name }
}

/// Whether an object has what is asked of it. What has nothing at all is filled by somebody else.
fn has(says: &Says, part: &Part) -> bool {
    match (says, part) {
        (Says::Data(keys), Part::Key(key)) => keys.is_empty() || keys.contains(key),
        (Says::Service(service), _) if service.external || service.ports.is_empty() => true,
        (Says::Service(service), Part::Number(port)) => service.ports.iter().any(|(known, _)| known == port),
        (Says::Service(service), Part::Port(name)) => {
            service.ports.iter().any(|(_, known)| known.as_ref() == Some(name))
        }
        _ => true,
    }
}

pub(super) fn check(across: &Across<'_>, cluster: &Cluster) -> Vec<Finding> {
    let Lacks { whole, parts } = &across.lacks;
    let inhabited: HashSet<&str> = match cluster {
        Cluster::NotAsked if !whole.is_empty() => {
            across.objects.iter().filter_map(|object| object.namespace).collect()
        }
        _ => HashSet::new(),
    };
    let is_missing = |(id, named): &(&Id<'_>, &Named<'_>)| match cluster {
        // What belongs to the whole cluster, or to a namespace of which this revision has nothing, is
        // somebody else's to bring.
        Cluster::NotAsked => id.namespace.is_some_and(|namespace| {
            inhabited.contains(namespace) && !controllers::NAMESPACES.contains(&namespace)
        }),
        Cluster::Lacks(missing) => missing.contains(&question(**id, named.by)),
    };
    let missing = whole.iter().filter(is_missing).take(finding::MOST_OF_ONE);
    let mut findings: Vec<Finding> =
        missing.map(|(id, named)| nowhere(across, cluster, *id, *named)).collect();
    let parts = parts.iter().take(finding::MOST_OF_ONE);
    findings
        .extend(parts.map(|((target, part), named)| without(across, across.objects[*target], part, *named)));
    findings
}

/// Something that nothing provides.
fn nowhere(across: &Across<'_>, cluster: &Cluster, id: Id<'_>, named: Named<'_>) -> Finding {
    let mut what = format!("{}/{}", text::excerpt(id.kind, 63), text::excerpt(id.name, 120));
    if let Some(namespace) = id.namespace.filter(|namespace| *namespace != across.world.namespace) {
        what = format!("{what} in {}", text::excerpt(namespace, 63));
    }
    let by = format!("{}{}", named.object.shown(), more(named.others, "object"));
    let verb = if named.others == 0 { "names" } else { "name" };
    let message = match cluster {
        Cluster::NotAsked => format!("nothing in this revision provides {what}, which {by} {verb}"),
        Cluster::Lacks(_) => format!("neither this revision nor the cluster has {what}, which {by} {verb}"),
    };
    let alike = across.objects.iter().filter(|other| {
        let other = other.id();
        other.kind == id.kind && other.namespace == id.namespace && other.group == id.group
    });
    let near = text::nearest(id.name, alike.take(MOST_NAMES).map(|other| other.facts.key.name.as_str()));
    let help = match (near, cluster) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Cluster::NotAsked) => "add it, or see that the cluster has it".to_owned(),
        (None, Cluster::Lacks(_)) => "add it to the repository, or create it in the cluster".to_owned(),
    };
    let place = across.place(named.object, named.by.at);
    Finding::warning(Code::ReferenceMissing, message).at(place).help(help)
}

/// A key or a port that what is there does not have.
fn without(across: &Across<'_>, target: Object<'_>, part: &Part, named: Named<'_>) -> Finding {
    let by = format!("{}{}", named.object.shown(), more(named.others, "object"));
    let verb = if named.others == 0 { "names" } else { "name" };
    let (code, lacks, help) = match (part, &target.facts.says) {
        (Part::Key(key), Says::Data(keys)) => {
            let near = text::nearest(key, keys.iter().take(MOST_NAMES).map(|key| &**key));
            let help = match near {
                Some(near) => format!("did you mean `{}`?", text::excerpt(near, 63)),
                None => format!("add the key to {}, or mark it `optional: true` here", target.shown()),
            };
            (Code::KeyMissing, format!("key `{}`", text::excerpt(key, 63)), help)
        }
        (Part::Port(name), says) => {
            (Code::PortMissing, format!("port `{}`", text::excerpt(name, 63)), ports(says))
        }
        (Part::Number(number), says) => (Code::PortMissing, format!("port {number}"), ports(says)),
        (Part::Key(_), _) => unreachable!("because only data lacks keys"),
    };
    let message = format!("{} has no {lacks}, which {by} {verb}", target.shown());
    let span = named.by.part.as_ref().map_or(named.by.at, |(_, at)| *at);
    Finding::warning(code, message).at(across.place(named.object, span)).help(help)
}

fn ports(says: &Says) -> String {
    let Says::Service(service) = says else { return String::new() };
    let shown = service.ports.iter().take(5).map(|(number, name)| match name {
        Some(name) => format!("{number} (`{}`)", text::excerpt(name, 63)),
        None => number.to_string(),
    });
    format!("its ports: {}", shown.collect::<Vec<_>>().join(", "))
}
