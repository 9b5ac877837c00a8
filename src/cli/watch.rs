//! `instate watch`: a deployment that somebody else's push started, or one that has ended, as it was seen.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use super::{Where, exit};
use crate::{
    config::{Config, Environment},
    error::{Error, Result},
    record::{DeploymentId, Journal, Lock, OutcomeKind, State},
    report::{Event, Report},
    repository::Repository,
    text,
    worker::{self, From},
};

/// For so long nobody may deploy to an environment before its deployment counts as left behind: between the push
/// and its worker is a moment.
const NOBODY: Duration = Duration::from_secs(3);
/// How often the journal is looked at.
const PACE: Duration = Duration::from_millis(500);

/// Watch a deployment that is under way, or see again how one went
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The names of deployments stand in the notes of commits, as `Deployment: ...`; the output of the last
hundred is kept. Ctrl-C stops watching, not deploying. Exit code 1 where the revision does not run.

Examples:
  instate watch --repo /srv/git/production.git
  instate watch production
  instate watch 20261123T100500Z-1a2b3c4d"
)]
pub(super) struct Arguments {
    /// An environment, whose newest deployment it is; or a deployment
    what: Option<String>,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let repository = arguments.at.open()?;
    let config = Config::load(&repository)?;
    let state = Journal::new(&repository.state()).state()?;
    let (environment, id) = match arguments.what.as_deref().and_then(|what| known(&state, &config, what)) {
        Some((environment, id)) => (config.environment(&environment)?, id),
        None => {
            let environment = environment(&config, arguments.what.as_deref())?;
            let Some(id) = newest(&state, environment) else {
                report.event(&Event::said(format!("nothing was deployed to {} yet", environment.name)));
                return Ok(ExitCode::SUCCESS);
            };
            (environment, id)
        }
    };
    let over = is_over(&repository, environment, &id);
    let ended = worker::watch(&repository, environment, &id, From::BEGINNING, over, report)?;
    Ok(exit(ended == Some(OutcomeKind::Deployed)))
}

fn environment<'c>(config: &'c Config, what: Option<&str>) -> Result<&'c Environment> {
    config.environment_or_only(what).map_err(|error| {
        // Of what begins with a date a deployment is meant.
        match what.filter(|what| what.starts_with(|c: char| c.is_ascii_digit())) {
            Some(what) => Error::server(format!("there is no deployment `{}`", text::excerpt(what, 40)))
                .help("its name stands in the note of a commit, after `Deployment:`; instate log shows the last ones"),
            None => error,
        }
    })
}

/// The deployment of that name, with its environment.
fn known(state: &State, config: &Config, what: &str) -> Option<(String, DeploymentId)> {
    let open = config.environments.iter().flat_map(|environment| state.environment(&environment.name).open);
    let open = open.map(|open| (open.intent.environment, open.intent.id));
    let ended = state.outcomes().map(|outcome| (outcome.environment.clone(), outcome.id.clone()));
    open.chain(ended).find(|(_, id)| id.as_str() == what)
}

fn newest(state: &State, environment: &Environment) -> Option<DeploymentId> {
    let known = state.environment(&environment.name);
    let open = known.open.last().map(|open| open.intent.id.clone());
    open.or_else(|| known.newest().map(|outcome| outcome.id.clone()))
}

/// Whether a deployment has ended, or nobody works on it.
fn is_over<'a>(
    repository: &'a Repository,
    environment: &'a Environment,
    id: &'a DeploymentId,
) -> impl FnMut() -> bool + 'a {
    let journal = Journal::new(&repository.state());
    let (mut seen, mut looked) = (Instant::now(), None::<Instant>);
    move || {
        if looked.is_some_and(|looked| looked.elapsed() < PACE) {
            return false;
        }
        looked = Some(Instant::now());
        if journal.state().is_ok_and(|state| state.outcome(id).is_some()) {
            return true;
        }
        if Lock::holder(&repository.state(), &environment.name).is_some() {
            seen = Instant::now();
        }
        seen.elapsed() > NOBODY
    }
}
