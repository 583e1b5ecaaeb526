//! Memory. Long chains of futures: completed, discarded and dropped, they neither overflow the
//! stack nor leave anything behind (upstream overflows; the port must not, because campaigns run
//! for days). And what a simulated event allocates: itself.

mod counting;

use counting::{ALLOCATIONS, LENGTH, leaves_nothing};
use process::actix::Actor;
use process::simulated::Simulation;
use process::{Context, Future, Nothing, Pid, Promise, process, spawn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Each future is associated with the one before.
fn associated(first: &Future<usize>) -> Future<usize> {
    let mut last = first.clone();
    for _ in 0..LENGTH {
        let promise = Promise::new();
        promise.associate(&last);
        last = promise.future();
    }
    last
}

#[test]
fn associated_completed() {
    leaves_nothing(|| {
        let promise = Promise::new();
        let last = associated(&promise.future());
        promise.set(42);
        assert_eq!(last.get(), Some(&42));
    });
}

#[test]
fn associated_discarded_and_abandoned() {
    leaves_nothing(|| {
        let promise = Promise::new();
        let last = associated(&promise.future());
        last.discard();
        assert!(promise.future().has_discard());
        drop(promise);
        assert!(last.is_abandoned());
    });
}

#[test]
fn all_combinators() {
    leaves_nothing(|| {
        let promise = Promise::new();
        let mut last: Future<usize> = promise.future();
        for n in 0..LENGTH / 5 {
            last = match n % 5 {
                0 => last.map(|n| n + 1),
                1 => last.repair(Future::clone),
                2 => last.recover(Future::clone),
                3 => last.undiscardable(),
                _ => process::collect(vec![last]).map(|all| all[0]),
            };
        }
        last.discard();
        promise.set(0);
        assert!(!last.is_pending());
    });
}

/// A list of futures, each owned by a callback of the one before, dropped from the front.
#[test]
fn owned_by_callbacks() {
    leaves_nothing(|| {
        let mut tail = Promise::<Nothing>::new();
        for _ in 0..LENGTH {
            let owner = Promise::<Nothing>::new();
            owner.future().on_any(move |_| drop(tail));
            tail = owner;
        }
        drop(tail);
    });
}

#[test]
fn many_callbacks_on_one_future() {
    leaves_nothing(|| {
        let called = Arc::new(AtomicUsize::new(0));
        let promise = Promise::<Nothing>::new();
        let future = promise.future();
        for _ in 0..LENGTH {
            let (any, discard) = (Arc::clone(&called), Arc::clone(&called));
            future.on_any(move |_| {
                any.fetch_add(1, Ordering::Relaxed);
            });
            future.on_discard(move || {
                discard.fetch_add(1, Ordering::Relaxed);
            });
        }
        future.discard();
        promise.set(Nothing);
        assert_eq!(called.load(Ordering::Relaxed), 2 * LENGTH);
    });
}

/// Passes what it gets on, for ever.
struct Player {
    played: u64,
    next: Option<Pid<Player>>,
}

impl Actor for Player {
    type Context = Context<Self>;
}

process!(Player);

impl Player {
    fn play(&mut self, played: u64) {
        self.played = played;
        if let Some(next) = &self.next {
            next.run("play", move |this, _| this.play(played + 1));
        }
    }
}

#[test]
fn a_simulated_event_allocates_itself_only() {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let pids: Vec<_> =
        (0..3).map(|n| spawn(format!("{n}"), Player { played: 0, next: None })).collect();
    for (n, pid) in pids.iter().enumerate() {
        let next = pids[(n + 1) % 3].clone();
        pid.run("next", move |this, _| this.next = Some(next));
    }
    pids[0].run("play", |this, _| this.play(0));
    // Until all queues have the room they need.
    (0..100).for_each(|_| assert!(simulation.flush(0)));
    let before = ALLOCATIONS.get();
    (0..1000).for_each(|_| assert!(simulation.flush(0)));
    assert_eq!(ALLOCATIONS.get() - before, 1000);
}
