//! The rules that a definition has for an object, asked where they stand.

use super::{Answer, Judge, Opinion, Question, RuleQuestion, value};
use crate::{
    check::{
        schema::{At, Kind, Others, Rule, Shape, definition::paths::step},
        spot::Spot,
    },
    finding::{Code, Finding, MOST_OF_ONE},
    manifest::{Manifest, Resolved},
    text,
};

/// Values that are made for the rules of one object.
const MOST_VALUES: usize = 200_000;
/// How deep the walk goes.
const DEEPEST: usize = 100;
/// So much of a message or a rule is shown.
const SHOWN: usize = 300;

/// Which rules of its definition do not hold of an object that has nothing else wrong with it.
#[must_use]
pub fn check(manifest: &Manifest, kind: Kind<'_>, judge: &Judge) -> Vec<Finding> {
    let has_rules = |at: At<'_>| at.arena.schemas.iter().any(|schema| rules(schema).is_some());
    if kind.built_in || kind.live || !has_rules(kind.schema) {
        return Vec::new();
    }
    let mut asking = Asking { judge, left: MOST_VALUES, found: Vec::new(), too_much: false };
    asking.at(&Spot::object(manifest), kind.schema, 0);
    asking.found
}

fn rules(schema: &crate::check::schema::Schema) -> Option<&[Rule]> {
    schema.limits.as_ref().map(|limits| limits.rules.as_slice()).filter(|rules| !rules.is_empty())
}

struct Asking<'a> {
    judge: &'a Judge,
    left: usize,
    found: Vec<Finding>,
    too_much: bool,
}

impl Asking<'_> {
    fn at(&mut self, spot: &Spot<'_>, at: At<'_>, depth: usize) {
        self.left = self.left.saturating_sub(1);
        if depth > DEEPEST || self.left == 0 || self.too_much || self.found.len() >= MOST_OF_ONE {
            return;
        }
        let (schema, is) = (at.schema(), spot.is());
        if is == Resolved::Null {
            return;
        }
        for rule in rules(schema).into_iter().flatten() {
            self.ask(spot, at, rule);
        }
        match &schema.shape {
            Shape::Object(object) => {
                for (key, value) in spot.entries().iter().copied() {
                    let name = crate::check::spot::key_text(spot.manifest(), key);
                    // A server drops what is written there.
                    if depth == 0 && matches!(&*name, "status" | "metadata") {
                        continue;
                    }
                    match (object.field(&name), object.others) {
                        (Some(field), _) => {
                            self.at(&spot.entry(key, value), at.other(field.schema), depth + 1);
                        }
                        (None, Others::Each(each)) => {
                            self.at(&spot.own(key, value), at.other(each), depth + 1);
                        }
                        (None, _) => {}
                    }
                }
            }
            Shape::List(list) => {
                spot.items().for_each(|item| self.at(&item, at.other(list.items), depth + 1));
            }
            _ => {}
        }
    }

    fn ask(&mut self, spot: &Spot<'_>, at: At<'_>, rule: &Rule) {
        let Some(this) = value(spot, at, &mut self.left) else { return };
        let Some(question) = RuleQuestion::new(rule, this) else { return };
        let opinion = match self.judge.ask(&Question::Rule(question)) {
            Some(Answer::Rule(opinion)) => opinion,
            _ => Opinion::TooMuch,
        };
        match opinion {
            Opinion::Holds | Opinion::Unknown => {}
            Opinion::Broken(words) => {
                let written = excerpt(&rule.rule);
                let words = words.or_else(|| rule.message.clone()).map(|words| excerpt(&words));
                let finding = |words| {
                    let message = format!("{} breaks a rule of its definition: {words}", shown(spot));
                    Finding::error(Code::RuleBroken, message).at(below(spot, rule))
                };
                self.found.push(match words.filter(|words| !words.is_empty()) {
                    Some(words) => finding(words).help(format!("the rule is `{written}`")),
                    None => finding(format!("`{written}`")),
                });
            }
            Opinion::TooMuch => {
                self.too_much = true;
                let message = format!("a rule for {} takes too much to be checked beforehand", shown(spot));
                let finding = Finding::warning(Code::RuleBroken, message).at(spot.key_place());
                self.found.push(finding.help(format!(
                    "the cluster decides; in the definition simplify `{}`",
                    excerpt(&rule.rule)
                )));
            }
        }
    }
}

/// A rule may be of several lines.
fn excerpt(words: &str) -> String {
    text::excerpt(&words.split_whitespace().collect::<Vec<_>>().join(" "), SHOWN)
}

fn shown(spot: &Spot<'_>) -> String {
    match spot.path().as_str() {
        "" => spot.manifest().key.kind.clone(),
        path => format!("`{path}`"),
    }
}

/// Where the field stands that a rule means, if it says so and it is written.
fn below(spot: &Spot<'_>, rule: &Rule) -> crate::source::Place {
    fn place(spot: &Spot<'_>, path: &str) -> Option<crate::source::Place> {
        if path.is_empty() {
            return Some(spot.key_place());
        }
        let (name, rest) = step(path)?;
        place(&spot.field(name)?, rest)
    }
    let named = rule.field_path.as_deref().and_then(|path| place(spot, path.trim()));
    named.unwrap_or_else(|| if spot.up().is_none() { spot.head_place() } else { spot.place() })
}
