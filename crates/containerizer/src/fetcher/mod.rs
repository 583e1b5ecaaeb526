//! The fetcher: brings a task's URIs into its sandbox, and keeps those that may be cached.
//!
//! Mirrors `src/slave/containerizer/fetcher.{hpp,cpp}`.
//!
//! ```text
//!  fetch ─▶ each URI to be cached: an entry that is there │ is being downloaded │ is made:
//!             size?  Host (files), Net (http), Hdfs (the rest)
//!             reserve: evict what was not used for longest and nobody needs
//!  await_entries ─▶ fetch_entries ─▶ run: mesos-fetcher, told what to take from where
//!                                     ├─ well: sizes adjusted, entries complete
//!                                     └─ not: entries fail, their files are removed
//! ```
//!
//! Whatever goes wrong with the cache, the URI is fetched past it.

mod cache;
mod entry;
mod hdfs;
mod metrics;
mod net;
mod process;
mod run;
mod size;
mod uri;

pub use self::process::{Fetch, FetcherProcess, Kill};
pub use cache::{CACHE_FILE_NAME_PREFIX, Cache};
pub use entry::Entry;
pub use hdfs::{Hdfs, hadoop_client, normalize};
pub use metrics::Metrics;
pub use net::{Net, NoNet};
pub use run::MESOS_FETCHER;
pub use uri::{basename, is_net_uri, uri_to_local_path, validate_output_file, validate_uri};

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
    metrics: Metrics,
}

impl Fetcher {
    /// Starts the fetcher's process, with an empty cache: what an earlier agent had cached is
    /// deleted, as nobody knows any more what of it is whole.
    ///
    /// # Errors
    ///
    /// When the cache's directory cannot be deleted; upstream aborts.
    #[doc(alias = "Fetcher::Fetcher")]
    pub fn spawn(
        flags: &Flags,
        host: Arc<dyn Host>,
        net: Arc<dyn Net>,
        log: slog::Logger,
    ) -> Result<Self, String> {
        let directory = &flags.fetcher_cache_dir;
        if host.exists(directory) {
            host.remove_directory(directory).map_err(|error| {
                format!(
                    "Could not delete fetcher cache directory '{}': {error}",
                    directory.display()
                )
            })?;
        }
        let metrics = Metrics::new(flags.fetcher_cache_size.as_u64());
        let process = FetcherProcess::new(flags.clone(), host, net, metrics.clone(), log);
        Ok(Fetcher { process: spawn(generate_id("fetcher"), process), metrics })
    }

    /// Its process.
    pub fn process(&self) -> &Pid<FetcherProcess> {
        &self.process
    }

    /// What it counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
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
