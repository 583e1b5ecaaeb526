//! Counterparts of libprocess's own benchmarks, `3rdparty/libprocess/src/tests/benchmarks.cpp`,
//! as far as they can exist. The budgets are what the C++ original gave on a 2-core machine.

use crate::{Row, best, per_second, timed};
use process::actix::{Actor, Handler, Message};
use process::{
    Context, CountDownLatch, Future, Nothing, Pid, Promise, defer, dispatch, generate_id, process,
    spawn, terminate, wait,
};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for what takes seconds at most.
const LIMIT: Duration = Duration::from_secs(120);

/// Pairs of processes. Upstream: as many as worker threads, of which libprocess has 8 at least.
const PAIRS: u64 = 8;

/// Pings of all pairs together. Upstream: 15 million.
const PINGS: u64 = 1_000_000;

/// Pings of one pair that are under way at once. Upstream: the same.
const UNDER_WAY: u64 = 1000;

/// Rounds of the chain of dispatch and defer. Upstream: the same.
const REPEATS: u64 = 100_000;

/// Integers that each round carries along. Upstream: the same.
const INTEGERS: usize = 10_240;

struct Ping(Pid<Client>);

struct Pong;

struct Run;

macro_rules! message {
    ($($name:ident)*) => {$(
        impl Message for $name {
            type Result = ();
        }
    )*};
}

message!(Ping Pong Run);

struct Destination;

impl Actor for Destination {
    type Context = Context<Self>;
}

process!(Destination);

impl Handler<Ping> for Destination {
    type Result = ();

    fn handle(&mut self, Ping(client): Ping, _: &mut Context<Self>) {
        client.tell(Pong);
    }
}

struct Client {
    destination: Pid<Destination>,
    latch: Arc<CountDownLatch>,
    sent: u64,
    received: u64,
}

impl Actor for Client {
    type Context = Context<Self>;
}

process!(Client);

impl Client {
    fn send(&mut self, context: &Context<Self>) {
        self.destination.tell(Ping(context.pid().clone()));
        self.sent += 1;
    }
}

impl Handler<Run> for Client {
    type Result = ();

    fn handle(&mut self, _: Run, context: &mut Context<Self>) {
        (0..UNDER_WAY.min(PINGS / PAIRS)).for_each(|_| self.send(context));
    }
}

impl Handler<Pong> for Client {
    type Result = ();

    fn handle(&mut self, _: Pong, context: &mut Context<Self>) {
        self.received += 1;
        if self.sent < PINGS / PAIRS {
            self.send(context);
        } else if self.received == PINGS / PAIRS {
            self.latch.decrement();
        }
    }
}

/// `Process_BENCHMARK_ThroughputPerformance`: pings to a partner who answers each.
fn throughput() -> Duration {
    let latch = Arc::new(CountDownLatch::new(PAIRS as usize));
    let pair = |_| {
        let destination = spawn(generate_id("destination"), Destination);
        let client = Client {
            destination: destination.clone(),
            latch: Arc::clone(&latch),
            sent: 0,
            received: 0,
        };
        (spawn(generate_id("client"), client), destination)
    };
    let pairs: Vec<_> = (0..PAIRS).map(pair).collect();
    let elapsed = timed(|| {
        pairs.iter().for_each(|(client, _)| client.tell(Run));
        latch.triggered().wait(LIMIT).expect("it takes far less than the limit");
    });
    for (client, destination) in pairs {
        end(&client);
        end(&destination);
    }
    elapsed
}

struct Chain {
    promise: Promise<Nothing>,
    count: u64,
}

impl Actor for Chain {
    type Context = Context<Self>;
}

process!(Chain);

impl Chain {
    fn handler(&mut self, context: &mut Context<Self>, data: &[i32]) -> Future<Nothing> {
        self.count += 1;
        if self.count >= REPEATS {
            self.promise.set(Nothing);
            return Future::ready(Nothing);
        }
        // The one copy that upstream makes of what can be moved: into the deferred callback.
        let data = data.to_vec();
        dispatch!(context.pid(), Self::step, |this, _| this.step()).then(defer!(
            context.pid(),
            Self::handler,
            |this, context, _| this.handler(context, &data)
        ));
        Future::ready(Nothing)
    }

    fn step(&mut self) -> Future<Nothing> {
        Future::ready(Nothing)
    }
}

/// `Process_BENCHMARK_DispatchDefer`: a process that dispatches to itself and defers what follows.
fn dispatch_defer() -> Duration {
    let promise = Promise::new();
    let over = promise.future();
    let chain = spawn(generate_id("chain"), Chain { promise, count: 0 });
    let data = vec![42; INTEGERS];
    let elapsed = timed(|| {
        dispatch!(chain, Chain::handler, |this, context| this.handler(context, &data));
        over.wait(LIMIT).expect("it takes far less than the limit");
    });
    end(&chain);
    elapsed
}

fn end<A: process::Process>(pid: &Pid<A>) {
    terminate(pid, true);
    wait(pid).wait(LIMIT);
}

/// The rows of libprocess's benchmarks.
pub fn rows() -> Vec<Row> {
    const MISSING: &str = "needs sockets: not built yet";
    let pings = per_second(best(throughput), PINGS) / 1e6;
    let chain = best(dispatch_defer).as_secs_f64() * 1e3;
    vec![
        Row {
            what: "libprocess: throughput, ping and pong",
            budget: "C++: 2.3-7.8 M/s",
            measured: format!("{pings:.1} M/s"),
        },
        Row {
            what: "libprocess: dispatch + defer, movable",
            budget: "C++: 290-380 ms",
            measured: format!("{chain:.0} ms"),
        },
        Row {
            what: "libprocess: dispatch + defer, copyable",
            budget: "C++: 550-830 ms",
            measured: "as movable: every Rust value moves".to_owned(),
        },
        Row {
            what: "libprocess: client and server",
            budget: "C++: 1.0-1.1 M rpcs/s",
            measured: MISSING.to_owned(),
        },
        Row {
            what: "libprocess: protobuf handlers, 4 / 304 bytes",
            budget: "C++: 5.4 M/s / 313 k/s",
            measured: MISSING.to_owned(),
        },
    ]
}
