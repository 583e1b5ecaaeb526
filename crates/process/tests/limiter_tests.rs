//! The twins of `3rdparty/libprocess/src/tests/limiter_tests.cpp`, each named after its original.
//!
//! Upstream's `AWAIT_READY` settles while the clock is paused; here that is said where it matters.

mod support;

use process::RateLimiter;
use std::time::Duration;
use support::in_both_worlds;

/// Two permits in five milliseconds.
fn limiter() -> RateLimiter {
    RateLimiter::new(2, Duration::from_millis(5))
}

const INTERVAL: Duration = Duration::from_micros(2500);

#[test]
fn acquire() {
    in_both_worlds(|world| {
        let limiter = limiter();
        let acquired = [limiter.acquire(), limiter.acquire(), limiter.acquire()];
        world.ready(&acquired[0]);

        world.advance(INTERVAL);
        world.ready(&acquired[1]);
        assert!(acquired[2].is_pending());

        world.advance(INTERVAL);
        world.ready(&acquired[2]);
    });
}

/// A permit that was given up does not delay those behind it.
#[test]
fn discard_middle() {
    in_both_worlds(|world| {
        let limiter = limiter();
        let acquired: Vec<_> = (0..4).map(|_| limiter.acquire()).collect();
        world.ready(&acquired[0]);
        world.settle();

        acquired[1].discard();

        world.advance(INTERVAL);
        world.ready(&acquired[2]);
        world.discarded(&acquired[1]);

        world.advance(INTERVAL);
        world.ready(&acquired[3]);
    });
}

#[test]
fn discard_last() {
    in_both_worlds(|world| {
        let limiter = limiter();
        let acquired = [limiter.acquire(), limiter.acquire()];
        world.ready(&acquired[0]);
        world.settle();

        acquired[1].discard();

        let last = limiter.acquire();
        world.advance(INTERVAL);
        world.ready(&last);
    });
}
