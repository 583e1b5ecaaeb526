//! What a dispatch costs: live beside raw actix, simulated beside a plain call.
//!
//! Live, a driver and a sink live on the same arbiter (thread), for actix and for the port alike,
//! so that what is measured is the message and not the wake-up of a sleeping core. A batch is
//! [`BATCH`] messages under way at once. Budgets (design.md): `tell` ≤ 1.2 × `do_send`, `dispatch`
//! ≤ 1.5 × `send`, a simulated event ≤ 60 ns.
#![allow(clippy::disallowed_methods)] // A benchmark reads the real clock.
#![allow(missing_docs)] // Criterion's macros make undocumented functions.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use process::actix::{Actor, Addr, AsyncContext, Handler, Message};
use process::simulated::Simulation;
use process::{Context, Future, Pid, defer_any, process, spawn};
use std::hint::black_box;
use std::sync::mpsc;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// Messages under way at once.
const BATCH: u64 = 500;

/// A message without a result; `true` for the last one of a batch.
struct Note(bool);

impl Message for Note {
    type Result = ();
}

/// A question with a result at once, as actix has it.
struct Ask(u64);

impl Message for Ask {
    type Result = u64;
}

/// A question whose answer is a future.
struct Call(u64);

impl Message for Call {
    type Result = Future<u64>;
}

/// Starts a measurement of so many messages; the driver says on the channel when it is over.
struct Go {
    left: u64,
    over: mpsc::Sender<()>,
}

impl Message for Go {
    type Result = ();
}

struct BatchDone;

impl Message for BatchDone {
    type Result = ();
}

/// What a driver has still to do.
#[derive(Default)]
struct Work {
    left: u64,
    batch: u64,
    over: Option<mpsc::Sender<()>>,
}

impl Work {
    /// The size of the next batch; 0 when it is over.
    fn next_batch(&mut self) -> u64 {
        self.batch = self.left.min(BATCH);
        self.left -= self.batch;
        if self.batch == 0
            && let Some(over) = self.over.take()
        {
            let _ = over.send(());
        }
        self.batch
    }
}

/// Implements one pair of driver and sink; `$address` is what a driver sends to.
macro_rules! sink {
    ($sink:ident, $driver:ident, $context:ty, $address:ty, $tell:ident) => {
        struct $sink {
            driver: Option<$address>,
        }

        impl Actor for $sink {
            type Context = $context;
        }

        impl Handler<Note> for $sink {
            type Result = ();

            fn handle(&mut self, Note(last): Note, _: &mut Self::Context) {
                if last && let Some(driver) = &self.driver {
                    driver.$tell(BatchDone);
                }
            }
        }
    };
}

mod raw {
    use super::*;
    use process::actix::{ActorFutureExt, Context, WrapFuture};

    sink!(Sink, Driver, Context<Self>, Addr<Driver>, do_send);

    impl Handler<Ask> for Sink {
        type Result = u64;

        fn handle(&mut self, Ask(n): Ask, _: &mut Self::Context) -> u64 {
            n + 1
        }
    }

    pub struct SetDriver(Addr<Driver>);

    impl Message for SetDriver {
        type Result = ();
    }

    impl Handler<SetDriver> for Sink {
        type Result = ();

        fn handle(&mut self, SetDriver(driver): SetDriver, _: &mut Self::Context) {
            self.driver = Some(driver);
        }
    }

    pub struct Driver {
        sink: Addr<Sink>,
        work: Work,
        mode: Mode,
    }

    impl Actor for Driver {
        type Context = Context<Self>;
    }

    impl Driver {
        fn batch(&mut self, context: &mut Context<Self>) {
            let batch = self.work.next_batch();
            match self.mode {
                _ if batch == 0 => {}
                Mode::Tell => {
                    (1..=batch).for_each(|n| self.sink.do_send(Note(n == batch)));
                }
                Mode::Pipelined => {
                    let requests: Vec<_> = (0..batch).map(|n| self.sink.send(Ask(n))).collect();
                    let driver = context.address();
                    process::actix::spawn(async move {
                        for request in requests {
                            black_box(request.await.unwrap());
                        }
                        driver.do_send(BatchDone);
                    });
                }
                Mode::OneByOne => self.request(context),
            }
        }

        fn request(&mut self, context: &mut Context<Self>) {
            if self.work.batch == 0 {
                return self.batch(context);
            }
            self.work.batch -= 1;
            let answer = self.sink.send(Ask(self.work.batch)).into_actor(self);
            context.spawn(answer.map(|result, this, context| {
                black_box(result.unwrap());
                this.request(context);
            }));
        }
    }

    impl Handler<Go> for Driver {
        type Result = ();

        fn handle(&mut self, go: Go, context: &mut Self::Context) {
            self.work = Work { left: go.left, batch: 0, over: Some(go.over) };
            self.batch(context);
        }
    }

    impl Handler<BatchDone> for Driver {
        type Result = ();

        fn handle(&mut self, _: BatchDone, context: &mut Self::Context) {
            self.batch(context);
        }
    }

    /// A driver and its sink on one arbiter.
    pub fn driver(arbiter: &process::actix::ArbiterHandle, mode: Mode) -> Addr<Driver> {
        let sink = Sink::start_in_arbiter(arbiter, |_| Sink { driver: None });
        let to = sink.clone();
        let driver = Driver::start_in_arbiter(arbiter, move |_| Driver {
            sink: to,
            work: Work::default(),
            mode,
        });
        sink.do_send(SetDriver(driver.clone()));
        driver
    }
}

/// How a driver talks to its sink.
#[derive(Clone, Copy)]
pub enum Mode {
    Tell,
    /// A batch of requests, then their results.
    Pipelined,
    /// The next request when the driver has handled the result of the one before, in its context.
    OneByOne,
}

mod port {
    use super::*;

    sink!(Sink, Driver, Context<Self>, Pid<Driver>, tell);
    process!(Sink);

    impl Handler<Call> for Sink {
        type Result = Future<u64>;

        fn handle(&mut self, Call(n): Call, _: &mut Self::Context) -> Future<u64> {
            Future::ready(n + 1)
        }
    }

    pub struct Driver {
        sink: Pid<Sink>,
        work: Work,
        mode: Mode,
    }

    impl Actor for Driver {
        type Context = Context<Self>;
    }

    process!(Driver);

    impl Driver {
        fn batch(&mut self, context: &mut Context<Self>) {
            let batch = self.work.next_batch();
            match self.mode {
                _ if batch == 0 => {}
                Mode::Tell => (1..=batch).for_each(|n| self.sink.tell(Note(n == batch))),
                Mode::Pipelined => {
                    for n in 1..=batch {
                        let (last, driver) = (n == batch, context.pid().clone());
                        self.sink.dispatch(Call(n)).on_any(move |result| {
                            black_box(result.get());
                            if last {
                                driver.tell(BatchDone);
                            }
                        });
                    }
                }
                Mode::OneByOne => self.request(context),
            }
        }

        fn request(&mut self, context: &mut Context<Self>) {
            if self.work.batch == 0 {
                return self.batch(context);
            }
            self.work.batch -= 1;
            let next = defer_any!(context.pid(), Self::request, |this, context, result| {
                black_box(result.get());
                this.request(context);
            });
            self.sink.dispatch(Call(self.work.batch)).on_any(next);
        }
    }

    impl Handler<Go> for Driver {
        type Result = ();

        fn handle(&mut self, go: Go, context: &mut Self::Context) {
            self.work = Work { left: go.left, batch: 0, over: Some(go.over) };
            self.batch(context);
        }
    }

    impl Handler<BatchDone> for Driver {
        type Result = ();

        fn handle(&mut self, _: BatchDone, context: &mut Self::Context) {
            self.batch(context);
        }
    }

    fn thread<A: process::Process>(pid: &Pid<A>) -> ThreadId {
        let thread = pid.call("thread", |_, _| Future::ready(std::thread::current().id()));
        match thread.wait(Duration::from_secs(10)) {
            Some(process::Outcome::Ready(thread)) => thread,
            other => panic!("a process that runs says where: {other:?}"),
        }
    }

    /// A driver and its sink on one arbiter.
    pub fn driver(mode: Mode) -> Pid<Driver> {
        let sink = spawn(process::generate_id("sink"), Sink { driver: None });
        // Processes go to the arbiters in turn: after a few attempts one is where the sink is.
        loop {
            let driver = Driver { sink: sink.clone(), work: Work::default(), mode };
            let driver = spawn(process::generate_id("driver"), driver);
            if thread(&driver) == thread(&sink) {
                let back = driver.clone();
                sink.run("driver", move |sink, _| sink.driver = Some(back));
                return driver;
            }
            process::terminate(&driver, true);
        }
    }
}

fn measure(left: u64, start: impl FnOnce(Go)) -> Duration {
    let (over, is_over) = mpsc::channel();
    let begin = Instant::now();
    start(Go { left, over });
    is_over.recv().expect("the driver reports when it is over");
    begin.elapsed()
}

fn live(criterion: &mut Criterion) {
    // actix needs a system on some thread to start arbiters from.
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let system = process::actix::System::new();
        send.send(process::actix::Arbiter::new().handle()).expect("the main thread waits");
        system.run().expect("the system runs as long as the program");
    });
    let arbiter = receive.recv().expect("the system thread starts an arbiter");

    let mut group = criterion.benchmark_group("live");
    group.throughput(Throughput::Elements(1));
    let modes = [
        ("tell", "do_send", Mode::Tell),
        ("dispatch", "send", Mode::Pipelined),
        ("dispatch one by one", "send one by one", Mode::OneByOne),
    ];
    for (port, raw, mode) in modes {
        let driver = raw::driver(&arbiter, mode);
        group.bench_function(BenchmarkId::new("actix", raw), |bencher| {
            bencher.iter_custom(|iterations| measure(iterations, |go| driver.do_send(go)));
        });
        let driver = port::driver(mode);
        group.bench_function(BenchmarkId::new("port", port), |bencher| {
            bencher.iter_custom(|iterations| measure(iterations, |go| driver.tell(go)));
        });
    }
    group.finish();
}

/// A simulated process that passes each message on.
struct Player {
    next: Option<Pid<Player>>,
    handled: u64,
}

impl Actor for Player {
    type Context = Context<Self>;
}

process!(Player);

impl Handler<Note> for Player {
    type Result = ();

    fn handle(&mut self, note: Note, _: &mut Self::Context) {
        self.handled += 1;
        if let Some(next) = &self.next {
            next.tell(note);
        }
    }
}

/// So many simulated processes in a ring with one message on its way.
fn ring(players: usize) {
    let spawn = |n: usize| spawn(format!("player({n})"), Player { next: None, handled: 0 });
    let pids: Vec<_> = (0..players).map(spawn).collect();
    for (n, pid) in pids.iter().enumerate() {
        let next = pids[(n + 1) % players].clone();
        pid.run("next", move |this, _| this.next = Some(next));
    }
    pids[0].tell(Note(false));
}

fn simulated(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulated");
    group.throughput(Throughput::Elements(1));
    for players in [1, 2, 16] {
        let simulation = Simulation::new(false);
        let _installed = simulation.install();
        ring(players);
        group.bench_function(BenchmarkId::new("event, processes", players), |bencher| {
            bencher.iter(|| assert!(simulation.flush(0)));
        });
    }

    {
        // With sixteen contexts that could be flushed.
        let simulation = Simulation::new(false);
        let _installed = simulation.install();
        (0..16).for_each(|_| ring(1));
        let mut turn = 0;
        group.bench_function("event, one of 16 enabled", |bencher| {
            bencher.iter(|| {
                turn = (turn + 7) % simulation.flushable();
                assert!(simulation.flush(turn));
            });
        });
    }

    let mut handled = 0_u64;
    group.bench_function("plain call", |bencher| bencher.iter(|| plain(black_box(&mut handled))));
    let mut boxed: Box<dyn FnMut(u64) -> u64> = Box::new(|n| n + 1);
    group.bench_function("boxed closure made and called", |bencher| {
        bencher.iter(|| {
            let n = black_box(&mut boxed)(1);
            let once: Box<dyn FnOnce() -> u64> = Box::new(move || n + 1);
            black_box(once)()
        });
    });
    group.finish();
}

#[inline(never)]
fn plain(handled: &mut u64) {
    *handled += 1;
}

fn futures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("futures");
    group.bench_function("promise, then, set", |bencher| {
        bencher.iter(|| {
            let promise = process::Promise::new();
            let future = promise.future().then(|n: &u64| Future::ready(n + 1));
            promise.set(1);
            black_box(future.get().copied())
        });
    });
    group.bench_function("chain of 100,000 completed", |bencher| {
        bencher.iter(|| {
            let promise = process::Promise::new();
            let mut last: Future<u64> = promise.future();
            for _ in 0..100_000 {
                last = last.map(|n| n + 1);
            }
            promise.set(0);
            assert_eq!(last.get(), Some(&100_000));
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(20);
    targets = simulated, live, futures
}
criterion_main!(benches);
