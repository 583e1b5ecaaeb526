//! `DockerContainerizerProcess`: its state, and the helpers that all its parts use.
//!
//! Mirrors the class in `src/slave/containerizer/docker.hpp`.

use super::container::{Container, State};
use super::messages::{Containers, Destroy, Launch, Status, Update, Usage, Wait};
use super::observer::Observer;
use crate::fetcher::Fetcher;
use crate::logger::ContainerLogger;
use crate::{Flags, LaunchResult};
use ::process::host::Host;
use ::process::{Context, Future, Nothing};
use actix::{Actor, Handler};
use docker::Docker;
use mesos::slave::ContainerTermination;
use mesos::{ContainerId, ContainerStatus, ResourceStatistics};
use slog::Logger;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    pub(super) observer: Arc<dyn Observer>,
    pub(super) log: Logger,
    #[doc(alias = "containers_")]
    pub(super) containers: BTreeMap<ContainerId, Container>,
}

impl Actor for DockerContainerizerProcess {
    type Context = Context<Self>;
}

::process::process!(DockerContainerizerProcess);

impl DockerContainerizerProcess {
    pub(super) fn new(dependencies: Dependencies) -> Self {
        let Dependencies { flags, fetcher, logger, docker, host, observer, log } = dependencies;
        let containers = BTreeMap::new();
        DockerContainerizerProcess {
            flags,
            fetcher,
            logger,
            docker,
            host,
            observer,
            log,
            containers,
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

impl Handler<Launch> for DockerContainerizerProcess {
    type Result = Future<LaunchResult>;

    fn handle(&mut self, message: Launch, ctx: &mut Context<Self>) -> Future<LaunchResult> {
        self.launch(ctx, message)
    }
}

impl Handler<Update> for DockerContainerizerProcess {
    type Result = Future<Nothing>;

    fn handle(&mut self, message: Update, _: &mut Context<Self>) -> Future<Nothing> {
        self.update(message)
    }
}

impl Handler<Usage> for DockerContainerizerProcess {
    type Result = Future<ResourceStatistics>;

    fn handle(&mut self, message: Usage, _: &mut Context<Self>) -> Future<ResourceStatistics> {
        self.usage(&message.0)
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
