//! Values by themselves: their grammar and their size.

use crate::{
    check::{
        grammar::{Grammar, is_number},
        spot::Spot,
    },
    finding::{Code, Finding},
    manifest::Resolved,
};

/// A text that has to be of a grammar; an empty one is as good as none.
pub(super) fn form(spot: &Spot<'_>, grammar: Grammar, found: &mut Vec<Finding>) {
    let Some(text) = spot.text() else { return };
    if text.is_empty() || grammar.takes(text) {
        return;
    }
    let help = spot.not_filled_in().unwrap_or_else(|| grammar.help(text, !spot.is_secret()));
    let finding = match grammar {
        Grammar::Port if is_number(text) => {
            let message = format!("`{}` is the text \"{text}\" and not the number", spot.path());
            spot.error(Code::OutOfRange, message)
        }
        _ => refused(spot, Code::OutOfRange),
    };
    found.push(finding.help(help));
}

/// The keys of a map have to be of a grammar.
pub(super) fn keys(map: &Spot<'_>, grammar: Grammar, found: &mut Vec<Finding>) {
    for (key, value) in map.fields() {
        if !grammar.takes(&key) {
            let message = format!("`{}` cannot be a key of a {}", value.path(), value.manifest().key.kind);
            let finding = Finding::error(Code::OutOfRange, message).at(value.key_place());
            found.push(finding.help(grammar.help(&key, !value.is_secret())));
        }
    }
}

/// A number that is not smaller.
pub(super) fn at_least(spot: &Spot<'_>, least: i64, found: &mut Vec<Finding>) {
    if let Some(number) = spot.whole().filter(|number| *number < least) {
        let message = format!("`{}` is {number}, which is too small", spot.path());
        found.push(spot.error(Code::OutOfRange, message).help(format!("write at least {least}")));
    }
}

/// A number that is not negative, or a percentage that is not larger than `most`.
pub(super) fn share(spot: &Spot<'_>, most: u32, found: &mut Vec<Finding>) {
    let Some(text) = spot.text() else { return at_least(spot, 0, found) };
    let help = match percent(text) {
        Some(share) if share <= most => return,
        Some(_) => format!("write at most {most}%"),
        None if text.parse::<u32>().is_ok() => format!("write {text} without quotes, or {text}%"),
        None => "write a number, or a share as in 25%".to_owned(),
    };
    let help = spot.not_filled_in().unwrap_or(help);
    found.push(refused(spot, Code::OutOfRange).help(help));
}

/// What is allowed to a file: `0644`, which is 420.
pub(super) fn mode(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(number) = spot.whole().filter(|number| !(0..=0o777).contains(number)) else { return };
    let message = format!("`{}` is {number}, and no file has such a mode", spot.path());
    let octal =
        spot.written().filter(|text| text.len() == 3 && text.bytes().all(|b| (b'0'..=b'7').contains(&b)));
    let help = match octal {
        Some(octal) => format!("write it with a zero in front, which makes it octal: 0{octal}"),
        None => "write a number from 0 to 0777".to_owned(),
    };
    found.push(spot.error(Code::OutOfRange, message).help(help));
}

/// `25` of `25%`.
fn percent(text: &str) -> Option<u32> {
    let digits = text.strip_suffix('%').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    Some(digits).filter(|digits| !digits.is_empty()).map(|digits| digits.parse().unwrap_or(u32::MAX))
}

/// Whether it stands for nothing, as a number or as a percentage.
pub(super) fn is_zero(spot: &Spot<'_>) -> bool {
    match spot.is() {
        Resolved::Int(number) => number == 0,
        Resolved::Text(text) => percent(text) == Some(0),
        _ => false,
    }
}

/// A value that cannot stand there, in the words in which a schema's are refused.
pub(super) fn refused(spot: &Spot<'_>, code: Code) -> Finding {
    let path = spot.path();
    let message = match spot.written() {
        Some(written) => format!("`{path}` cannot be `{written}`"),
        None => format!("`{path}` cannot have this value"),
    };
    spot.error(code, message)
}
