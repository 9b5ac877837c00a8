//! The path of a push, told twice: [`judge`] until it is accepted, [`deploy`] until it runs.

use std::cell::OnceCell;

use gix::ObjectId;

use crate::{
    cache::Cache,
    config::{self, Accept, Config, Environment},
    error::{Error, Result},
    finding::{self, Code, Finding, Verdict},
    plan::{Action, files::Items},
    policy::{self, Confirmed, confirmed},
    push::{Push, Pusher, Update},
    record::{self, Begun, Counts, Journal, deployed_ref},
    repository::Repository,
    revision::{self, By, Revision, Rules, Since},
    target::{self, Interruption, Of, Place, Planned, Stopped, Target, Wanted},
    tree::{Files, GitFiles, Objects},
};

/// A push that was judged.
pub struct Judgement<'c> {
    /// Accept or refuse.
    pub verdict: Verdict,
    /// Who pushed it.
    pub who: Pusher,
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
    let who = push.who(config.server);
    let mut findings: Vec<Finding> = push.updates.iter().filter_map(policy::reference).collect();
    findings.extend(push.options.iter().filter_map(|option| policy::option(option)));
    let (mut moves, mut said) = (Vec::new(), Vec::new());
    for environment in &config.environments {
        for update in push.updates.iter().filter(|update| update.reference == environment.reference) {
            moves.push((environment, update.clone()));
            let name = environment.branch();
            // Who may not push is told nothing of what is there.
            if let Some(wrong) = policy::pusher(&who, name, environment) {
                findings.push(wrong);
                continue;
            }
            let wrong = policy::branch(update, name, &environment.name, &objects)?;
            let wrong = wrong.or_else(|| match environment.accept {
                Accept::Checked => None,
                Accept::Deployed if !repository.is_set("receive.denyNonFastForwards") => None,
                Accept::Deployed => policy::lost(update, name, &objects),
            });
            match (wrong, update.new) {
                (None, Some(new)) => {
                    let judged = judge_revision(repository, environment, &objects, new, update.old)?;
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
    if !moves.is_empty() {
        said.extend(left_behind(repository, config)?);
    }
    Ok(Judgement { verdict: Verdict::new(findings), who, moves, said })
}

/// Environments that run and that the configuration does not know, each with the way out.
///
/// # Errors
/// It is not known where they run.
pub fn left_behind(repository: &Repository, config: &Config) -> Result<Vec<String>> {
    let places = record::places(repository)?;
    let unknown = places.iter().filter(|(name, _)| config.environments.iter().all(|one| one.name != **name));
    let say = |(name, place): (&String, &Place)| {
        format!(
            "`{name}` is in the configuration no more, and still runs in {place}; put it back as it was, and end it \
             with: instate retire {name}"
        )
    };
    Ok(unknown.map(say).collect())
}

/// Judges one revision for one environment: by itself, and by what only the target knows of it. `base` is the
/// one before: what was wrong with that is not this one's doing.
///
/// # Errors
/// As [`judge`].
pub fn judge_revision(
    repository: &Repository,
    environment: &Environment,
    objects: &Objects,
    id: ObjectId,
    base: Option<ObjectId>,
) -> Result<Judged> {
    stays(repository, environment)?;
    let target = target::of(environment, &repository.owner()?)?;
    let documents;
    let by = match &target {
        Of::Directory(_) => By::Compiled(environment.minor),
        Of::Kubernetes(cluster) => {
            documents = Cache::open(&repository.state(), "openapi");
            By::Cluster(cluster, &documents)
        }
    };
    let rules = Rules { namespace: &environment.namespace, by, silence: &environment.silence };
    let mut revision = read(repository, environment, objects, id, Some(&rules))?;
    let mut findings = std::mem::take(&mut revision.findings);
    let confirms = || confirms(repository, environment, objects, id);
    // What is too large to be read is too large to be compared.
    let too_large = findings.iter().any(|finding| finding.code == Code::TreeTooLarge);
    if let Some(base) = base.filter(|_| !too_large) {
        if !findings.is_empty() {
            let before = read(repository, environment, objects, base, Some(&rules))?;
            findings = finding::introduced(findings, &before.findings);
        }
        let since = Since::new(&revision, &files(objects, base)?, &environment.path, true)?;
        let immutable = since.immutable(&revision, confirms)?;
        findings.extend(revision.allowing(&environment.silence).apply(immutable));
    }
    let read = revision.count;
    if findings.iter().any(Finding::refuses) {
        // What would come of it is not asked, but a server that could not deploy it is found.
        target::probe(environment, &repository.owner()?)?;
        return Ok(Judged { read, findings, ..Judged::default() });
    }
    let since = since(repository, environment, objects, id, &revision)?;
    let judged = wanted(&revision, &since, &confirms, |wanted| match &target {
        Of::Directory(folder) => folder.judge(wanted),
        Of::Kubernetes(cluster) => cluster.judge(wanted),
    })?;
    let target::Judged { findings: more, runs, changes, unchecked } = judged;
    findings.extend(revision.allowing(&environment.silence).apply(more));
    if revision.count == 0 {
        let message = format!("the revision has no manifest for `{}`", environment.name);
        // An empty tree is a mistake far more often than a wish.
        let finding = match runs {
            None => Finding::warning(Code::NoManifests, message).help(MANIFESTS),
            Some(runs) if confirms()?.deletes_many() => {
                Finding::warning(Code::NoManifests, format!("{message}: what runs ({runs}) is deleted"))
            }
            Some(runs) => Finding::error(
                Code::NoManifests,
                format!("{message}, and what runs ({runs}) would be deleted"),
            )
            .help(format!("{MANIFESTS}; to delete all of it: {}", confirmed::deletion_of_many())),
        };
        findings.push(finding);
    }
    Ok(Judged { read, findings, changes, unchecked })
}

/// What is looked for where nothing is found.
const MANIFESTS: &str =
    "manifests are *.yaml, *.yml and *.json under the environment's path that .instateignore does not name";

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
    stays(repository, environment)?;
    let revision = read(repository, environment, objects, id, None)?;
    if let Some(wrong) = revision.findings.iter().find(|finding| finding.refuses()) {
        return Err(Error::revision(format!("the revision is refused: {}", wrong.message))
            .help("instate check shows all"));
    }
    let confirms = || confirms(repository, environment, objects, id);
    wanted(&revision, &Since::default(), &confirms, |wanted| {
        match target::of(environment, &repository.owner()?)? {
            Of::Directory(folder) => Ok(folder.plan(wanted, &|_| {})?.lines(wanted)),
            Of::Kubernetes(cluster) => Ok(cluster.plan(wanted, &|_| {})?.lines(wanted)),
        }
    })
}

/// Hands over what a revision declares. What is as it was in the revision that runs need not be looked at;
/// nothing is, where it is not certain that what runs is that revision, or where that very revision is to be
/// deployed once more.
fn wanted<T, E: From<Error>>(
    revision: &Revision<GitFiles<'_>>,
    since: &Since,
    confirms: &dyn Fn() -> Result<Confirmed>,
    to: impl FnOnce(&Wanted<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let files = OnceCell::new();
    let items = || -> Result<&Items> {
        let all = revision.all_files()?.iter();
        let all = all.map(|file| (file.below().to_owned(), file.id));
        Ok(files.get_or_init(|| all.collect()))
    };
    to(&Wanted {
        objects: &|| revision.objects(),
        kept: &|object| since.keeps(revision, object),
        manifest: &|object| revision.manifest(object),
        item: &|object| revision.item(object),
        former: &since.secrets,
        confirmed: confirms,
        files: &items,
        read: &|id| revision.files.read(id),
    })
}

/// What the commits confirm that come on top of what runs. A confirmation that was deployed confirms nothing more;
/// and what another push has begun and not brought to its end needs none.
fn confirms(
    repository: &Repository,
    environment: &Environment,
    objects: &Objects,
    id: ObjectId,
) -> Result<Confirmed> {
    let runs = repository.tip(&deployed_ref(&environment.name))?;
    let confirmed = Confirmed::between(objects, runs, id, &environment.namespace)?;
    let journal = || Journal::new(&repository.state()).state();
    Ok(match Begun::pending(repository, &environment.name, journal)? {
        Some(begun) => confirmed.but_for(&begun),
        None => confirmed,
    })
}

fn since(
    repository: &Repository,
    environment: &Environment,
    objects: &Objects,
    id: ObjectId,
    revision: &Revision<GitFiles<'_>>,
) -> Result<Since> {
    // A folder is compared file by file.
    let config::Target::Kubernetes(_) = environment.target else { return Ok(Since::default()) };
    let runs = repository.tip(&deployed_ref(&environment.name))?;
    let Some(runs) = runs.filter(|runs| *runs != id) else { return Ok(Since::default()) };
    let Some(tree) = objects.tree_of_commit(runs)? else { return Ok(Since::default()) };
    let state = Journal::new(&repository.state()).state()?;
    let certain = state.environment(&environment.name).runs_cleanly() == Some(runs.to_string());
    Since::new(revision, &GitFiles::new(objects, tree), &environment.path, certain)
}

fn files(objects: &Objects, id: ObjectId) -> Result<GitFiles<'_>> {
    let tree = objects.tree_of_commit(id)?.unwrap_or_else(|| ObjectId::empty_tree(id.kind()));
    Ok(GitFiles::new(objects, tree))
}

fn read<'o>(
    repository: &Repository,
    environment: &Environment,
    objects: &'o Objects,
    id: ObjectId,
    rules: Option<&Rules<'_>>,
) -> Result<Revision<GitFiles<'o>>> {
    let cache = Cache::open(&repository.state(), &environment.name);
    revision::read(files(objects, id)?, &environment.path, rules, Some(&cache))
}

/// Where an environment is to run, which is where it ran before.
fn stays(repository: &Repository, environment: &Environment) -> Result<Place> {
    let known = record::place(repository, &environment.name)?;
    target::place(environment, &repository.owner()?, known.as_ref())
}

/// Hears of the steps of a deployment.
pub trait Steps {
    /// The plan is made and nothing is changed yet; an error stops the deployment.
    ///
    /// # Errors
    /// It could not be journalled, or somebody gave the deployment up.
    fn planned(&self, plan: &dyn Planned, wanted: &Wanted<'_>) -> Result<()>;

    /// Something was done, in a line.
    fn step(&self, line: String);

    /// Why it is not to be waited for any longer.
    fn interruption(&self) -> Option<Interruption>;
}

/// What is to run.
#[derive(Debug, Clone, Copy)]
pub enum Goal<'a> {
    /// A revision that was judged.
    Revision(ObjectId),
    /// What ran before something was begun that does not run: that revision, or nothing.
    Back(Option<ObjectId>, &'a Begun),
}

/// Brings about what is to run. The caller records how it ended, and moves the branch where that had to wait.
///
/// # Errors
/// Why it does not run.
pub fn deploy(
    repository: &Repository,
    environment: &Environment,
    goal: Goal<'_>,
    steps: &dyn Steps,
) -> Result<Counts, Stopped> {
    let objects = repository.objects(None)?;
    let place = stays(repository, environment)?;
    let (revision, since) = match goal {
        Goal::Revision(id) | Goal::Back(Some(id), _) => {
            let revision = read(repository, environment, &objects, id, None)?;
            let since = since(repository, environment, &objects, id, &revision)?;
            (revision, since)
        }
        Goal::Back(None, _) => {
            let nothing = GitFiles::new(&objects, ObjectId::empty_tree(gix::hash::Kind::Sha1));
            (revision::read(nothing, &environment.path, None, None)?, Since::default())
        }
    };
    let target = target::of(environment, &repository.owner()?)?;
    let confirms = || match goal {
        Goal::Revision(id) => confirms(repository, environment, &objects, id),
        Goal::Back(_, begun) => Ok(Confirmed::going_back(begun, &environment.namespace)),
    };
    let begun = || record::remember(repository, &environment.name, &place);
    wanted(&revision, &since, &confirms, |wanted| match &target {
        Of::Directory(folder) => carry_out(folder, wanted, steps, &begun),
        Of::Kubernetes(cluster) => carry_out(cluster.as_ref(), wanted, steps, &begun),
    })
}

/// Plan, apply, wait; and only then what is no longer wanted goes. `begun` hears that something will be written.
fn carry_out<T: Target>(
    target: &T,
    wanted: &Wanted<'_>,
    steps: &dyn Steps,
    begun: &dyn Fn() -> Result<()>,
) -> Result<Counts, Stopped> {
    let say = |line| steps.step(line);
    let mut plan = target.plan(wanted, &say)?;
    let mut held = None;
    if !plan.is_empty() {
        held = target.hold(wanted, &say)?;
        if held.is_some() {
            plan = target.plan(wanted, &say)?;
        }
    }
    begun()?;
    steps.planned(&plan, wanted)?;
    let interrupted = || steps.interruption();
    target.apply(&mut plan, wanted, held.as_ref(), &say, &interrupted)?;
    target.wait(&plan, wanted, &say, &interrupted)?;
    target.prune(&mut plan, held.as_ref(), &say)?;
    Ok(plan.counts())
}
