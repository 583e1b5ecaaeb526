//! `DockerContainerizerProcess`: its state, and the helpers that all its parts use.
//!
//! Mirrors the class in `src/slave/containerizer/docker.hpp`.

use super::container::{Container, State};
use super::messages::{Containers, Destroy, Launch, Recover, Status, Update, Usage, Wait};
use super::observer::Observer;
use crate::fetcher::Fetcher;
use crate::gpu::GpuAllocator;
use crate::hooks::Hooks;
use crate::logger::ContainerLogger;
use crate::{Flags, LaunchResult};
use ::process::host::Host;
use ::process::metrics::{Milliseconds, Timer};
use ::process::{Context, Future, Nothing};
use actix::{Actor, Handler};
use docker::Docker;
use mesos::slave::ContainerTermination;
use mesos::{ContainerId, ContainerStatus, ResourceStatistics};
use slog::Logger;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What the containerizer works with.
pub struct Dependencies {
    /// The agent's flags.
    pub flags: Flags,
    /// Brings URIs into sandboxes.
    pub fetcher: Fetcher,
    /// Decides where output goes.
    pub logger: Arc<dyn ContainerLogger>,
    /// The Docker daemon.
    pub docker: Arc<dyn Docker>,
    /// The operating system.
    pub host: Arc<dyn Host>,
    /// Hands out GPUs, where there are any.
    pub gpus: Option<Arc<dyn GpuAllocator>>,
    /// Are asked before and told of launches, if there are any.
    pub hooks: Option<Arc<dyn Hooks>>,
    /// Is told of state changes.
    pub observer: Arc<dyn Observer>,
    /// Where to log.
    pub log: Logger,
}

/// The process that contains executors with Docker. Everything it does for a container is a chain
/// of deferred steps; each step looks again whether its container is still there and in which
/// state.
pub struct DockerContainerizerProcess {
    pub(super) flags: Flags,
    pub(super) fetcher: Fetcher,
    pub(super) logger: Arc<dyn ContainerLogger>,
    pub(super) docker: Arc<dyn Docker>,
    pub(super) host: Arc<dyn Host>,
    #[doc(alias = "nvidia")]
    pub(super) gpus: Option<Arc<dyn GpuAllocator>>,
    pub(super) hooks: Option<Arc<dyn Hooks>>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) log: Logger,
    /// How long pulls take.
    #[doc(alias = "DockerContainerizerProcess::Metrics")]
    pub(super) image_pull: Timer<Milliseconds>,
    #[doc(alias = "containers_")]
    pub(super) containers: BTreeMap<ContainerId, Container>,
}

/// Over how long the metric of pulls looks back.
const IMAGE_PULL_WINDOW: Duration = Duration::from_secs(60 * 60);

impl Actor for DockerContainerizerProcess {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        ::process::metrics::add(&self.image_pull);
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        ::process::metrics::remove(&self.image_pull);
    }
}

::process::process!(DockerContainerizerProcess);

impl DockerContainerizerProcess {
    pub(super) fn new(dependencies: Dependencies) -> Self {
        let Dependencies { flags, fetcher, logger, docker, host, gpus, hooks, observer, log } =
            dependencies;
        DockerContainerizerProcess {
            flags,
            fetcher,
            logger,
            docker,
            host,
            gpus,
            hooks,
            observer,
            log,
            image_pull: Timer::with_window("containerizer/docker/image_pull", IMAGE_PULL_WINDOW),
            containers: BTreeMap::new(),
        }
    }

    /// Changes a container's state, and says so to the observer. The container must be there.
    pub(super) fn set_state(&mut self, id: &ContainerId, to: State) {
        if let Some(container) = self.containers.get_mut(id) {
            let from = std::mem::replace(&mut container.state, to);
            self.observer.state(id, Some(from), to);
        }
    }

    /// Completes a container's termination and forgets the container: upstream's
    /// `termination.set`, `containers_.erase`, `delete container`, in that order.
    pub(super) fn terminate(
        &mut self,
        id: &ContainerId,
        termination: Result<ContainerTermination, String>,
    ) -> Option<Container> {
        let container = self.containers.get(id)?;
        self.observer.terminated(id, termination.as_ref().map_err(String::as_str));
        match termination {
            Ok(termination) => container.termination.set(termination),
            Err(message) => container.termination.fail(message),
        };
        let container = self.containers.remove(id)?;
        if container.symlinked
            && let Err(error) = self.host.remove(&container.container_work_dir)
        {
            slog::warn!(self.log, "Failed to remove the link to a sandbox: {error}");
        }
        // Last: whoever is told may take it that nothing is left to be done.
        self.observer.erased(id);
        Some(container)
    }
}

impl Handler<Recover> for DockerContainerizerProcess {
    type Result = Future<Nothing>;

    fn handle(&mut self, message: Recover, ctx: &mut Context<Self>) -> Future<Nothing> {
        self.recover(ctx, message.0)
    }
}

impl Handler<Launch> for DockerContainerizerProcess {
    type Result = Future<LaunchResult>;

    fn handle(&mut self, message: Launch, ctx: &mut Context<Self>) -> Future<LaunchResult> {
        self.launch(ctx, message)
    }
}

impl Handler<Update> for DockerContainerizerProcess {
    type Result = Future<Nothing>;

    fn handle(&mut self, message: Update, ctx: &mut Context<Self>) -> Future<Nothing> {
        self.update(ctx, message, false)
    }
}

impl Handler<Usage> for DockerContainerizerProcess {
    type Result = Future<ResourceStatistics>;

    fn handle(&mut self, message: Usage, ctx: &mut Context<Self>) -> Future<ResourceStatistics> {
        self.usage(ctx, &message.0)
    }
}

impl Handler<Status> for DockerContainerizerProcess {
    type Result = Future<ContainerStatus>;

    fn handle(&mut self, message: Status, _: &mut Context<Self>) -> Future<ContainerStatus> {
        self.status(message.0)
    }
}

impl Handler<Wait> for DockerContainerizerProcess {
    type Result = Future<Option<ContainerTermination>>;

    fn handle(&mut self, message: Wait, _: &mut Context<Self>) -> Self::Result {
        self.wait(&message.0)
    }
}

impl Handler<Destroy> for DockerContainerizerProcess {
    type Result = Future<Option<ContainerTermination>>;

    fn handle(&mut self, message: Destroy, ctx: &mut Context<Self>) -> Self::Result {
        self.destroy(ctx, &message.0, true)
    }
}

impl Handler<Containers> for DockerContainerizerProcess {
    type Result = Future<BTreeSet<ContainerId>>;

    fn handle(&mut self, _: Containers, _: &mut Context<Self>) -> Self::Result {
        Future::ready(self.containers.keys().cloned().collect())
    }
}
