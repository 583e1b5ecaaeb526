//! The twins of `3rdparty/libprocess/src/tests/after_tests.cpp`, each named after its original.

mod support;

use process::{Future, Nothing, Promise, after, loop_here};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use support::in_both_worlds;

const DAY: Duration = Duration::from_secs(24 * 3600);
const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn after_() {
    in_both_worlds(|world| {
        let future = after(DAY);
        assert!(future.is_pending());
        world.advance(DAY - MILLISECOND);
        assert!(future.is_pending());
        world.advance(MILLISECOND);
        world.ready(&future);

        let future = after(DAY);
        assert!(future.is_pending());
        future.discard();
        world.discarded(&future);
    });
}

#[test]
fn loop_() {
    in_both_worlds(|world| {
        let next = || Future::<ControlFlow<Nothing>>::ready(ControlFlow::Continue(()));
        let future = loop_here(|| after(DAY), move |_| next());
        assert!(future.is_pending());
        world.advance(DAY);
        future.discard();
        world.discarded(&future);

        // A discard while the body is at work reaches the body.
        let (promise1, promise2) = (Promise::new(), Arc::new(Promise::new()));
        let (reached, flow) = (promise1.future(), promise2.future());
        let body = promise2.future();
        let future = loop_here(
            || after(MILLISECOND),
            move |_| {
                promise1.set(Nothing);
                body.clone()
            },
        );
        assert!(future.is_pending());
        world.advance(MILLISECOND);
        world.ready(&reached);
        flow.on_discard(move || {
            promise2.set(ControlFlow::Break(Nothing));
        });
        future.discard();
        world.ready(&future);
    });
}
