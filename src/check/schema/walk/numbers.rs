//! Whole numbers that fit, and quantities as Kubernetes reads them.

use super::Walker;
use crate::{
    check::{quantity::Quantity, spot::Spot},
    finding::Code,
    manifest::Resolved,
    text,
};

impl Walker<'_> {
    /// A whole number has to fit its bits.
    pub(super) fn integer(&mut self, spot: &Spot<'_>, bits: u8, number: i128) {
        let most = if bits == 32 { i128::from(i32::MAX) } else { i128::from(i64::MAX) };
        if (-most - 1..=most).contains(&number) {
            return;
        }
        let size = if number < 0 { "small" } else { "large" };
        let message = match spot.written() {
            Some(written) => format!("`{}` is {written}, which is too {size} a number", spot.path()),
            None => format!("`{}` is too {size} a number", spot.path()),
        };
        let help = match number {
            ..0 => format!("write at least {}", -most - 1),
            _ => format!("write at most {most}"),
        };
        self.say(spot.error(Code::OutOfRange, message).help(help));
    }

    /// A number or a text that is a quantity.
    pub(super) fn quantity(&mut self, spot: &Spot<'_>) {
        let Resolved::Text(written) = spot.is() else { return };
        if Quantity::parse(written).is_some() {
            return;
        }
        let shown = spot.written().map_or_else(String::new, |written| format!(": `{written}`"));
        let finding = spot.error(Code::OutOfRange, format!("`{}` is no quantity{shown}", spot.path()));
        let help = match meant(written).filter(|_| !spot.is_secret()) {
            Some(meant) => meant,
            None => "write a number, and a unit where it needs one, as in `500m`, `2` or `1Gi`".to_owned(),
        };
        self.say(finding.help(help));
    }
}

/// What a quantity with a wrong unit was likely meant to be.
fn meant(written: &str) -> Option<String> {
    let written = written.trim();
    let end = written.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(written.len());
    let (number, unit) = written.split_at(end);
    let number = text::excerpt(number, 30);
    if number.is_empty() {
        return None;
    }
    let unit = unit.trim().to_ascii_lowercase();
    let decimal = |unit: &str, sure: &str| {
        Some(format!("write `{number}{unit}`, or `{number}{sure}` where 1024 is meant and not 1000"))
    };
    match unit.as_str() {
        "kb" | "kbyte" | "kbytes" => decimal("k", "Ki"),
        "mb" | "mbyte" | "mbytes" => decimal("M", "Mi"),
        "gb" | "g" | "gbyte" | "gbytes" => decimal("G", "Gi"),
        "tb" | "t" => decimal("T", "Ti"),
        "ki" | "kib" => Some(format!("write `{number}Ki`")),
        "mi" | "mib" => Some(format!("write `{number}Mi`")),
        "gi" | "gib" => Some(format!("write `{number}Gi`")),
        "ti" | "tib" => Some(format!("write `{number}Ti`")),
        "" | "b" | "byte" | "bytes" | "core" | "cores" | "cpu" | "cpus" => Some(format!("write `{number}`")),
        "%" => Some("a quantity is no share: write a number and its unit, as in `500m` or `1Gi`".to_owned()),
        _ => None,
    }
}
