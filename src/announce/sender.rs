//! Who sends: one process a repository, started by whoever has something to announce, which ends when all is said. No
//! destination waits for another one.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};

use futures::stream::{FuturesUnordered, StreamExt};

use super::{Answer, Log, Outbox, Secret, Waiting, lane::Lane, request::request, send::send};
use crate::{
    config::{Config, Destination},
    error::{Error, Result},
    point,
    record::{Lock, now},
    repository::Repository,
};

/// The lock that the one who sends holds.
pub(super) const LOCK: &str = "announce";
/// Between two looks for something new.
const LOOK: Duration = Duration::from_millis(200);

/// Says all that is to be said, unless somebody else does so already.
///
/// # Errors
/// The configuration cannot be read, or the outbox not be kept. What is in it stays.
pub fn run(repository: &Repository) -> Result<()> {
    // A copy of a repository has nothing to say.
    repository.identity()?;
    let outbox = Outbox::of(repository);
    // Whoever adds a note and sees the lock held relies on this look after it.
    while !outbox.is_empty() {
        let Some(mut lock) = Lock::try_acquire(&repository.state(), LOCK)? else { return Ok(()) };
        lock.say("announcing");
        let done = say_all(repository, &outbox);
        point::reach("all-said");
        lock.done();
        done?;
    }
    Ok(())
}

/// Returns when nothing is left, or the configuration is another one.
fn say_all(repository: &Repository, outbox: &Outbox) -> Result<()> {
    let (log, path) = (Log::in_folder(&repository.state()), repository.config_path()?);
    let stamp = stamp(&path);
    let config = Config::load(repository)?;
    for (key, removed) in outbox.tidy(&config.announce)? {
        log.line(&format!(
            "{key}: {removed} removed: it is in the configuration no more, or they were damaged"
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::server(format!("cannot begin to announce: {error}")))?;
    let done = runtime.block_on(serve(&config.announce, outbox, &log, &|| self::stamp(&path) == stamp));
    // A name that is being looked up may take its time.
    runtime.shutdown_background();
    done
}

async fn serve(
    destinations: &[Destination],
    outbox: &Outbox,
    log: &Log,
    is_current: &dyn Fn() -> bool,
) -> Result<()> {
    let mut lanes: Vec<Lane<'_>> = destinations.iter().map(Lane::new).collect();
    let mut flying = FuturesUnordered::new();
    loop {
        let at = Instant::now();
        let is_current = is_current();
        for (n, lane) in lanes.iter_mut().enumerate().filter(|_| is_current) {
            if let Some(waiting) = lane.next(outbox, at) {
                lane.busy = true;
                let to = lane.to;
                flying.push(async move {
                    let answer = say(to, &waiting).await;
                    (n, waiting, answer)
                });
            }
        }
        if flying.is_empty() && (!is_current || lanes.iter().all(Lane::is_empty)) {
            return Ok(());
        }
        let due = lanes.iter().filter_map(Lane::due).min().map(|due| due.saturating_duration_since(at));
        let look = due.map_or(LOOK, |due| due.min(LOOK));
        if flying.is_empty() {
            tokio::time::sleep(look).await;
        } else if let Ok(Some((n, waiting, answer))) = tokio::time::timeout(look, flying.next()).await {
            let lane: &mut Lane<'_> = &mut lanes[n];
            lane.heard(&waiting, answer, outbox, log)?;
        }
    }
}

async fn say(to: &Destination, waiting: &Waiting) -> Answer {
    // Read at each try: whoever looks after the server may have mended it.
    let made =
        Secret::read(&to.secret).and_then(|secret| Ok((request(&waiting.note, to, &secret, now())?, secret)));
    match made {
        Ok((request, secret)) => {
            point::reach("announcing");
            let answer = send(request, to, &secret).await;
            point::reach("announced");
            answer
        }
        Err(Error { message, help, .. }) => {
            let help = help.map(|help| format!(" ({help})")).unwrap_or_default();
            Answer::Later(format!("{message}{help}"), None)
        }
    }
}

/// What a file is another one by.
fn stamp(path: &Path) -> Option<(u64, i64, i64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
}
