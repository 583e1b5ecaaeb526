//! Where hooks are asked: the port [`Hooks`]; what is behind it on an agent, the [`HookManager`]; and
//! what a [`Hook`] may do. Mirrors `src/hook/`, without what only a master calls.

mod hook;
mod manager;

pub use hook::Hook;
pub use manager::{HookFactory, HookManager};

use mesos::slave::ContainerConfig;
use mesos::{
    Attribute, ContainerId, Environment, ExecutorInfo, FrameworkId, FrameworkInfo, Labels,
    Resource, SlaveInfo, TaskInfo, TaskStatus,
};
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

/// The hooks of this agent. Who was given none asks none. What a method changes by default: nothing.
pub trait Hooks: Send + Sync + 'static {
    /// Whether there is any hook; if not, none is asked.
    fn available(&self) -> bool {
        true
    }

    /// Asked before anything is done for a container. A failure fails its launch.
    fn pre_launch_docker(&self, container: PreLaunch) -> Future<DockerPrepareInfo>;

    /// Told once a container's URIs are in its sandbox and its image is there.
    fn post_fetch(&self, container: &ContainerId, directory: &Path);

    /// The labels that a task is to have.
    fn run_task_labels(
        &self,
        task: &TaskInfo,
        executor: &ExecutorInfo,
        framework: &FrameworkInfo,
        slave: &SlaveInfo,
    ) -> Labels {
        let _ = (executor, framework, slave);
        task.labels.clone().unwrap_or_default()
    }

    /// What goes into an executor's environment beside what the agent puts there.
    fn executor_environment(&self, executor: &ExecutorInfo) -> Environment {
        let command = executor.command.as_ref();
        command.and_then(|command| command.environment.clone()).unwrap_or_default()
    }

    /// An executor is about to be forgotten.
    fn remove_executor(&self, framework: &FrameworkInfo, executor: &ExecutorInfo) {
        let _ = (framework, executor);
    }

    /// The update as it is to be: its labels and its container's status may be others.
    fn task_status(&self, framework: &FrameworkId, status: TaskStatus) -> TaskStatus {
        let _ = framework;
        status
    }

    /// The resources that the agent is to have.
    fn resources(&self, slave: &SlaveInfo) -> Vec<Resource> {
        slave.resources.clone()
    }

    /// The attributes that the agent is to have.
    fn attributes(&self, slave: &SlaveInfo) -> Vec<Attribute> {
        slave.attributes.clone()
    }
}
