//! Grammars of names, keys and addresses, as Kubernetes' API server reads them.
//!
//! Where its versions differ, what one of them takes is taken.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Characters of one part of a DNS name.
const MOST_OF_LABEL: usize = 63;
/// Characters of a whole DNS name, and of a key of a `ConfigMap`.
const MOST_OF_NAME: usize = 253;
/// Characters of the name of a port.
const MOST_OF_PORT: usize = 15;

/// What a text has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    /// `web-1`
    Label,
    /// `web.example`
    Name,
    /// `http`
    PortName,
    /// `http`, where a number may stand as well.
    Port,
    /// `app.properties`
    Key,
    /// `LOG_LEVEL`
    Variable,
    /// `X-Forwarded-For`
    Header,
    /// `shop.example` or `*.shop.example`
    Host,
    /// `shop.example.`
    Outside,
    /// `example.com/ingress`
    Controller,
    /// `10.0.0.1`
    Address,
    /// An address, or `None`.
    ClusterAddress,
    /// `10.0.0.0/16`
    Range,
    /// A path below something: `conf/app.yaml`
    Below,
}

impl Grammar {
    /// Whether the text is one of it.
    pub fn takes(self, text: &str) -> bool {
        match self {
            Self::Label => is_dns_label(text),
            Self::Name => is_dns_name(text),
            Self::PortName | Self::Port => is_port_name(text),
            Self::Key => {
                !text.is_empty()
                    && text.len() <= MOST_OF_NAME
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
                    && text != "."
                    && !text.starts_with("..")
            }
            Self::Variable => text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'='),
            Self::Header => text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
            Self::Host => is_dns_name(text.strip_prefix("*.").unwrap_or(text)) && text.len() <= MOST_OF_NAME,
            Self::Outside => is_dns_name(text.strip_suffix('.').unwrap_or(text)),
            Self::Controller => text.split_once('/').is_some_and(|(domain, path)| {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&b);
                is_dns_name(domain) && !path.is_empty() && path.bytes().all(plain)
            }),
            Self::Address => is_address(text),
            Self::ClusterAddress => text == "None" || is_address(text),
            Self::Range => is_range(text.trim()),
            Self::Below => !text.starts_with('/') && text.split('/').all(|part| part != ".."),
        }
    }

    /// How to write what does not fit; `shown` is whether anything of the text may be told.
    pub fn help(self, text: &str, shown: bool) -> String {
        let text = if shown { text.trim() } else { "" };
        let rule = match self {
            Self::Label => "use lower case letters, digits and `-`, at most 63",
            Self::Name => "use lower case letters, digits, `-` and `.`, at most 253",
            Self::Port if is_number(text) => {
                return format!("write {text} without quotes: what stands in quotes is the name of a port");
            }
            Self::PortName | Self::Port => {
                "use lower case letters, digits and single `-`, at most 15, one of them a letter"
            }
            Self::Key => "use letters, digits, `-`, `_` and `.`, without `..` in front",
            Self::Variable => "use letters, digits and `_`",
            Self::Header => "use letters, digits and `-`",
            Self::Host | Self::Outside => "write a DNS name in lower case",
            Self::Controller => "write a domain and a path behind it",
            Self::Address | Self::ClusterAddress => match text.split_once('/') {
                Some((address, _)) if is_address(address) => return format!("write `{address}`"),
                _ => return "write an address, as in `10.0.0.1` or `fd00::1`".to_owned(),
            },
            Self::Range => {
                return match text {
                    text if is_ipv4(text) => format!("write `{text}/32` for this one address"),
                    text if is_address(text) => format!("write `{text}/128` for this one address"),
                    _ => "write an address and the length of its prefix, as in `10.0.0.0/16`".to_owned(),
                };
            }
            Self::Below => return "write a path that does not begin with `/` and has no `..`".to_owned(),
        };
        match self.mended(text).filter(|mended| self.takes(mended)) {
            Some(mended) => format!("{rule}, as in `{mended}`"),
            None => rule.to_owned(),
        }
    }

    /// What was likely meant, if that is one of it.
    fn mended(self, text: &str) -> Option<String> {
        let joined = |text: &str, by: char, plain: fn(char) -> bool| {
            let text: String = text.chars().map(|c| if plain(c) { c } else { by }).collect();
            text.trim_matches(by).to_owned()
        };
        let lower = || text.to_ascii_lowercase();
        let plain = |c: char| c.is_ascii_alphanumeric();
        Some(match self {
            Self::PortName | Self::Port if is_number(text) => format!("port-{text}"),
            Self::Label | Self::PortName | Self::Port => joined(&lower(), '-', plain),
            Self::Name => joined(&lower(), '-', |c| c.is_ascii_alphanumeric() || c == '.'),
            Self::Key => {
                let text = joined(text, '-', |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
                text.trim_start_matches('.').to_owned()
            }
            Self::Variable => joined(text, '_', |c| c.is_ascii_alphanumeric()),
            Self::Header => joined(text, '-', plain),
            Self::Host | Self::Outside => {
                let host = lower();
                let host = host.split_once("://").map_or(&*host, |(_, host)| host);
                host.split(['/', ':']).next()?.to_owned()
            }
            Self::Controller => format!("example.com/{text}"),
            Self::Address | Self::ClusterAddress | Self::Range | Self::Below => return None,
        })
        .filter(|mended| !mended.is_empty())
    }
}

/// One part of a DNS name.
pub(super) fn is_dns_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.len() <= MOST_OF_LABEL && is_part(text, plain)
}

/// A DNS name; its parts may be as long as the whole.
pub(super) fn is_dns_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= MOST_OF_NAME && name.split('.').all(|part| is_part(part, plain))
}

fn is_part(part: &str, plain: impl Fn(u8) -> bool) -> bool {
    !part.is_empty() && part.bytes().all(plain) && !part.starts_with('-') && !part.ends_with('-')
}

fn is_port_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.len() <= MOST_OF_PORT
        && is_part(text, plain)
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && !text.contains("--")
}

/// A number that a port could have.
pub(super) fn is_number(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Of either kind; an IPv4 one also with zeros before a number, which Kubernetes still reads.
pub(super) fn is_address(text: &str) -> bool {
    is_ipv4(text) || text.parse::<Ipv6Addr>().is_ok()
}

pub(super) fn is_ipv4(text: &str) -> bool {
    ipv4(text).is_some()
}

fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut parts = [0; 4];
    let mut texts = text.split('.');
    for part in &mut parts {
        let text = texts.next()?;
        let digits = text.trim_start_matches('0');
        if text.is_empty() || text.len() > 20 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *part = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    }
    texts.next().is_none().then(|| parts.into())
}

/// A range of addresses: `10.0.0.0/16`.
pub(super) fn is_range(text: &str) -> bool {
    range(text).is_some()
}

/// The first address of a range in 128 bits, its length, and whether it is IPv6.
fn range(text: &str) -> Option<(u128, u32, bool)> {
    let (address, length) = text.split_once('/')?;
    let (bits, most, is_six) = match ipv4(address) {
        Some(address) => (u128::from(address.to_bits()) << 96, 32, false),
        None => (address.parse::<Ipv6Addr>().ok()?.to_bits(), 128, true),
    };
    let length = Some(length).filter(|length| length.bytes().all(|b| b.is_ascii_digit()))?;
    let length = length.parse::<u32>().ok().filter(|length| *length <= most)?;
    Some((bits & mask(length), length, is_six))
}

fn mask(length: u32) -> u128 {
    u128::MAX.checked_shl(128 - length).unwrap_or_default()
}

/// Whether the second range is part of the first and smaller; `None` where one of them is none.
pub(super) fn holds(whole: &str, part: &str) -> Option<bool> {
    let ((whole, length, is_six), (part, smaller, is_six_too)) = (range(whole)?, range(part)?);
    Some(is_six == is_six_too && smaller > length && part & mask(length) == whole)
}

#[cfg(test)]
mod tests {
    use super::Grammar::{
        Address, ClusterAddress, Controller, Header, Host, Key, Label, Name, Outside, Port, PortName, Range,
        Variable,
    };
    use super::*;

    #[test]
    fn texts_are_what_a_cluster_takes() {
        let (label, long, name) = ("a".repeat(63), "a".repeat(64), "a".repeat(253));
        for (grammar, good) in [
            (Label, "a"),
            (Label, "0-a"),
            (Label, &*label),
            (Name, "a.b-c"),
            (Name, &*name),
            (PortName, "a23456789012345"),
            (PortName, "0a"),
            (Key, ".a"),
            (Key, "A_b-c.d"),
            (Key, "a..b"),
            (Variable, "1 a.b-c/d"),
            (Header, "X-A"),
            (Host, "*.shop.example"),
            (Host, "shop"),
            (Outside, "shop.example."),
            (Controller, "k8s.io/ingress-nginx"),
            (Address, "010.0.0.1"),
            (Address, "::ffff:10.0.0.1"),
            (ClusterAddress, "None"),
            (Range, " 10.0.0.1/08"),
            (Range, "fd00::/128"),
            (Range, "0.0.0.0/0"),
            (Grammar::Below, "..a/..b"),
        ] {
            assert!(grammar.takes(good), "{grammar:?} {good}");
        }
        for (grammar, bad) in [
            (Label, ""),
            (Label, "A"),
            (Label, "a.b"),
            (Label, "a-"),
            (Label, &*long),
            (Name, "a..b"),
            (Name, "a_b"),
            (PortName, "a234567890123456"),
            (PortName, "8080"),
            (PortName, "a--b"),
            (PortName, "-a"),
            (Port, "80"),
            (Key, ""),
            (Key, "."),
            (Key, "..a"),
            (Key, "a/b"),
            (Variable, "a=b"),
            (Variable, "ä"),
            (Header, "X_A"),
            (Host, "*"),
            (Host, "a.*.b"),
            (Host, "https://shop.example"),
            (Controller, "nginx"),
            (Controller, "example.com/"),
            (Address, "10.0.0"),
            (Address, "10.0.0.256"),
            (Address, "10.0.0.1/8"),
            (Range, "10.0.0.1"),
            (Range, "10.0.0.0/33"),
            (Range, "10.0.0.0/"),
            (Range, "10.0.0.0/-1"),
            (Grammar::Below, "/a"),
            (Grammar::Below, "a/../b"),
        ] {
            assert!(!grammar.takes(bad), "{grammar:?} {bad}");
        }
    }

    #[test]
    fn what_is_suggested_is_taken() {
        for (grammar, written, meant) in [
            (Label, "Web_x", "`web-x`"),
            (Label, "web.shop", "`web-shop`"),
            (Name, "My Web.Shop", "`my-web.shop`"),
            (PortName, "8080", "`port-8080`"),
            (PortName, "HTTP_Metrics", "`http-metrics`"),
            (Port, "8080", "8080 without quotes"),
            (Key, "a b/c", "`a-b-c`"),
            (Key, "..c", "`c`"),
            (Variable, "A=B", "`A_B`"),
            (Host, "https://Shop.example:8443/x", "`shop.example`"),
            (Controller, "nginx", "`example.com/nginx`"),
            (Address, "10.7.7.7/24", "`10.7.7.7`"),
            (Range, "10.7.7.7", "`10.7.7.7/32`"),
            (Range, "fd00::1", "`fd00::1/128`"),
        ] {
            assert!(grammar.help(written, true).contains(meant), "{}", grammar.help(written, true));
            assert!(!grammar.help(written, false).contains(meant), "{written}");
        }
        assert!(!Label.help(&"A".repeat(64), true).contains("as in"));
    }

    #[test]
    fn a_range_holds_smaller_ones() {
        for (whole, part, is) in [
            ("10.0.0.0/8", "10.1.0.0/16", Some(true)),
            ("10.0.0.0/8", "10.0.0.0/8", Some(false)),
            ("10.0.0.0/8", "11.0.0.0/9", Some(false)),
            ("10.0.0.0/8", "0.0.0.0/0", Some(false)),
            ("0.0.0.0/0", "10.0.0.0/8", Some(true)),
            ("::/0", "fd00::/8", Some(true)),
            ("::/0", "10.0.0.0/8", Some(false)),
            ("10.0.0.0/8", "10.0.0.0", None),
        ] {
            assert_eq!(holds(whole, part), is, "{whole} {part}");
        }
    }
}
