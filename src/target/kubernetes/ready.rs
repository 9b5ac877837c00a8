//! Whether what others wait for is healthy, while a plan is carried out; and why something is not.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{
    client::Api,
    inventory::Us,
    look,
    planning::{Plan, Watched},
    redact::Redact,
};
use crate::{
    config::HealthRule,
    error::{Error, Result},
    manifest::ObjectKey,
    target::{Interrupted, Interruption, Say},
    text,
    wait::{self, health::Health},
};

/// What an object needs of the cluster's own controllers may take so long to come.
pub(super) const GROUND: Duration = Duration::from_secs(60);
/// Of so many objects that are not well it is told why.
const EXPLAINED: usize = 5;
/// Characters of a reason.
const REASON: usize = 2000;
/// Between two looks, at first and later.
const PACES: [(Duration, Duration); 2] = [
    (Duration::from_secs(2), Duration::from_millis(100)),
    (Duration::from_secs(20), Duration::from_millis(500)),
];
const SLOW: Duration = Duration::from_secs(1);

/// Why carrying out a plan stopped.
pub(super) enum Halt {
    /// It cannot go on.
    Failed(Error),
    /// What others wait for is not healthy, and will not be.
    Unwell(Vec<(ObjectKey, Health)>),
    /// It is not waited for any longer.
    Interrupted(Interruption),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Looks at objects for which others wait.
pub(super) struct Readiness<'c> {
    api: &'c Api<'c>,
    us: &'c Us,
    say: Say<'c>,
    interrupted: Interrupted<'c>,
    timeout: Duration,
    rules: &'c [HealthRule],
    watched: BTreeMap<usize, Watched>,
    /// Since when each is waited for.
    since: RefCell<BTreeMap<usize, Instant>>,
    said: Cell<Instant>,
    /// Those of which it was said that they are ready.
    pub told: RefCell<BTreeSet<ObjectKey>>,
}

impl<'c> Readiness<'c> {
    pub fn new(
        (api, us): (&'c Api<'c>, &'c Us),
        plan: &Plan,
        (timeout, rules): (Duration, &'c [HealthRule]),
        say: Say<'c>,
        interrupted: Interrupted<'c>,
    ) -> Self {
        let watched = plan.watched.iter().map(|one| (one.node, one.clone())).collect();
        let (since, told) = (RefCell::default(), RefCell::default());
        Self {
            api,
            us,
            say,
            interrupted,
            timeout,
            rules,
            watched,
            since,
            said: Cell::new(Instant::now()),
            told,
        }
    }

    /// Which of some objects are healthy. Those whose health nobody knows of are.
    pub async fn of(&self, objects: &[usize]) -> Result<Vec<usize>, Halt> {
        let (watched, mut ready): (Vec<usize>, Vec<usize>) =
            objects.iter().partition(|object| self.watched.contains_key(*object));
        if !ready.is_empty() {
            return Ok(ready);
        }
        let now = Instant::now();
        let is_new = watched.iter().any(|object| !self.since.borrow().contains_key(object));
        let since = |object: &usize| *self.since.borrow_mut().entry(*object).or_insert(now);
        let newest = watched.iter().map(since).max().unwrap_or(now);
        if !is_new {
            tokio::time::sleep(pace(now - newest)).await;
        }
        let asked: Vec<Watched> = watched.iter().map(|object| self.watched[object].clone()).collect();
        let looked = look::look(self.api, self.us, &asked, self.rules, now - newest).await?;
        let healths: BTreeMap<ObjectKey, Health> = looked.into_iter().collect();
        let mut unwell = Vec::new();
        for object in watched {
            let one = &self.watched[&object];
            let Some(health) = healths.get(&one.key) else { continue };
            if health.is_ready() {
                if wait::is_work(&one.key) && self.told.borrow_mut().insert(one.key.clone()) {
                    (self.say)(format!("{} is {}", one.key, wait::word(&one.key, health)));
                }
                ready.push(object);
            } else {
                unwell.push((object, one.key.clone(), health.clone()));
            }
        }
        let lost = |(object, key, health): &(usize, ObjectKey, Health)| {
            let most = if is_ground(key) { self.timeout.min(GROUND) } else { self.timeout };
            health.is_final() || now - since(object) > most
        };
        if unwell.iter().any(lost) {
            return Err(Halt::Unwell(unwell.into_iter().map(|(_, key, health)| (key, health)).collect()));
        }
        if let Some(why) = (self.interrupted)().filter(|_| ready.is_empty()) {
            return Err(Halt::Interrupted(why));
        }
        if ready.is_empty() && now - self.said.get().max(newest) >= wait::SAY {
            self.said.set(now);
            let unwell: Vec<(ObjectKey, Health)> =
                unwell.into_iter().map(|(_, key, health)| (key, health)).collect();
            (self.say)(wait::waiting(&unwell, now - newest));
        }
        Ok(ready)
    }
}

/// Whether the cluster's own controllers make it ready, and nothing that is deployed.
fn is_ground(key: &ObjectKey) -> bool {
    matches!(key.kind.as_str(), "Namespace" | "CustomResourceDefinition")
}

fn pace(waited: Duration) -> Duration {
    PACES.iter().find(|(until, _)| waited < *until).map_or(SLOW, |(_, pace)| *pace)
}

/// Says why objects are not healthy, and makes an error of it. `waited` is how long it was waited for, where that is
/// why it is given up.
pub(super) async fn explained(
    api: &Api<'_>,
    redact: &Redact,
    watched: &[Watched],
    unwell: &[(ObjectKey, Health)],
    waited: Duration,
    say: Say<'_>,
) -> Error {
    let clean = |line: String| say(redact.clean(&line, REASON));
    let mut reasons = Vec::new();
    for (key, health) in unwell.iter().take(EXPLAINED) {
        let how = &health.reason;
        let watched = watched.iter().find(|watched| watched.key == *key);
        let lines = match watched {
            Some(watched) => look::explain(api, watched, how, redact).await,
            None => Vec::new(),
        };
        clean(format!("{key}: {how}"));
        for line in &lines {
            clean(format!("  {line}"));
        }
        let first = lines.iter().filter(|line| !line.starts_with("  | ")).take(2).cloned();
        let last = lines.iter().rfind(|line| line.starts_with("  | "));
        let last = last.map(|line| format!("its last line: {}", line.trim_start_matches("  | ")));
        let all: Vec<String> = std::iter::once(how.clone()).chain(first).chain(last).collect();
        reasons.push(format!("{key}: {}", all.join("; ")));
    }
    if unwell.len() > EXPLAINED {
        reasons.push(format!("and {} more", text::count(unwell.len() - EXPLAINED, "object")));
    }
    let failed = unwell.iter().any(|(_, health)| health.is_final());
    let when = if failed { String::new() } else { format!(" after {}", text::duration(waited)) };
    Error::revision(redact.clean(&format!("not healthy{when}: {}", reasons.join(". ")), REASON))
}
