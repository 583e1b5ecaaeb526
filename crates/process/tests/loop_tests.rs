//! The twins of `3rdparty/libprocess/src/tests/loop_tests.cpp`, each named after its original, and
//! what upstream's bug B101 (`614673ac7`, `a7c93d078`) taught.

mod support;

use parking_lot::Mutex;
use process::actix::Actor;
use process::{
    Context, Future, Nothing, Promise, Queue, generate_id, loop_, loop_here, loop_in, process,
    spawn, terminate,
};
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{World, in_both_worlds};

fn flow<V: process::future::Value>(flow: ControlFlow<V>) -> Future<ControlFlow<V>> {
    Future::ready(flow)
}

/// A promise that does what it is asked: a discard of the future discards it.
fn discardable<T: process::future::Value>() -> Future<T> {
    let promise = Arc::new(Promise::new());
    let future = promise.future();
    future.on_discard(move || {
        promise.discard();
    });
    future
}

/// Steps that are ready at once run without pause, and without stack.
#[test]
fn sync() {
    let test = |rounds: usize| {
        let value = Arc::new(AtomicUsize::new(rounds));
        let left = Arc::clone(&value);
        loop_(
            move || Future::ready(left.load(Ordering::SeqCst)),
            move |&left| {
                if left > 0 {
                    value.fetch_sub(1, Ordering::SeqCst);
                }
                flow(if left > 0 { Continue(()) } else { Break(Nothing) })
            },
        )
    };
    in_both_worlds(|world| {
        let future = test(100_000);
        world.ready(&future);
    });
}

#[test]
fn async_() {
    in_both_worlds(|world| {
        let queue = Queue::new();
        let (promise1, promise2) = (Promise::new(), Promise::<String>::new());
        let (reached, answer, elements) = (promise1.future(), promise2.future(), queue.clone());
        let future = loop_(
            move || elements.get(),
            move |&i| {
                promise1.set(i);
                answer.map(|s: &String| Break(s.clone()))
            },
        );
        assert!(future.is_pending());
        queue.put(1);
        assert_eq!(world.ready(&reached), 1);
        assert!(future.is_pending());
        promise2.set("Hello world!".to_owned());
        assert_eq!(world.ready(&future), "Hello world!");
    });
}

#[test]
fn discard_iterate() {
    in_both_worlds(|world| {
        let waited_for = discardable::<i32>();
        let next = waited_for.clone();
        let future = loop_(move || next.clone(), |_| flow(Break(Nothing)));
        assert!(future.is_pending());
        future.discard();
        world.discarded(&future);
        assert!(waited_for.has_discard());
    });
}

#[test]
fn discard_body() {
    in_both_worlds(|world| {
        let waited_for = discardable::<Nothing>();
        let body = waited_for.clone();
        let future = loop_(|| Future::ready(42), move |_| body.map(|_| Break(Nothing)));
        assert!(future.is_pending());
        future.discard();
        world.discarded(&future);
        assert!(waited_for.has_discard());
    });
}

/// A discard that comes while the loop is between two futures reaches the next one (B101).
#[test]
fn discard_between_steps() {
    let (waited_for, gate) = (discardable::<Nothing>(), Promise::<Nothing>::new());
    let (first, second) = (gate.future(), waited_for.clone());
    let whole = Arc::new(Mutex::new(None::<Future<Nothing>>));
    let in_body = Arc::clone(&whole);
    let future = loop_here(
        move || first.clone(),
        move |_| {
            // Here the loop waits for nothing that could be discarded.
            let whole = in_body.lock().take();
            whole.unwrap().discard();
            second.map(|_| Break(Nothing))
        },
    );
    *whole.lock() = Some(future.clone());
    gate.set(Nothing);
    assert!(waited_for.has_discard());
    assert!(future.is_discarded());
}

/// A loop does not end by a discard of which its steps take no notice; each future it blocks on
/// afterwards hears of it.
#[test]
fn discard_reaches_every_later_step() {
    let promises: Vec<_> = (0..3).map(|_| Promise::<usize>::new()).collect();
    let mut futures: Vec<_> = promises.iter().map(Promise::future).collect();
    futures.reverse();
    let future = loop_here(
        move || futures.pop().unwrap(),
        |&n| flow(if n == 2 { Break(n) } else { Continue(()) }),
    );
    future.discard();
    assert!(promises[0].future().has_discard());
    assert!(!promises[1].future().has_discard());
    for (n, promise) in promises.iter().enumerate() {
        assert!(promise.future().has_discard());
        assert!(future.is_pending());
        promise.set(n);
    }
    assert_eq!(future.get(), Some(&2));
}

/// Discards from another thread while the loop goes from future to future: whichever moment it
/// meets, the loop ends (B101).
#[test]
fn discard_races_with_the_next_step() {
    let world = World::live();
    for _ in 0..500 {
        let mut rounds = 0;
        let future: Future<Nothing> = loop_(
            move || {
                rounds += 1;
                if rounds < 4 { process::async_(|| Nothing) } else { discardable() }
            },
            |_| flow(Continue(())),
        );
        world.ready(&process::async_(|| Nothing));
        future.discard();
        world.discarded(&future);
    }
}

struct Counter {
    rounds: usize,
}

impl Actor for Counter {
    type Context = Context<Self>;
}

process!(Counter);

/// A loop in a process works on the process; when the process goes, the loop is abandoned.
#[test]
fn in_a_process() {
    in_both_worlds(|world| {
        let pid = spawn(generate_id("counter"), Counter { rounds: 0 });
        let future = loop_in(
            &pid,
            |_, _| process::async_(|| 1),
            |this, _, n| {
                this.rounds += n;
                flow(if this.rounds < 10 { Continue(()) } else { Break(this.rounds) })
            },
        );
        assert_eq!(world.ready(&future), 10);

        let future =
            loop_in(&pid, |_, _| Promise::<Nothing>::new().future(), |_, _, _| flow(Break(())));
        world.abandoned(&future);

        let promise = Promise::<Nothing>::new();
        let next = promise.future();
        let future = loop_in(&pid, move |_, _| next.clone(), |_, _, _| flow(Break(())));
        terminate(&pid, true);
        world.completed(&process::wait(&pid));
        promise.set(Nothing);
        world.abandoned(&future);
    });
}
