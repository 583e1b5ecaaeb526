//! What `docker run` is asked for. Mirrors `Docker::RunOptions` of `src/docker/docker.hpp`.

mod create;
mod render;

pub use create::{CreateArguments, RunOptionsError, calculate_oom_score_adj};

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
    /// `host`, `bridge`, `none`, or the name of a network.
    pub network: Option<String>,
    /// Its host name.
    pub hostname: Option<String>,
    /// What to execute, instead of the image's entry point.
    pub entrypoint: Option<String>,
    /// What it is called.
    pub name: Option<String>,
    /// The image that it is made of.
    pub image: String,
    /// The arguments of the entry point, instead of the image's command.
    pub arguments: Vec<String>,
}
