//! Container loggers: where a container's output goes.
//!
//! Mirrors `include/mesos/slave/container_logger.hpp` and `src/slave/container_loggers/`.

pub mod logrotate;
mod sandbox;

pub use logrotate::LogrotateContainerLogger;
pub use sandbox::{Prepare, SandboxContainerLogger};

use mesos::ContainerId;
use mesos::slave::ContainerConfig;
use process::Future;
use process::host::Io;
use std::sync::Arc;

/// The standard output and error that a container's process is to have.
#[doc(alias = "mesos::slave::ContainerIO")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerIo {
    /// Standard output.
    pub out: Io,
    /// Standard error.
    pub err: Io,
}

/// Decides where the output of containers goes. A logger must not lose output over an agent
/// restart.
#[doc(alias = "mesos::slave::ContainerLogger")]
pub trait ContainerLogger: Send + Sync + 'static {
    /// Called before a container's process is created; what it returns is used for that process.
    #[doc(alias = "ContainerLogger::prepare")]
    fn prepare(
        &self,
        container: &ContainerId,
        config: &Arc<ContainerConfig>,
    ) -> Future<ContainerIo>;
}
