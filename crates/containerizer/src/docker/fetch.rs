//! Fetching: state FETCHING.

use super::launch::ALREADY_DESTROYED;
use super::process::DockerContainerizerProcess;
use ::process::{Future, Nothing};
use mesos::ContainerId;

impl DockerContainerizerProcess {
    /// Has the fetcher bring the container's URIs into its sandbox.
    ///
    /// Mirrors `DockerContainerizerProcess::fetch`.
    #[doc(alias = "DockerContainerizerProcess::fetch")]
    pub(super) fn fetch(&mut self, id: &ContainerId) -> Future<Nothing> {
        let Some(container) = self.containers.get(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        self.fetcher.fetch(
            id,
            &container.command,
            &container.container_work_dir,
            container.config.as_ref().and_then(|config| config.user.as_deref()),
        )
    }
}
