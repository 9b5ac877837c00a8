//! What a file says by itself, and how that is remembered.

use serde::{Deserialize, Serialize};

use crate::{
    check::{
        self, Allows, Facts,
        schema::{DEFINITION, Minor, Schemas},
    },
    finding::Finding,
    manifest::Manifest,
};

/// What a file says, whatever its path.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Says {
    /// How many bytes it has; first, so that it can be read alone.
    size: u64,
    /// Its objects.
    pub objects: Vec<Facts>,
    findings: Kept,
    /// Which of its lines silence findings.
    allows: Allows,
    /// What its objects were checked against, if they were.
    pub checked: Option<Minor>,
    /// Which of them that says nothing of.
    waits: Box<[usize]>,
    /// What was found of those by definitions and by the cluster, and by which.
    later: Option<(String, Kept)>,
}

/// Findings as they are kept: in JSON, and empty where there is none, as in most files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Kept(String);

impl Kept {
    pub fn new(mut findings: Vec<Finding>) -> Self {
        if findings.is_empty() {
            return Self::default();
        }
        for place in findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
            place.path.clear();
        }
        Self(serde_json::to_string(&findings).unwrap_or_default())
    }

    /// The findings, in the file at `path`.
    fn at(&self, path: &str) -> Vec<Finding> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut findings: Vec<Finding> = serde_json::from_str(&self.0).unwrap_or_default();
        for place in findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
            path.clone_into(&mut place.path);
        }
        findings
    }
}

fn line(finding: &Finding) -> Option<u32> {
    finding.place.as_ref().map(|place| place.line)
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
    /// `findings` are those of the reading. Where there are `schemas`, the objects are checked too.
    pub fn new(
        size: u64,
        manifests: &[Manifest],
        mut findings: Vec<Finding>,
        allows: Allows,
        schemas: Option<&Schemas>,
    ) -> Self {
        let mut waits = Vec::new();
        // What the schema says of a line that could not be read as it was meant follows from that.
        let misread: Vec<u32> = findings.iter().filter_map(line).collect();
        for (at, manifest) in manifests.iter().enumerate() {
            match schemas.and_then(|schemas| check::one(manifest, schemas)) {
                Some(found) => findings.extend(
                    found.into_iter().filter(|one| line(one).is_none_or(|line| !misread.contains(&line))),
                ),
                None => waits.push(at),
            }
        }
        Self {
            size,
            objects: manifests.iter().map(Facts::of).collect(),
            findings: Kept::new(findings),
            allows,
            checked: schemas.map(Schemas::minor),
            waits: waits.into(),
            later: None,
        }
    }

    /// Checks what waits against more than is compiled in.
    pub fn check_later(&mut self, manifests: &[Manifest], schemas: &Schemas, by: &str) {
        let waiting = self.waits.iter().filter_map(|at| manifests.get(*at));
        let findings = waiting.filter_map(|manifest| check::one(manifest, schemas)).flatten().collect();
        self.later = Some((by.to_owned(), Kept::new(findings)));
    }

    /// Whether what waits was checked by something else than this.
    pub fn waits_since(&self, by: &str) -> bool {
        !self.waits.is_empty() && self.later.as_ref().is_none_or(|(last, _)| last != by)
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
        let later = self.later.iter().flat_map(|(_, later)| later.at(path));
        self.findings.at(path).into_iter().chain(later).collect()
    }

    /// The comments that silence findings.
    pub fn allows(&mut self) -> Allows {
        std::mem::take(&mut self.allows)
    }

    /// Whether the file defines kinds of its own.
    pub fn defines(&self) -> bool {
        self.objects.iter().any(|facts| facts.key.kind == DEFINITION)
    }

    /// The versions that the objects are of which wait.
    pub fn waits_for(&self) -> impl Iterator<Item = &str> {
        self.waits.iter().filter_map(|at| self.objects.get(*at)).map(|facts| &*facts.api_version)
    }

    /// Its objects, as those of the file with that number.
    pub fn declared(self, file: usize) -> impl Iterator<Item = Declared> {
        self.objects.into_iter().enumerate().map(move |(at, facts)| Declared { file, at, facts })
    }
}
