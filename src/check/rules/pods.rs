//! What the parts of a Pod say of each other: mounts name volumes, names differ.

use super::{
    values,
    wants::{both, is_filled, text_of},
};
use crate::{
    check::{grammar::Grammar, spot::Spot},
    finding::{Code, Finding},
    manifest::Resolved,
    text,
};

/// A volume has one source at most; without one it is an empty folder.
pub(super) fn one_source(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let entries = spot.entries().iter();
    let sources = entries.filter(|(key, value)| {
        crate::check::spot::key_text(spot.manifest(), *key) != "name"
            && spot.manifest().tree.resolve(*value) != Resolved::Null
    });
    let mut sources = sources.map(|(key, value)| spot.entry(*key, *value));
    if let (Some(first), Some(second)) = (sources.next(), sources.next()) {
        found.push(both(spot, &first, &second));
    }
}

/// What a Pod is called by others; a `StatefulSet` calls its own as it likes.
pub(super) fn own_names(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    if &*spot.manifest().key.kind == "StatefulSet" {
        return;
    }
    for name in ["hostname", "subdomain"].iter().filter_map(|name| spot.field(name)) {
        values::form(&name, Grammar::Label, found);
    }
}

/// The containers of a Pod beside its volumes and claims.
pub(super) fn parts(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let mut volumes = Names::of(spot, "volumes");
    if let Some(set) = spot.up().and_then(Spot::up) {
        // The Pods of a StatefulSet have its claims as volumes.
        volumes.0.extend(of_templates(set));
    }
    let claims = Names::of(spot, "resourceClaims");
    // Two of one sequence with the same name are found by its schema.
    let others = Names::of(spot, "initContainers");
    for list in ["initContainers", "containers"] {
        let Some(list) = spot.field(list) else { continue };
        let is_init = list.path().ends_with("initContainers");
        for container in list.items() {
            if let Some(name) = container.field("name").filter(|_| !is_init)
                && name.text().is_some_and(|name| others.0.contains(&name))
            {
                let message = format!("`{}` is the name of another container of the Pod", name.path());
                found.push(name.error(Code::ItemTwice, message).help("give it a name of its own"));
            }
            for field in ["volumeMounts", "volumeDevices"] {
                let Some(mounts) = container.field(field) else { continue };
                for mount in mounts.items() {
                    volumes.named(&mount, "name", "volume", found);
                    if field == "volumeDevices" {
                        is_device(spot, &mount, found);
                    }
                }
            }
            if let Some(resources) = container.field("resources")
                && let Some(list) = resources.field("claims")
            {
                list.items().for_each(|claim| claims.named(&claim, "name", "resource claim", found));
            }
            files(&container, &volumes, found);
            if is_init && text_of(&container, "restartPolicy") != Some("Always") {
                runs_once(&container, found);
            }
        }
    }
}

/// Only a claim is a device.
fn is_device(pod: &Spot<'_>, mount: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(name) = mount.field("name") else { return };
    let Some(text) = name.text().filter(|text| !text.is_empty()) else { return };
    let list = pod.field("volumes");
    let mut volumes = list.iter().flat_map(Spot::items);
    let Some(volume) = volumes.find(|volume| text_of(volume, "name") == Some(text)) else { return };
    if ["persistentVolumeClaim", "ephemeral"].into_iter().all(|source| volume.field(source).is_none()) {
        let message = format!("`{}` is no claim, and only a claim can be a device", name.path());
        found.push(name.error(Code::Together, message).help("mount it below `volumeMounts`"));
    }
}

/// Values that are read from files in volumes.
fn files(container: &Spot<'_>, volumes: &Names<'_>, found: &mut Vec<Finding>) {
    let Some(env) = container.field("env") else { return };
    for variable in env.items() {
        if let Some(from) = variable.field("valueFrom")
            && let Some(file) = from.field("fileKeyRef")
        {
            volumes.named(&file, "volumeName", "volume", found);
        }
    }
}

/// The names of the claims that each Pod gets.
fn of_templates<'a>(set: &Spot<'a>) -> Vec<&'a str> {
    let tree = &set.manifest().tree;
    let get = |node, key| tree.get(node, key).map(|(_, value)| value);
    let templates = get(set.node(), "volumeClaimTemplates").map_or(&[][..], |list| tree.items(list));
    let name = |template| match tree.resolve(get(get(template, "metadata")?, "name")?) {
        Resolved::Text(name) => Some(name),
        _ => None,
    };
    templates.iter().filter_map(|template| name(*template)).collect()
}

/// A container that runs to its end before the others is not probed.
fn runs_once(container: &Spot<'_>, found: &mut Vec<Finding>) {
    for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(field) = container.field(name) {
            let message = format!("`{}` stands in an init container that is not kept running", field.path());
            let finding = Finding::error(Code::Together, message).at(field.key_place());
            found.push(finding.help("write `restartPolicy: Always` beside it, or remove it"));
        }
    }
}

/// Names of the items of a sequence; `None` where one is not a text, and nothing can be said.
struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    fn of(spot: &Spot<'a>, list: &str) -> Self {
        let tree = &spot.manifest().tree;
        let is = |key: crate::manifest::NodeId, name: &str| {
            crate::check::spot::key_text(spot.manifest(), key) == name
        };
        let list = spot.entries().iter().find(|(key, _)| is(*key, list));
        let items = list.map_or(&[][..], |(_, list)| tree.items(*list));
        let name = |item| {
            let entries = tree.entries(item);
            match entries.iter().find(|(key, _)| is(*key, "name")).map(|(_, value)| tree.resolve(*value)) {
                Some(Resolved::Text(text)) => Some(text),
                _ => None,
            }
        };
        Self(items.iter().filter_map(|item| name(*item)).collect())
    }

    fn named(&self, spot: &Spot<'_>, field: &str, what: &str, found: &mut Vec<Finding>) {
        let Some(name) = spot.field(field).filter(is_filled) else { return };
        let Some(text) = name.text().filter(|text| !self.0.contains(text)) else { return };
        let message = format!(
            "`{}` names the {what} `{}`, which the Pod does not have",
            name.path(),
            text::excerpt(text, 60)
        );
        let finding = name.error(Code::NotInObject, message);
        let near = text::nearest(text, self.0.iter().copied());
        found.push(match near {
            Some(near) => finding.help(format!("did you mean `{}`?", text::excerpt(near, 60))),
            None => finding.help(format!("add a {what} of that name to the Pod")),
        });
    }
}
