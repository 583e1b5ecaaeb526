//! `FetcherProcess`: runs `mesos-fetcher` for a container and can kill it.
//!
//! Mirrors `FetcherProcess` in `src/slave/containerizer/fetcher.cpp`.

use super::uri::{validate_output_file, validate_uri};
use crate::Flags;
use ::process::host::{Command, Follow, Host, Io, OsPid};
use ::process::{Context, Future, Nothing, defer, defer_any};
use actix::{Actor, Handler, Message};
use mesos::fetcher::FetcherInfo;
use mesos::fetcher::fetcher_info::{Item, item};
use mesos::status::{wstringify, wsucceeded};
use mesos::{CommandInfo, ContainerId, DurationInfo, json};
use slog::{Logger, debug, warn};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The program that downloads, in the launcher directory.
pub const MESOS_FETCHER: &str = "mesos-fetcher";

const SIGKILL: i32 = 9;

/// Asks for a command's URIs.
#[doc(alias = "FetcherProcess::fetch")]
pub struct Fetch {
    /// For whom; see [`Kill`].
    pub container: ContainerId,
    /// Whose `uris` to fetch.
    pub command: CommandInfo,
    /// Where to.
    pub sandbox: PathBuf,
    /// Who shall own the files; the command's own user goes first.
    pub user: Option<String>,
}

impl Message for Fetch {
    type Result = Future<Nothing>;
}

/// Ends the fetching for a container.
#[doc(alias = "FetcherProcess::kill")]
pub struct Kill(
    /// The container.
    pub ContainerId,
);

impl Message for Kill {
    type Result = ();
}

/// Runs one `mesos-fetcher` for each container that has something to fetch.
pub struct FetcherProcess {
    flags: Flags,
    host: Arc<dyn Host>,
    log: Logger,
    #[doc(alias = "subprocessPids")]
    subprocess_pids: BTreeMap<ContainerId, OsPid>,
}

impl Actor for FetcherProcess {
    type Context = Context<Self>;

    /// Upstream's destructor: no fetcher program outlives the fetcher.
    fn stopped(&mut self, _: &mut Context<Self>) {
        for (container, pid) in std::mem::take(&mut self.subprocess_pids) {
            debug!(self.log, "Killing the fetcher for container '{container}'");
            let _ = self.host.killtree(pid, SIGKILL, Follow::default());
        }
    }
}

::process::process!(FetcherProcess);

impl Handler<Fetch> for FetcherProcess {
    type Result = Future<Nothing>;

    fn handle(&mut self, message: Fetch, ctx: &mut Context<Self>) -> Future<Nothing> {
        self.fetch(ctx, message)
    }
}

impl Handler<Kill> for FetcherProcess {
    type Result = ();

    fn handle(&mut self, Kill(container): Kill, _: &mut Context<Self>) {
        self.kill(&container);
    }
}

impl FetcherProcess {
    pub(super) fn new(flags: Flags, host: Arc<dyn Host>, log: Logger) -> Self {
        FetcherProcess { flags, host, log, subprocess_pids: BTreeMap::new() }
    }

    /// Checks the URIs and starts fetching. The steps in between (`_fetch`, `__fetch`) are those of
    /// the cache.
    fn fetch(&mut self, ctx: &mut Context<Self>, message: Fetch) -> Future<Nothing> {
        let Fetch { container, command, sandbox, user } = message;
        if let Err(error) = validate_uris(&command) {
            return Future::failed(format!("Could not fetch: {error}"));
        }
        let user = command.user.clone().or(user);
        self.run(ctx, container, &command, &sandbox, user.as_deref())
    }

    /// Creates the sandbox's output files and runs the fetcher program, if there is something to
    /// fetch.
    #[doc(alias = "FetcherProcess::run")]
    fn run(
        &mut self,
        ctx: &mut Context<Self>,
        container: ContainerId,
        command: &CommandInfo,
        sandbox: &Path,
        user: Option<&str>,
    ) -> Future<Nothing> {
        let (stdout, stderr) = (sandbox.join("stdout"), sandbox.join("stderr"));
        for (name, path) in [("stdout", &stdout), ("stderr", &stderr)] {
            if let Err(error) = self.host.touch(path, user) {
                return Future::failed(format!("Failed to create '{name}' file: {error}"));
            }
        }
        if command.uris.is_empty() {
            return Future::ready(Nothing);
        }

        let mut info = json::to_value(&self.info(command, sandbox, user));
        // As upstream, which keeps the members of an object in a map.
        info.sort_all_objects();
        let environment = BTreeMap::from([
            ("LIBPROCESS_IP".to_owned(), "127.0.0.1".to_owned()),
            ("MESOS_FETCHER_INFO".to_owned(), info.to_string()),
        ]);
        let program = self.flags.launcher_dir.join(MESOS_FETCHER).to_string_lossy().into_owned();
        let command = Command {
            environment: Some(environment),
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
        self.subprocess_pids.insert(container.clone(), subprocess.pid());

        let (failed, done) = (container.clone(), container.clone());
        let log = self.log.clone();
        let fetched = subprocess.status().then(defer!(ctx.pid(), Self::fetched, |_, _, status| {
            Self::fetched(&container, status)
        }));
        fetched.on_failed(move |message| {
            warn!(log, "Fetching for container '{failed}' failed: {message}";
                "fetcher log" => stderr.display());
        });
        fetched.on_any(defer_any!(ctx.pid(), Self::forget, |this, _, _| this.forget(&done)));
        fetched
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

    fn kill(&mut self, container: &ContainerId) {
        if let Some(pid) = self.subprocess_pids.remove(container) {
            debug!(self.log, "Killing the fetcher for container '{container}'");
            // Best effort: it may have ended by itself.
            if let Err(error) = self.host.killtree(pid, SIGKILL, Follow::default()) {
                debug!(self.log, "The fetcher could not be killed: {error}"; "pid" => pid);
            }
        }
    }

    fn info(&self, command: &CommandInfo, sandbox: &Path, user: Option<&str>) -> FetcherInfo {
        let items = command.uris.iter().map(|uri| Item {
            uri: uri.clone(),
            action: item::Action::BypassCache.into(),
            cache_filename: None,
        });
        let stall = self.flags.fetcher_stall_timeout.as_nanos();
        // Users do not share what is cached.
        let mut cache_directory = self.flags.fetcher_cache_dir.clone();
        cache_directory.extend(user);
        FetcherInfo {
            sandbox_directory: sandbox.to_string_lossy().into_owned(),
            cache_directory: Some(cache_directory.to_string_lossy().into_owned()),
            items: items.collect(),
            user: user.map(str::to_owned),
            frameworks_home: self
                .flags
                .frameworks_home
                .as_ref()
                .map(|home| home.to_string_lossy().into_owned()),
            stall_timeout: Some(DurationInfo {
                nanoseconds: i64::try_from(stall).unwrap_or(i64::MAX),
            }),
        }
    }
}

fn validate_uris(command: &CommandInfo) -> Result<(), String> {
    for uri in &command.uris {
        validate_uri(&uri.value)?;
        if let Some(output_file) = &uri.output_file {
            validate_output_file(output_file)?;
        }
    }
    Ok(())
}
