//! `ReadWriteLock`: many readers or one writer, asynchronously.
//!
//! Mirrors `3rdparty/libprocess/include/process/rwlock.hpp`.

use crate::future::{Future, Nothing, Promise};
use std::collections::VecDeque;
use std::sync::Arc;

/// A lock for many readers or one writer, whose locking functions are futures. Handles are shared.
///
/// Writers do not starve: a reader that comes while somebody waits, waits too, even if readers
/// have the lock.
#[doc(alias = "process::ReadWriteLock")]
#[derive(Clone, Default)]
pub struct ReadWriteLock(Arc<parking_lot::Mutex<State>>);

#[derive(Default)]
struct State {
    write_locked: bool,
    read_locked: usize,
    waiters: VecDeque<Waiter>,
}

enum Waiter {
    Read(Promise<Nothing>),
    Write(Promise<Nothing>),
}

impl Waiter {
    fn is_reader(&mut self) -> bool {
        matches!(self, Waiter::Read(_))
    }

    fn unblock(self) {
        let (Waiter::Read(promise) | Waiter::Write(promise)) = self;
        promise.set(Nothing);
    }
}

impl ReadWriteLock {
    /// An unlocked lock.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ready once the caller has the lock for itself.
    #[doc(alias = "ReadWriteLock::write_lock")]
    pub fn write_lock(&self) -> Future<Nothing> {
        let mut state = self.0.lock();
        if !state.write_locked && state.read_locked == 0 {
            state.write_locked = true;
            return Future::ready(Nothing);
        }
        let promise = Promise::new();
        let future = promise.future();
        state.waiters.push_back(Waiter::Write(promise));
        future
    }

    /// Ends a write lock: all readers at the front of the queue are next, or one writer.
    ///
    /// # Panics
    ///
    /// When the lock is not write-locked: a bug of the caller.
    #[doc(alias = "ReadWriteLock::write_unlock")]
    pub fn write_unlock(&self) {
        let mut unblocked = Vec::new();
        {
            let mut state = self.0.lock();
            assert!(
                state.write_locked && state.read_locked == 0,
                "write_unlock without write_lock"
            );
            state.write_locked = false;
            while let Some(reader) = state.waiters.pop_front_if(Waiter::is_reader) {
                unblocked.push(reader);
            }
            state.read_locked = unblocked.len();
            if unblocked.is_empty()
                && let Some(writer) = state.waiters.pop_front()
            {
                state.write_locked = true;
                unblocked.push(writer);
            }
        }
        // Outside the lock: the waiters' callbacks may come back to this lock.
        unblocked.into_iter().for_each(Waiter::unblock);
    }

    /// Ready once the caller shares the lock with other readers only.
    #[doc(alias = "ReadWriteLock::read_lock")]
    pub fn read_lock(&self) -> Future<Nothing> {
        let mut state = self.0.lock();
        if !state.write_locked && state.waiters.is_empty() {
            state.read_locked += 1;
            return Future::ready(Nothing);
        }
        let promise = Promise::new();
        let future = promise.future();
        state.waiters.push_back(Waiter::Read(promise));
        future
    }

    /// Ends a read lock. After the last one the writer at the front of the queue is next.
    ///
    /// # Panics
    ///
    /// When the lock is not read-locked: a bug of the caller.
    #[doc(alias = "ReadWriteLock::read_unlock")]
    pub fn read_unlock(&self) {
        let writer = {
            let mut state = self.0.lock();
            assert!(!state.write_locked && state.read_locked > 0, "read_unlock without read_lock");
            state.read_locked -= 1;
            // While readers have the lock, only a writer can be at the front.
            let writer = if state.read_locked == 0 { state.waiters.pop_front() } else { None };
            state.write_locked = writer.is_some();
            writer
        };
        if let Some(writer) = writer {
            writer.unblock();
        }
    }
}
