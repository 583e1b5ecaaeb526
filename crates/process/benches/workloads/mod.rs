//! What libprocess's own benchmarks do, as functions that say how long it took.
//!
//! The counterparts of `3rdparty/libprocess/src/tests/benchmarks.cpp`, and beside them the same
//! games in raw actix, over raw tokio channels and as plain calls. The criterion benchmark
//! `libprocess` and the table of `make bench` measure with them. Whoever does makes this program
//! listen before anything else, so that all is measured in a program that takes part in the network.
//!
//! Upstream's benchmarks of its lock-free queue have no counterpart: here that queue is actix's.
#![allow(dead_code, reason = "each benchmark uses its own part")]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the real clock")]

pub mod chain;
pub mod links;
pub mod metrics;
pub mod ping_pong;
pub mod protobuf;
pub mod raw_actix;
pub mod raw_tokio;
pub mod typed;

use process::live::{Options, initialize};
use process::{Pid, Process, terminate, wait};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How long to wait for what takes seconds at most.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Who plays ping-pong with whom.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Processes that answer.
    pub servers: u64,
    /// Processes that ask, for each that answers.
    pub clients: u64,
    /// Questions that each has under way at once.
    pub under_way: u64,
    /// Bytes of a question and of an answer.
    pub size: usize,
}

/// `Process_BENCHMARK_ClientServer`.
pub const CLIENT_SERVER: Shape = Shape { servers: 1, clients: 8, under_way: 250, size: 3 };

/// `Process_BENCHMARK_ThroughputPerformance`. Upstream: as many pairs as worker threads, of which
/// libprocess has 8 at least.
pub const THROUGHPUT: Shape = Shape { servers: 8, clients: 1, under_way: 1000, size: 0 };

impl Shape {
    /// How `rounds` are distributed among all clients, as evenly as can be.
    pub fn shares(self, rounds: u64) -> impl Iterator<Item = u64> {
        let clients = self.servers * self.clients;
        (0..clients).map(move |client| (rounds + client) / clients)
    }
}

/// Makes this program listen, without a limit of how often metrics may be asked for, unless it does
/// already. Returns the port.
pub fn listen() -> u16 {
    static PORT: LazyLock<u16> = LazyLock::new(|| {
        let options = Options { metrics_rate_limit: None, ..Options::default() };
        initialize(options).expect("there is a free port, and no process yet").port()
    });
    *PORT
}

pub fn timed(action: impl FnOnce()) -> Duration {
    let start = Instant::now();
    action();
    start.elapsed()
}

/// Ends a process, and waits until it has.
pub fn end<A: Process>(pid: &Pid<A>) {
    terminate(pid, true);
    wait(pid).wait(LIMIT).expect("it takes far less than the limit");
}
