//! Following a deployment until it ends, or until nobody looks any more.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    process::Child,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{ended, output::Output};
use crate::{
    config::Environment,
    error::{Error, Result},
    record::{DeploymentId, Journal, Lock, OutcomeKind},
    report::{Event, Progress, Report},
    repository::Repository,
};

/// Between two looks at a deployment: soon while it has much to say, and later the longer it is silent.
const SOONEST: Duration = Duration::from_millis(2);
const LATEST: Duration = Duration::from_millis(50);
/// After so long without a word it is said what the worker waits for.
const QUIET: Duration = Duration::from_secs(1);

/// From where on the output of a deployment is shown, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct From(u64);

impl From {
    /// All of it.
    pub const BEGINNING: Self = Self(0);

    /// What comes after this moment.
    #[must_use]
    pub fn now(repository: &Repository, id: &DeploymentId) -> Self {
        Self(Output::of(repository, id).path().metadata().map_or(0, |found| found.len()))
    }
}

/// Shows a deployment until it ends; `gone` says that nobody works on it any more. `None` where it was not seen to the end: it goes on all the same.
///
/// # Errors
/// The record cannot be read.
pub fn watch(
    repository: &Repository,
    environment: &Environment,
    id: &DeploymentId,
    from: From,
    mut gone: impl FnMut() -> bool,
    report: &mut Report,
) -> Result<Option<OutcomeKind>> {
    let stop = interrupted()?;
    let mut tail = Tail { output: Output::of(repository, id), at: from.0 };
    let (began, mut silent) = (Instant::now(), from == From::BEGINNING);
    let mut spoke = began;
    loop {
        let gone = gone();
        for event in tail.new_events() {
            (silent, spoke) = (false, Instant::now());
            report.event(&event);
            if let Event::Deployment(Progress::Ended(ended)) = event {
                return Ok(Some(ended.outcome));
            }
        }
        if report.is_dead() {
            return Ok(None);
        }
        if stop.load(Ordering::Relaxed) {
            let text = format!(
                "no longer watching; the deployment to {0} goes on: instate watch {0}",
                environment.name
            );
            report.event(&Event::said(text));
            return Ok(None);
        }
        if gone {
            // It may have ended without a word: the output is for watching only, the journal knows.
            let known = Journal::new(&repository.state()).state()?.outcome(id).cloned();
            return match known {
                Some(outcome) => {
                    let ended = ended(repository, environment, outcome)?;
                    let kind = ended.outcome;
                    report.event(&Event::Deployment(Progress::Ended(ended)));
                    Ok(Some(kind))
                }
                None => {
                    let text = "the worker was stopped; the revision is not forgotten: where another worker is \
                                left, it takes the deployment up. If it does not, on the server: instate resume";
                    report.event(&Event::said(text));
                    Ok(None)
                }
            };
        }
        if silent && began.elapsed() > QUIET {
            silent = false;
            if let Some(holder) = Lock::holder(&repository.state(), &environment.name) {
                let text =
                    format!("waiting for {}: another deployment is {}", environment.name, holder.doing);
                report.event(&Event::said(text));
            }
        }
        thread::sleep((spoke.elapsed() / 8).clamp(SOONEST, LATEST));
    }
}

/// Whether a worker has ended that this process started.
pub fn has_ended(worker: &mut Child) -> impl FnMut() -> bool {
    || worker.try_wait().map_or(true, |ended| ended.is_some())
}

/// Set by Ctrl-C, once for all that is watched.
fn interrupted() -> Result<&'static AtomicBool> {
    static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(stop) = STOP.get() {
        return Ok(stop);
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))
            .map_err(|error| Error::server(format!("no signals: {error}")))?;
    }
    Ok(STOP.get_or_init(|| stop))
}

struct Tail {
    output: Output,
    at: u64,
}

impl Tail {
    /// The whole lines that were added since.
    fn new_events(&mut self) -> Vec<Event> {
        let mut bytes = Vec::new();
        let read = File::open(self.output.path()).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.at))?;
            file.read_to_end(&mut bytes)
        });
        let Some(whole) = read.ok().and_then(|_| bytes.iter().rposition(|b| *b == b'\n')) else {
            return Vec::new();
        };
        self.at += whole as u64 + 1;
        let lines = bytes[..whole].split(|b| *b == b'\n');
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}
