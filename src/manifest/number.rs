//! Numbers as go-yaml v2 reads them and as Go's JSON writes them.

use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};

use super::node::Resolved;

/// A scalar that begins like a number; `None` where it is a text after all.
pub(super) fn read(text: &str) -> Option<Resolved<'static>> {
    if let Some(rest) = text.strip_prefix('.') {
        return match rest {
            "inf" | "Inf" | "INF" => Some(Resolved::Float(f64::INFINITY)),
            "nan" | "NaN" | "NAN" => Some(Resolved::Float(f64::NAN)),
            _ => fraction(rest).map(Resolved::Float),
        };
    }
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Some(Resolved::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Resolved::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    if text.contains('_') { plain(&text.replace('_', "")) } else { plain(text) }
}

fn plain(text: &str) -> Option<Resolved<'static>> {
    let (negative, signed, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, true, &text[1..]),
        Some(b'+') => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    if let Some(whole) = whole(digits) {
        return match (negative, i64::try_from(whole)) {
            (false, Ok(whole)) => Some(Resolved::Int(whole)),
            (false, Err(_)) if !signed => Some(Resolved::Uint(whole)),
            (true, Ok(whole)) => Some(Resolved::Int(-whole)),
            (true, Err(_)) if whole == 1 << 63 => Some(Resolved::Int(i64::MIN)),
            _ => float(text, digits),
        };
    }
    if let Some(found) = float(text, digits) {
        return Some(found);
    }
    // `0b-1`: a sign where the library looks a second time, for binary numbers only.
    let rest = text.strip_prefix("0b")?;
    let (negative, digits) = match rest.as_bytes().first()? {
        b'-' => (true, &rest[1..]),
        b'+' => (false, &rest[1..]),
        _ => return None,
    };
    let whole = i128::from(radix(digits, 2)?);
    i64::try_from(if negative { -whole } else { whole }).ok().map(Resolved::Int)
}

/// The digits of a whole number with Go's prefixes: `0644` is octal, and `08` is not one.
fn whole(digits: &str) -> Option<u64> {
    let bytes = digits.as_bytes();
    let (base, rest) = match bytes {
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    radix(rest, base)
}

fn radix(digits: &str, base: u32) -> Option<u64> {
    // Rust takes a sign, which has no place here.
    let plain = digits.bytes().all(|b| b.is_ascii_alphanumeric());
    u64::from_str_radix(digits, base).ok().filter(|_| plain)
}

/// `1.`, `1.5`, `.5e-3` with a sign; what is too large stays a text.
fn float(text: &str, digits: &str) -> Option<Resolved<'static>> {
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let all = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let good = match mantissa.split_once('.') {
        Some(("", after)) => !after.is_empty() && all(after),
        Some((before, after)) => all(before) && all(after),
        None => !mantissa.is_empty() && all(mantissa),
    };
    let exponent = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    let good = good && exponent.is_none_or(|e| !e.is_empty() && all(e));
    text.parse::<f64>().ok().filter(|float| good && float.is_finite()).map(Resolved::Float)
}

/// What follows a leading dot, where the library asks Go itself, which allows `_` between digits.
fn fraction(rest: &str) -> Option<f64> {
    let (digits, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let exponent = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    let part = |part: &str| {
        let between = !part.starts_with('_') && !part.ends_with('_') && !part.contains("__");
        between && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    };
    let plain = format!(".{}", rest.replace('_', ""));
    let good = part(digits) && exponent.is_none_or(part);
    plain.parse::<f64>().ok().filter(|float| good && float.is_finite())
}

/// As it arrives at a cluster: a float that JSON writes without a fraction is a whole number there.
pub(super) fn as_json(value: Resolved<'_>) -> Resolved<'_> {
    match value {
        Resolved::Float(float) if float.fract() == 0.0 && float.abs() < 1e19 => {
            // By its digits: those that JSON writes are not always those of the nearest whole number.
            format!("{float}").parse().map_or(value, Resolved::Int)
        }
        other => other,
    }
}

/// A float as Go's JSON writes it.
pub(super) fn float_json(float: f64) -> String {
    let size = float.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{float:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    format!("{float}")
}

/// A float as a key: the shortest text that a number of 32 bits has.
#[allow(clippy::cast_possible_truncation, reason = "as the library does")]
pub(super) fn float_key(float: f64) -> String {
    let float = float as f32;
    if float.is_nan() {
        return ".nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{float:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) && float != 0.0 => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{float}"),
    }
}

/// The text that base64 stands for, as JSON holds it: each byte that is no UTF-8 becomes U+FFFD.
pub(super) fn binary(text: &str) -> Option<String> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let bytes = engine.decode(text.replace(['\n', '\r'], "")).ok()?;
    let mut decoded = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Some(decoded)
}
