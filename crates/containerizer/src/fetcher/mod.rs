//! The fetcher: brings a task's URIs into its sandbox.
//!
//! Mirrors `src/slave/containerizer/fetcher.{hpp,cpp}` without the cache.

mod process;
mod uri;

pub use self::process::{Fetch, FetcherProcess, Kill, MESOS_FETCHER};
pub use uri::{basename, validate_output_file, validate_uri};

use crate::Flags;
use ::process::host::Host;
use ::process::{Future, Nothing, Pid, generate_id, spawn};
use mesos::{CommandInfo, ContainerId};
use std::path::Path;
use std::sync::Arc;

/// A handle to the fetcher's process.
#[derive(Clone)]
pub struct Fetcher {
    process: Pid<FetcherProcess>,
}

impl Fetcher {
    /// Starts the fetcher's process.
    pub fn spawn(flags: &Flags, host: Arc<dyn Host>, log: slog::Logger) -> Self {
        let process = FetcherProcess::new(flags.clone(), host, log);
        Fetcher { process: spawn(generate_id("fetcher"), process) }
    }

    /// Downloads the command's URIs into the sandbox, and creates the sandbox's `stdout` and
    /// `stderr`, owned by `user` if given. Fails when one URI cannot be fetched.
    #[doc(alias = "Fetcher::fetch")]
    pub fn fetch(
        &self,
        container: &ContainerId,
        command: &CommandInfo,
        sandbox: &Path,
        user: Option<&str>,
    ) -> Future<Nothing> {
        self.process.dispatch(Fetch {
            container: container.clone(),
            command: command.clone(),
            sandbox: sandbox.to_owned(),
            user: user.map(str::to_owned),
        })
    }

    /// Kills the program that fetches for this container, if one does.
    #[doc(alias = "Fetcher::kill")]
    pub fn kill(&self, container: &ContainerId) {
        self.process.tell(Kill(container.clone()));
    }
}
