//! An [`Api`] over another one that finds out what its requests have done.
//!
//! The command line fails when the daemon says no, or nothing at all, and so does
//! [`Engine`](crate::Engine) over a plain [`Api`]: that is upstream's behaviour. Over a
//! [`Guarded`] one the same engine gets the effect that was asked for where it can be had:
//!
//! - a status that means that the effect is there is a success (`status.rs` has the table);
//! - where the outcome of a create, start, stop or remove is unknown, the container is looked at,
//!   by name, until it is known: `doubt.rs`;
//! - a create whose name is taken adopts, or replaces, a container that can only be its own:
//!   `adopt.rs`; a remove waits for the end of one that is under way;
//! - a pull without progress is given up: `pull.rs`.
//!
//! It reads no clock but [`process::clock`] and sees the daemon through the port alone, so it is
//! as much at home in a simulated world.

// differs: all of it; upstream has no answer to a command line that fails halfway.

mod adopt;
mod create;
mod doubt;
mod effect;
mod pull;
#[cfg(test)]
mod tests;

use crate::engine::operation::Operation;
use crate::{
    Answer, Api, ApiError, Attachment, Container, ContainerSummary, CreateBody, Credentials, Image,
    Limits, LingeringPull, Output, PullEvent, Version, WaitCondition,
};
use process::Nothing;
use std::fmt;
use std::sync::Arc;

/// The operation behind an answer.
type Op<T> = Operation<Result<T, ApiError>>;

/// A daemon whose requests find out what they have done: statuses are read by one table, unknown
/// outcomes looked up by name, stalled pulls given up.
#[derive(Clone)]
pub struct Guarded {
    api: Arc<dyn Api>,
    limits: Arc<Limits>,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Guarded {
    /// Over this daemon.
    pub fn new(api: Arc<dyn Api>, limits: Limits) -> Self {
        Guarded { api, limits: Arc::new(limits) }
    }
}

impl Api for Guarded {
    fn version(&self) -> Answer<Version> {
        self.api.version()
    }

    fn create_container(&self, name: &str, body: &CreateBody) -> Answer<String> {
        if name.is_empty() {
            // Nothing to look for.
            return self.api.create_container(name, body);
        }
        create::create(self, name, body)
    }

    fn attach_container(&self, name: &str, stdout: &Output, stderr: &Output) -> Answer<Attachment> {
        self.api.attach_container(name, stdout, stderr)
    }

    fn close_stdin(&self, name: &str) -> Answer<Nothing> {
        self.api.close_stdin(name)
    }

    fn start_container(&self, name: &str) -> Answer<Nothing> {
        effect::bring_about(self, effect::Effect::Started, name)
    }

    fn wait_container(&self, name: &str, condition: WaitCondition) -> Answer<i64> {
        self.api.wait_container(name, condition)
    }

    fn stop_container(&self, name: &str, timeout_secs: u64) -> Answer<Nothing> {
        effect::bring_about(self, effect::Effect::Stopped { timeout_secs }, name)
    }

    fn kill_container(&self, name: &str, signal: i32) -> Answer<Nothing> {
        effect::bring_about(self, effect::Effect::Signalled { signal }, name)
    }

    fn remove_container(&self, name: &str, force: bool, volumes: bool) -> Answer<Nothing> {
        effect::bring_about(self, effect::Effect::Removed { force, volumes }, name)
    }

    fn inspect_container(&self, name: &str) -> Answer<Container> {
        self.api.inspect_container(name)
    }

    fn list_containers(&self, all: bool) -> Answer<Vec<ContainerSummary>> {
        self.api.list_containers(all)
    }

    fn inspect_image(&self, image: &str) -> Answer<Image> {
        self.api.inspect_image(image)
    }

    fn pull_image_as(
        &self,
        reference: &str,
        credentials: Option<&Credentials>,
        progress: Option<PullEvent>,
    ) -> Answer<Nothing> {
        pull::pull(self, reference, credentials, progress)
    }

    fn lingering_pulls(&self) -> Vec<LingeringPull> {
        self.api.lingering_pulls()
    }

    fn write_output(&self, output: &Output, text: &str) {
        self.api.write_output(output, text);
    }
}
