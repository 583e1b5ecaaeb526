//! Mounting: state MOUNTING, and its undoing.

use super::container::State;
use super::launch::ALREADY_DESTROYED;
use super::process::DockerContainerizerProcess;
use crate::paths;
use ::process::{Future, Nothing};
use mesos::volume::Mode;
use mesos::{ContainerId, Resource, Resources, Volume};
use slog::{error, info, warn};
use std::path::{Path, PathBuf};

/// What an error or a log line calls a volume.
fn describe(volume: &Resource) -> &str {
    let persistence = volume.disk.as_ref().and_then(|disk| disk.persistence.as_ref());
    persistence.map_or("", |persistence| &persistence.id)
}

/// Where a volume appears in the container. The master sees to it that there is such a place.
fn volume_of(resource: &Resource) -> Result<&Volume, String> {
    let volume = resource.disk.as_ref().and_then(|disk| disk.volume.as_ref());
    volume.ok_or_else(|| format!("Persistent volume '{}' has no volume", describe(resource)))
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
        let volumes = container.resource_requests.persistent_volumes();
        if !container.generated_for_command_task && !volumes.is_empty() {
            error!(
                self.log,
                "Persistent volumes found with container '{id}' but are not supported with custom \
                 executors"
            );
            return Future::ready(Nothing);
        }
        let sandbox = &container.container_work_dir;
        match self.update_persistent_volumes(id, sandbox, &Resources::new(), &volumes) {
            Ok(()) => Future::ready(Nothing),
            Err(error) => Future::failed(error),
        }
    }

    /// Unmounts the volumes that are in `current` and not in `updated`, and mounts those that are
    /// in `updated` and not in `current`.
    ///
    /// Mirrors `DockerContainerizerProcess::updatePersistentVolumes`.
    #[doc(alias = "DockerContainerizerProcess::updatePersistentVolumes")]
    fn update_persistent_volumes(
        &self,
        id: &ContainerId,
        directory: &Path,
        current: &Resources,
        updated: &Resources,
    ) -> Result<(), String> {
        for resource in current.persistent_volumes().iter() {
            let Some(target) = self.mount_point(id, directory, resource)? else { continue };
            if updated.contains_resource(resource) {
                continue;
            }
            self.host.unmount(&target).map_err(|error| {
                format!("Failed to unmount persistent volume at '{}': {error}", target.display())
            })?;
        }
        // differs: upstream looks even if there is nothing to mount.
        if updated.persistent_volumes().is_empty() {
            return Ok(());
        }

        let (uid, gid) = self.host.owner(directory).map_err(|error| {
            format!("Failed to get ownership for '{}': {error}", directory.display())
        })?;
        for resource in updated.persistent_volumes().iter() {
            if current.contains_resource(resource) {
                continue;
            }
            let source = paths::persistent_volume(&self.flags.work_dir, resource)?;
            let Some(target) = self.mount_point(id, directory, resource)? else { continue };
            self.own_volume(id, resource, &source, (uid, gid))?;
            self.host.mkdir(&target).map_err(|error| {
                format!(
                    "Failed to create persistent mount point at '{}': {error}",
                    target.display()
                )
            })?;
            info!(
                self.log,
                "Mounting '{}' to '{}' for persistent volume {} of container {id}",
                source.display(),
                target.display(),
                describe(resource)
            );
            let read_only = volume_of(resource)?.mode() == Mode::Ro;
            self.host.mount(&source, &target, read_only).map_err(|error| {
                format!(
                    "Failed to mount persistent volume from '{}' to '{}': {error}",
                    source.display(),
                    target.display()
                )
            })?;
        }
        Ok(())
    }

    /// Where in the sandbox a volume is mounted; none if it is to appear elsewhere.
    fn mount_point(
        &self,
        id: &ContainerId,
        directory: &Path,
        resource: &Resource,
    ) -> Result<Option<PathBuf>, String> {
        let path = &volume_of(resource)?.container_path;
        if path.contains('/') {
            warn!(
                self.log,
                "Skipping updating mount for persistent volume {} of container {id} because the \
                 container path '{path}' contains slash",
                describe(resource)
            );
            return Ok(None);
        }
        // differs: upstream would mount over the sandbox, or above it.
        if matches!(path.as_str(), "" | "." | "..") {
            return Err(format!(
                "Persistent volume '{}': '{path}' is no place for it",
                describe(resource)
            ));
        }
        Ok(Some(directory.join(path)))
    }

    /// Gives a volume to the owner of the sandbox, unless another container uses it.
    fn own_volume(
        &self,
        id: &ContainerId,
        resource: &Resource,
        source: &Path,
        (uid, gid): (u32, u32),
    ) -> Result<(), String> {
        let others = self.containers.iter().filter(|(other, _)| *other != id);
        let mut requests = others.map(|(_, container)| &container.resource_requests);
        if requests.any(|requests| requests.contains_resource(resource)) {
            return Ok(());
        }
        info!(
            self.log,
            "Changing the ownership of the persistent volume at '{}' with uid {uid} and gid {gid}",
            source.display()
        );
        self.host.chown(source, uid, gid).map_err(|error| {
            format!(
                "Failed to change the ownership of the persistent volume at '{}' with uid {uid} \
                 and gid {gid}: {error}",
                source.display()
            )
        })
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
            info!(self.log, "Unmounting volume for container '{id}'");
            if let Err(error) = self.host.unmount(target) {
                errors.push(format!("Failed to unmount volume '{}': {error}", target.display()));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join(", ")) }
    }
}
