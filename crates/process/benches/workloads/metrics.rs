//! `Metrics_BENCHMARK_Test.Scalability`: many counters are added, read and removed.

use super::{LIMIT, timed};
use process::http::{Method, Request};
use process::metrics::{self, Counter};
use process::{Future, Outcome, Upid, collect, request};
use std::time::Duration;

/// How many counters upstream measures with.
pub const COUNTERS: [usize; 5] = [1, 100, 1000, 10_000, 100_000];

/// Counters that are part of all snapshots.
pub struct Counters(Vec<Counter>);

fn ready<T: process::future::Value>(future: &Future<T>) -> T {
    match future.wait(LIMIT) {
        Some(Outcome::Ready(value)) => value,
        _ => panic!("metrics are known, and answer"),
    }
}

impl Counters {
    /// Adds so many counters with the long names that upstream gives them.
    pub fn new(count: usize) -> Self {
        let name = |n| {
            format!(
                "metrics/keys/can/be/somewhat/long/so/we/use/a/fairly/long/key/here/to/test/a/more/\
                 pathological/case/{n}"
            )
        };
        let counters: Vec<_> = (0..count).map(|n| Counter::new(name(n))).collect();
        ready(&collect(counters.iter().map(metrics::add).collect()));
        Counters(counters)
    }

    /// So many snapshots.
    pub fn snapshots(&self, count: u64) -> Duration {
        timed(|| {
            for _ in 0..count {
                let snapshot = ready(&metrics::snapshot(None));
                assert!(snapshot.len() >= self.0.len());
            }
        })
    }

    /// So many snapshots as JSON, as requests get them.
    pub fn requests(&self, count: u64) -> Duration {
        let to = Upid::new(metrics::ID, process::live::address());
        timed(|| {
            for _ in 0..count {
                let ask = Request::new(Method::GET, "/metrics/snapshot").expect("it is a target");
                ready(&request(&to, ask));
            }
        })
    }

    /// Removes the first counter and adds it again, so many times.
    pub fn replace(&self, count: u64) -> Duration {
        timed(|| {
            for _ in 0..count {
                ready(&metrics::remove(&self.0[0]));
                ready(&metrics::add(&self.0[0]));
            }
        })
    }

    /// Removes all.
    pub fn end(self) {
        ready(&collect(self.0.iter().map(metrics::remove).collect()));
    }
}
