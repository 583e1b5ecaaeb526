//! The public protocol of [`DockerContainerizerProcess`](super::DockerContainerizerProcess): one
//! message for each function of the `Containerizer` interface.

use crate::LaunchResult;
use crate::state::SlaveState;
use actix::Message;
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{ContainerId, ContainerStatus, Resource, ResourceStatistics};
use process::{Future, Nothing};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// [`Containerizer::recover`](crate::Containerizer::recover).
#[doc(alias = "DockerContainerizerProcess::recover")]
pub struct Recover(
    /// What was checkpointed, if anything.
    pub Option<Arc<SlaveState>>,
);

/// [`Containerizer::launch`](crate::Containerizer::launch).
#[doc(alias = "DockerContainerizerProcess::launch")]
pub struct Launch {
    /// The new container's id.
    pub container: ContainerId,
    /// What to run, and with what.
    pub config: Arc<ContainerConfig>,
    /// The executor's environment.
    pub environment: BTreeMap<String, String>,
    /// Where to write the executor's pid.
    pub pid_checkpoint_path: Option<PathBuf>,
}

/// [`Containerizer::update`](crate::Containerizer::update).
#[doc(alias = "DockerContainerizerProcess::update")]
pub struct Update {
    /// The container.
    pub container: ContainerId,
    /// What it is given.
    pub requests: Vec<Resource>,
    /// How far it may go beyond that.
    pub limits: BTreeMap<String, f64>,
}

/// [`Containerizer::usage`](crate::Containerizer::usage).
#[doc(alias = "DockerContainerizerProcess::usage")]
pub struct Usage(
    /// The container.
    pub ContainerId,
);

/// [`Containerizer::status`](crate::Containerizer::status).
#[doc(alias = "DockerContainerizerProcess::status")]
pub struct Status(
    /// The container.
    pub ContainerId,
);

/// [`Containerizer::wait`](crate::Containerizer::wait).
#[doc(alias = "DockerContainerizerProcess::wait")]
pub struct Wait(
    /// The container.
    pub ContainerId,
);

/// [`Containerizer::destroy`](crate::Containerizer::destroy).
#[doc(alias = "DockerContainerizerProcess::destroy")]
pub struct Destroy(
    /// The container.
    pub ContainerId,
);

/// [`Containerizer::containers`](crate::Containerizer::containers).
#[doc(alias = "DockerContainerizerProcess::containers")]
pub struct Containers;

impl Message for Recover {
    type Result = Future<Nothing>;
}

impl Message for Launch {
    type Result = Future<LaunchResult>;
}

impl Message for Update {
    type Result = Future<Nothing>;
}

impl Message for Usage {
    type Result = Future<ResourceStatistics>;
}

impl Message for Status {
    type Result = Future<ContainerStatus>;
}

impl Message for Wait {
    type Result = Future<Option<ContainerTermination>>;
}

impl Message for Destroy {
    type Result = Future<Option<ContainerTermination>>;
}

impl Message for Containers {
    type Result = Future<BTreeSet<ContainerId>>;
}
