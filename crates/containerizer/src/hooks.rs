//! Where hooks are asked. Mirrors the functions of `src/hook/manager.hpp` that the Docker path
//! calls; who registers hooks and how is not this module's affair.

use mesos::ContainerId;
use mesos::slave::ContainerConfig;
use process::Future;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What hooks add to a container that is about to be launched.
#[doc(alias = "DockerTaskExecutorPrepareInfo")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DockerPrepareInfo {
    /// Environment of the executor; goes over what it had.
    pub executor_environment: BTreeMap<String, String>,
    /// Environment of the task; `None` when no hook has an opinion.
    pub task_environment: Option<BTreeMap<String, String>>,
}

/// A container about to be launched, as hooks see it.
#[derive(Clone, Debug)]
pub struct PreLaunch {
    /// Its configuration, with its task and its executor.
    pub config: Arc<ContainerConfig>,
    /// Its name in Docker.
    pub container_name: String,
    /// Its sandbox on the host.
    pub sandbox: std::path::PathBuf,
    /// Its sandbox in the container.
    pub mapped_sandbox: std::path::PathBuf,
    /// The environment that its executor has so far.
    pub environment: BTreeMap<String, String>,
}

/// The hooks of this agent. A containerizer that was given none asks none.
#[doc(alias = "HookManager")]
pub trait Hooks: Send + Sync + 'static {
    /// Asked before anything is done for a container. A failure fails its launch.
    #[doc(alias = "HookManager::slavePreLaunchDockerTaskExecutorDecorator")]
    fn pre_launch_docker(&self, container: PreLaunch) -> Future<DockerPrepareInfo>;

    /// Told once a container's URIs are in its sandbox and its image is there.
    #[doc(alias = "HookManager::slavePostFetchHook")]
    fn post_fetch(&self, container: &ContainerId, directory: &Path);
}
