//! Futures over several futures: `collect`, `await`, `select`.
//!
//! Upstream runs a small process for each; here the bookkeeping lives in shared state and runs on
//! the completer's stack, which is what the process's handlers amount to.
//! Mirrors `3rdparty/libprocess/include/process/collect.hpp`.

use super::callbacks::By;
use super::{DISCARDED, Future, Promise, Value};
use parking_lot::Mutex;
use std::sync::Arc;

struct Waiting<T: Value, R: Value> {
    futures: Vec<Future<T>>,
    left: usize,
    promise: Promise<R>,
}

/// `None` once the outcome is decided: whoever takes the content decides.
type Shared<T, R> = Arc<Mutex<Option<Waiting<T, R>>>>;

/// Completes with all values, in order, once all are ready; fails as soon as one fails or is
/// discarded. A discard is passed on to all; when one is abandoned so is the result.
#[doc(alias = "process::collect")]
pub fn collect<T: Value>(futures: Vec<Future<T>>) -> Future<Vec<T>> {
    if futures.is_empty() {
        return Future::ready(Vec::new());
    }
    gather(futures, |shared, one| {
        if one.is_ready() {
            if let Some(Waiting { futures, promise, .. }) = take_if_last(shared) {
                promise.set(futures.iter().filter_map(|future| future.get().cloned()).collect());
            }
        } else if let Some(Waiting { promise, .. }) = take(shared) {
            match one.failure() {
                Some(message) => promise.fail(format!("Collect failed: {message}")),
                None => promise.fail("Collect failed: future discarded"),
            };
        }
    })
}

/// Completes with all futures, whatever became of them, once none is pending. A discard is passed
/// on to all and makes the result discarded; when one is abandoned so is the result.
#[doc(alias = "process::await")]
pub fn await_all<T: Value>(futures: Vec<Future<T>>) -> Future<Vec<Future<T>>> {
    if futures.is_empty() {
        return Future::ready(futures);
    }
    gather(futures, |shared, _| {
        if let Some(Waiting { futures, promise, .. }) = take_if_last(shared) {
            promise.set(futures);
        }
    })
}

/// [`await_all`] for one future: ready with that future once it has completed. When a discard was
/// asked of the result it becomes *discarded* itself, which is what ends a retry loop.
#[doc(alias = "process::await")]
pub fn await_one<T: Value>(future: &Future<T>) -> Future<Future<T>> {
    let future = future.clone();
    await_all(vec![future.clone()]).map(move |_| future)
}

/// The first of `futures` that becomes ready. Failed and discarded ones are passed over.
#[doc(alias = "process::select")]
pub fn select<T: Value>(futures: &[Future<T>]) -> Future<Future<T>> {
    let promise = Arc::new(Promise::new());
    let result = promise.future();
    let discarded = result.downgrade();
    result.on_discard(move || {
        if let Some(result) = discarded.get() {
            result.complete(By::Source, DISCARDED, None);
        }
    });
    for one in futures {
        let promise = Arc::clone(&promise);
        one.on_any(move |one| {
            if one.is_ready() {
                promise.set(one.clone());
            }
        });
    }
    result
}

fn take<T: Value, R: Value>(shared: &Shared<T, R>) -> Option<Waiting<T, R>> {
    shared.lock().take()
}

/// Counts one future as done; the last one gets everything.
fn take_if_last<T: Value, R: Value>(shared: &Shared<T, R>) -> Option<Waiting<T, R>> {
    let mut waiting = shared.lock();
    let left = &mut waiting.as_mut()?.left;
    *left -= 1;
    if *left == 0 { waiting.take() } else { None }
}

/// Calls `waited` for each future that completes; passes abandonment of the parts and a discard of
/// the whole on. The callbacks are installed in upstream's order, which decides when several parts
/// are done already.
fn gather<T: Value, R: Value>(
    futures: Vec<Future<T>>,
    waited: fn(&Shared<T, R>, &Future<T>),
) -> Future<R> {
    let promise = Promise::new();
    let result = promise.future();
    let parts = futures.clone();
    let left = futures.len();
    let shared = Arc::new(Mutex::new(Some(Waiting { futures, left, promise })));

    let on_discard = Arc::downgrade(&shared);
    result.on_discard(move || {
        let Some(Waiting { futures, promise, .. }) =
            on_discard.upgrade().and_then(|shared| take(&shared))
        else {
            return;
        };
        for one in &futures {
            one.discard();
        }
        // After the parts, so that whoever hears of this knows that they were asked.
        promise.discard();
    });

    for one in &parts {
        let on_any = Arc::clone(&shared);
        one.on_any(move |one| waited(&on_any, one));
        let on_abandoned = Arc::downgrade(&shared);
        one.on_abandoned(move || {
            // Dropping the promise abandons the result. Outside the lock, as `take` returns.
            drop(on_abandoned.upgrade().and_then(|shared| take(&shared)));
        });
    }
    result
}
