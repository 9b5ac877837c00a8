//! Custom resources: rows that say which words of a status mean what, read from top to bottom.
//!
//! A controller that says "it failed" mostly tries again. Such a word is [`Status::Failing`] here, and only what no
//! retry mends is [`Status::Failed`].

use super::{
    Health, NOT_SEEN, Status,
    object::{Condition, Object},
    table::ROWS,
};

/// What objects of some kinds say about themselves.
pub(super) struct Row {
    /// The group of the kinds; `*.` before it stands for any label or more.
    pub(super) group: &'static str,
    /// The kinds, or all of the group where none is named.
    pub(super) kinds: &'static [&'static str],
    /// By what somebody tells the controller to leave the object alone.
    pub(super) pauses: &'static [Pause],
    /// The first that is true decides.
    pub(super) signs: &'static [Sign],
}

/// How somebody stops a controller.
pub(super) enum Pause {
    /// `true` at a path.
    Flag(&'static str),
    /// An annotation, with this value if one is given.
    Note(&'static str, Option<&'static str>),
}

/// Something that a status may say, and what it means.
pub(super) enum Sign {
    /// A condition has a status; `*` is any.
    If(&'static str, &'static str, Status),
    /// A condition has a status for one of these reasons.
    Since(&'static str, &'static str, &'static [&'static str], Status),
    /// One of these texts stands at a path; the reason stands at the other.
    At(&'static str, &'static [&'static str], Status, &'static str),
    /// What only a function can say.
    Ask(fn(&Object<'_>) -> Option<Health>),
    /// Whatever is said.
    Else(Status, &'static str),
}

/// The row of a kind.
pub(super) fn row(group: &str, kind: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.is_of(group) && (row.kinds.is_empty() || row.kinds.contains(&kind)))
}

impl Row {
    fn is_of(&self, group: &str) -> bool {
        match self.group.strip_prefix("*.") {
            Some(end) => group.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')),
            None => self.group == group,
        }
    }
}

impl Pause {
    /// Why the object is left alone.
    pub(super) fn stops(&self, object: &Object<'_>) -> Option<String> {
        match self {
            Self::Flag(path) => (*object.at(path) == true).then(|| format!("`{path}` is true")),
            Self::Note(name, wanted) => {
                let found = object.annotation(name)?;
                let stops = wanted.is_none_or(|wanted| wanted == found);
                stops.then(|| format!("it has the annotation `{name}`"))
            }
        }
    }
}

/// What the first sign that is true says.
pub(super) fn read(signs: &[Sign], object: &Object<'_>) -> Option<Health> {
    signs.iter().find_map(|sign| sign.says(object))
}

impl Sign {
    fn says(&self, object: &Object<'_>) -> Option<Health> {
        match self {
            Self::If(kind, status, means) => {
                let found = object.condition(kind)?;
                let is_it = *status == "*" || found.status() == *status;
                is_it.then(|| if_new(object, found, *means))
            }
            Self::Since(kind, status, reasons, means) => {
                let found = object.condition(kind)?;
                let is_it = found.status() == *status && reasons.contains(&found.reason());
                is_it.then(|| if_new(object, found, *means))
            }
            Self::At(path, words, means, reason) => {
                let found = object.text(path);
                words.contains(&found).then(|| {
                    let said = object.text(reason);
                    // `healthy: Healthy` says nothing.
                    let own = match means {
                        Status::Healthy => "",
                        Status::Suspended => "somebody has stopped it",
                        _ => found,
                    };
                    Health::new(*means, if said.is_empty() { own } else { said })
                })
            }
            Self::Ask(rule) => rule(object),
            Self::Else(means, words) => Some(Health::new(*means, words)),
        }
    }
}

/// What an object is of which no sign is true.
pub(super) fn unsaid(object: &Object<'_>) -> Health {
    let mut phases = ["status.phase", "status.state"].into_iter().map(|path| object.text(path));
    let phase = phases.find(|phase| !phase.is_empty());
    Health::new(Status::Progressing, phase.unwrap_or("its controller has not said how it is"))
}

/// A condition says nothing of an object that was changed since.
fn if_new(object: &Object<'_>, found: Condition<'_>, means: Status) -> Health {
    if object.is_newer_than(found) {
        return Health::new(Status::Progressing, NOT_SEEN);
    }
    found.health(means)
}

#[cfg(test)]
mod tests {
    use super::{super::table::ROWS, row};

    #[test]
    fn a_group_with_a_star_is_any_group_that_ends_so() {
        assert!(row("s3.aws.upbound.io", "Bucket").is_some());
        assert!(row("upbound.io", "Bucket").is_none());
        assert!(row("evilupbound.io", "Bucket").is_none());
        assert!(row("cert-manager.io", "Certificate").is_some());
        assert!(row("x.cert-manager.io", "Certificate").is_none());
    }

    #[test]
    fn no_row_hides_another() {
        for (at, one) in ROWS.iter().enumerate() {
            for kind in if one.kinds.is_empty() { &["Kind"] } else { one.kinds } {
                let found = row(&one.group.replace('*', "any"), kind);
                assert!(found.is_some_and(|found| std::ptr::eq(found, one)), "{at}: {} {kind}", one.group);
            }
        }
    }
}
