//! Amounts as Kubernetes' `resource.Quantity` reads them: `500m`, `1.5Gi`, `2e3`.

/// An amount in billionths, which is as fine as Kubernetes keeps one. What is finer counts as the next larger
/// one, and what is larger than anybody has as the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quantity(i128);

impl std::fmt::Display for Quantity {
    /// In billionths: a text by which amounts that are the same are told to be so.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}n", self.0)
    }
}

impl std::ops::Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Quantity {
    /// Nothing of it.
    pub const NONE: Self = Self(0);

    /// Whether it is more than `whole` divided by `part`, which is not nothing.
    pub fn is_more_than(self, whole: Self, part: Self) -> bool {
        // A ratio is a small number: what is lost of it is less than anybody writes.
        #[allow(clippy::cast_precision_loss, reason = "Kubernetes compares them as such, too")]
        let number = |amount: Self| amount.0 as f64;
        number(self) / 1e9 > number(whole) / number(part)
    }

    /// Whether it is `from` and a number of steps; a step is more than nothing.
    pub fn is_whole_steps(self, from: Self, step: Self) -> bool {
        self.0.saturating_sub(from.0) % step.0.max(1) == 0
    }

    /// `None` where Kubernetes reads no amount.
    pub fn parse(text: &str) -> Option<Self> {
        let (minus, unsigned) = match text.strip_prefix(['+', '-']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, unit) = unsigned.split_at(end);
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + part.len() == 0 || part.contains('.') {
            return None;
        }
        let billionths = scale(whole, part, unit_of(unit)?);
        Some(Self(if minus { -billionths } else { billionths }))
    }
}

/// How a unit makes a number larger, or smaller.
#[derive(Clone, Copy)]
enum Unit {
    /// By a power of 1024.
    Binary(u32),
    /// By a power of 10.
    Decimal(i64),
}

fn unit_of(unit: &str) -> Option<Unit> {
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    if let Some(at) = BINARY.iter().position(|known| *known == unit) {
        return Some(Unit::Binary(u32::try_from(at).ok()? + 1));
    }
    if let Some(at) = DECIMAL.iter().position(|known| *known == unit) {
        return Some(Unit::Decimal((i64::try_from(at).ok()? - 3) * 3));
    }
    let power = unit.strip_prefix(['e', 'E'])?;
    let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
    let is_power = !digits.is_empty() && digits.len() < 10 && digits.bytes().all(|b| b.is_ascii_digit());
    Some(Unit::Decimal(power.parse().ok().filter(|_| is_power)?))
}

/// A number in billionths, rounded up.
fn scale(whole: &str, part: &str, unit: Unit) -> i128 {
    // Thirty digits are more than anything has; of a longer part the rest only rounds up.
    let whole = whole.trim_start_matches('0');
    let kept = &part[..part.len().min(30_usize.saturating_sub(whole.len()))];
    let rest = part[kept.len()..].bytes().any(|digit| digit != b'0');
    let digits = format!("{whole}{kept}");
    let digits: i128 = match digits.as_str() {
        "" => 0,
        digits => digits.parse().unwrap_or(i128::MAX),
    };
    if digits == 0 {
        return i128::from(rest);
    }
    let (binary, power) = match unit {
        Unit::Binary(times) => (1024_i128.pow(times), 9),
        Unit::Decimal(power) => (1, power + 9),
    };
    let power = power - i64::try_from(kept.len()).unwrap_or(i64::MAX);
    let times = digits.saturating_mul(binary);
    let ten = |power: u64| 10_i128.saturating_pow(u32::try_from(power).unwrap_or(u32::MAX));
    match u64::try_from(power) {
        Ok(power) => times.saturating_mul(ten(power)),
        Err(_) => {
            let by = ten(power.unsigned_abs());
            times / by + i128::from(times % by != 0 || rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn quantities_are_what_kubernetes_reads() {
        for good in ["1", "0.5", ".5", "1.", "-1", "+1", "100m", "1Gi", "1E", "1e3", "1E-3", "12e+6", "0"] {
            assert!(Quantity::parse(good).is_some(), "{good}");
        }
        for bad in [
            "", ".", "m", "1GB", "1 Gi", "1gi", "1.2.3", "1e", "1K", "--1", "1mi", "0x10", "1e3m", "1,5",
            "Gi", " 1", "1 ",
        ] {
            assert_eq!(Quantity::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn amounts_that_are_written_in_different_ways_are_the_same() {
        for (one, other) in [
            ("1Gi", "1024Mi"),
            ("1", "1000m"),
            ("0.5", "500m"),
            ("1k", "1e3"),
            ("1.5G", "1500M"),
            ("1.5Gi", "1536Mi"),
            ("+2", "2"),
            ("1E-3", "1m"),
            ("-0", "0e9"),
            ("0.00000000000000000000000000000000000000001", "1n"),
            ("1e-30", "1n"),
            ("999999999999999999999999999999999999999999", "1e999999999"),
        ] {
            assert_eq!(Quantity::parse(one), Quantity::parse(other), "{one} {other}");
        }
    }

    #[test]
    fn amounts_are_ordered_by_what_they_stand_for() {
        let ordered = [
            "-1Gi", "-1", "0", "1n", "1u", "1m", "999m", "1", "1G", "1Gi", "64Gi", "1T", "1E", "1Ei", "1e40",
        ];
        for pair in ordered.windows(2) {
            assert!(Quantity::parse(pair[0]) < Quantity::parse(pair[1]), "{pair:?}");
        }
    }
}
