//! A Kubernetes cluster.
//!
//! - What is written is listed first, in an inventory in the cluster ([`inventory`]); what is deleted is in
//!   that list, with the listed UID and our label.
//! - Two environments never share an object: what another one applied is refused, never taken.
//! - What runs already is not written: no request that writes is sent for a revision that runs.
//! - One writer at a time: a kernel's lock on the server, a Lease in the cluster ([`lease`]).
//! - No Secret's value leaves this room ([`redact`]).

mod allowed;
mod answer;
mod carry;
mod client;
mod conflicts;
mod connection;
mod decide;
mod deletions;
mod handover;
mod inventory;
mod jobs;
mod kinds;
mod lacks;
mod lease;
mod look;
mod managers;
mod planning;
mod ready;
mod redact;
mod retire;
mod schemas;
mod survey;

pub use connection::credentials;

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use http::Method;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use self::{
    carry::Carrier,
    client::{Api, Patience, segment},
    connection::{Connection, Connections},
    deletions::Deletions,
    inventory::Us,
    lease::Held,
    planning::{For, Plan},
    ready::{Halt, Readiness, explained},
    redact::Redact,
};
use super::{Interrupted, Interruption, Judged, Left, Owner, Place, Planned, Say, Stopped, Target, Wanted};
use crate::{
    config,
    error::{Error, Result},
    finding::{Finding, Severity},
    manifest::{Manifest, ObjectKey},
    point, text,
    wait::{self, Waited},
};

/// So many requests are under way at once: enough to hide the time that each takes, few enough for the API
/// server's share of one client.
const AT_ONCE: usize = 16;
/// One answer to a deployment may take so long.
const ANSWER: Duration = Duration::from_secs(25);
/// What is waited for in the middle of a plan takes no longer than that, all together.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Characters of a reason.
const REASON: usize = 2000;

/// Deletes a namespace with all that is in it, and waits until it is gone.
///
/// # Errors
/// It is not gone.
pub fn delete_namespace(settings: &config::Kubernetes, name: &str) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(120);
    runtime()?.block_on(async {
        let api = Api::new(Connection::new(settings).await?, Patience::deploying(PATIENCE), &|_| {});
        let path = format!("/api/v1/namespaces/{}", segment(name));
        match api.call(Method::DELETE, &path, None).await {
            Err(failure) if failure.is_not_found() => return Ok(()),
            done => done?,
        };
        let began = Instant::now();
        while api.find(&path).await?.is_some() {
            if began.elapsed() > PATIENCE {
                let error = Error::later(format!("the namespace {name} is not gone yet"));
                return Err(error.help(format!("kubectl get namespace {name} shows what it waits for")));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    })
}

/// A cluster as a target.
pub struct Cluster {
    settings: config::Kubernetes,
    timeout: Duration,
    settle: Duration,
    namespace: String,
    delete: config::Deletions,
    accept: config::Accept,
    health: Vec<config::HealthRule>,
    us: Us,
    owner: Owner,
    runtime: Runtime,
    connections: Connections,
    redact: Redact,
    /// The namespace of the inventory, if this run made it.
    ground: RefCell<Option<ObjectKey>>,
}

/// Everything here waits for one API server: one thread does.
fn runtime() -> Result<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::server(format!("the system gives no way to wait for a network: {error}")))
}

/// The path of the inventory.
fn inventory_path(us: &Us) -> String {
    format!("/api/v1/namespaces/{}/configmaps/{}", segment(&us.namespace), segment(&us.manager))
}

impl Cluster {
    /// That of `environment`. Nothing is sent.
    ///
    /// # Errors
    /// The system gives no way to wait.
    pub fn new(
        settings: &config::Kubernetes,
        environment: &config::Environment,
        owner: &Owner,
    ) -> Result<Self> {
        Ok(Self {
            settings: settings.clone(),
            timeout: environment.timeout,
            settle: environment.settle,
            namespace: environment.namespace.clone(),
            delete: environment.delete.clone(),
            accept: environment.accept,
            health: environment.health.clone(),
            us: Us::new(owner, &environment.name, &environment.namespace),
            owner: owner.clone(),
            runtime: runtime()?,
            connections: Connections::default(),
            redact: Redact::default(),
            ground: RefCell::default(),
        })
    }

    async fn api<'s>(&self, patience: Patience, say: Say<'s>) -> Result<Api<'s>> {
        Ok(Api::new(self.connections.get(&self.settings).await?, patience, say))
    }

    fn deploying(&self) -> Patience {
        Patience::deploying(self.timeout)
    }

    /// Wanted against live. What is wrong is in the findings.
    async fn made(&self, api: &Api<'_>, wanted: &Wanted<'_>, whom: For) -> Result<(Plan, survey::Survey)> {
        self.learn(wanted)?;
        let mut survey = survey::survey(api, &self.us, wanted, &self.namespace).await?;
        let gone = survey.gone.iter().filter_map(|gone| gone.live.as_ref());
        survey.live.values().chain(gone).for_each(|live| self.redact.learn(live));
        let confirmed = (wanted.confirmed)()?;
        let deletions = Deletions { policy: &self.delete, confirmed: &confirmed };
        let rules = (&deletions, self.health.as_slice());
        let plan = planning::plan(api, &self.us, &mut survey, &self.redact, rules, whom).await?;
        Ok((plan, survey))
    }

    /// What must not be shown, also of Secrets that are not looked at now.
    fn learn(&self, wanted: &Wanted<'_>) -> Result<()> {
        let secrets = (wanted.objects)()?.iter().filter(|object| object.facts.key.kind == "Secret");
        let learn = |secret: &Manifest| secret.json().iter().for_each(|body| self.redact.learn(body));
        wanted.former.iter().for_each(learn);
        secrets.map(wanted.manifest).try_for_each(|secret| secret.map(|secret| learn(&secret)))
    }

    fn carrier<'c>(&'c self, api: &'c Api<'c>, held: Option<&'c Held>, say: Say<'c>) -> Carrier<'c> {
        Carrier {
            api,
            us: &self.us,
            held,
            redact: &self.redact,
            say,
            wrote: Cell::new(usize::from(self.ground.borrow().is_some())),
            done: RefCell::default(),
        }
    }
}

impl Target for Cluster {
    type Plan = Plan;
    type Held = Held;

    fn judge(&self, wanted: &Wanted<'_>) -> Result<Judged> {
        self.runtime.block_on(async {
            let api = self.api(Patience::judging(), &|_| {}).await?;
            let (plan, survey) = self.made(&api, wanted, For::Verdict).await?;
            let mut findings = survey.findings;
            findings.extend(allowed::forbidden(&api, &self.us, &plan, self.accept).await?);
            let listed = survey.inventory.len();
            let runs = (listed > 0).then(|| text::count(listed, "object"));
            let unseen: Vec<_> =
                plan.writes.iter().filter_map(|write| Some((write, write.object.needs.as_ref()?))).collect();
            let unchecked = unseen.first().map(|(first, needs)| {
                let others = match unseen.len() - 1 {
                    0 => String::new(),
                    n => format!(" and {}", text::count(n, "other object")),
                };
                let what = if needs.starts_with("Namespace") { "in full" } else { "by its schema" };
                format!("{}{others} cannot be checked {what} before {needs} is there", first.object.key)
            });
            Ok(Judged { findings, runs, changes: Some(plan.counts()), unchecked })
        })
    }

    fn plan(&self, wanted: &Wanted<'_>, say: Say<'_>) -> Result<Plan> {
        self.runtime.block_on(async {
            let api = self.api(self.deploying(), say).await?;
            let (mut plan, survey) = self.made(&api, wanted, For::Deployment).await?;
            let wrong = survey.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
            let mut wrong: Vec<Finding> = wrong.collect();
            if (wanted.confirmed)()?.is_going_back() {
                // All the rest is brought back.
                plan.left.extend(wrong.drain(..).map(|finding| finding.message));
            }
            let mut wrong = wrong.into_iter();
            let Some(first) = wrong.next() else {
                let made = self.ground.borrow().clone();
                if let Some(key) = made {
                    plan.made_before(key);
                }
                return Ok(plan);
            };
            let more = match wrong.count() {
                0 => String::new(),
                n => format!(" (and {})", text::count(n, "other error")),
            };
            let place = first
                .place
                .as_ref()
                .map(|p| format!("{}:{}:{}: ", p.path, p.line, p.column))
                .unwrap_or_default();
            let error = Error::revision(format!("{place}{}{more}", first.message));
            Err(match first.help {
                Some(help) => error.help(help),
                None => error,
            })
        })
    }

    fn hold(&self, wanted: &Wanted<'_>, say: Say<'_>) -> Result<Option<Held>> {
        self.runtime.block_on(async {
            let api = self.api(self.deploying(), say).await?;
            if self.make_ground(&api, wanted).await? {
                self.ground.replace(Some(self.namespace_key()));
            }
            self.take_lease(&api, say).await.map(Some)
        })
    }

    fn apply(
        &self,
        plan: &mut Plan,
        _: &Wanted<'_>,
        held: Option<&Held>,
        say: Say<'_>,
        interrupted: Interrupted<'_>,
    ) -> Result<(), Stopped> {
        let made = plan.ground.iter().map(|key| format!("created {key}"));
        for line in made.chain(plan.said.iter().cloned()) {
            say(line);
        }
        self.runtime.block_on(async {
            // Each object for which others wait may take as long as all together at the end.
            let steps = u32::try_from(plan.watched.len()).unwrap_or(u32::MAX);
            let until = Instant::now() + self.timeout + self.timeout.saturating_mul(steps).min(LONGEST);
            let api = self.api(Patience { until, ..self.deploying() }, say).await?.under(held);
            let carrier = self.carrier(&api, held, say);
            let clean = |line: String| say(self.redact.clean(&line, REASON));
            let ready =
                Readiness::new((&api, &self.us), plan, (self.timeout, &self.health), &clean, interrupted);
            let apply = carrier.apply(plan, &ready);
            let done = match held {
                Some(held) => held.guard(apply).await,
                None => apply.await,
            };
            plan.told = ready.told.take();
            let left = if carrier.wrote() { Left::Between } else { Left::Before };
            let of = plan.writes.len() + plan.deletes.len();
            let stopped = |error, left| Stopped { error: between(error, left, &carrier, of), left };
            match done {
                Ok(()) => Ok(()),
                Err(Halt::Failed(error)) => Err(stopped(error, left)),
                Err(Halt::Interrupted(why)) => Err(interruption(why, |error| stopped(error, left))),
                Err(Halt::Unwell(unwell)) => {
                    let watched = &plan.watched;
                    let waited = self.timeout;
                    let error = explained(&api, &self.redact, watched, &unwell, waited, say).await;
                    Err(stopped(error, left))
                }
            }
        })
    }

    fn wait(
        &self,
        plan: &Plan,
        _: &Wanted<'_>,
        say: Say<'_>,
        interrupted: Interrupted<'_>,
    ) -> Result<(), Stopped> {
        if plan.watched.is_empty() {
            return Ok(());
        }
        let unhealthy = |error| Stopped { error, left: Left::Unhealthy };
        self.runtime.block_on(async {
            let patience = Patience { until: Instant::now() + self.timeout + ANSWER, ..self.deploying() };
            let api = self.api(patience, say).await.map_err(unhealthy)?;
            let waiting = wait::Patience { until: Instant::now() + self.timeout, settle: self.settle };
            let began = Instant::now();
            let look =
                async || look::look(&api, &self.us, &plan.watched, &self.health, began.elapsed()).await;
            let clean = |line: String| say(self.redact.clean(&line, REASON));
            let waited = wait::until_healthy(look, waiting, &plan.told, &clean, interrupted).await;
            match waited.map_err(unhealthy)? {
                Waited::Healthy => {
                    point::reach("healthy");
                    Ok(())
                }
                Waited::Interrupted(why) => Err(interruption(why, unhealthy)),
                Waited::Unwell(unwell) => {
                    let (watched, waited) = (&plan.watched, self.timeout);
                    Err(unhealthy(explained(&api, &self.redact, watched, &unwell, waited, say).await))
                }
            }
        })
    }

    fn prune(&self, plan: &mut Plan, held: Option<&Held>, say: Say<'_>) -> Result<(), Stopped> {
        self.runtime.block_on(async {
            let api = self.api(self.deploying(), say).await?.under(held);
            let carrier = self.carrier(&api, held, say);
            let prune = carrier.prune(plan, Instant::now() + self.timeout);
            let done = match held {
                Some(held) => held.guard(prune).await,
                None => prune.await,
            };
            let of = plan.deletes.len();
            done.map_err(|error| Stopped {
                error: between(error, Left::Between, &carrier, of),
                left: Left::Between,
            })
        })
    }

    fn probe(&self) -> Result<()> {
        self.runtime.block_on(async {
            let api = self.api(Patience::judging(), &|_| {}).await?;
            let found = api.find(&inventory_path(&self.us)).await?;
            inventory::Inventory::read(found.as_ref(), &self.us).map(|_| ())
        })
    }
}

/// What an interruption leaves behind; `gave_up` says it of one that nobody wants any longer.
fn interruption(why: Interruption, gave_up: impl Fn(Error) -> Stopped) -> Stopped {
    match why {
        Interruption::Cancelled(who) => {
            gave_up(Error::revision(format!("cancelled by {who} before it was healthy")))
        }
        Interruption::Overtaken => {
            let error = Error::revision("a newer revision took over before it was healthy");
            Stopped { error, left: Left::Overtaken }
        }
    }
}

/// An error that says what is other than before.
fn between(error: Error, left: Left, carrier: &Carrier<'_>, of: usize) -> Error {
    if left == Left::Before {
        return error;
    }
    Error { message: format!("{}; {}", error.message, carrier.difference(of)), ..error }
}

impl Cluster {
    /// Where the environment runs.
    ///
    /// # Errors
    /// The kubeconfig cannot be used.
    pub(super) fn place(&self) -> Result<Place> {
        let server = self.runtime.block_on(connection::server(&self.settings))?;
        Ok(Place::Kubernetes { server, namespace: self.us.namespace.clone() })
    }

    async fn take_lease(&self, api: &Api<'_>, say: Say<'_>) -> Result<Held> {
        let until = Instant::now() + self.timeout;
        lease::take(api, &self.settings, &self.us, &self.holder(), until, say).await
    }

    /// Who holds the Lease, where we do.
    fn holder(&self) -> String {
        format!("{}/{}", self.owner.repository, self.owner.lock)
    }

    /// Makes the namespace in which the inventory is kept, where the revision declares it and it is not
    /// there: whatever was written before the inventory must be found again by its owner alone.
    async fn make_ground(&self, api: &Api<'_>, wanted: &Wanted<'_>) -> Result<bool> {
        let path = format!("/api/v1/namespaces/{}", segment(&self.us.namespace));
        match api.find(&path).await {
            Ok(None) => {}
            Err(failure) if failure.code() != 403 => return Err(failure.into()),
            _ => return Ok(false),
        }
        let key = self.namespace_key();
        let is_it = |it: &ObjectKey| it.kind == key.kind && it.group.is_empty() && it.name == key.name;
        let declared = (wanted.objects)()?.iter().any(|object| is_it(&object.facts.key));
        if declared {
            let body = json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": self.us.namespace, "labels": {inventory::PART_OF: self.us.part_of}},
            });
            let path = decide::apply_path(&self.us, &path, false, false);
            api.call(Method::PATCH, &path, Some(&body)).await?;
        }
        Ok(declared)
    }

    fn namespace_key(&self) -> ObjectKey {
        let name = self.us.namespace.clone();
        ObjectKey { group: String::new(), kind: "Namespace".to_owned(), namespace: None, name }
    }
}
