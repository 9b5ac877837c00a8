//! Amounts as Kubernetes writes them, made comparable.

use serde_json::Value as Json;

/// In billionths; `None` where it is no amount, or one that nobody has.
pub(super) fn read(value: &Json) -> Option<i128> {
    match value {
        Json::String(text) => parse(text.trim()),
        Json::Number(number) => parse(&number.to_string()),
        _ => None,
    }
}

fn parse(text: &str) -> Option<i128> {
    const BILLION: i128 = 1_000_000_000;
    let (minus, text) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + part.len() == 0 || whole.len() > 20 || part.len() > 9 {
        return None;
    }
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    let (times, over) = match unit {
        "" => (BILLION, 1),
        "n" => (1, 1),
        "u" => (1_000, 1),
        "m" => (1_000_000, 1),
        "k" => (BILLION.checked_mul(1_000)?, 1),
        "M" => (BILLION.checked_mul(1_000_000)?, 1),
        "G" => (BILLION.checked_mul(BILLION)?, 1),
        "T" => (BILLION.checked_mul(BILLION)?.checked_mul(1_000)?, 1),
        "P" => (BILLION.checked_mul(BILLION)?.checked_mul(1_000_000)?, 1),
        "Ki" => (BILLION << 10, 1),
        "Mi" => (BILLION << 20, 1),
        "Gi" => (BILLION << 30, 1),
        "Ti" => (BILLION << 40, 1),
        "Pi" => (BILLION << 50, 1),
        _ => {
            let power: i32 = unit.strip_prefix(['e', 'E'])?.parse().ok().filter(|p| (-9..=18).contains(p))?;
            let ten = 10_i128.checked_pow(power.unsigned_abs())?;
            if power < 0 { (BILLION, ten) } else { (BILLION.checked_mul(ten)?, 1) }
        }
    };
    let parts = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?.checked_mul(over)?;
    let amount = digits.checked_mul(times)? / parts;
    Some(if minus { -amount } else { amount })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn amounts_that_are_written_in_different_ways_are_the_same() {
        for (one, other) in [
            ("1Gi", "1024Mi"),
            ("1", "1000m"),
            ("0.5", "500m"),
            ("1k", "1e3"),
            ("1.5G", "1500M"),
            ("+2", "2"),
            ("1E-3", "1m"),
        ] {
            assert!(parse(one).is_some());
            assert_eq!(parse(one), parse(other), "{one} {other}");
        }
        assert!(parse("1G") < parse("1Gi"));
        assert!(parse("-1") < parse("0"));
        for bad in ["", "Gi", "1 Gi", "1GB", "99999999999999999999999", "1e99"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
