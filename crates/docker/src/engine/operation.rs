//! What all operations of the engine share: one promise, and the requests in flight for it.

use crate::{Answer, ApiError};
use parking_lot::Mutex;
use process::future::Value;
use process::{Future, Promise, clock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

type Cancel = Box<dyn FnOnce() + Send>;

/// An operation that is made of several requests, one after the other or side by side.
///
/// A discard of its future discards every request in flight and completes it as discarded, at
/// once. It may come at any moment: also while a request is being made, before the operation
/// knows that request (then the request is discarded as soon as it is known), and between two
/// requests (then there is no further one).
///
/// Requests and timers keep the operation alive, not the other way round.
pub(crate) struct Operation<T: Value> {
    promise: Promise<T>,
    in_flight: Mutex<InFlight>,
    /// What is still in flight no longer matters, though the promise is not completed yet.
    closed: AtomicBool,
}

#[derive(Default)]
struct InFlight {
    next: u64,
    cancels: Vec<(u64, Cancel)>,
}

impl<T: Value> Operation<T> {
    pub(crate) fn new() -> Arc<Self> {
        let operation = Arc::new(Operation {
            promise: Promise::new(),
            in_flight: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&operation);
        operation.promise.future().on_discard(move || {
            if let Some(operation) = weak.upgrade() {
                operation.promise.discard();
                operation.cancel_requests();
            }
        });
        operation
    }

    pub(crate) fn future(&self) -> Future<T> {
        self.promise.future()
    }

    /// Whether there is nothing left to do.
    pub(crate) fn is_over(&self) -> bool {
        let future = self.promise.future();
        !future.is_pending() || future.has_discard() || self.closed.load(Ordering::Acquire)
    }

    /// Succeeds. Requests that are still in flight no longer matter to anybody.
    pub(crate) fn set(&self, value: T) {
        self.promise.set(value);
        self.cancel_requests();
    }

    /// Gives up what is in flight, and then ends with this value: whoever gets it finds the
    /// requests gone.
    pub(crate) fn give_up(&self, value: T) {
        self.closed.store(true, Ordering::Release);
        self.cancel_requests();
        self.promise.set(value);
    }

    pub(crate) fn fail(&self, message: impl Into<String>) {
        self.promise.fail(message);
        self.cancel_requests();
    }

    pub(crate) fn discard(&self) {
        self.promise.discard();
        self.cancel_requests();
    }

    fn cancel_requests(&self) {
        let cancels = std::mem::take(&mut self.in_flight.lock().cancels);
        for (_, cancel) in cancels {
            cancel();
        }
    }

    /// Remembers what to do should the operation end early. If it has ended already (a discard
    /// during the very call that made the request), does it now.
    fn track(&self, cancel: impl FnOnce() + Send + 'static) -> Option<u64> {
        {
            let mut in_flight = self.in_flight.lock();
            if !self.is_over() {
                let id = in_flight.next;
                in_flight.next += 1;
                in_flight.cancels.push((id, Box::new(cancel)));
                return Some(id);
            }
        }
        cancel();
        None
    }

    fn forget(&self, id: u64) {
        let mut in_flight = self.in_flight.lock();
        let index = in_flight.cancels.iter().position(|(other, _)| *other == id);
        let cancel = index.map(|index| in_flight.cancels.swap_remove(index));
        drop(in_flight);
        drop(cancel);
    }

    /// Waits for any future on behalf of the operation; `next` runs unless the operation is over
    /// by then.
    pub(crate) fn watch<X: Value>(
        self: &Arc<Self>,
        future: &Future<X>,
        next: impl FnOnce(&Arc<Self>, &Future<X>) + Send + 'static,
    ) {
        // Weak: the future's callback keeps the operation alive already.
        let weak = future.downgrade();
        let id = self.track(move || {
            if let Some(future) = weak.get() {
                future.discard();
            }
        });
        let Some(id) = id else { return };
        let operation = Arc::clone(self);
        future.on_any(move |future| {
            operation.forget(id);
            if !operation.is_over() {
                next(&operation, future);
            }
        });
    }

    /// Makes a request, unless the operation is over. A request that somebody else discarded
    /// makes the whole operation discarded.
    pub(crate) fn request<X: Value>(
        self: &Arc<Self>,
        make: impl FnOnce() -> Answer<X>,
        next: impl FnOnce(&Arc<Self>, Result<X, ApiError>) + Send + 'static,
    ) {
        if self.is_over() {
            return;
        }
        self.watch(&make(), |operation, answer| match (answer.get(), answer.failure()) {
            (Some(result), _) => next(operation, result.clone()),
            (None, Some(message)) => operation.fail(message),
            (None, None) => operation.discard(),
        });
    }

    /// Runs `next` after `duration`, unless the operation is over by then.
    pub(crate) fn after(
        self: &Arc<Self>,
        duration: Duration,
        next: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) {
        if self.is_over() {
            return;
        }
        let operation = Arc::clone(self);
        // The timer may fire, on the clock's thread, before its number is stored: then there is
        // nothing to forget, and the entry stays until the operation ends.
        let slot = Arc::new(Mutex::new(None));
        let stored = Arc::clone(&slot);
        let timer = clock::timer(duration, move || {
            let id = stored.lock().take();
            if let Some(id) = id {
                operation.forget(id);
            }
            if !operation.is_over() {
                next(&operation);
            }
        });
        if let Some(id) = self.track(move || {
            clock::cancel(&timer);
        }) {
            *slot.lock() = Some(id);
        }
    }
}
