//! Where a rule of definitions is broken: a path that is only put together for a finding.

use std::fmt::{self, Write as _};

use crate::{
    finding::{Code, Finding, MOST_OF_ONE},
    manifest::Manifest,
    text,
};

/// A field, and what it is in.
#[derive(Clone, Copy)]
pub(super) struct At<'p> {
    up: Option<&'p At<'p>>,
    part: Part<'p>,
}

#[derive(Clone, Copy)]
enum Part<'p> {
    Field(&'p str),
    Item(usize),
}

impl<'p> At<'p> {
    pub const SPEC: At<'static> = At { up: None, part: Part::Field("spec") };
    pub const METADATA: At<'static> = At { up: None, part: Part::Field("metadata") };

    pub fn field(&'p self, name: &'p str) -> At<'p> {
        At { up: Some(self), part: Part::Field(name) }
    }

    pub fn item(&'p self, at: usize) -> At<'p> {
        At { up: Some(self), part: Part::Item(at) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(up) = self.up {
            up.fmt(f)?;
        }
        match self.part {
            Part::Field(name) if self.up.is_none() => f.write_str(name),
            Part::Field(name) => write!(f, ".{name}"),
            Part::Item(at) => write!(f, "[{at}]"),
        }
    }
}

/// What was found in one definition.
pub(super) struct Report<'m> {
    manifest: &'m Manifest,
    pub findings: Vec<Finding>,
}

/// So many characters of a path or a value are shown.
const SHOWN: usize = 160;

impl<'m> Report<'m> {
    pub fn new(manifest: &'m Manifest) -> Self {
        Self { manifest, findings: Vec::new() }
    }

    pub fn is_full(&self) -> bool {
        self.findings.len() >= MOST_OF_ONE
    }

    /// `FIELD RULE`, as "`spec.scope` is missing".
    pub fn add(&mut self, code: Code, at: At<'_>, rule: impl fmt::Display, help: impl fmt::Display) {
        if self.is_full() {
            return;
        }
        let path = at.to_string();
        let found = self.manifest.locate(&path);
        let mut message = String::new();
        let _ = write!(message, "`{}` {rule}", text::excerpt(&path, SHOWN));
        let finding = Finding::error(code, message).at(self.manifest.source.place(found.key));
        self.findings.push(finding.help(help.to_string()));
    }
}

/// A value of a definition, for a message.
pub(super) fn shown(value: &str) -> String {
    text::excerpt(value, 60)
}
