//! What a file says by itself, and how that is remembered.

use serde::{Deserialize, Serialize};

use crate::{check::Facts, finding::Finding, manifest::Manifest};

/// What a file says, whatever its path.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Says {
    /// How many bytes it has; first, so that it can be read alone.
    size: u64,
    objects: Vec<Facts>,
    /// In JSON, which most files need not have: empty where there is none.
    findings: String,
}

/// An object of a revision.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Which file of the revision it is in.
    pub file: usize,
    /// Which object of that file it is.
    pub at: usize,
    /// What it says.
    pub facts: Facts,
}

impl Says {
    pub fn new(size: u64, manifests: &[Manifest], mut findings: Vec<Finding>) -> Self {
        for place in findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
            place.path.clear();
        }
        let objects = manifests.iter().map(Facts::of).collect();
        let some = Some(findings).filter(|findings| !findings.is_empty());
        let findings = some.and_then(|findings| serde_json::to_string(&findings).ok()).unwrap_or_default();
        Self { size, objects, findings }
    }

    /// `None` where the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// How large the file is that the bytes are about.
    pub fn size(bytes: &[u8]) -> Option<u64> {
        postcard::take_from_bytes(bytes).ok().map(|(size, _)| size)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// What is wrong with the file at `path`.
    pub fn findings(&self, path: &str) -> Vec<Finding> {
        if self.findings.is_empty() {
            return Vec::new();
        }
        let mut findings: Vec<Finding> = serde_json::from_str(&self.findings).unwrap_or_default();
        for place in findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
            path.clone_into(&mut place.path);
        }
        findings
    }

    /// Its objects, as those of the file with that number.
    pub fn declared(self, file: usize) -> impl Iterator<Item = Declared> {
        self.objects.into_iter().enumerate().map(move |(at, facts)| Declared { file, at, facts })
    }
}
