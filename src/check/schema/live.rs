//! What a cluster serves, as it said so itself. It was asked elsewhere; here are only values.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Arena, Deprecated, Found, Id, Kind, Minor, Scope};

/// A cluster's own schemas.
#[derive(Debug, Clone)]
pub struct Live {
    /// Its minor.
    pub minor: Minor,
    /// Every version of a group that it serves: `apps/v1`.
    pub served: BTreeSet<String>,
    /// Those that were wanted, by their version of a group, each with what tells it from what was served there
    /// before.
    pub documents: BTreeMap<String, (String, Document)>,
}

/// The kinds of one version of a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Document {
    pub(super) arena: Arena,
    pub(super) kinds: Vec<Served>,
}

/// A kind that is served.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Served {
    /// `Deployment`.
    pub name: String,
    /// Where its objects live; nowhere, where none is kept.
    pub scope: Option<Scope>,
    /// What they may be.
    pub schema: Id,
    /// Whether it is on its way out.
    pub deprecated: Option<Deprecated>,
}

impl Document {
    /// The names of its kinds.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().filter(|kind| kind.scope.is_some()).map(|kind| kind.name.as_str())
    }

    pub(super) fn find(&self, name: &str) -> Option<Found<'_>> {
        let kind = self.kinds.iter().find(|kind| kind.name == name)?;
        let Some(scope) = kind.scope else { return Some(Found::NotKept) };
        let schema = self.arena.at(kind.schema);
        Some(Found::Kind(Kind {
            schema,
            scope,
            deprecated: kind.deprecated.as_ref(),
            built_in: false,
            live: false,
        }))
    }
}
