//! A revision as far as it can be read without a target: tree, render, manifest, check.
//!
//! Of a file is kept what it says, in bytes, and not its tree: so what is known of 30,000 objects is small, and
//! what is remembered of a file that did not change is as good as the file. Whoever needs an object itself
//! has it read.

mod says;
mod since;

use std::{cell::RefCell, rc::Rc};

use gix::ObjectId;

use self::says::Says;
pub use self::{says::Declared, since::Since};
use crate::{
    cache::Cache,
    check::{
        self, World,
        schema::{Minor, Schemas},
    },
    error::{Error, Result},
    finding::{self, Code, Finding},
    manifest::{self, Manifest},
    render,
    source::{Place, Source, Span},
    tree::{Files, MAX_OBJECTS, Snapshot, snapshot},
};

/// A revision that was read.
pub struct Revision<F: Files> {
    /// Where they are read.
    pub files: F,
    /// Its files.
    pub snapshot: Snapshot<F::Id>,
    /// Its objects, in the order of its files.
    pub objects: Vec<Declared>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The file that was read last, with its objects.
    last: RefCell<Option<(usize, Source, Rc<[Manifest]>)>>,
}

/// Reads the files under `path`. What `cache` remembers is not read again.
///
/// # Errors
/// The files cannot be read.
pub fn read<F: Files>(files: F, path: &str, namespace: &str, cache: Option<&Cache>) -> Result<Revision<F>> {
    let remembered = |blob: &ObjectId| cache.and_then(|cache| Some(&cache.bytes()[cache.find(blob)?]));
    let size = |id: &F::Id| Says::size(remembered(&F::blob(id)?)?);
    let mut snapshot = snapshot(&files, path, &size)?;
    let findings = std::mem::take(&mut snapshot.findings);
    let mut revision = Revision { files, snapshot, objects: Vec::new(), findings, last: RefCell::default() };
    let mut new: Vec<(ObjectId, Vec<u8>)> = Vec::new();
    for at in 0..revision.snapshot.files.len() {
        if revision.findings.len() >= finding::MOST {
            break;
        }
        let file = &revision.snapshot.files[at];
        let blob = F::blob(&file.id);
        let says = match blob.as_ref().and_then(remembered).and_then(Says::from_bytes) {
            Some(says) => says,
            None => {
                let says = says(&file.path, revision.files.read(&file.id)?);
                if let Some(blob) = blob.filter(|_| cache.is_some()) {
                    new.push((blob, says.to_bytes()));
                }
                says
            }
        };
        revision.findings.extend(says.findings(&file.path));
        revision.objects.extend(says.declared(at));
        if revision.objects.len() > MAX_OBJECTS {
            let message = format!("the environment has more than {MAX_OBJECTS} objects");
            let finding = Finding::error(Code::TreeTooLarge, message);
            revision.findings.push(finding.help("divide it into several environments"));
            break;
        }
    }
    if let Some(cache) = cache {
        let new: Vec<(ObjectId, &[u8])> = new.iter().map(|(id, says)| (*id, says.as_slice())).collect();
        cache.add(&new);
    }
    if revision.findings.len() < finding::MOST {
        let schemas = Schemas::compiled(Minor::NEWEST);
        let at = |file, span| revision.place(file, span);
        let more = check::together(&revision.objects, World { namespace, schemas: &schemas, at: &at });
        revision.findings.extend(more);
    } else {
        let message = format!("there are {} findings or more, and the rest is not read", finding::MOST);
        revision.findings.push(Finding::error(Code::TooMany, message).help("mend these first"));
    }
    Ok(revision)
}

/// What a file says by itself.
fn says(path: &str, bytes: Vec<u8>) -> Says {
    let size = bytes.len() as u64;
    match render::plain(path, bytes) {
        Ok(source) => {
            let (manifests, findings) = manifest::read(&source);
            Says::new(size, &manifests, findings)
        }
        Err(finding) => Says::new(size, &[], vec![*finding]),
    }
}

impl<F: Files> Revision<F> {
    /// The path of the file that declares an object.
    #[must_use]
    pub fn path(&self, object: &Declared) -> &str {
        &self.snapshot.files[object.file].path
    }

    /// An object itself.
    ///
    /// # Errors
    /// Its file cannot be read, or says something else than before.
    pub fn manifest(&self, object: &Declared) -> Result<Manifest> {
        let (_, manifests) = self.file(object.file)?;
        let found = manifests.get(object.at).filter(|found| found.key == object.facts.key).cloned();
        found.ok_or_else(|| {
            let path = self.path(object);
            Error::server(format!("{path} is not what it was a moment ago")).help("try again")
        })
    }

    /// The text of a file and its objects; the one that was asked for last is at hand.
    fn file(&self, file: usize) -> Result<(Source, Rc<[Manifest]>)> {
        if let Some((last, source, manifests)) = &*self.last.borrow()
            && *last == file
        {
            return Ok((source.clone(), Rc::clone(manifests)));
        }
        let at = &self.snapshot.files[file];
        let source = render::plain(&at.path, self.files.read(&at.id)?)
            .map_err(|finding| Error::revision(&finding.message))?;
        let manifests: Rc<[Manifest]> = manifest::read(&source).0.into();
        *self.last.borrow_mut() = Some((file, source.clone(), Rc::clone(&manifests)));
        Ok((source, manifests))
    }

    /// The place of a span of a file.
    fn place(&self, file: usize, span: Span) -> Place {
        match self.file(file) {
            Ok((source, _)) => source.place(span),
            Err(_) => Place::file(self.snapshot.files[file].path.clone()),
        }
    }
}
