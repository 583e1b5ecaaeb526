//! What of a container depends on the machine that it runs on.

use super::{Mount, null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Limits, mounts, namespaces, devices. Named as in the Engine's API, where each is explained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostConfig {
    /// `host:container[:mode]`, or `volume:container[:mode]`.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub binds: Vec<String>,
    /// Where the daemon keeps what the container prints.
    #[serde(deserialize_with = "null::is_default")]
    pub log_config: LogConfig,
    /// `host`, `bridge`, `none`, `default`, `container:name`, or the name of a network.
    pub network_mode: String,
    /// The host's ports, by the container's, `80/tcp`.
    #[serde(deserialize_with = "null::is_default")]
    pub port_bindings: BTreeMap<String, Bindings>,
    /// Whether the daemon starts it again.
    #[serde(deserialize_with = "null::is_default")]
    pub restart_policy: RestartPolicy,
    /// Whether the daemon removes it when it has ended.
    pub auto_remove: bool,
    /// The driver of the volumes in `binds`.
    pub volume_driver: String,
    /// Containers whose volumes it gets, too.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub volumes_from: Vec<String>,
    /// For the runtime.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null::is_default")]
    pub annotations: BTreeMap<String, String>,
    /// Capabilities beyond the usual ones.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub cap_add: Vec<String>,
    /// Usual capabilities that it shall not have.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub cap_drop: Vec<String>,
    /// `host` or `private`; the daemon's default if empty.
    pub cgroupns_mode: String,
    /// Name servers.
    #[serde(deserialize_with = "null::is_default")]
    pub dns: Vec<String>,
    /// Resolver options.
    #[serde(deserialize_with = "null::is_default")]
    pub dns_options: Vec<String>,
    /// Search domains.
    #[serde(deserialize_with = "null::is_default")]
    pub dns_search: Vec<String>,
    /// `name:address`, for its hosts file.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub extra_hosts: Vec<String>,
    /// Groups of its user.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub group_add: Vec<String>,
    /// `host`, `private`, `shareable`, `none` or `container:name`.
    pub ipc_mode: String,
    /// Links of the default bridge, `container[:alias]`.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub links: Vec<String>,
    /// How likely the kernel kills it when memory is short: -1000 to 1000.
    pub oom_score_adj: i64,
    /// `host` or `container:name`.
    pub pid_mode: String,
    /// All capabilities and devices.
    pub privileged: bool,
    /// Whether each exposed port gets some port of the host.
    pub publish_all_ports: bool,
    /// Whether its root file system cannot be written to.
    pub readonly_rootfs: bool,
    /// For SELinux, AppArmor, seccomp.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub security_opt: Vec<String>,
    /// For the storage driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null::is_default")]
    pub storage_opt: BTreeMap<String, String>,
    /// File systems in memory: options by path.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null::is_default")]
    pub tmpfs: BTreeMap<String, String>,
    /// `host`.
    #[serde(rename = "UTSMode")]
    pub uts_mode: String,
    /// `host`.
    pub userns_mode: String,
    /// Bytes of `/dev/shm`; the daemon's default if 0.
    pub shm_size: i64,
    /// Kernel parameters of its namespaces.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null::is_default")]
    pub sysctls: BTreeMap<String, String>,
    /// The OCI runtime; the daemon's default if empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub runtime: String,
    /// `default`, on Linux.
    pub isolation: String,
    /// The weight among other containers; 1024 a CPU.
    pub cpu_shares: i64,
    /// Bytes beyond which it is killed; no limit if 0.
    pub memory: i64,
    /// CPUs, in billionths.
    pub nano_cpus: i64,
    /// The cgroup below which it lies.
    pub cgroup_parent: String,
    /// Relative weight for block devices: 10 to 1000, or 0.
    pub blkio_weight: u16,
    /// The same for single devices.
    #[serde(deserialize_with = "null::is_default")]
    pub blkio_weight_device: Vec<WeightDevice>,
    /// Limits of reading, bytes a second.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub blkio_device_read_bps: Vec<ThrottleDevice>,
    /// Limits of writing, bytes a second.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub blkio_device_write_bps: Vec<ThrottleDevice>,
    /// Limits of reading, operations a second.
    #[serde(
        rename = "BlkioDeviceReadIOps",
        serialize_with = "null::if_empty",
        deserialize_with = "null::is_default"
    )]
    pub blkio_device_read_iops: Vec<ThrottleDevice>,
    /// Limits of writing, operations a second.
    #[serde(
        rename = "BlkioDeviceWriteIOps",
        serialize_with = "null::if_empty",
        deserialize_with = "null::is_default"
    )]
    pub blkio_device_write_iops: Vec<ThrottleDevice>,
    /// The period of the quota, in microseconds.
    pub cpu_period: i64,
    /// CPU time a period, in microseconds.
    pub cpu_quota: i64,
    /// Real-time period, in microseconds.
    pub cpu_realtime_period: i64,
    /// Real-time share of it, in microseconds.
    pub cpu_realtime_runtime: i64,
    /// Which CPUs, `0-3,5`.
    pub cpuset_cpus: String,
    /// Which memory nodes.
    pub cpuset_mems: String,
    /// Devices of the host.
    #[serde(deserialize_with = "null::is_default")]
    pub devices: Vec<DeviceMapping>,
    /// Rules of the devices cgroup.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub device_cgroup_rules: Vec<String>,
    /// Devices of a driver, such as GPUs.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub device_requests: Vec<DeviceRequest>,
    /// Bytes of kernel memory; ignored by daemons since 23.0.
    #[serde(skip_serializing_if = "null::is_zero")]
    pub kernel_memory: i64,
    /// Bytes that are kept for it when memory is short.
    pub memory_reservation: i64,
    /// Bytes of memory and swap; -1 is no limit.
    pub memory_swap: i64,
    /// 0 to 100; -1 is the kernel's default.
    pub memory_swappiness: Option<i64>,
    /// Whether the kernel may not kill it for its memory.
    pub oom_kill_disable: Option<bool>,
    /// How many processes; 0 and -1 are no limit.
    pub pids_limit: Option<i64>,
    /// Resource limits.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub ulimits: Vec<Ulimit>,
    /// Mounts in the long form.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null::is_default")]
    pub mounts: Vec<Mount>,
    /// Paths that it does not see, if not the usual ones.
    pub masked_paths: Option<Vec<String>>,
    /// Paths that it cannot write to, if not the usual ones.
    pub readonly_paths: Option<Vec<String>>,
    /// Whether an init of the daemon's is its first process, if that is not up to the daemon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
}

/// The host's addresses and ports of one port of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bindings(#[serde(deserialize_with = "null::is_default")] pub Vec<PortBinding>);

impl From<Vec<PortBinding>> for Bindings {
    fn from(bindings: Vec<PortBinding>) -> Self {
        Bindings(bindings)
    }
}

/// An address and port of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PortBinding {
    /// All addresses if empty.
    pub host_ip: String,
    /// A port or a range of ports; some port if empty.
    pub host_port: String,
}

/// What becomes of the container's output at the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LogConfig {
    /// The driver; the daemon's default if empty.
    pub r#type: String,
    /// Its options.
    #[serde(deserialize_with = "null::is_default")]
    pub config: BTreeMap<String, String>,
}

/// Whether, and how often, the daemon starts a container again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RestartPolicy {
    /// `no`, `always`, `unless-stopped` or `on-failure`.
    pub name: String,
    /// For `on-failure`: how often at most; 0 is for ever.
    pub maximum_retry_count: i64,
}

/// The weight of one block device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WeightDevice {
    /// Its path.
    pub path: String,
    /// 10 to 1000, or 0.
    pub weight: u16,
}

/// The limit of one block device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ThrottleDevice {
    /// Its path.
    pub path: String,
    /// A second.
    pub rate: u64,
}

/// A device of the host inside a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeviceMapping {
    /// Its path on the host.
    pub path_on_host: String,
    /// Its path in the container.
    pub path_in_container: String,
    /// Some of `rwm`.
    pub cgroup_permissions: String,
}

/// Devices that a driver hands out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeviceRequest {
    /// `nvidia`, `cdi`, ...; any that fits if empty.
    pub driver: String,
    /// How many; -1 is all.
    pub count: i64,
    /// Which ones.
    #[serde(
        rename = "DeviceIDs",
        serialize_with = "null::if_empty",
        deserialize_with = "null::is_default"
    )]
    pub device_ids: Vec<String>,
    /// Lists of capabilities, of which one must be there in full.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub capabilities: Vec<Vec<String>>,
    /// For the driver.
    #[serde(deserialize_with = "null::is_default")]
    pub options: BTreeMap<String, String>,
}

/// A resource limit; -1 is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Ulimit {
    /// `nofile`, `core`, ...
    pub name: String,
    /// What it can be raised to.
    pub hard: i64,
    /// What it is.
    pub soft: i64,
}
