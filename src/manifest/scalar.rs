//! What a scalar becomes: the one place that says so, for the JSON, the objects and the schemas.
//!
//! It is go-yaml v2's reading of YAML 1.1, as `sigs.k8s.io/yaml` has it: `0644` is 420, `yes` is true,
//! `1_000` is 1000, `9e999` a text. `tests/promises/reading` compares it with that library.

mod surprise;

pub use surprise::{Surprise, surprise};

use std::borrow::Cow;

use super::{
    node::{Resolved, Style},
    number,
};

/// The tag in front of a scalar, as far as it decides what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// `!!str`, and every tag that the library does not know: the text as it is.
    Text,
    /// `!!int`.
    Int,
    /// `!!float`.
    Float,
    /// `!!bool`.
    Bool,
    /// `!!null`.
    Null,
    /// `!!timestamp`, which must look like one and is a text all the same.
    Timestamp,
    /// `!!binary`: base64 of what is meant.
    Binary,
    /// `!!merge`, and a lone `!`: texts, but `<<` behind them is a merge.
    Merge,
    /// One with a `#`, which is no part of a tag.
    Broken,
}

impl Tag {
    /// What a tag with its handle resolved asks for.
    pub(super) fn of(handle: &str, suffix: &str) -> Self {
        let whole = [handle, suffix].concat();
        if whole == "!" {
            return Self::Merge;
        }
        if suffix.contains('#') {
            return Self::Broken;
        }
        match whole.strip_prefix("tag:yaml.org,2002:") {
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("bool") => Self::Bool,
            Some("null") => Self::Null,
            Some("timestamp") => Self::Timestamp,
            Some("binary") => Self::Binary,
            Some("merge") => Self::Merge,
            _ => Self::Text,
        }
    }

    /// What its value should have been, for a message.
    fn wants(self) -> &'static str {
        match self {
            Self::Int => "`!!int` and no whole number",
            Self::Float => "`!!float` and no number",
            Self::Bool => "`!!bool` and neither true nor false",
            Self::Null => "`!!null` and not empty",
            Self::Timestamp => "`!!timestamp` and no time",
            Self::Binary => "`!!binary` and not base64",
            Self::Broken => "with a `#`",
            Self::Text | Self::Merge => "a text",
        }
    }
}

/// Why Kubernetes does not read a scalar at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Its tag asks for something else; what, in words.
    Tag(&'static str),
    /// `.inf` or `.nan`, which JSON has not.
    NotFinite,
}

/// A scalar with its tag obeyed: a text and a style that mean the same without it.
pub(super) fn untagged(text: &str, tag: Tag) -> Result<(Cow<'_, str>, Style), Wrong> {
    let wrong = Err(Wrong::Tag(tag.wants()));
    match (tag, plain(text)) {
        (Tag::Merge, _) if text == "<<" => Ok((text.into(), Style::Plain)),
        (Tag::Text | Tag::Merge, _) => Ok((text.into(), Style::Quoted)),
        (Tag::Int, Resolved::Int(_) | Resolved::Uint(_))
        | (Tag::Bool, Resolved::Bool(_))
        | (Tag::Null, Resolved::Null)
        | (Tag::Float, Resolved::Float(_)) => Ok((text.into(), Style::Plain)),
        #[allow(clippy::cast_precision_loss, reason = "as the library does")]
        (Tag::Float, Resolved::Int(whole)) => Ok((format!("{:e}", whole as f64).into(), Style::Plain)),
        (Tag::Timestamp, _) if is_time(text) => Ok((text.into(), Style::Quoted)),
        (Tag::Binary, _) => match number::binary(text) {
            Some(decoded) => Ok((decoded.into(), Style::Quoted)),
            None => wrong,
        },
        _ => wrong,
    }
}

/// What a scalar without a tag becomes, as far as a text says it.
#[must_use]
pub fn resolve(text: &str, style: Style) -> Resolved<'_> {
    match style {
        Style::Plain => number::as_json(plain(text)),
        Style::Quoted => Resolved::Text(text),
    }
}

/// Whether a scalar has no place in JSON.
pub(super) fn not_finite(text: &str, style: Style) -> bool {
    style == Style::Plain
        && text.len() <= 5
        && matches!(text.trim_start_matches(['+', '-']), ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
        && matches!(plain(text), Resolved::Float(_))
}

/// The key that a scalar becomes: the text of a whole number or a boolean, and of a fraction as a number of
/// 32 bits has it. `None` where Kubernetes takes it for no key.
pub(super) fn key(text: &str, style: Style) -> Option<Cow<'_, str>> {
    if style == Style::Quoted {
        return Some(text.into());
    }
    match plain(text) {
        Resolved::Text(text) => Some(text.into()),
        Resolved::Bool(value) => Some(if value { "true" } else { "false" }.into()),
        Resolved::Int(whole) => Some(whole.to_string().into()),
        Resolved::Float(float) => Some(number::float_key(float).into()),
        _ => None,
    }
}

/// A scalar without quotes or tag, a float as a float.
fn plain(text: &str) -> Resolved<'_> {
    let word = match text.as_bytes().first() {
        None => return Resolved::Null,
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => number::read(text),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => word(text),
        Some(_) => None,
    };
    word.unwrap_or(Resolved::Text(text))
}

fn word(text: &str) -> Option<Resolved<'static>> {
    match text {
        "~" | "null" | "Null" | "NULL" => Some(Resolved::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(Resolved::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Resolved::Bool(false))
        }
        _ => None,
    }
}

/// `2026-11-23`, or with a time of day and perhaps a zone behind it.
fn is_time(text: &str) -> bool {
    let Some((date, rest)) = text
        .split_once(['T', 't', ' '])
        .map_or(Some((text, None)), |(date, rest)| Some((date, Some((text.as_bytes()[date.len()], rest)))))
    else {
        return false;
    };
    let short = |part: &str, most: u32| {
        let good = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<u32>().ok().filter(|n| good && *n <= most)
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let (Ok(year), Some(month), Some(day)) = (year.parse::<i16>(), short(month, 12), short(day, 31)) else {
        return false;
    };
    let narrow = |n: u32| i8::try_from(n).unwrap_or_default();
    if jiff::civil::Date::new(year, narrow(month), narrow(day)).is_err() {
        return false;
    }
    let Some((between, rest)) = rest else { return true };
    let (clock, zoned) = match rest.strip_suffix('Z') {
        Some(clock) => (clock, true),
        None => match rest.rfind(['+', '-']).map(|at| rest.split_at(at)) {
            Some((clock, zone)) => {
                let zone = zone[1..].split_once(':');
                let two = |part: &str, most| part.len() == 2 && short(part, most).is_some();
                if !zone.is_some_and(|(hours, minutes)| two(hours, 24) && two(minutes, 60)) {
                    return false;
                }
                (clock, true)
            }
            None => (rest, false),
        },
    };
    if zoned == (between == b' ') {
        return false;
    }
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, f)| (clock, Some(f)));
    let parts: Vec<&str> = clock.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else { return false };
    short(hours, 23).is_some()
        && short(minutes, 59).is_some()
        && short(seconds, 59).is_some()
        && fraction.is_none_or(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_text_that_kubernetes_makes_of_it() {
        for (written, is) in [
            ("a", Some("a")),
            ("1.10", Some("1.1")),
            ("0x10", Some("16")),
            ("0644", Some("420")),
            ("y", Some("true")),
            ("off", Some("false")),
            ("1e3", Some("1000")),
            ("1e8", Some("1e+08")),
            ("0.00001", Some("1e-05")),
            ("0.1", Some("0.1")),
            ("1e300", Some(".inf")),
            ("16777217.5", Some("1.6777218e+07")),
            ("18446744073709551615", None),
            ("~", None),
            ("", None),
        ] {
            assert_eq!(key(written, Style::Plain).as_deref(), is, "{written}");
        }
        assert_eq!(key("1.10", Style::Quoted).as_deref(), Some("1.10"));
    }
}
