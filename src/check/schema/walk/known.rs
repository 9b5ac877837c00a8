//! The formats that the definitions of custom resources may name. Where the server's own reading is hard to
//! tell, what it may take is let through.

use std::net::Ipv6Addr;

use super::{Known, formats, limits::matches};
use crate::check::grammar;

/// What a text should be and is not, and how to write it.
pub(super) fn wrong(format: Known, text: &str) -> Option<(&'static str, &'static str)> {
    let is = |pattern| matches(pattern, text) != Some(false);
    let (good, what, help) = match format {
        Known::BsonObjectId => (is(r"^[0-9A-Fa-f]{24}$"), "object id", "write 24 hexadecimal digits"),
        Known::Uri => {
            (is(r"^([A-Za-z][A-Za-z0-9+.-]*:|/)[^\s]*$"), "URI", "write it as `https://shop.example/path`")
        }
        Known::Email => (is(r"[^@\s]@[^@\s]"), "address of a mailbox", "write it as `ana@shop.example`"),
        Known::Hostname => {
            let good = text.chars().count() <= 255 && is(r"^[^\s/:@]+$");
            (good, "host name", "write it as `shop.example`")
        }
        Known::Ipv4 => (grammar::is_ipv4(text), "IPv4 address", "write it as `10.0.0.1`"),
        Known::Ipv6 => (text.parse::<Ipv6Addr>().is_ok(), "IPv6 address", "write it as `fd00::1`"),
        Known::Cidr => (grammar::is_range(text), "range of addresses", "write it as `10.0.0.0/16`"),
        Known::Mac => (
            is(r"^([0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5,19}|[0-9A-Fa-f]{4}([.][0-9A-Fa-f]{4}){2,9})$"),
            "MAC address",
            "write it as `00:1b:63:84:45:e6`",
        ),
        Known::Uuid => (is(&uuid("[0-9A-Fa-f]", "[0-9A-Fa-f]")), "UUID", UUID),
        Known::Uuid3 => (is(&uuid("3", "[0-9A-Fa-f]")), "UUID of version 3", UUID),
        Known::Uuid4 => (is(&uuid("4", "[89ABab]")), "UUID of version 4", UUID),
        Known::Uuid5 => (is(&uuid("5", "[89ABab]")), "UUID of version 5", UUID),
        Known::Ssn => (
            is(r"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$"),
            "social security number",
            "write it as `000-00-0000`",
        ),
        Known::HexColor => (is(r"^#?([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$"), "colour", "write it as `#ff8800`"),
        Known::RgbColor => (
            is(r"^rgb\(\s*[0-9]{1,3}\s*,\s*[0-9]{1,3}\s*,\s*[0-9]{1,3}\s*\)$"),
            "colour",
            "write it as `rgb(255,136,0)`",
        ),
        Known::DateTime => (
            is(
                r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2})?([.,][0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?$",
            ),
            "time",
            "write it as `2026-11-23T10:00:00Z`",
        ),
        Known::Duration => (
            formats::is_duration(text) || is(r"^[+-]?([0-9.]+\s*[A-Za-zµ]+\s*)+$"),
            "duration",
            "write a number with its unit, as in `90s`, `10m` or `1h30m`",
        ),
        Known::ShortName => {
            (grammar::is_dns_label(text), "name", "use lower case letters, digits and `-`, at most 63")
        }
        Known::LongName => {
            (grammar::is_dns_name(text), "name", "use lower case letters, digits, `-` and `.`, at most 253")
        }
        // Sums of digits that nobody has in a manifest.
        Known::Isbn | Known::Isbn10 | Known::Isbn13 | Known::CreditCard => return None,
    };
    (!good).then_some((what, help))
}

const UUID: &str = "write it as `123e4567-e89b-42d3-a456-426614174000`";

fn uuid(version: &str, variant: &str) -> String {
    let hex = |n: usize| format!("[0-9A-Fa-f]{{{n}}}");
    format!("^{}-?{}-?{version}{}-?{variant}{}-?{}$", hex(8), hex(4), hex(3), hex(3), hex(12))
}

#[cfg(test)]
mod tests {
    use super::{Known, wrong};

    #[test]
    fn formats_are_what_a_cluster_takes() {
        for (format, good, bad) in [
            (Known::Ipv4, "10.0.0.1", "10.0.0.300"),
            (Known::Ipv4, "010.0.0.1", "10.0.0"),
            (Known::Ipv6, "fd00::1", "10.0.0.1"),
            (Known::Cidr, "10.0.0.0/16", "10.0.0.0/33"),
            (Known::Uri, "https://shop.example/a", "shop example"),
            (Known::Email, "ana@shop.example", "ana"),
            (Known::Uuid, "123e4567-e89b-12d3-a456-426614174000", "123"),
            (Known::Uuid4, "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
            (Known::Mac, "00:1b:63:84:45:e6", "00:1b:63"),
            (Known::DateTime, "2026-11-23T10:00:00Z", "tomorrow"),
            (Known::Duration, "3 days", "soon"),
            (Known::ShortName, "a-b", "a.b"),
            (Known::LongName, "a.b", "A"),
            (Known::HexColor, "#ff8800", "orange"),
            (Known::RgbColor, "rgb(255, 136, 0)", "rgb(1,2)"),
            (Known::Hostname, "shop.example", "shop example"),
            (Known::BsonObjectId, "507f1f77bcf86cd799439011", "507"),
            (Known::Ssn, "111-22-3333", "1"),
        ] {
            assert_eq!(wrong(format, good), None, "{good}");
            assert!(wrong(format, bad).is_some(), "{bad}");
        }
    }
}
