//! The path of a push, told twice: [`judge`] until it is accepted, [`deploy`] until it runs.

use gix::ObjectId;

use crate::{
    apply::apply,
    check::check,
    config::{Config, Environment},
    error::{Error, Result},
    finding::{self, Code, Finding, Verdict},
    manifest::{self, Manifest},
    plan::{Items, Plan},
    policy,
    push::{Push, Update},
    render,
    repository::Repository,
    target::{self, Target},
    text,
    tree::{Files, GitFiles, MAX_OBJECTS, Objects, Snapshot, snapshot},
    wait::wait,
};

/// A push that was judged.
pub struct Judgement<'c> {
    /// Accept or refuse.
    pub verdict: Verdict,
    /// The environments whose branch it moves, each with the update that moves it.
    pub moves: Vec<(&'c Environment, Update)>,
}

/// Judges a push: every reason to refuse it, before any ref moves. Nothing is changed.
///
/// # Errors
/// It could not be judged, which is the server's fault and refuses it too.
pub fn judge<'c>(repository: &Repository, config: &'c Config, push: &Push) -> Result<Judgement<'c>> {
    let objects = repository.objects(push.quarantine.as_deref())?;
    let mut findings: Vec<Finding> = push.updates.iter().filter_map(policy::reference).collect();
    findings.extend(push.options.iter().filter_map(|option| policy::option(option)));
    let mut moves = Vec::new();
    for environment in &config.environments {
        for update in push.updates.iter().filter(|update| update.reference == environment.reference) {
            moves.push((environment, update.clone()));
            let wrong = policy::branch(update, environment.branch(), &environment.name, &objects)?;
            match (wrong, update.new) {
                (None, Some(new)) => {
                    findings.extend(judge_revision(repository, environment, &objects, new)?.findings);
                }
                (wrong, _) => findings.extend(wrong),
            }
        }
    }
    Ok(Judgement { verdict: Verdict::new(findings), moves })
}

/// Judges one revision for one environment.
///
/// # Errors
/// As [`judge`].
pub fn judge_revision(
    repository: &Repository,
    environment: &Environment,
    objects: &Objects,
    id: ObjectId,
) -> Result<Revision<ObjectId>> {
    let live = target::of(environment, &repository.identity()?).inspect()?;
    let mut revision = read_commit(objects, id, environment)?;
    if revision.snapshot.files.is_empty() && revision.findings.is_empty() {
        let message = format!("the revision has no manifest for `{}`", environment.name);
        // An empty tree is a mistake far more often than a wish.
        let finding = match live.len() {
            0 => Finding::warning(Code::NoManifests, message),
            n => {
                let runs = text::count(n, "manifest");
                Finding::error(
                    Code::NoManifests,
                    format!("{message}, and what runs ({runs}) would be deleted"),
                )
            }
        };
        revision.findings.push(finding.help(
            "manifests are *.yaml, *.yml and *.json under the environment's path that .instateignore does not \
             name; to end an environment take it out of the server's configuration",
        ));
    }
    Ok(revision)
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

/// Hears of the steps of a deployment before they are taken.
pub trait Steps {
    /// The plan is made; an error stops the deployment before anything is changed.
    ///
    /// # Errors
    /// It could not be journalled.
    fn planned(&mut self, plan: &Plan, manifests: &[Manifest]) -> Result<()>;
}

/// Why a deployment stopped, and what the target holds now.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub error: Error,
    /// Whether the target holds something else than before.
    pub diverged: bool,
}

impl From<Error> for Stopped {
    /// A deployment that stopped before anything was changed.
    fn from(error: Error) -> Self {
        Self { error, diverged: false }
    }
}

/// Deploys a revision that was judged: plan, apply, wait. The caller records how it ended.
///
/// # Errors
/// Why it does not run.
pub fn deploy(
    repository: &Repository,
    environment: &Environment,
    id: ObjectId,
    steps: &mut dyn Steps,
) -> Result<Plan, Stopped> {
    let objects = repository.objects(None)?;
    let revision = read_commit(&objects, id, environment)?;
    let wanted: Items = revision.snapshot.files.iter().map(|file| (file.below.clone(), file.id)).collect();
    let target: Box<dyn Target> = target::of(environment, &repository.identity()?);
    let live = target.inspect()?;
    let plan = Plan::new(&wanted, &live);
    steps.planned(&plan, &revision.manifests)?;
    let applied = apply(target.as_ref(), &plan, &wanted, &|id| objects.blob(*id));
    let done = applied.and_then(|()| wait(target.as_ref(), &plan, &wanted));
    // What was changed before it stopped is looked at and not guessed; what cannot be looked at is not as it was.
    done.map(|()| plan).map_err(|error| Stopped { error, diverged: target.inspect() != Ok(live) })
}
