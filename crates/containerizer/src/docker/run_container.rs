//! Running an executor in a container of its own: a custom executor, or the docker executor when
//! the agent has an image for it.

use super::container::State;
use super::launch::ALREADY_DESTROYED;
use super::process::DockerContainerizerProcess;
use crate::logger::ContainerIo;
use ::process::host::OsPid;
use ::process::{Context, Future, Promise, defer};
use docker::{Container, CreateArguments, Output, RunOptions};
use mesos::value::Scalar;
use mesos::{Bytes, ContainerId, status};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Between two attempts to inspect a container that was just started.
const DOCKER_INSPECT_DELAY: Duration = Duration::from_secs(1);

impl DockerContainerizerProcess {
    /// Asks the logger where the executor's output shall go, then runs the container.
    ///
    /// Mirrors `DockerContainerizerProcess::launchExecutorContainer`.
    #[doc(alias = "DockerContainerizerProcess::launchExecutorContainer")]
    pub(super) fn launch_executor_container(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        container_name: String,
    ) -> Future<Container> {
        let Some(container) = self.containers.get(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        if container.state == State::Destroying {
            return Future::failed(
                "Container is being destroyed during launching excutor container",
            );
        }
        let Some(config) = container.config.clone() else {
            return Future::failed(ALREADY_DESTROYED);
        };
        self.set_state(id, State::Running);
        let prepared = self.logger.prepare(id, &config);
        let id = id.clone();
        prepared.then(defer!(ctx.pid(), Self::run_executor_container, |this, _, io| {
            this.run_executor_container(&id, &container_name, &io)
        }))
    }

    /// Runs the container and inspects it until it has started.
    ///
    /// Mirrors the continuation of `logger->prepare` in `launchExecutorContainer`.
    fn run_executor_container(
        &mut self,
        id: &ContainerId,
        container_name: &str,
        io: &ContainerIo,
    ) -> Future<Container> {
        // differs: upstream uses the pointer it had before the wait for the logger.
        let Some(container) = self.containers.get(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        let limits: BTreeMap<String, Scalar> = container
            .resource_limits
            .iter()
            .map(|(name, value)| (name.clone(), Scalar { value: *value }))
            .collect();
        let options = RunOptions::create(
            &container.container,
            &container.command,
            container_name,
            &container.container_work_dir.to_string_lossy(),
            &self.flags.sandbox_directory.to_string_lossy(),
            CreateArguments {
                resource_requests: Some(&container.resource_requests),
                enable_cfs_quota: self.flags.cgroups_enable_cfs,
                env: Some(&container.environment),
                devices: None,
                // A docker executor in a container has it among its flags, for its task.
                default_container_dns: match self.flags.docker_mesos_image {
                    None => self.flags.default_container_dns.as_ref(),
                    Some(_) => None,
                },
                resource_limits: Some(&limits),
                total_memory: self.host.memory().ok().map(Bytes::new),
            },
        );
        let options = match options {
            Ok(options) => options,
            Err(error) => return Future::failed(error.to_string()),
        };
        let (out, err) = match (Output::of(&io.out, None), Output::of(&io.err, None)) {
            (Ok(out), Ok(err)) => (out, err),
            (Err(error), _) | (_, Err(error)) => return Future::failed(error),
        };
        let run = self.docker.run(&options, out, err);

        // The container may end before an inspect has seen it, and it may never come to be: then
        // the inspect would go on for ever.
        let promise = Arc::new(Promise::new());
        let future = promise.future();
        let inspect = self.docker.inspect(container_name, Some(DOCKER_INSPECT_DELAY));
        let inspected = Arc::clone(&promise);
        inspect.on_any(move |container| {
            inspected.associate(container);
        });
        run.on_any(move |run| {
            let problem = match run.get() {
                None => run.failure().unwrap_or("discarded").to_owned(),
                Some(None) => "Failed to obtain exit status of container".to_owned(),
                Some(Some(0)) => return,
                Some(Some(status)) => format!("Container {}", status::wstringify(*status)),
            };
            promise.fail(problem);
            inspect.discard();
        });
        future
    }

    /// Checkpoints the pid of the container's first process, which is the executor's.
    ///
    /// Mirrors `DockerContainerizerProcess::checkpointExecutor`.
    #[doc(alias = "DockerContainerizerProcess::checkpointExecutor")]
    pub(super) fn checkpoint_executor(
        &mut self,
        id: &ContainerId,
        started: &Container,
    ) -> Future<OsPid> {
        let Some(pid) = started.pid else {
            return Future::failed("Unable to get executor pid after launch");
        };
        match self.checkpoint(id, pid) {
            Ok(()) => Future::ready(pid),
            Err(error) => Future::failed(format!("Failed to checkpoint executor's pid: {error}")),
        }
    }
}
