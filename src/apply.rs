//! Runs a plan's steps against a target. What should change was decided before.

use std::cell::RefCell;

use futures::{StreamExt, stream};

use crate::error::Result;

/// Runs some steps, several at once. After an error none is begun any more, and those that were are waited
/// for: nothing is done any more when this returns.
///
/// # Errors
/// The first.
pub async fn all<S>(
    steps: impl IntoIterator<Item = S>,
    at_once: usize,
    run: impl AsyncFn(S) -> Result<()>,
) -> Result<()> {
    let failed = RefCell::new(None);
    let (failed_now, run) = (&failed, &run);
    stream::iter(steps)
        .for_each_concurrent(at_once, async |step| {
            if failed_now.borrow().is_some() {
                return;
            }
            if let Err(error) = run(step).await {
                failed_now.borrow_mut().get_or_insert(error);
            }
        })
        .await;
    failed.into_inner().map_or(Ok(()), Err)
}
