//! How the objects of an environment are, and why those that are not well are not.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::{
    AT_ONCE,
    client::{Api, Failure, segment},
    inventory::{PART_OF, Us},
    planning::Watched,
    redact::Redact,
    survey::list,
};
use crate::{
    check::schema::{DEFINITION, Document},
    config::HealthRule,
    error::Result,
    manifest::ObjectKey,
    wait::{
        health::{Expressions, Health, Status, is_custom, is_silent},
        why,
    },
};

/// From so many objects of a kind in a namespace on, all of ours are asked for at once.
const LIST_FROM: usize = 4;
/// Of one object that is not well, so many causes and so many warnings are told.
const CAUSES: usize = 3;
/// So many last lines of a container.
const LOG_LINES: usize = 5;
/// So long a controller may take to say its first word about an object.
const SILENCE: SignedDuration = SignedDuration::from_secs(5);
/// Characters of a line.
const LINE: usize = 300;

/// How each object is now; `waited` is how long that is asked already.
pub(super) async fn look(
    api: &Api<'_>,
    us: &Us,
    watched: &[Watched],
    rules: &[HealthRule],
    waited: Duration,
) -> Result<Vec<(ObjectKey, Health)>> {
    let expressions = Expressions::new(rules);
    let mut groups: BTreeMap<&str, Vec<&Watched>> = BTreeMap::new();
    for one in watched {
        groups.entry(&one.beside).or_default().push(one);
    }
    let asked = groups.into_iter().map(async |(beside, watched)| {
        let found = if watched.len() < LIST_FROM {
            let asked = watched.iter().map(async |one| api.find(&one.path).await);
            stream::iter(asked).buffered(AT_ONCE).try_collect::<Vec<_>>().await?
        } else {
            let path = format!("{beside}?labelSelector={}%3D{}", segment(PART_OF), us.part_of);
            let all = list(api, &path).await?;
            let by_name = |name: &str| all.iter().find(|live| live["metadata"]["name"] == name).cloned();
            watched.iter().map(|one| by_name(&one.key.name)).collect()
        };
        let mut healths = Vec::new();
        for (one, live) in watched.into_iter().zip(found) {
            let health = match live {
                Some(live) => {
                    let is = of(&expressions, one, &live, waited);
                    let is_said = expressions.has(&one.key.group, &one.key.kind);
                    if is_said { is } else { settled(api, one, &live, is).await? }
                }
                None if one.passing.as_ref().is_some_and(|passing| !passing.is_deleted) => {
                    Health::new(Status::Healthy, "it has ended and was cleaned up")
                }
                None => Health::new(Status::Failed, "it is not there any more"),
            };
            healths.push((one.key.clone(), health));
        }
        Ok::<_, Failure>(healths)
    });
    let healths: Vec<Vec<_>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    Ok(healths.into_iter().flatten().collect())
}

/// What an object's own status says. A custom resource's controller gets a moment for its first word about it, or
/// about its last change; where nobody says anything there is none, and it is not waited for.
fn of(expressions: &Expressions<'_>, one: &Watched, live: &Json, waited: Duration) -> Health {
    let now = Timestamp::now();
    let is = expressions.health(&one.key.group, &one.key.kind, live, now);
    // Whose health somebody has put into words, is as they say.
    let is_said = expressions.has(&one.key.group, &one.key.kind);
    if !is_custom(&one.key.group) && !is_said {
        return is;
    }
    // Two clocks may differ by more than the moment.
    let early = waited < SILENCE.unsigned_abs();
    if is.is_final() && early {
        return Health { status: Status::Failing, ..is };
    }
    if is_said {
        return is;
    }
    if !is_silent(live) || !matches!(is.status, Status::Progressing | Status::Unknown) {
        return is;
    }
    let created =
        live["metadata"]["creationTimestamp"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
    let is_new = created.is_some_and(|created| now.duration_since(created) < SILENCE);
    if is_new && early {
        return Health::new(Status::Progressing, "its controller has not said how it is");
    }
    Health::new(Status::Unknown, "no controller says how it is")
}

/// What an object's own status does not say.
async fn settled(api: &Api<'_>, one: &Watched, live: &Json, health: Health) -> Result<Health, Failure> {
    if one.key.kind == DEFINITION && health.status == Status::Healthy && !is_described(api, live).await? {
        return Ok(Health::new(Status::Progressing, "not served yet"));
    }
    // A claim that waits for its first Pod is as well as it can be.
    let waits = one.key.kind == "PersistentVolumeClaim" && health.status == Status::Progressing;
    let Some(class) = live["spec"]["storageClassName"].as_str().filter(|class| waits && !class.is_empty())
    else {
        return Ok(health);
    };
    let class = api.find(&format!("/apis/storage.k8s.io/v1/storageclasses/{}", segment(class))).await;
    match class {
        Ok(Some(class)) if class["volumeBindingMode"] == "WaitForFirstConsumer" => {
            Ok(Health::new(Status::Healthy, "its class waits for its first Pod"))
        }
        Err(Failure::Away(reason)) => Err(Failure::Away(reason)),
        _ => Ok(health),
    }
}

/// Whether the API server says what objects of a definition look like, which it does a moment after the definition is
/// established: the next push with such an object is judged by that.
async fn is_described(api: &Api<'_>, definition: &Json) -> Result<bool, Failure> {
    let spec = &definition["spec"];
    let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str()) else {
        return Ok(true);
    };
    let served =
        spec["versions"].as_array().into_iter().flatten().filter(|version| version["served"] == true);
    for version in served.filter_map(|version| version["name"].as_str()) {
        let path = format!("/openapi/v3/apis/{}/{}", segment(group), segment(version));
        match api.find(&path).await {
            Ok(Some(document))
                if Document::read(&document).is_ok_and(|it| !it.kinds().any(|known| known == kind)) =>
            {
                return Ok(false);
            }
            Ok(None) => return Ok(false),
            Err(Failure::Away(reason)) => return Err(Failure::Away(reason)),
            // Who may not read that is not told more by waiting.
            _ => {}
        }
    }
    Ok(true)
}

/// Why an object is not well, in lines; what cannot be asked is left out.
/// So is what `how` says already.
pub(super) async fn explain(api: &Api<'_>, watched: &Watched, how: &str, redact: &Redact) -> Vec<String> {
    let Ok(Some(live)) = api.find(&watched.path).await else { return Vec::new() };
    let namespace = watched.key.namespace.as_deref().unwrap_or_default();
    let mut lines = Vec::new();
    let pods = pods(api, watched, &live, namespace).await;
    let causes = why::causes(&pods);
    for (n, cause) in causes.iter().enumerate().take(CAUSES) {
        if cause.words != how {
            lines.push(redact.clean(&cause.line(), LINE));
        }
        if let (Some((container, previous)), true) = (&cause.log, n < 2) {
            let last = log(api, namespace, &cause.pod, container, *previous).await;
            lines.extend(last.into_iter().map(|line| format!("  | {}", redact.clean(&line, LINE))));
        }
    }
    if causes.len() > CAUSES {
        lines.push(format!("and {} other causes", causes.len() - CAUSES));
    }
    // Pods that said why need no events; where there are no pods, events say why.
    let told = causes.iter().any(|cause| cause.words != "not ready yet");
    let warnings = warnings(api, watched, &live, &pods, namespace).await;
    let most = if told { 1 } else { CAUSES };
    let new = warnings.into_iter().filter(|warning| {
        let message = warning.split_once(": ").map_or(warning.as_str(), |(_, message)| message);
        // What the Pods' own words say already, and better.
        let repeats = told && ["Failed: ", "BackOff: "].iter().any(|reason| warning.starts_with(reason));
        !repeats && !how.contains(message) && !causes.iter().any(|cause| cause.words.contains(message))
    });
    lines.extend(new.take(most).map(|warning| redact.clean(&format!("event {warning}"), LINE)));
    lines
}

async fn pods(api: &Api<'_>, watched: &Watched, live: &Json, namespace: &str) -> Vec<Json> {
    if watched.key.kind == "Pod" {
        return vec![live.clone()];
    }
    let Some(labels) = live["spec"]["selector"]["matchLabels"].as_object() else { return Vec::new() };
    let selector: Vec<String> = labels
        .iter()
        .filter_map(|(key, value)| Some(format!("{}%3D{}", segment(key), segment(value.as_str()?))))
        .collect();
    let path =
        format!("/api/v1/namespaces/{}/pods?labelSelector={}", segment(namespace), selector.join("%2C"));
    let pods = list(api, &path).await.unwrap_or_default();
    pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
}

/// Warnings about the object, and about what was made for it: `ReplicaSet`s, Pods and Jobs; not those of an
/// earlier revision, which say what was wrong then.
async fn warnings(
    api: &Api<'_>,
    watched: &Watched,
    live: &Json,
    pods: &[Json],
    namespace: &str,
) -> Vec<String> {
    if namespace.is_empty() {
        return Vec::new();
    }
    let path = format!("/api/v1/namespaces/{}/events?fieldSelector=type%3DWarning", segment(namespace));
    let events = list(api, &path).await.unwrap_or_default();
    let (kind, name) = (watched.key.kind.as_str(), watched.key.name.as_str());
    let since = written(live);
    let is_there = |name: &str| pods.is_empty() || pods.iter().any(|pod| pod["metadata"]["name"] == name);
    let is_ours = |event: &Json| {
        let of = &event["involvedObject"];
        let (of_kind, of_name) =
            (of["kind"].as_str().unwrap_or_default(), of["name"].as_str().unwrap_or_default());
        let made = of_name.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
        let is_it = of_kind == kind && of_name == name;
        let of_made = made
            && match of_kind {
                "Pod" => is_there(of_name),
                "ReplicaSet" | "Job" => true,
                _ => false,
            };
        (is_it || of_made) && to_the_second(why::at(event)) >= since
    };
    let ours: Vec<Json> = events.into_iter().filter(is_ours).collect();
    why::warnings(&ours)
}

/// When an object was created or last applied.
fn written(live: &Json) -> &str {
    let managers = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let applied = managers.filter(|one| one["operation"] == "Apply" && one["subresource"].is_null());
    let times = applied.map(|one| &one["time"]).chain([&live["metadata"]["creationTimestamp"]]);
    times.filter_map(Json::as_str).map(to_the_second).max().unwrap_or_default()
}

/// Some of a cluster's times are more exact than others.
fn to_the_second(time: &str) -> &str {
    time.get(..19).unwrap_or(time)
}

/// The last lines of a container, of the run before where it was started again.
async fn log(api: &Api<'_>, namespace: &str, pod: &str, container: &str, previous: bool) -> Vec<String> {
    let path = |previous: bool| {
        format!(
            "/api/v1/namespaces/{}/pods/{}/log?container={}&tailLines={LOG_LINES}&limitBytes=4096&previous={previous}",
            segment(namespace),
            segment(pod),
            segment(container),
        )
    };
    let mut text = api.text(&path(previous)).await.unwrap_or_default();
    if text.trim().is_empty() && previous {
        text = api.text(&path(false)).await.unwrap_or_default();
    }
    text.lines().filter(|line| !line.trim().is_empty()).map(ToOwned::to_owned).collect()
}
