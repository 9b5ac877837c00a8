//! `wrong/*.yaml`: objects with one value that a cluster refuses, as people write them.

use std::fmt::Write as _;

use instate::check::schema::Schemas;
use serde_json::Value;

use super::{ask::Cause, breaks::Manifest, errors, table};

/// An object with one wrong value.
pub struct Wrong {
    name: &'static str,
    /// What has to be mended, where the cluster names another field.
    at: Option<&'static str>,
    pub object: Value,
}

/// All of them.
pub fn all() -> Vec<Wrong> {
    let files = [
        include_str!("wrong/pods.yaml"),
        include_str!("wrong/workloads.yaml"),
        include_str!("wrong/network.yaml"),
        include_str!("wrong/others.yaml"),
    ];
    files.into_iter().flat_map(|file| file.split("---\n")).map(Wrong::read).collect()
}

impl Wrong {
    fn read(text: &'static str) -> Self {
        let mut comments = text.lines().map_while(|line| line.strip_prefix("# "));
        let name = comments.next().expect("because each says what is wrong");
        let at = comments.next().and_then(|line| line.strip_prefix("at: "));
        Self { name, at, object: table::read(text) }
    }

    /// What is not as it should be: both refuse it, and what is said offline stands in the lines of the field
    /// that the cluster names.
    pub fn complaint(&self, schemas: &Schemas, refusal: Option<&[Cause]>) -> Option<String> {
        let Some(causes) = refusal else { return Some(format!("{}: the cluster takes it\n", self.name)) };
        let manifest = Manifest::new(&self.object);
        let errors = errors(schemas, &manifest.text);
        let fields = causes.iter().map(|cause| cause.field.as_str());
        let named: Vec<_> = self.at.map_or_else(|| fields.collect(), |at| vec![at]);
        let is_there = |line: usize| named.iter().any(|field| manifest.lines(field).contains(&line));
        if errors.len() == 1 && errors.iter().all(|(_, line)| is_there(*line)) {
            return None;
        }
        let mut complaint = format!("{}: offline {errors:?}\n", self.name);
        for cause in causes {
            let _ = writeln!(
                complaint,
                "  {:?} {}: {}",
                manifest.lines(&cause.field),
                cause.field,
                cause.message
            );
        }
        Some(complaint)
    }
}
