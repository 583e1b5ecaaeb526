//! Launching: the checks, and the chain of steps.

use super::container::{Container, State};
use super::messages::Launch;
use super::process::DockerContainerizerProcess;
use crate::LaunchResult;
use ::process::{Context, Future, Nothing, defer};
use mesos::{ContainerId, container_info};
use slog::info;

/// What a continuation answers when its container was destroyed while it was on its way.
pub(super) const ALREADY_DESTROYED: &str = "Container is already destroyed";

impl DockerContainerizerProcess {
    /// Accepts or refuses a container and starts its chain of steps.
    ///
    /// Mirrors `DockerContainerizerProcess::launch`.
    #[doc(alias = "DockerContainerizerProcess::launch")]
    pub(super) fn launch(
        &mut self,
        ctx: &mut Context<Self>,
        message: Launch,
    ) -> Future<LaunchResult> {
        let Launch { container: id, config, environment, pid_checkpoint_path } = message;
        if id.parent.is_some() {
            return Future::failed("Nested containers are not supported");
        }
        if self.containers.contains_key(&id) {
            return Future::failed("Container already started");
        }
        let Some(container_info) = &config.container_info else {
            info!(self.log, "No container info found, skipping launch");
            return Future::ready(LaunchResult::NotSupported);
        };
        if container_info.r#type() != container_info::Type::Docker {
            info!(self.log, "Skipping non-docker container");
            return Future::ready(LaunchResult::NotSupported);
        }
        // differs: these two are part of a later step of the port; a container that needs them is
        // refused before anything is done for it.
        if config.task_info.is_none() {
            return Future::failed("Custom executors in Docker containers are not supported yet");
        }
        if self.flags.docker_mesos_image.is_some() {
            return Future::failed("Docker executors in containers are not supported yet");
        }

        let created = Container::create(
            &id,
            config,
            environment,
            pid_checkpoint_path,
            &self.flags,
            self.host.as_ref(),
        );
        let container = match created {
            Ok(container) => container,
            Err(error) => return Future::failed(format!("Failed to create container: {error}")),
        };
        info!(self.log, "Starting container '{id}'"; "image" => container.image());
        self.containers.insert(id.clone(), container);
        self.observer.state(&id, None, State::Fetching);

        // Upstream asks its hooks here; the chain is deferred in either case.
        Future::ready(Nothing)
            .then(defer!(ctx.pid(), Self::launch_steps, |this, ctx, _| this.launch_steps(ctx, &id)))
    }

    /// The chain for a command task: fetch, pull, mount, fork the docker executor, watch it.
    ///
    /// Mirrors `DockerContainerizerProcess::_launch`.
    #[doc(alias = "DockerContainerizerProcess::_launch")]
    pub(super) fn launch_steps(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
    ) -> Future<LaunchResult> {
        if !self.containers.contains_key(id) {
            return Future::failed(ALREADY_DESTROYED);
        }

        let pid = ctx.pid();
        let [to_pull, to_mount, to_run, to_reap] = std::array::from_fn(|_| id.clone());
        let launch = self
            .fetch(id)
            .then(defer!(pid, Self::pull, |this, ctx, _| this.pull(ctx, &to_pull)))
            .then(defer!(pid, Self::mount_persistent_volumes, |this, _, _| {
                this.mount_persistent_volumes(&to_mount)
            }))
            .then(defer!(pid, Self::launch_executor_process, |this, ctx, _| {
                this.launch_executor_process(ctx, &to_run)
            }))
            .then(defer!(pid, Self::reap_executor, |this, ctx, executor| {
                this.reap_executor(ctx, &to_reap, executor)
            }))
            .map(|_| LaunchResult::Success);

        if let Some(container) = self.containers.get_mut(id) {
            container.launch = launch.clone();
        }
        launch
    }
}
