//! What waits for a future, and what makes it run: completion, discard, abandonment.
//!
//! libprocess keeps one list for each kind of callback; here they share one list in the order of
//! registration, and each kind is picked from it when its time comes. The orders that can be
//! observed are upstream's.

use super::{
    Cell, DISCARDED, FAILED, Future, PENDING, READY, Value, WeakFuture, with_enough_stack,
};
use smallvec::SmallVec;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

type Run = Box<dyn FnOnce() + Send>;
type RunReady<T> = Box<dyn FnOnce(&T) + Send>;
type RunFailed = Box<dyn FnOnce(&str) + Send>;
type RunAny<T> = Box<dyn FnOnce(&Future<T>) + Send>;

/// Most futures have one or two callbacks: their list needs no memory of its own.
pub(crate) type Callbacks<T> = SmallVec<[Callback<T>; 2]>;

/// A callback that waits for one of the things that can happen to a future.
pub(crate) enum Callback<T> {
    Abandoned(Run),
    Discard(Run),
    /// A derived or associated future passes a discard on to where its result comes from.
    PassDiscard(Weak<dyn Link>),
    Ready(RunReady<T>),
    Failed(RunFailed),
    Discarded(Run),
    Any(RunAny<T>),
    /// One entry for the four callbacks that `Promise::associate` installs.
    Associate(Future<T>),
    /// `on_any` plus `on_abandoned` of a derived future.
    Derive(Box<dyn Derive<T> + Send>),
    /// Has run; stays in its place until the whole list is dropped.
    Spent,
}

/// The continuation of a derived future (`then`, `repair`, …).
pub(crate) trait Derive<T> {
    /// The source has completed.
    fn complete(self: Box<Self>, source: &Future<T>);
    /// The derived future.
    fn target(&self) -> Arc<dyn Link>;
}

/// A future seen by one that does not know the type of its value.
pub(crate) trait Link: Send + Sync {
    /// [`Future::discard`].
    fn discard(&self) -> bool;

    /// Marks the future as abandoned. `propagating` says that the future it is associated with was
    /// abandoned; without it an associated future is left alone, since its promise no longer
    /// matters.
    fn abandon(&self, propagating: bool) -> bool;
}

/// What is to be done about an abandonment, collected under the lock and done outside.
enum Heir {
    Run(Run),
    Future(Arc<dyn Link>, bool),
}

impl Heir {
    fn abandon(self) {
        match self {
            Heir::Run(f) => f(),
            Heir::Future(future, propagating) => {
                future.abandon(propagating);
            }
        }
    }
}

impl<T: Value> Callback<T> {
    /// Takes what hears of an abandonment. Only `on_abandoned` callbacks are spent by it: an
    /// abandoned future may be completed yet (by the timer of an `after`), so those that wait for
    /// its completion stay.
    fn heir(&mut self) -> Option<Heir> {
        match self {
            Callback::Abandoned(_) => match std::mem::replace(self, Callback::Spent) {
                Callback::Abandoned(f) => Some(Heir::Run(f)),
                _ => None,
            },
            Callback::Associate(target) => {
                Some(Heir::Future(Arc::clone(&target.0) as Arc<dyn Link>, true))
            }
            Callback::Derive(derived) => Some(Heir::Future(derived.target(), false)),
            _ => None,
        }
    }

    fn is_for_one_state(&self, state: u8) -> bool {
        match self {
            Callback::Ready(_) => state == READY,
            Callback::Failed(_) => state == FAILED,
            Callback::Discarded(_) => state == DISCARDED,
            Callback::Associate(_) => true,
            _ => false,
        }
    }

    fn is_for_any_state(&self) -> bool {
        matches!(self, Callback::Any(_) | Callback::Derive(_))
    }

    /// Runs a completion callback that is due.
    fn run(self, future: &Future<T>) {
        match self {
            Callback::Ready(f) => {
                if let Some(value) = future.get() {
                    f(value);
                }
            }
            Callback::Failed(f) => f(future.failure().unwrap_or_default()),
            Callback::Discarded(f) => f(),
            Callback::Any(f) => f(future),
            Callback::Associate(target) => future.copy_to(&target),
            Callback::Derive(derived) => derived.complete(future),
            _ => {}
        }
    }
}

/// Takes the callbacks of one kind out of the list, in order.
fn take<T>(from: &mut Callbacks<T>, wanted: impl Fn(&Callback<T>) -> bool) -> Callbacks<T> {
    let mut taken = Callbacks::new();
    from.retain(|callback| {
        let keep = !wanted(callback);
        if !keep {
            taken.push(std::mem::replace(callback, Callback::Spent));
        }
        keep
    });
    taken
}

impl<T: Value> Link for Cell<T> {
    fn discard(&self) -> bool {
        let callbacks = {
            let mut guarded = self.guarded.lock();
            if self.state.load(Ordering::Acquire) != PENDING || self.discard.load(Ordering::Acquire)
            {
                return false;
            }
            self.discard.store(true, Ordering::Release);
            take(&mut guarded.callbacks, |callback| {
                matches!(callback, Callback::Discard(_) | Callback::PassDiscard(_))
            })
        };
        if callbacks.is_empty() {
            return true;
        }
        with_enough_stack(|| {
            for callback in callbacks {
                match callback {
                    Callback::Discard(f) => f(),
                    Callback::PassDiscard(to) => pass_discard(&to),
                    _ => {}
                }
            }
        });
        true
    }

    fn abandon(&self, propagating: bool) -> bool {
        let heirs = {
            let mut guarded = self.guarded.lock();
            if self.abandoned.load(Ordering::Acquire)
                || self.state.load(Ordering::Acquire) != PENDING
                || (guarded.associated && !propagating)
            {
                return false;
            }
            self.abandoned.store(true, Ordering::Release);
            let heirs: SmallVec<[Heir; 2]> =
                guarded.callbacks.iter_mut().filter_map(Callback::heir).collect();
            guarded.callbacks.retain(|callback| !matches!(callback, Callback::Spent));
            heirs
        };
        if !heirs.is_empty() {
            with_enough_stack(|| heirs.into_iter().for_each(Heir::abandon));
        }
        true
    }
}

fn pass_discard(to: &Weak<dyn Link>) {
    if let Some(to) = to.upgrade() {
        to.discard();
    }
}

/// Who wants to complete a future: its promise can no longer once it is associated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Promise,
    Source,
}

impl<T: Value> Future<T> {
    /// Asks whoever computes this future to stop.
    ///
    /// Returns whether this call made the difference: `false` when the future had completed or a
    /// discard had already been requested. Runs the `on_discard` callbacks before it returns.
    pub fn discard(&self) -> bool {
        self.0.discard()
    }

    /// Completes the future, unless it has completed, and runs the callbacks that are due.
    pub(super) fn complete(&self, by: By, state: u8, result: Option<Result<T, String>>) -> bool {
        let callbacks = {
            let mut guarded = self.0.guarded.lock();
            if self.state() != PENDING || (by == By::Promise && guarded.associated) {
                return false;
            }
            if let Some(result) = result {
                // Cannot be set already: that happens only here, in state PENDING, under the lock.
                let _ = self.0.result.set(result);
            }
            self.0.state.store(state, Ordering::Release);
            std::mem::take(&mut guarded.callbacks)
        };
        if !callbacks.is_empty() {
            // The handle keeps the cell alive even when a callback drops every other one.
            let this = self.clone();
            with_enough_stack(|| this.run(callbacks));
        }
        true
    }

    /// Runs completion callbacks in upstream's order: those for the particular outcome first, then
    /// those for any outcome. What did not run is dropped last, as upstream clears it last
    /// (dropping a callback may drop a promise, which abandons a future).
    fn run(&self, mut callbacks: Callbacks<T>) {
        let state = self.state();
        for callback in &mut callbacks {
            if callback.is_for_one_state(state) {
                std::mem::replace(callback, Callback::Spent).run(self);
            }
        }
        for callback in &mut callbacks {
            if callback.is_for_any_state() {
                std::mem::replace(callback, Callback::Spent).run(self);
            }
        }
    }

    /// Completes `target` as this (completed) future is: what `associate` does.
    pub(super) fn copy_to(&self, target: &Future<T>) {
        let result = self.0.result.get().cloned();
        target.complete(By::Source, self.state(), result);
    }

    /// Stores the callback if it can still become due. Gives it back if it is due now.
    fn register(
        &self,
        callback: Callback<T>,
        due: impl FnOnce(&Self) -> bool,
    ) -> Option<Callback<T>> {
        let mut guarded = self.0.guarded.lock();
        if due(self) {
            return Some(callback);
        }
        if self.state() == PENDING {
            guarded.callbacks.push(callback);
            return None;
        }
        // Never due any more. What it owns may run anything when dropped: not under the lock.
        drop(guarded);
        drop(callback);
        None
    }

    /// Adds the continuation of a derived or associated future: runs it at once when this future
    /// has completed, and passes an abandonment on at once when it is abandoned.
    pub(super) fn attach(&self, callback: Callback<T>) {
        let mut guarded = self.0.guarded.lock();
        if self.state() != PENDING {
            drop(guarded);
            return callback.run(self);
        }
        guarded.callbacks.push(callback);
        let heir = match guarded.callbacks.last_mut() {
            Some(callback) if self.is_abandoned() => callback.heir(),
            _ => None,
        };
        drop(guarded);
        if let Some(heir) = heir {
            heir.abandon();
        }
    }

    /// Passes a discard asked of this future on to `to`, which is held weakly: the two must not
    /// keep each other alive.
    pub(super) fn pass_discard_to<X: Value>(&self, to: &Future<X>) {
        let callback = Callback::PassDiscard(to.link());
        if let Some(Callback::PassDiscard(to)) = self.register(callback, Self::has_discard) {
            pass_discard(&to);
        }
    }

    /// A weak handle that does not know the type of the value.
    pub(crate) fn link(&self) -> Weak<dyn Link> {
        let WeakFuture(weak) = self.downgrade();
        weak
    }

    /// Runs `f` with the value once the future is ready; at once if it is.
    #[doc(alias = "onReady")]
    pub fn on_ready(&self, f: impl FnOnce(&T) + Send + 'static) -> &Self {
        if let Some(value) = self.get() {
            f(value);
        } else if let Some(due) = self.register(Callback::Ready(Box::new(f)), Self::is_ready) {
            due.run(self);
        }
        self
    }

    /// Runs `f` with the message once the future has failed; at once if it has.
    #[doc(alias = "onFailed")]
    pub fn on_failed(&self, f: impl FnOnce(&str) + Send + 'static) -> &Self {
        if let Some(due) = self.register(Callback::Failed(Box::new(f)), Self::is_failed) {
            due.run(self);
        }
        self
    }

    /// Runs `f` once the future is discarded; at once if it is.
    #[doc(alias = "onDiscarded")]
    pub fn on_discarded(&self, f: impl FnOnce() + Send + 'static) -> &Self {
        if let Some(due) = self.register(Callback::Discarded(Box::new(f)), Self::is_discarded) {
            due.run(self);
        }
        self
    }

    /// Runs `f` once the future is ready, failed or discarded; at once if it is.
    #[doc(alias = "onAny")]
    pub fn on_any(&self, f: impl FnOnce(&Future<T>) + Send + 'static) -> &Self {
        if !self.is_pending() {
            f(self);
        } else if let Some(due) = self.register(Callback::Any(Box::new(f)), |it| !it.is_pending()) {
            due.run(self);
        }
        self
    }

    /// Runs `f` once somebody asks for a discard while the future is pending; at once if somebody
    /// has.
    #[doc(alias = "onDiscard")]
    pub fn on_discard(&self, f: impl FnOnce() + Send + 'static) -> &Self {
        let callback = Callback::Discard(Box::new(f));
        if let Some(Callback::Discard(f)) = self.register(callback, Self::has_discard) {
            f();
        }
        self
    }

    /// Runs `f` once the future is abandoned; at once if it is.
    #[doc(alias = "onAbandoned")]
    pub fn on_abandoned(&self, f: impl FnOnce() + Send + 'static) -> &Self {
        let callback = Callback::Abandoned(Box::new(f));
        if let Some(Callback::Abandoned(f)) = self.register(callback, Self::is_abandoned) {
            f();
        }
        self
    }
}
