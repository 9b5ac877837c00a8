//! What narrows a value: the allowed ones, patterns, sizes, and forms of which one or all must fit.

use std::{cell::RefCell, collections::HashMap};

use regex::{Regex, RegexBuilder};
use serde_json::Value as Json;

use super::{At, Level, Limits, Look, Shape, Walker};
use crate::{
    check::{
        schema::{Id, Schema},
        spot::Spot,
    },
    finding::{Code, Finding},
    manifest::Resolved,
    text,
};

/// So many allowed values are listed.
const FEW: usize = 12;
/// Of more forms it is left to the cluster which of them fit.
const MOST_FORMS: usize = 200;
/// What a compiled pattern may take; Kubernetes' own are far smaller. A larger one is left to the cluster: each
/// letter that it looks at may cost as much as it is large.
const PATTERN_BYTES: usize = 1 << 16;
/// What a pattern remembers of the texts that it has seen.
const MEMORY: usize = 1 << 17;
/// So many compiled patterns are kept.
const PATTERNS: usize = 200;

impl Walker<'_> {
    /// Whether a value of the right type is one that is allowed.
    pub(super) fn limits(&mut self, up: Option<&Level<'_>>, spot: &Spot<'_>, at: At<'_>, look: Look) {
        let Some(limits) = at.schema().limits.as_deref() else { return };
        if look.status && self.built_in {
            return;
        }
        let is = spot.is();
        if !limits.values.is_empty() {
            self.one_of(spot, is, &limits.values);
        }
        match is {
            Resolved::Text(written) => {
                // Of a text that is too short or too long its form is not said as well.
                if !self.count(spot, limits, written.chars().count(), "character")
                    && let Some(pattern) = &limits.pattern
                {
                    self.pattern(spot, written, pattern);
                }
            }
            #[allow(clippy::cast_precision_loss, reason = "limits are such numbers, too")]
            Resolved::Int(number) => self.range(spot, limits, number as f64),
            #[allow(clippy::cast_precision_loss, reason = "limits are such numbers, too")]
            Resolved::Uint(number) => self.range(spot, limits, number as f64),
            Resolved::Float(number) => self.range(spot, limits, number),
            Resolved::Sequence(items) => {
                self.count(spot, limits, items.len(), "item");
            }
            Resolved::Mapping(entries) => {
                self.count(spot, limits, entries.len(), "key");
            }
            Resolved::Null | Resolved::Bool(_) => {}
        }
        self.forms(up, spot, at, limits, look);
    }

    fn one_of(&mut self, spot: &Spot<'_>, is: Resolved<'_>, values: &[Json]) {
        let same = |value: &Json| match (is, value) {
            (Resolved::Text(text), Json::String(value)) => text == value,
            (Resolved::Bool(bool), Json::Bool(value)) => bool == *value,
            (Resolved::Int(number), Json::Number(value)) => value.as_i64() == Some(number),
            (Resolved::Uint(number), Json::Number(value)) => value.as_u64() == Some(number),
            (Resolved::Float(number), Json::Number(value)) => value.as_f64() == Some(number),
            // What is no scalar is compared by nobody but the server.
            (Resolved::Sequence(_) | Resolved::Mapping(_), _) => true,
            _ => false,
        };
        // Kubernetes' own types take an empty text for one that is not written.
        if values.iter().any(same) || (self.built_in && is == Resolved::Text("")) {
            return;
        }
        let path = spot.path();
        let message = match spot.written() {
            Some(written) => format!("`{path}` cannot be `{written}`"),
            None => format!("`{path}` cannot have this value"),
        };
        let texts = values.iter().filter_map(Json::as_str);
        let meant = match is {
            Resolved::Text(written) if !spot.is_secret() => texts
                .clone()
                .find(|value| value.eq_ignore_ascii_case(written.trim()))
                .or_else(|| text::nearest(written, texts)),
            _ => None,
        };
        let listed = listed(values);
        if let Some(help) = spot.not_filled_in() {
            self.say(spot.error(Code::NotAllowed, message).help(help));
            return;
        }
        let help = match (meant, listed) {
            (Some(meant), Some(all)) if values.len() > 1 => {
                format!("did you mean `{meant}`? allowed: {all}")
            }
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some(all)) => format!("allowed: {all}"),
            (None, None) => format!("{} values are allowed, and this is none of them", values.len()),
        };
        self.say(spot.error(Code::NotAllowed, message).help(help));
    }

    fn pattern(&mut self, spot: &Spot<'_>, written: &str, pattern: &str) {
        self.letters = self.letters.saturating_sub(1 + written.len());
        if self.letters == 0 || matches(pattern, written) != Some(false) {
            return;
        }
        let path = spot.path();
        let message = match spot.written() {
            Some(shown) => format!("`{path}` cannot be `{shown}`"),
            None => format!("`{path}` does not have the form that it needs"),
        };
        let help = format!("it has to match `{}`", text::excerpt(pattern, 120));
        self.say(spot.error(Code::OutOfRange, message).help(help));
    }

    fn range(&mut self, spot: &Spot<'_>, limits: &Limits, number: f64) {
        let too_small =
            limits.minimum.is_some_and(|least| number < least || (limits.above && number <= least));
        let too_large = limits.maximum.is_some_and(|most| number > most || (limits.below && number >= most));
        let off = limits.multiple_of.filter(|step| {
            *step > 0.0 && {
                let times = number / step;
                (times - times.round()).abs() > 1e-9
            }
        });
        let needs = match (too_small, too_large, off) {
            (true, ..) => {
                format!(
                    "{}{}",
                    if limits.above { "more than " } else { "at least " },
                    limits.minimum.unwrap_or(0.0)
                )
            }
            (_, true, _) => {
                format!(
                    "{}{}",
                    if limits.below { "less than " } else { "at most " },
                    limits.maximum.unwrap_or(0.0)
                )
            }
            (.., Some(step)) => format!("a multiple of {step}"),
            _ => return,
        };
        let path = spot.path();
        let message = match spot.written() {
            Some(written) => format!("`{path}` is {written}, and has to be {needs}"),
            None => format!("`{path}` has to be {needs}"),
        };
        let help = match (limits.minimum, limits.maximum) {
            (Some(least), Some(most)) if !limits.above && !limits.below && (too_small || too_large) => {
                format!("write a number from {least} to {most}")
            }
            _ => format!("write a number that is {needs}"),
        };
        self.say(spot.error(Code::OutOfRange, message).help(help));
    }

    /// Whether there is too little or too much of something, which is said.
    fn count(&mut self, spot: &Spot<'_>, limits: &Limits, length: usize, what: &str) -> bool {
        let length = length as u64;
        let said = |n: u64| text::count(usize::try_from(n).unwrap_or(usize::MAX), what);
        let path = || spot.path();
        let (message, help) = match (limits.at_least, limits.at_most) {
            (Some(least), _) if length < least && length == 0 => {
                (format!("`{}` is empty, and needs at least {}", path(), said(least)), "add what is missing")
            }
            (Some(least), _) if length < least => (
                format!("`{}` has {}, and needs at least {least}", path(), said(length)),
                "add what is missing",
            ),
            (_, Some(most)) if length > most => {
                (format!("`{}` has {}, and may have at most {most}", path(), said(length)), "shorten it")
            }
            _ => return false,
        };
        self.say(spot.error(Code::OutOfRange, message).help(help));
        true
    }

    /// Forms of which all, one or none must fit.
    fn forms(&mut self, up: Option<&Level<'_>>, spot: &Spot<'_>, at: At<'_>, limits: &Limits, look: Look) {
        for id in &limits.all {
            let look = Look { narrow: true, ..look.deeper() };
            self.value(up, spot, at.other(*id), look);
        }
        // Nobody reads more, and what is wrong with each would be found for nothing.
        let few = |forms: &[Id]| (1..=MOST_FORMS).contains(&forms.len());
        if few(&limits.any) {
            let misfits = self.misfits(up, spot, at, &limits.any, look);
            if misfits.len() == limits.any.len() {
                self.fits_none(spot, at, &limits.any, misfits);
            }
        }
        if few(&limits.one) {
            let misfits = self.misfits(up, spot, at, &limits.one, look);
            match limits.one.len() - misfits.len() {
                1 => {}
                0 => self.fits_none(spot, at, &limits.one, misfits),
                _ => {
                    let path = named(spot);
                    let message = format!("{path} has fields that exclude each other");
                    let help = match alternatives(at, &limits.one) {
                        Some(fields) => format!("write one of {fields}, and not more"),
                        None => "the definition wants exactly one of several forms, and more than one fits"
                            .to_owned(),
                    };
                    self.say(Finding::error(Code::NotAllowed, message).at(spot.head_place()).help(help));
                }
            }
        }
        if let Some(id) = limits.not
            && self.fits(up, spot, at.other(id), look).is_none()
        {
            let message = format!("{} has a value that the definition excludes", named(spot));
            let finding = Finding::error(Code::NotAllowed, message).at(spot.place());
            self.say(match excluded(at.other(id).schema()) {
                Some(what) => finding.help(format!("it must not be {what}")),
                None => finding,
            });
        }
    }

    fn misfits(
        &mut self,
        up: Option<&Level<'_>>,
        spot: &Spot<'_>,
        at: At<'_>,
        forms: &[Id],
        look: Look,
    ) -> Vec<Finding> {
        forms.iter().filter_map(|id| self.fits(up, spot, at.other(*id), look)).collect()
    }

    fn fits_none(&mut self, spot: &Spot<'_>, at: At<'_>, forms: &[Id], misfits: Vec<Finding>) {
        if let Some(fields) = alternatives(at, forms) {
            let message = format!("{} needs one of {fields}", named(spot));
            let finding = Finding::error(Code::RequiredMissing, message).at(spot.head_place());
            self.say(finding.help("add one of them"));
            return;
        }
        let values: Vec<Json> = forms
            .iter()
            .filter_map(|id| at.other(*id).schema().limits.as_deref())
            .flat_map(|l| l.values.clone())
            .collect();
        if !values.is_empty() {
            self.one_of(spot, spot.is(), &values);
            return;
        }
        let mut misfits = misfits.into_iter();
        match (misfits.next(), misfits.len()) {
            (Some(only), 0) => self.say(only),
            (Some(first), more) => {
                let message = format!("{} fits none of the {} forms that it may have", named(spot), more + 1);
                let help = format!("the first of them: {}", first.message);
                self.say(Finding::error(Code::NotAllowed, message).at(spot.place()).help(help));
            }
            (None, _) => {}
        }
    }
}

fn named(spot: &Spot<'_>) -> String {
    match spot.path().as_str() {
        "" => spot.manifest().key.kind.clone(),
        path => format!("`{path}`"),
    }
}

/// Where each form says only which fields have to be there: those fields.
fn alternatives(at: At<'_>, forms: &[Id]) -> Option<String> {
    let mut fields = Vec::new();
    for id in forms {
        let Shape::Object(object) = &at.other(*id).schema().shape else { return None };
        let required: Vec<&str> =
            object.fields.iter().filter(|field| field.required).map(|field| &*field.name).collect();
        let [one] = required.as_slice() else { return None };
        fields.push(*one);
    }
    Some(text::listed(&fields))
}

fn excluded(schema: &Schema) -> Option<String> {
    listed(&schema.limits.as_deref()?.values)
}

/// The allowed values, where they are few.
pub(super) fn few_values(schema: &Schema) -> Option<String> {
    listed(&schema.limits.as_deref()?.values)
}

fn listed(values: &[Json]) -> Option<String> {
    let shown = |value: &Json| match value {
        Json::String(text) if text.is_empty() => "\"\"".to_owned(),
        Json::String(written) => format!("`{}`", text::excerpt(written, 60)),
        other => format!("`{}`", text::excerpt(&other.to_string(), 60)),
    };
    let few = !values.is_empty() && values.len() <= FEW;
    few.then(|| values.iter().map(shown).collect::<Vec<_>>().join(", "))
}

thread_local! {
    /// Compiled patterns: thousands of objects of one kind share a few.
    static COMPILED: RefCell<HashMap<Box<str>, Option<Regex>>> = RefCell::default();
}

/// Whether `pattern` is found in `text`; `None` where it is no pattern that can be used.
pub(super) fn matches(pattern: &str, text: &str) -> Option<bool> {
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(known) = compiled.get(pattern) {
            return known.as_ref().map(|pattern| pattern.is_match(text));
        }
        let made = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).dfa_size_limit(MEMORY).build().ok();
        let found = made.as_ref().map(|pattern| pattern.is_match(text));
        if compiled.len() >= PATTERNS {
            compiled.clear();
        }
        compiled.insert(pattern.into(), made);
        found
    })
}
