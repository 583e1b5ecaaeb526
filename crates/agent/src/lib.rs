//! The agent: takes tasks from a master, has executors launched for them, reports what becomes of
//! them.
//!
//! | C++ (`src/slave/`) | here |
//! |---|---|
//! | `Slave` (`slave.cpp`) | [`Slave`], its parts under `slave/` in the order of a task's life |
//! | `Framework`, `Executor` (`slave.cpp`) | `framework`, `executor` |
//! | `TaskStatusUpdateManagerProcess` | [`TaskStatusUpdateManagerProcess`] |
//! | `paths.cpp`, `flags.cpp` | [`paths`], [`Flags`] |
//!
//! Thin: command tasks (and custom executors) of frameworks that are told to it by an in-process
//! master. No registration with a master, no authorization, nothing on disk but the sandboxes and
//! what the containerizer writes, no recovery, no garbage collection.

mod command_executor;
mod environment;
mod executor;
mod flags;
mod framework;
mod limits;
mod links;
pub mod messages;
pub mod paths;
mod slave;
mod status_updates;
#[cfg(test)]
mod tests;
mod update;

pub use flags::Flags;
pub use links::{MasterLink, link};
pub use slave::{Agent, Parts, Slave};
pub use status_updates::TaskStatusUpdateManagerProcess;
