//! Who reaches whom: policies of the network, and Ingresses.

use super::{values, wants::text_of};
use crate::{
    check::{
        grammar::{self, Grammar},
        spot::Spot,
    },
    finding::{Code, Finding},
    manifest::Resolved,
    text,
};

/// `endPort` closes a range that begins with a number.
pub(super) fn end_port(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(end) = spot.field("endPort") else { return };
    let message = match spot.field("port") {
        Some(port) => match (port.is(), end.whole()) {
            (Resolved::Int(first), Some(last)) if last >= first => return,
            (Resolved::Int(_), None) => return,
            (Resolved::Int(first), _) => format!("`{}` is smaller than `port`, which is {first}", end.path()),
            _ => format!("`{}` needs a number as `port`", end.path()),
        },
        None => format!("`{}` has no `port` that it could end", end.path()),
    };
    found.push(end.error(Code::Together, message).help("write the first port as a number"));
}

/// What a block leaves out is part of it.
pub(super) fn block(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let (Some(whole), Some(except)) = (spot.field("cidr"), spot.field("except")) else { return };
    let Some(whole) = whole.text() else { return };
    for part in except.items() {
        if let Some(text) = part.text()
            && grammar::holds(whole, text) == Some(false)
        {
            let message = format!("`{}` is no smaller part of `cidr`", part.path());
            let help = format!("write a range within {}, or remove it", text::excerpt(whole, 60));
            found.push(part.error(Code::Together, message).help(help));
        }
    }
}

/// An Ingress is asked for by a name.
pub(super) fn host(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(host) = spot.field("host") else { return };
    let Some(text) = host.text() else { return };
    if grammar::is_address(text) {
        let message = format!("`{}` is an address, not a name", host.path());
        found.push(
            host.error(Code::OutOfRange, message).help("write a DNS name, or remove it for every host"),
        );
    } else {
        values::form(&host, Grammar::Host, found);
    }
}

/// A path that a server could read as another one is not compared.
pub(super) fn path(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(path) =
        spot.field("path").filter(|_| matches!(text_of(spot, "pathType"), Some("Exact" | "Prefix")))
    else {
        return;
    };
    let Some(text) = path.text() else { return };
    let within = ["//", "/./", "/../", "%2f", "%2F"].into_iter().find(|part| text.contains(part));
    let Some(part) = within.or_else(|| ["/..", "/."].into_iter().find(|end| text.ends_with(end))) else {
        return;
    };
    let message = format!("`{}` cannot have `{part}` in it", path.path());
    let help = "write the path as it is when it is read, or `pathType: ImplementationSpecific`";
    found.push(path.error(Code::OutOfRange, message).help(help));
}

/// The name of a Service's port; its number stands in another field.
pub(super) fn backend_port(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(name) = spot.field("name") else { return };
    match name.text().filter(|text| grammar::is_number(text)) {
        Some(number) => {
            let help = format!("write `number: {number}` in its place");
            found.push(values::refused(&name, Code::OutOfRange).help(help));
        }
        None => values::form(&name, Grammar::PortName, found),
    }
}
