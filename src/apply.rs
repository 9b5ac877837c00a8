//! Runs a plan's steps against a target, in their order. What should change was decided before.

use std::{cell::RefCell, collections::VecDeque};

use futures::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};

use crate::check::order::{Order, Step};

/// What just ended.
enum Ended<E> {
    Write(usize, Result<(), E>),
    /// One that was not begun, since another failed.
    Left,
    Look(Result<Vec<usize>, E>),
}

/// Carries out the steps of an order, each as soon as what it needs is done, several at once. After an error none is
/// begun any more, and writes that were are waited for: nothing is written any more when this returns.
///
/// Objects without work are done at once, and whether they are healthy is asked only where work waits for it.
/// `ready` says which of some objects are healthy now; it is asked again and again, and sets the pace.
///
/// # Errors
/// The first.
pub async fn in_order<E>(
    order: &Order,
    has_work: impl Fn(usize) -> bool,
    at_once: usize,
    write: impl AsyncFn(usize) -> Result<(), E>,
    ready: impl AsyncFn(&[usize]) -> Result<Vec<usize>, E>,
) -> Result<(), E> {
    let mut needs = vec![0_u32; order.steps()];
    for step in 0..order.steps() {
        order.then(step).for_each(|next| needs[next] += 1);
    }
    let leads = leads_to_work(order, &has_work);
    let mut free: VecDeque<usize> = (0..order.steps()).filter(|step| needs[*step] == 0).collect();
    let (mut writes, mut waiting) = (VecDeque::new(), Vec::new());
    let failed = RefCell::new(None);
    let (write, ready) = (&write, &ready);
    let mut under_way: FuturesUnordered<LocalBoxFuture<'_, Ended<E>>> = FuturesUnordered::new();
    let (mut at_work, mut looking) = (0, false);
    loop {
        while let Some(step) = free.pop_front() {
            match order.step(step) {
                Step::Write(object) if has_work(object) => writes.push_back(object),
                Step::Ready(object) if leads[step] => waiting.push(object),
                _ => done(order, step, &mut needs, &mut free),
            }
        }
        let goes_on = failed.borrow().is_none();
        while goes_on
            && at_work < at_once
            && let Some(object) = writes.pop_front()
        {
            at_work += 1;
            let failed = &failed;
            under_way.push(Box::pin(async move {
                let begins = failed.borrow().is_none();
                if begins { Ended::Write(object, write(object).await) } else { Ended::Left }
            }));
        }
        if goes_on && !looking && !waiting.is_empty() {
            looking = true;
            let objects = waiting.clone();
            under_way.push(Box::pin(async move { Ended::Look(ready(&objects).await) }));
        }
        // Whoever waits for something that is not under way any more waits for nothing.
        if !goes_on && at_work == 0 {
            break;
        }
        let Some(ended) = under_way.next().await else { break };
        match ended {
            Ended::Write(object, Ok(())) => {
                at_work -= 1;
                done(order, order.number(Step::Write(object)), &mut needs, &mut free);
            }
            Ended::Look(Ok(healthy)) => {
                looking = false;
                waiting.retain(|object| !healthy.contains(object));
                for object in healthy {
                    done(order, order.number(Step::Ready(object)), &mut needs, &mut free);
                }
            }
            Ended::Write(_, Err(error)) => {
                at_work -= 1;
                failed.borrow_mut().get_or_insert(error);
            }
            Ended::Left => at_work -= 1,
            Ended::Look(Err(error)) => {
                looking = false;
                failed.borrow_mut().get_or_insert(error);
            }
        }
    }
    drop(under_way);
    failed.into_inner().map_or(Ok(()), Err)
}

/// Frees what needed a step and nothing else any more.
fn done(order: &Order, step: usize, needs: &mut [u32], free: &mut VecDeque<usize>) {
    for next in order.then(step) {
        needs[next] -= 1;
        if needs[next] == 0 {
            free.push_back(next);
        }
    }
}

/// Which steps have work behind them that waits for them.
fn leads_to_work(order: &Order, has_work: &impl Fn(usize) -> bool) -> Vec<bool> {
    let mut before = vec![Vec::new(); order.steps()];
    for step in 0..order.steps() {
        order.then(step).for_each(|next| before[next].push(step));
    }
    let mut leads = vec![false; order.steps()];
    let is_work = |step: &usize| matches!(order.step(*step), Step::Write(object) if has_work(object));
    let mut open: Vec<usize> = (0..order.steps()).filter(is_work).collect();
    while let Some(step) = open.pop() {
        for step in &before[step] {
            if !leads[*step] {
                leads[*step] = true;
                open.push(*step);
            }
        }
    }
    leads
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use proptest::prelude::*;

    use super::{Order, Step, in_order};

    /// Objects that come after others with lower numbers: written, or healthy.
    fn order(objects: usize, after: &[(usize, usize, bool)]) -> Order {
        let edges =
            after.iter().filter(|(a, b, _)| a != b && *a < objects && *b < objects).map(|(a, b, healthy)| {
                let (first, second) = (*a.min(b), *a.max(b));
                (if *healthy { Step::Ready(first) } else { Step::Write(first) }, Step::Write(second))
            });
        Order::new(objects, 0, edges)
    }

    fn run<E>(work: impl Future<Output = Result<(), E>>) -> Result<(), E> {
        tokio::runtime::Builder::new_current_thread().build().expect("it is a runtime").block_on(work)
    }

    proptest! {
        #[test]
        fn everything_is_written_once_and_after_what_it_needs(
            after in proptest::collection::vec((0usize..10, 0usize..10, any::<bool>()), 0..25),
            work in proptest::collection::vec(any::<bool>(), 10),
            at_once in 1usize..4,
        ) {
            let order = order(10, &after);
            let (written, healthy, writing) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()), Cell::new(0));
            let done: Result<(), ()> = run(in_order(
                &order,
                |object| work[object],
                at_once,
                async |object| {
                    writing.set(writing.get() + 1);
                    assert!(writing.get() <= at_once);
                    tokio::task::yield_now().await;
                    writing.set(writing.get() - 1);
                    written.borrow_mut().push(object);
                    Ok(())
                },
                async |objects: &[usize]| {
                    tokio::task::yield_now().await;
                    // One at a time: the one that was asked for last.
                    let object = *objects.last().expect("nobody asks for nothing");
                    assert!(!work[object] || written.borrow().contains(&object), "not written");
                    healthy.borrow_mut().push(object);
                    Ok(vec![object])
                },
            ));
            prop_assert!(done.is_ok());
            let written = written.into_inner();
            let mut sorted = written.clone();
            sorted.sort_unstable();
            let all: Vec<usize> = (0..10).filter(|object| work[*object]).collect();
            prop_assert_eq!(sorted, all);
            for (a, b, is_healthy) in after.iter().filter(|(a, b, _)| a != b) {
                let (first, second) = (*a.min(b), *a.max(b));
                let at = |object| written.iter().position(|one| *one == object);
                if let (Some(first), Some(second)) = (at(first), at(second)) {
                    prop_assert!(first < second);
                }
                prop_assert!(!is_healthy || !work[second] || healthy.borrow().contains(&first));
            }
            // Of what nobody waits for it is not asked.
            let asked = healthy.into_inner();
            prop_assert!(asked.iter().all(|first| after.iter().any(|(a, b, healthy)| *healthy && a.min(b) == first)));
        }

        #[test]
        fn after_an_error_nothing_is_begun_and_everything_that_was_has_ended(
            after in proptest::collection::vec((0usize..10, 0usize..10, any::<bool>()), 0..15),
            bad in 0usize..10,
            look_fails in any::<bool>(),
        ) {
            let order = order(10, &after);
            let (begun, ended, failed) = (Cell::new(0), Cell::new(0), Cell::new(false));
            let done = run(in_order(
                &order,
                |_| true,
                3,
                async |object| {
                    assert!(!failed.get(), "begun after an error");
                    begun.set(begun.get() + 1);
                    for _ in 0..object {
                        tokio::task::yield_now().await;
                    }
                    ended.set(ended.get() + 1);
                    failed.set(failed.get() || object == bad);
                    if object == bad { Err(object) } else { Ok(()) }
                },
                async |objects: &[usize]| if look_fails { failed.set(true); Err(99) } else { Ok(objects.to_vec()) },
            ));
            prop_assert!(done.is_err());
            prop_assert_eq!(begun.get(), ended.get());
        }
    }
}
