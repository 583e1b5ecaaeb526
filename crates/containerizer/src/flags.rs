//! The agent flags that containerizers read.

use mesos::Bytes;
use mesos::internal::ContainerDnsInfo;
use std::path::PathBuf;
use std::time::Duration;

/// The flags of the agent that this crate uses, under the names and with the defaults that
/// upstream's agent has (`src/slave/flags.cpp`).
#[derive(Clone, Debug)]
pub struct Flags {
    /// Where the agent keeps everything.
    pub work_dir: PathBuf,
    /// Where `mesos-docker-executor` and `mesos-fetcher` are.
    pub launcher_dir: PathBuf,
    /// Where a sandbox appears inside its container.
    pub sandbox_directory: PathBuf,
    /// The docker program, passed on to executors.
    pub docker: String,
    /// The daemon's socket.
    pub docker_socket: String,
    /// Credentials for registries, where a sandbox brings none.
    pub docker_config: Option<docker::Config>,
    /// How long a container gets between SIGTERM and SIGKILL when it is destroyed.
    pub docker_stop_timeout: Duration,
    /// How long a container that ended is kept before it is removed.
    pub docker_remove_delay: Duration,
    /// Whether containers of ours that belong to no executor are stopped at recovery.
    pub docker_kill_orphans: bool,
    /// DNS for containers that have none of their own.
    pub default_container_dns: Option<ContainerDnsInfo>,
    /// The image to run docker executors in, if they are to run in containers.
    pub docker_mesos_image: Option<String>,
    /// Whether CPU limits are hard.
    pub cgroups_enable_cfs: bool,
    /// Prepended to relative URIs.
    pub frameworks_home: Option<PathBuf>,
    /// Where the fetcher keeps its cache.
    pub fetcher_cache_dir: PathBuf,
    /// How large that may grow.
    pub fetcher_cache_size: Bytes,
    /// Where Hadoop is installed, whose client fetches what the fetcher cannot; where the
    /// environment's `HADOOP_HOME` or `PATH` says if not given.
    pub hadoop_home: Option<PathBuf>,
    /// How long a download may stand still before it is given up.
    pub fetcher_stall_timeout: Duration,
}

impl Default for Flags {
    fn default() -> Self {
        Flags {
            work_dir: PathBuf::from("/var/lib/mesos/agent"),
            launcher_dir: PathBuf::from("/usr/local/libexec/mesos"),
            sandbox_directory: PathBuf::from("/mnt/mesos/sandbox"),
            docker: "docker".to_owned(),
            docker_socket: "/var/run/docker.sock".to_owned(),
            docker_config: None,
            docker_stop_timeout: Duration::ZERO,
            docker_remove_delay: Duration::from_secs(6 * 60 * 60),
            docker_kill_orphans: true,
            default_container_dns: None,
            docker_mesos_image: None,
            cgroups_enable_cfs: false,
            frameworks_home: None,
            fetcher_cache_dir: PathBuf::from("/tmp/mesos/fetch"),
            fetcher_cache_size: Bytes::gigabytes(2),
            hadoop_home: None,
            fetcher_stall_timeout: Duration::from_secs(60),
        }
    }
}
