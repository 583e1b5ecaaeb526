//! The `Containerizer` interface: what the agent asks of whoever contains its executors.
//!
//! Mirrors `src/slave/containerizer/containerizer.hpp`. Upstream passes `Future`s of values across
//! this interface and so does this trait; each implementation is a handle to a process.

use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{ContainerId, ContainerStatus, Resource, ResourceStatistics};
use process::{Future, Nothing};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What became of a launch that did not fail.
#[doc(alias = "Containerizer::LaunchResult")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaunchResult {
    /// The container runs.
    Success,
    /// It did already.
    AlreadyLaunched,
    /// This containerizer does not handle such containers; another one may.
    NotSupported,
}

/// Contains executors and their tasks. Cheap to share: all methods take `&self` and return at
/// once.
pub trait Containerizer: Send + Sync + 'static {
    /// Starts a container. Fails when a step of the launch fails; the caller must then `destroy`
    /// it. Ready only when the container's process is being watched.
    ///
    /// `environment` is what the executor gets; `pid_checkpoint_path` is where its pid is written
    /// before it runs, if the framework checkpoints.
    #[doc(alias = "Containerizer::launch")]
    fn launch(
        &self,
        container: &ContainerId,
        config: Arc<ContainerConfig>,
        environment: BTreeMap<String, String>,
        pid_checkpoint_path: Option<PathBuf>,
    ) -> Future<LaunchResult>;

    /// Changes a container's resources: what it is given, and the limits (`cpus`, `mem`) beyond
    /// that, infinity meaning none. Unknown containers are ignored.
    #[doc(alias = "Containerizer::update")]
    fn update(
        &self,
        container: &ContainerId,
        requests: Vec<Resource>,
        limits: BTreeMap<String, f64>,
    ) -> Future<Nothing>;

    /// How much a container uses. Fails when it is unknown or not running.
    #[doc(alias = "Containerizer::usage")]
    fn usage(&self, container: &ContainerId) -> Future<ResourceStatistics>;

    /// What is known of a container beside its resources.
    #[doc(alias = "Containerizer::status")]
    fn status(&self, container: &ContainerId) -> Future<ContainerStatus>;

    /// Ready once the container has ended and was cleaned up; at once with `None` when it is
    /// unknown, which includes: ended before. Fails when the clean-up failed.
    #[doc(alias = "Containerizer::wait")]
    fn wait(&self, container: &ContainerId) -> Future<Option<ContainerTermination>>;

    /// Ends a container in whatever state it is and cleans up. The result is that of
    /// [`wait`](Self::wait).
    #[doc(alias = "Containerizer::destroy")]
    fn destroy(&self, container: &ContainerId) -> Future<Option<ContainerTermination>>;

    /// All containers that have not ended.
    #[doc(alias = "Containerizer::containers")]
    fn containers(&self) -> Future<BTreeSet<ContainerId>>;
}
