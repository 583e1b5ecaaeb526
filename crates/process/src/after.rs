//! `after`: a timer as a future.
//!
//! Mirrors `3rdparty/libprocess/include/process/after.hpp`.

use crate::clock;
use crate::future::{Future, Nothing, Promise};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// Ready once `duration` has passed. A discard before that cancels the timer and makes it
/// discarded. With [`loop_`](crate::loop_) it makes loops that wait between their rounds.
#[doc(alias = "process::after")]
pub fn after(duration: Duration) -> Future<Nothing> {
    let promise = Promise::new();
    let future = promise.future();

    // Whoever takes the promise decides. Upstream lets the future own it until the timer fires;
    // here the timer owns it, and a discard takes both away.
    let promise = Arc::new(Mutex::new(Some(promise)));
    let on_timer = Arc::clone(&promise);
    let timer = clock::timer(duration, move || {
        let promise = on_timer.lock().take();
        if let Some(promise) = promise {
            promise.set(Nothing);
        }
    });
    let promise = Arc::downgrade(&promise);
    future.on_discard(move || {
        // Before the timer is cancelled: that drops the strong reference.
        let promise = promise.upgrade();
        if clock::cancel(&timer)
            && let Some(promise) = promise.and_then(|promise| promise.lock().take())
        {
            promise.discard();
        }
    });
    future
}
