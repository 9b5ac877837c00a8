//! Kinds of which an administrator says how they show that they are healthy.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{Health, Status, health, object::Object, of_any_kind};
use crate::{
    check::schema::cel::{self, Found, Judge},
    config::HealthRule,
    text,
};

/// Characters of an expression that are shown.
const SHOWN: usize = 100;

/// The expressions of an environment. One that takes too much ends the process that answers, and with it all
/// answers: so whoever looks once more does it with these made anew.
pub struct Expressions<'c> {
    rules: &'c [HealthRule],
    judge: Judge,
}

impl<'c> Expressions<'c> {
    /// Those of `rules`.
    #[must_use]
    pub fn new(rules: &'c [HealthRule]) -> Self {
        Self { rules, judge: Judge::default() }
    }

    /// Whether there is one of a kind.
    #[must_use]
    pub fn has(&self, group: &str, kind: &str) -> bool {
        rule(self.rules, group, kind).is_some()
    }

    /// How `live` is at the time `now`: by its expression, or by what is known of its kind.
    #[must_use]
    pub fn health(&self, group: &str, kind: &str, live: &Json, now: Timestamp) -> Health {
        let Some(rule) = rule(self.rules, group, kind) else { return health(group, kind, live, now) };
        of_any_kind(group, kind, &Object::new(live, now)).unwrap_or_else(|| {
            let all = [Some(&rule.healthy), rule.failed.as_ref(), rule.reason.as_ref()];
            match cel::ask(&self.judge, all.into_iter().flatten().cloned().collect(), live) {
                Some(found) => decide(rule, found),
                None => Health::new(Status::Progressing, "its expression in `health` takes too much"),
            }
        })
    }
}

/// What somebody says of a kind.
pub(super) fn rule<'c>(rules: &'c [HealthRule], group: &str, kind: &str) -> Option<&'c HealthRule> {
    rules.iter().find(|rule| rule.group == group && rule.kind == kind)
}

/// What the expressions found, in the order in which a rule has them. Only what says so is healthy.
fn decide(rule: &HealthRule, found: Vec<Found>) -> Health {
    let mut found = found.into_iter();
    let healthy = found.next().unwrap_or(Found::Bool(false));
    // What is not there cannot say that it failed.
    let failed = rule.failed.as_ref().and(found.next()).unwrap_or(Found::Bool(false));
    let reason = match rule.reason.as_ref().and(found.next()) {
        Some(Found::Text(reason)) if !reason.trim().is_empty() => Some(reason),
        _ => None,
    };
    let because = |status, own: &str| Health::new(status, reason.as_deref().unwrap_or(own));
    let shown =
        |expression: &str| text::excerpt(&expression.split_whitespace().collect::<Vec<_>>().join(" "), SHOWN);
    match (&failed, &healthy) {
        (Found::Bool(true), _) => {
            let expression = rule.failed.as_deref().unwrap_or_default();
            because(Status::Failed, &format!("`failed` holds: {}", shown(expression)))
        }
        (Found::Bool(false) | Found::Missing(_), Found::Bool(true)) => because(Status::Healthy, ""),
        (Found::Bool(false) | Found::Missing(_), Found::Bool(false)) => {
            because(Status::Progressing, &format!("not yet so: {}", shown(&rule.healthy)))
        }
        (Found::Bool(false) | Found::Missing(_), Found::Missing(field)) => {
            let field = text::excerpt(field, SHOWN);
            because(Status::Progressing, &format!("it has no `{field}` yet, which `healthy` asks for"))
        }
        (Found::Bool(false) | Found::Missing(_), odd) => {
            Health::new(Status::Progressing, &undecided("healthy", odd))
        }
        (odd, _) => Health::new(Status::Progressing, &undecided("failed", odd)),
    }
}

/// Why an expression decides nothing.
fn undecided(key: &str, found: &Found) -> String {
    match found {
        Found::Failed(why) => format!("`{key}` cannot be evaluated: {why}"),
        Found::Text(_) => format!("`{key}` is neither true nor false, but a text"),
        Found::Other(what) => format!("`{key}` is neither true nor false, but of type {what}"),
        Found::Bool(_) | Found::Missing(_) => format!("`{key}` says nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, HealthRule, Status, decide};

    fn rule() -> HealthRule {
        HealthRule {
            group: "example.com".into(),
            kind: "Widget".into(),
            healthy: "object.status.phase == 'Ready'".into(),
            failed: Some("object.status.phase == 'Broken'".into()),
            reason: Some("object.status.message".into()),
        }
    }

    #[test]
    fn only_what_says_so_is_healthy_and_only_what_says_so_has_failed() {
        let (yes, no) = (|| Found::Bool(true), || Found::Bool(false));
        let missing = || Found::Missing("status".into());
        let odd = || [Found::Failed("why".into()), Found::Text("true".into()), Found::Other("int".into())];
        let is = |healthy: Found, failed: Found| decide(&rule(), vec![healthy, failed, missing()]).status;
        assert_eq!(is(yes(), no()), Status::Healthy);
        assert_eq!(is(yes(), missing()), Status::Healthy);
        for healthy in [yes(), no(), missing()].into_iter().chain(odd()) {
            assert_eq!(is(healthy.clone(), yes()), Status::Failed);
            for failed in odd() {
                assert_eq!(is(healthy.clone(), failed), Status::Progressing);
            }
        }
        for healthy in [no(), missing()].into_iter().chain(odd()) {
            assert_eq!(is(healthy.clone(), no()), Status::Progressing);
            assert_eq!(is(healthy, missing()), Status::Progressing);
        }
    }

    #[test]
    fn a_kind_without_failed_or_reason_has_words_of_its_own() {
        let rule = HealthRule { failed: None, reason: None, ..rule() };
        let said = |found| decide(&rule, vec![found]).reason;
        assert_eq!(said(Found::Bool(true)), "");
        assert_eq!(said(Found::Bool(false)), "not yet so: object.status.phase == 'Ready'");
        assert_eq!(said(Found::Missing("status".into())), "it has no `status` yet, which `healthy` asks for");
        assert_eq!(said(Found::Text("yes".into())), "`healthy` is neither true nor false, but a text");
    }
}
