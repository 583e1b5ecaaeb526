//! Mounting: state MOUNTING, and its undoing.

use super::container::State;
use super::launch::ALREADY_DESTROYED;
use super::process::DockerContainerizerProcess;
use ::process::{Future, Nothing};
use mesos::{ContainerId, Resource};

fn is_persistent_volume(resource: &Resource) -> bool {
    resource.disk.as_ref().is_some_and(|disk| disk.persistence.is_some())
}

impl DockerContainerizerProcess {
    /// Mounts the container's persistent volumes into its sandbox.
    ///
    /// Mirrors `DockerContainerizerProcess::mountPersistentVolumes`.
    #[doc(alias = "DockerContainerizerProcess::mountPersistentVolumes")]
    pub(super) fn mount_persistent_volumes(&mut self, id: &ContainerId) -> Future<Nothing> {
        if !self.containers.contains_key(id) {
            return Future::failed(ALREADY_DESTROYED);
        }
        self.set_state(id, State::Mounting);
        let Some(container) = self.containers.get(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        // differs: mounting itself is a later step of the port. A container that has such volumes
        // must not run without them.
        if container.resource_requests.iter().any(is_persistent_volume) {
            return Future::failed("Persistent volumes are not supported yet");
        }
        Future::ready(Nothing)
    }

    /// Unmounts everything below the work directory whose path names the container.
    ///
    /// Mirrors `DockerContainerizerProcess::unmountPersistentVolumes`.
    #[doc(alias = "DockerContainerizerProcess::unmountPersistentVolumes")]
    pub(super) fn unmount_persistent_volumes(&mut self, id: &ContainerId) -> Result<(), String> {
        let mounts =
            self.host.mounts().map_err(|error| format!("Failed to get mount table: {error}"))?;
        let mut errors = Vec::new();
        // Mounted last, unmounted first.
        for target in mounts.iter().rev() {
            // A mount may have been propagated to elsewhere; only what lies in the work directory
            // is ours.
            let ours = target.starts_with(&self.flags.work_dir)
                && target.to_string_lossy().contains(&id.value);
            if !ours {
                continue;
            }
            slog::info!(self.log, "Unmounting volume for container '{id}'");
            if let Err(error) = self.host.unmount(target) {
                errors.push(format!("Failed to unmount volume '{}': {error}", target.display()));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join(", ")) }
    }
}
