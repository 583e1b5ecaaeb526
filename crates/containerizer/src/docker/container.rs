//! What the containerizer knows of one container.
//!
//! Mirrors `DockerContainerizerProcess::Container` in `src/slave/containerizer/docker.hpp`.

use super::executor_flags::{MESOS_DOCKER_EXECUTOR, docker_executor_arguments};
use crate::gpu::Gpu;
use crate::{Flags, LaunchResult, paths};
use docker::Image;
use mesos::container_info::{DockerInfo, Type};
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::volume::Mode;
use mesos::{CommandInfo, ContainerId, ContainerInfo, Parameter, Resources, Volume};
use process::host::{Host, OsPid};
use process::{Future, Promise};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the names of our containers in Docker begin.
pub const DOCKER_NAME_PREFIX: &str = "mesos-";

/// What stands between the parts of such a name.
#[doc(alias = "DOCKER_NAME_SEPERATOR")]
pub const DOCKER_NAME_SEPARATOR: &str = ".";

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
/// Where names of older upstream versions went: `task`, `executor` and `user` are in
/// [`config`](Self::config), `directory` became `container_work_dir`, `checkpoint` and `slavePid`
/// became `pid_checkpoint_path`, `resources` became `resource_requests`. The `id` is the key in the
/// map of containers, the `slaveId` a part of the sandbox's path, the `flags` are the process's.
#[doc(alias = "DockerContainerizerProcess::Container")]
#[doc(alias = "checkpoint")]
#[doc(alias = "flags")]
#[doc(alias = "id")]
#[doc(alias = "slaveId")]
#[doc(alias = "slavePid")]
pub(super) struct Container {
    pub(super) state: State,
    /// What `launch` was given. `None` for a container that was recovered.
    #[doc(alias = "containerConfig")]
    #[doc(alias = "task")]
    #[doc(alias = "executor")]
    #[doc(alias = "user")]
    pub(super) config: Option<Arc<ContainerConfig>>,
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
    /// The container to run: that of the configuration, or one for the docker executor.
    pub(super) container: ContainerInfo,
    /// What to run in it, likewise.
    pub(super) command: CommandInfo,
    /// What a hook wants the task, but not its executor, to have.
    #[doc(alias = "taskEnvironment")]
    pub(super) task_environment: Option<BTreeMap<String, String>>,
    /// The container's name in Docker: made from its id, or the one it was found with.
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
    pub(super) resource_requests: Resources,
    #[doc(alias = "resourceLimits")]
    pub(super) resource_limits: BTreeMap<String, f64>,
    /// Kept so that a destroy can discard it.
    pub(super) pull: Future<Image>,
    /// The process inside the container, once somebody had to know it.
    pub(super) pid: Option<OsPid>,
    /// The executor's process.
    #[doc(alias = "executorPid")]
    pub(super) executor_pid: Option<OsPid>,
    /// The GPUs that the container has.
    pub(super) gpus: BTreeSet<Gpu>,
    /// The control group with its CPU limits, once an update had to know it.
    #[doc(alias = "cpuCgroup")]
    pub(super) cpu_cgroup: Option<String>,
    /// The control group with its memory limits, likewise.
    #[doc(alias = "memoryCgroup")]
    pub(super) memory_cgroup: Option<String>,
    /// Whether its docker executor runs in a container of its own.
    #[doc(alias = "launchesExecutorContainer")]
    pub(super) launches_executor_container: bool,
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

    /// A container of which nothing is known but its id, as recovery makes them.
    ///
    /// Mirrors `Container(const ContainerID&)`.
    pub(super) fn recovered(sandbox: PathBuf) -> Container {
        Container {
            state: State::Running,
            config: None,
            pid_checkpoint_path: None,
            environment: BTreeMap::new(),
            symlinked: false,
            container_work_dir: sandbox,
            container: ContainerInfo::default(),
            command: CommandInfo::default(),
            task_environment: None,
            container_name: String::new(),
            termination: Promise::new(),
            status: Promise::new(),
            launch: Future::abandoned(),
            resource_requests: Resources::new(),
            resource_limits: BTreeMap::new(),
            pull: Future::abandoned(),
            pid: None,
            executor_pid: None,
            gpus: BTreeSet::new(),
            cpu_cgroup: None,
            memory_cgroup: None,
            launches_executor_container: false,
            generated_for_command_task: false,
        }
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

        let resource_requests = Resources::from(&config.resources);
        let resource_limits =
            config.limits.iter().map(|(name, limit)| (name.clone(), limit.value)).collect();
        let (container, command) = match (&config.task_info, &flags.docker_mesos_image) {
            (Some(task), Some(image)) => (
                executor_container(image, &container_work_dir, flags),
                executor_command(id, task.command.as_ref(), &container_work_dir, flags),
            ),
            _ => (
                // That there is one is checked by `launch`.
                config.container_info.clone().unwrap_or_default(),
                config.command_info.clone(),
            ),
        };
        Ok(Container {
            state: State::Fetching,
            pid_checkpoint_path,
            environment,
            symlinked,
            container,
            command,
            container_name: Self::name(id),
            resource_requests,
            resource_limits,
            launches_executor_container: config.task_info.is_some()
                && flags.docker_mesos_image.is_some(),
            generated_for_command_task: config.task_info.is_some(),
            config: Some(config),
            ..Self::recovered(container_work_dir)
        })
    }

    /// The name in Docker of the container in which the docker executor runs, if it does.
    #[doc(alias = "Container::executorName")]
    pub(super) fn executor_name(&self) -> Option<String> {
        self.launches_executor_container
            .then(|| format!("{}{DOCKER_NAME_SEPARATOR}executor", self.container_name))
    }

    fn image_info(&self) -> Option<&DockerInfo> {
        let config = self.config.as_ref()?;
        let container: Option<&ContainerInfo> = match (&config.task_info, &config.executor_info) {
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

/// `<work_dir>/slaves/<agent id>/docker/links` for a sandbox of that agent.
fn symlink_directory(flags: &Flags, sandbox: &Path) -> Option<PathBuf> {
    let agent = paths::parse_executor_run(&flags.work_dir, sandbox)?.agent;
    Some(paths::slave(&flags.work_dir, &agent).join(DOCKER_SYMLINK_DIRECTORY))
}

/// The container for the docker executor of a task: it sees the daemon's socket and the sandbox,
/// where its own output shall survive it.
fn executor_container(image: &str, sandbox: &Path, flags: &Flags) -> ContainerInfo {
    let sandbox = sandbox.to_string_lossy();
    let volume = |path: &str, mode: Mode| Volume {
        host_path: Some(path.to_owned()),
        container_path: path.to_owned(),
        mode: mode.into(),
        ..Volume::default()
    };
    let parameter =
        |key: &str, value: &str| Parameter { key: key.to_owned(), value: value.to_owned() };
    ContainerInfo {
        r#type: Type::Docker.into(),
        volumes: vec![volume(&flags.docker_socket, Mode::Ro), volume(&sandbox, Mode::Rw)],
        docker: Some(DockerInfo {
            image: image.to_owned(),
            parameters: vec![
                // It looks for the task's pid in `/proc`,
                parameter("pid", "host"),
                // and enters the task's namespaces for health checks.
                parameter("cap-add", "SYS_ADMIN"),
                parameter("cap-add", "SYS_PTRACE"),
            ],
            ..DockerInfo::default()
        }),
        ..ContainerInfo::default()
    }
}

/// The docker executor as the command of that container. A hook's `task_environment` comes to be
/// known later, and is appended then.
fn executor_command(
    id: &ContainerId,
    task: Option<&CommandInfo>,
    sandbox: &Path,
    flags: &Flags,
) -> CommandInfo {
    CommandInfo {
        shell: Some(false),
        value: Some(flags.launcher_dir.join(MESOS_DOCKER_EXECUTOR).to_string_lossy().into_owned()),
        arguments: docker_executor_arguments(flags, &Container::name(id), sandbox, None),
        uris: task.map(|command| command.uris.clone()).unwrap_or_default(),
        ..CommandInfo::default()
    }
}
