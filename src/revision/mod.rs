//! A revision as far as it can be read without a target: tree, render, manifest, check.
//!
//! Of a file is kept what it says, in bytes, and not its tree: so what is known of 30,000 objects is small, and
//! what is remembered of a file that did not change is as good as the file. Whoever needs an object itself
//! has it read.

mod quiet;
mod says;
mod since;

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeSet,
    hash::{Hash, Hasher},
    rc::Rc,
};

use gix::ObjectId;

use self::{
    quiet::Quiet,
    says::{Objects, Says, Summing},
};
pub use self::{says::Declared, since::Since};
use crate::{
    cache::Cache,
    check::{
        self, Across, Allowing, Allows, World,
        schema::{DEFINITION, Minor, Schemas},
    },
    config::Silence,
    error::{Error, Result},
    finding::{self, Code, Finding},
    manifest::{self, Manifest},
    render,
    source::{Place, Source, Span},
    target::Cluster,
    tree::{File, Files, MAX_OBJECTS, Named, Snapshot, snapshot},
};

/// A revision that was read, or of which it is known without reading that there is nothing to say.
pub struct Revision<F: Files> {
    /// Where its files are read.
    pub files: F,
    path: String,
    /// How many objects it has.
    pub count: usize,
    whole: OnceCell<Whole<F::Id>>,
    objects: OnceCell<Vec<Declared>>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The files that silence findings, by their numbers.
    allows: Vec<(usize, Allows)>,
    /// The file that was read last, with its objects.
    last: RefCell<Option<Last>>,
}

/// All files of a revision, and what they say.
struct Whole<Id> {
    files: Vec<File<Id>>,
    says: Vec<Objects>,
}

/// A file by its number, its text, and its objects.
type Last = (usize, Source, Rc<[Manifest]>);

/// What the objects of a revision are checked against.
pub struct Rules<'r> {
    /// The namespace of objects that name none.
    pub namespace: &'r str,
    /// What says what they may be.
    pub by: By<'r>,
    /// Which findings a file may silence.
    pub silence: &'r Silence,
}

/// What says what objects may be, beside the definitions of the revision itself.
pub enum By<'r> {
    /// The Kubernetes of that minor, as it is compiled in.
    Compiled(Minor),
    /// The cluster, which is asked what it serves, and keeps its answers there.
    Cluster(&'r Cluster, &'r Cache),
}

impl By<'_> {
    /// What is known before the files are read.
    fn minor(&self) -> Option<Minor> {
        match self {
            By::Compiled(minor) => Some(*minor),
            By::Cluster(..) => None,
        }
    }
}

/// Reads the files under `path`, and checks them where there are `rules`. What `cache` remembers is not read
/// again.
///
/// # Errors
/// The files cannot be read, or the cluster cannot be asked.
pub fn read<F: Files>(
    files: F,
    path: &str,
    rules: Option<&Rules<'_>>,
    cache: Option<&Cache>,
) -> Result<Revision<F>> {
    let compiled = rules.and_then(|rules| Some((rules.by.minor()?, rules.namespace)));
    let quiet = match compiled.zip(cache) {
        Some((by, cache)) => quiet::look(&files, path, by, cache)?,
        None => None,
    };
    if let Some((quiet, cache)) = quiet.as_ref().zip(cache)
        && cache.find(&quiet.together).is_some()
    {
        cache.add_some(&borrowed(&quiet.new));
        return Ok(Revision::quiet(files, path, quiet.objects));
    }
    let snapshot = snapshot(&files, path, &|id| Says::size_of(&remembered::<F>(cache, id)?))?;
    let revision = read_snapshot(files, (path, snapshot), rules, (cache, quiet))?;
    Ok(revision)
}

fn borrowed(new: &[(ObjectId, Vec<u8>)]) -> Vec<(ObjectId, &[u8])> {
    new.iter().map(|(id, says)| (*id, says.as_slice())).collect()
}

/// As [`read`], of these files.
///
/// # Errors
/// The cluster cannot be asked.
pub fn read_named(named: Named, wrong: Vec<Finding>, rules: &Rules<'_>) -> Result<Revision<Named>> {
    let snapshot = Snapshot { files: named.files().collect(), findings: wrong };
    read_snapshot(named, (".", snapshot), Some(rules), (None, None))
}

fn read_snapshot<F: Files>(
    files: F,
    (path, snapshot): (&str, Snapshot<F::Id>),
    rules: Option<&Rules<'_>>,
    (cache, quiet): (Option<&Cache>, Option<Quiet>),
) -> Result<Revision<F>> {
    let path = path.to_owned();
    let mut reading = Reading { files, path, snapshot, all: Vec::new(), new: BTreeSet::new() };
    let compiled = rules.and_then(|rules| rules.by.minor()).map(Schemas::compiled);
    let is_fit = |says: &Says| rules.is_none_or(|rules| says.checked() == rules.by.minor());
    let known = |id: &F::Id| Says::from_bytes(remembered::<F>(cache, id)?).filter(is_fit);
    let complete = reading.each(known, compiled.as_ref())?;
    let Some(rules) = rules.filter(|_| complete) else { return Ok(reading.revision()) };
    let schemas = reading.later(&rules.by, compiled)?;
    let sum = reading.sum(rules, &schemas);
    let is_quiet = cache.zip(sum.as_ref()).is_some_and(|(cache, sum)| cache.find(sum).is_some());
    let mut new = reading.found();
    let mut revision = reading.revision();
    if !is_quiet {
        let more = revision.together(rules, &schemas)?;
        new.extend(sum.filter(|_| more.is_empty()).map(|sum| (sum, Vec::new())));
        let all_read = !revision.findings.iter().any(|finding| finding.code.always_refuses());
        revision.findings.extend(more.into_iter().filter(|one| all_read || !one.code.is_of_absence()));
    }
    if let Some(quiet) = quiet.filter(|_| revision.findings.is_empty()) {
        new.extend(quiet.new);
        new.push((quiet.together, Vec::new()));
    }
    if let Some(cache) = cache {
        cache.add(&borrowed(&new));
    }
    let allowing = revision.allowing(rules.silence);
    let mut left = allowing.apply(std::mem::take(&mut revision.findings));
    left.extend(allowing.wrong(&|file, span| revision.place(file, span)));
    revision.findings = left;
    Ok(revision)
}

/// What the cache knows of a file.
fn remembered<F: Files>(cache: Option<&Cache>, id: &F::Id) -> Option<Rc<[u8]>> {
    cache?.find(&F::blob(id)?)
}

/// A revision while it is read.
struct Reading<F: Files> {
    files: F,
    path: String,
    snapshot: Snapshot<F::Id>,
    /// What each file says, as far as they were read.
    all: Vec<Says>,
    /// Which of them are not in the cache, or not so.
    new: BTreeSet<usize>,
}

impl<F: Files> Reading<F> {
    /// Reads every file, unless it is known already what it says; whether all were.
    fn each(&mut self, known: impl Fn(&F::Id) -> Option<Says>, schemas: Option<&Schemas>) -> Result<bool> {
        let (mut objects, mut findings) = (0, self.snapshot.findings.len());
        for (at, file) in self.snapshot.files.iter().enumerate() {
            let says = match known(&file.id) {
                Some(says) => says,
                None => {
                    self.new.insert(at);
                    by_itself(&file.path, self.files.read(&file.id)?, schemas)
                }
            };
            objects += says.count();
            findings += says.findings(&file.path).len();
            self.all.push(says);
            if objects > MAX_OBJECTS {
                let message = format!("the environment has more than {MAX_OBJECTS} objects");
                let finding = Finding::error(Code::TreeTooLarge, message);
                self.snapshot.findings.push(finding.help("divide it into several environments"));
                return Ok(false);
            }
            if let Some(stopped) = too_many(findings) {
                self.snapshot.findings.push(stopped);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Checks what only definitions of the revision itself, or the cluster, can say something of. It returns all
    /// that is known then.
    fn later(&mut self, by: &By<'_>, compiled: Option<Schemas>) -> Result<Schemas> {
        let waits: BTreeSet<String> =
            self.all.iter().flat_map(Says::waits_for).map(ToOwned::to_owned).collect();
        let mut schemas = compiled.unwrap_or_else(|| Schemas::compiled(Minor::NEWEST));
        if waits.is_empty() {
            return Ok(schemas);
        }
        if let By::Cluster(cluster, cache) = by {
            schemas = schemas.with_cluster(cluster.schemas(&waits, cache)?);
        }
        for at in (0..self.all.len()).filter(|at| self.all[*at].defines()) {
            let definitions = self.manifests(at)?;
            let definitions = definitions.iter().filter(|one| one.key.kind == DEFINITION);
            // One that is too large says so itself, and then defines nothing.
            definitions.filter_map(|one| one.json().ok()).for_each(|one| {
                let _ = schemas.define(&one);
            });
        }
        let by = schemas.digest();
        let mut findings = 0;
        for at in 0..self.all.len() {
            if self.all[at].waits_since(&by) {
                let manifests = self.manifests(at)?;
                self.all[at].check_later(&manifests, &schemas, &by);
                self.new.insert(at);
            }
            // Also of what was found before and is remembered, so that the verdict is the same.
            findings += self.all[at].found_later();
            if let Some(stopped) = too_many(findings) {
                self.snapshot.findings.push(stopped);
                break;
            }
        }
        Ok(schemas)
    }

    /// The objects of a file, which is read now.
    fn manifests(&self, at: usize) -> Result<Vec<Manifest>> {
        let file = &self.snapshot.files[at];
        let source = render::plain(&file.path, self.files.read(&file.id)?);
        Ok(source.map_or_else(|_| Vec::new(), |source| manifest::read(&source).0))
    }

    /// What the cache has not yet.
    fn found(&self) -> Vec<(ObjectId, Vec<u8>)> {
        let new = self.new.iter();
        new.filter_map(|at| Some((F::blob(&self.snapshot.files[*at].id)?, self.all[*at].to_bytes())))
            .collect()
    }

    /// What stands for all that decides what is found across objects; the cluster's answers, which change by
    /// themselves, have no such thing. Under it the cache remembers that nothing was found.
    fn sum(&self, rules: &Rules<'_>, schemas: &Schemas) -> Option<ObjectId> {
        let By::Compiled(_) = rules.by else { return None };
        let mut summing = Summing::new();
        (schemas.digest(), rules.namespace).hash(&mut summing);
        self.all.iter().for_each(|says| summing.write(says.sum()));
        Some(ObjectId::Sha1(summing.sum()))
    }

    fn revision(self) -> Revision<F> {
        let Self { files, path, snapshot, all, .. } = self;
        let Snapshot { files: found, mut findings } = snapshot;
        let (mut says_objects, mut allows, mut count) = (Vec::with_capacity(all.len()), Vec::new(), 0);
        for (at, (file, says)) in found.iter().zip(all).enumerate() {
            findings.extend(says.findings(&file.path));
            count += says.count();
            let (allowed, objects) = says.into_parts();
            allows.extend(Some((at, allowed)).filter(|(_, allowed)| !allowed.is_empty()));
            says_objects.push(objects);
        }
        let whole = OnceCell::from(Whole { files: found, says: says_objects });
        let (objects, last) = (OnceCell::new(), RefCell::default());
        Revision { files, path, count, whole, objects, findings, allows, last }
    }
}

/// What is said where there are more findings than anybody is told.
fn too_many(findings: usize) -> Option<Finding> {
    let message = || format!("there are {} findings or more, and the rest is not read", finding::MOST);
    (findings >= finding::MOST).then(|| Finding::error(Code::TooMany, message()).help("mend these first"))
}

/// What a file says by itself.
fn by_itself(path: &str, bytes: Vec<u8>, schemas: Option<&Schemas>) -> Says {
    let size = bytes.len() as u64;
    match render::plain(path, bytes) {
        Ok(source) => {
            let (manifests, mut findings) = manifest::read(&source);
            let (allows, wrong) = Allows::of(&source);
            findings.extend(wrong);
            Says::new(size, &manifests, findings, allows, schemas)
        }
        Err(finding) => Says::new(size, &[], vec![*finding], Allows::default(), schemas),
    }
}

impl<F: Files> Revision<F> {
    /// One of so many objects of which there is nothing to say.
    fn quiet(files: F, path: &str, count: usize) -> Self {
        let (whole, objects, last) = (OnceCell::new(), OnceCell::new(), RefCell::default());
        let (findings, allows) = (Vec::new(), Vec::new());
        Self { files, path: path.to_owned(), count, whole, objects, findings, allows, last }
    }

    /// All its files and what they say, which are read now unless they were.
    fn whole(&self) -> Result<&Whole<F::Id>> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole);
        }
        let snapshot = snapshot(&self.files, &self.path, &|_| None)?;
        let mut says = Vec::with_capacity(snapshot.files.len());
        for file in &snapshot.files {
            says.push(by_itself(&file.path, self.files.read(&file.id)?, None).into_parts().1);
        }
        Ok(self.whole.get_or_init(|| Whole { files: snapshot.files, says }))
    }

    /// Its files, sorted by path.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn all_files(&self) -> Result<&[File<F::Id>]> {
        self.whole().map(|whole| whole.files.as_slice())
    }

    /// Whether a manifest of that path, which is in its folder, is one of its files.
    fn has(&self, path: &str) -> bool {
        // Of one that is quiet no file is ignored.
        let Some(whole) = self.whole.get() else { return true };
        whole.files.binary_search_by(|file| file.path.as_str().cmp(path)).is_ok()
    }

    fn at(&self, file: usize) -> Result<&File<F::Id>> {
        let found = self.whole()?.files.get(file);
        found.ok_or_else(|| Error::server("a file of the revision is not where it was").help("try again"))
    }

    /// Its objects, in the order of its files.
    ///
    /// # Errors
    /// What was remembered of a file is something else.
    pub fn objects(&self) -> Result<&[Declared]> {
        if let Some(objects) = self.objects.get() {
            return Ok(objects);
        }
        let mut objects = Vec::new();
        for (at, says) in self.whole()?.says.iter().enumerate() {
            let damaged = || {
                let error = Error::server("what was remembered of a file is damaged");
                error.help("remove the folder `instate/cache` of the repository")
            };
            objects.extend(says.declared(at).ok_or_else(damaged)?);
        }
        Ok(self.objects.get_or_init(|| objects))
    }

    /// What is wrong with its objects together.
    fn together(&self, rules: &Rules<'_>, schemas: &Schemas) -> Result<Vec<Finding>> {
        let at = |file, span| self.place(file, span);
        let across = Across::new(self.objects()?, World { namespace: rules.namespace, schemas, at: &at });
        let there = match rules.by {
            By::Compiled(_) => check::Cluster::NotAsked,
            By::Cluster(cluster, _) => check::Cluster::Lacks(cluster.lacks(&across.questions())?),
        };
        Ok(across.check(&there))
    }

    /// What its files silence, as far as `policy` lets them.
    #[must_use]
    pub fn allowing<'p>(&self, policy: &'p Silence) -> Allowing<'p> {
        let mut allowing = Allowing::new(policy);
        for (file, allows) in &self.allows {
            let path = self.at(*file).map(|file| file.path.as_str());
            allowing.add(*file, path.unwrap_or_default(), allows.clone());
        }
        allowing
    }

    /// The path of the file that declares an object.
    ///
    /// # Errors
    /// As [`Revision::objects`].
    pub fn path(&self, object: &Declared) -> Result<&str> {
        Ok(&self.at(object.file)?.path)
    }

    /// The path below the environment's of the file that declares an object.
    #[must_use]
    pub fn item(&self, object: &Declared) -> &str {
        self.at(object.file).map(File::below).unwrap_or_default()
    }

    /// An object itself.
    ///
    /// # Errors
    /// Its file cannot be read, or says something else than before.
    pub fn manifest(&self, object: &Declared) -> Result<Manifest> {
        let (_, manifests) = self.file(object.file)?;
        let found = manifests.get(object.at).filter(|found| found.key == object.facts.key).cloned();
        found.ok_or_else(|| {
            let path = self.path(object).unwrap_or_default();
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
        let at = self.at(file)?;
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
            Err(_) => Place::file(self.at(file).map(|file| file.path.clone()).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{By, Code, Minor, Named, Rules, Silence, finding::MOST, read_named};

    #[test]
    fn of_one_file_no_more_is_told_than_of_a_revision() {
        let wrong = |n: usize| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\none: 1\ntwo: 2\nlines: 3\n---\n"
            )
        };
        let text: String = (0..2 * MOST).map(wrong).collect();
        let named = Named(vec![("a.yaml".to_owned(), text.into_bytes())]);
        let by = By::Compiled(Minor::NEWEST);
        let rules = Rules { namespace: "default", by, silence: &Silence::Warnings };
        let Ok(revision) = read_named(named, Vec::new(), &rules) else { panic!("nobody is asked") };
        assert!((MOST..MOST + 10).contains(&revision.findings.len()), "{}", revision.findings.len());
        assert!(revision.findings.iter().any(|finding| finding.code == Code::TooMany));
    }
}
