//! YAML text becomes Kubernetes objects, every node with its span.
//!
//! The tree keeps what was written; what Kubernetes makes of a scalar is [`scalar`]'s to say. No schema
//! is known here: `check` has them.

mod comments;
mod dialect;
mod documents;
mod json;
mod keys;
mod locate;
pub mod node;
mod number;
mod object;
mod parse;
pub mod scalar;
mod syntax;

pub use comments::comments;
pub use json::{TooLarge, json, line};
pub use locate::Located;
pub use node::{NodeId, Resolved, Tree, Value};
pub use object::{MAX_LISTS, Manifest, ObjectKey};
pub use parse::parse;

use std::rc::Rc;

use crate::{
    finding::{Code, Finding, MOST_OF_ONE},
    source::Source,
};

/// Reads the objects of one file, `List` kinds expanded.
#[must_use]
pub fn read(source: &Source) -> (Vec<Manifest>, Vec<Finding>) {
    let (trees, mut findings) = parse(source);
    let mut manifests = Vec::new();
    for tree in trees {
        object::read(source, &Rc::new(tree), &mut manifests, &mut findings);
    }
    if findings.len() >= MOST_OF_ONE {
        let message = format!("the file has {MOST_OF_ONE} errors and is not read further");
        findings.truncate(MOST_OF_ONE);
        let last = findings.last().and_then(|finding| finding.place.clone());
        let stopped = Finding::error(Code::TooMany, message).help("mend what is shown first");
        findings.extend(last.map(|place| stopped.at(place)));
    }
    (manifests, findings)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::read;
    use crate::{source::Source, text};

    const WEB: &str = include_str!("../../tests/promises/fixtures/web.yaml");

    /// Texts that are nearly YAML: pieces that mean something to a parser, in any order.
    fn nearly_yaml() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            "[a-z]{1,3}",
            "[\\[\\]{},:#&*!|>'\"%@`?~<-]",
            Just("\n".to_owned()),
            Just("\n  ".to_owned()),
            Just("\t".to_owned()),
            Just(": ".to_owned()),
            Just("- ".to_owned()),
            Just("\n---\n".to_owned()),
            Just("\n...\n".to_owned()),
            Just("{{ x }}".to_owned()),
            Just("kind: Secret\n".to_owned()),
            Just("items:".to_owned()),
            Just("ä\u{202e}\u{85}\r\n".to_owned()),
        ];
        proptest::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
    }

    /// Every place is in the text, and what is shown of it is safe and fits.
    fn looks_right(text: &str) {
        for finding in read(&Source::new("a.yaml", text)).1 {
            let Some(place) = finding.place else { continue };
            let lines = text.split('\n').count();
            assert!((1..=lines).contains(&(place.line as usize)), "{place:?}");
            let shown = place.text.unwrap_or_default();
            assert!(text::is_clean(&shown) && text::is_clean(&finding.message), "{shown:?}");
            assert!(shown.chars().count() <= text::WIDTH, "{shown:?}");
            assert!((place.caret + place.width) as usize <= shown.chars().count() + 1, "{shown:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn no_text_makes_the_reader_fail_or_point_beside_the_text(text in nearly_yaml()) {
            looks_right(&text);
        }

        #[test]
        fn no_slip_in_a_manifest_makes_the_reader_fail(at in 0usize..WEB.len(), cut in 0usize..20, slip in nearly_yaml()) {
            let end = (at + cut).min(WEB.len());
            looks_right(&format!("{}{slip}{}", &WEB[..at], &WEB[end..]));
        }
    }
}
