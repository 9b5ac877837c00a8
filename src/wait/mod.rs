//! Is it healthy yet, and if not, why not.

pub mod health;
pub mod why;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use crate::{
    error::Result,
    manifest::ObjectKey,
    target::{Interrupted, Interruption, Say},
};
use health::{Health, Status, runs_containers};

/// Between two looks, at first; later it is less often.
const PACE: Duration = Duration::from_millis(250);
/// So often it is said what is waited for.
pub(crate) const SAY: Duration = Duration::from_secs(10);
/// So many objects are named in one line.
const NAMED: usize = 3;
/// Of more that become healthy at once it is said in one line.
const LINES: usize = 20;

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until it is given up.
    pub until: Instant,
    /// How long all must have been healthy without a break: what dies after a second is not.
    pub settle: Duration,
}

/// How waiting ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    /// All objects are healthy.
    Healthy,
    /// These are not, and how they are.
    Unwell(Vec<(ObjectKey, Health)>),
    /// It is not waited for any longer.
    Interrupted(Interruption),
}

/// Looks until all objects are healthy, or one never will be. Of those that were `told` to be so already it is said
/// only if they are so no more.
///
/// # Errors
/// It cannot be looked at.
pub async fn until_healthy(
    mut look: impl AsyncFnMut() -> Result<Vec<(ObjectKey, Health)>>,
    patience: Patience,
    told: &BTreeSet<ObjectKey>,
    say: Say<'_>,
    interrupted: Interrupted<'_>,
) -> Result<Waited> {
    let began = Instant::now();
    let mut said = began;
    let mut ready: BTreeMap<ObjectKey, bool> = told.iter().map(|key| (key.clone(), true)).collect();
    let mut settling: Option<Instant> = None;
    loop {
        let objects = look().await?;
        let now = Instant::now();
        let mut better = Vec::new();
        for (key, health) in &objects {
            let is = health.is_ready();
            match (ready.insert(key.clone(), is), is) {
                (None, true) if !is_work(key) => {}
                // Of what nothing is known nothing is said.
                (_, true) if health.status == Status::Unknown => {}
                (None | Some(false), true) => better.push((key, health)),
                (Some(true), false) => {
                    let how = &health.reason;
                    say(format!("{key} was {}, and is not any more: {how}", word(key, health)));
                }
                _ => {}
            }
        }
        say_better(&better, say);
        let unwell: Vec<(ObjectKey, Health)> =
            objects.iter().filter(|(_, health)| !health.is_ready()).cloned().collect();
        if unwell.iter().any(|(_, health)| health.is_final()) {
            return Ok(Waited::Unwell(unwell));
        }
        if unwell.is_empty() {
            let since = *settling.get_or_insert(now);
            let settle = if objects.iter().any(|(key, _)| runs_containers(&key.group, &key.kind)) {
                patience.settle
            } else {
                Duration::ZERO
            };
            if now.duration_since(since) >= settle {
                return Ok(Waited::Healthy);
            }
        } else {
            settling = None;
            if now >= patience.until {
                return Ok(Waited::Unwell(unwell));
            }
            if now.duration_since(said) >= SAY {
                said = now;
                say(waiting(&unwell, now.duration_since(began)));
            }
        }
        if let Some(why) = interrupted() {
            return Ok(Waited::Interrupted(why));
        }
        let pace = if now.duration_since(began) > SAY { PACE * 4 } else { PACE };
        tokio::time::sleep(pace).await;
    }
}

/// Says which objects are healthy now.
fn say_better(objects: &[(&ObjectKey, &Health)], say: Say<'_>) {
    if objects.len() <= LINES {
        return objects.iter().for_each(|(key, health)| say(format!("{key} is {}", word(key, health))));
    }
    let named = objects.iter().take(NAMED).map(|(key, _)| key.to_string()).collect::<Vec<_>>().join(", ");
    say(format!("{named} and {} more are healthy", objects.len() - NAMED));
}

/// Whether that it is ready is worth a line, even where it was so at once.
pub(crate) fn is_work(key: &ObjectKey) -> bool {
    runs_containers(&key.group, &key.kind) || key.kind == "Job"
}

/// What a kind is when it is well, or when nobody lets it be.
pub(crate) fn word(key: &ObjectKey, health: &Health) -> &'static str {
    match key.kind.as_str() {
        _ if health.status == Status::Suspended => "suspended",
        "Deployment" | "DaemonSet" | "ReplicaSet" | "ReplicationController" => "available",
        "Job" => "complete",
        "PersistentVolumeClaim" => "bound",
        "Namespace" => "active",
        "CustomResourceDefinition" => "established",
        _ => "ready",
    }
}

pub(crate) fn waiting(unwell: &[(ObjectKey, Health)], since: Duration) -> String {
    let named: Vec<String> =
        unwell.iter().take(NAMED).map(|(key, health)| format!("{key}: {}", health.reason)).collect();
    let more =
        if unwell.len() > NAMED { format!("; and {} more", unwell.len() - NAMED) } else { String::new() };
    format!("waiting since {} s for {}{more}", since.as_secs(), named.join("; "))
}
