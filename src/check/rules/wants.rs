//! What a row of the table can say.

use super::values;
use crate::{
    check::{grammar::Grammar, spot::Spot},
    finding::{Code, Finding},
    manifest::Resolved,
    text,
};

/// What a mapping of some type has to be like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Want {
    /// It has this field, with something in it.
    Field(&'static str),
    /// It has this field, where that is so; and how to mend it.
    FieldIf(&'static str, fn(&Spot<'_>) -> bool, &'static str),
    /// The mapping in the first field, where there is one, has the second.
    Inner(&'static str, &'static str),
    /// What stands in the field is a mapping.
    Mapping(&'static str),
    /// The map in the field has a key at least.
    Keyed(&'static str),
    /// Exactly one of these fields.
    One(&'static [&'static str]),
    /// One of these fields or several.
    Some(&'static [&'static str]),
    /// At most one of these fields.
    NotBoth(&'static str, &'static str),
    /// The first field, where the second is this.
    With(&'static str, &'static str, &'static str),
    /// The first field stands only where the second is this.
    Only(&'static str, &'static str, &'static str),
    /// The first field stands only where the second is not this.
    Without(&'static str, &'static str, &'static str),
    /// A text in the field is of this grammar.
    Is(&'static str, Grammar),
    /// Each text in the field is of this grammar.
    Each(&'static str, Grammar),
    /// Each key in the field is of this grammar.
    Keys(&'static str, Grammar),
    /// A number in the field is not smaller.
    Least(&'static str, i64),
    /// The field is a number that is not negative, or a percentage that is not larger.
    Share(&'static str, u32),
    /// The field is what is allowed to a file.
    Mode(&'static str),
    /// A number in the field is neither smaller nor larger.
    Between(&'static str, i64, i64),
    /// A text in the field is one of these.
    Among(&'static str, &'static [&'static str]),
    /// A path in the field begins with `/`.
    Absolute(&'static str),
    /// What a row cannot say.
    Rule(fn(&Spot<'_>, &mut Vec<Finding>)),
}

/// Whether something is written there: an empty text and an empty sequence are as good as none.
pub(super) fn is_filled(spot: &Spot<'_>) -> bool {
    !matches!(spot.is(), Resolved::Text("") | Resolved::Null | Resolved::Sequence([]))
}

/// Whether the mapping has something in that field.
pub(super) fn has(spot: &Spot<'_>, field: &str) -> bool {
    spot.field(field).is_some_and(|field| is_filled(&field))
}

/// Whether the mapping has `true` in that field.
pub(super) fn is_true(spot: &Spot<'_>, field: &str) -> bool {
    spot.field(field).is_some_and(|field| field.is() == Resolved::Bool(true))
}

/// A field that has to be there.
pub(super) fn missing(spot: &Spot<'_>, field: &str) -> Finding {
    let add = format!("add `{field}:`");
    if let Some(empty) = spot.field(field) {
        let message = format!("`{}` is empty, and needs a value", empty.path());
        return Finding::error(Code::RequiredMissing, message).at(empty.key_place()).help("give it a value");
    }
    let message = match spot.path().as_str() {
        "" => format!("{} has no `{field}`", spot.manifest().key.kind),
        path => format!("`{path}` has no `{field}`"),
    };
    Finding::error(Code::RequiredMissing, message).at(spot.head_place()).help(add)
}

impl Want {
    pub(super) fn look(&self, spot: &Spot<'_>, elsewhere: &dyn Fn(&str) -> bool, found: &mut Vec<Finding>) {
        match *self {
            Self::Field(field) => {
                if !has(spot, field) && !elsewhere(field) {
                    found.push(missing(spot, field));
                }
            }
            Self::FieldIf(field, is_so, help) => {
                if is_so(spot) && !has(spot, field) && !elsewhere(field) {
                    found.push(missing(spot, field).help(help));
                }
            }
            Self::Inner(field, inner) => {
                if let Some(there) = spot.field(field)
                    && let Resolved::Mapping(_) = there.is()
                    && !has(&there, inner)
                {
                    found.push(missing(&there, inner));
                }
            }
            Self::Mapping(field) => {
                if let Some(there) = spot.field(field)
                    && !matches!(there.is(), Resolved::Mapping(_))
                {
                    let message = format!("`{}` is {}, not a mapping", there.path(), there.is().describe());
                    found.push(
                        there.error(Code::WrongType, message).help("write `key: value` pairs below it"),
                    );
                }
            }
            Self::Keyed(field) => {
                if let Some(there) = spot.field(field)
                    && let Resolved::Mapping([]) = there.is()
                {
                    let message = format!("`{}` is empty, and needs a key at least", there.path());
                    let finding = Finding::error(Code::RequiredMissing, message).at(there.key_place());
                    found.push(finding.help("add one"));
                }
            }
            Self::One(fields) => {
                let mut there = fields.iter().filter_map(|field| spot.field(field)).filter(is_filled);
                match (there.next(), there.next()) {
                    (None, _) => none(spot, fields, "exactly one", elsewhere, found),
                    (Some(first), Some(second)) => found.push(both(spot, &first, &second)),
                    (Some(_), None) => {}
                }
            }
            Self::Some(fields) => {
                if !fields.iter().any(|field| has(spot, field)) {
                    none(spot, fields, "at least one", elsewhere, found);
                }
            }
            Self::NotBoth(one, other) => {
                if has(spot, one)
                    && let Some(second) = spot.field(other).filter(is_filled)
                    && let Some(first) = spot.field(one)
                {
                    found.push(both(spot, &first, &second));
                }
            }
            Self::With(field, by, value) => {
                if text_of(spot, by) == Some(value) && !has(spot, field) && !elsewhere(field) {
                    let message =
                        format!("`{}` is `{value}` and needs `{field}` beside it", spot.path_of(by));
                    let finding = Finding::error(Code::Together, message).at(spot.head_place());
                    found.push(finding.help(format!("add `{field}:`")));
                }
            }
            Self::Only(field, by, value) => {
                if let Some(there) = spot.field(field)
                    && text_of(spot, by) != Some(value)
                    && !elsewhere(by)
                {
                    let message = format!("`{}` stands only where `{by}` is `{value}`", there.path());
                    let finding = Finding::error(Code::Together, message).at(there.key_place());
                    found.push(finding.help(format!("write `{by}: {value}` beside it, or remove it")));
                }
            }
            Self::Without(field, by, value) => {
                if let Some(there) = spot.field(field).filter(is_filled)
                    && text_of(spot, by) == Some(value)
                {
                    let message = format!("`{}` cannot stand beside `{by}: {value}`", there.path());
                    let finding = Finding::error(Code::Together, message).at(there.key_place());
                    found.push(finding.help(format!("remove `{field}`, or change `{by}`")));
                }
            }
            Self::Is(field, grammar) => {
                if let Some(there) = spot.field(field) {
                    values::form(&there, grammar, found);
                }
            }
            Self::Each(field, grammar) => {
                if let Some(there) = spot.field(field) {
                    there.items().for_each(|item| values::form(&item, grammar, found));
                }
            }
            Self::Keys(field, grammar) => {
                if let Some(there) = spot.field(field) {
                    values::keys(&there, grammar, found);
                }
            }
            Self::Least(field, least) => {
                if let Some(there) = spot.field(field) {
                    values::at_least(&there, least, found);
                }
            }
            Self::Share(field, most) => {
                if let Some(there) = spot.field(field) {
                    values::share(&there, most, found);
                }
            }
            Self::Mode(field) => {
                if let Some(there) = spot.field(field) {
                    values::mode(&there, found);
                }
            }
            Self::Between(field, least, most) => {
                if let Some(there) = spot.field(field)
                    && let Some(number) = there.whole()
                    && !(least..=most).contains(&number)
                {
                    let message = format!("`{}` is {number}, which is out of its range", there.path());
                    let help = format!("write a number from {least} to {most}");
                    found.push(there.error(Code::OutOfRange, message).help(help));
                }
            }
            Self::Among(field, values) => {
                if let Some(there) = spot.field(field)
                    && let Some(value) = there.text().filter(|value| !value.is_empty())
                    && !values.contains(&value)
                {
                    found.push(not_among(&there, values));
                }
            }
            Self::Absolute(field) => {
                if let Some(there) = spot.field(field)
                    && there.text().is_some_and(|path| !path.is_empty() && !path.starts_with('/'))
                {
                    let message = format!("`{}` does not begin with `/`", there.path());
                    found.push(there.error(Code::OutOfRange, message).help("write the whole path"));
                }
            }
            // What is named may be there, in a wrong place.
            Self::Rule(rule) => {
                if !["volumes", "resourceClaims"].into_iter().any(elsewhere) {
                    rule(spot, found);
                }
            }
        }
    }
}

/// A text that is none of those that there are, in the words in which a schema's are refused.
pub(super) fn not_among(spot: &Spot<'_>, values: &[&str]) -> Finding {
    let near = spot.text().filter(|_| !spot.is_secret());
    let near = near.and_then(|text| text::nearest(text, values.iter().copied()));
    values::refused(spot, Code::NotAllowed).help(match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("allowed: {}", text::listed(values)),
    })
}

/// The text in a field.
pub(super) fn text_of<'a>(spot: &Spot<'a>, field: &str) -> Option<&'a str> {
    let entries = spot.entries();
    let found = entries.iter().find(|(key, _)| crate::check::spot::key_text(spot.manifest(), *key) == field);
    match spot.manifest().tree.resolve(found?.1) {
        Resolved::Text(text) => Some(text),
        _ => None,
    }
}

fn none(
    spot: &Spot<'_>,
    fields: &[&str],
    how: &str,
    elsewhere: &dyn Fn(&str) -> bool,
    found: &mut Vec<Finding>,
) {
    if fields.iter().any(|field| elsewhere(field)) {
        return;
    }
    let message = match spot.path().as_str() {
        "" => format!("{} needs {how} of {}", spot.manifest().key.kind, text::listed(fields)),
        path => format!("`{path}` needs {how} of {}", text::listed(fields)),
    };
    // One that is written and empty is where something is missing.
    let empty = fields.iter().find_map(|field| spot.field(field)).map(|field| field.key_place());
    let place = empty.unwrap_or_else(|| spot.head_place());
    found.push(Finding::error(Code::OneOf, message).at(place).help("add one of them"));
}

/// Two fields that exclude each other; what was written later is what is shown.
pub(super) fn both(spot: &Spot<'_>, one: &Spot<'_>, other: &Spot<'_>) -> Finding {
    let at = |field: &Spot<'_>| (field.key_place().line, field.key_place().column);
    let (first, second) = if at(one) <= at(other) { (one, other) } else { (other, one) };
    let name = |field: &Spot<'_>| {
        let path = field.path();
        path.rsplit('.').next().unwrap_or_default().to_owned()
    };
    let (one, other) = (name(first), name(second));
    let message = match spot.path().as_str() {
        "" => format!("{} has both `{one}` and `{other}`", spot.manifest().key.kind),
        path => format!("`{path}` has both `{one}` and `{other}`"),
    };
    Finding::error(Code::OneOf, format!("{message}, of which one excludes the other"))
        .at(second.key_place())
        .help("remove one of the two")
}
