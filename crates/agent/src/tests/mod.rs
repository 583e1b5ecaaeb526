//! The agent between a master, executors and a containerizer that do as the test says, in the
//! simulator.

mod hook_tests;
mod kill;
mod launch;
mod random;
mod status;
mod world;
