//! What a message costs live, beside raw actix in the same run.
//!
//! Sender and receiver live on one arbiter (thread), for actix and for the port alike, so that it
//! is the message that is measured and not the waking of a sleeping core.

use crate::{Row, nanoseconds};
use process::actix::{self, Actor, Addr, Context as ActixContext, Handler, Message};
use process::{Context, Future, Outcome, Pid, generate_id, process, spawn, terminate};
use std::hint::black_box;
use std::sync::mpsc;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// Messages in one round.
const COUNT: u64 = 200_000;

/// Rounds of each kind, of milliseconds each: with fewer, the shortest is chance.
const ROUNDS: usize = 50;

/// Messages under way at once.
const BATCH: u64 = 500;

/// How long to wait for what takes milliseconds.
const LIMIT: Duration = Duration::from_secs(60);

/// A message without a result; `true` for the last of a batch.
struct Note(bool);

/// A question: actix answers with a value, the port with a future.
struct Ask(u64);
struct Call(u64);

/// Starts a round. The channel gets its duration.
struct Go(mpsc::Sender<Duration>);

/// The batch under way was handled.
struct BatchDone;

macro_rules! message {
    ($($name:ty => $result:ty)*) => {$(
        impl Message for $name {
            type Result = $result;
        }
    )*};
}

message!(Note => () Ask => u64 Call => Future<u64> Go => () BatchDone => ());

/// A round under way.
struct Round {
    left: u64,
    start: Instant,
    over: mpsc::Sender<Duration>,
}

impl Round {
    fn new(over: mpsc::Sender<Duration>) -> Round {
        Round { left: COUNT, start: Instant::now(), over }
    }

    /// How many messages to send now; 0 when the round is over, which is reported.
    fn next(&mut self) -> u64 {
        let batch = self.left.min(BATCH);
        self.left -= batch;
        if batch == 0 {
            // Whoever measures has given up if nobody listens any more.
            let _ = self.over.send(self.start.elapsed());
        }
        batch
    }
}

/// Whether messages have results.
#[derive(Clone, Copy)]
enum Mode {
    Tell,
    Dispatch,
}

struct RawSink(Option<Addr<RawDriver>>);

impl Actor for RawSink {
    type Context = ActixContext<Self>;
}

impl Handler<Note> for RawSink {
    type Result = ();

    fn handle(&mut self, Note(last): Note, _: &mut Self::Context) {
        if let (true, Some(driver)) = (last, &self.0) {
            driver.do_send(BatchDone);
        }
    }
}

impl Handler<Ask> for RawSink {
    type Result = u64;

    fn handle(&mut self, Ask(n): Ask, _: &mut Self::Context) -> u64 {
        n + 1
    }
}

struct SetDriver(Addr<RawDriver>);

message!(SetDriver => ());

impl Handler<SetDriver> for RawSink {
    type Result = ();

    fn handle(&mut self, SetDriver(driver): SetDriver, _: &mut Self::Context) {
        self.0 = Some(driver);
    }
}

struct RawDriver {
    sink: Addr<RawSink>,
    mode: Mode,
    round: Option<Round>,
}

impl Actor for RawDriver {
    type Context = ActixContext<Self>;
}

impl RawDriver {
    fn batch(&mut self, context: &ActixContext<Self>) {
        let batch = self.round.as_mut().map_or(0, Round::next);
        match self.mode {
            _ if batch == 0 => {}
            Mode::Tell => (1..=batch).for_each(|n| self.sink.do_send(Note(n == batch))),
            Mode::Dispatch => {
                let requests: Vec<_> = (0..batch).map(|n| self.sink.send(Ask(n))).collect();
                let driver = actix::AsyncContext::address(context);
                actix::spawn(async move {
                    for request in requests {
                        black_box(request.await.unwrap_or_default());
                    }
                    driver.do_send(BatchDone);
                });
            }
        }
    }
}

impl Handler<Go> for RawDriver {
    type Result = ();

    fn handle(&mut self, Go(over): Go, context: &mut Self::Context) {
        self.round = Some(Round::new(over));
        self.batch(context);
    }
}

impl Handler<BatchDone> for RawDriver {
    type Result = ();

    fn handle(&mut self, _: BatchDone, context: &mut Self::Context) {
        self.batch(context);
    }
}

struct Sink(Option<Pid<Driver>>);

impl Actor for Sink {
    type Context = Context<Self>;
}

process!(Sink);

impl Handler<Note> for Sink {
    type Result = ();

    fn handle(&mut self, Note(last): Note, _: &mut Self::Context) {
        if let (true, Some(driver)) = (last, &self.0) {
            driver.tell(BatchDone);
        }
    }
}

impl Handler<Call> for Sink {
    type Result = Future<u64>;

    fn handle(&mut self, Call(n): Call, _: &mut Self::Context) -> Future<u64> {
        Future::ready(n + 1)
    }
}

struct Driver {
    sink: Pid<Sink>,
    mode: Mode,
    round: Option<Round>,
}

impl Actor for Driver {
    type Context = Context<Self>;
}

process!(Driver);

impl Driver {
    fn batch(&mut self, context: &Context<Self>) {
        let batch = self.round.as_mut().map_or(0, Round::next);
        match self.mode {
            _ if batch == 0 => {}
            Mode::Tell => (1..=batch).for_each(|n| self.sink.tell(Note(n == batch))),
            Mode::Dispatch => {
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
        }
    }
}

impl Handler<Go> for Driver {
    type Result = ();

    fn handle(&mut self, Go(over): Go, context: &mut Self::Context) {
        self.round = Some(Round::new(over));
        self.batch(context);
    }
}

impl Handler<BatchDone> for Driver {
    type Result = ();

    fn handle(&mut self, _: BatchDone, context: &mut Self::Context) {
        self.batch(context);
    }
}

fn thread<A: process::Process>(pid: &Pid<A>) -> Option<ThreadId> {
    let thread = pid.call("thread", |_, _| Future::ready(std::thread::current().id()));
    match thread.wait(LIMIT) {
        Some(Outcome::Ready(thread)) => Some(thread),
        _ => None,
    }
}

/// A driver and its sink on one arbiter. Processes go to the arbiters in turn: after a few
/// attempts a driver is where the sink is.
fn port(mode: Mode) -> Pid<Driver> {
    let sink = spawn(generate_id("sink"), Sink(None));
    let wanted = thread(&sink);
    loop {
        let driver = Driver { sink: sink.clone(), mode, round: None };
        let driver = spawn(generate_id("driver"), driver);
        if thread(&driver) == wanted {
            let back = driver.clone();
            sink.run("driver", move |sink, _| sink.0 = Some(back));
            return driver;
        }
        terminate(&driver, true);
    }
}

/// The same in raw actix, on an arbiter of its own.
fn raw(mode: Mode) -> Addr<RawDriver> {
    let (send, receive) = mpsc::channel();
    // actix starts arbiters from a thread that has a system.
    std::thread::spawn(move || {
        let system = actix::System::new();
        let arbiter = actix::Arbiter::new().handle();
        let sink = RawSink::start_in_arbiter(&arbiter, |_| RawSink(None));
        let to = sink.clone();
        let driver = RawDriver::start_in_arbiter(&arbiter, move |_| RawDriver {
            sink: to,
            mode,
            round: None,
        });
        sink.do_send(SetDriver(driver.clone()));
        send.send(driver).expect("the measuring thread waits");
        system.run().expect("the system runs as long as the program");
    });
    receive.recv().expect("the system's thread starts the actors")
}

fn round(start: impl FnOnce(Go)) -> Duration {
    let (over, is_over) = mpsc::channel();
    start(Go(over));
    is_over.recv_timeout(LIMIT).expect("a round takes far less than the limit")
}

/// Both kinds of messages, each beside its counterpart, in turns.
pub fn rows() -> Vec<super::Row> {
    let kinds = [
        ("live dispatch without result, beside actix do_send", "<= 1.2 x", Mode::Tell),
        ("live dispatch with result, beside actix send", "<= 1.5 x", Mode::Dispatch),
    ];
    let measure = |(what, budget, mode): (&'static str, &'static str, Mode)| {
        let (port, raw) = (port(mode), raw(mode));
        let rounds = (0..ROUNDS).map(|_| (round(|go| port.tell(go)), round(|go| raw.do_send(go))));
        let (ours, theirs): (Vec<_>, Vec<_>) = rounds.unzip();
        let shortest = |rounds: &[Duration]| {
            nanoseconds(rounds.iter().min().copied().unwrap_or_default(), COUNT)
        };
        let (ours, theirs) = (shortest(&ours), shortest(&theirs));
        let measured = format!("{:.2} x ({ours:.0} ns / {theirs:.0} ns)", ours / theirs);
        Row { what, budget, measured }
    };
    kinds.map(measure).into()
}
