//! A manifest with one thing wrong that a cluster refuses is refused without one, at the same line.
//!
//! Nobody writes such manifests by hand: they are made of objects that a cluster takes, which are made of the
//! test data of `k8s.io/api` (`broken/bases.yaml`).

mod ask;
mod breaks;
mod coverage;
pub(crate) mod table;
mod wrong;

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, process::Command};

use instate::{
    check::{
        self, Across, Facts, World,
        schema::{Minor, Schemas},
    },
    finding::{Code, Finding, Severity},
    manifest,
    revision::Declared,
    source::Source,
};

use self::{
    ask::{Asked, Cause},
    breaks::{Break, Manifest, plans, shown},
    table::Base,
};
use crate::common::cluster::Cluster;

/// Every so many of the broken ones is asked about, unless `INSTATE_BROKEN` says another number: 1 for all.
const EVERY: usize = 97;
/// Of a hundred fields of the schemas the bases have at least so many.
const COVERED: usize = 95;
/// Of a hundred broken ones that the cluster refuses so many are refused offline, and at the line.
const FOUND: usize = 99;
/// What is refused although a cluster takes it: what has no name of its own, and what the schema of its type requires
/// and Go fills with nothing.
const DELIBERATE: [&str; 30] = [
    "I0203 removed apiVersion",
    "I0203 removed kind",
    "I0203 removed metadata",
    "I0204 moved down metadata.name",
    "I0204 removed metadata.name",
    "I0207 removed spec",
    "I0207 removed spec.drivers",
    ".awsElasticBlockStore.volumeID",
    ".clusterTrustBundle.labelSelector.matchExpressions.key",
    ".clusterTrustBundle.labelSelector.matchExpressions.operator",
    ".clusterTrustBundle.labelSelector.matchExpressions.values",
    ".clusterTrustBundle.path",
    ".configMap.kubeletConfigKey",
    ".configMap.name",
    ".configMap.namespace",
    ".counters.memory.value",
    ".forZones.name",
    ".iscsi.lun",
    ".metric.selector.matchExpressions.key",
    ".metric.selector.matchExpressions.operator",
    ".metric.selector.matchExpressions.values",
    ".ownerReferences.apiVersion",
    ".ownerReferences.kind",
    ".ownerReferences.name",
    ".ownerReferences.uid",
    ".podCertificate.keyType",
    ".podCertificate.signerName",
    ".podFailurePolicy.rules",
    ".scaleIO.secretRef",
    ".tokenRequests.audience",
];

fn bases() -> Vec<Base> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster");
    let mut list = Command::new("go");
    list.args(["list", "-m", "-f", "{{.Dir}}", "k8s.io/api"])
        .current_dir(folder)
        .env("GOFLAGS", "-mod=readonly");
    let output = list.output().expect("because building the cluster needs Go, too");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let module = String::from_utf8(output.stdout).expect("because it is a path");
    table::bases(&PathBuf::from(module.trim()).join("testdata/HEAD"))
}

/// Asks the shared cluster, which has what the bases name.
fn ask<R>(question: impl AsyncFnOnce(&Asked) -> R) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("because nothing is wrong with this machine").block_on(async {
        let asked = Asked::new(&Cluster::shared().kubeconfig()).await;
        for given in include_str!("broken/given.yaml").split("---\n") {
            asked.make(&table::read(given)).await;
        }
        question(&asked).await
    })
}

/// What is said of a manifest without a cluster: code, line and severity.
fn offline(schemas: &Schemas, text: &str) -> Vec<(&'static str, usize, Severity)> {
    let source = Source::new("a.yaml", text);
    let (manifests, mut findings) = manifest::read(&source);
    for manifest in &manifests {
        match check::one(manifest, schemas) {
            Some(found) => findings.extend(found),
            // Another check says so.
            None => findings.push(Finding::error(Code::KindUnknown, "").at(manifest.place())),
        }
    }
    let line = |finding: &Finding| finding.place.as_ref().map_or(0, |place| place.line as usize);
    let objects: Vec<Declared> =
        manifests.iter().map(|one| Declared { file: 0, at: 0, facts: Facts::of(one) }).collect();
    let at = |_, span| source.place(span);
    let across = Across::new(&objects, World { namespace: "default", schemas, at: &at });
    let of_kinds = |finding: &Finding| finding.code != Code::KindUnknown;
    findings.extend(across.check(&check::Cluster::NotAsked).into_iter().filter(of_kinds));
    findings.iter().map(|finding| (finding.code.number(), line(finding), finding.severity)).collect()
}

fn errors(schemas: &Schemas, text: &str) -> Vec<(&'static str, usize)> {
    let all = offline(schemas, text).into_iter();
    all.filter(|(.., severity)| *severity == Severity::Error).map(|(code, line, _)| (code, line)).collect()
}

#[test]
fn what_a_cluster_takes_has_no_finding() {
    let bases = bases();
    let refusals =
        ask(async |asked| asked.refusals(bases.iter().map(|base| (&base.object, base.object.clone()))).await);
    let schemas = Schemas::compiled(Minor::NEWEST);
    let mut wrong = String::new();
    for (base, refusal) in bases.iter().zip(refusals) {
        for cause in refusal.into_iter().flatten() {
            let _ =
                writeln!(wrong, "{}: the cluster refuses it: {} {}", base.name, cause.field, cause.message);
        }
        for (code, line) in errors(&schemas, &Manifest::new(&base.object).text) {
            let text = Manifest::new(&base.object).text;
            let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
            let _ = writeln!(wrong, "{}:{line}: {code} at `{shown}`", base.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_people_write_and_a_cluster_takes_has_no_error() {
    let written = [include_str!("broken/written.yaml"), include_str!("broken/right.yaml")];
    let written: Vec<&str> = written.into_iter().flat_map(|file| file.split("---\n")).collect();
    let objects: Vec<_> = written.iter().map(|text| table::read(text)).collect();
    let refusals = ask(async |asked| asked.refusals(objects.iter().map(|one| (one, one.clone()))).await);
    let schemas = Schemas::compiled(Minor::NEWEST);
    let mut wrong = String::new();
    for ((text, object), refusal) in written.iter().zip(&objects).zip(refusals) {
        let name = format!("{} {}", object["kind"], object["metadata"]);
        for cause in refusal.into_iter().flatten() {
            let _ = writeln!(wrong, "{name}: the cluster refuses it: {} {}", cause.field, cause.message);
        }
        for (code, line) in errors(&schemas, text) {
            let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
            let _ = writeln!(wrong, "{name}: {code} at `{shown}`");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_value_that_a_cluster_refuses_is_refused_offline_at_its_line() {
    let wrong = wrong::all();
    let objects = wrong.iter().map(|wrong| (&wrong.object, wrong.object.clone()));
    let refusals = ask(async |asked| asked.refusals(objects).await);
    let schemas = Schemas::compiled(Minor::NEWEST);
    let asked = wrong.iter().zip(refusals);
    let complaints: String =
        asked.filter_map(|(wrong, refusal)| wrong.complaint(&schemas, refusal.as_deref())).collect();
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn nearly_every_field_of_kubernetes_is_tried() {
    let bases = bases();
    let documents = ask(coverage::documents);
    let share = coverage::Share::of(&bases, &documents);
    assert!(share.percent() >= COVERED, "{share}");
}

#[test]
fn what_a_cluster_refuses_is_refused_offline_at_the_line() {
    let every = std::env::var("INSTATE_BROKEN")
        .map_or(EVERY, |number| number.parse().expect("INSTATE_BROKEN is a number"));
    let bases = bases();
    let all = || bases.iter().flat_map(|base| plans(&base.object).into_iter().map(move |plan| (base, plan)));
    let sample = || all().step_by(every).map(|(base, plan)| (base, plan.make(&base.object)));
    let refusals =
        ask(async |asked| asked.refusals(sample().map(|(base, broken)| (&base.object, broken.object))).await);
    let schemas = Schemas::compiled(Minor::NEWEST);
    let mut tally = Tally::default();
    for ((base, broken), refusal) in sample().zip(refusals) {
        tally.count(&schemas, base, &broken, refusal.as_deref());
    }
    let report = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("broken.txt");
    std::fs::write(&report, tally.to_string()).expect("because the folder is ours");
    let is_meant = |rule: &str| DELIBERATE.iter().any(|one| rule.ends_with(one));
    let stricter = tally
        .left
        .iter()
        .filter_map(|(rule, (_, example))| Some((rule.strip_prefix("stricter: ")?, example)));
    let stricter: Vec<_> = stricter.filter(|(rule, _)| !is_meant(rule)).collect();
    assert!(stricter.is_empty(), "{stricter:#?}");
    let percent = |part: usize| part * 100 / tally.refused.max(1);
    assert!(
        tally.refused > 0 && percent(tally.found) >= FOUND,
        "{} of {}; see {}",
        tally.found,
        tally.refused,
        report.display()
    );
    assert!(
        percent(tally.placed) >= FOUND,
        "{} of {}; see {}",
        tally.placed,
        tally.refused,
        report.display()
    );
}

/// A field without the numbers of its items.
fn plain(field: &str) -> String {
    let mut field = field.to_owned();
    while let (Some(from), Some(to)) = (field.find('['), field.find(']')) {
        field.replace_range(from..=to, "");
    }
    field
}

/// A field of a definition as it is written today: an API server calls the schema of all versions by an older name.
fn today(field: &str) -> String {
    let Some(rest) = field.strip_prefix("spec.validation.") else { return field.to_owned() };
    format!("spec.versions[0].schema.{}", rest.replace("properties[", "properties.").replace("].", "."))
}

#[derive(Default)]
struct Tally {
    broken: usize,
    /// By the cluster.
    refused: usize,
    /// Of those, offline as well.
    found: usize,
    /// Of those, at the line.
    placed: usize,
    /// Refused offline, and not by the cluster.
    stricter: usize,
    /// What is left, by the rule of the cluster that is not known here.
    left: BTreeMap<String, (usize, String)>,
}

impl Tally {
    fn count(&mut self, schemas: &Schemas, base: &Base, broken: &Break, refusal: Option<&[Cause]>) {
        self.broken += 1;
        let manifest = Manifest::new(&broken.object);
        let errors = errors(schemas, &manifest.text);
        let example = || format!("{}: {} {}", base.name, broken.how, broken.field);
        let Some(causes) = refusal else {
            if let Some((code, line)) = errors.first() {
                self.stricter += 1;
                let shown = manifest.text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
                self.leave(
                    format!("stricter: {code} {} {}", broken.how, plain(&broken.field)),
                    format!("{}: {shown}", base.name),
                );
            }
            return;
        };
        self.refused += 1;
        if errors.is_empty() {
            for cause in causes {
                let message = cause.message.lines().next().unwrap_or_default();
                let message: String = message.chars().take(160).collect();
                self.leave(format!("not found: {} {message}", plain(&cause.field)), example());
            }
            return;
        }
        self.found += 1;
        // What the cluster names may be more than the field that is wrong.
        let named = causes.iter().filter(|cause| !cause.field.is_empty());
        let mut lines: Vec<_> = named.map(|cause| manifest.lines(&today(&cause.field))).collect();
        let broken = manifest.line(&shown(&broken.at));
        lines.push(broken..=broken);
        if errors.iter().any(|(_, line)| lines.iter().any(|lines| lines.contains(line))) {
            self.placed += 1;
        } else {
            let cause = &causes[0];
            self.leave(
                format!("elsewhere: {:?} not {lines:?}: {} {}", errors, cause.field, cause.message),
                example(),
            );
        }
    }

    fn leave(&mut self, rule: String, example: String) {
        self.left.entry(rule).or_insert((0, example)).0 += 1;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { broken, refused, found, placed, stricter, left } = self;
        writeln!(
            f,
            "{broken} broken, {refused} refused by the cluster: {found} offline, {placed} at the line"
        )?;
        writeln!(f, "{stricter} refused only offline")?;
        let mut left: Vec<_> = left.iter().collect();
        left.sort_by_key(|(rule, (count, _))| (usize::MAX - count, (*rule).clone()));
        left.iter().try_for_each(|(rule, (count, example))| writeln!(f, "{count:5} {rule}\n      {example}"))
    }
}
