//! Waiting for a container, and its status.

use super::process::DockerContainerizerProcess;
use ::process::Future;
use mesos::slave::ContainerTermination;
use mesos::{ContainerId, ContainerStatus};

impl DockerContainerizerProcess {
    /// Mirrors `DockerContainerizerProcess::wait`.
    #[doc(alias = "DockerContainerizerProcess::wait")]
    pub(super) fn wait(&mut self, id: &ContainerId) -> Future<Option<ContainerTermination>> {
        match self.containers.get(id) {
            None => Future::ready(None),
            Some(container) => {
                container.termination.future().map(|termination| Some(termination.clone()))
            }
        }
    }

    /// Mirrors `DockerContainerizerProcess::status`.
    #[doc(alias = "DockerContainerizerProcess::status")]
    pub(super) fn status(&mut self, id: ContainerId) -> Future<ContainerStatus> {
        Future::ready(ContainerStatus { container_id: Some(id), ..ContainerStatus::default() })
    }
}
