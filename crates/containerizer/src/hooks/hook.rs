//! What a hook may do. Mirrors `include/mesos/hook.hpp`.

use super::{DockerPrepareInfo, PreLaunch};
use mesos::{
    Attribute, ContainerId, Environment, ExecutorInfo, FrameworkId, FrameworkInfo, Labels,
    Resource, SlaveInfo, TaskInfo, TaskStatus,
};
use process::Future;
use std::path::Path;

/// A hook of an agent. What it does not care about it leaves to the defaults, which change nothing.
///
/// `Ok(None)` leaves things as they are. An error is logged and otherwise as good as that, except
/// for [`slave_pre_launch_docker_task_executor_decorator`](Self::slave_pre_launch_docker_task_executor_decorator).
/// Called on the agent's and the containerizer's processes: it must not block, and not call back.
// differs: the hooks that a master calls are not here, there is no master.
#[doc(alias = "mesos::Hook")]
pub trait Hook: Send + Sync + 'static {
    /// The labels of a task that the agent was told to run, in place of those that it has.
    #[doc(alias = "Hook::slaveRunTaskLabelDecorator")]
    fn slave_run_task_label_decorator(
        &self,
        task: &TaskInfo,
        executor: &ExecutorInfo,
        framework: &FrameworkInfo,
        slave: &SlaveInfo,
    ) -> Result<Option<Labels>, String> {
        let _ = (task, executor, framework, slave);
        Ok(None)
    }

    /// The environment of an executor's command, in place of the one that it has.
    #[doc(alias = "Hook::slaveExecutorEnvironmentDecorator")]
    fn slave_executor_environment_decorator(
        &self,
        executor: &ExecutorInfo,
    ) -> Result<Option<Environment>, String> {
        let _ = executor;
        Ok(None)
    }

    /// What executor and task get in addition. A failure fails the launch.
    #[doc(alias = "Hook::slavePreLaunchDockerTaskExecutorDecorator")]
    fn slave_pre_launch_docker_task_executor_decorator(
        &self,
        container: &PreLaunch,
    ) -> Future<Option<DockerPrepareInfo>> {
        let _ = container;
        Future::ready(None)
    }

    /// A container's URIs are in its sandbox, and its image is there.
    #[doc(alias = "Hook::slavePostFetchHook")]
    fn slave_post_fetch_hook(
        &self,
        container: &ContainerId,
        directory: &Path,
    ) -> Result<(), String> {
        let _ = (container, directory);
        Ok(())
    }

    /// An executor is forgotten.
    #[doc(alias = "Hook::slaveRemoveExecutorHook")]
    fn slave_remove_executor_hook(
        &self,
        framework: &FrameworkInfo,
        executor: &ExecutorInfo,
    ) -> Result<(), String> {
        let _ = (framework, executor);
        Ok(())
    }

    /// Labels and container status of an update, in place of those that it has; of what this gives
    /// only these two are used, as far as they are set.
    #[doc(alias = "Hook::slaveTaskStatusDecorator")]
    fn slave_task_status_decorator(
        &self,
        framework: &FrameworkId,
        status: &TaskStatus,
    ) -> Result<Option<TaskStatus>, String> {
        let _ = (framework, status);
        Ok(None)
    }

    /// The agent's resources, in place of those that it has.
    #[doc(alias = "Hook::slaveResourcesDecorator")]
    fn slave_resources_decorator(
        &self,
        slave: &SlaveInfo,
    ) -> Result<Option<Vec<Resource>>, String> {
        let _ = slave;
        Ok(None)
    }

    /// The agent's attributes, in place of those that it has.
    #[doc(alias = "Hook::slaveAttributesDecorator")]
    fn slave_attributes_decorator(
        &self,
        slave: &SlaveInfo,
    ) -> Result<Option<Vec<Attribute>>, String> {
        let _ = slave;
        Ok(None)
    }
}
