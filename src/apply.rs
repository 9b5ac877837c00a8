//! Runs a plan against a target. What should change was decided before.

use crate::{
    error::Result,
    plan::{Items, Plan},
    target::{Read, Target},
};

/// Carries out `plan`, which makes `target` hold what is `wanted`. An empty plan writes nothing at all.
///
/// # Errors
/// The target could not be changed; it says what it holds.
pub fn apply(target: &dyn Target, plan: &Plan, wanted: &Items, read: Read<'_>) -> Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    target.apply(wanted, read)
}
