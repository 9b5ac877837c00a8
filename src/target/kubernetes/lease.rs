//! One writer to a cluster: a Lease beside the inventory, for servers that do not share a kernel lock.
//!
//! A holder that cannot renew stops writing while its Lease still runs, with time left for a request that
//! is under way, and goes on when it has renewed it; one that another server took it from writes no more. Time is measured by this machine's clock since its start alone; the API server's clock and the
//! other holder's are not trusted.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use http::Method;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio::sync::Notify;

use super::{
    client::{Api, Failure, Patience, segment},
    connection::Connections,
    inventory::Us,
    runtime,
};
use crate::{
    config,
    error::{Error, Result},
    point, text,
};

/// How long a Lease runs after it was renewed.
fn duration() -> Duration {
    Duration::from_secs(point::number("lease-seconds", 60))
}

/// Nothing is begun so long after the last renewal: what is under way then has [`super::ANSWER`] to end.
fn write_within() -> Duration {
    duration() / 2
}

/// How often it is renewed.
fn pace() -> Duration {
    duration() / 12
}

/// Since this machine was started, with the time that it slept: the other server did not.
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// What is known of a Lease that was taken.
struct State {
    /// When the last renewal that succeeded was sent.
    renewed: Duration,
    /// Somebody else has taken it since then.
    lost: bool,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A Lease that is held, renewed in the background, and given back when it is dropped.
pub struct Held {
    state: Arc<Mutex<State>>,
    /// Wakes whoever has a write on its way, to take it back.
    lapsed: Notify,
    stop: Option<mpsc::Sender<()>>,
    renewing: Option<JoinHandle<()>>,
}

impl Held {
    /// Whether a write may be begun. If not, it may again when the Lease was renewed.
    pub fn runs(&self) -> bool {
        let state = lock(&self.state);
        !state.lost && now().saturating_sub(state.renewed) < write_within()
    }

    /// Whether another server has it: it never runs again.
    pub fn is_lost(&self) -> bool {
        lock(&self.state).lost
    }

    /// Waits until the Lease does not run any more, and whoever works under it was told.
    pub async fn lapsed(&self) {
        self.lapsed.notified().await;
    }

    /// Does what writes. Where the process stood still for so long that the Lease ran out, what it was about to
    /// send is taken back before the connection gets its turn.
    pub async fn guard<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            let done = work.as_mut().poll(context);
            if done.is_ready() || self.runs() {
                return done;
            }
            self.lapsed.notify_waiters();
            work.as_mut().poll(context)
        })
        .await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(renewing) = self.renewing.take() {
            let _ = renewing.join();
        }
    }
}

/// Takes the Lease, waiting for another holder to end. `say` hears of the waiting.
pub(super) async fn take(
    api: &Api<'_>,
    settings: &config::Kubernetes,
    us: &Us,
    holder: &str,
    until: Instant,
    say: &dyn Fn(String),
) -> Result<Held> {
    let lease = Lease { path: path(us), us: us.clone(), holder: holder.to_owned() };
    let mut seen: Option<(Json, Instant)> = None;
    let renewed = loop {
        let sent = now();
        let found = api.find(&lease.object()).await?;
        let taken = match &found {
            None => api.call(Method::POST, &lease.path, Some(&lease.body(&json!(null), 0))).await,
            Some(found) if lease.is_free(found, seen.as_ref()) => lease.renew(api, found).await,
            Some(found) => {
                let spec = &found["spec"];
                if seen.as_ref().is_none_or(|(known, _)| known != spec) {
                    if seen.is_none() {
                        let holder = text::excerpt(spec["holderIdentity"].as_str().unwrap_or("somebody"), 80);
                        say(format!("waiting: {holder} deploys to this cluster"));
                    }
                    seen = Some((spec.clone(), Instant::now()));
                }
                if Instant::now() >= until {
                    let holder = text::excerpt(spec["holderIdentity"].as_str().unwrap_or("somebody"), 80);
                    return Err(Error::later(format!("{holder} deploys to this cluster and does not end")));
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
                continue;
            }
        };
        match taken {
            Ok(_) => break sent,
            // Somebody was quicker: look again.
            Err(failure) if matches!(failure.code(), 409) => {}
            Err(failure) => return Err(failure.into()),
        }
    };
    point::reach("lease-taken");
    let state = Arc::new(Mutex::new(State { renewed, lost: false }));
    let (stop, stopped) = mpsc::channel();
    let (settings, known) = (settings.clone(), Arc::clone(&state));
    let renewing = thread::spawn(move || keep(&lease, &settings, &known, &stopped));
    Ok(Held { state, lapsed: Notify::new(), stop: Some(stop), renewing: Some(renewing) })
}

/// Renews until it is told to stop, then gives the Lease back.
fn keep(lease: &Lease, settings: &config::Kubernetes, state: &Mutex<State>, stopped: &mpsc::Receiver<()>) {
    let Ok(runtime) = runtime() else { return };
    let connections = Connections::default();
    let patience = |request| Patience { answer: super::ANSWER, request, until: Instant::now() + request };
    while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(pace()) {
        let sent = now();
        let done = runtime.block_on(async {
            let api = Api::new(connections.get(settings).await.ok()?, patience(super::ANSWER), &|_| {});
            let found = api.find(&lease.object()).await.ok()?;
            let Some(found) = found.filter(|it| it["spec"]["holderIdentity"] == lease.holder.as_str()) else {
                lock(state).lost = true;
                return None;
            };
            lease.renew(&api, &found).await.ok()
        });
        if lock(state).lost {
            return;
        }
        if done.is_some() {
            lock(state).renewed = sent;
        }
    }
    // The next holder need not wait for the end of it.
    runtime.block_on(async {
        let patience = patience(Duration::from_secs(3));
        let api = Api::new(connections.get(settings).await.ok()?, patience, &|_| {});
        let mut found = api.get(&lease.object()).await.ok()?;
        (found["spec"]["holderIdentity"] == lease.holder.as_str()).then_some(())?;
        found["spec"]["holderIdentity"] = json!("");
        api.call(Method::PUT, &lease.object(), Some(&found)).await.ok()
    });
}

struct Lease {
    /// Of all Leases in the namespace.
    path: String,
    us: Us,
    holder: String,
}

impl Lease {
    fn object(&self) -> String {
        object(&self.us)
    }

    /// Whether it may be taken: nobody holds it, we do (an earlier run of ours that was killed; the kernel's
    /// lock sees to it that there is no other), or its holder has not renewed it while we looked.
    fn is_free(&self, found: &Json, seen: Option<&(Json, Instant)>) -> bool {
        let spec = &found["spec"];
        let holder = spec["holderIdentity"].as_str().unwrap_or_default();
        if holder.is_empty() || holder == self.holder {
            return true;
        }
        let duration = spec["leaseDurationSeconds"].as_u64().map_or_else(duration, Duration::from_secs);
        seen.is_some_and(|(known, since)| known == spec && since.elapsed() > duration)
    }

    async fn renew(&self, api: &Api<'_>, found: &Json) -> Result<Json, Failure> {
        let transitions = found["spec"]["leaseTransitions"].as_u64().unwrap_or(0);
        let changes = u64::from(found["spec"]["holderIdentity"] != self.holder.as_str());
        let body = self.body(&found["metadata"]["resourceVersion"], transitions + changes);
        api.call(Method::PUT, &self.object(), Some(&body)).await
    }

    fn body(&self, version: &Json, transitions: u64) -> Json {
        let at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self.us.manager,
                "namespace": self.us.namespace,
                "resourceVersion": version,
                "labels": {"app.kubernetes.io/managed-by": "instate"},
            },
            "spec": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": duration().as_secs(),
                "acquireTime": at,
                "renewTime": at,
                "leaseTransitions": transitions,
            },
        })
    }
}

/// The path of the Lease of an environment.
pub(super) fn object(us: &Us) -> String {
    format!("{}/{}", path(us), segment(&us.manager))
}

fn path(us: &Us) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", segment(&us.namespace))
}
