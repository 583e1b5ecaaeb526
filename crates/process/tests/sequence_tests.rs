//! The twins of `3rdparty/libprocess/src/tests/sequence_tests.cpp`, each named after its original.

mod support;

use process::actix::Actor;
use process::{
    Context, Future, Nothing, Pid, Promise, Sequence, dispatch, generate_id, process, spawn,
    terminate, wait,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{World, in_both_worlds};

/// A process whose `foo` takes three turns and then waits, and which counts calls of others.
struct TestProcess {
    waited_for: Future<Nothing>,
    calls: Arc<[AtomicUsize; 4]>,
    value: i32,
}

impl Actor for TestProcess {
    type Context = Context<Self>;
}

process!(TestProcess);

impl TestProcess {
    fn foo(&mut self, context: &Context<Self>) -> Future<Nothing> {
        dispatch!(context.pid(), Self::foo_1, |this, context| this.foo_1(context))
    }

    fn foo_1(&mut self, context: &Context<Self>) -> Future<Nothing> {
        dispatch!(context.pid(), Self::foo_2, |this, _| this.foo_2())
    }

    fn foo_2(&mut self) -> Future<Nothing> {
        self.waited_for.clone()
    }

    fn func(&mut self, n: usize) -> Future<Nothing> {
        self.calls[n].fetch_add(1, Ordering::SeqCst);
        Future::ready(Nothing)
    }

    fn verify(&mut self) -> Future<Nothing> {
        assert_eq!(self.value, 0);
        self.func(0)
    }

    fn pulse(&mut self, context: &Context<Self>) -> Future<Nothing> {
        self.value += 1;
        dispatch!(context.pid(), Self::pulse_1, |this, _| this.pulse_1())
    }

    fn pulse_1(&mut self) -> Future<Nothing> {
        self.value -= 1;
        Future::ready(Nothing)
    }
}

struct Fixture {
    pid: Pid<TestProcess>,
    promise: Promise<Nothing>,
    calls: Arc<[AtomicUsize; 4]>,
    sequence: Sequence,
}

impl Fixture {
    fn new() -> Self {
        let promise = Promise::new();
        let calls = Arc::<[AtomicUsize; 4]>::default();
        let process =
            TestProcess { waited_for: promise.future(), calls: Arc::clone(&calls), value: 0 };
        Fixture {
            pid: spawn(generate_id("test"), process),
            promise,
            calls,
            sequence: Sequence::default(),
        }
    }

    /// `func0` waits for the promise; the others are ready at once.
    fn add(&self, n: usize) -> Future<Nothing> {
        let pid = self.pid.clone();
        self.sequence.add(move || match n {
            0 => dispatch!(pid, TestProcess::foo, |this, context| this.foo(context)),
            _ => dispatch!(pid, TestProcess::func, |this, _| this.func(n)),
        })
    }

    fn calls(&self) -> [usize; 4] {
        std::array::from_fn(|n| self.calls[n].load(Ordering::SeqCst))
    }

    fn end(&self, world: &World) {
        terminate(&self.pid, true);
        world.ready(&wait(&self.pid));
    }
}

/// A callback does not start before the futures of those before it are done.
#[test]
fn serialize() {
    in_both_worlds(|world| {
        let fixture = Fixture::new();
        fixture.add(0);
        let bar = fixture.add(1);
        world.settle();
        assert!(bar.is_pending());
        assert_eq!(fixture.calls()[1], 0);
        fixture.promise.set(Nothing);
        world.ready(&bar);
        assert_eq!(fixture.calls()[1], 1);
        fixture.end(world);
    });
}

/// A callback whose future was discarded is skipped; those behind it run.
#[test]
fn discard_one() {
    in_both_worlds(|world| {
        let fixture = Fixture::new();
        fixture.add(0);
        let futures: Vec<_> = (1..4).map(|n| fixture.add(n)).collect();
        // The sequence has taken over all of them.
        world.settle();

        futures[1].discard();
        fixture.promise.set(Nothing);
        world.ready(&futures[2]);
        assert_eq!(fixture.calls(), [0, 1, 0, 1]);
        world.discarded(&futures[1]);
        fixture.end(world);
    });
}

/// Dropping the sequence discards what has not started.
#[test]
fn discard_all() {
    in_both_worlds(|world| {
        let fixture = Fixture::new();
        let futures: Vec<_> = (0..4).map(|n| fixture.add(n)).collect();
        let Fixture { pid, promise, calls, sequence } = fixture;
        drop(sequence);
        // Upstream's destructor waits for the sequence's end; here that shows in the discard.
        world.asked_to_discard(&promise.future());
        promise.set(Nothing);
        world.ready(&futures[0]);
        futures[1..].iter().for_each(|future| world.discarded(future));
        assert!(calls.iter().all(|calls| calls.load(Ordering::SeqCst) == 0));
        terminate(&pid, true);
        world.ready(&wait(&pid));
    });
}

/// No callback sees what another one has half done.
#[test]
fn random() {
    in_both_worlds(|world| {
        let fixture = Fixture::new();
        let mut seed = 1_u64;
        let mut last = Future::ready(Nothing);
        for _ in 0..100 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (pid, pulse) = (fixture.pid.clone(), seed >> 63 == 0);
            last = fixture.sequence.add(move || {
                if pulse {
                    dispatch!(pid, TestProcess::pulse, |this, context| this.pulse(context))
                } else {
                    dispatch!(pid, TestProcess::verify, |this, _| this.verify())
                }
            });
        }
        world.ready(&last);
        assert!(fixture.calls()[0] > 0);
        fixture.end(world);
    });
}
