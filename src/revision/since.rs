//! What is as it was in the revision that runs, and so need not be looked at.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use super::{Declared, Revision};
use crate::{
    check,
    error::Result,
    finding::Finding,
    manifest::{self, Manifest, ObjectKey},
    render,
    tree::{Files, GitFiles, snapshot},
};

/// What is as it was.
#[derive(Debug, Default)]
pub struct Since {
    /// Files of which not a byte is different.
    files: HashSet<String>,
    /// Objects of the others, as they were.
    objects: HashMap<ObjectKey, Manifest>,
    /// Secrets of the others, as they were, also where nothing else is certain.
    pub secrets: Vec<Manifest>,
}

impl Since {
    /// Compares `revision` with the one that has the tree `was`. Unless it is certain that what runs is that
    /// one, nothing is as it was.
    ///
    /// # Errors
    /// The other one cannot be read.
    pub fn new(
        revision: &Revision<GitFiles<'_>>,
        was: &GitFiles<'_>,
        path: &str,
        certain: bool,
    ) -> Result<Self> {
        let now: HashMap<&str, ObjectId> =
            revision.snapshot.files.iter().map(|f| (f.path.as_str(), f.id)).collect();
        let mut since = Self::default();
        for file in snapshot(was, path, &|_| Some(0))?.files {
            if now.get(file.path.as_str()) == Some(&file.id) {
                since.files.extend(Some(file.path).filter(|_| certain));
            } else if let Ok(source) = render::plain(&file.path, was.read(&file.id)?) {
                let (objects, _) = manifest::read(&source);
                since.secrets.extend(objects.iter().filter(|object| object.key.kind == "Secret").cloned());
                let objects = objects.into_iter().filter(|_| certain);
                since.objects.extend(objects.map(|object| (object.key.clone(), object)));
            }
        }
        Ok(since)
    }

    /// What of objects was changed that cannot be changed.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn immutable(&self, revision: &Revision<GitFiles<'_>>) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let changed = revision.objects.iter().filter(|object| !self.files.contains(revision.path(object)));
        for object in changed {
            if let Some(was) = self.objects.get(&object.facts.key) {
                findings.extend(check::immutable(was, &revision.manifest(object)?));
            }
        }
        Ok(findings)
    }

    /// Whether an object of `revision` is as it was.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn keeps(&self, revision: &Revision<GitFiles<'_>>, object: &Declared) -> Result<bool> {
        if self.files.contains(revision.path(object)) {
            return Ok(true);
        }
        let Some(was) = self.objects.get(&object.facts.key) else { return Ok(false) };
        let is = revision.manifest(object)?;
        Ok(was.json().is_ok() && was.json() == is.json())
    }
}
