//! `FetcherProcess`: finds out what of a command's URIs is cached, or will be, and has the rest
//! fetched.
//!
//! Mirrors `FetcherProcess` in `src/slave/containerizer/fetcher.cpp`.

use super::cache::Cache;
use super::entry::Entry;
use super::metrics::Metrics;
use super::net::Net;
use super::run::SIGKILL;
use super::size::Sizes;
use super::uri::{validate_output_file, validate_uri};
use crate::Flags;
use ::process::future::await_all;
use ::process::host::{Follow, Host, OsPid};
use ::process::{Context, Future, Nothing, defer};
use actix::{Actor, Handler, Message};
use mesos::command_info::Uri;
use mesos::fetcher::fetcher_info::item::Action;
use mesos::fetcher::fetcher_info::{Item, item};
use mesos::{CommandInfo, ContainerId};
use slog::{Logger, debug, error, warn};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

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

/// For whom and where to something is fetched.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) container: ContainerId,
    pub(super) sandbox: PathBuf,
    pub(super) cache_directory: PathBuf,
    pub(super) user: Option<String>,
}

/// The URIs of a command, each with its entry of the cache, if it is to go through the cache: one
/// that is to come at first, then one that is there or must be downloaded.
// differs: upstream's map has the URIs in any order; these have the command's.
type Entries<E> = Vec<(Uri, Option<E>)>;

/// Runs one `mesos-fetcher` for each container that has something to fetch, and keeps what may be
/// cached for the next one.
pub struct FetcherProcess {
    pub(super) flags: Flags,
    pub(super) host: Arc<dyn Host>,
    pub(super) log: Logger,
    #[doc(alias = "subprocessPids")]
    pub(super) subprocess_pids: BTreeMap<ContainerId, OsPid>,
    sizes: Sizes,
    cache: Cache,
    metrics: Metrics,
}

impl Actor for FetcherProcess {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.metrics.add();
    }

    /// Upstream's destructor: no fetcher program outlives the fetcher.
    fn stopped(&mut self, _: &mut Context<Self>) {
        for (container, pid) in std::mem::take(&mut self.subprocess_pids) {
            debug!(self.log, "Killing the fetcher for container '{container}'");
            let _ = self.host.killtree(pid, SIGKILL, Follow::default());
        }
        self.metrics.remove();
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
    pub(super) fn new(
        flags: Flags,
        host: Arc<dyn Host>,
        net: Arc<dyn Net>,
        metrics: Metrics,
        log: Logger,
    ) -> Self {
        let used = metrics.cache_size_used_bytes.clone();
        let space = flags.fetcher_cache_size.as_u64();
        FetcherProcess {
            sizes: Sizes { host: Arc::clone(&host), net, log: log.clone() },
            cache: Cache::new(space, Arc::clone(&host), used, log.clone()),
            flags,
            host,
            log,
            subprocess_pids: BTreeMap::new(),
            metrics,
        }
    }

    /// What is cached. Tests ask it for its size and its space; they look at its files themselves.
    #[doc(alias = "FetcherProcess::cacheSize")]
    #[doc(alias = "FetcherProcess::availableCacheSpace")]
    #[doc(alias = "FetcherProcess::cacheFiles")]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Checks the URIs, and finds the entries of those that are to be cached, or makes them.
    fn fetch(&mut self, ctx: &mut Context<Self>, message: Fetch) -> Future<Nothing> {
        let Fetch { container, command, sandbox, user } = message;
        debug!(
            self.log,
            "Starting to fetch URIs for container: {container}, directory: {}",
            sandbox.display()
        );
        if let Err(error) = validate_uris(&command) {
            self.metrics.task_fetches_failed.increment();
            return Future::failed(format!("Could not fetch: {error}"));
        }
        let user = command.user.clone().or(user);
        // Users do not share what is cached.
        let mut cache_directory = self.flags.fetcher_cache_dir.clone();
        cache_directory.extend(&user);
        let target = Target { container, sandbox, cache_directory, user };

        // Without an entry a URI goes past the cache. An entry is there at once, or comes when
        // another fetch has downloaded it, or when there is room for it.
        let mut entries = Entries::new();
        // Those that this fetch makes: waiting for their download would be waiting for itself.
        let mut new = BTreeMap::<String, Arc<Entry>>::new();
        for uri in command.uris {
            let entry = uri.cache().then(|| self.entry(ctx, &target, &uri, &mut new));
            // As in upstream's map: of equal URIs there is one, with the entry that came last.
            match entries.iter_mut().find(|(known, _)| *known == uri) {
                Some((_, known)) => *known = entry,
                None => entries.push((uri, entry)),
            }
        }
        self.await_entries(ctx, entries, target)
    }

    /// The entry of a URI that is to be cached.
    fn entry(
        &mut self,
        ctx: &mut Context<Self>,
        target: &Target,
        uri: &Uri,
        new: &mut BTreeMap<String, Arc<Entry>>,
    ) -> Future<Arc<Entry>> {
        if let Some(entry) = new.get(&uri.value) {
            entry.reference();
            return Future::ready(Arc::clone(entry));
        }
        let user = target.user.as_deref();
        if let Some(entry) = self.cache.get(user, &uri.value) {
            entry.reference();
            return entry
                .completion()
                .then(defer!(ctx.pid(), Self::fetch, |_, _, _| Future::ready(entry)));
        }
        let entry = self.cache.create(&target.cache_directory, user, uri);
        new.insert(uri.value.clone(), Arc::clone(&entry));
        entry.reference();
        let size = self.sizes.ask(&uri.value, &self.flags);
        size.then(defer!(ctx.pid(), Self::reserve_cache_space, |this, _, size| {
            this.reserve_cache_space(size, &entry)
        }))
    }

    /// Waits until it is known of each URI whether it goes through the cache.
    #[doc(alias = "FetcherProcess::_fetch")]
    fn await_entries(
        &mut self,
        ctx: &mut Context<Self>,
        entries: Entries<Future<Arc<Entry>>>,
        target: Target,
    ) -> Future<Nothing> {
        let futures = entries.iter().filter_map(|(_, entry)| entry.clone()).collect();
        await_all(futures).then(defer!(ctx.pid(), Self::fetch_entries, |this, ctx, _| {
            let entries = entries.into_iter().map(|(uri, entry)| {
                let entry = entry.and_then(|entry| this.entry_if_ready(&uri, &entry));
                (uri, entry)
            });
            let entries = entries.collect();
            this.fetch_entries(ctx, entries, &target)
        }))
    }

    fn entry_if_ready(&self, uri: &Uri, entry: &Future<Arc<Entry>>) -> Option<Arc<Entry>> {
        if let Some(entry) = entry.get() {
            return Some(Arc::clone(entry));
        }
        warn!(
            self.log,
            "Reverting to fetching directly into the sandbox for '{}', due to failure to fetch \
             through the cache, with error: {}",
            uri.value,
            entry.failure().unwrap_or("discarded")
        );
        None
    }

    /// Runs the fetcher's program, and says what became of the entries that it downloads.
    #[doc(alias = "FetcherProcess::__fetch")]
    fn fetch_entries(
        &mut self,
        ctx: &mut Context<Self>,
        entries: Entries<Arc<Entry>>,
        target: &Target,
    ) -> Future<Nothing> {
        let mut items = Vec::with_capacity(entries.len());
        for (uri, entry) in &entries {
            let action = match entry {
                None => Action::BypassCache,
                // This fetch has made it: it would have waited for that of another.
                Some(entry) if entry.completion().is_pending() => Action::DownloadAndCache,
                Some(entry) if entry.completion().is_ready() => Action::RetrieveFromCache,
                // differs: upstream aborts. That is how a URI is met that the command has twice,
                // not quite equal, when its size cannot be told: the second did not wait for that.
                Some(_) => Action::BypassCache,
            };
            let cached = entry.as_ref().filter(|_| action != Action::BypassCache);
            items.push(Item {
                uri: uri.clone(),
                action: item::Action::into(action),
                cache_filename: cached.map(|entry| entry.filename.clone()),
            });
        }
        let used: Vec<Arc<Entry>> = entries.into_iter().filter_map(|(_, entry)| entry).collect();
        let failed = used.clone();
        let info = self.info(items, target);
        self.run(ctx, target, &info)
            .repair(defer!(ctx.pid(), Self::fetch_failed, |this, _, run| {
                this.fetch_failed(&run, &failed);
                // Whoever asked is told, too.
                run
            }))
            .then(defer!(ctx.pid(), Self::fetch_succeeded, |this, _, done| {
                this.fetch_succeeded(&used);
                Future::ready(done)
            }))
    }

    fn fetch_failed(&mut self, run: &Future<Nothing>, entries: &[Arc<Entry>]) {
        self.metrics.task_fetches_failed.increment();
        error!(self.log, "Failed to run mesos-fetcher: {}", run.failure().unwrap_or_default());
        for entry in entries {
            entry.unreference();
            if entry.completion().is_pending() {
                // Not downloaded, or not all of it.
                entry.fail();
                self.cache.remove_or_warn(entry);
            }
        }
    }

    fn fetch_succeeded(&mut self, entries: &[Arc<Entry>]) {
        self.metrics.task_fetches_succeeded.increment();
        for entry in entries {
            entry.unreference();
            if !entry.completion().is_pending() {
                continue;
            }
            match self.cache.adjust(entry) {
                Ok(()) => {
                    entry.complete();
                }
                Err(error) => {
                    warn!(
                        self.log,
                        "Failed to adjust the cache size for entry '{}' with error: {error}",
                        entry.key
                    );
                    // This task has what it wants; the next one has to fetch it again.
                    entry.fail();
                    self.cache.remove_or_warn(entry);
                }
            }
        }
    }

    /// Claims space for an entry of this size. When there is none, or the size is not known, those
    /// who wait for the entry have to do without.
    #[doc(alias = "FetcherProcess::reserveCacheSpace")]
    fn reserve_cache_space(
        &mut self,
        requested: Result<u64, String>,
        entry: &Arc<Entry>,
    ) -> Future<Arc<Entry>> {
        let key = &entry.key;
        let requested = requested.map_err(|error| {
            format!("Could not determine size of cache file for '{key}' with error: {error}")
        });
        let reserved = requested.and_then(|size| {
            self.cache
                .reserve(size)
                .map(|()| size)
                .map_err(|error| format!("Failed to reserve space in the cache: {error}"))
        });
        match reserved {
            Err(error) => {
                entry.fail();
                self.cache.remove_or_warn(entry);
                Future::failed(error)
            }
            Ok(size) => {
                debug!(self.log, "Claiming fetcher cache space for: {key}");
                self.cache.claim_space(size);
                // Only now, and always: what has a size has space.
                entry.set_size(size);
                Future::ready(Arc::clone(entry))
            }
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
