//! Is it healthy yet, and if not, why not.

use crate::{
    error::{Error, Result},
    plan::{Items, Plan},
    target::Target,
};

/// Returns when `target` holds what is `wanted` and is healthy. A folder is as soon as it is there, so
/// this looks once, and only where something was changed.
///
/// # Errors
/// The target does not hold what was just applied: somebody else writes to it.
pub fn wait(target: &dyn Target, plan: &Plan, wanted: &Items) -> Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    let left = Plan::new(wanted, &target.inspect()?);
    match left.changes.first() {
        None => Ok(()),
        Some(change) => {
            let error = Error::revision(format!("`{}` was changed by somebody else at once", change.item));
            Err(error.help("let nobody but instate write to the target"))
        }
    }
}
