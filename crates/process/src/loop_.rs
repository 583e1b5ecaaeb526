//! `loop`: a loop over asynchronous steps that neither recurses nor chains futures without end.
//!
//! Mirrors `3rdparty/libprocess/include/process/loop.hpp`. Each round calls `iterate`, waits for
//! its future, gives the value to `body` and waits for that one's decision. Steps that are done at
//! once follow each other without leaving the stack frame; the loop gives way only where a future
//! is pending.

use crate::context::Context;
use crate::future::{Future, Link, Promise, Value, with_enough_stack};
use crate::pid::{Pid, Process};
use crate::spawn::{generate_id, spawn, terminate};
use actix::Actor;
use parking_lot::Mutex;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};

/// Loops in the context of the process `pid`, whose steps get the process as methods do.
///
/// A discard of the returned future is passed on to the future the loop waits for, and to each one
/// it blocks on afterwards. What the steps' futures become, other than ready, the loop becomes.
#[doc(alias = "process::loop")]
pub fn loop_in<A, T, V, I, B>(pid: &Pid<A>, iterate: I, body: B) -> Future<V>
where
    A: Process,
    T: Value,
    V: Value,
    I: FnMut(&mut A, &mut Context<A>) -> Future<T> + Send + 'static,
    B: FnMut(&mut A, &mut Context<A>, &T) -> Future<ControlFlow<V>> + Send + 'static,
{
    start(pid.clone(), Steps { iterate, body })
}

/// Loops without a process of its own: the first steps run on the caller's stack, later ones
/// wherever the future is completed for which the loop waits.
///
/// Fine when an I/O thread completes that future. When another process does, it is kept busy until
/// the loop blocks again.
#[doc(alias = "process::loop")]
pub fn loop_here<T, V, I, B>(iterate: I, body: B) -> Future<V>
where
    T: Value,
    V: Value,
    I: FnMut() -> Future<T> + Send + 'static,
    B: FnMut(&T) -> Future<ControlFlow<V>> + Send + 'static,
{
    start(Here, Steps { iterate, body })
}

/// Loops in a process made for it, which ends with the loop.
#[doc(alias = "process::loop")]
pub fn loop_<T, V, I, B>(mut iterate: I, mut body: B) -> Future<V>
where
    T: Value,
    V: Value,
    I: FnMut() -> Future<T> + Send + 'static,
    B: FnMut(&T) -> Future<ControlFlow<V>> + Send + 'static,
{
    let pid = spawn(generate_id("__loop__"), LoopProcess);
    let future = loop_in(&pid, move |_, _| iterate(), move |_, _, value| body(value));
    let abandoned = pid.clone();
    future.on_any(move |_| terminate(&pid, true));
    // differs: upstream leaves the process behind when the loop is abandoned.
    future.on_abandoned(move || terminate(&abandoned, true));
    future
}

struct LoopProcess;

impl Actor for LoopProcess {
    type Context = Context<Self>;
}

crate::process!(LoopProcess);

/// Where steps run, and what they get to work with there.
trait Place: Clone + Send + Sync + 'static {
    type Scope<'a>;

    fn enter(&self, f: impl for<'a> FnOnce(Self::Scope<'a>) + Send + 'static);
}

#[derive(Clone)]
struct Here;

impl Place for Here {
    type Scope<'a> = ();

    fn enter(&self, f: impl for<'a> FnOnce(Self::Scope<'a>) + Send + 'static) {
        // A step's future may complete between the look at it and the wait for it; then the loop
        // goes on deeper in the stack.
        with_enough_stack(|| f(()));
    }
}

impl<A: Process> Place for Pid<A> {
    type Scope<'a> = (&'a mut A, &'a mut Context<A>);

    fn enter(&self, f: impl for<'a> FnOnce(Self::Scope<'a>) + Send + 'static) {
        self.run("loop", move |actor, context| f((actor, context)));
    }
}

struct Steps<I, B> {
    iterate: I,
    body: B,
}

trait Step<P: Place, T: Value, V: Value>: Send + 'static {
    fn iterate(&mut self, scope: &mut P::Scope<'_>) -> Future<T>;
    fn body(&mut self, scope: &mut P::Scope<'_>, value: &T) -> Future<ControlFlow<V>>;
}

impl<T, V, I, B> Step<Here, T, V> for Steps<I, B>
where
    T: Value,
    V: Value,
    I: FnMut() -> Future<T> + Send + 'static,
    B: FnMut(&T) -> Future<ControlFlow<V>> + Send + 'static,
{
    fn iterate(&mut self, (): &mut ()) -> Future<T> {
        (self.iterate)()
    }

    fn body(&mut self, (): &mut (), value: &T) -> Future<ControlFlow<V>> {
        (self.body)(value)
    }
}

impl<A, T, V, I, B> Step<Pid<A>, T, V> for Steps<I, B>
where
    A: Process,
    T: Value,
    V: Value,
    I: FnMut(&mut A, &mut Context<A>) -> Future<T> + Send + 'static,
    B: FnMut(&mut A, &mut Context<A>, &T) -> Future<ControlFlow<V>> + Send + 'static,
{
    fn iterate(&mut self, (actor, context): &mut (&mut A, &mut Context<A>)) -> Future<T> {
        (self.iterate)(actor, context)
    }

    fn body(
        &mut self,
        (actor, context): &mut (&mut A, &mut Context<A>),
        value: &T,
    ) -> Future<ControlFlow<V>> {
        (self.body)(actor, context, value)
    }
}

/// What the running loop shares with the discard of its future. The steps themselves travel from
/// continuation to continuation, so that they need no lock.
struct Loop<P, V: Value> {
    place: P,
    promise: Promise<V>,
    /// The future the loop waits for.
    blocked_on: Mutex<Option<Weak<dyn Link>>>,
}

fn start<P, T, V, S>(place: P, mut steps: S) -> Future<V>
where
    P: Place,
    T: Value,
    V: Value,
    S: Step<P, T, V>,
{
    let this = Arc::new(Loop {
        place: place.clone(),
        promise: Promise::new(),
        blocked_on: Mutex::new(None),
    });
    let future = this.promise.future();

    let weak = Arc::downgrade(&this);
    future.on_discard(move || {
        let Some(this) = weak.upgrade() else { return };
        // Outside the lock: the discard may complete that future and so run the loop.
        let blocked_on = this.blocked_on.lock().take();
        if let Some(blocked_on) = blocked_on.and_then(|weak| weak.upgrade()) {
            blocked_on.discard();
        }
    });

    place.enter(move |mut scope| {
        let next = steps.iterate(&mut scope);
        this.run(steps, &mut scope, next);
    });
    future
}

impl<P: Place, V: Value> Loop<P, V> {
    fn run<T, S>(self: Arc<Self>, mut steps: S, scope: &mut P::Scope<'_>, mut next: Future<T>)
    where
        T: Value,
        S: Step<P, T, V>,
    {
        *self.blocked_on.lock() = None;

        while let Some(value) = next.get() {
            let flow = steps.body(scope, value);
            match flow.get() {
                Some(ControlFlow::Continue(())) => next = steps.iterate(scope),
                Some(ControlFlow::Break(value)) => {
                    self.promise.set(value.clone());
                    return;
                }
                None => {
                    self.block(&flow, steps, Self::decide);
                    return;
                }
            }
        }
        self.block(&next, steps, |this, steps, scope, next| {
            if next.is_ready() {
                this.run(steps, scope, next);
            } else {
                this.end_as(&next);
            }
        });
    }

    /// The body's decision, which came late.
    fn decide<T, S>(
        self: Arc<Self>,
        mut steps: S,
        scope: &mut P::Scope<'_>,
        flow: Future<ControlFlow<V>>,
    ) where
        T: Value,
        S: Step<P, T, V>,
    {
        match flow.get() {
            Some(ControlFlow::Continue(())) => {
                let next = steps.iterate(scope);
                self.run(steps, scope, next);
            }
            Some(ControlFlow::Break(value)) => {
                self.promise.set(value.clone());
            }
            None => self.end_as(&flow),
        }
    }

    fn end_as<X: Value>(&self, future: &Future<X>) {
        match future.failure() {
            Some(message) => self.promise.fail(message),
            None => self.promise.discard(),
        };
    }

    /// Goes on with `then` in the loop's context once `future` has completed.
    fn block<X, S>(
        self: Arc<Self>,
        future: &Future<X>,
        steps: S,
        then: impl FnOnce(Arc<Self>, S, &mut P::Scope<'_>, Future<X>) + Send + 'static,
    ) where
        X: Value,
        S: Send + 'static,
    {
        // differs: upstream remembers the future after it has installed the callback. If that one
        // ran at once, on this stack or another, it overwrote what the later round remembered.
        if !self.promise.future().has_discard() {
            *self.blocked_on.lock() = Some(future.link());
        }

        let this = Arc::clone(&self);
        future.on_any(move |future| {
            let (place, future) = (this.place.clone(), future.clone());
            place.enter(move |mut scope| then(this, steps, &mut scope, future));
        });

        // Always looked at again: a discard between the look above and the store found no future
        // to discard, and one from an earlier round has to reach every future waited for since.
        if self.promise.future().has_discard() {
            future.discard();
        }
    }
}
