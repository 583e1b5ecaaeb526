//! Memory: 100,000 futures in a row, made with each combinator and ended in each way, leave
//! nothing behind and do not overflow the stack.

mod counting;

use counting::{BLOCKS, LENGTH, leaves_nothing};
use parking_lot::Mutex;
use process::simulated::Simulation;
use process::{Future, Nothing, Promise, await_all, collect, loop_here, select};
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// What becomes of the first future of a chain.
#[derive(Clone, Copy, Debug)]
enum End {
    Completed,
    Failed,
    /// After a discard of the last one.
    Discarded,
    Abandoned,
    /// Nobody wants the last one any more, then nobody completes the first.
    Dropped,
}

type Chain = fn(Future<usize>) -> Future<usize>;

/// Ends a chain of futures that are made by `next`, each from the one before, in all ways.
/// `expected` is how the last one then prints: completed, failed, discarded, abandoned.
fn each_end(next: Chain, expected: [&'static str; 4]) {
    let [completed, failed, discarded, abandoned] = expected;
    ends(next, End::Completed, completed);
    ends(next, End::Failed, failed);
    ends(next, End::Discarded, discarded);
    ends(next, End::Abandoned, abandoned);
    ends(next, End::Dropped, "");
}

fn ends(next: Chain, end: End, expected: &'static str) {
    leaves_nothing(move || {
        let simulation = Simulation::new(false);
        let _installed = simulation.install();
        let promise = Promise::new();
        let mut last = promise.future();
        for _ in 0..LENGTH {
            last = next(last);
        }
        let has_timers = simulation.next_timer().is_some();
        match end {
            End::Completed => assert!(promise.set(42)),
            End::Failed => assert!(promise.fail("no")),
            End::Discarded => {
                assert!(last.discard());
                promise.discard();
            }
            End::Abandoned => drop(promise),
            End::Dropped => {
                drop(last);
                drop(promise);
                return while simulation.fire_timer() {};
            }
        }
        assert_eq!(last.to_string(), expected, "{end:?}");
        // What completed has cancelled its timers; one that was abandoned may be completed by them.
        assert_eq!(simulation.next_timer().is_some(), last.is_pending() && has_timers, "{end:?}");
        drop(last);
        while simulation.fire_timer() {}
        assert!(simulation.crash().is_none());
    });
}

#[test]
fn then() {
    let next: Chain = |last| last.then(|n| Future::ready(*n));
    each_end(next, ["Ready", "Failed: no", "Discarded (with discard)", "Abandoned"]);
}

#[test]
fn map() {
    let next: Chain = |last| last.map(|n| *n);
    each_end(next, ["Ready", "Failed: no", "Discarded (with discard)", "Abandoned"]);
}

#[test]
fn repair() {
    let next: Chain = |last| last.repair(Future::clone);
    each_end(next, ["Ready", "Failed: no", "Discarded (with discard)", "Abandoned"]);
}

#[test]
fn recover() {
    let next: Chain = |last| last.recover(Future::clone);
    each_end(next, ["Ready", "Failed: no", "Discarded", "Abandoned"]);
}

#[test]
fn after() {
    let next: Chain = |last| last.after(SECOND, Future::clone);
    each_end(next, ["Ready", "Failed: no", "Discarded (with discard)", "Abandoned"]);
}

#[test]
fn undiscardable() {
    let next: Chain = |last| last.undiscardable();
    each_end(next, ["Ready", "Failed: no", "Discarded (with discard)", "Abandoned"]);
}

#[test]
fn on_any() {
    let next: Chain = |last| {
        let promise = Promise::new();
        let future = promise.future();
        last.on_any(move |last| {
            promise.associate(last);
        });
        future
    };
    each_end(next, ["Ready", "Failed: no", "Discarded (with discard)", "Abandoned"]);
}

/// With a message of its own at each step: upstream's grows at each.
#[test]
fn collects() {
    let next: Chain = |last| collect(vec![last]).map(|all| all[0]).repair(|_| Future::failed("no"));
    each_end(next, ["Ready", "Failed: no", "Discarded (with discard)", "Abandoned"]);
}

#[test]
fn awaits() {
    let next: Chain = |last| await_all(vec![last]).then(|all| all[0].clone());
    each_end(next, ["Ready", "Failed: no", "Discarded (with discard)", "Abandoned"]);
}

#[test]
fn selects() {
    let next: Chain = |last| select(&[last]).then(Future::clone);
    each_end(next, ["Ready", "Abandoned", "Discarded (with discard)", "Abandoned"]);
}

#[test]
fn loops() {
    let next: Chain = |last| {
        // Given away: a loop that keeps the future it waits for keeps itself alive.
        let mut last = Some(last);
        let iterate = move || last.take().expect("the loop ends in the first round");
        loop_here(iterate, |n| Future::ready(Break(*n)))
    };
    each_end(next, ["Ready", "Failed: no", "Discarded (with discard)", "Abandoned"]);
}

/// Ends a future over [`LENGTH`] others side by side in all ways. `expected` as for [`each_end`];
/// only the last part fails or is abandoned, and when the discard comes nothing is completed.
fn each_wide_end(over: fn(Vec<Future<usize>>) -> Future<usize>, expected: [&'static str; 4]) {
    let ends = [End::Completed, End::Failed, End::Discarded, End::Abandoned];
    for (end, expected) in ends.into_iter().zip(expected) {
        leaves_nothing(move || {
            let mut promises: Vec<_> = (0..LENGTH).map(|_| Promise::new()).collect();
            let all = over(promises.iter().map(Promise::future).collect());
            let last = promises.pop().expect("there are many");
            match end {
                End::Discarded => {
                    assert!(all.discard());
                    assert!(promises.iter().all(|promise| promise.future().has_discard()));
                }
                _ => promises.iter().for_each(|promise| assert!(promise.set(42))),
            }
            match end {
                End::Completed => assert!(last.set(42)),
                End::Failed => assert!(last.fail("no")),
                _ => drop(last),
            }
            assert_eq!(all.to_string(), expected, "{end:?}");
        });
    }
    leaves_nothing(move || {
        let promises: Vec<_> = (0..LENGTH).map(|_| Promise::new()).collect();
        drop(over(promises.iter().map(Promise::future).collect()));
    });
}

#[test]
fn wide_collects() {
    let failed = "Failed: Collect failed: no";
    let over = |parts| collect(parts).map(|all: &Vec<usize>| all.len());
    each_wide_end(over, ["Ready", failed, "Discarded (with discard)", "Abandoned"]);
}

#[test]
fn wide_awaits() {
    let over = |parts| await_all(parts).map(|all| all.len());
    each_wide_end(over, ["Ready", "Ready", "Discarded (with discard)", "Abandoned"]);
}

/// A loop that waits in each of its rounds does not grow by them, and ends as its last future does.
#[test]
fn a_long_loop() {
    for end in [End::Completed, End::Failed, End::Discarded, End::Abandoned, End::Dropped] {
        leaves_nothing(move || {
            let current = Arc::new(Mutex::new(None));
            let next = Arc::clone(&current);
            let iterate = move || {
                let promise = Promise::<bool>::new();
                let future = promise.future();
                *next.lock() = Some(promise);
                future
            };
            let body =
                |go_on: &bool| Future::ready(if *go_on { Continue(()) } else { Break(Nothing) });
            let looped = loop_here(iterate, body);
            let round = || current.lock().take().expect("it waits for this");
            let mut blocks = 0;
            for number in 0..LENGTH {
                assert!(round().set(true));
                match number {
                    0 => blocks = BLOCKS.get(),
                    _ => assert_eq!(BLOCKS.get(), blocks, "grown in round {number}"),
                }
            }
            match end {
                End::Completed => assert!(round().set(false)),
                End::Failed => assert!(round().fail("no")),
                End::Discarded => {
                    assert!(looped.discard());
                    let asked = round();
                    assert!(asked.future().has_discard() && asked.discard());
                }
                End::Abandoned => drop(round()),
                End::Dropped => {
                    drop(looped);
                    return drop(round());
                }
            }
            assert_eq!(looped.is_pending(), matches!(end, End::Abandoned), "{looped}");
        });
    }
}

/// Timers as futures: fired, discarded, and dropped before either.
#[test]
fn timers() {
    leaves_nothing(|| {
        let simulation = Simulation::new(false);
        let _installed = simulation.install();
        let timers = || (0..LENGTH).map(|_| process::after(SECOND)).collect::<Vec<_>>();
        let (fired, discarded) = (timers(), timers());
        discarded.iter().for_each(|timer| assert!(timer.discard()));
        assert!(discarded.iter().all(Future::is_discarded));
        drop(timers());
        while simulation.fire_timer() {}
        assert!(fired.iter().all(Future::is_ready));
        drop(timers());
    });
}
