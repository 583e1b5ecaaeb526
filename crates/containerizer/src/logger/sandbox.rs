//! The default logger: files `stdout` and `stderr` in the sandbox.
//!
//! Mirrors `src/slave/container_loggers/sandbox.cpp`.

use super::{ContainerIo, ContainerLogger, Prepare};
use actix::{Actor, Handler};
use mesos::ContainerId;
use mesos::slave::ContainerConfig;
use process::host::Io;
use process::{Context, Future, Pid, generate_id, spawn};
use std::path::Path;
use std::sync::Arc;

struct SandboxContainerLoggerProcess;

impl Actor for SandboxContainerLoggerProcess {
    type Context = Context<Self>;
}

process::process!(SandboxContainerLoggerProcess);

impl Handler<Prepare> for SandboxContainerLoggerProcess {
    type Result = Future<ContainerIo>;

    fn handle(&mut self, message: Prepare, _: &mut Context<Self>) -> Future<ContainerIo> {
        let sandbox = Path::new(&message.config.directory);
        Future::ready(ContainerIo {
            out: Io::Path(sandbox.join("stdout")),
            err: Io::Path(sandbox.join("stderr")),
        })
    }
}

/// Writes output to `stdout` and `stderr` in the sandbox.
pub struct SandboxContainerLogger {
    process: Pid<SandboxContainerLoggerProcess>,
}

impl SandboxContainerLogger {
    /// Starts the logger's process.
    pub fn spawn() -> Self {
        let process = spawn(generate_id("sandbox-logger"), SandboxContainerLoggerProcess);
        SandboxContainerLogger { process }
    }
}

impl ContainerLogger for SandboxContainerLogger {
    fn prepare(
        &self,
        container: &ContainerId,
        config: &Arc<ContainerConfig>,
    ) -> Future<ContainerIo> {
        let (container, config) = (container.clone(), Arc::clone(config));
        self.process.dispatch(Prepare { container, config })
    }
}
