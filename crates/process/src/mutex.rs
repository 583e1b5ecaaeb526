//! `Mutex`: mutual exclusion between asynchronous operations.
//!
//! Mirrors `3rdparty/libprocess/include/process/mutex.hpp`.

use crate::future::{Future, Nothing, Promise};
use std::collections::VecDeque;
use std::sync::Arc;

/// A lock whose [`lock`](Mutex::lock) is a future. Handles are shared; who waits longest is next.
///
/// A discard of the future of a waiter is ignored, as upstream does: the lock is handed to it
/// nevertheless, and it must unlock.
#[doc(alias = "process::Mutex")]
#[derive(Clone, Default)]
pub struct Mutex(Arc<parking_lot::Mutex<State>>);

#[derive(Default)]
struct State {
    locked: bool,
    waiters: VecDeque<Promise<Nothing>>,
}

impl Mutex {
    /// An unlocked mutex.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ready once the caller has the lock.
    pub fn lock(&self) -> Future<Nothing> {
        let mut state = self.0.lock();
        if !state.locked {
            state.locked = true;
            return Future::ready(Nothing);
        }
        let waiter = Promise::new();
        let future = waiter.future();
        state.waiters.push_back(waiter);
        future
    }

    /// Hands the lock to the next waiter, if there is one.
    pub fn unlock(&self) {
        let next = {
            let mut state = self.0.lock();
            let next = state.waiters.pop_front();
            if next.is_none() {
                state.locked = false;
            }
            next
        };
        // Outside the lock: the waiter's callbacks may come back to this mutex.
        if let Some(next) = next {
            next.set(Nothing);
        }
    }
}
