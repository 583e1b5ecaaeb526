//! The twins of `3rdparty/libprocess/src/tests/future_tests.cpp`, each named after its original.

mod support;

use process::{Failure, Future, Nothing, Promise, select};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;
use support::{World, in_both_worlds};

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

#[test]
fn future() {
    let promise = Promise::new();
    promise.set(true);
    assert_eq!(promise.future().get(), Some(&true));
}

#[test]
fn stringify() {
    assert_eq!(Future::<bool>::abandoned().to_string(), "Abandoned");

    let check = |discard: bool, complete: fn(&Promise<bool>) -> bool, expected: &str| {
        let promise = Promise::new();
        let future = promise.future();
        if discard {
            future.discard();
        }
        complete(&promise);
        assert_eq!(future.to_string(), expected);
    };
    check(false, |_| true, "Pending");
    check(true, |_| true, "Pending (with discard)");
    check(false, |promise| promise.set(true), "Ready");
    check(true, |promise| promise.set(true), "Ready (with discard)");
    check(false, |promise| promise.fail("Failure"), "Failed: Failure");
    check(true, |promise| promise.fail("Failure"), "Failed (with discard): Failure");
    check(false, |promise| promise.discard(), "Discarded");
    check(true, |promise| promise.discard(), "Discarded (with discard)");

    let promise = Promise::<bool>::new();
    let future = promise.future();
    drop(promise);
    assert_eq!(future.to_string(), "Abandoned");

    let promise = Promise::<bool>::new();
    let future = promise.future();
    future.discard();
    drop(promise);
    assert_eq!(future.to_string(), "Abandoned (with discard)");
}

#[test]
fn associate() {
    let promise = Promise::new();
    assert!(promise.associate(&Future::ready(true)));
    assert_eq!(promise.future().get(), Some(&true));

    let (promise, source) = (Promise::<bool>::new(), Promise::new());
    promise.associate(&source.future());
    source.discard();
    assert!(promise.future().is_discarded());

    let (promise, source) = (Promise::<bool>::new(), Promise::new());
    promise.associate(&source.future());
    source.fail("associate");
    assert_eq!(promise.future().failure(), Some("associate"));

    // A request to discard goes the other way.
    let (promise, source) = (Promise::<bool>::new(), Future::abandoned());
    promise.associate(&source);
    assert!(!source.is_discarded());
    promise.future().discard();
    assert!(source.has_discard());

    // An associated promise has nothing more to say, and takes no second source.
    let (promise, source) = (Promise::<bool>::new(), Promise::new());
    assert!(promise.associate(&source.future()));
    assert!(!promise.associate(&Future::ready(false)));
    assert!(!promise.set(false) && !promise.fail("no") && !promise.discard());
    assert!(promise.future().is_pending());
    source.set(true);
    assert_eq!(promise.future().get(), Some(&true));
}

#[test]
fn on_any() {
    let seen = Arc::new(AtomicBool::new(false));
    let on_any = Arc::clone(&seen);
    Future::ready(true)
        .on_any(move |future| on_any.store(future.get() == Some(&true), Ordering::SeqCst));
    assert!(seen.load(Ordering::SeqCst));
}

#[test]
fn then() {
    let promise = Promise::new();
    promise.set(42);
    let future = promise.future().then(|i: &i32| Future::ready(i.to_string()));
    assert_eq!(future.get().unwrap(), "42");
    let future = promise.future().map(i32::to_string);
    assert_eq!(future.get().unwrap(), "42");
}

/// That callbacks may own what cannot be copied goes without saying here; that exactly the right
/// ones run does not.
#[test]
fn callable_once() {
    let promise = Promise::new();
    promise.set(Nothing);
    let boxed = Box::new(42);
    assert_eq!(promise.future().map(move |_| *boxed).get(), Some(&42));

    let n = Arc::new(AtomicI32::new(0));
    let add = |amount: i32| {
        let (n, amount) = (Arc::clone(&n), Box::new(amount));
        move || {
            n.fetch_add(*amount, Ordering::SeqCst);
        }
    };
    let (ready, any, failed) = (add(1), add(10), add(100));
    let sum = Arc::clone(&n);
    let future = promise
        .future()
        .on_ready(move |_| ready())
        .on_any(move |_| any())
        .on_failed(move |_| failed())
        .on_discard(add(1000))
        .on_discarded(add(10000))
        .map(move |_| sum.load(Ordering::SeqCst));
    assert_eq!(future.get(), Some(&11));
}

#[test]
fn repair() {
    let repaired = |future: &Future<i32>| {
        assert_eq!(future.failure(), Some("Failure"));
        Future::ready(43)
    };

    let promise = Promise::new();
    let future = promise.future().repair(repaired);
    assert!(future.is_pending());
    promise.set(42);
    assert_eq!(future.get(), Some(&42));

    let promise = Promise::new();
    let future = promise.future().repair(repaired);
    assert!(future.is_pending());
    promise.fail("Failure");
    assert_eq!(future.get(), Some(&43));
}

/// The callback of the `after` tests: expects that a discard was asked, and fails.
fn late(executed: &Arc<AtomicBool>) -> impl FnOnce(&Future<Nothing>) -> Future<Nothing> + use<> {
    let executed = Arc::clone(executed);
    move |future| {
        executed.store(future.has_discard(), Ordering::SeqCst);
        Failure("Failure".to_owned()).into()
    }
}

/// The callback runs when the future is late, even if a discard was asked meanwhile.
#[test]
fn after_1() {
    in_both_worlds(|world| {
        let executed = Arc::new(AtomicBool::new(false));
        let future = Future::abandoned().after(hours(42), late(&executed));
        assert!(future.is_pending());
        world.advance(hours(21));
        assert!(future.is_pending());
        future.discard();
        assert!(future.is_pending());
        world.advance(hours(21));
        world.failed(&future);
        assert!(executed.load(Ordering::SeqCst));
    });
}

/// Completing the future keeps the callback from running.
#[test]
fn after_2() {
    in_both_worlds(|world| {
        let executed = Arc::new(AtomicBool::new(false));
        let promise = Promise::new();
        let future = promise.future().after(hours(42), late(&executed));
        assert!(future.is_pending());
        world.advance(hours(21));
        assert!(future.is_pending());
        future.discard();
        assert!(future.is_pending());
        promise.set(Nothing);
        world.ready(&future);
        world.advance(hours(21));
        assert!(!executed.load(Ordering::SeqCst));
    });
}

/// A future that was late is not kept alive by itself.
#[test]
fn after_3() {
    in_both_worlds(|world| {
        let future = Future::<Nothing>::abandoned();
        let weak = future.downgrade();
        assert!(weak.get().is_some());
        let future = {
            let original = future;
            original.after(Duration::from_millis(1), |future| {
                future.discard();
                Future::ready(Nothing)
            })
        };
        world.advance(Duration::from_millis(1));
        world.ready(&future);
        // The clock's thread drops the timer's closure after it has run.
        while matches!(world, World::Live(_)) && weak.get().is_some() {
            std::thread::yield_now();
        }
        assert!(weak.get().is_none());
        assert!(!future.has_discard());
    });
}

#[test]
fn chain() {
    let chained = |first: &Future<bool>| {
        first.then(|b| Future::ready(b.to_string())).then(|s| Future::ready(s.clone()))
    };
    assert_eq!(chained(&Future::ready(true)).get().unwrap(), "true");

    let failed = chained(&Future::failed("The value is not positive (or zero)"));
    assert_eq!(failed.failure(), Some("The value is not positive (or zero)"));

    let promise = Promise::new();
    let pending = chained(&promise.future());
    assert!(pending.is_pending());
    promise.discard();
    assert!(pending.is_discarded());
}

/// What the three `Discard` tests have in common: two steps, the second of which must not start.
/// `complete` ends the first step after the whole was asked to stop.
fn discard(complete: impl FnOnce(&Promise<bool>) -> bool) -> Future<i32> {
    let (promise1, promise2) = (Promise::new(), Promise::new());
    let executed = Arc::new(AtomicBool::new(false));

    let (inner1, inner2, second) = (promise1.future(), promise2.future(), Arc::clone(&executed));
    let future = Future::ready("hello world").then(move |_| inner1).then(move |_| {
        second.store(true, Ordering::SeqCst);
        inner2
    });
    assert!(future.is_pending());

    future.discard();
    assert!(future.has_discard() && future.is_pending());
    // It reaches the step that runs, not the one that has not been started.
    assert!(promise1.future().has_discard());
    assert!(!promise2.future().has_discard());

    assert!(complete(&promise1));
    assert!(!executed.load(Ordering::SeqCst));
    assert!(promise2.future().is_pending());
    future
}

/// Asking for a discard does not complete a future; its promise does.
#[test]
fn discard_1() {
    assert!(discard(Promise::discard).is_discarded());
}

/// The promise may be set nevertheless; then the chain ends as discarded.
#[test]
fn discard_2() {
    assert!(discard(|promise| promise.set(true)).is_discarded());
}

/// The promise may fail nevertheless; then the chain fails.
#[test]
fn discard_3() {
    let future = discard(|promise| promise.fail("failure message"));
    assert_eq!(future.failure(), Some("failure message"));
}

#[test]
fn select_() {
    let promises: Vec<Promise<i32>> = (0..4).map(|_| Promise::new()).collect();
    let futures: Vec<_> = promises.iter().map(Promise::future).collect();
    promises[0].set(42);
    let future = select(&futures);
    assert_eq!(future.get().unwrap().get(), Some(&42));

    let future = select(&futures[1..]);
    assert!(future.is_pending());
    future.discard();
    assert!(future.is_discarded());
}

#[test]
fn from_try() {
    let future = Future::from(Ok::<_, String>(1));
    assert_eq!(future.get(), Some(&1));
    let future = Future::<i32>::from(Err::<i32, _>("error"));
    assert_eq!(future.failure(), Some("error"));
}

#[test]
fn from_try_future() {
    let future = Future::from(Ok::<_, String>(Future::ready(1)));
    assert_eq!(future.get(), Some(&1));

    let promise = Promise::new();
    let future: Future<i32> = Ok::<_, String>(promise.future()).into();
    assert!(future.is_pending());
    promise.set(1);
    assert_eq!(future.get(), Some(&1));

    let future: Future<i32> = Err::<Future<i32>, _>("error").into();
    assert_eq!(future.failure(), Some("error"));
}

#[test]
fn arrow_operator() {
    let future = Future::ready("hello".to_owned());
    assert_eq!(future.get().map(String::len), Some(5));
}

#[test]
fn undiscardable_future() {
    let promise = Promise::new();
    let future = promise.future().undiscardable();
    future.discard();
    assert!(future.has_discard());
    assert!(!promise.future().has_discard());
    promise.set(42);
    assert_eq!(future.get(), Some(&42));
}

/// Upstream decorates the callback; here the callback's future says it.
#[test]
fn undiscardable_lambda() {
    let promise = Promise::new();
    let inner = promise.future();
    let future = Future::ready(2)
        .then(move |&multiplier| inner.map(move |i| i * multiplier).undiscardable());
    future.discard();
    assert!(future.has_discard());
    assert!(!promise.future().has_discard());
    promise.set(42);
    assert_eq!(future.get(), Some(&84));
}

#[test]
fn abandoned() {
    assert!(Future::<i32>::abandoned().is_abandoned());
    let promise = Promise::<i32>::new();
    let future = promise.future();
    assert!(!future.is_abandoned());
    drop(promise);
    assert!(future.is_abandoned());
}

#[test]
fn abandoned_chain() {
    let promise = Promise::<i32>::new();
    let future = promise.future().map(|_| Nothing).map(|_| "hello world");
    drop(promise);
    assert!(future.is_abandoned());
}

/// What the `Recover` tests have in common.
fn recovered<R>(end: impl FnOnce(Promise<i32>) -> R) {
    let promise = Promise::<i32>::new();
    let future = promise.future().map(|_| "hello").recover(|_| Future::ready("world"));
    assert!(future.is_pending());
    end(promise);
    assert_eq!(future.get(), Some(&"world"));
}

#[test]
fn recover_discarded() {
    recovered(|promise| promise.discard());
}

#[test]
fn recover_failed() {
    recovered(|promise| promise.fail("Failure"));
}

#[test]
fn recover_abandoned() {
    recovered(drop);
}

/// A discard stops at a `recover`, but a second one, asked later, goes through.
#[test]
fn recover_discard() {
    let promise1 = Promise::<i32>::new();
    let promises: [Promise<&str>; 3] = std::array::from_fn(|_| Promise::new());
    let [promise2, promise3, promise4] = &promises;
    let (future2, future3, future4) = (promise2.future(), promise3.future(), promise4.future());
    let future = promise1
        .future()
        .map(|_| "hello")
        .recover(move |_| future2.then(move |_| future3.then(move |_| future4)));

    future.discard();
    promise1.discard();
    assert!(!promise2.future().has_discard());
    promise2.set("not world");
    assert!(!promise3.future().has_discard());
    promise3.set("also not world");
    assert!(!promise4.future().has_discard());

    assert!(future.discard());
    assert!(promise4.future().has_discard());
    promise4.set("world");
    assert_eq!(future.get(), Some(&"world"));
}
