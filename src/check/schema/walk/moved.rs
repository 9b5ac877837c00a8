//! Fields that a finding has already named: what is misspelt, stands elsewhere or is said to be missing is not
//! missing once more.

use crate::manifest::NodeId;

/// Where fields belong that were found elsewhere.
#[derive(Debug, Default)]
pub(super) struct Moved(Vec<(NodeId, Box<str>)>);

impl Moved {
    /// The field of this mapping is there under another name or in another place.
    pub(super) fn belongs(&mut self, mapping: NodeId, field: &str) {
        self.0.push((mapping, field.into()));
    }

    /// Whether a finding has said so.
    pub(super) fn has(&self, mapping: NodeId, field: &str) -> bool {
        self.0.iter().any(|(node, name)| *node == mapping && **name == *field)
    }
}
