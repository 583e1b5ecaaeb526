//! Oracles: what must hold in every run, whatever the schedule and the faults.
//!
//! | key | invariant | checked |
//! |---|---|---|
//! | I-TERM | each container's termination is completed exactly once, and in bounded virtual time | at once, and at the end |
//! | I-MAP | a terminated container leaves `containers_` | after each event |
//! | I-STATE | FETCHING → PULLING → MOUNTING → RUNNING → DESTROYING, no step back | at once |
//! | I-DOCKER | no docker container of ours runs, or stays, after its termination was reported | when messages have settled, and at the end |
//! | I-CLI | no pull or fetch outlives the container that started it | when messages have settled |
//! | I-EXEC | no executor outlives its container | at the end |
//! | I-FUT | no future that somebody waits for is pending at the end, none was abandoned | at the end |
//! | I-CRASH | no interleaving panics an actor | after each event |
//! | I-CACHE | the fetcher's cache stays within its size, counts what it has, evicts nothing in use, keeps no partial file | at once, and at the end (scenarios with a cache) |
//! | I-UPD, I-ONE | each task gets exactly one terminal update | at the end (agent scenarios) |
//!
//! "At the end" is when the run has come to rest by itself, or the world was healed and has come
//! to rest then.

mod cache;
mod ledger;

pub use cache::{CacheUnderTest, TWICE};
pub use ledger::{DestroyedIn, Ledger, Life, TERMINATION_LIMIT};

/// An oracle's key and what it says, for `sim list`.
pub const ORACLES: [(&str, &str); 11] = [
    ("I-TERM", "each container's termination is completed exactly once, in bounded virtual time"),
    ("I-MAP", "a terminated container leaves the containerizer's map"),
    ("I-STATE", "FETCHING, PULLING, MOUNTING, RUNNING, DESTROYING: no step back"),
    ("I-DOCKER", "no docker container of ours runs, or stays, after its termination was reported"),
    ("I-CLI", "no pull or fetch outlives the container that started it"),
    ("I-EXEC", "no executor outlives its container"),
    ("I-FUT", "no future that somebody waits for stays pending, none is abandoned"),
    ("I-CRASH", "no interleaving panics an actor"),
    ("I-CACHE", "the fetcher's cache keeps its size, nothing partial, and what is in use"),
    ("I-UPD", "no task is left without a terminal update (agent scenarios)"),
    ("I-ONE", "no task gets two terminal updates (agent scenarios)"),
];

/// A violated oracle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Its key.
    pub oracle: &'static str,
    /// What tells causes apart that violate the same oracle: no ids, no times.
    pub cause: String,
    /// What happened, naming the container.
    pub message: String,
    /// The event after which it was noticed.
    pub event: u64,
}

impl Violation {
    /// A violation noticed in the current event.
    pub fn new(oracle: &'static str, cause: impl Into<String>, message: impl Into<String>) -> Self {
        Violation {
            oracle,
            cause: cause.into(),
            message: message.into(),
            event: process::simulated::current_event().0,
        }
    }

    /// What violations of one cause have in common.
    pub fn signature(&self) -> String {
        format!("{}: {}", self.oracle, self.cause)
    }
}
