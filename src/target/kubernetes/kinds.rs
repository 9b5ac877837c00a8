//! Which kinds there are, how their paths are made, and whether they live in a namespace.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use serde_json::Value as Json;

use super::{
    AT_ONCE,
    client::{Api, Failure, segment},
};

/// A kind as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub name: String,
    /// `deployments`.
    pub plural: String,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
}

impl Kind {
    /// The path of all its objects, in a namespace where it has them.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = root(&self.api_version);
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{}/{}", segment(namespace), segment(&self.plural)),
            None => format!("{root}/{}", segment(&self.plural)),
        }
    }

    /// The path of one object.
    pub fn object(&self, namespace: Option<&str>, name: &str) -> String {
        format!("{}/{}", self.path(namespace), segment(name))
    }
}

/// The path of a group version.
pub(super) fn root(api_version: &str) -> String {
    match api_version.split_once('/') {
        Some((group, version)) => format!("/apis/{}/{}", segment(group), segment(version)),
        None => format!("/api/{}", segment(api_version)),
    }
}

/// The group of an `apiVersion`; empty for the core group.
pub(super) fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The kinds of some group versions.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds {
    served: BTreeMap<String, Vec<Kind>>,
    /// By custom resource definitions of the same revision, which the API server may not have yet.
    declared: Vec<Kind>,
}

/// Where a kind is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Served,
    Declared,
}

impl Kinds {
    /// Asks for the kinds of `versions`. A version that is not served has none.
    pub async fn ask(api: &Api<'_>, versions: BTreeSet<String>) -> Result<Self, Failure> {
        let asked = versions.into_iter().map(async |version| {
            let found = api.find(&root(&version)).await?;
            let kinds = found.map(|list| read(&version, &list)).unwrap_or_default();
            Ok((version, kinds))
        });
        let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
        let mut served = BTreeMap::new();
        while let Some(answer) = answers.next().await {
            let (version, kinds) = answer?;
            served.insert(version, kinds);
        }
        Ok(Self { served, declared: Vec::new() })
    }

    /// Adds those of every version of a group: an object that was applied with one that is no longer served is
    /// still there under another.
    pub async fn add_group(&mut self, api: &Api<'_>, group: &str) -> Result<(), Failure> {
        let Some(found) = api.find(&format!("/apis/{}", segment(group))).await? else { return Ok(()) };
        let versions = found["versions"].as_array().into_iter().flatten();
        let versions = versions.filter_map(|version| version["groupVersion"].as_str().map(ToOwned::to_owned));
        self.served.extend(Self::ask(api, versions.collect()).await?.served);
        Ok(())
    }

    /// The kind in any version that is served, the one that is named first.
    pub fn find_in_group(&self, api_version: &str, kind: &str) -> Option<&Kind> {
        if let Some((found, Known::Served)) = self.find(api_version, kind) {
            return Some(found);
        }
        let wanted = group(api_version);
        let of_group = self.served.iter().filter(|(version, _)| group(version) == wanted);
        of_group.flat_map(|(_, kinds)| kinds).find(|known| known.name == kind)
    }

    /// Adds the kinds that a custom resource definition makes.
    pub fn declare(&mut self, definition: &Json) {
        let spec = &definition["spec"];
        let (Some(group), Some(kind), Some(plural), Some(versions)) = (
            spec["group"].as_str(),
            spec["names"]["kind"].as_str(),
            spec["names"]["plural"].as_str(),
            spec["versions"].as_array(),
        ) else {
            return;
        };
        let served = versions.iter().filter(|version| version["served"] == true);
        self.declared.extend(served.filter_map(|version| {
            Some(Kind {
                api_version: format!("{group}/{}", version["name"].as_str()?),
                name: kind.to_owned(),
                plural: plural.to_owned(),
                namespaced: spec["scope"] == "Namespaced",
            })
        }));
    }

    /// The kind, and whether the API server has it already.
    pub fn find(&self, api_version: &str, kind: &str) -> Option<(&Kind, Known)> {
        let is_it = |known: &&Kind| known.api_version == api_version && known.name == kind;
        let served = self.served.get(api_version).into_iter().flatten().find(is_it);
        served
            .map(|kind| (kind, Known::Served))
            .or_else(|| self.declared.iter().find(is_it).map(|kind| (kind, Known::Declared)))
    }

    /// The names of the kinds in a group version.
    pub fn in_version<'k>(&'k self, api_version: &'k str) -> impl Iterator<Item = &'k str> {
        let declared = self.declared.iter().filter(move |kind| kind.api_version == api_version);
        self.served.get(api_version).into_iter().flatten().chain(declared).map(|kind| kind.name.as_str())
    }
}

fn read(version: &str, list: &Json) -> Vec<Kind> {
    let resources = list["resources"].as_array().into_iter().flatten();
    let kind = |resource: &Json| {
        let plural = resource["name"].as_str().filter(|name| !name.contains('/'))?;
        Some(Kind {
            api_version: version.to_owned(),
            name: resource["kind"].as_str()?.to_owned(),
            plural: plural.to_owned(),
            namespaced: resource["namespaced"] == true,
        })
    };
    resources.filter_map(kind).collect()
}
