//! A port to watch the containerizer's bookkeeping: for metrics, status pages and test oracles.

use super::State;
use mesos::ContainerId;
use mesos::slave::ContainerTermination;

/// Is told of each change of a container's life as it happens, in the containerizer's context. It
/// must not call back into the containerizer.
pub trait Observer: Send + Sync + 'static {
    /// A container came into being, or went from one state to another.
    fn state(&self, container: &ContainerId, from: Option<State>, to: State) {
        let _ = (container, from, to);
    }

    /// A container's termination was completed: with a value, or as failed.
    fn terminated(
        &self,
        container: &ContainerId,
        termination: Result<&ContainerTermination, &str>,
    ) {
        let _ = (container, termination);
    }

    /// A container was forgotten.
    fn erased(&self, container: &ContainerId) {
        let _ = container;
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
