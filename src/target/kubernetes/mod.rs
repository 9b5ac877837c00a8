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
mod deletions;
mod inventory;
mod kinds;
mod lacks;
mod lease;
mod look;
mod planning;
mod redact;
mod schemas;
mod survey;

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
    deletions::Deletions,
    inventory::Us,
    lease::Held,
    planning::{For, Plan},
    redact::Redact,
};
use super::{Interrupted, Interruption, Judged, Left, Owner, Planned, Say, Stopped, Target, Wanted};
use crate::{
    config,
    error::{Error, Result},
    finding::Severity,
    manifest::{Manifest, ObjectKey},
    point, text,
    wait::{self, Waited},
};

/// So many requests are under way at once: enough to hide the time that each takes, few enough for the API
/// server's share of one client.
const AT_ONCE: usize = 16;
/// One answer to a deployment may take so long.
const ANSWER: Duration = Duration::from_secs(25);
/// Of so many objects that are not well it is told why.
const EXPLAINED: usize = 5;
/// Characters of a reason.
const REASON: usize = 2000;

/// Deletes a namespace with all that is in it, and waits until it is gone.
///
/// # Errors
/// It is not gone.
pub fn delete_namespace(settings: &config::Kubernetes, name: &str) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(120);
    runtime()?.block_on(async {
        let api = Api::new(settings, Patience::deploying(PATIENCE), &|_| {}).await?;
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
    us: Us,
    owner: Owner,
    runtime: Runtime,
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
            us: Us::new(owner, &environment.name, &environment.namespace),
            owner: owner.clone(),
            runtime: runtime()?,
            redact: Redact::default(),
            ground: RefCell::default(),
        })
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
        let plan = planning::plan(api, &self.us, &mut survey, &self.redact, &deletions, whom).await?;
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
            let api = Api::new(&self.settings, Patience::judging(), &|_| {}).await?;
            let (plan, survey) = self.made(&api, wanted, For::Verdict).await?;
            let mut findings = survey.findings;
            findings.extend(allowed::forbidden(&api, &self.us, &plan).await?);
            let listed = survey.inventory.entries.len();
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
            let api = Api::new(&self.settings, self.deploying(), say).await?;
            let (mut plan, survey) = self.made(&api, wanted, For::Deployment).await?;
            let mut wrong = survey.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
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
            let api = Api::new(&self.settings, self.deploying(), say).await?;
            if self.make_ground(&api, wanted).await? {
                self.ground.replace(Some(self.namespace_key()));
            }
            let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let holder = format!("{node}/{}", self.owner.id);
            let until = Instant::now() + self.timeout;
            lease::take(&api, &self.settings, &self.us, &holder, until, say).await.map(Some)
        })
    }

    fn apply(
        &self,
        plan: &mut Plan,
        _: &Wanted<'_>,
        held: Option<&Held>,
        say: Say<'_>,
    ) -> Result<(), Stopped> {
        let made = plan.ground.iter().map(|key| format!("created {key}"));
        for line in made.chain(plan.said.iter().cloned()) {
            say(line);
        }
        self.runtime.block_on(async {
            let api = Api::new(&self.settings, self.deploying(), say).await?;
            let carrier = self.carrier(&api, held, say);
            let done = carrier.apply(plan).await;
            let left = if carrier.wrote() { Left::Between } else { Left::Before };
            let of = plan.writes.len() + plan.deletes.len();
            done.map_err(|error| Stopped { error: between(error, left, &carrier, of), left })
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
            let api = Api::new(&self.settings, patience, say).await.map_err(unhealthy)?;
            let waiting = wait::Patience { until: Instant::now() + self.timeout, settle: self.settle };
            let began = Instant::now();
            let look = async || look::look(&api, &self.us, &plan.watched, began.elapsed()).await;
            let clean = |line: String| say(self.redact.clean(&line, REASON));
            let waited = wait::until_healthy(look, waiting, &clean, interrupted).await.map_err(unhealthy)?;
            let unwell = match waited {
                Waited::Healthy => {
                    point::reach("healthy");
                    return Ok(());
                }
                Waited::Interrupted(Interruption::Cancelled(who)) => {
                    let message = format!("cancelled by {who} before it was healthy");
                    return Err(unhealthy(Error::revision(message)));
                }
                Waited::Interrupted(Interruption::Overtaken) => {
                    let error = Error::revision("a newer revision took over before it was healthy");
                    return Err(Stopped { error, left: Left::Overtaken });
                }
                Waited::Unwell(unwell) => unwell,
            };
            let mut reasons = Vec::new();
            for (key, health) in unwell.iter().take(EXPLAINED) {
                let how = &health.reason;
                let watched = plan.watched.iter().find(|watched| watched.key == *key);
                let lines = match watched {
                    Some(watched) => look::explain(&api, watched, how, &self.redact).await,
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
            let when =
                if failed { String::new() } else { format!(" after {}", text::duration(self.timeout)) };
            let message = self.redact.clean(&format!("not healthy{when}: {}", reasons.join(". ")), REASON);
            Err(unhealthy(Error::revision(message)))
        })
    }

    fn prune(&self, plan: &mut Plan, held: Option<&Held>, say: Say<'_>) -> Result<(), Stopped> {
        self.runtime.block_on(async {
            let api = Api::new(&self.settings, self.deploying(), say).await?;
            let carrier = self.carrier(&api, held, say);
            let done = carrier.prune(plan, Instant::now() + self.timeout).await;
            let of = plan.deletes.len();
            done.map_err(|error| Stopped {
                error: between(error, Left::Between, &carrier, of),
                left: Left::Between,
            })
        })
    }

    fn probe(&self) -> Result<()> {
        self.runtime.block_on(async {
            let api = Api::new(&self.settings, Patience::judging(), &|_| {}).await?;
            let found = api.find(&inventory_path(&self.us)).await?;
            inventory::Inventory::read(found.as_ref(), &self.us).map(|_| ())
        })
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
            let path = planning::apply_path(&self.us, &path, false, false);
            api.call(Method::PATCH, &path, Some(&body)).await?;
        }
        Ok(declared)
    }

    fn namespace_key(&self) -> ObjectKey {
        let name = self.us.namespace.clone();
        ObjectKey { group: String::new(), kind: "Namespace".to_owned(), namespace: None, name }
    }
}
