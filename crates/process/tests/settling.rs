//! `Clock::settle` under stress: after it nothing happens any more, whatever was under way.

mod support;

use parking_lot::Mutex;
use process::actix::Actor;
use process::{
    Context, Future, Nothing, Pid, Promise, async_, clock, generate_id, process, spawn, terminate,
    wait,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{World, in_both_worlds};

/// How often the stress is repeated: a settle that returns too early is not always caught.
const ROUNDS: u64 = 40;

const RELAYS: usize = 6;
const TOKENS: usize = 12;
const HOPS: u32 = 40;

/// What all relays know.
#[derive(Default)]
struct Field {
    relays: Mutex<Vec<Pid<Relay>>>,
    /// Tokens that were not passed on any more.
    arrived: AtomicUsize,
    /// Hops of all tokens, and what happened beside them.
    happened: AtomicUsize,
}

/// Passes tokens on, each hop in another way.
struct Relay(Arc<Field>);

impl Actor for Relay {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.0.happened.fetch_add(1, Ordering::SeqCst);
    }
}

process!(Relay);

struct Token {
    random: u64,
    hops: u32,
}

impl Token {
    fn next(mut self) -> Option<Token> {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.hops = self.hops.checked_sub(1)?;
        Some(self)
    }
}

impl Relay {
    fn pass(&mut self, token: Token) {
        self.0.happened.fetch_add(1, Ordering::SeqCst);
        let Some(token) = token.next() else {
            self.0.arrived.fetch_add(1, Ordering::SeqCst);
            return;
        };
        let to = self.0.relays.lock()[token.random as usize % RELAYS].clone();
        match token.random >> 32 & 7 {
            // By a timer that is due at once and does not hurry.
            0 => {
                clock::timer(Duration::ZERO, move || {
                    dawdle();
                    to.run("pass", move |this, _| this.pass(token));
                });
            }
            // By a callback on the thread where a function runs aside.
            1 => {
                let token = Mutex::new(Some(token));
                async_(dawdle).on_any(move |_| {
                    if let Some(token) = token.lock().take() {
                        to.run("pass", move |this, _| this.pass(token));
                    }
                });
            }
            // By a process that is started for it, and ends with it.
            2 => {
                let porter = spawn(generate_id("porter"), Relay(Arc::clone(&self.0)));
                porter.run("carry", move |_, context| {
                    to.run("pass", move |this, _| this.pass(token));
                    terminate(context.pid(), true);
                });
            }
            // By whoever waits for the end of a process.
            3 => {
                let porter = spawn(generate_id("porter"), Relay(Arc::clone(&self.0)));
                terminate(&porter, token.random & 1 == 0);
                let token = Mutex::new(Some(token));
                wait(&porter).on_any(move |_| {
                    if let Some(token) = token.lock().take() {
                        to.run("pass", move |this, _| this.pass(token));
                    }
                });
            }
            // By the abandonment of a call that a terminated process drops.
            4 => {
                let porter = spawn(generate_id("porter"), Relay(Arc::clone(&self.0)));
                terminate(&porter, true);
                let token = Mutex::new(Some(token));
                let dropped = porter.call("never", |_, _| Promise::<Nothing>::new().future());
                dropped.on_abandoned(move || {
                    if let Some(token) = token.lock().take() {
                        to.run("pass", move |this, _| this.pass(token));
                    }
                });
            }
            _ => to.run("pass", move |this, _| this.pass(token)),
        }
    }
}

fn dawdle() {
    (0..5000).for_each(|_| std::hint::spin_loop());
}

fn stress(world: &World, seed: u64) {
    let field = Arc::new(Field::default());
    for _ in 0..RELAYS {
        let relay = spawn(generate_id("relay"), Relay(Arc::clone(&field)));
        field.relays.lock().push(relay);
    }
    let relays = field.relays.lock().clone();
    for number in 0..TOKENS {
        let random = (seed << 8 | number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let token = Token { random, hops: HOPS };
        relays[number % RELAYS].run("pass", move |this, _| this.pass(token));
    }

    world.settle();
    let happened = field.happened.load(Ordering::SeqCst);
    assert_eq!(field.arrived.load(Ordering::SeqCst), TOKENS, "seed {seed}");
    assert!(clock::settled());
    world.settle();
    assert_eq!(field.happened.load(Ordering::SeqCst), happened, "seed {seed}");

    relays.iter().for_each(|relay| terminate(relay, true));
    world.settle();
    assert_eq!(field.happened.load(Ordering::SeqCst), happened + RELAYS, "seed {seed}");
    field.relays.lock().clear();
}

#[test]
fn everything_has_happened() {
    let world = World::live();
    (1..=ROUNDS).for_each(|seed| stress(&world, seed));
    drop(world);
    (1..=50).for_each(|seed| stress(&World::simulated(seed), seed));
}

/// Others may go on while somebody settles, and several may settle at once.
#[test]
fn several_threads_settle() {
    let _world = World::live();
    let passed = Arc::new(AtomicUsize::new(0));
    let settle = |passed: &AtomicUsize| {
        for _ in 0..30 {
            let pid = spawn(generate_id("relay"), Relay(Arc::default()));
            let called = pid.call("call", |_, _| Future::ready(Nothing));
            clock::settle();
            assert!(called.is_ready());
            terminate(&pid, false);
            passed.fetch_add(1, Ordering::SeqCst);
        }
    };
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(|| settle(&passed)))));
    assert_eq!(passed.load(Ordering::SeqCst), 90);
}

/// Timers of the future are not waited for, and those that became due are.
#[test]
fn only_due_timers_are_waited_for() {
    in_both_worlds(|world| {
        let fired = Arc::new(AtomicUsize::new(0));
        for seconds in [1, 2, 3] {
            let fired = Arc::clone(&fired);
            clock::timer(Duration::from_secs(seconds), move || {
                fired.fetch_add(1, Ordering::SeqCst);
            });
        }
        world.settle();
        assert_eq!(fired.load(Ordering::SeqCst), 0);
        world.advance(Duration::from_secs(2));
        world.settle();
        assert_eq!(fired.load(Ordering::SeqCst), 2);
        assert!(clock::settled());
    });
}

/// A process that dies of a panic has ended as far as others are concerned, and timers go on after
/// one that panics.
#[test]
fn panics_hold_nobody_up() {
    let world = World::live();
    let pid = spawn(generate_id("relay"), Relay(Arc::default()));
    let called = pid.call("panic", |_, _| panic!("on purpose"));
    let _: &Future<Nothing> = &called;
    clock::timer(Duration::ZERO, || panic!("on purpose"));
    world.settle();
    world.abandoned(&called);
    assert!(wait(&pid).is_ready());
    assert!(process::find::<Relay>(pid.upid().id()).is_none());
}

/// Whoever would wait for its own end is told so.
#[test]
fn no_part_of_the_runtime_settles() {
    in_both_worlds(|world| {
        let refused = || catch_unwind(AssertUnwindSafe(clock::settle)).is_err();
        let pid = spawn(generate_id("relay"), Relay(Arc::default()));
        let called = pid.call("settle", move |_, _| Future::ready(refused()));
        let (promise, aside) = (Promise::new(), async_(refused));
        let fired = promise.future();
        clock::timer(Duration::ZERO, move || {
            promise.set(refused());
        });
        assert!(world.ready(&called) && world.ready(&aside) && world.ready(&fired));
        terminate(&pid, true);

        clock::resume();
        assert!(refused(), "a running clock never settles");
        clock::pause();
    });
}
