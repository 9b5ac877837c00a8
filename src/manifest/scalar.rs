//! What a scalar without quotes is to Kubernetes, which reads YAML 1.1 as go-yaml v2 does.

use super::node::Style;

/// The kind of value that a scalar becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing.
    Null,
    /// `yes`, `true`, `off`.
    Boolean,
    /// `1`, `0644`, `1.5`, `1e3`.
    Number,
    /// Everything else.
    Text,
}

impl Kind {
    /// With its article, for a message.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Kind::Null => "nothing",
            Kind::Boolean => "a boolean",
            Kind::Number => "a number",
            Kind::Text => "a text",
        }
    }
}

/// What `text` becomes.
#[must_use]
pub fn kind(text: &str, style: Style) -> Kind {
    if style == Style::Quoted {
        return Kind::Text;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "n" | "N" | "no" | "No" | "NO" | "true" | "True" | "TRUE"
        | "false" | "False" | "FALSE" | "on" | "On" | "ON" | "off" | "Off" | "OFF" => Kind::Boolean,
        _ if is_number(text) => Kind::Number,
        _ => Kind::Text,
    }
}

/// Whether a scalar of [`Kind::Boolean`] is true.
#[must_use]
pub fn boolean(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "y" | "yes" | "true" | "on")
}

fn is_number(text: &str) -> bool {
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let digits = |s: &str, radix| !s.is_empty() && s.chars().all(|c| c.is_digit(radix));
    if let Some(hex) = unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0X")) {
        return digits(hex, 16);
    }
    if let Some(binary) = unsigned.strip_prefix("0b") {
        return digits(binary, 2);
    }
    if let Some(octal) = unsigned.strip_prefix("0o") {
        return digits(octal, 8);
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let starts = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    // What overflows a float stays a text: `9e999`.
    starts
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::{Kind::*, Style::*, kind};

    #[test]
    fn plain_scalars_are_read_as_kubernetes_reads_them() {
        for (kind_of, texts) in [
            (Null, &["", "~", "null"][..]),
            (Boolean, &["yes", "y", "on", "No", "Off", "TRUE"]),
            (
                Number,
                &[
                    "0644",
                    "0_644",
                    "08",
                    "1_000",
                    "-0x1F",
                    "0b11",
                    "1234e56",
                    "1.10",
                    "553640e6",
                    "18446744073709551616",
                ],
            ),
            (Text, &["tRue", "9e999", "1.2.3", "web", "12:30:45", "2026-11-22", "0x", "-", ".", "1e"]),
        ] {
            for text in texts {
                assert_eq!(kind(text, Plain), kind_of, "{text}");
                assert_eq!(kind(text, Quoted), Text, "{text}");
            }
        }
    }
}
