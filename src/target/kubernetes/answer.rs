//! What an API server says of an object becomes findings: file, line and column, and no Secret's value.

use base64::{Engine, prelude::BASE64_STANDARD};
use kube::core::Status;

use super::redact::Redact;
use crate::{
    finding::{Code, Finding},
    manifest::Manifest,
    policy::confirmed,
    source::Place,
    text,
};

/// So many characters of an API server's words are shown.
const WORDS: usize = 300;

const NOT_BASE64: &str = "not base64";

/// Why an API server refuses an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// The field, as the server writes it; empty where it is about the whole object.
    pub field: String,
    /// What is wrong.
    pub words: String,
}

/// The causes of a refusal, told apart where the server puts several into one text.
pub(super) fn causes(status: &Status) -> Vec<Cause> {
    let listed = status.details.iter().flat_map(|details| &details.causes);
    let listed: Vec<Cause> = listed
        .filter(|cause| !cause.message.is_empty())
        .map(|cause| Cause { field: cause.field.clone(), words: cause.message.clone() })
        .collect();
    if !listed.is_empty() {
        // Nobody can mend that by itself, and what can be mended stands beside it.
        let follows = |cause: &Cause| cause.words.contains("some validation rules were not checked");
        let own: Vec<Cause> = listed.iter().filter(|cause| !follows(cause)).cloned().collect();
        return if own.is_empty() { listed } else { own };
    }
    let strict = status.message.split_once("strict decoding error: ").map(|(_, rest)| rest);
    if let Some(strict) = strict {
        return strict.split(", ").map(strictly).collect();
    }
    if let Some(field) = typed(&status.message) {
        return field;
    }
    if let Some(cause) = undecoded(&status.message) {
        return vec![cause];
    }
    vec![Cause { field: String::new(), words: status.message.clone() }]
}

/// `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`
fn undecoded(message: &str) -> Option<Cause> {
    let (_, rest) = message.split_once("json: cannot unmarshal ")?;
    let (found, rest) = rest.split_once(" into Go struct field ")?;
    let (field, wanted) = rest.split_once(" of type ")?;
    // Before the field stands the type that has it.
    let (_, field) = field.split_once('.')?;
    Some(Cause { field: field.to_owned(), words: format!("expected {wanted}, got {found}") })
}

/// `unknown field "spec.replica"`, `duplicate field "x"`.
fn strictly(text: &str) -> Cause {
    let field = text.split('"').nth(1).unwrap_or_default();
    Cause { field: field.to_owned(), words: text.replace('"', "`") }
}

/// What server-side apply says of an object that its schema does not fit: each line begins with the field.
fn typed(message: &str) -> Option<Vec<Cause>> {
    let (_, rest) = message.split_once("failed to create typed patch object")?;
    let (_, rest) = rest.split_once("): ")?;
    let rest = rest.strip_prefix("errors:").unwrap_or(rest);
    let one = |line: &str| {
        let line = line.trim();
        let (field, words) = line.split_once(": ").filter(|(field, _)| field.starts_with('.'))?;
        Some(Cause { field: field.to_owned(), words: words.to_owned() })
    };
    let found: Vec<Cause> = rest.lines().filter_map(one).collect();
    (!found.is_empty()).then_some(found)
}

/// Whether a cause says that a field cannot be changed any more.
pub(super) fn is_immutable(cause: &Cause) -> bool {
    [
        "field is immutable",
        "is immutable after creation",
        "may not change once set",
        "cannot change roleRef",
        "updates to statefulset spec for fields other than",
        "pod updates may not change fields other than",
    ]
    .iter()
    .any(|words| cause.words.contains(words))
        || cause.words.contains("may not be changed") && cause.words.contains("immutable")
}

/// A refusal of `manifest` as findings.
pub(super) fn findings(manifest: &Manifest, status: &Status, redact: &Redact) -> Vec<Finding> {
    let secret = manifest.key.kind == "Secret" && manifest.key.group.is_empty();
    let about = |cause: Cause| {
        let (code, says) = code(status, &cause);
        let (at, whole) = place(manifest, &cause);
        let field = cause.field.trim_start_matches('.');
        let words = words(&cause, field, secret, redact);
        let message = match (field.is_empty(), whole) {
            (true, _) => format!("{}: {says}: {words}", manifest.key),
            (false, _) => format!("{}: `{}`: {words}", manifest.key, redact.clean(field, WORDS)),
        };
        let finding = Finding::error(code, message).at(at);
        match help(code, manifest, &cause) {
            Some(help) => finding.help(help),
            None => finding,
        }
    };
    let mut causes = causes(status);
    if secret && status.message.contains("illegal base64 data") {
        let found = not_base64(manifest);
        causes = if found.is_empty() { causes } else { found };
    }
    causes.into_iter().take(20).map(about).collect()
}

/// The server's words without what stands beside them anyway.
fn words(cause: &Cause, field: &str, secret: bool, redact: &Redact) -> String {
    let mut words = cause.words.as_str();
    if secret {
        return of_secret(cause, redact);
    }
    if is_unknown(words) {
        return "unknown field".to_owned();
    }
    let doubled = format!("`{field}`");
    if let Some(rest) = words.strip_suffix(doubled.as_str()) {
        words = rest.trim_end();
    }
    redact.clean(&plain(words), WORDS)
}

/// As [`words`], of a Secret: they may hold a value in a form that nobody knows beforehand.
fn of_secret(cause: &Cause, redact: &Redact) -> String {
    let words = cause.words.as_str();
    if is_immutable(cause) {
        return "it cannot be changed".to_owned();
    }
    if is_unknown(words) {
        return "unknown field".to_owned();
    }
    if words.starts_with("expected ") {
        // Only what was expected: what was found may be the value.
        return words.split(", got").next().unwrap_or_default().to_owned();
    }
    if let Some((who, _)) = words.split_once(" denied the request") {
        let who = redact.clean(who, WORDS);
        return format!("{who} denied the request (its words may hold a value and are not shown)");
    }
    let said = [
        (NOT_BASE64, NOT_BASE64),
        ("Required value", "it is required"),
        ("Too long", "too long"),
        ("a valid config key must consist of", "a key is of letters, digits, `-`, `_` and `.`"),
    ];
    let open = said.into_iter().find(|(theirs, _)| words.contains(theirs)).map(|(_, ours)| ours);
    open.unwrap_or("not valid (the server's words may hold a value and are not shown)").to_owned()
}

/// The values of a Secret that the server could not decode; it does not say which.
fn not_base64(manifest: &Manifest) -> Vec<Cause> {
    let body = manifest.json().unwrap_or_default();
    let values = body["data"].as_object().into_iter().flatten();
    let wrong =
        values.filter(|(_, value)| value.as_str().is_some_and(|v| BASE64_STANDARD.decode(v).is_err()));
    wrong.map(|(key, _)| Cause { field: format!("data[{key}]"), words: NOT_BASE64.to_owned() }).collect()
}

/// Without what only a Go programmer can read.
fn plain(words: &str) -> String {
    if let Some((before, value)) = words.split_once(", got &{") {
        return format!("{before}, got {}", value.strip_suffix('}').unwrap_or(value));
    }
    let Some((before, rest)) = words.split_once("&value.") else { return words.to_owned() };
    let found = match rest.split_once("{Value:") {
        Some((kind, value)) if kind.starts_with("value") => value.trim_end_matches('}'),
        Some((kind, _)) if kind.starts_with("list") => "a list",
        _ => "a map",
    };
    format!("{before}{found}")
}

fn is_unknown(words: &str) -> bool {
    words.starts_with("unknown field") || words.contains("not declared in schema")
}

fn code(status: &Status, cause: &Cause) -> (Code, &'static str) {
    if is_immutable(cause) {
        (Code::Immutable, "it cannot be changed")
    } else if status.message.contains("admission webhook") {
        (Code::Forbidden, "a webhook of the cluster refuses it")
    } else if status.code == 403 {
        (Code::Forbidden, "the cluster forbids it")
    } else {
        (Code::Invalid, "the cluster refuses it")
    }
}

fn help(code: Code, manifest: &Manifest, cause: &Cause) -> Option<String> {
    match code {
        Code::Immutable => Some(confirmed::anew(&manifest.key)),
        Code::Invalid if cause.words.starts_with("expected string, got") && is_one(&cause.words) => {
            Some("write it in quotes".to_owned())
        }
        Code::Invalid if cause.words == NOT_BASE64 => {
            Some("write it under `stringData` as it is, or encode it: base64 -w0".to_owned())
        }
        Code::Forbidden if cause.words.contains("exceeded quota") => {
            Some("ask for less, delete something, or raise the ResourceQuota".to_owned())
        }
        Code::Forbidden if cause.words.contains(" cannot ") && cause.words.contains("in API group") => {
            Some("give instate's user that permission in the cluster".to_owned())
        }
        _ => None,
    }
}

/// Whether what was found is one value, not several.
fn is_one(words: &str) -> bool {
    ![
        "got array",
        "got object",
        "got list",
        "got map",
        "&value.list",
        "&value.map",
        "{[",
        "{map[",
        ":[",
        ":map[",
    ]
    .iter()
    .any(|many| words.contains(many))
}

/// Where a cause is shown, and whether the manifest has its very field.
fn place(manifest: &Manifest, cause: &Cause) -> (Place, bool) {
    // The server speaks of the list that it makes of the one address.
    let field = if cause.field == "spec.clusterIPs[0]" { "spec.clusterIP" } else { &cause.field };
    let written = manifest.locate(&cause.field);
    let at = if written.whole { written } else { manifest.locate(field) };
    let span = if is_unknown(&cause.words) || !at.whole { at.key } else { at.value };
    (manifest.source.place(span), at.whole)
}

/// A refusal in one line, where there is no manifest to point at.
pub(super) fn one_line(status: &Status, secret: bool, redact: &Redact) -> String {
    let all = causes(status).into_iter().map(|cause| {
        let field = cause.field.trim_start_matches('.');
        let words = words(&cause, field, secret, redact);
        if field.is_empty() { words } else { format!("{}: {words}", text::excerpt(field, WORDS)) }
    });
    all.take(3).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(message: &str) -> Status {
        Status { code: 400, ..Status::failure(message, "BadRequest") }
    }

    #[test]
    fn fields_are_found_in_the_words_of_a_server_that_lists_none() {
        let fields =
            |message: &str| causes(&status(message)).into_iter().map(|c| c.field).collect::<Vec<_>>();
        assert_eq!(
            fields(
                "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.replica\", unknown field \"spec.x\""
            ),
            ["spec.replica", "spec.x"]
        );
        assert_eq!(
            fields(
                "failed to create typed patch object (a/b; apps/v1, Kind=Deployment): errors:\n  .spec.a: field not declared in schema\n  .spec.b: expected string, got 1"
            ),
            [".spec.a", ".spec.b"]
        );
        assert_eq!(
            fields(
                "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
            ),
            ["spec.replicas"]
        );
        assert_eq!(fields("no"), [""]);
    }

    #[test]
    fn values_are_shown_as_they_were_written() {
        for (words, shown) in [
            ("expected string, got &value.valueUnstructured{Value:8080}", "expected string, got 8080"),
            ("expected boolean, got &{perhaps}", "expected boolean, got perhaps"),
            ("expected map, got &{[a b]}", "expected map, got [a b]"),
            ("expected string, got &value.mapReflect{x}", "expected string, got a map"),
            ("must be larger", "must be larger"),
        ] {
            assert_eq!(plain(words), shown);
        }
    }
}
