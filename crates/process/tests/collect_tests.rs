//! The twins of `3rdparty/libprocess/src/tests/collect_tests.cpp`, each named after its original.
//!
//! Upstream also has variadic forms for futures of different types; here the parts have one type,
//! which `map` gives them.

mod support;

use process::{Future, Promise, await_all, await_one, collect};
use std::sync::Arc;
use support::in_both_worlds;

fn promises<const N: usize>() -> ([Promise<i32>; N], Vec<Future<i32>>) {
    let promises: [Promise<i32>; N] = std::array::from_fn(|_| Promise::new());
    let futures = promises.iter().map(Promise::future).collect();
    (promises, futures)
}

/// Promises that do what they are asked: a discard of the future discards them.
fn discardable() -> Vec<Future<i32>> {
    let discardable = |_| {
        let promise = Arc::new(Promise::<i32>::new());
        let future = promise.future();
        let on_discard = Arc::clone(&promise);
        future.on_discard(move || {
            on_discard.discard();
        });
        future
    };
    (0..2).map(discardable).collect()
}

mod collect_test {
    use super::*;

    #[test]
    fn ready() {
        in_both_worlds(|world| {
            assert!(world.ready(&collect(Vec::<Future<i32>>::new())).is_empty());

            // The values come in the order of the futures, not in that of their completion.
            let (promises, futures) = promises::<4>();
            let before = collect(futures.clone());
            for index in [3, 1, 0, 2] {
                promises[index].set(index as i32 + 1);
            }
            assert_eq!(world.ready(&before), [1, 2, 3, 4]);
            assert_eq!(world.ready(&collect(futures)), [1, 2, 3, 4]);
        });
    }

    #[test]
    fn failure() {
        in_both_worlds(|world| {
            let ([promise1, promise2], futures) = promises();
            let future = collect(futures.clone());
            assert!(future.is_pending());
            promise1.set(42);
            assert!(future.is_pending());
            promise2.set(1);
            assert_eq!(world.ready(&future), [42, 1]);

            let promise3 = Promise::new();
            let future = collect(vec![promise1.future(), promise3.future()]);
            assert!(future.is_pending());
            promise3.fail("failure");
            assert_eq!(world.failed(&future), "Collect failed: failure");

            let promise4 = Promise::new();
            let future = collect(vec![promise1.future(), promise4.future()]);
            assert!(future.is_pending());
            promise4.discard();
            assert_eq!(world.failed(&future), "Collect failed: future discarded");
        });
    }

    #[test]
    fn discard_propagation() {
        in_both_worlds(|world| {
            let futures = discardable();
            let future = collect(futures.clone());
            future.discard();
            world.discarded(&future);
            futures.iter().for_each(|future| world.discarded(future));
        });
    }

    #[test]
    fn abandoned_propagation() {
        in_both_worlds(|world| {
            let promise = Promise::<i32>::new();
            let future = collect(vec![promise.future()])
                .recover(|future| {
                    assert!(future.is_abandoned());
                    Future::ready(vec![42])
                })
                .map(|all| all[0]);
            drop(promise);
            assert_eq!(world.ready(&future), 42);
        });
    }
}

mod await_test {
    use super::*;

    #[test]
    fn success() {
        in_both_worlds(|world| {
            assert!(world.ready(&await_all(Vec::<Future<i32>>::new())).is_empty());

            let (promises, futures) = promises::<4>();
            let before = await_all(futures.clone());
            for index in [3, 1, 0, 2] {
                promises[index].set(index as i32 + 1);
            }
            for all in [before, await_all(futures)] {
                let values: Vec<i32> =
                    world.ready(&all).iter().map(|future| *future.get().unwrap()).collect();
                assert_eq!(values, [1, 2, 3, 4]);
            }
        });
    }

    #[test]
    fn failure() {
        in_both_worlds(|world| {
            let ([promise1, promise2], futures) = promises();
            let future = await_all(futures);
            assert!(future.is_pending());
            promise1.set(42);
            assert!(future.is_pending());
            promise2.fail("failure message");
            let all = world.ready(&future);
            assert_eq!(all[0].get(), Some(&42));
            assert!(all[1].is_failed());
        });
    }

    #[test]
    fn discarded() {
        in_both_worlds(|world| {
            let ([promise1, promise2], futures) = promises();
            let future = await_all(futures);
            assert!(future.is_pending());
            promise1.set(42);
            assert!(future.is_pending());
            promise2.discard();
            let all = world.ready(&future);
            assert_eq!(all[0].get(), Some(&42));
            assert!(all[1].is_discarded());
        });
    }

    #[test]
    fn discard_propagation() {
        in_both_worlds(|world| {
            let futures = discardable();
            let future = await_all(futures.clone());
            future.discard();
            world.discarded(&future);
            futures.iter().for_each(|future| world.discarded(future));
        });
    }

    #[test]
    fn abandoned_propagation() {
        in_both_worlds(|world| {
            let promise = Promise::<i32>::new();
            let future = await_all(vec![promise.future(), Future::abandoned()])
                .recover(|future| {
                    assert!(future.is_abandoned());
                    Future::ready(vec![Future::ready(42), Future::ready(0)])
                })
                .then(|all| all[0].clone());
            drop(promise);
            assert_eq!(world.ready(&future), 42);
        });
    }

    /// The await is discarded although what it waits for is not.
    #[test]
    fn await_single_discard() {
        in_both_worlds(|world| {
            let promise = Promise::<i32>::new();
            let future = await_one(&promise.future()).then(|future| future.map(i32::to_string));
            future.discard();
            world.discarded(&future);
            assert!(promise.future().has_discard());
            assert!(promise.future().is_pending());
        });
    }

    #[test]
    fn await_single_abandon() {
        in_both_worlds(|world| {
            let promise = Promise::<i32>::new();
            let future = await_one(&promise.future())
                .then(|future| future.map(i32::to_string))
                .recover(|future| {
                    assert!(future.is_abandoned());
                    Future::ready("hello".to_owned())
                });
            drop(promise);
            assert_eq!(world.ready(&future), "hello");
        });
    }
}
