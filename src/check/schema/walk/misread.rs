//! Values that are good, and are not what they look like.

use super::Walker;
use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
    manifest::{
        NodeId, Resolved,
        scalar::{self, surprise},
    },
    text,
};

impl Walker<'_> {
    /// `suspend: no` is false, `periodSeconds: 010` is 8.
    pub(super) fn misread(&mut self, spot: &Spot<'_>, is: Resolved<'_>) {
        let Some((written, _)) = self.manifest.tree.scalar(spot.node()) else { return };
        let looks = match is {
            Resolved::Bool(value) => written == if value { "true" } else { "false" },
            _ => {
                let digits = written.strip_prefix('-').unwrap_or(written);
                digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()))
            }
        };
        if looks || spot.is_quoted() || spot.is_secret() {
            return;
        }
        let Some(scalar::Surprise { says, plain, .. }) = surprise(written) else { return };
        let path = spot.path();
        // Modes of files are written so everywhere.
        let is_mode = path.ends_with("ode");
        let help = match (plain, is) {
            (Some(plain), _) => format!("write {plain}"),
            (None, _) if is_mode => return,
            (None, Resolved::Int(number)) => {
                format!("write {number}, or the digits without the zero before them")
            }
            (None, _) => "write it without the zero before it".to_owned(),
        };
        self.say(spot.warning(Code::Misread, format!("in `{path}`, {says}")).help(help));
    }

    /// `on: x` among labels is the key `true`.
    pub(super) fn misread_key(&mut self, spot: &Spot<'_>, key: NodeId, name: &str) {
        let Some((written, _)) = self.manifest.tree.scalar(key) else { return };
        if written == name || self.manifest.source.is_secret(self.manifest.tree.span(key)) {
            return;
        }
        let message = format!(
            "the key `{}` of `{}` is read as `{}`",
            text::excerpt(written, 40),
            spot.path(),
            text::excerpt(name, 40)
        );
        let place = self.manifest.source.place(self.manifest.tree.span(key));
        let help = format!("put it in quotes: \"{}\"", text::excerpt(written, 40));
        self.say(Finding::warning(Code::Misread, message).at(place).help(help));
    }
}
