//! What is as it was in the revision that runs, and so need not be looked at.

use std::collections::HashMap;

use gix::ObjectId;

use super::{Declared, Revision};
use crate::{
    check,
    error::Result,
    finding::Finding,
    manifest::{self, Manifest, ObjectKey},
    policy::Confirmed,
    render,
    tree::{Changed, Files, GitFiles, changed},
};

/// What is as it was.
#[derive(Debug, Default)]
pub struct Since {
    /// Whether what is not changed is as it was.
    certain: bool,
    /// Files that are others, with what they are now.
    changed: HashMap<String, ObjectId>,
    /// Objects of those, as they were.
    objects: HashMap<ObjectKey, Manifest>,
    /// Secrets of those, as they were.
    pub secrets: Vec<Manifest>,
}

impl Since {
    /// Compares `revision` with the one that `was`. Unless it is certain that what runs is that one, nothing is
    /// as it was.
    ///
    /// # Errors
    /// The other one cannot be read.
    pub fn new(
        revision: &Revision<GitFiles<'_>>,
        was: &GitFiles<'_>,
        path: &str,
        certain: bool,
    ) -> Result<Self> {
        let Changed { now, was: before } = changed(was, &revision.files, path)?;
        let mut since = Self { certain, changed: now.into_iter().collect(), ..Self::default() };
        for (path, id) in before {
            let Ok(source) = render::plain(&path, was.read(&id)?) else { continue };
            let (objects, _) = manifest::read(&source);
            since.secrets.extend(objects.iter().filter(|object| object.key.kind == "Secret").cloned());
            since.objects.extend(objects.into_iter().map(|object| (object.key.clone(), object)));
        }
        Ok(since)
    }

    /// What of objects was changed that cannot be changed, and is not confirmed to be made anew.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn immutable(
        &self,
        revision: &Revision<GitFiles<'_>>,
        confirms: impl FnOnce() -> Result<Confirmed>,
    ) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        if self.objects.is_empty() || self.changed.is_empty() {
            return Ok(Vec::new());
        }
        let mut changed: Vec<_> = self.changed.iter().filter(|(path, _)| revision.has(path)).collect();
        changed.sort();
        for (path, id) in changed {
            let Ok(source) = render::plain(path, revision.files.read(id)?) else { continue };
            for is in &manifest::read(&source).0 {
                let found = self.objects.get(&is.key).into_iter().flat_map(|was| check::immutable(was, is));
                findings.extend(found.map(|finding| (is.key.clone(), finding)));
            }
        }
        if findings.is_empty() {
            return Ok(Vec::new());
        }
        let confirmed = confirms()?;
        let refused = findings.into_iter().filter(|(key, _)| !confirmed.replaces(key));
        Ok(refused.map(|(_, finding)| finding).collect())
    }

    /// Whether an object of `revision` is as it was.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn keeps(&self, revision: &Revision<GitFiles<'_>>, object: &Declared) -> Result<bool> {
        if !self.certain {
            return Ok(false);
        }
        if !self.changed.contains_key(revision.path(object)?) {
            return Ok(true);
        }
        let Some(was) = self.objects.get(&object.facts.key) else { return Ok(false) };
        let is = revision.manifest(object)?;
        Ok(was.json().is_ok() && was.json() == is.json())
    }
}
