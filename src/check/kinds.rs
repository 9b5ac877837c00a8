//! Every object is of a kind that this Kubernetes serves, in a version that it goes on serving.

use super::{
    across::{Across, Object, more},
    facts::is_custom,
    schema::{Deprecated, Found, Minor},
};
use crate::{
    finding::{self, Code, Finding},
    text,
};

pub(super) fn check(across: &Across<'_>) -> Vec<Finding> {
    let is_fine = |found: &Found<'_>| match found {
        Found::Kind(kind) => kind.deprecated.is_none(),
        Found::NoSchema => true,
        _ => false,
    };
    if across.kinds.iter().all(|(.., found)| is_fine(found)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut said = vec![false; across.kinds.len()];
    for object in &across.objects {
        if findings.len() >= finding::MOST_OF_ONE {
            break;
        }
        match &across.kinds[object.kind].2 {
            Found::Removed(gone) => findings.push(removed(across, *object, gone)),
            Found::Newer(minor) => findings.push(newer(across, *object, *minor)),
            Found::NotKept => findings.push(not_kept(across, *object)),
            Found::Unknown { nearest } => findings.push(unknown(across, *object, nearest.as_ref())),
            // One line for all of a kind: it is no reason to do something today.
            Found::Kind(kind) if !said[object.kind] => {
                said[object.kind] = true;
                findings.extend(kind.deprecated.map(|going| deprecated(across, *object, going)));
            }
            Found::Kind(_) | Found::NoSchema => {}
        }
    }
    findings
}

fn removed(across: &Across<'_>, object: Object<'_>, gone: &Deprecated) -> Finding {
    let (kind, version) = (&object.facts.key.kind, shown_version(object));
    let mut message =
        format!("Kubernetes {} does not serve {kind} in `{version}`", across.world.schemas.minor());
    if let Some(minor) = gone.removed {
        message = format!("{message}: it went with {minor}");
    }
    let finding =
        Finding::error(Code::VersionRemoved, message).at(across.place(object, object.facts.at.api_version));
    match instead(object, gone) {
        Some(help) => finding.help(help),
        None => finding.help("nothing takes its place: remove the object"),
    }
}

fn deprecated(across: &Across<'_>, object: Object<'_>, going: &Deprecated) -> Finding {
    let (kind, version) = (&object.facts.key.kind, shown_version(object));
    let others = across.objects.iter().filter(|other| other.kind == object.kind).count() - 1;
    let until = match going.removed {
        Some(minor) => format!("Kubernetes {minor} does not serve {kind} in `{version}` any more"),
        None => format!("{kind} in `{version}` is deprecated"),
    };
    let message = format!("{until}: {}{}", object.shown(), more(others, "object"));
    let finding = Finding::warning(Code::VersionDeprecated, message)
        .at(across.place(object, object.facts.at.api_version));
    match instead(object, going) {
        Some(help) => finding.help(help),
        None => finding,
    }
}

fn newer(across: &Across<'_>, object: Object<'_>, from: Minor) -> Finding {
    let (kind, version) = (&object.facts.key.kind, shown_version(object));
    let here = across.world.schemas.minor();
    let message = format!("`{version}` has no kind `{kind}` in Kubernetes {here}: it comes with {from}");
    let place = across.place(object, object.facts.at.api_version);
    Finding::error(Code::KindUnknown, message)
        .at(place)
        .help(format!("update the cluster to {from} first, or write what {here} has"))
}

fn not_kept(across: &Across<'_>, object: Object<'_>) -> Finding {
    let message = format!("{} is a question to the cluster, which keeps no such object", object.shown());
    let place = across.place(object, object.facts.at.kind);
    Finding::error(Code::KindUnknown, message).at(place).help("remove it: kubectl create asks it by hand")
}

/// What to write in the place of a version.
fn instead(object: Object<'_>, old: &Deprecated) -> Option<String> {
    let (version, kind) = old.instead.as_ref()?;
    if **kind == *object.facts.key.kind {
        return Some(format!("write `apiVersion: {version}`; some fields may have other names there"));
    }
    Some(format!("write `apiVersion: {version}` and `kind: {kind}`, with the fields of that kind"))
}

fn unknown(across: &Across<'_>, object: Object<'_>, nearest: Option<&(String, String)>) -> Finding {
    let (key, version) = (&object.facts.key, shown_version(object));
    let kind = text::excerpt(&key.kind, 60);
    let of = if is_custom(&key.group) {
        String::new()
    } else {
        format!(" in Kubernetes {}", across.world.schemas.minor())
    };
    let message = format!("`{version}` has no kind `{kind}`{of}");
    let at = object.facts.at;
    // A definition may call its kinds and versions anything.
    let shown = |name: &str| text::excerpt(name, 80);
    let (span, help) = match nearest {
        Some((other, same)) if *same == key.kind => {
            (at.api_version, format!("did you mean `{}`?", shown(other)))
        }
        Some((same, other)) if **same == *object.facts.api_version => {
            (at.kind, format!("did you mean `{}`?", shown(other)))
        }
        Some((version, kind)) => {
            (at.kind, format!("did you mean `{}`, which is in `{}`?", shown(kind), shown(version)))
        }
        None => {
            let group = text::excerpt(&key.group, 80);
            (at.kind, format!("kubectl api-resources --api-group={group} shows what there is"))
        }
    };
    Finding::error(Code::KindUnknown, message).at(across.place(object, span)).help(help)
}

fn shown_version(object: Object<'_>) -> String {
    text::excerpt(&object.facts.api_version, 60)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::offline;

    fn object(api_version: &str, kind: &str) -> String {
        format!("apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: web\n")
    }

    #[test]
    fn a_version_that_is_gone_is_shown_with_what_to_write_instead() {
        insta::assert_snapshot!("removed", offline(&object("policy/v1beta1", "PodDisruptionBudget")));
        insta::assert_snapshot!("removed_for_good", offline(&object("policy/v1beta1", "PodSecurityPolicy")));
        insta::assert_snapshot!(
            "removed_to_another_group",
            offline(&object("extensions/v1beta1", "Ingress"))
        );
    }

    #[test]
    fn a_version_that_will_go_is_one_warning_for_all_of_its_kind() {
        let all = ["a", "b", "c"].map(|name| object("v1", "Endpoints").replace("web", name));
        insta::assert_snapshot!("deprecated", offline(&all.join("---\n")));
    }

    #[test]
    fn a_kind_that_is_not_there_is_shown_with_the_nearest() {
        insta::assert_snapshot!("kind", offline(&object("apps/v1", "Deploymnt")));
        insta::assert_snapshot!("version", offline(&object("apps/v2", "Deployment")));
        insta::assert_snapshot!("group", offline(&object("v1", "Deployment")));
        insta::assert_snapshot!("nothing_near", offline(&object("apps/v1", "Nonsense")));
        insta::assert_snapshot!(
            "not_kept",
            offline(&object("authorization.k8s.io/v1", "SubjectAccessReview"))
        );
    }

    #[test]
    fn a_custom_resource_of_which_nobody_knows_is_no_finding() {
        assert_eq!(offline(&object("example.com/v1", "Widget")), "");
    }
}
