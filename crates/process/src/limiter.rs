//! `RateLimiter`: so many permits a second, handed out in order.
//!
//! Mirrors `3rdparty/libprocess/include/process/limiter.hpp`.

use crate::context::Context;
use crate::future::{Future, Nothing, Promise};
use crate::pid::Pid;
use crate::spawn::{generate_id, spawn, terminate};
use crate::timeout::Timeout;
use actix::Actor;
use std::collections::VecDeque;
use std::time::Duration;

/// Spreads operations over time. Each process should have one of its own: between the permit and
/// its use, another process may get and use the next one.
#[doc(alias = "process::RateLimiter")]
pub struct RateLimiter {
    pid: Pid<RateLimiterProcess>,
}

impl RateLimiter {
    /// Allows `permits` operations in each `duration`.
    ///
    /// # Panics
    ///
    /// When either is zero: then nothing would ever be permitted, or everything.
    pub fn new(permits: u32, duration: Duration) -> Self {
        assert!(permits > 0 && !duration.is_zero(), "a rate limit needs permits and a duration");
        Self::per_second(f64::from(permits) / duration.as_secs_f64())
    }

    /// Allows so many operations a second.
    ///
    /// # Panics
    ///
    /// When it is not positive.
    pub fn per_second(permits: f64) -> Self {
        assert!(permits > 0.0, "a rate limit needs a positive rate");
        let process = RateLimiterProcess {
            // Whole nanoseconds, cut off as upstream's division of a `Duration` cuts them off.
            interval: Duration::from_nanos((1e9 / permits) as u64),
            timeout: Timeout::default(),
            promises: VecDeque::new(),
        };
        RateLimiter { pid: spawn(generate_id("__limiter__"), process) }
    }

    /// Ready when the operation is permitted. Discarding it gives the permit up.
    #[doc(alias = "RateLimiter::acquire")]
    pub fn acquire(&self) -> Future<Nothing> {
        self.pid.call("RateLimiter::acquire", |this, context| this.acquire(context))
    }
}

impl Drop for RateLimiter {
    fn drop(&mut self) {
        // differs: upstream waits for the end, which would stop a whole arbiter, or the simulator.
        terminate(&self.pid, true);
    }
}

struct RateLimiterProcess {
    /// The time between two permits.
    interval: Duration,
    /// When the next permit is due.
    timeout: Timeout,
    promises: VecDeque<Promise<Nothing>>,
}

impl RateLimiterProcess {
    fn acquire(&mut self, context: &Context<Self>) -> Future<Nothing> {
        if self.promises.is_empty() {
            if self.timeout.remaining().is_zero() {
                self.timeout = Timeout::within(self.interval);
                return Future::ready(Nothing);
            }
            self.delay_permit(context);
        }
        let promise = Promise::new();
        let future = promise.future();
        self.promises.push_back(promise);

        let (pid, weak) = (context.pid().clone(), future.downgrade());
        future.on_discard(move || {
            pid.run("RateLimiterProcess::discard", move |this, _| {
                if let Some(future) = weak.get() {
                    this.discard(&future);
                }
            });
        });
        future
    }

    /// Gives a permit to the first who still wants it.
    #[doc(alias = "RateLimiterProcess::_acquire")]
    fn permit(&mut self, context: &mut Context<Self>) {
        while let Some(promise) = self.promises.pop_front() {
            if !promise.future().is_discarded() {
                promise.set(Nothing);
                self.timeout = Timeout::within(self.interval);
                break;
            }
        }
        if !self.promises.is_empty() {
            self.delay_permit(context);
        }
    }

    fn delay_permit(&self, context: &Context<Self>) {
        let remaining = self.timeout.remaining();
        context.delay(remaining, "RateLimiterProcess::_acquire", Self::permit);
    }

    /// Discards a waiter's promise; its place stays until it is at the front.
    fn discard(&mut self, future: &Future<Nothing>) {
        if let Some(promise) = self.promises.iter().find(|promise| promise.future() == *future) {
            promise.discard();
        }
    }
}

impl Actor for RateLimiterProcess {
    type Context = Context<Self>;

    #[doc(alias = "RateLimiterProcess::finalize")]
    fn stopped(&mut self, _: &mut Self::Context) {
        for promise in self.promises.drain(..) {
            promise.discard();
        }
    }
}

crate::process!(RateLimiterProcess);
