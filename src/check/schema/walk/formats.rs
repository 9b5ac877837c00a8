//! What a text has to look like: base64, times, durations, and the formats that definitions name.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Format, Look, Walker, known};
use crate::{check::spot::Spot, finding::Code};

/// As Go decodes it: padding is needed, what is left over in the last character is not looked at.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

impl Walker<'_> {
    /// A text that has to have a form.
    pub(super) fn format(&mut self, spot: &Spot<'_>, format: Format, text: &str, look: Look) {
        let (what, help) = match format {
            Format::Plain => return,
            Format::Byte if is_base64(text) => return,
            Format::Byte => return self.no_base64(spot, text),
            Format::DateTime if is_time(text, None) => return,
            Format::MicroTime if is_time(text, Some(6)) => return,
            Format::DateTime => ("time", "write it as `2026-11-23T10:00:00Z`"),
            Format::MicroTime => ("time to the microsecond", "write it as `2026-11-23T10:00:00.000000Z`"),
            Format::Date if is_date(text) => return,
            Format::Date => ("date", "write it as `2026-11-23`"),
            Format::Duration if is_duration(text) => return,
            Format::Duration => ("duration", "write a number with its unit, as in `90s`, `10m` or `1h30m`"),
            Format::Other(format) => match known::wrong(format, text) {
                None => return,
                Some(what) => what,
            },
        };
        if look.status && !self.built_in {
            return;
        }
        let path = spot.path();
        let message = match spot.written() {
            Some(written) => format!("`{path}` is no {what}: `{written}`"),
            None => format!("`{path}` is no {what}"),
        };
        self.say(spot.error(Code::OutOfRange, message).help(help));
    }

    /// Nothing of the text is shown: it is most often a Secret's.
    fn no_base64(&mut self, spot: &Spot<'_>, text: &str) {
        let message = format!("`{}` is not base64", spot.path());
        let help = if self.manifest.key.kind == "Secret" {
            "write the text itself under `stringData`, or encode it with `base64 -w0`"
        } else if text.trim_end().len() != text.len() || text.contains(' ') {
            "remove the blanks from it"
        } else {
            "encode it with `base64 -w0`"
        };
        self.say(spot.error(Code::OutOfRange, message).help(help));
    }
}

fn is_base64(text: &str) -> bool {
    if text.contains(['\n', '\r']) {
        let joined: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
        return BASE64.decode(joined).is_ok();
    }
    let mut room = [0u8; 256];
    match text.len() {
        0 => true,
        1..=300 => BASE64.decode_slice(text, &mut room).is_ok(),
        _ => BASE64.decode(text).is_ok(),
    }
}

/// `2026-11-23`
fn is_date(text: &str) -> bool {
    let parts = text.as_bytes();
    parts.len() == 10
        && parts[4] == b'-'
        && parts[7] == b'-'
        && [&text[..4], &text[5..7], &text[8..]].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()))
        && text.parse::<jiff::civil::Date>().is_ok()
}

/// RFC 3339 as Go reads it, with so many digits of a fraction where they are counted.
fn is_time(text: &str, digits: Option<usize>) -> bool {
    if !text.is_ascii() || text.len() < 20 || text.as_bytes()[10] != b'T' || !is_date(&text[..10]) {
        return false;
    }
    let two = |part: &str, most: u8| {
        part.len() == 2
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u8>().is_ok_and(|n| n <= most)
    };
    let (clock, rest) = text[11..].split_at(8);
    let is_clock = two(&clock[..2], 23)
        && &clock[2..3] == ":"
        && two(&clock[3..5], 59)
        && &clock[5..6] == ":"
        && two(&clock[6..], 59);
    let zone_at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (fraction, zone) = rest.split_at(zone_at);
    let is_fraction = match fraction.strip_prefix(['.', ',']) {
        None => fraction.is_empty() && digits.is_none(),
        Some(all) => {
            !all.is_empty()
                && all.bytes().all(|b| b.is_ascii_digit())
                && digits.is_none_or(|digits| all.len() == digits)
        }
    };
    let is_zone =
        zone == "Z" || (zone.len() == 6 && two(&zone[1..3], 24) && &zone[3..4] == ":" && two(&zone[4..], 60));
    is_clock && is_fraction && is_zone
}

/// `1h30m`, `1.5s`, as Go's `time.ParseDuration`.
pub(super) fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let dots = number.bytes().filter(|b| *b == b'.').count();
        if number.len() == dots || dots > 1 {
            return false;
        }
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if !matches!(unit, "ns" | "us" | "µs" | "μs" | "ms" | "s" | "m" | "h") {
            return false;
        }
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_what_kubernetes_reads() {
        for good in ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.5+01:00"] {
            assert!(is_time(good, None), "{good}");
        }
        for bad in [
            "2026-11-23",
            "2026-11-23 10:00:00",
            "2026-11-23T10:00:00",
            "2026-02-30T10:00:00Z",
            "2026-11-23T24:00:00Z",
        ] {
            assert!(!is_time(bad, None), "{bad}");
        }
        assert!(is_time("2026-11-23T10:00:00.000000Z", Some(6)));
        assert!(!is_time("2026-11-23T10:00:00Z", Some(6)));
    }

    #[test]
    fn durations_are_what_go_reads() {
        for good in ["1h30m", "0", "1.5s", "-3m", "100ms", ".5s", "1µs"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "5", "1d", "1h30", "s", "1.2.3s", "-", ".s"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn base64_is_what_go_decodes() {
        for good in ["", "YQ==", "YWI=", "YR==", "YW\nI=\n"] {
            assert!(is_base64(good), "{good}");
        }
        for bad in ["YQ", "YQ=", "a b=", "hunter2", "YQ== "] {
            assert!(!is_base64(bad), "{bad}");
        }
    }
}
