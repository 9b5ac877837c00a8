//! `instate resume`: ends what something cut off.

use std::process::ExitCode;

use super::{Where, deploy::follow, exit};
use crate::{
    config::Config,
    error::Result,
    record::{Journal, OutcomeKind},
    report::{Event, Report},
    worker::{self, Until},
};

/// End what was cut off: every accepted revision gets its outcome
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Needed only after the server itself went down. It deploys a tip that has no outcome yet, and
writes notes that are missing. Where nothing is left to do, nothing is done.

Examples:
  instate resume --repo /srv/git/production.git"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let repository = arguments.at.open()?;
    let config = Config::load(&repository)?;
    let journal = Journal::new(&repository.state());
    let mut good = true;
    for environment in &config.environments {
        let before = journal.state()?.environment(&environment.name);
        let tip = repository.tip(&environment.reference)?.map(|id| id.to_string());
        let open = before.open.iter().rev().find(|open| Some(&open.intent.new) == tip.as_ref());
        if let Some(open) = open {
            good &= follow(&repository, environment, &open.intent, report)? == Some(OutcomeKind::Deployed);
            continue;
        }
        // Nothing to watch by name: the worker settles, and deploys a tip that no push brought.
        let mut child = worker::start(&repository, &[&environment.name], Until::Now)?;
        let ended = child.wait().is_ok_and(|status| status.success());
        let after = journal.state()?.environment(&environment.name);
        let last = |state: &Option<crate::record::Outcome>| state.as_ref().map(|o| o.id.clone());
        let text = match after.last {
            _ if !ended => format!(
                "{}: the worker failed; see worker.log in {}",
                environment.name,
                repository.state().display()
            ),
            Some(ref outcome) if last(&before.last) != Some(outcome.id.clone()) => {
                good &= matches!(outcome.outcome, OutcomeKind::Deployed | OutcomeKind::Superseded);
                let reason = outcome.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                let short = crate::text::short(&outcome.revision);
                format!("{}: {} {short}{reason}", environment.name, outcome.outcome.word())
            }
            _ => format!("{}: nothing was left to do", environment.name),
        };
        good &= ended;
        report.event(&Event::said(text));
    }
    Ok(exit(good))
}
