//! The environment that the programs under test run in: a Docker daemon with its registry, and a
//! host, both made of plain data and [pending operations](operations).
//!
//! ```text
//!  actors ── docker::Api ──▶ daemon ──┐                     ┌── driver: which op next?
//!  actors ── process::Host ▶ host ────┼─ Operations ─▶ Environment
//!  actors ── fetcher::Net ▶ servers ──┤                     └── Choices: latencies and faults
//!                            registry ┘
//! ```
//!
//! - Nothing happens by itself: whatever takes time is an op, and the driver picks the next.
//! - What may turn out differently is a [choice]; without fault budgets and with fixed
//!   latencies the environment makes none.
//! - Promises are completed, and callers' code is run, with no lock held.

pub mod choice;
pub mod daemon;
pub mod faults;
pub mod fetcher;
mod file_servers;
pub mod host;
mod natural_order;
pub mod network;
pub mod operations;
#[cfg(test)]
mod tests;

pub use choice::{Choose, Chooser, Natural};
pub use daemon::Daemon;
pub use faults::{Fault, Faults};
pub use fetcher::FetcherProgram;
pub use file_servers::{FileServers, ServedFile};
pub use host::SimHost;
pub use natural_order::NaturalOrder;
pub use operations::{Environment, OpId, Operations, Pending};
