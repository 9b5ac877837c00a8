//! What one object says that matters to others: small, and independent of where its file is.

use serde::{Deserialize, Serialize};

use crate::{
    manifest::{Manifest, ObjectKey},
    source::Span,
};

/// What is known of an object without its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What identifies it, as written.
    pub key: ObjectKey,
    /// `apps/v1`.
    pub api_version: Box<str>,
    /// Where its name stands.
    pub name: Span,
}

impl Facts {
    /// Those of a manifest.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            key: manifest.key.clone(),
            api_version: manifest.api_version.as_str().into(),
            name: manifest.name_span(),
        }
    }
}
