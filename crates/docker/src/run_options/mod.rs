//! What `docker run` is asked for. Mirrors `Docker::RunOptions` of `src/docker/docker.hpp`.
//!
//! | file | what |
//! |---|---|
//! | `create.rs` | from a task's protobufs, with `limits.rs`, `volumes.rs`, `networks.rs` |
//! | `render.rs` | as the words of a command line, in upstream's order |
//! | `request.rs` | those words, read as the `docker` program reads them, as a create request |

mod create;
mod limits;
mod networks;
mod render;
mod request;
#[cfg(test)]
mod tests;
mod volumes;

pub use create::{CreateArguments, RunOptionsError};
pub use limits::calculate_oom_score_adj;

use crate::Device;
use mesos::Bytes;
use std::collections::BTreeMap;

/// The options and arguments of one `docker run`. Each field is the command-line option of its
/// name.
#[doc(alias = "Docker::RunOptions")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// All capabilities and devices.
    pub privileged: bool,
    /// The weight among other containers; 1024 a CPU.
    pub cpu_shares: Option<u64>,
    /// CPU time for each period of 100 ms, in microseconds.
    pub cpu_quota: Option<u64>,
    /// Memory that is kept for the container when memory is short.
    pub memory_reservation: Option<Bytes>,
    /// Memory beyond which it is killed.
    pub memory: Option<Bytes>,
    /// How likely the kernel kills it when memory is short: -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// Its environment, on top of the image's.
    pub env: BTreeMap<String, String>,
    /// Mounts, `host:container[:mode]`.
    pub volumes: Vec<String>,
    /// Whose volumes those are that are no paths of the host.
    pub volume_driver: Option<String>,
    /// `host`, `bridge`, `none`, or the name of a network.
    pub network: Option<String>,
    /// Its host name.
    pub hostname: Option<String>,
    /// Name servers.
    pub dns: Vec<String>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// Resolver options.
    pub dns_opt: Vec<String>,
    /// Ports of the host that lead to ports of the container.
    pub port_mappings: Vec<PortMapping>,
    /// Devices of the host, such as GPUs.
    pub devices: Vec<Device>,
    /// What to execute, instead of the image's entry point.
    pub entrypoint: Option<String>,
    /// What it is called.
    pub name: Option<String>,
    /// Any other options, each `--option=value`.
    pub additional_options: Vec<String>,
    /// The image that it is made of.
    pub image: String,
    /// The arguments of the entry point, instead of the image's command.
    pub arguments: Vec<String>,
}

/// A port of the host that leads to a port of a container.
#[doc(alias = "Docker::PortMapping")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortMapping {
    /// On the host.
    pub host_port: u32,
    /// In the container.
    pub container_port: u32,
    /// `tcp`, which is the default, `udp` or `sctp`.
    pub protocol: Option<String>,
}
