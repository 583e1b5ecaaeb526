//! `CountDownLatch`: a future that is ready after so many calls.
//!
//! Mirrors `3rdparty/libprocess/include/process/count_down_latch.hpp`.

use crate::future::{Future, Nothing, Promise};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts down; [`triggered`](CountDownLatch::triggered) is ready when it reaches zero.
#[doc(alias = "process::CountDownLatch")]
pub struct CountDownLatch {
    count: AtomicUsize,
    promise: Promise<Nothing>,
}

impl Default for CountDownLatch {
    /// A latch for one call, as upstream's default is.
    fn default() -> Self {
        Self::new(1)
    }
}

impl CountDownLatch {
    /// A latch for `count` calls. One for none never triggers.
    pub fn new(count: usize) -> Self {
        CountDownLatch { count: AtomicUsize::new(count), promise: Promise::new() }
    }

    /// Counts down by one; without effect at zero.
    pub fn decrement(&self) {
        let one_less = |count: usize| count.checked_sub(1);
        if self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less) == Ok(1) {
            self.promise.set(Nothing);
        }
    }

    /// Ready once the count is zero.
    pub fn triggered(&self) -> Future<Nothing> {
        self.promise.future()
    }
}
