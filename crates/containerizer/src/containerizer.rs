//! The `Containerizer` interface: what the agent asks of whoever contains its executors.
//!
//! Mirrors `src/slave/containerizer/containerizer.hpp`. Upstream passes `Future`s of values across
//! this interface and so does this trait; each implementation is a handle to a process.

use crate::state::SlaveState;
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{ContainerId, ContainerStatus, Image, Resource, ResourceStatistics};
use process::io::Descriptor;
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

/// An open stream over which HTTP is spoken.
#[doc(alias = "http::Connection")]
pub type Connection = Descriptor;

/// Contains executors and their tasks. Cheap to share: all methods take `&self` and return at
/// once. Futures may be discarded; what a discard ends is said at each method.
///
/// The life of a container, as the agent leads it: `launch`; then, whatever became of that, `wait`;
/// `destroy` when the launch failed or the container shall end. A container that ends by itself is
/// destroyed by its containerizer. Once `wait` is ready, the id is unknown.
///
/// How one is made for `--containerizers`: [`factory`](crate::factory).
#[doc(alias = "slave::Containerizer")]
pub trait Containerizer: Send + Sync + 'static {
    /// Takes up the containers of checkpointed executors that are still there, and ends all other
    /// containers that this containerizer has ever started, or all of them if there is no state.
    /// Called once, before anything else. Ready when every container that goes on is known, and
    /// when the others have ended.
    ///
    /// An executor that is in the state and was not taken up (it had not registered, it belongs to
    /// another containerizer) is afterwards unknown: the caller finds out by `wait`. Fails when the
    /// system cannot be asked, or an orphan does not end; the agent cannot start then.
    #[doc(alias = "Containerizer::recover")]
    fn recover(&self, state: Option<Arc<SlaveState>>) -> Future<Nothing>;

    /// Starts a container. Ready only when the container's executor is being watched: with
    /// [`LaunchResult::NotSupported`], having done nothing, if such containers are none of this
    /// containerizer's; with [`LaunchResult::AlreadyLaunched`] if it knows the container and says so
    /// this way (Docker's fails instead).
    ///
    /// Fails when a step of the launch fails, or when the container was destroyed meanwhile. After a
    /// failure the caller must `destroy` the container, which is still known unless it was the first
    /// check that failed. A discard of the future is passed on to the step under way, but the way to
    /// end a launch is `destroy`.
    ///
    /// A container whose id has a parent is nested in that one; the containerizer decides where its
    /// sandbox is.
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

    /// A connection through which a running container's input is written and its output read.
    /// Fails where that is not supported, which is the default.
    #[doc(alias = "Containerizer::attach")]
    fn attach(&self, container: &ContainerId) -> Future<Connection> {
        let _ = container;
        Future::failed("Unsupported")
    }

    /// Changes a container's resources: what it is given, and the limits (`cpus`, `mem` in
    /// megabytes) beyond that, infinity meaning none. Ready when they are in force. A container that
    /// is unknown or being destroyed is ignored (a composing containerizer fails if it is unknown).
    /// Fails when its limits cannot be changed; they may have been changed in part.
    #[doc(alias = "Containerizer::update")]
    fn update(
        &self,
        container: &ContainerId,
        requests: Vec<Resource>,
        limits: BTreeMap<String, f64>,
    ) -> Future<Nothing>;

    /// How much a container uses, beside how much it may. Fails when it is unknown, not running,
    /// being destroyed, or when the figures cannot be read.
    #[doc(alias = "Containerizer::usage")]
    fn usage(&self, container: &ContainerId) -> Future<ResourceStatistics>;

    /// What is known of a container beside its resources; nothing, by default. Does not say whether
    /// the container exists.
    #[doc(alias = "Containerizer::status")]
    fn status(&self, container: &ContainerId) -> Future<ContainerStatus> {
        let _ = container;
        Future::ready(ContainerStatus::default())
    }

    /// Ready once the container has ended and was cleaned up; at once with `None` when it is
    /// unknown, which includes: ended before. Fails when the clean-up failed. May be called often,
    /// by several. Not to be discarded: all who wait share one future.
    ///
    /// Of a nested container that has ended while its parent goes on, the termination is still
    /// known.
    #[doc(alias = "Containerizer::wait")]
    fn wait(&self, container: &ContainerId) -> Future<Option<ContainerTermination>>;

    /// Ends a container in whatever state it is, with all its processes, and gives back what it
    /// holds. The result is that of [`wait`](Self::wait). May be called while a destroy is under
    /// way; that joins it.
    #[doc(alias = "Containerizer::destroy")]
    fn destroy(&self, container: &ContainerId) -> Future<Option<ContainerTermination>>;

    /// Sends a signal to a running container. `false` when it is unknown; fails when the signal
    /// cannot be sent, and where that is not supported, which is the default.
    #[doc(alias = "Containerizer::kill")]
    fn kill(&self, container: &ContainerId, signal: i32) -> Future<bool> {
        let _ = (container, signal);
        Future::failed("Unsupported")
    }

    /// All containers that have not ended.
    #[doc(alias = "Containerizer::containers")]
    fn containers(&self) -> Future<BTreeSet<ContainerId>>;

    /// Removes what is left of a nested container that has ended while its parent goes on. Fails
    /// where there are no nested containers, which is the default. The caller sees to it that the
    /// container is a nested one.
    #[doc(alias = "Containerizer::remove")]
    fn remove(&self, container: &ContainerId) -> Future<Nothing> {
        let _ = container;
        Future::failed("Unsupported")
    }

    /// Removes images that no container uses and that are not among these, from stores that this
    /// containerizer keeps itself.
    #[doc(alias = "Containerizer::pruneImages")]
    fn prune_images(&self, excluded: Vec<Image>) -> Future<Nothing>;
}
