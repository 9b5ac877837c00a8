//! Wanted against live: the ordered changes that make one the other. Nothing is changed here.

use std::collections::BTreeMap;

use gix::ObjectId;

use crate::record::Counts;

/// What an environment holds or should hold: items by name, each with the hash of its content.
pub type Items = BTreeMap<String, ObjectId>;

/// What is done to one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is not there.
    Create,
    /// It is there and different.
    Update,
    /// It is there and no longer wanted.
    Delete,
}

impl Action {
    /// The word that messages use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// To which item.
    pub item: String,
}

/// All changes in the order in which they are made: deletions come last, in reverse order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Empty where what runs is what is wanted.
    pub changes: Vec<Change>,
}

impl Plan {
    /// The changes that make `live` what is `wanted`.
    #[must_use]
    pub fn new(wanted: &Items, live: &Items) -> Self {
        let written = wanted.iter().filter_map(|(item, hash)| {
            let action = match live.get(item) {
                None => Action::Create,
                Some(there) if there != hash => Action::Update,
                Some(_) => return None,
            };
            Some(Change { action, item: item.clone() })
        });
        let gone = live.keys().rev().filter(|item| !wanted.contains_key(*item));
        let gone = gone.map(|item| Change { action: Action::Delete, item: item.clone() });
        Self { changes: written.chain(gone).collect() }
    }

    /// How much it changes.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let of = |action| self.changes.iter().filter(|change| change.action == action).count();
        Counts { created: of(Action::Create), updated: of(Action::Update), deleted: of(Action::Delete) }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items() -> impl Strategy<Value = Items> {
        proptest::collection::btree_map("[a-e]{1,2}", 0u8..3, 0..8)
            .prop_map(|map| map.into_iter().map(|(k, v)| (k, ObjectId::Sha1([v; 20]))).collect())
    }

    proptest! {
        #[test]
        fn carrying_out_a_plan_makes_what_is_live_what_is_wanted(wanted in items(), live in items()) {
            let plan = Plan::new(&wanted, &live);
            let mut now = live.clone();
            for change in &plan.changes {
                match change.action {
                    Action::Create => prop_assert!(now.insert(change.item.clone(), wanted[&change.item]).is_none()),
                    Action::Update => prop_assert!(now.insert(change.item.clone(), wanted[&change.item]).is_some()),
                    Action::Delete => prop_assert!(now.remove(&change.item).is_some()),
                }
            }
            prop_assert_eq!(&now, &wanted);
            prop_assert!(Plan::new(&wanted, &now).is_empty());
        }

        #[test]
        fn deletions_come_last(wanted in items(), live in items()) {
            let plan = Plan::new(&wanted, &live);
            let first = plan.changes.iter().position(|c| c.action == Action::Delete).unwrap_or(plan.changes.len());
            prop_assert!(plan.changes[first..].iter().all(|c| c.action == Action::Delete));
        }
    }
}
