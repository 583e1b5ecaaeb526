//! The docker executor: the small program that runs one docker task on behalf of the agent.
//!
//! | C++ | here |
//! |---|---|
//! | `MesosExecutorDriver`, `ExecutorProcess` (`src/exec/exec.cpp`) | [`ExecutorDriver`] |
//! | `DockerExecutorProcess` (`src/docker/executor.cpp`) | [`DockerExecutorProcess`] |
//! | `docker::Flags` (`src/docker/executor.hpp`) | [`Flags`] |
//! | `main` (`src/launcher/docker_executor.cpp`) | [`DockerExecutorProgram`] |
//!
//! Agent and executor know each other only as [`AgentLink`] and [`ExecutorLink`].

pub mod docker_executor;
pub mod driver;
mod environment;
mod flags;
mod grace;
mod inspect;
mod links;
mod program;
mod session;
#[cfg(test)]
mod tests;

pub use docker_executor::DockerExecutorProcess;
pub use driver::ExecutorDriver;
pub use environment::Environment;
pub use flags::Flags;
pub use links::{AgentLink, ExecutorLink};
pub use program::{AgentResolver, DockerExecutorProgram, DockerFactory, LoggerFactory, NAME};
pub use session::Session;

use std::sync::Arc;

/// Where random uuids come from: 16 bytes of version 4.
pub type Uuids = Arc<dyn Fn() -> [u8; 16] + Send + Sync>;

/// Ends the executor's whole operating-system process with a wait status. The process named is
/// the one whose handler is running; it must end itself.
pub(crate) type Die = Arc<dyn Fn(i32, &process::Upid) + Send + Sync>;

/// How a process ends that finds itself in an impossible situation.
pub(crate) const SIGABRT: i32 = 6;

/// How a process ends that could not be talked into it.
pub(crate) const SIGKILL: i32 = 9;
