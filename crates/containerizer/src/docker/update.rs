//! Changing a container's resources, and reading what it uses.

use super::container::State;
use super::messages::Update;
use super::process::DockerContainerizerProcess;
use ::process::{Future, Nothing};
use mesos::{ContainerId, ResourceStatistics};
use slog::{info, warn};

impl DockerContainerizerProcess {
    /// Notes the resources of a command task's container. The limits of such a container are the
    /// executor's business: it creates the container.
    ///
    /// Mirrors `DockerContainerizerProcess::update` as far as containers of command tasks go, which
    /// are the only ones that `launch` accepts.
    #[doc(alias = "DockerContainerizerProcess::update")]
    pub(super) fn update(&mut self, message: Update) -> Future<Nothing> {
        let Update { container: id, requests, limits } = message;
        let Some(container) = self.containers.get_mut(&id) else {
            warn!(self.log, "Ignoring updating unknown container {id}");
            return Future::ready(Nothing);
        };
        if container.state == State::Destroying {
            info!(self.log, "Ignoring updating container {id} that is being destroyed");
            return Future::ready(Nothing);
        }
        container.resource_requests = requests;
        container.resource_limits = limits;
        debug_assert!(container.generated_for_command_task, "launch accepts no others");
        info!(
            self.log,
            "Ignoring updating container {id} because it is generated for a command task"
        );
        Future::ready(Nothing)
    }

    /// Reading cgroups is a later step of the port.
    #[doc(alias = "DockerContainerizerProcess::usage")]
    pub(super) fn usage(&mut self, id: &ContainerId) -> Future<ResourceStatistics> {
        if self.containers.contains_key(id) {
            Future::failed("Resource statistics are not supported yet")
        } else {
            Future::failed(format!("Unknown container: {id}"))
        }
    }
}
