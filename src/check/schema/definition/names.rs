//! What a `CustomResourceDefinition` says beside its schemas: names, versions, columns, subresources, conversion.

use serde_json::Value as Json;

use super::report::{At, Report, shown};
use crate::finding::Code::DefinitionInvalid as Invalid;

/// Everything that is wrong beside the schemas.
pub(super) fn check(report: &mut Report<'_>, definition: &Json) {
    let spec = &definition["spec"];
    group(report, definition);
    whole(report, definition);
    names(report, &spec["names"]);
    let at = At::SPEC;
    match spec["scope"].as_str() {
        Some("Namespaced" | "Cluster") | None => {}
        Some(other) => {
            let rule = format!("cannot be `{}`", shown(other));
            report.add(Invalid, at.field("scope"), rule, "write `Namespaced` or `Cluster`");
        }
    }
    if spec["preserveUnknownFields"] == true {
        let help = "remove it, and write `x-kubernetes-preserve-unknown-fields: true` into the schema where it is meant";
        report.add(Invalid, at.field("preserveUnknownFields"), "cannot be true any more", help);
    }
    versions(report, &spec["versions"]);
    conversion(report, &spec["conversion"]);
}

fn group(report: &mut Report<'_>, definition: &Json) {
    let spec = &definition["spec"];
    let Some(group) = spec["group"].as_str() else { return };
    let at = At::SPEC;
    if !is_domain(group) {
        let rule = format!("cannot be `{}`: it is no domain", shown(group));
        report.add(Invalid, at.field("group"), rule, "write a domain that is yours, as `example.com`");
    } else if !group.contains('.') {
        let rule = format!("is `{}`, a domain without a dot", shown(group));
        report.add(
            Invalid,
            at.field("group"),
            rule,
            format!("write a domain that is yours, as `{group}.example.com`"),
        );
    } else if is_protected(group) {
        let approved = definition["metadata"]["annotations"]["api-approved.kubernetes.io"].as_str();
        let is_good = approved.is_some_and(|said| said.starts_with("unapproved") || said.contains("://"));
        if !is_good {
            let rule = format!(
                "is `{}`, a domain of Kubernetes itself, without the annotation that allows it",
                shown(group)
            );
            let help = "use a domain that is yours, or set the annotation `api-approved.kubernetes.io` to the address of the approval";
            report.add(Invalid, at.field("group"), rule, help);
        }
    }
}

/// Groups that Kubernetes keeps for itself.
fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|own| group.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// The name is made of what the definition says.
fn whole(report: &mut Report<'_>, definition: &Json) {
    let spec = &definition["spec"];
    let (Some(plural), Some(group)) = (spec["names"]["plural"].as_str(), spec["group"].as_str()) else {
        return;
    };
    let Some(name) = definition["metadata"]["name"].as_str() else { return };
    if name.strip_suffix(group).and_then(|rest| rest.strip_suffix('.')) != Some(plural) {
        let rule = format!("is `{}`, and not the plural and the group of the definition", shown(name));
        let help = format!("write `name: {}`", shown(&format!("{plural}.{group}")));
        report.add(Invalid, At::METADATA.field("name"), rule, help);
    }
}

fn names(report: &mut Report<'_>, names: &Json) {
    let at = At::SPEC;
    let at = at.field("names");
    let help = "write small letters, digits and `-`, at most 63, with a letter first";
    for key in ["plural", "singular", "kind", "listKind"] {
        let Some(name) = names[key].as_str() else { continue };
        let is_kind = matches!(key, "kind" | "listKind");
        let good = if is_kind { is_label(&name.to_ascii_lowercase()) } else { is_label(name) };
        if !good {
            let help = if is_kind { "a kind is one word like `Widget`" } else { help };
            report.add(Invalid, at.field(key), format!("cannot be `{}`", shown(name)), help);
        }
    }
    for key in ["shortNames", "categories"] {
        let list = at.field(key);
        for (n, name) in strings(&names[key]) {
            if !is_label(name) {
                report.add(Invalid, list.item(n), format!("cannot be `{}`", shown(name)), help);
            }
        }
    }
    if let (Some(kind), Some(list)) = (names["kind"].as_str(), names["listKind"].as_str())
        && kind == list
    {
        let rule = format!("is `{}`, as `kind` is", shown(list));
        report.add(
            Invalid,
            at.field("listKind"),
            rule,
            format!("write `{}List`, or leave it out", shown(kind)),
        );
    }
}

fn versions(report: &mut Report<'_>, versions: &Json) {
    let at = At::SPEC;
    let at = at.field("versions");
    let Some(versions) = versions.as_array() else { return };
    let mut known: Vec<&str> = Vec::new();
    for (n, version) in versions.iter().enumerate() {
        let at = at.item(n);
        if let Some(name) = version["name"].as_str() {
            if !is_label(name) {
                let rule = format!("cannot be `{}`", shown(name));
                report.add(Invalid, at.field("name"), rule, "write `v1`, `v1beta1`, `v1alpha1`");
            } else if known.contains(&name) {
                report.add(
                    Invalid,
                    at.field("name"),
                    format!("is `{name}` a second time"),
                    "remove one of the two",
                );
            }
            known.push(name);
        }
        if !version["schema"]["openAPIV3Schema"].is_object() && version.is_object() {
            let rule = "has no `schema.openAPIV3Schema`";
            let help = "add it: at least `{type: object, x-kubernetes-preserve-unknown-fields: true}`";
            report.add(Invalid, at, rule, help);
        }
        if let Some(warning) = version.get("deprecationWarning").and_then(Json::as_str) {
            if version["deprecated"] != true {
                let help = "add `deprecated: true`, or remove it";
                report.add(
                    Invalid,
                    at.field("deprecationWarning"),
                    "is only for versions that are deprecated",
                    help,
                );
            } else if warning.is_empty() || warning.len() > 256 {
                let help = "write one sentence";
                report.add(Invalid, at.field("deprecationWarning"), "has to have 1 to 256 characters", help);
            }
        }
        columns(report, at, &version["additionalPrinterColumns"]);
        scale(report, at, &version["subresources"]["scale"]);
    }
    let kept = versions.iter().filter(|version| version["storage"] == true).count();
    if kept != 1 && !versions.is_empty() {
        let rule = if kept == 0 {
            "has no version with `storage: true`".to_owned()
        } else {
            format!("has {kept} versions with `storage: true`")
        };
        report.add(Invalid, at, rule, "set it for exactly one: objects are kept in that version");
    }
}

fn columns(report: &mut Report<'_>, at: At<'_>, columns: &Json) {
    const TYPES: [&str; 5] = ["integer", "number", "string", "boolean", "date"];
    const FORMATS: [&str; 8] = ["int32", "int64", "float", "double", "byte", "date", "date-time", "password"];
    let at = at.field("additionalPrinterColumns");
    for (n, column) in columns.as_array().into_iter().flatten().enumerate() {
        let at = at.item(n);
        for (key, known) in [("type", TYPES.as_slice()), ("format", FORMATS.as_slice())] {
            if let Some(word) = column[key].as_str().filter(|word| !known.contains(word)) {
                let help = format!("write one of: {}", known.join(", "));
                report.add(Invalid, at.field(key), format!("cannot be `{}`", shown(word)), help);
            }
        }
        if let Some(path) = column["jsonPath"].as_str().filter(|path| !path.starts_with('.')) {
            let rule = format!("is `{}`, which does not begin with a dot", shown(path));
            report.add(Invalid, at.field("jsonPath"), rule, "write `.spec.replicas`, without braces");
        }
    }
}

fn scale(report: &mut Report<'_>, at: At<'_>, scale: &Json) {
    let (subresources, mut paths) = (at.field("subresources"), Vec::new());
    let at = subresources.field("scale");
    for (key, roots) in [
        ("specReplicasPath", [".spec."].as_slice()),
        ("statusReplicasPath", &[".status."]),
        ("labelSelectorPath", &[".spec.", ".status."]),
    ] {
        let Some(path) = scale[key].as_str().filter(|path| !path.is_empty()) else { continue };
        if !roots.iter().any(|root| path.starts_with(root)) {
            paths.push((key, roots, path));
        }
    }
    for (key, roots, path) in paths {
        let rule = format!("is `{}`, which is not below `{}`", shown(path), roots.join("` or `"));
        report.add(Invalid, at.field(key), rule, format!("write `{}replicas`, or where it is", roots[0]));
    }
}

fn conversion(report: &mut Report<'_>, conversion: &Json) {
    let at = At::SPEC;
    let at = at.field("conversion");
    let webhook = &conversion["webhook"];
    match conversion["strategy"].as_str() {
        Some("Webhook") => {
            let client = &webhook["clientConfig"];
            if client["url"].is_string() == client["service"].is_object() {
                let rule =
                    "needs exactly one of `webhook.clientConfig.url` and `webhook.clientConfig.service`";
                report.add(Invalid, at, rule, "say which server converts");
            }
            let known = strings(&webhook["conversionReviewVersions"])
                .any(|(_, word)| matches!(word, "v1" | "v1beta1"));
            if !known {
                let rule = "needs `webhook.conversionReviewVersions` with `v1` in it";
                report.add(Invalid, at, rule, "add `conversionReviewVersions: [v1]` to `webhook`");
            }
        }
        Some("None") if webhook.is_object() => {
            let help = "write `strategy: Webhook`, or remove it";
            report.add(Invalid, at.field("webhook"), "is only for the strategy `Webhook`", help);
        }
        Some("None") | None => {}
        Some(other) => {
            let rule = format!("cannot be `{}`", shown(other));
            report.add(Invalid, at.field("strategy"), rule, "write `None` or `Webhook`");
        }
    }
}

fn strings(list: &Json) -> impl Iterator<Item = (usize, &str)> {
    let items = list.as_array().into_iter().flatten().enumerate();
    items.filter_map(|(n, item)| item.as_str().map(|item| (n, item)))
}

/// A name as parts of a host have it, with a letter first.
fn is_label(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_domain(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name.split('.').all(part)
}
