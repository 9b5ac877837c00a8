//! `instate health`: how objects are, from what they say themselves.

use std::{path::PathBuf, process::ExitCode};

use jiff::Timestamp;
use serde::Serialize;

use super::{exit, input};
use crate::{
    config::Config,
    error::Result,
    finding::{self, Code, Finding, Verdict},
    manifest::{self, MAX_LISTS, NodeId, Resolved, Tree},
    render,
    report::{Event, Format, Out, Report},
    source::Source,
    text,
    wait::health::{Expressions, Health},
};

/// Characters of a name; Kubernetes has none that is longer.
const NAME: usize = 253;

/// Say how healthy objects are, from what they say themselves and without a cluster
#[derive(Debug, clap::Args)]
#[command(
    after_help = "One line for each object, as the cluster shows it in YAML or JSON; a List is its objects. It is
  healthy      it is as it is wanted
  progressing  not yet
  failed       it cannot become so, or its controller could not make it so
  suspended    somebody has stopped it
  terminating  it is being deleted
  unknown      nothing says how it is

With --format json each line is {\"status\": \"...\", \"reason\": \"...\"}, in the order of the objects.

The exit code is 0 whatever the objects are like. What cannot be read is said on standard error:
then nothing is printed, and the exit code is 1.

Examples:
  kubectl get deployment web -o yaml | instate health
  kubectl get all --all-namespaces -o json | instate health --format json
  instate health backup.yaml
  kubectl get widgets -o yaml | instate health --config /srv/git/production.git/instate.yaml"
)]
pub(super) struct Arguments {
    /// Files, or - for standard input, which is also read where nothing is named
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// A server's configuration, which may say by expressions how some kinds are
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The environment of that configuration; may be left out where there is one
    #[arg(long, value_name = "NAME", requires = "config")]
    environment: Option<String>,
}

pub(super) fn run(arguments: &Arguments, format: Format, report: &mut Report) -> Result<ExitCode> {
    let rules = match &arguments.config {
        None => Vec::new(),
        Some(file) => {
            let config = Config::from_file(file)?;
            config.environment_or_only(arguments.environment.as_deref())?.health.clone()
        }
    };
    let expressions = Expressions::new(&rules);
    let stdin = ["-".to_owned()];
    let names = if arguments.files.is_empty() { &stdin[..] } else { &arguments.files };
    let (files, mut findings) = input::read(names)?;
    let (mut objects, now) = (Vec::new(), Timestamp::now());
    for (name, bytes) in files.0 {
        if findings.len() >= finding::MOST {
            break;
        }
        match render::plain(&name, bytes) {
            Ok(source) => {
                let (trees, wrong) = manifest::parse(&source);
                findings.extend(wrong);
                for tree in &trees {
                    let mut reader = Reader {
                        source: &source,
                        tree,
                        objects: &mut objects,
                        now,
                        expressions: &expressions,
                    };
                    let read = tree.root().map_or(Ok(()), |root| reader.object(root, 0));
                    findings.extend(read.err().map(|wrong| *wrong));
                }
            }
            Err(wrong) => findings.push(*wrong),
        }
    }
    let verdict = Verdict::new(findings);
    let good = !verdict.refuses();
    if !verdict.findings().is_empty() {
        report.event(&Event::Checked { what: text::excerpt(&names[0], 60), objects: objects.len(), verdict });
    }
    if good {
        let mut out = Out::stdout();
        for object in &objects {
            out.line(&if format == Format::Json { object.json() } else { object.human() });
        }
    }
    Ok(exit(good))
}

/// An object, and how it is.
struct Found {
    name: String,
    health: Health,
}

impl Found {
    fn human(&self) -> String {
        let Health { status, reason } = &self.health;
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        format!("{}: {status}{reason}", self.name)
    }

    fn json(&self) -> String {
        #[derive(Serialize)]
        struct Line<'l> {
            status: String,
            reason: &'l str,
        }
        let line = Line { status: self.health.status.to_string(), reason: &self.health.reason };
        serde_json::to_string(&line).expect("because it is two texts")
    }
}

/// Reads the objects of a document. Of what an API server shows only the kind is needed: what it made itself has
/// names that nobody may write, and an object that is only to be created may have none.
struct Reader<'r> {
    source: &'r Source,
    tree: &'r Tree,
    objects: &'r mut Vec<Found>,
    now: Timestamp,
    expressions: &'r Expressions<'r>,
}

impl Reader<'_> {
    fn object(&mut self, node: NodeId, lists: usize) -> Result<(), Box<Finding>> {
        let tree = self.tree;
        match tree.resolve(node) {
            Resolved::Mapping(_) => {}
            Resolved::Null if lists == 0 => return Ok(()),
            other => {
                let what = other.describe();
                return self.wrong(
                    Code::NotAnObject,
                    node,
                    &format!("here is {what}, not a Kubernetes object"),
                    "print objects with: kubectl get -o yaml",
                );
            }
        }
        let (api_version, kind) = (self.field(node, "apiVersion")?, self.field(node, "kind")?);
        let items = tree.get(node, "items").filter(|_| kind.ends_with("List"));
        if let Some((_, items)) = items {
            if lists >= MAX_LISTS {
                let message = format!("Lists stand in each other {MAX_LISTS} deep");
                return self.wrong(Code::FieldInvalid, node, &message, "give its objects as documents");
            }
            return match tree.resolve(items) {
                Resolved::Sequence(items) => items.iter().try_for_each(|item| self.object(*item, lists + 1)),
                Resolved::Null => Ok(()),
                other => {
                    let message = format!("`items` of a List is {}, not a sequence", other.describe());
                    self.wrong(Code::FieldInvalid, items, &message, "give its objects as documents")
                }
            };
        }
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let Ok(live) = manifest::json(tree, node) else {
            let message = "the object stands for more values than any cluster takes";
            return self.wrong(Code::DocumentTooLarge, node, message, "divide it");
        };
        let metadata = &live["metadata"];
        let text = |key: &str| metadata[key].as_str().map(|text| text::excerpt(text, NAME));
        let mut name = text::excerpt(&kind, NAME);
        if let Some(own) = text("name").or_else(|| Some(text("generateName")? + "...")) {
            name = format!("{name}/{own}");
        }
        if let Some(namespace) = text("namespace").filter(|namespace| !namespace.is_empty()) {
            name = format!("{name} in {namespace}");
        }
        self.objects.push(Found { name, health: self.expressions.health(group, &kind, &live, self.now) });
        Ok(())
    }

    /// A field that every object has.
    fn field(&self, node: NodeId, key: &str) -> Result<String, Box<Finding>> {
        match self.tree.get(node, key).map(|(_, value)| self.tree.resolve(value)) {
            Some(Resolved::Text(text)) if !text.is_empty() => Ok(text.to_owned()),
            _ => {
                let message = format!("an object has no `{key}`");
                self.wrong(Code::FieldMissing, node, &message, "print objects with: kubectl get -o yaml")
            }
        }
    }

    fn wrong<T>(&self, code: Code, node: NodeId, message: &str, help: &str) -> Result<T, Box<Finding>> {
        let start = self.tree.span(node).range().start;
        let place = self.source.place((start..start).into());
        Err(Box::new(Finding::error(code, message.to_owned()).at(place).help(help)))
    }
}
