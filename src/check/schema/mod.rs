//! What the fields of a kind may be: `OpenAPI` v3 as Kubernetes writes it, in a form that a walker can ask
//! without thinking about JSON schema.
//!
//! Schemas refer to each other by number in an [`Arena`]: one for the Kubernetes that is compiled in, one for
//! each document of a cluster, one for each `CustomResourceDefinition` of the revision.

pub mod cel;
mod compiled;
mod definition;
mod live;
mod openapi;
mod reader;
mod set;
pub mod walk;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use self::{
    definition::check as check_definition,
    live::{Document, Live, Served},
    reader::TooLarge,
    set::Schemas,
};

/// A schema in its [`Arena`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Id(pub u32);

/// Schemas that refer to each other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Arena {
    schemas: Vec<Schema>,
}

/// What a value may be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Schema {
    /// The name of its type where it has one: `io.k8s.api.core.v1.Container`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// What it is.
    pub shape: Shape,
    /// Whether `null` stands for itself; where it does not, Kubernetes takes `null` for a field that is not written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    /// What the server puts in the place of what is not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
    /// What narrows it further; most have nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Box<Limits>>,
}

/// What a value is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
pub enum Shape {
    /// Anything, kept as it is.
    #[default]
    Any,
    /// A mapping.
    Object(Object),
    /// A sequence.
    List(List),
    /// A text.
    Text(Format),
    /// A whole number that fits in so many bits, 32 or 64.
    Integer(u8),
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A whole number or a text: a port or its name.
    IntOrString,
    /// `500m`, `1Gi`, `2`: a number or a text.
    Quantity,
}

/// What a text has to look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Nothing in particular.
    #[default]
    Plain,
    /// Base64.
    Byte,
    /// RFC 3339, to the second or finer.
    DateTime,
    /// RFC 3339 with a fraction, as `MicroTime` is.
    MicroTime,
    /// `2026-11-23`.
    Date,
    /// `1h30m`, as Go reads it.
    Duration,
    /// Another one, that is checked for custom resources.
    Other(Known),
}

/// What custom resources' texts are checked for; Kubernetes takes any other `format` for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are what they are called in a definition")]
pub enum Known {
    BsonObjectId,
    Uri,
    Email,
    Hostname,
    Ipv4,
    Ipv6,
    Cidr,
    Mac,
    Uuid,
    Uuid3,
    Uuid4,
    Uuid5,
    Isbn,
    Isbn10,
    Isbn13,
    CreditCard,
    Ssn,
    HexColor,
    RgbColor,
    /// `date-time`, read with more patience than in Kubernetes' own types.
    DateTime,
    /// As Go reads it, or `3 days`.
    Duration,
    ShortName,
    LongName,
}

/// A mapping.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
pub struct Object {
    /// Its fields, sorted by name.
    pub fields: Vec<Field>,
    /// What any other key may hold.
    pub others: Others,
    /// Whether it is an object of Kubernetes itself (`x-kubernetes-embedded-resource`).
    pub embedded: bool,
}

/// A field of a mapping.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct Field {
    /// Its key.
    pub name: Box<str>,
    /// What it may be.
    pub schema: Id,
    /// Whether it has to be there.
    pub required: bool,
}

/// What keys may stand in a mapping beside its fields.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, PartialEq)]
pub enum Others {
    /// None: an unknown field.
    #[default]
    None,
    /// Any, with anything: `x-kubernetes-preserve-unknown-fields`.
    Anything,
    /// Any, each with this: labels, `data`.
    Each(Id),
}

/// A sequence.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct List {
    /// What each item is.
    pub items: Id,
    /// What tells items apart.
    pub by: By,
}

/// What tells the items of a sequence apart (`x-kubernetes-list-type`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// Nothing: it is one value.
    #[default]
    Nothing,
    /// The item itself: none stands twice.
    Value,
    /// These fields of the item: none stands twice with the same.
    Keys(Vec<Box<str>>),
}

/// What narrows a value.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
#[serde(default)]
pub struct Limits {
    /// The only values; empty where there is no such list.
    pub values: Vec<Json>,
    /// A regular expression as Go knows it, found anywhere in a text.
    pub pattern: Option<Box<str>>,
    /// The smallest number.
    pub minimum: Option<f64>,
    /// Whether `minimum` itself is too small.
    pub above: bool,
    /// The largest number.
    pub maximum: Option<f64>,
    /// Whether `maximum` itself is too large.
    pub below: bool,
    /// What a number is a multiple of.
    pub multiple_of: Option<f64>,
    /// Characters of a text, items of a sequence or keys of a mapping, at least.
    pub at_least: Option<u64>,
    /// As `at_least`, at most.
    pub at_most: Option<u64>,
    /// Fits all of these, too.
    pub all: Vec<Id>,
    /// Fits one of these or several.
    pub any: Vec<Id>,
    /// Fits exactly one of these.
    pub one: Vec<Id>,
    /// Does not fit this.
    pub not: Option<Id>,
    /// What has to hold, in CEL (`x-kubernetes-validations`).
    pub rules: Vec<Rule>,
}

/// What has to hold of a value, in CEL.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// The expression; `self` is the value.
    pub rule: String,
    /// What is said where it does not hold.
    pub message: Option<String>,
    /// An expression that makes what is said.
    pub message_expression: Option<String>,
    /// The field below the value that is meant.
    pub field_path: Option<String>,
}

impl Arena {
    /// Adds a schema.
    fn push(&mut self, schema: Schema) -> Id {
        let id = u32::try_from(self.schemas.len()).expect("because no cluster has billions of fields");
        self.schemas.push(schema);
        Id(id)
    }

    /// Says what a schema is that was added before that was known.
    fn set(&mut self, id: Id, schema: Schema) {
        self.schemas[id.0 as usize] = schema;
    }

    /// Looks at a schema.
    #[must_use]
    pub fn at(&self, id: Id) -> At<'_> {
        At { arena: self, id }
    }
}

/// A schema where it is.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    arena: &'a Arena,
    id: Id,
}

impl<'a> At<'a> {
    /// The schema itself.
    #[must_use]
    pub fn schema(self) -> &'a Schema {
        &self.arena.schemas[self.id.0 as usize]
    }

    /// Another one of the same arena.
    #[must_use]
    pub fn other(self, id: Id) -> At<'a> {
        At { id, ..self }
    }
}

impl Object {
    /// The field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        let at = self.fields.binary_search_by(|field| (*field.name).cmp(name)).ok()?;
        self.fields.get(at)
    }
}

/// Whether objects of a kind live in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// In one.
    Namespaced,
    /// In none.
    Cluster,
}

/// A kind of one version, as it is served.
#[derive(Debug, Clone, Copy)]
pub struct Kind<'a> {
    /// What its objects may be.
    pub schema: At<'a>,
    /// Where they live.
    pub scope: Scope,
    /// Whether it is on its way out.
    pub deprecated: Option<&'a Deprecated>,
    /// Whether it is of Kubernetes itself, whose own rules (beyond the schema) hold for it.
    pub built_in: bool,
    /// Whether a cluster said what it may be, which then also says whether the rules of its definition hold.
    pub live: bool,
}

/// A version of a kind that will go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deprecated {
    /// Since which minor; a `CustomResourceDefinition` only says that it is.
    pub since: Option<Minor>,
    /// The minor that does not serve it any more.
    pub removed: Option<Minor>,
    /// `policy/v1`, `PodDisruptionBudget`: what to write instead.
    pub instead: Option<(Box<str>, Box<str>)>,
}

/// The kind of object that defines kinds.
pub const DEFINITION: &str = "CustomResourceDefinition";

/// A minor version of Kubernetes: 36 of 1.36.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Minor(pub u8);

impl Minor {
    /// The oldest that is compiled in.
    pub const OLDEST: Minor = Minor(31);
    /// The newest that is compiled in.
    pub const NEWEST: Minor = Minor(36);

    /// Reads `1.36` or `v1.36.3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let major = parts.next()?;
        parts.next()?.parse().ok().filter(|_| major == "1").map(Self)
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

/// What is known of `apiVersion` and `kind`.
#[derive(Debug)]
pub enum Found<'a> {
    /// It is served.
    Kind(Kind<'a>),
    /// It was served by an older Kubernetes and is not by this one; its `removed` says since when.
    Removed(&'a Deprecated),
    /// Kubernetes serves it from that minor on.
    Newer(Minor),
    /// It is asked of a cluster, and no object of it is kept: a review, a binding.
    NotKept,
    /// The group is one of Kubernetes' own (or the cluster was asked) and has no such kind in that version.
    Unknown {
        /// `apiVersion` and `kind` of the nearest that there is: another version, or a misspelt name.
        nearest: Option<(String, String)>,
    },
    /// Nobody knows: a custom resource whose definition is neither here nor in a cluster that could be asked.
    NoSchema,
}
