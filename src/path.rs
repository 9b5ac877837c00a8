//! The path of a push, told twice: [`judge`] until it is accepted, [`deploy`] until it runs.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use crate::{
    check::check,
    config::{Config, Environment},
    error::{Error, Result},
    finding::{self, Code, Finding, Severity, Verdict},
    manifest::{self, Manifest, ObjectKey},
    plan::{Action, files::Items},
    policy,
    push::{Push, Update},
    record::{Counts, Journal, deployed_ref},
    render,
    repository::Repository,
    target::{self, Of, Planned, Stopped, Target, Wanted},
    tree::{Files, GitFiles, MAX_OBJECTS, Objects, Snapshot, snapshot},
};

/// A push that was judged.
pub struct Judgement<'c> {
    /// Accept or refuse.
    pub verdict: Verdict,
    /// The environments whose branch it moves, each with the update that moves it.
    pub moves: Vec<(&'c Environment, Update)>,
    /// What each would change there, and what could not be checked, in words.
    pub said: Vec<String>,
}

/// Judges a push: every reason to refuse it, before any ref moves. Nothing is changed.
///
/// # Errors
/// It could not be judged, which is the server's fault and refuses it too.
pub fn judge<'c>(repository: &Repository, config: &'c Config, push: &Push) -> Result<Judgement<'c>> {
    let objects = repository.objects(push.quarantine.as_deref())?;
    let mut findings: Vec<Finding> = push.updates.iter().filter_map(policy::reference).collect();
    findings.extend(push.options.iter().filter_map(|option| policy::option(option)));
    let (mut moves, mut said) = (Vec::new(), Vec::new());
    for environment in &config.environments {
        for update in push.updates.iter().filter(|update| update.reference == environment.reference) {
            moves.push((environment, update.clone()));
            let wrong = policy::branch(update, environment.branch(), &environment.name, &objects)?;
            match (wrong, update.new) {
                (None, Some(new)) => {
                    let judged = judge_revision(repository, environment, &objects, new)?;
                    findings.extend(judged.findings);
                    said.extend(
                        judged.changes.map(|changes| format!("{}: {}.", environment.name, changes.ahead())),
                    );
                    said.extend(judged.unchecked.map(|what| format!("{}: {what}.", environment.name)));
                }
                (wrong, _) => findings.extend(wrong),
            }
        }
    }
    Ok(Judgement { verdict: Verdict::new(findings), moves, said })
}

/// Judges one revision for one environment: by itself, and by what only the target knows of it.
///
/// # Errors
/// As [`judge`].
pub fn judge_revision(
    repository: &Repository,
    environment: &Environment,
    objects: &Objects,
    id: ObjectId,
) -> Result<Judged> {
    let target = target::of(environment, &repository.owner()?)?;
    let mut revision = read_commit(objects, id, environment)?;
    let mut findings = std::mem::take(&mut revision.findings);
    let read = revision.manifests.len();
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        // What would come of it is not asked, but a server that could not deploy it is found.
        target::probe(environment, &repository.owner()?)?;
        return Ok(Judged { read, findings, ..Judged::default() });
    }
    let since = since(repository, environment, objects, id, &revision)?;
    let judged = revision.wanted(objects, &since, |wanted| match &target {
        Of::Directory(folder) => folder.judge(wanted),
        Of::Kubernetes(cluster) => cluster.judge(wanted),
    })?;
    let target::Judged { findings: more, runs, changes, unchecked } = judged;
    findings.extend(more);
    if revision.manifests.is_empty() {
        let message = format!("the revision has no manifest for `{}`", environment.name);
        // An empty tree is a mistake far more often than a wish.
        let finding = match runs {
            None => Finding::warning(Code::NoManifests, message),
            Some(runs) => Finding::error(
                Code::NoManifests,
                format!("{message}, and what runs ({runs}) would be deleted"),
            ),
        };
        findings.push(finding.help(
            "manifests are *.yaml, *.yml and *.json under the environment's path that .instateignore does not \
             name; to end an environment take it out of the server's configuration",
        ));
    }
    Ok(Judged { read, findings, changes, unchecked })
}

/// What was found of one revision for one environment.
#[derive(Debug, Default)]
pub struct Judged {
    /// How many objects were read.
    pub read: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How much deploying it would change, where that is known beforehand.
    pub changes: Option<Counts>,
    /// What cannot be checked before the push is accepted, in words.
    pub unchecked: Option<String>,
}

/// Shows what deploying a revision would change.
///
/// # Errors
/// It cannot be told.
pub fn plan(
    repository: &Repository,
    environment: &Environment,
    objects: &Objects,
    id: ObjectId,
) -> Result<Vec<(Action, String, Vec<String>)>> {
    let revision = read_commit(objects, id, environment)?;
    if let Some(wrong) = revision.findings.iter().find(|finding| finding.severity == Severity::Error) {
        return Err(Error::revision(format!("the revision is refused: {}", wrong.message))
            .help("instate check shows all"));
    }
    revision.wanted(objects, &Since::default(), |wanted| {
        match target::of(environment, &repository.owner()?)? {
            Of::Directory(folder) => Ok(folder.plan(wanted, &|_| {})?.lines(wanted.manifests)),
            Of::Kubernetes(cluster) => Ok(cluster.plan(wanted, &|_| {})?.lines(wanted.manifests)),
        }
    })
}

/// A revision as far as it can be read without a target.
pub struct Revision<Id> {
    /// Its files.
    pub snapshot: Snapshot<Id>,
    /// Its objects.
    pub manifests: Vec<Manifest>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// Tree, render, manifest, check.
///
/// # Errors
/// The files cannot be read.
pub fn read<F: Files>(files: &F, path: &str, namespace: &str) -> Result<Revision<F::Id>> {
    let mut snapshot = snapshot(files, path)?;
    let mut findings = std::mem::take(&mut snapshot.findings);
    let mut manifests = Vec::new();
    for file in &snapshot.files {
        if findings.len() >= finding::MOST {
            break;
        }
        match render::plain(&file.path, files.read(&file.id)?) {
            Ok(source) => {
                let (objects, wrong) = manifest::read(&source);
                manifests.extend(objects);
                findings.extend(wrong);
            }
            Err(finding) => findings.push(*finding),
        }
        if manifests.len() > MAX_OBJECTS {
            let message = format!("the environment has more than {MAX_OBJECTS} objects");
            findings.push(
                Finding::error(Code::TreeTooLarge, message).help("divide it into several environments"),
            );
            break;
        }
    }
    if findings.len() < finding::MOST {
        findings.extend(check(&manifests, namespace));
    } else {
        let message = format!("there are {} findings or more, and the rest is not read", finding::MOST);
        findings.push(Finding::error(Code::TooMany, message).help("mend these first"));
    }
    Ok(Revision { snapshot, manifests, findings })
}

fn read_commit(objects: &Objects, id: ObjectId, environment: &Environment) -> Result<Revision<ObjectId>> {
    let tree = objects.tree_of_commit(id)?.unwrap_or_else(|| ObjectId::empty_tree(id.kind()));
    read(&GitFiles::new(objects, tree), &environment.path, &environment.namespace)
}

impl Revision<ObjectId> {
    /// Hands over what it declares.
    fn wanted<T, E>(
        &self,
        objects: &Objects,
        since: &Since,
        to: impl FnOnce(&Wanted<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let files: Items = self.snapshot.files.iter().map(|file| (file.below.clone(), file.id)).collect();
        let kept = |manifest: &Manifest| since.keeps(manifest);
        let read = |id: &ObjectId| objects.blob(*id);
        let former = &since.secrets;
        to(&Wanted { manifests: &self.manifests, kept: &kept, former, files: &files, read: &read })
    }
}

/// What is as it was in the revision that runs.
#[derive(Debug, Default)]
struct Since {
    /// Files of which not a byte is different.
    files: HashSet<String>,
    /// Objects of the others, as they were.
    objects: HashMap<ObjectKey, Manifest>,
    /// Secrets of the others, as they were, also where nothing else is certain.
    secrets: Vec<Manifest>,
}

impl Since {
    fn keeps(&self, manifest: &Manifest) -> bool {
        self.files.contains(manifest.source.path())
            || self
                .objects
                .get(&manifest.key)
                .is_some_and(|was| was.json().is_ok() && was.json() == manifest.json())
    }
}

/// What need not be looked at: what has not changed since the revision that runs. Nothing, where it is not
/// certain that what runs is that revision, or where that very revision is to be deployed once more.
fn since(
    repository: &Repository,
    environment: &Environment,
    objects: &Objects,
    id: ObjectId,
    revision: &Revision<ObjectId>,
) -> Result<Since> {
    let runs = repository.tip(&deployed_ref(&environment.name))?;
    let clean = Journal::new(&repository.state()).state()?.environment(&environment.name).runs_cleanly();
    let Some(runs) = runs.filter(|runs| *runs != id) else { return Ok(Since::default()) };
    let clean = clean == Some(runs.to_string());
    let Some(tree) = objects.tree_of_commit(runs)? else { return Ok(Since::default()) };
    let files = GitFiles::new(objects, tree);
    let was = snapshot(&files, &environment.path)?;
    let now: HashMap<&str, ObjectId> =
        revision.snapshot.files.iter().map(|f| (f.path.as_str(), f.id)).collect();
    let mut since = Since::default();
    for file in was.files {
        if now.get(file.path.as_str()) == Some(&file.id) {
            since.files.extend(Some(file.path).filter(|_| clean));
        } else if let Ok(source) = render::plain(&file.path, files.read(&file.id)?) {
            let (objects, _) = manifest::read(&source);
            since.secrets.extend(objects.iter().filter(|object| object.key.kind == "Secret").cloned());
            let objects = objects.into_iter().filter(|_| clean);
            since.objects.extend(objects.map(|object| (object.key.clone(), object)));
        }
    }
    Ok(since)
}

/// Hears of the steps of a deployment.
pub trait Steps {
    /// The plan is made and nothing is changed yet; an error stops the deployment.
    ///
    /// # Errors
    /// It could not be journalled.
    fn planned(&self, plan: &dyn Planned, manifests: &[Manifest]) -> Result<()>;

    /// Something was done, in a line.
    fn step(&self, line: String);

    /// Whether a newer revision waits to be deployed.
    fn is_overtaken(&self) -> bool;
}

/// Deploys a revision that was judged. The caller records how it ended.
///
/// # Errors
/// Why it does not run.
pub fn deploy(
    repository: &Repository,
    environment: &Environment,
    id: ObjectId,
    steps: &dyn Steps,
) -> Result<Counts, Stopped> {
    let objects = repository.objects(None)?;
    let revision = read_commit(&objects, id, environment)?;
    let since = since(repository, environment, &objects, id, &revision)?;
    let target = target::of(environment, &repository.owner()?)?;
    revision.wanted(&objects, &since, |wanted| match &target {
        Of::Directory(folder) => carry_out(folder, wanted, steps),
        Of::Kubernetes(cluster) => carry_out(cluster.as_ref(), wanted, steps),
    })
}

/// Plan, apply, wait; and only then what is no longer wanted goes.
fn carry_out<T: Target>(target: &T, wanted: &Wanted<'_>, steps: &dyn Steps) -> Result<Counts, Stopped> {
    let say = |line| steps.step(line);
    let mut plan = target.plan(wanted, &say)?;
    let mut held = None;
    if !plan.is_empty() {
        held = target.hold(wanted, &say)?;
        if held.is_some() {
            plan = target.plan(wanted, &say)?;
        }
    }
    steps.planned(&plan, wanted.manifests)?;
    target.apply(&mut plan, wanted, held.as_ref(), &say)?;
    target.wait(&plan, wanted, &say, &|| steps.is_overtaken())?;
    target.prune(&mut plan, held.as_ref(), &say)?;
    Ok(plan.counts())
}
