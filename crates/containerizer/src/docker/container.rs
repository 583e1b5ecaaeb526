//! What the containerizer knows of one container.
//!
//! Mirrors `DockerContainerizerProcess::Container` in `src/slave/containerizer/docker.hpp`.

use crate::{Flags, LaunchResult};
use docker::Image;
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{ContainerId, ContainerInfo, Resource};
use process::host::{Host, OsPid};
use process::{Future, Promise};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the names of our containers in Docker begin.
pub const DOCKER_NAME_PREFIX: &str = "mesos-";

/// Where links to sandboxes with a colon in their path lie, below the agent's directory.
pub const DOCKER_SYMLINK_DIRECTORY: &str = "docker/links";

/// The stages of a container's life. A destroy has something else to undo in each.
#[doc(alias = "DockerContainerizerProcess::Container::State")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Its URIs are being brought into the sandbox.
    Fetching,
    /// Its image is being pulled: a stage of its own so that a pull of a big image can be ended
    /// without starting anything.
    Pulling,
    /// Its persistent volumes are being mounted.
    Mounting,
    /// Its executor is being started, or runs.
    Running,
    /// Somebody destroyed it, or its executor has ended.
    Destroying,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Fetching => "FETCHING",
            State::Pulling => "PULLING",
            State::Mounting => "MOUNTING",
            State::Running => "RUNNING",
            State::Destroying => "DESTROYING",
        })
    }
}

/// One container.
///
/// Where names of older upstream versions went: `task`, `executor`, `directory` and `user` are in
/// [`config`](Self::config), `checkpoint` and `slavePid` became `pid_checkpoint_path`.
#[doc(alias = "DockerContainerizerProcess::Container")]
#[doc(alias = "executorPid")]
#[doc(alias = "checkpoint")]
#[doc(alias = "slavePid")]
pub(super) struct Container {
    pub(super) state: State,
    pub(super) config: Arc<ContainerConfig>,
    /// Where the executor's pid is written, if the framework checkpoints.
    #[doc(alias = "pidCheckpointPath")]
    pub(super) pid_checkpoint_path: Option<PathBuf>,
    /// The executor's environment.
    pub(super) environment: BTreeMap<String, String>,
    /// Whether `container_work_dir` is a link to the sandbox, to be removed with the container.
    pub(super) symlinked: bool,
    /// The sandbox, or the link to it.
    #[doc(alias = "containerWorkDir")]
    #[doc(alias = "directory")]
    pub(super) container_work_dir: PathBuf,
    /// What a hook wants the task, but not its executor, to have.
    #[doc(alias = "taskEnvironment")]
    pub(super) task_environment: Option<BTreeMap<String, String>>,
    /// The container's name in Docker.
    #[doc(alias = "containerName")]
    pub(super) container_name: String,
    /// Behind `wait` and `destroy`.
    pub(super) termination: Promise<ContainerTermination>,
    /// The exit status of the executor, to be. Set, to a future that is still pending, as soon as
    /// the launch has got so far as to watch the executor.
    pub(super) status: Promise<Future<Option<i32>>>,
    /// The whole chain of the launch.
    pub(super) launch: Future<LaunchResult>,
    /// What `usage` reports against.
    #[doc(alias = "resourceRequests")]
    #[doc(alias = "resources")]
    pub(super) resource_requests: Vec<Resource>,
    #[doc(alias = "resourceLimits")]
    pub(super) resource_limits: BTreeMap<String, f64>,
    /// Kept so that a destroy can discard it.
    pub(super) pull: Future<Image>,
    /// The process inside the container, once somebody had to know it.
    pub(super) pid: Option<OsPid>,
    /// The executor's process.
    #[doc(alias = "executorPid")]
    pub(super) executor_pid: Option<OsPid>,
    /// Whether this container belongs to a command task, for which the agent made up an executor.
    #[doc(alias = "generatedForCommandTask")]
    pub(super) generated_for_command_task: bool,
}

impl Container {
    /// The name in Docker of the container with this id.
    #[doc(alias = "Container::name")]
    pub(super) fn name(id: &ContainerId) -> String {
        format!("{DOCKER_NAME_PREFIX}{id}")
    }

    /// Makes the record of a container, and a link to its sandbox if Docker could not take the
    /// sandbox's path (a colon separates the parts of a mount there).
    #[doc(alias = "DockerContainerizerProcess::Container::create")]
    pub(super) fn create(
        id: &ContainerId,
        config: Arc<ContainerConfig>,
        environment: BTreeMap<String, String>,
        pid_checkpoint_path: Option<PathBuf>,
        flags: &Flags,
        host: &dyn Host,
    ) -> Result<Container, String> {
        let mut container_work_dir = PathBuf::from(&config.directory);
        let mut symlinked = false;
        // differs: upstream makes the directory of links for every container, needed or not.
        if config.directory.contains(':') {
            let links = symlink_directory(flags, &container_work_dir).ok_or_else(|| {
                format!(
                    "Unable to determine the agent's directory from sandbox '{}': it does not lie \
                     below '{}'",
                    config.directory,
                    flags.work_dir.display()
                )
            })?;
            host.mkdir(&links).map_err(|error| {
                format!("Unable to create symlink folder for docker {}: {error}", links.display())
            })?;
            let link = links.join(&id.value);
            host.symlink(&container_work_dir, &link).map_err(|error| {
                format!(
                    "Failed to symlink directory '{}' to '{}': {error}",
                    container_work_dir.display(),
                    link.display()
                )
            })?;
            container_work_dir = link;
            symlinked = true;
        }

        let resource_limits =
            config.limits.iter().map(|(name, limit)| (name.clone(), limit.value)).collect();
        Ok(Container {
            state: State::Fetching,
            pid_checkpoint_path,
            environment,
            symlinked,
            container_work_dir,
            task_environment: None,
            container_name: Self::name(id),
            termination: Promise::new(),
            status: Promise::new(),
            launch: Future::abandoned(),
            resource_requests: config.resources.clone(),
            resource_limits,
            pull: Future::abandoned(),
            pid: None,
            executor_pid: None,
            generated_for_command_task: config.task_info.is_some(),
            config,
        })
    }

    fn image_info(&self) -> Option<&mesos::container_info::DockerInfo> {
        let container: Option<&ContainerInfo> =
            match (&self.config.task_info, &self.config.executor_info) {
                (Some(task), _) => task.container.as_ref(),
                (None, Some(executor)) => executor.container.as_ref(),
                (None, None) => None,
            };
        container?.docker.as_ref()
    }

    /// The image to run. Empty when the configuration names none, which `launch` refuses.
    #[doc(alias = "Container::image")]
    pub(super) fn image(&self) -> &str {
        self.image_info().map_or("", |info| &info.image)
    }

    /// Whether to pull the image even if it is there.
    #[doc(alias = "Container::forcePullImage")]
    pub(super) fn force_pull_image(&self) -> bool {
        self.image_info().is_some_and(|info| info.force_pull_image())
    }
}

/// `<work_dir>/slaves/<agent id>/docker/links` for a sandbox below `<work_dir>/slaves/<agent id>`.
fn symlink_directory(flags: &Flags, sandbox: &Path) -> Option<PathBuf> {
    let below = sandbox.strip_prefix(&flags.work_dir).ok()?;
    let mut parts = below.components();
    let slaves = parts.next().filter(|part| part.as_os_str() == "slaves")?;
    let agent = parts.next()?;
    Some(flags.work_dir.join(slaves).join(agent).join(DOCKER_SYMLINK_DIRECTORY))
}
