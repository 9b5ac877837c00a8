//! What a file says by itself, and how that is remembered.

use std::{
    hash::{Hash, Hasher},
    ops::Range,
    rc::Rc,
};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::{
    check::{
        self, Allows, Facts,
        schema::{DEFINITION, Minor, Schemas},
    },
    finding::{Finding, MOST},
    manifest::Manifest,
};

/// What a file says, whatever its path.
///
/// What its objects say stays in bytes until somebody asks: of most files nobody does.
#[derive(Debug, Clone)]
pub(super) struct Says {
    head: Head,
    objects: Objects,
}

/// What is always asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    /// How many bytes the file has; first, so that it can be read alone.
    size: u64,
    findings: Kept,
    /// Which of its lines silence findings.
    allows: Allows,
    /// What its objects were checked against, if they were.
    checked: Option<Minor>,
    /// Which of them that says nothing of, and their versions of a group.
    waits: Box<[(usize, Box<str>)]>,
    /// What was found of those by definitions and by the cluster, and by which.
    later: Option<(String, Kept)>,
    /// Whether it defines kinds of its own.
    defines: bool,
    /// How many objects it has.
    objects: usize,
    /// What tells what they say from anything else that objects say, wherever in the file it stands.
    sum: Sum,
}

/// A hash that nobody can find two texts for.
pub(super) type Sum = [u8; 20];

/// The objects of a file, in bytes.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    bytes: Rc<[u8]>,
    at: Range<usize>,
}

impl Objects {
    /// Those of the file with that number. `None` where the bytes are something else.
    pub fn declared(&self, file: usize) -> Option<impl Iterator<Item = Declared>> {
        let facts: Vec<Facts> = postcard::from_bytes(&self.bytes[self.at.clone()]).ok()?;
        Some(facts.into_iter().enumerate().map(move |(at, facts)| Declared { file, at, facts }))
    }
}

/// Hashes what is told to it, and not where it stands.
pub(super) struct Summing(Context);

impl Summing {
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub fn sum(self) -> Sum {
        let mut sum = Sum::default();
        let digest = self.0.finish();
        sum.copy_from_slice(&digest.as_ref()[..size_of::<Sum>()]);
        sum
    }
}

impl Hasher for Summing {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Sixty-four bits are too few for what somebody may want to forge: [`Summing::sum`] has them all.
    fn finish(&self) -> u64 {
        0
    }
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
            if findings.len() >= MOST {
                break;
            }
            match schemas.and_then(|schemas| check::one(manifest, schemas)) {
                Some(found) => findings.extend(
                    found.into_iter().filter(|one| line(one).is_none_or(|line| !misread.contains(&line))),
                ),
                None => waits.push((at, manifest.api_version.as_str().into())),
            }
        }
        let facts: Vec<Facts> = manifests.iter().map(Facts::of).collect();
        let mut summing = Summing::new();
        facts.hash(&mut summing);
        let head = Head {
            size,
            findings: Kept::new(findings),
            allows,
            checked: schemas.map(Schemas::minor),
            waits: waits.into(),
            later: None,
            defines: facts.iter().any(|facts| facts.key.kind == DEFINITION),
            objects: facts.len(),
            sum: summing.sum(),
        };
        let bytes = postcard::to_stdvec(&facts).unwrap_or_default();
        let at = 0..bytes.len();
        Self { head, objects: Objects { bytes: bytes.into(), at } }
    }

    /// Checks what waits against more than is compiled in.
    pub fn check_later(&mut self, manifests: &[Manifest], schemas: &Schemas, by: &str) {
        let waiting = self.head.waits.iter().filter_map(|(at, _)| manifests.get(*at));
        let findings = waiting.filter_map(|manifest| check::one(manifest, schemas)).flatten();
        let findings = findings.take(MOST).collect();
        self.head.later = Some((by.to_owned(), Kept::new(findings)));
    }

    /// How much was found of what waited.
    pub fn found_later(&self) -> usize {
        self.head.later.as_ref().map_or(0, |(_, later)| later.at("").len())
    }

    /// Whether what waits was checked by something else than this.
    pub fn waits_since(&self, by: &str) -> bool {
        !self.head.waits.is_empty() && self.head.later.as_ref().is_none_or(|(last, _)| last != by)
    }

    /// What bytes of a cache say. `None` where they are something else.
    pub fn from_bytes(bytes: Rc<[u8]>) -> Option<Self> {
        let (head, rest) = postcard::take_from_bytes(&bytes).ok()?;
        let at = bytes.len() - rest.len()..bytes.len();
        Some(Self { head, objects: Objects { bytes, at } })
    }

    /// How large the file is that the bytes are about.
    pub fn size_of(bytes: &[u8]) -> Option<u64> {
        postcard::take_from_bytes(bytes).ok().map(|(size, _)| size)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = postcard::to_stdvec(&self.head).unwrap_or_default();
        bytes.extend_from_slice(&self.objects.bytes[self.objects.at.clone()]);
        bytes
    }

    /// How many bytes the file has.
    pub fn size(&self) -> u64 {
        self.head.size
    }

    /// Whether it says nothing that anybody has to hear or to wait for.
    pub fn is_quiet(&self) -> bool {
        let Head { findings, allows, waits, later, defines, .. } = &self.head;
        findings.0.is_empty() && allows.is_empty() && waits.is_empty() && later.is_none() && !defines
    }

    /// What its objects were checked against, if they were.
    pub fn checked(&self) -> Option<Minor> {
        self.head.checked
    }

    /// How many objects it has.
    pub fn count(&self) -> usize {
        self.head.objects
    }

    /// What tells what they say from anything else that objects say.
    pub fn sum(&self) -> &Sum {
        &self.head.sum
    }

    /// What is wrong with the file at `path`.
    pub fn findings(&self, path: &str) -> Vec<Finding> {
        let later = self.head.later.iter().flat_map(|(_, later)| later.at(path));
        self.head.findings.at(path).into_iter().chain(later).collect()
    }

    /// Whether the file defines kinds of its own.
    pub fn defines(&self) -> bool {
        self.head.defines
    }

    /// The versions that the objects are of which wait.
    pub fn waits_for(&self) -> impl Iterator<Item = &str> {
        self.head.waits.iter().map(|(_, version)| &**version)
    }

    /// The comments that silence findings, and its objects.
    pub fn into_parts(self) -> (Allows, Objects) {
        (self.head.allows, self.objects)
    }
}
