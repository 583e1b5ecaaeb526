//! Pulling: state PULLING.

use super::container::State;
use super::launch::ALREADY_DESTROYED;
use super::process::DockerContainerizerProcess;
use ::process::{Context, Future, Nothing, defer};
use mesos::ContainerId;
use slog::debug;

impl DockerContainerizerProcess {
    /// Makes sure that the container's image is there. The future of the pull is kept, so that a
    /// destroy can discard it.
    ///
    /// Mirrors `DockerContainerizerProcess::pull`.
    #[doc(alias = "DockerContainerizerProcess::pull")]
    pub(super) fn pull(&mut self, ctx: &mut Context<Self>, id: &ContainerId) -> Future<Nothing> {
        if !self.containers.contains_key(id) {
            return Future::failed(ALREADY_DESTROYED);
        }
        self.set_state(id, State::Pulling);
        let Some(container) = self.containers.get_mut(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };

        let image = container.image().to_owned();
        let force = container.force_pull_image();
        let pull = self.docker.pull(&container.container_work_dir, &image, force);
        let pull = self.image_pull.time(pull);
        container.pull = pull.clone();

        pull.then(defer!(ctx.pid(), Self::pulled, |this, _, _| this.pulled(&image)))
    }

    fn pulled(&mut self, image: &str) -> Future<Nothing> {
        debug!(self.log, "Docker pull {image} completed");
        Future::ready(Nothing)
    }
}
