//! The Docker containerizer.
//!
//! A reader who knows `src/slave/containerizer/docker.{hpp,cpp}` finds its parts here in the order
//! in which a container lives: [`container`], `launch`, `fetch`, `pull`, `mount`, `run`, `update`,
//! `usage`, `destroy`, `recover`. [`DockerContainerizer`] is the handle, [`DockerContainerizerProcess`] the process.

mod connect;
pub mod container;
mod destroy;
mod executor_flags;
mod fetch;
mod gpus;
mod launch;
mod messages;
mod mount;
mod observer;
mod process;
mod pull;
mod recover;
mod run;
mod run_container;
mod update;
mod usage;
mod wait;

pub use connect::connect;
pub use container::State;
pub use executor_flags::MESOS_DOCKER_EXECUTOR;
pub use messages::{Containers, Destroy, Launch, Recover, Status, Update, Usage, Wait};
pub use observer::{Observer, Unobserved};
pub use process::{Dependencies, DockerContainerizerProcess};

use crate::state::SlaveState;
use crate::{Containerizer, LaunchResult};
use ::process::{Future, Nothing, Pid, generate_id, spawn};
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{ContainerId, ContainerStatus, Image, Resource, ResourceStatistics};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// The Docker containerizer: a handle to its process.
#[derive(Clone)]
pub struct DockerContainerizer {
    process: Pid<DockerContainerizerProcess>,
}

impl DockerContainerizer {
    /// Starts the containerizer's process.
    pub fn spawn(dependencies: Dependencies) -> Self {
        let process = DockerContainerizerProcess::new(dependencies);
        DockerContainerizer { process: spawn(generate_id("docker-containerizer"), process) }
    }

    /// The process behind the handle.
    pub fn process(&self) -> &Pid<DockerContainerizerProcess> {
        &self.process
    }
}

impl Containerizer for DockerContainerizer {
    fn recover(&self, state: Option<Arc<SlaveState>>) -> Future<Nothing> {
        self.process.dispatch(Recover(state))
    }

    fn launch(
        &self,
        container: &ContainerId,
        config: Arc<ContainerConfig>,
        environment: BTreeMap<String, String>,
        pid_checkpoint_path: Option<PathBuf>,
    ) -> Future<LaunchResult> {
        let container = container.clone();
        self.process.dispatch(Launch { container, config, environment, pid_checkpoint_path })
    }

    fn update(
        &self,
        container: &ContainerId,
        requests: Vec<Resource>,
        limits: BTreeMap<String, f64>,
    ) -> Future<Nothing> {
        self.process.dispatch(Update { container: container.clone(), requests, limits })
    }

    fn usage(&self, container: &ContainerId) -> Future<ResourceStatistics> {
        self.process.dispatch(Usage(container.clone()))
    }

    fn status(&self, container: &ContainerId) -> Future<ContainerStatus> {
        self.process.dispatch(Status(container.clone()))
    }

    fn wait(&self, container: &ContainerId) -> Future<Option<ContainerTermination>> {
        self.process.dispatch(Wait(container.clone()))
    }

    fn destroy(&self, container: &ContainerId) -> Future<Option<ContainerTermination>> {
        self.process.dispatch(Destroy(container.clone()))
    }

    fn containers(&self) -> Future<BTreeSet<ContainerId>> {
        self.process.dispatch(Containers)
    }

    /// Does nothing: images are Docker's.
    fn prune_images(&self, _: Vec<Image>) -> Future<Nothing> {
        Future::ready(Nothing)
    }
}
