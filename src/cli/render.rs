//! `instate render`: the documents as Kubernetes would read them.

use std::process::ExitCode;

use super::{exit, input::Input};
use crate::{
    error::Result,
    finding::{self, Code, Finding, Verdict},
    manifest, render,
    report::{Event, Out, Report},
    source::Source,
    text,
};

/// Print the objects as Kubernetes would read them, one JSON object a line
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What cannot be read is said on standard error, and then nothing is printed and the exit code is 1.
Lists are printed as the objects that they hold.

Examples:
  instate render
  instate render HEAD --path production
  instate render web.yaml | jq .spec.replicas
  kubectl get deployment web -o yaml | instate render -"
)]
pub(super) struct Arguments {
    /// A revision, a folder, files, or - for standard input
    what: Vec<String>,
    /// The environment's path in it
    #[arg(long, default_value = ".")]
    path: String,
    /// Print every document, also what is no Kubernetes object, and Lists as they are
    #[arg(long)]
    raw: bool,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    let input = Input::of(&arguments.what)?;
    let read = if arguments.raw { documents as Reading } else { objects };
    let (mut lines, mut findings) = (Vec::new(), Vec::new());
    let of_files = input.each(&arguments.path, |path, bytes| {
        if findings.len() < finding::MOST {
            match render::plain(path, bytes) {
                Ok(source) => read(&source, &mut lines, &mut findings),
                Err(finding) => findings.push(*finding),
            }
        }
    })?;
    findings.extend(of_files);
    let verdict = Verdict::new(findings);
    let good = !verdict.refuses();
    if !verdict.findings().is_empty() {
        let what = arguments.what.first().map_or(".", String::as_str);
        report.event(&Event::Checked { what: text::excerpt(what, 60), objects: lines.len(), verdict });
    }
    if good {
        // Whoever reads may do with the documents what it likes: none of a revision that is refused.
        let mut out = Out::stdout();
        for line in &lines {
            out.line(line);
        }
    }
    Ok(exit(good))
}

/// Reads the lines of a file, and what is wrong with it.
type Reading = fn(&Source, &mut Vec<String>, &mut Vec<Finding>);

/// The objects of a file, Lists expanded.
fn objects(source: &Source, lines: &mut Vec<String>, findings: &mut Vec<Finding>) {
    let (manifests, wrong) = manifest::read(source);
    findings.extend(wrong);
    for found in manifests {
        match manifest::line(&found.tree, found.node) {
            Ok(line) => lines.push(line),
            Err(manifest::TooLarge) => findings.push(too_large(&found.key.kind).at(found.place())),
        }
    }
}

/// Every document that holds something.
fn documents(source: &Source, lines: &mut Vec<String>, findings: &mut Vec<Finding>) {
    let (trees, wrong) = manifest::parse(source);
    findings.extend(wrong);
    for tree in trees {
        let Some(root) = tree.root().filter(|root| tree.resolve(*root) != manifest::Resolved::Null) else {
            continue;
        };
        match manifest::line(&tree, root) {
            Ok(line) => lines.push(line),
            Err(manifest::TooLarge) => {
                findings.push(too_large("a document").at(source.place(tree.span(root))));
            }
        }
    }
}

fn too_large(what: &str) -> Finding {
    let message = format!("{} stands for more values than any cluster takes", text::excerpt(what, 40));
    Finding::error(Code::DocumentTooLarge, message).help("divide it")
}
