//! What is wrong or doubtful in a push: a stable code, a place, and a way out.

mod introduced;
mod page;

pub use introduced::introduced;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::source::Place;

/// So many findings are made of one revision at most: each holds a line of what was pushed.
pub const MOST: usize = 1000;
/// So many of one file, or of one check, at most: nobody reads more, and a file could hold a million.
pub const MOST_OF_ONE: usize = 100;

/// How bad a finding is: an error refuses the push, a warning does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The push would not work, or not as its author means it.
    Error,
    /// The push would work, and its author should know something.
    Warning,
}

/// Declares every code once: its name in the program, its stable number, and what it is about.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $title:literal;)+) => {
        /// The stable code of a finding. Numbers are never given to another meaning.
        ///
        /// `I00..` the push itself, `I01..` files and YAML text, `I02..` one object,
        /// `I03..` objects together, `I04..` the cluster's own answers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[doc = $doc])+ #[serde(rename = $number)] $name,)+
        }

        impl Code {
            /// Every code there is, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            /// The number that messages and documents show.
            #[must_use]
            pub fn number(self) -> &'static str {
                match self { $(Code::$name => $number),+ }
            }

            /// What the code is about, in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title),+ }
            }
        }
    };
}

codes! {
    /// A push to `refs/instate/*` or `refs/notes/instate`.
    RecordRef = "I0001", "the record belongs to instate";
    /// A push that deletes an environment's branch.
    BranchDeleted = "I0002", "an environment's branch is not deleted by a push";
    /// A push that rewrites the history of an environment's branch.
    NotFastForward = "I0003", "an environment's branch is not rewritten by a push";
    /// An environment's branch would not point to a commit.
    NotACommit = "I0004", "a revision is a commit";
    /// Another push moved an environment's branch first.
    Overtaken = "I0005", "another push was quicker";
    /// A push to `refs/replace/*`.
    ReplaceRef = "I0006", "objects are not replaced";
    /// A push option that instate does not know.
    PushOption = "I0007", "an unknown push option";
    /// Somebody who may not push to an environment's branch.
    Pusher = "I0008", "who may push is the server's to say";
    /// A push to a branch that only merges of pull requests move.
    MergesOnly = "I0009", "a branch that moves by merges alone";
    /// A manifest that is larger than the limit.
    FileTooLarge = "I0101", "a manifest is too large";
    /// Folders nested more deeply than the limit.
    TreeTooDeep = "I0102", "the tree is too deep";
    /// More files or more bytes than the limit.
    TreeTooLarge = "I0103", "the tree is too large";
    /// A symbolic link where a manifest or a folder of manifests would be.
    SymbolicLink = "I0104", "links are not deployed";
    /// A submodule under an environment's path.
    Submodule = "I0105", "submodules are not deployed";
    /// A Git LFS pointer in the place of a manifest.
    LfsPointer = "I0106", "Git LFS content is not deployed";
    /// A folder that kustomize or Helm would render.
    NeedsRendering = "I0107", "a folder that needs rendering";
    /// A file name that cannot be shown or stored safely.
    FileName = "I0108", "a file name that is not plain text";
    /// An environment's path that the revision does not have.
    PathMissing = "I0109", "the environment's path is missing";
    /// A revision without any manifest.
    NoManifests = "I0110", "nothing to deploy";
    /// Bytes that are not UTF-8, or control characters, in a manifest.
    NotText = "I0120", "a manifest is not text";
    /// Text that is not YAML.
    YamlSyntax = "I0121", "not valid YAML";
    /// The same key twice in one mapping.
    DuplicateKey = "I0122", "a key stands twice";
    /// A document that `kubectl` would drop silently.
    HiddenDocument = "I0123", "a document that Kubernetes tools drop";
    /// A document that is nested more deeply, or is larger, than the limit.
    DocumentTooLarge = "I0124", "a document is too large";
    /// Leftovers of a merge.
    MergeConflict = "I0125", "an unresolved merge conflict";
    /// So many findings that the rest of the revision is not read.
    TooMany = "I0126", "too many findings";
    /// Two keys that are different texts and the same key to Kubernetes.
    KeysCollide = "I0127", "two keys become one";
    /// A merge that replaces a key which stands before it.
    MergeOverrides = "I0128", "a merge replaces a key";
    /// A merge of something that has no keys.
    MergeInvalid = "I0129", "a merge of what is no mapping";
    /// Aliases that stand for far more than the file holds.
    AliasesTooLarge = "I0130", "aliases stand for too much";
    /// A tag that its value does not obey.
    TagInvalid = "I0131", "a value that its tag does not fit";
    /// `.inf` or `.nan`.
    NotFinite = "I0132", "a number that JSON does not have";
    /// A character that ends a line for Kubernetes and not on the screen.
    LineSeparator = "I0133", "a hidden line break";
    /// A file that is not UTF-8 but UTF-16.
    Utf16 = "I0134", "a manifest is UTF-16";
    /// A comment that would silence a finding which is not there.
    AllowUnused = "I0140", "a comment that silences nothing";
    /// A comment to instate that it does not understand.
    AllowMalformed = "I0141", "a comment to instate that it does not understand";
    /// A comment that would silence what the policy does not let be silenced.
    AllowForbidden = "I0142", "a finding that may not be silenced";
    /// A field that the kind does not have.
    UnknownField = "I0201", "an unknown field";
    /// A document that is no Kubernetes object.
    NotAnObject = "I0202", "not a Kubernetes object";
    /// An object without a needed field.
    FieldMissing = "I0203", "a field is missing";
    /// A field that holds something else than it must.
    FieldInvalid = "I0204", "a field has a wrong value";
    /// A kind that the cluster does not have.
    KindUnknown = "I0205", "a kind that the cluster does not have";
    /// A namespace that is not there and that nothing declares.
    NamespaceMissing = "I0206", "a namespace is missing";
    /// A field that the kind requires.
    RequiredMissing = "I0207", "a required field is missing";
    /// A text where a number is needed, a mapping where a sequence is, and so on.
    WrongType = "I0208", "a value has the wrong type";
    /// A value that is read as something else than it looks like.
    Misread = "I0209", "a value is not read as it looks";
    /// A value that is not one of the allowed ones.
    NotAllowed = "I0210", "a value is not one of the allowed ones";
    /// A value that does not have the form or the size that its field needs.
    OutOfRange = "I0211", "a value has the wrong form or size";
    /// Items of a sequence that must differ and do not.
    ItemTwice = "I0212", "an item stands twice";
    /// Nothing where something has to be.
    NullValue = "I0213", "a value is empty";
    /// A value for which a rule (CEL) of its definition does not hold.
    RuleBroken = "I0214", "a rule of the definition does not hold";
    /// A label or an annotation that Kubernetes does not take.
    Label = "I0215", "a label or an annotation is not valid";
    /// Fields of which exactly one has to be there, or that exclude each other.
    OneOf = "I0230", "one of several fields";
    /// A name of something that the same object does not have.
    NotInObject = "I0231", "a name that nothing in the object has";
    /// Fields that do not go together, or of which one needs the other.
    Together = "I0232", "fields that do not go together";
    /// More requested than the limit allows.
    OverLimit = "I0233", "a request is above its limit";
    /// A definition that the cluster would not take.
    DefinitionInvalid = "I0260", "a definition of custom resources is not valid";
    /// A schema of a definition that the cluster would not take.
    DefinitionSchema = "I0261", "a schema of custom resources is not valid";
    /// The same object in two places.
    SameObjectTwice = "I0301", "an object is declared twice";
    /// A namespace that the API server drops without a word.
    NamespaceIgnored = "I0302", "a namespace on an object that lives in none";
    /// A workload that would not find its own Pods.
    SelectorMismatch = "I0303", "a selector does not match its own Pods";
    /// A Service or a `PodDisruptionBudget` without Pods.
    SelectsNothing = "I0304", "a selector that no Pod matches";
    /// An API version that went with an earlier Kubernetes.
    VersionRemoved = "I0305", "an API version that is no longer served";
    /// An API version that goes with a later Kubernetes.
    VersionDeprecated = "I0306", "an API version that will go";
    /// A webhook that stands in the way of what it needs itself.
    LocksOut = "I0307", "a webhook that can lock everybody out";
    /// An object that another one names and nobody has.
    ReferenceMissing = "I0308", "something that an object names is missing";
    /// A key that a `ConfigMap` or a Secret lacks.
    KeyMissing = "I0309", "a key that an object names is missing";
    /// A port that a Service lacks.
    PortMissing = "I0310", "a port that an object names is missing";
    /// An annotation about the order that says nothing.
    OrderUnreadable = "I0311", "an annotation about the order cannot be understood";
    /// An object to be waited for that is not deployed.
    OrderUnknown = "I0312", "something that an object waits for is missing";
    /// Objects of which none can be the first.
    OrderCircle = "I0313", "objects wait for each other";
    /// What the cluster refuses of an object.
    Invalid = "I0401", "the cluster refuses an object";
    /// A field that cannot be changed once it is there.
    Immutable = "I0402", "a field cannot be changed";
    /// What the cluster's rules forbid: permissions, quotas, webhooks.
    Forbidden = "I0403", "the cluster forbids it";
    /// An object of another environment.
    Owned = "I0404", "an object belongs to another environment";
    /// A deletion of what a revert could not bring back.
    Protected = "I0405", "a protected object would be deleted";
    /// An object that could not be asked about.
    NotChecked = "I0406", "an object was not checked by the cluster";
    /// More deletions than the server allows.
    TooManyDeletions = "I0407", "too many objects would be deleted at once";
    /// An object that another tool still deploys.
    AlsoManaged = "I0408", "an object that another tool deploys too";
    /// A field that somebody else holds, which is neither to be taken nor can be left.
    Held = "I0409", "a field that somebody else holds";
    /// What an object says of its conflicts is none of the words for it.
    ConflictsUnknown = "I0410", "an unknown word for what conflicts come to";
}

/// How certain it is that a finding is one, and not what follows from another: what cannot be read is
/// mended first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// The push, files, and the text of objects.
    Reading,
    /// One object by itself.
    Object,
    /// Objects together.
    Across,
    /// What only a cluster can know.
    Cluster,
}

impl Code {
    /// How certain a finding of this code is.
    #[must_use]
    pub fn certainty(self) -> Certainty {
        match self {
            Self::NotAnObject | Self::FieldMissing | Self::FieldInvalid => Certainty::Reading,
            Self::KindUnknown | Self::NamespaceMissing => Certainty::Cluster,
            Self::AllowUnused | Self::AllowMalformed | Self::AllowForbidden => Certainty::Object,
            code if code.number() < "I0200" => Certainty::Reading,
            code if code.number() < "I0300" => Certainty::Object,
            code if code.number() < "I0400" => Certainty::Across,
            _ => Certainty::Cluster,
        }
    }

    /// Whether an error of this code refuses a push that did not introduce it: it keeps something from being
    /// read, so that nobody can say what the revision declares.
    #[must_use]
    pub fn always_refuses(self) -> bool {
        self.certainty() == Certainty::Reading || self == Self::SameObjectTwice
    }

    /// Whether it says that something is not there, which nobody can know while anything was not read.
    #[must_use]
    pub fn is_of_absence(self) -> bool {
        use Code::{KeyMissing, NamespaceMissing, PortMissing, ReferenceMissing, SelectsNothing};
        matches!(self, NamespaceMissing | SelectsNothing | ReferenceMissing | KeyMissing | PortMissing)
    }
}

/// One thing that is wrong or doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule found it.
    pub code: Code,
    /// Whether it refuses the push.
    pub severity: Severity,
    /// Whether this push introduced it; what was there before is summed up and not repeated.
    #[serde(default = "is_introduced")]
    pub introduced: bool,
    /// One line that stands alone.
    pub message: String,
    /// Where, if it is about a place in a file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<Place>,
    /// The exact fix, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
}

/// What does not say otherwise is new.
fn is_introduced() -> bool {
    true
}

impl Finding {
    /// A finding that refuses the push.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, severity: Severity::Error, introduced: true, message, place: None, help: None }
    }

    /// A finding that its author should know of.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// The same finding, at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same finding, with its way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether it refuses the push.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.severity == Severity::Error && (self.introduced || self.code.always_refuses())
    }

    /// Whether it is this push's business: what it introduced, and what refuses every push.
    #[must_use]
    pub fn is_of_push(&self) -> bool {
        self.introduced || self.refuses()
    }
}

/// Accept or refuse, with all findings, sorted as a person reads them: errors first, then what is most
/// certain, then by place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    findings: Vec<Finding>,
}

impl Verdict {
    /// The verdict on these findings; one that stands twice (two environments that share a file) counts once.
    #[must_use]
    pub fn new(mut findings: Vec<Finding>) -> Self {
        let key = |f: &Finding| {
            let place = f.place.as_ref().map(|p| (p.path.clone(), p.line, p.column));
            (f.severity, f.code.certainty(), place, f.code, f.message.clone(), !f.introduced)
        };
        findings.sort_by_cached_key(key);
        // What is new to one environment is new.
        findings.dedup_by(|again, first| Finding { introduced: first.introduced, ..again.clone() } == *first);
        Self { findings }
    }

    /// All findings, errors first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings that are this push's business.
    pub fn of_push(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_of_push())
    }

    /// What refuses the push.
    pub fn refusing(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.refuses())
    }

    /// Whether the push is refused.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.refusing().next().is_some()
    }

    /// How many findings of the push there are of one severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.of_push().filter(|f| f.severity == severity).count()
    }

    /// How many findings were there before the push, and are not its business.
    #[must_use]
    pub fn count_before(&self) -> usize {
        self.findings.len() - self.of_push().count()
    }

    /// In how many files the findings of the push of one severity are.
    #[must_use]
    pub fn files(&self, severity: Severity) -> usize {
        let of = self.of_push().filter(|f| f.severity == severity);
        of.filter_map(|f| f.place.as_ref().map(|p| p.path.as_str())).collect::<BTreeSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Finding, Verdict};
    use crate::source::Source;

    #[test]
    fn every_code_has_a_number_of_its_own_in_rising_order() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
    }

    #[test]
    fn what_was_there_before_refuses_only_where_it_keeps_the_revision_from_being_read() {
        let old = |code| Finding { introduced: false, ..Finding::error(code, "x") };
        for (code, refuses) in [
            (Code::YamlSyntax, true),
            (Code::FieldMissing, true),
            (Code::SameObjectTwice, true),
            (Code::KindUnknown, false),
            (Code::Invalid, false),
        ] {
            assert_eq!(Verdict::new(vec![old(code)]).refuses(), refuses, "{}", code.number());
            assert!(Verdict::new(vec![Finding::error(code, "x")]).refuses(), "{}", code.number());
        }
        assert!(!Verdict::new(vec![Finding::warning(Code::YamlSyntax, "x")]).refuses());
    }

    #[test]
    fn a_finding_in_json_is_as_the_document_says() {
        let document = include_str!("../docs/json.md");
        let example = document.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
        let example: serde_json::Value =
            serde_json::from_str(example.unwrap_or_default()).expect("it is JSON");
        let finding: Finding = serde_json::from_value(example.clone()).expect("it is a finding");
        assert_eq!(serde_json::to_value(&finding).expect("it can be written"), example);
        assert_eq!(finding.code, Code::DuplicateKey);
    }

    #[test]
    fn findings_stand_by_severity_then_certainty_then_place() {
        let source = Source::new("a.yaml", "a\nb\n");
        let at = |line: usize| source.place((line * 2..line * 2 + 1).into());
        let sorted = Verdict::new(vec![
            Finding::warning(Code::YamlSyntax, "5").at(at(0)),
            Finding::error(Code::Invalid, "4").at(at(0)),
            Finding::error(Code::SameObjectTwice, "3").at(at(0)),
            Finding::error(Code::FieldMissing, "2").at(at(1)),
            Finding::error(Code::YamlSyntax, "1").at(at(0)),
        ]);
        let messages: Vec<&str> = sorted.findings().iter().map(|f| f.message.as_str()).collect();
        assert_eq!(messages, ["1", "2", "3", "4", "5"]);
    }

    #[test]
    fn what_is_new_to_one_environment_and_old_to_another_counts_once_and_as_new() {
        let new = Finding::error(Code::Invalid, "x");
        let old = Finding { introduced: false, ..new.clone() };
        for both in [vec![new.clone(), old.clone()], vec![old, new.clone()]] {
            assert_eq!(Verdict::new(both).findings(), std::slice::from_ref(&new));
        }
    }
}
