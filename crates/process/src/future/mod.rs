//! Shared, single-assignment futures: libprocess's `Future<T>`.
//!
//! A [`Future`] is a cheap handle to a cell that is completed once, by a [`Promise`]. Handles are
//! shared: any number of clones, any number of callbacks. What is peculiar to libprocess, and what
//! the rest of Drydock relies on:
//!
//! - Callbacks run **at once, on the stack of whoever completes the future**. Only a callback made
//!   with `defer!` is sent to its process instead.
//! - [`Future::discard`] is a *request*. It runs the `on_discard` callbacks and travels up a `then`
//!   chain; the future stays pending until its promise completes it, one way or another.
//! - A future whose promise was dropped is *abandoned*: still pending, but nobody will complete it.
//!
//! Mirrors `3rdparty/libprocess/include/process/future.hpp`.

mod callbacks;
mod chain;
mod collect;
mod promise;
mod stack;
mod wait;

pub use collect::{await_all, await_one, collect, select};
pub use promise::Promise;
pub use wait::Outcome;

pub(crate) use callbacks::Link;
pub(crate) use stack::with_enough_stack;

use callbacks::Callbacks;
use parking_lot::Mutex;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// The value of an operation that has no value: stout's `Nothing`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nothing;

/// A failed future's message, for use where a value is expected: `Failure::new("...").into()`.
#[doc(alias = "process::Failure")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(
    /// What went wrong, as upstream words it where frameworks see it.
    pub String,
);

/// What a future can hold: as in C++, a value that can be copied and shared between threads.
pub trait Value: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Value for T {}

const PENDING: u8 = 0;
const READY: u8 = 1;
const FAILED: u8 = 2;
const DISCARDED: u8 = 3;

struct Cell<T> {
    state: AtomicU8,
    discard: AtomicBool,
    abandoned: AtomicBool,
    /// Set before `state` says READY or FAILED, never changed afterwards.
    result: OnceLock<Result<T, String>>,
    guarded: Mutex<Guarded<T>>,
}

struct Guarded<T> {
    associated: bool,
    callbacks: Callbacks<T>,
}

impl<T> Drop for Cell<T> {
    fn drop(&mut self) {
        // What the callbacks own may be the last handles of other futures, which own the next
        // ones: a long chain is taken down link by link, each on the stack of the one before.
        let callbacks = std::mem::take(&mut self.guarded.get_mut().callbacks);
        if !callbacks.is_empty() {
            with_enough_stack(|| drop(callbacks));
        }
    }
}

/// A handle to a value that will be there later, or never. See the [module](self).
#[doc(alias = "process::Future")]
pub struct Future<T>(Arc<Cell<T>>);

impl<T> Clone for Future<T> {
    fn clone(&self) -> Self {
        Future(Arc::clone(&self.0))
    }
}

/// Two handles are equal when they are handles to the same future.
impl<T> PartialEq for Future<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Eq for Future<T> {}

/// A handle that does not keep the future alive.
#[doc(alias = "process::WeakFuture")]
pub struct WeakFuture<T>(Weak<Cell<T>>);

impl<T> WeakFuture<T> {
    /// The future, if some other handle still keeps it alive.
    pub fn get(&self) -> Option<Future<T>> {
        self.0.upgrade().map(Future)
    }
}

impl<T> Clone for WeakFuture<T> {
    fn clone(&self) -> Self {
        WeakFuture(Weak::clone(&self.0))
    }
}

impl<T> Future<T> {
    fn with_state(state: u8, result: Option<Result<T, String>>, abandoned: bool) -> Self {
        let cell = Cell {
            state: AtomicU8::new(state),
            discard: AtomicBool::new(false),
            abandoned: AtomicBool::new(abandoned),
            result: result.map_or_else(OnceLock::new, OnceLock::from),
            guarded: Mutex::new(Guarded { associated: false, callbacks: Callbacks::new() }),
        };
        Future(Arc::new(cell))
    }

    fn state(&self) -> u8 {
        self.0.state.load(Ordering::Acquire)
    }

    /// Neither ready, failed nor discarded. An abandoned future is still pending.
    #[doc(alias = "isPending")]
    pub fn is_pending(&self) -> bool {
        self.state() == PENDING
    }

    /// Completed with a value.
    #[doc(alias = "isReady")]
    pub fn is_ready(&self) -> bool {
        self.state() == READY
    }

    /// Completed with a failure.
    #[doc(alias = "isFailed")]
    pub fn is_failed(&self) -> bool {
        self.state() == FAILED
    }

    /// Completed by its promise as discarded. Asking for a discard alone does not do this.
    #[doc(alias = "isDiscarded")]
    pub fn is_discarded(&self) -> bool {
        self.state() == DISCARDED
    }

    /// Nobody is left who could complete this future.
    #[doc(alias = "isAbandoned")]
    pub fn is_abandoned(&self) -> bool {
        self.0.abandoned.load(Ordering::Acquire)
    }

    /// Somebody asked for a discard while the future was pending.
    #[doc(alias = "hasDiscard")]
    pub fn has_discard(&self) -> bool {
        self.0.discard.load(Ordering::Acquire)
    }

    /// The value, when ready. Unlike upstream's `get` this never waits: see [`Future::wait`].
    pub fn get(&self) -> Option<&T> {
        if self.state() != READY {
            return None;
        }
        self.0.result.get()?.as_ref().ok()
    }

    /// The failure's message, when failed.
    pub fn failure(&self) -> Option<&str> {
        if self.state() != FAILED {
            return None;
        }
        self.0.result.get()?.as_ref().err().map(String::as_str)
    }

    /// A handle that does not keep the future alive, for breaking cycles.
    pub fn downgrade(&self) -> WeakFuture<T> {
        WeakFuture(Arc::downgrade(&self.0))
    }
}

impl<T: Value> Future<T> {
    /// A future that is ready from the start.
    pub fn ready(value: T) -> Self {
        Self::with_state(READY, Some(Ok(value)), false)
    }

    /// A future that failed from the start.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::with_state(FAILED, Some(Err(message.into())), false)
    }

    /// A future without a promise: pending for ever and abandoned, as upstream's default
    /// constructor makes it. Useful as the initial value of a field.
    pub fn abandoned() -> Self {
        Self::with_state(PENDING, None, true)
    }

    fn pending() -> Self {
        Self::with_state(PENDING, None, false)
    }
}

impl<T: fmt::Debug> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state() {
            READY => write!(f, "Ready({:?})", self.get()),
            _ => write!(f, "{self}"),
        }
    }
}

/// As upstream prints a future: its state, and whether a discard was requested.
impl<T> fmt::Display for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.has_discard() { " (with discard)" } else { "" };
        match self.state() {
            PENDING if self.is_abandoned() => write!(f, "Abandoned{suffix}"),
            PENDING => write!(f, "Pending{suffix}"),
            READY => write!(f, "Ready{suffix}"),
            FAILED => write!(f, "Failed{suffix}: {}", self.failure().unwrap_or_default()),
            _ => write!(f, "Discarded{suffix}"),
        }
    }
}

impl<T: Value> From<Failure> for Future<T> {
    fn from(failure: Failure) -> Self {
        Future::failed(failure.0)
    }
}

/// A launch that may fail before there is a future: upstream's conversion from `Try<Future<T>>`.
impl<T: Value, E: fmt::Display> From<Result<Future<T>, E>> for Future<T> {
    fn from(result: Result<Future<T>, E>) -> Self {
        result.unwrap_or_else(|error| Future::failed(error.to_string()))
    }
}

impl<T: Value, E: fmt::Display> From<Result<T, E>> for Future<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Future::ready(value),
            Err(error) => Future::failed(error.to_string()),
        }
    }
}
