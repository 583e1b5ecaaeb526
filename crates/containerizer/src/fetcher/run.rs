//! The fetcher's program: what it is told, how it is run, and how it is killed.

use super::process::{FetcherProcess, Target};
use ::process::host::{Command, Follow, Io};
use ::process::{Context, Future, Nothing, defer, defer_any};
use mesos::fetcher::FetcherInfo;
use mesos::fetcher::fetcher_info::Item;
use mesos::status::{wstringify, wsucceeded};
use mesos::{ContainerId, DurationInfo, json};
use slog::{debug, warn};
use std::collections::BTreeMap;

/// The program that downloads, in the launcher directory.
pub const MESOS_FETCHER: &str = "mesos-fetcher";

pub(super) const SIGKILL: i32 = 9;

/// What of Mesos's own variables the program may see: how to log.
const WHITELIST: [&str; 6] = [
    "MESOS_EXTERNAL_LOG_FILE",
    "MESOS_INITIALIZE_DRIVER_LOGGING",
    "MESOS_LOG_DIR",
    "MESOS_LOGBUFSECS",
    "MESOS_LOGGING_LEVEL",
    "MESOS_QUIET",
];

impl FetcherProcess {
    pub(super) fn info(&self, items: Vec<Item>, target: &Target) -> FetcherInfo {
        let stall = self.flags.fetcher_stall_timeout.as_nanos();
        let home = self.flags.frameworks_home.as_ref();
        FetcherInfo {
            sandbox_directory: target.sandbox.to_string_lossy().into_owned(),
            cache_directory: Some(target.cache_directory.to_string_lossy().into_owned()),
            items,
            user: target.user.clone(),
            frameworks_home: home.map(|home| home.to_string_lossy().into_owned()),
            stall_timeout: Some(DurationInfo {
                nanoseconds: i64::try_from(stall).unwrap_or(i64::MAX),
            }),
        }
    }

    /// Creates the sandbox's output files and runs the fetcher program, if there is something to
    /// fetch.
    #[doc(alias = "FetcherProcess::run")]
    pub(super) fn run(
        &mut self,
        ctx: &mut Context<Self>,
        target: &Target,
        info: &FetcherInfo,
    ) -> Future<Nothing> {
        let (stdout, stderr) = (target.sandbox.join("stdout"), target.sandbox.join("stderr"));
        for (name, path) in [("stdout", &stdout), ("stderr", &stderr)] {
            if let Err(error) = self.host.touch(path, target.user.as_deref()) {
                return Future::failed(format!("Failed to create '{name}' file: {error}"));
            }
        }
        if info.items.is_empty() {
            return Future::ready(Nothing);
        }

        let program = self.flags.launcher_dir.join(MESOS_FETCHER).to_string_lossy().into_owned();
        let command = Command {
            environment: Some(self.environment(info)),
            stdin: Io::Null,
            stdout: Io::Path(stdout),
            stderr: Io::Path(stderr.clone()),
            ..Command::new(program.clone(), [program])
        };
        let subprocess = match self.host.subprocess(command, Vec::new()) {
            Ok(subprocess) => subprocess,
            Err(error) => {
                return Future::failed(format!("Failed to execute mesos-fetcher: {error}"));
            }
        };
        // Remembered so that a destroy can kill it; forgotten once it has ended.
        let container = &target.container;
        self.subprocess_pids.insert(container.clone(), subprocess.pid());

        let (named, failed, done) = (container.clone(), container.clone(), container.clone());
        let log = self.log.clone();
        let fetched = subprocess
            .status()
            .then(defer!(ctx.pid(), Self::fetched, |_, _, status| Self::fetched(&named, status)));
        fetched.on_failed(move |message| {
            warn!(log, "Fetching for container '{failed}' failed: {message}";
                "fetcher log" => stderr.display());
        });
        fetched.on_any(defer_any!(ctx.pid(), Self::forget, |this, _, _| this.forget(&done)));
        fetched
    }

    /// The agent's environment without what concerns the agent alone, and what to fetch.
    fn environment(&self, info: &FetcherInfo) -> BTreeMap<String, String> {
        let may_see = |name: &str| {
            WHITELIST.contains(&name.to_uppercase().as_str())
                || !(name.starts_with("LIBPROCESS_") || name.starts_with("MESOS_"))
        };
        let mut environment = self.host.environment();
        environment.retain(|name, _| may_see(name));
        let mut info = json::to_value(info);
        // As upstream, which keeps the members of an object in a map.
        info.sort_all_objects();
        environment.insert("MESOS_FETCHER_INFO".to_owned(), info.to_string());
        if let Some(home) = &self.flags.hadoop_home {
            environment.insert("HADOOP_HOME".to_owned(), home.to_string_lossy().into_owned());
        }
        environment.insert("LIBPROCESS_IP".to_owned(), "127.0.0.1".to_owned());
        environment
    }

    /// What the fetcher program's end means.
    fn fetched(container: &ContainerId, status: Option<i32>) -> Future<Nothing> {
        match status {
            None => Future::failed("No status available from mesos-fetcher"),
            Some(status) if !wsucceeded(status) => Future::failed(format!(
                "Failed to fetch all URIs for container '{container}': {}",
                wstringify(status)
            )),
            Some(_) => Future::ready(Nothing),
        }
    }

    fn forget(&mut self, container: &ContainerId) {
        self.subprocess_pids.remove(container);
    }

    pub(super) fn kill(&mut self, container: &ContainerId) {
        if let Some(pid) = self.subprocess_pids.remove(container) {
            debug!(self.log, "Killing the fetcher for container '{container}'");
            // Best effort: it may have ended by itself.
            if let Err(error) = self.host.killtree(pid, SIGKILL, Follow::default()) {
                debug!(self.log, "The fetcher could not be killed: {error}"; "pid" => pid);
            }
        }
    }
}
