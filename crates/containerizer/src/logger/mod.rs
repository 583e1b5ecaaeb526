//! Container loggers: where a container's output goes.
//!
//! Mirrors `include/mesos/slave/container_logger.hpp` and `src/slave/container_loggers/`.

pub mod logrotate;
mod sandbox;

pub use logrotate::LogrotateContainerLogger;
pub use sandbox::SandboxContainerLogger;

use actix::Message;
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

/// Asks a logger's process for the output of a container about to be started.
#[doc(alias = "SandboxContainerLoggerProcess::prepare")]
#[doc(alias = "LogrotateContainerLoggerProcess::prepare")]
pub struct Prepare {
    /// The container.
    pub container: ContainerId,
    /// Its configuration: its sandbox, its user, and settings in its command's environment.
    pub config: Arc<ContainerConfig>,
}

impl Message for Prepare {
    type Result = Future<ContainerIo>;
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
