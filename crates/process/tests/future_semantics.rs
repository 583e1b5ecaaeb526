//! What upstream's tests leave open about futures and the port relies on: orders, late completion
//! of abandoned futures, threads.

mod support;

use parking_lot::Mutex;
use process::{Future, Nothing, Outcome, Promise, collect};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use support::{World, in_both_worlds};

/// Callbacks for the outcome run before those for any outcome, each in the order of registration.
#[test]
fn order_of_callbacks() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let log = Arc::clone(&log);
        move || log.lock().push(what)
    };
    let promise = Promise::new();
    let future = promise.future();
    let (any1, then, any2, ready1, ready2) =
        (note("any 1"), note("then"), note("any 2"), note("ready 1"), note("ready 2"));
    future.on_any(move |_| any1());
    future.on_ready(move |_| ready1());
    let derived = future.map(move |_| then());
    let associated = Promise::new();
    associated.associate(&future);
    let through = note("associated");
    associated.future().on_any(move |_| through());
    future.on_ready(move |_| ready2());
    future.on_any(move |_| any2());
    future.on_failed(|_| unreachable!());
    future.on_discarded(|| unreachable!());
    future.on_discard(|| unreachable!());
    future.on_abandoned(|| unreachable!());
    promise.set(1);
    assert!(derived.is_ready());
    let expected = ["ready 1", "associated", "ready 2", "any 1", "then", "any 2"];
    assert_eq!(*log.lock(), expected);
}

/// `after` completes abandoned futures; what was derived from one hears of it.
#[test]
fn completed_after_abandonment() {
    in_both_worlds(|world| {
        let late = Future::<i32>::abandoned().after(Duration::from_secs(1), |_| Future::ready(41));
        let before = late.map(|n| n + 1);
        let promise = Promise::new();
        promise.associate(&late);
        let recovered = before.recover(|future| {
            assert!(future.is_abandoned());
            Future::ready(0)
        });
        for future in [&late, &before, &promise.future()] {
            assert!(future.is_abandoned() && future.is_pending());
        }
        assert_eq!(recovered.get(), Some(&0));
        world.advance(Duration::from_secs(1));
        assert_eq!(world.ready(&before), 42);
        assert_eq!(world.ready(&promise.future()), 41);
        assert_eq!(world.ready(&late.map(|n| n + 2)), 43);
    });
}

/// When several parts are done before `collect` is called, the first one in the list decides.
#[test]
fn collect_looks_at_its_parts_in_order() {
    let parts = || (Future::<i32>::abandoned(), Future::<i32>::failed("no"));
    let (abandoned, failed) = parts();
    assert!(collect(vec![abandoned, failed]).is_abandoned());
    let (abandoned, failed) = parts();
    assert_eq!(collect(vec![failed, abandoned]).failure(), Some("Collect failed: no"));
}

/// Runs two closures at once on two threads.
fn at_once(a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            a();
        });
        barrier.wait();
        b();
    });
}

const ROUNDS: usize = 2000;

/// Whoever registers while another thread completes: each callback runs exactly once.
#[test]
fn registration_races_with_completion() {
    let calls = Arc::new(AtomicUsize::new(0));
    for _ in 0..ROUNDS {
        let promise = Promise::new();
        let future = promise.future();
        let derived = Mutex::new(None);
        at_once(
            || {
                promise.set(1);
            },
            || {
                let (any, ready) = (Arc::clone(&calls), Arc::clone(&calls));
                future.on_any(move |_| {
                    any.fetch_add(1, Ordering::SeqCst);
                });
                future.on_ready(move |_| {
                    ready.fetch_add(1, Ordering::SeqCst);
                });
                let associated = Promise::new();
                associated.associate(&future);
                *derived.lock() = Some((future.map(|n| n + 1), associated.future()));
            },
        );
        let (derived, associated) = derived.into_inner().unwrap();
        assert_eq!((derived.get(), associated.get()), (Some(&2), Some(&1)));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2 * ROUNDS);
}

/// The same for abandonment.
#[test]
fn registration_races_with_abandonment() {
    for _ in 0..ROUNDS {
        let promise = Promise::<i32>::new();
        let future = promise.future();
        let derived = Mutex::new(None);
        at_once(
            || drop(promise),
            || {
                let associated = Promise::new();
                associated.associate(&future);
                let recovered = future.recover(|_| Future::ready(1));
                *derived.lock() = Some((future.map(|n| n + 1), associated.future(), recovered));
            },
        );
        let (derived, associated, recovered) = derived.into_inner().unwrap();
        assert!(derived.is_abandoned() && associated.is_abandoned());
        assert_eq!(recovered.get(), Some(&1));
    }
}

/// A discard asked while a promise is being associated reaches the source.
#[test]
fn discard_races_with_association() {
    for _ in 0..ROUNDS {
        let (promise, source) = (Promise::<Nothing>::new(), Promise::new());
        let (future, inner) = (promise.future(), source.future());
        at_once(
            || {
                promise.associate(&inner);
            },
            || {
                future.discard();
            },
        );
        assert!(inner.has_discard());
    }
}

/// Of two who complete at once, one wins, and says so.
#[test]
fn one_completion_wins() {
    for _ in 0..ROUNDS {
        let promise = Promise::new();
        let wins = AtomicUsize::new(0);
        let win = |won: bool| {
            wins.fetch_add(usize::from(won), Ordering::SeqCst);
        };
        at_once(|| win(promise.set(1)), || win(promise.fail("no")));
        assert_eq!(wins.load(Ordering::SeqCst), 1);
    }
}

/// A future that was abandoned may be completed yet, by the timer of an `after`.
#[test]
fn wait_does_not_give_up_on_an_abandoned_future() {
    let world = World::live();
    let second = Duration::from_secs(1);
    for _ in 0..20 {
        let promise = Promise::<i32>::new();
        let future = promise.future().after(second, |_| Future::ready(1)).map(|n| n + 1);
        drop(promise);
        assert!(future.is_abandoned());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| future.wait(60 * second));
            std::thread::yield_now();
            world.advance(second);
            assert_eq!(waiter.join().unwrap(), Some(Outcome::Ready(2)));
        });
    }

    let short = Duration::from_millis(1);
    let abandoned = Promise::<i32>::new().future();
    assert_eq!(abandoned.wait(short), Some(Outcome::Abandoned));
    let promise = Promise::<i32>::new();
    assert_eq!(promise.future().wait(short), None);
}
