//! Futures made from futures: `then`, `map`, `repair`, `recover`, `after`, `undiscardable`.
//!
//! Common to all: a discard asked of the derived future is passed on to its source, which is held
//! weakly so that the two do not keep each other alive.

use super::callbacks::{Callback, Derive, Link};
use super::{Future, Promise, Value};
use crate::clock::{self, Timer};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The closure and the promise of a derived future; what happens on completion is `run`.
struct Derived<X: Value, F, R> {
    promise: Promise<X>,
    f: F,
    run: R,
}

impl<T, X, F, R> Derive<T> for Derived<X, F, R>
where
    T: Value,
    X: Value,
    F: Send,
    R: FnOnce(&Future<T>, F, &Promise<X>) + Send,
{
    fn complete(self: Box<Self>, source: &Future<T>) {
        let Derived { promise, f, run } = *self;
        run(source, f, &promise);
    }

    fn target(&self) -> Arc<dyn Link> {
        Arc::clone(&self.promise.peek().0) as Arc<dyn Link>
    }
}

impl<T: Value> Future<T> {
    fn derive<X: Value, F: Send + 'static>(
        &self,
        f: F,
        run: impl FnOnce(&Future<T>, F, &Promise<X>) + Send + 'static,
    ) -> Future<X> {
        let promise = Promise::new();
        let future = promise.future();
        if self.is_pending() {
            future.pass_discard_to(self);
            self.attach(Callback::Derive(Box::new(Derived { promise, f, run })));
        } else {
            run(self, f, &promise);
        }
        future
    }

    /// When this future is ready, runs `f` with the value; the future that `f` returns decides the
    /// one returned here. Failure and discard are passed on without running `f`. If a discard was
    /// requested of this future and it becomes ready nevertheless, the result is *discarded* and
    /// `f` does not run.
    pub fn then<X: Value>(&self, f: impl FnOnce(&T) -> Future<X> + Send + 'static) -> Future<X> {
        self.derive(f, |source, f, promise| match source.get() {
            Some(_) if source.has_discard() => {
                promise.discard();
            }
            Some(value) => {
                promise.associate(&f(value));
            }
            None => pass_on_failure(source, promise),
        })
    }

    /// [`then`](Self::then) for an `f` that has its result at once.
    #[doc(alias = "then")]
    pub fn map<X: Value>(&self, f: impl FnOnce(&T) -> X + Send + 'static) -> Future<X> {
        self.derive(f, |source, f, promise| match source.get() {
            Some(_) if source.has_discard() => {
                promise.discard();
            }
            Some(value) => {
                promise.set(f(value));
            }
            None => pass_on_failure(source, promise),
        })
    }

    /// When this future fails, runs `f` with it, and the result decides. Any other outcome is
    /// passed on.
    pub fn repair(&self, f: impl FnOnce(&Future<T>) -> Future<T> + Send + 'static) -> Future<T> {
        self.derive(f, |source, f, promise| {
            if source.is_failed() {
                promise.associate(&f(source));
            } else {
                promise.associate(source);
            }
        })
    }

    /// When this future fails, is discarded or abandoned, runs `f` with it, and the result
    /// decides. A discard requested before that is forgotten, so that it does not hit what `f`
    /// returns; one requested afterwards does.
    pub fn recover(&self, f: impl FnOnce(&Future<T>) -> Future<T> + Send + 'static) -> Future<T> {
        let promise = Promise::new();
        let future = promise.future();
        let shared = Arc::new(Mutex::new(Some((promise, f))));

        let on_any = Arc::clone(&shared);
        self.on_any(move |source| {
            let Some((promise, f)) = on_any.lock().take() else { return };
            if source.is_discarded() || source.is_failed() {
                forget_discard(&promise);
                promise.associate(&f(source));
            } else {
                promise.associate(source);
            }
        });

        // The callback must not keep its own future alive: an abandoned one is looked up.
        let weak = self.downgrade();
        self.on_abandoned(move || {
            let Some((promise, f)) = shared.lock().take() else { return };
            forget_discard(&promise);
            let source = weak.get().unwrap_or_else(Future::abandoned);
            promise.associate(&f(&source));
        });

        future.pass_discard_to(self);
        future
    }

    /// If this future has not completed when `duration` has passed, runs `f` with it, and the
    /// result decides; otherwise the outcome is passed on and the timer cancelled. A requested
    /// discard is passed on but does not stop the timer: `f` should look whether its argument has
    /// completed meanwhile.
    pub fn after(
        &self,
        duration: Duration,
        f: impl FnOnce(&Future<T>) -> Future<T> + Send + 'static,
    ) -> Future<T> {
        let promise = Arc::new(Promise::new());
        let future = promise.future();

        // Whoever takes the closure first decides: the timer or the completion. The timer's
        // closure holds this future, so it is dropped as soon as it lost, which breaks the cycle
        // future -> callback -> timer -> future.
        let once = Arc::new(Mutex::new(Some((f, None::<Timer>))));

        let timer = clock::timer(duration, {
            let (once, promise, source) = (Arc::clone(&once), Arc::clone(&promise), self.clone());
            move || {
                let taken = once.lock().take();
                if let Some((f, _)) = taken {
                    promise.associate(&f(&source));
                }
            }
        });
        if let Some((_, slot)) = once.lock().as_mut() {
            *slot = Some(timer);
        }

        let on_any = Arc::clone(&promise);
        self.on_any(move |source| {
            let taken = once.lock().take();
            if let Some((_, timer)) = taken {
                if let Some(timer) = timer {
                    clock::cancel(&timer);
                }
                on_any.associate(source);
            }
        });

        let abandoned = future.downgrade();
        self.on_abandoned(move || {
            if let Some(future) = abandoned.get() {
                future.0.abandon(false);
            }
        });

        future.pass_discard_to(self);
        future
    }

    /// A future that completes as this one does, but does not pass a discard on to it.
    #[doc(alias = "process::undiscardable")]
    pub fn undiscardable(&self) -> Future<T> {
        let promise = Promise::new();
        let future = promise.future();
        self.on_any(move |source| {
            promise.associate(source);
        });
        future
    }
}

fn pass_on_failure<T: Value, X: Value>(source: &Future<T>, promise: &Promise<X>) {
    match source.failure() {
        Some(message) => promise.fail(message),
        None => promise.discard(),
    };
}

fn forget_discard<T: Value>(promise: &Promise<T>) {
    let cell = &promise.peek().0;
    // Under the lock, so that a discard asked at the same time comes before or after as a whole.
    let _guarded = cell.guarded.lock();
    cell.discard.store(false, Ordering::Release);
}
