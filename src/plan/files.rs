//! The plan for a folder: files, told apart by the hash of their bytes.

use std::collections::BTreeMap;

use gix::ObjectId;

use super::Action;

/// What an environment holds or should hold: items by name, each with the hash of its content.
pub type Items = BTreeMap<String, ObjectId>;

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
                    Action::Replace => prop_assert!(false, "a file is never replaced"),
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
