//! The writing end of a future: libprocess's `Promise<T>`.

use super::callbacks::{By, Callback, Link};
use super::{DISCARDED, FAILED, Future, READY, Value};

/// Completes one [`Future`], at most once. Dropping a promise that was neither completed nor
/// associated abandons its future.
#[doc(alias = "process::Promise")]
pub struct Promise<T: Value>(Future<T>);

impl<T: Value> Default for Promise<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Value> Promise<T> {
    /// A promise whose future is pending.
    pub fn new() -> Self {
        Promise(Future::pending())
    }

    /// A handle to the future of this promise.
    pub fn future(&self) -> Future<T> {
        self.0.clone()
    }

    pub(super) fn peek(&self) -> &Future<T> {
        &self.0
    }

    /// Makes the future ready. `false` when it was completed, or associated, before.
    pub fn set(&self, value: T) -> bool {
        self.0.complete(By::Promise, READY, Some(Ok(value)))
    }

    /// Fails the future. `false` when it was completed, or associated, before.
    pub fn fail(&self, message: impl Into<String>) -> bool {
        self.0.complete(By::Promise, FAILED, Some(Err(message.into())))
    }

    /// Completes the future as discarded, whether or not somebody asked for that. `false` when it
    /// was completed, or associated, before.
    pub fn discard(&self) -> bool {
        self.0.complete(By::Promise, DISCARDED, None)
    }

    /// Ties this promise's future to `source`: it completes (or is abandoned) as `source` does,
    /// and a discard asked of it is passed on to `source`. `false` when the future was completed,
    /// or associated, before. From here on the promise itself can do nothing.
    pub fn associate(&self, source: &Future<T>) -> bool {
        {
            let mut guarded = self.0.0.guarded.lock();
            if !self.0.is_pending() || guarded.associated {
                return false;
            }
            guarded.associated = true;
        }
        // Outside the lock: these may run callbacks at once.
        if source.is_pending() {
            self.0.pass_discard_to(source);
            source.attach(Callback::Associate(self.0.clone()));
        } else {
            source.copy_to(&self.0);
        }
        true
    }
}

impl<T: Value> Drop for Promise<T> {
    fn drop(&mut self) {
        if self.0.is_pending() {
            self.0.0.abandon(false);
        }
    }
}
