//! `instate check`: the verdict without a push.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{
    exit,
    input::{self, Input},
};
use crate::{
    cache::Cache,
    check::schema::Minor,
    config::{self, Config, DEFAULT_NAMESPACE, Environment, Silence},
    error::Result,
    finding::{self, Code, Finding, Verdict},
    path::judge_revision,
    policy::Confirmed,
    record::deployed_ref,
    report::{Event, Report},
    repository::Repository,
    revision::{self, By, Revision, Rules, Since},
    target::{self, Of, Owner},
    tree::{Disk, Files, GitFiles},
};

/// Say what a push would be refused for
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without arguments it reads the files of the folder that you are in, committed or not. In a bare
repository with instate's hooks it judges the tip of every environment's branch as the hook does.

With a configuration it says what the hook of a server with that configuration would say of the files, byte for
byte, but for what only a dry-run in the cluster tells.

Examples:
  instate check
  instate check HEAD --base origin/main
  instate check web.yaml service.yaml
  helm template web | instate check -
  instate check --path production
  instate check --config /etc/instate/production.yaml
  instate check --repo /srv/git/production.git"
)]
pub(super) struct Arguments {
    /// A folder, a revision of the repository that you are in, files, or - for standard input
    what: Vec<String>,
    /// The environment's path in it
    #[arg(long, default_value = ".")]
    path: String,
    /// The namespace of objects that name none
    #[arg(long, default_value = DEFAULT_NAMESPACE)]
    namespace: String,
    /// The Kubernetes to check for
    #[arg(long, value_name = "MINOR", default_value_t = Minor::NEWEST, value_parser = minor)]
    kubernetes_version: Minor,
    /// The revision before: what was wrong there already does not count
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// A server's configuration, which says all the rest
    #[arg(long, value_name = "FILE", conflicts_with_all = ["path", "namespace", "kubernetes_version"])]
    config: Option<PathBuf>,
    /// The environment of that configuration; may be left out where there is one
    #[arg(long, value_name = "NAME", requires = "config")]
    environment: Option<String>,
    /// A bare repository with instate's hooks, instead of files
    #[arg(long = "repo", value_name = "REPOSITORY", conflicts_with_all = ["what", "path", "namespace", "kubernetes_version", "base", "config"])]
    repository: Option<PathBuf>,
}

fn minor(text: &str) -> Result<Minor, String> {
    let known = Minor::parse(text).filter(|minor| (Minor::OLDEST..=Minor::NEWEST).contains(minor));
    known.ok_or_else(|| format!("it is none of {} to {}", Minor::OLDEST, Minor::NEWEST))
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    if let Some(path) = &arguments.repository {
        return tips(&super::open(path)?, report);
    }
    if arguments.what.is_empty()
        && arguments.config.is_none()
        && let Ok(repository) = Repository::open(Path::new("."))
        && repository.config_path()?.exists()
    {
        return tips(&repository, report);
    }
    let Some(file) = &arguments.config else {
        let (by, silence) = (By::Compiled(arguments.kubernetes_version), Silence::default());
        let rules = Rules { namespace: &arguments.namespace, by, silence: &silence };
        return check(arguments, &arguments.path, &rules, report);
    };
    let config = Config::from_file(file)?;
    let environment = config.environment_or_only(arguments.environment.as_deref())?;
    let (cluster, cache) = (cluster(environment)?, Cache::none());
    let by = match &cluster {
        None => By::Compiled(environment.minor),
        Some(cluster) => By::Cluster(cluster, &cache),
    };
    let rules = Rules { namespace: &environment.namespace, by, silence: &environment.silence };
    check(arguments, &environment.path, &rules, report)
}

/// The cluster of an environment, to be asked and no more: whoever asks owns nothing there.
fn cluster(environment: &Environment) -> Result<Option<Box<target::Cluster>>> {
    let config::Target::Kubernetes(_) = environment.target else { return Ok(None) };
    let nobody = Owner { id: String::new(), repository: String::new(), lock: String::new() };
    Ok(match target::of(environment, &nobody)? {
        Of::Kubernetes(cluster) => Some(cluster),
        Of::Directory(_) => None,
    })
}

/// Checks what the arguments name.
fn check(arguments: &Arguments, path: &str, rules: &Rules<'_>, report: &mut Report) -> Result<ExitCode> {
    let what = match arguments.what.as_slice() {
        [] => ".",
        [one] => one,
        [first, ..] => &format!("{first} and {} more", arguments.what.len() - 1),
    };
    let read = |input| match input {
        Input::Folder(folder) => read(Disk::new(&folder), path, rules),
        Input::Revision { objects, tree, .. } => read(GitFiles::new(&objects, tree), path, rules),
        Input::Files(names) => {
            let (files, wrong) = input::read(&names)?;
            found(revision::read_named(files, wrong, rules)?)
        }
    };
    let input = Input::of(&arguments.what)?;
    let Some(base) = &arguments.base else {
        let (objects, findings) = read(input)?;
        return Ok(exit(tell(what, objects, findings, report)));
    };
    let base = Input::revision(base)?;
    let fixed = immutable(&input, &base, path, rules)?;
    let (objects, findings) = read(input)?;
    let (_, before) = read(base)?;
    let mut findings = finding::introduced(findings, &before);
    findings.extend(fixed);
    Ok(exit(tell(what, objects, findings, report)))
}

/// What cannot be changed and is another than in the revision before; only a revision is compared so.
fn immutable(input: &Input, base: &Input, path: &str, rules: &Rules<'_>) -> Result<Vec<Finding>> {
    let (Input::Revision { objects, id, tree }, Input::Revision { objects: former, id: from, tree: was }) =
        (input, base)
    else {
        return Ok(Vec::new());
    };
    let revision = revision::read(GitFiles::new(objects, *tree), path, Some(rules), None)?;
    let since = Since::new(&revision, &GitFiles::new(former, *was), path, true)?;
    let confirms = || Confirmed::between(objects, Some(*from), *id, rules.namespace);
    Ok(revision.allowing(rules.silence).apply(since.immutable(&revision, confirms)?))
}

fn read<F: Files>(files: F, path: &str, rules: &Rules<'_>) -> Result<(usize, Vec<Finding>)> {
    found(revision::read(files, path, Some(rules), None)?)
}

/// How many objects were read, and what is wrong with them.
fn found<F: Files>(mut revision: Revision<F>) -> Result<(usize, Vec<Finding>)> {
    if revision.all_files()?.is_empty() && revision.findings.is_empty() {
        let finding = Finding::warning(Code::NoManifests, "there is no manifest here");
        let help = "manifests are *.yaml, *.yml and *.json, except what .instateignore names";
        revision.findings.push(finding.help(help));
    }
    Ok((revision.count, revision.findings))
}

/// Shows what was found; whether it is good.
fn tell(what: &str, objects: usize, findings: Vec<Finding>, report: &mut Report) -> bool {
    let verdict = Verdict::new(findings);
    let good = !verdict.refuses();
    report.event(&Event::Checked { what: what.to_owned(), objects, verdict });
    good
}

/// Judges what stands on the server, as the hook would.
fn tips(repository: &Repository, report: &mut Report) -> Result<ExitCode> {
    let config = Config::load(repository)?;
    let objects = repository.objects(None)?;
    let mut good = true;
    for environment in &config.environments {
        let Some(tip) = repository.tip(&environment.reference)? else {
            let (name, branch) = (&environment.name, environment.branch());
            report.event(&Event::said(format!("{name}: there is no branch {branch}")));
            // A branch that was never pushed is no mistake; one that is gone is.
            good &= repository.tip(&deployed_ref(&environment.name))?.is_none();
            continue;
        };
        let what = format!("{} at {}", environment.name, crate::text::short(&tip.to_string()));
        let judged = judge_revision(repository, environment, &objects, tip, None)?;
        good &= tell(&what, judged.read, judged.findings, report);
    }
    Ok(exit(good))
}
