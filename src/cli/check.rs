//! `instate check`: the verdict without a push.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::exit;
use crate::{
    check::schema::Minor,
    config::{Config, DEFAULT_NAMESPACE, Silence},
    error::{Error, Result},
    finding::{Code, Finding, Verdict},
    path::judge_revision,
    record::deployed_ref,
    report::{Event, Report},
    repository::Repository,
    revision::{self, By, Revision, Rules},
    tree::{Disk, Files, GitFiles, Objects},
};

/// Say what a push would be refused for
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without arguments it reads the files of the folder that you are in, committed or not. In a bare
repository with instate's hooks it judges the tip of every environment's branch as the hook does.

Examples:
  instate check
  instate check HEAD
  instate check --path production
  instate check --repo /srv/git/production.git"
)]
pub(super) struct Arguments {
    /// A folder, or a revision of the repository that you are in
    what: Option<String>,
    /// The environment's path in it
    #[arg(long, default_value = ".")]
    path: String,
    /// The namespace of objects that name none
    #[arg(long, default_value = DEFAULT_NAMESPACE)]
    namespace: String,
    /// The Kubernetes to check for
    #[arg(long, value_name = "1.36", default_value = "1.36", value_parser = minor)]
    kubernetes_version: Minor,
    /// A bare repository with instate's hooks, instead of the folder that you are in
    #[arg(long = "repo", value_name = "REPOSITORY", conflicts_with_all = ["what", "path", "namespace"])]
    repository: Option<PathBuf>,
}

fn minor(text: &str) -> Result<Minor, String> {
    let known = Minor::parse(text).filter(|minor| (Minor::OLDEST..=Minor::NEWEST).contains(minor));
    known.ok_or_else(|| format!("it is none of {} to {}", Minor::OLDEST, Minor::NEWEST))
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    if let Some(path) = &arguments.repository {
        return tips(&Repository::open(path)?, report);
    }
    if arguments.what.is_none()
        && let Ok(repository) = Repository::open(Path::new("."))
        && repository.config_path()?.exists()
    {
        return tips(&repository, report);
    }
    let what = arguments.what.as_deref().unwrap_or(".");
    let (by, silence) = (By::Compiled(arguments.kubernetes_version), Silence::default());
    let rules = Rules { namespace: &arguments.namespace, by, silence: &silence };
    if PathBuf::from(what).is_dir() {
        let revision = revision::read(Disk::new(what.as_ref()), &arguments.path, Some(&rules), None)?;
        return Ok(checked(what, revision, report));
    }
    let found = gix::discover(".").ok().and_then(|git| Some((peeled(&git, what)?, git)));
    let Some((id, git)) = found else {
        let error = Error::server(format!(
            "`{}` is neither a folder nor a revision here",
            crate::text::excerpt(what, 60)
        ));
        return Err(error.help("name a folder, or a revision as git does, as in: instate check HEAD"));
    };
    let objects = Objects::open(git.common_dir(), None)?;
    let tree = objects.tree_of_commit(id)?.ok_or_else(|| {
        let error = Error::server(format!("`{}` is no commit", crate::text::excerpt(what, 60)));
        error.help("name a commit, as in: instate check HEAD")
    })?;
    let revision = revision::read(GitFiles::new(&objects, tree), &arguments.path, Some(&rules), None)?;
    Ok(checked(what, revision, report))
}

/// What a name stands for, tags followed to what they name.
fn peeled(git: &gix::Repository, name: &str) -> Option<gix::ObjectId> {
    let found = git.rev_parse_single(name).ok()?.object().ok()?;
    Some(found.peel_tags_to_end().ok()?.id)
}

fn checked<F: Files>(what: &str, mut revision: Revision<F>, report: &mut Report) -> ExitCode {
    if revision.snapshot.files.is_empty() && revision.findings.is_empty() {
        let finding = Finding::warning(Code::NoManifests, "there is no manifest here");
        let help = "manifests are *.yaml, *.yml and *.json, except what .instateignore names";
        revision.findings.push(finding.help(help));
    }
    exit(tell(what, revision.objects.len(), revision.findings, report))
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
