//! Launching: the checks, and the chain of steps.

use super::container::{Container, State};
use super::executor_flags::task_environment_argument;
use super::messages::{Launch, Update};
use super::process::DockerContainerizerProcess;
use crate::LaunchResult;
use crate::hooks::{DockerPrepareInfo, PreLaunch};
use ::process::host::OsPid;
use ::process::{Context, Future, Nothing, defer};
use mesos::slave::ContainerConfig;
use mesos::{ContainerId, container_info};
use slog::info;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

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
        let created = Container::create(
            &id,
            Arc::clone(&config),
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
        let prepared = self.ask_hooks(ctx, &id, &config, &container);
        self.containers.insert(id.clone(), container);
        self.observer.state(&id, None, State::Fetching);
        prepared
            .then(defer!(ctx.pid(), Self::launch_steps, |this, ctx, _| this.launch_steps(ctx, &id)))
    }

    /// Ready at once without hooks.
    fn ask_hooks(
        &self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        config: &Arc<ContainerConfig>,
        container: &Container,
    ) -> Future<Nothing> {
        let hooks = self.hooks.as_ref().filter(|hooks| hooks.available());
        let Some(hooks) = hooks else { return Future::ready(Nothing) };
        let id = id.clone();
        hooks
            .pre_launch_docker(PreLaunch {
                config: Arc::clone(config),
                container_name: container.container_name.clone(),
                sandbox: container.container_work_dir.clone(),
                mapped_sandbox: self.flags.sandbox_directory.clone(),
                environment: container.environment.clone(),
            })
            .then(defer!(ctx.pid(), Self::take_environments, |this, _, info| {
                this.take_environments(&id, info)
            }))
    }

    /// Gives the container what its hooks want it to have.
    ///
    /// Mirrors the continuation of the hooks in `DockerContainerizerProcess::launch`.
    fn take_environments(&mut self, id: &ContainerId, info: DockerPrepareInfo) -> Future<Nothing> {
        let Some(container) = self.containers.get_mut(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        container.environment.extend(info.executor_environment);
        let Some(task_environment) = info.task_environment else { return Future::ready(Nothing) };
        if container.generated_for_command_task {
            if container.launches_executor_container {
                // The other flags were written when the container was created.
                let argument = task_environment_argument(&task_environment);
                container.command.arguments.push(argument);
            }
            container.task_environment = Some(task_environment);
        } else {
            // It is up to a custom executor what of this its tasks get.
            container.environment.extend(task_environment);
        }
        Future::ready(Nothing)
    }

    /// The chain of steps: fetch, pull, mount; then fork the docker executor, or start a
    /// container in which the executor runs; then watch it.
    ///
    /// Mirrors `DockerContainerizerProcess::_launch`.
    #[doc(alias = "DockerContainerizerProcess::_launch")]
    pub(super) fn launch_steps(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
    ) -> Future<LaunchResult> {
        let Some(container) = self.containers.get(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        let forked =
            container.generated_for_command_task && self.flags.docker_mesos_image.is_none();
        let pid = ctx.pid();
        let [to_pull, to_mount, to_reap] = std::array::from_fn(|_| id.clone());
        let mounted = self
            .fetch(id)
            .then(defer!(pid, Self::pull, |this, ctx, _| this.pull(ctx, &to_pull)))
            .then(defer!(pid, Self::mount_persistent_volumes, |this, _, _| {
                this.tell_hooks(&to_mount);
                this.mount_persistent_volumes(&to_mount)
            }));
        let started = if forked {
            let id = id.clone();
            mounted.then(defer!(pid, Self::launch_executor_process, |this, ctx, _| {
                this.launch_executor_process(ctx, &id)
            }))
        } else {
            self.start_executor_container(ctx, id, &mounted)
        };
        let launch = started
            .then(defer!(pid, Self::reap_executor, |this, ctx, executor| {
                this.reap_executor(ctx, &to_reap, executor)
            }))
            .map(|_| LaunchResult::Success);
        if let Some(container) = self.containers.get_mut(id) {
            container.launch = launch.clone();
        }
        launch
    }

    /// The part of the chain for an executor in a container: run it, limit it, checkpoint its pid.
    /// A docker executor runs in one so that it outlives an agent that runs in one, too.
    fn start_executor_container(
        &self,
        ctx: &Context<Self>,
        id: &ContainerId,
        mounted: &Future<Nothing>,
    ) -> Future<OsPid> {
        let Some(container) = self.containers.get(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        // The docker executor makes the container that has the plain name.
        let name = container.executor_name().unwrap_or_else(|| container.container_name.clone());
        let config = container.config.clone().unwrap_or_default();
        let pid = ctx.pid();
        let [to_run, to_update, to_checkpoint] = std::array::from_fn(|_| id.clone());
        mounted
            .then(defer!(pid, Self::launch_executor_container, |this, ctx, _| {
                this.launch_executor_container(ctx, &to_run, name)
            }))
            .then(defer!(pid, Self::update, |this, ctx, started| {
                let executor = config.executor_info.as_ref();
                let requests = executor.map(|executor| executor.resources.clone());
                let update = Update {
                    container: to_update,
                    requests: requests.unwrap_or_default(),
                    limits: limits(&config),
                };
                this.update(ctx, update, true).map(move |_| started)
            }))
            .then(defer!(pid, Self::checkpoint_executor, |this, _, started| {
                this.checkpoint_executor(&to_checkpoint, &started)
            }))
    }

    fn tell_hooks(&self, id: &ContainerId) {
        let config = self.containers.get(id).and_then(|container| container.config.as_ref());
        // differs: upstream tells the hooks also of a container that was destroyed meanwhile.
        if let (Some(hooks), Some(config)) = (&self.hooks, config) {
            hooks.post_fetch(id, Path::new(&config.directory));
        }
    }
}

/// How far a container may go beyond its resources.
fn limits(config: &ContainerConfig) -> BTreeMap<String, f64> {
    config.limits.iter().map(|(name, limit)| (name.clone(), limit.value)).collect()
}
