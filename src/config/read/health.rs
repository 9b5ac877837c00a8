//! `health` of an environment: how objects of some kinds say that they are healthy.

use super::{Keys, Reader};
use crate::{
    check::schema::cel::{self, Wrong},
    config::{HealthRule, Target},
    manifest::{NodeId, Value},
    text,
};

const RULE: Keys = Keys { known: &["healthy", "failed", "reason"], later: &[] };

/// What is wrong was said.
struct Said;

impl Reader<'_> {
    /// `health: {example.com/Widget: {healthy: "object.status.phase == 'Ready'"}}`.
    pub(super) fn health(&mut self, node: NodeId, target: Option<&Target>) -> Option<Vec<HealthRule>> {
        let Some((key, health)) = self.tree.get(node, "health") else { return Some(Vec::new()) };
        if let Some(Target::Directory(_)) = target {
            let help = "remove it: a folder is not waited for";
            self.wrong(self.tree.span(key), "`health` is about a cluster, and this is a folder", help);
            return None;
        }
        if !matches!(self.tree.value(health), Value::Mapping(_)) {
            let help = "write one kind a line with its group, as in `example.com/Widget:`";
            self.wrong(self.tree.span(health), "`health` is no mapping", help);
            return None;
        }
        // All of them, so that everything that is wrong is said.
        let rules: Vec<Option<HealthRule>> =
            self.tree.entries(health).iter().map(|(kind, rule)| self.rule(*kind, *rule)).collect();
        rules.into_iter().collect()
    }

    fn rule(&mut self, at: NodeId, rule: NodeId) -> Option<HealthRule> {
        let written = self.tree.scalar(at).map(|(text, _)| text).unwrap_or_default();
        let Some((group, kind)) = group_and_kind(written) else {
            let message = format!("`{}` is no group with a kind", text::excerpt(written, 80));
            let help = "write it without a version, as in `example.com/Widget`; of the core group the kind alone, as in `Pod`";
            self.wrong(self.tree.span(at), &message, help);
            return None;
        };
        self.keys(rule, &format!("`{written}`"), &RULE);
        if self.tree.get(rule, "healthy").is_none() {
            if !self.is_misspelt(rule, "healthy", &RULE) {
                let help = "add it, as in `healthy: \"object.status.phase == 'Ready'\"`";
                self.missing(self.tree.span(at), &format!("`{written}` has no `healthy`"), help);
            }
            return None;
        }
        let healthy = self.expression(rule, "healthy");
        let (failed, reason) = (self.expression(rule, "failed"), self.expression(rule, "reason"));
        let (group, kind) = (group.to_owned(), kind.to_owned());
        Some(HealthRule { group, kind, healthy: healthy.ok()??, failed: failed.ok()?, reason: reason.ok()? })
    }

    /// An expression, where there is one.
    fn expression(&mut self, rule: NodeId, key: &str) -> Result<Option<String>, Said> {
        if self.tree.get(rule, key).is_none() {
            return Ok(None);
        }
        let (text, span) = self.optional(rule, key).ok_or(Said)?;
        let Err(wrong) = cel::read(&text) else { return Ok(Some(text)) };
        let (message, help) = match wrong {
            Wrong::TooLong(most) => {
                (format!("`{key}` is longer than {most} characters"), "shorten it".to_owned())
            }
            Wrong::Syntax(words) => {
                let words = text::excerpt(&words, 200);
                (
                    format!("`{key}` is no expression in CEL: {words}"),
                    "write it as in \"object.status.phase == 'Ready'\"".to_owned(),
                )
            }
            Wrong::Variable(name) => {
                let name = text::excerpt(&name, 60);
                let message = format!("`{key}` asks for `{name}`, which is not known");
                (message, format!("what is asked about is `object`, as in `object.{name}`"))
            }
            Wrong::Function(name) => {
                let name = text::excerpt(&name, 60);
                let message = format!("`{key}` calls `{name}`, which is no function here");
                (message, "use those that Kubernetes has in CEL, as `has`, `size`, `matches`".to_owned())
            }
        };
        self.wrong(span, &message, &help);
        Err(Said)
    }
}

/// `example.com/Widget`, or `Pod`.
fn group_and_kind(text: &str) -> Option<(&str, &str)> {
    let (group, kind) = text.rsplit_once('/').unwrap_or(("", text));
    let is_kind = kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.len() <= 63
        && kind.chars().all(|c| c.is_ascii_alphanumeric());
    let is_group = group.len() <= 253 && group.split('.').all(super::is_label);
    let is_core = group.is_empty() && !text.contains('/');
    // `v1/Pod` is a version with a kind.
    let is_version = ["v1", "v1beta1", "v1alpha1", "v2"].contains(&group);
    (is_kind && (is_core || is_group && !is_version)).then_some((group, kind))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{read, tests::GOOD};

    fn cluster() -> String {
        GOOD.replace("{directory: /srv/manifests/production}", "{kubernetes: {kubeconfig: /k}}")
    }

    #[test]
    fn a_kind_has_its_expressions() {
        let text = format!(
            "{}    health:\n      example.com/Widget:\n        healthy: \"object.status.phase == 'Ready'\"\n        \
             failed: has(object.status.broken) && object.status.broken\n        \
             reason: object.status.message\n      Pod: {{healthy: \"object.status.conditions.exists(c, c.type == 'Ready')\"}}\n",
            cluster()
        );
        let config = read(Path::new("instate.yaml"), &text).expect("it is right");
        let rules = &config.environments[0].health;
        let names: Vec<_> = rules.iter().map(|rule| (rule.group.as_str(), rule.kind.as_str())).collect();
        assert_eq!(names, [("example.com", "Widget"), ("", "Pod")]);
        assert_eq!(rules[0].reason.as_deref(), Some("object.status.message"));
        assert_eq!((&rules[1].failed, &rules[1].reason), (&None, &None));
    }

    #[test]
    fn a_wrong_expression_is_shown_where_it_stands_and_how_to_write_it() {
        let shown = |health: &str| {
            let text = format!("{}    health: {health}\n", cluster());
            let error = read(Path::new("instate.yaml"), &text).expect_err("it is wrong");
            let line = |finding: &crate::finding::Finding| {
                let place = finding.place.as_ref().expect("because it has one");
                let help = finding.help.clone().unwrap_or_default();
                format!("{}:{}: {}\n  help: {help}", place.line, place.column, finding.message)
            };
            error.findings.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let widget = |rule: &str| shown(&format!("{{example.com/Widget: {{{rule}}}}}"));
        let all = [
            widget("healthy: \"object.status.phase ==\""),
            widget("healthy: \"object.status.phase = 'Ready'\""),
            widget("healthy: \"object.status.phase 'Ready'\""),
            widget("healthy: \"status.phase == 'Ready'\""),
            widget("healthy: \"object.items.all(one, other.ok)\""),
            widget("healthy: \"object.items.all(one, isOk(one))\""),
            widget("healthy: \"object.?status.ok\""),
            widget("healthy: true"),
            widget("healthy: \"true\", faild: \"true\", reason: \"1 +\""),
            widget("failed: \"true\""),
            widget(&format!("healthy: \"{}true\"", " ".repeat(3000))),
            widget(&format!("healthy: \"{}true\"", "(".repeat(2000))),
            shown("{example.com/v1/Widget: {healthy: \"true\"}}"),
            shown("{v1/Pod: {healthy: \"true\"}}"),
            shown("{widgets.example.com: {healthy: \"true\"}}"),
            shown("[Widget]"),
        ];
        insta::assert_snapshot!(all.join("\n\n"));
        let folder = format!("{GOOD}    health: {{Pod: {{healthy: \"true\"}}}}\n");
        let error = read(Path::new("instate.yaml"), &folder).expect_err("it is wrong");
        assert_eq!(error.findings[0].message, "`health` is about a cluster, and this is a folder");
    }
}
