//! The agent's flags, as far as it has any use for them, with upstream's defaults.

use mesos::internal::ContainerDnsInfo;
use mesos::{Bytes, ContainerInfo};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The flags of the agent. The containerizer takes those that concern it from here.
///
/// Mirrors `src/slave/flags.cpp` and `src/slave/constants.hpp`.
#[doc(alias = "slave::Flags")]
#[derive(Clone, Debug, PartialEq)]
pub struct Flags {
    /// Where sandboxes and checkpoints lie.
    pub work_dir: PathBuf,
    /// Where Mesos's programs are.
    pub launcher_dir: String,
    /// The sandbox, as containers see it.
    pub sandbox_directory: String,
    /// Relative URIs are below this directory.
    pub frameworks_home: String,
    /// Whether executors run as their framework's user.
    pub switch_user: bool,
    /// The docker program; only in the command line of executors.
    pub docker: String,
    /// Where the Docker daemon listens.
    pub docker_socket: String,
    /// Credentials for registries, where a sandbox brings none: the text of a `config.json`,
    /// parsed.
    pub docker_config: Option<docker::Config>,
    /// How long the agent's own `docker stop` waits before it kills.
    pub docker_stop_timeout: Duration,
    /// When a container that has ended is removed.
    pub docker_remove_delay: Duration,
    /// Whether containers that belong to no executor are stopped and removed.
    pub docker_kill_orphans: bool,
    /// DNS for containers in a bridge or a network that somebody made.
    pub default_container_dns: Option<ContainerDnsInfo>,
    /// The image to run docker executors in, if they are to run in containers.
    pub docker_mesos_image: Option<String>,
    /// How long an executor may take to register, fetch and pull included.
    pub executor_registration_timeout: Duration,
    /// How long a restarted agent waits for its executors.
    pub executor_reregistration_timeout: Duration,
    /// How long an executor may take to shut down.
    pub executor_shutdown_grace_period: Duration,
    /// How long executors wait for their agent to come back.
    pub recovery_timeout: Duration,
    /// More environment for executors.
    pub executor_environment_variables: BTreeMap<String, String>,
    /// The address that executors are to listen at: the agent's own `LIBPROCESS_IP`.
    pub libprocess_ip: Option<String>,
    /// Whether CPU limits are hard.
    pub cgroups_enable_cfs: bool,
    /// Whether command executors talk HTTP; only in their environment.
    pub http_command_executor: bool,
    /// The container of executors that ask for none.
    pub default_container_info: Option<ContainerInfo>,
    /// The containerizers; only in a message.
    pub containerizers: String,
    /// Where fetched files are cached.
    pub fetcher_cache_dir: PathBuf,
    /// How large that may grow.
    pub fetcher_cache_size: Bytes,
    /// Where Hadoop is installed; where the environment says, if empty.
    pub hadoop_home: String,
    /// How long a download may stall.
    pub fetcher_stall_timeout: Duration,
}

impl Default for Flags {
    fn default() -> Self {
        const fn minutes(minutes: u64) -> Duration {
            Duration::from_secs(60 * minutes)
        }
        Flags {
            work_dir: PathBuf::new(),
            launcher_dir: "/usr/local/libexec/mesos".into(),
            sandbox_directory: "/mnt/mesos/sandbox".into(),
            frameworks_home: String::new(),
            switch_user: true,
            docker: "docker".into(),
            docker_socket: "/var/run/docker.sock".into(),
            docker_config: None,
            docker_stop_timeout: Duration::ZERO,
            docker_remove_delay: minutes(6 * 60),
            docker_kill_orphans: true,
            default_container_dns: None,
            docker_mesos_image: None,
            executor_registration_timeout: minutes(1),
            executor_reregistration_timeout: Duration::from_secs(2),
            executor_shutdown_grace_period: Duration::from_secs(5),
            recovery_timeout: minutes(15),
            executor_environment_variables: BTreeMap::new(),
            libprocess_ip: None,
            cgroups_enable_cfs: false,
            http_command_executor: false,
            default_container_info: None,
            containerizers: "docker".into(),
            fetcher_cache_dir: "/tmp/mesos/fetch".into(),
            fetcher_cache_size: Bytes::gigabytes(2),
            hadoop_home: String::new(),
            fetcher_stall_timeout: minutes(1),
        }
    }
}

/// The containerizer's share of the agent's flags; an empty directory is none.
impl From<&Flags> for containerizer::Flags {
    fn from(flags: &Flags) -> Self {
        containerizer::Flags {
            work_dir: flags.work_dir.clone(),
            launcher_dir: PathBuf::from(&flags.launcher_dir),
            sandbox_directory: PathBuf::from(&flags.sandbox_directory),
            docker: flags.docker.clone(),
            docker_socket: flags.docker_socket.clone(),
            docker_config: flags.docker_config.clone(),
            docker_stop_timeout: flags.docker_stop_timeout,
            docker_remove_delay: flags.docker_remove_delay,
            docker_kill_orphans: flags.docker_kill_orphans,
            default_container_dns: flags.default_container_dns.clone(),
            docker_mesos_image: flags.docker_mesos_image.clone(),
            cgroups_enable_cfs: flags.cgroups_enable_cfs,
            frameworks_home: (!flags.frameworks_home.is_empty())
                .then(|| PathBuf::from(&flags.frameworks_home)),
            fetcher_cache_dir: flags.fetcher_cache_dir.clone(),
            fetcher_cache_size: flags.fetcher_cache_size,
            hadoop_home: (!flags.hadoop_home.is_empty()).then(|| PathBuf::from(&flags.hadoop_home)),
            fetcher_stall_timeout: flags.fetcher_stall_timeout,
        }
    }
}
