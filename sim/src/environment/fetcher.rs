//! `mesos-fetcher` in a simulated world: what it is told, and what it does to files.

use super::faults::Fault;
use super::file_servers::FileServers;
use super::host::{Node, SimHost, is_ignored_by_default};
use super::operations::{OpId, Operations};
use containerizer::fetcher::{MESOS_FETCHER, basename, is_net_uri, uri_to_local_path};
use mesos::fetcher::FetcherInfo;
use mesos::fetcher::fetcher_info::Item;
use mesos::fetcher::fetcher_info::item::Action;
use parking_lot::Mutex;
use process::Label;
use process::host::{Command, Host, Program, Running};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const FETCH: Label = Label::plain("Fetcher", "fetch");

/// How long one URI takes.
const DURATION: Duration = Duration::from_millis(200);

/// What is in a file: all of it, or what a download has brought so far.
const WHOLE: u8 = b'x';
const PARTIAL: u8 = b'p';

/// The fetcher's program, to be registered with a [`SimHost`] under
/// [`MESOS_FETCHER`]. Each URI takes 200 ms; a download into
/// the cache makes its file at once, and completes it at its end. [`Fault::FetchFail`] ends it with
/// status 1 before the end of its first URI, [`Fault::FetchStall`] stops it there.
#[derive(Clone)]
pub struct FetcherProgram {
    operations: Operations,
    host: SimHost,
    servers: FileServers,
    complaints: Arc<Mutex<Vec<&'static str>>>,
}

impl FetcherProgram {
    /// The program for this host.
    pub fn new(operations: &Operations, host: &SimHost, servers: &FileServers) -> Self {
        FetcherProgram {
            operations: operations.clone(),
            host: host.clone(),
            servers: servers.clone(),
            complaints: Arc::default(),
        }
    }

    /// What no fetcher may ever be told, and was.
    pub fn complaints(&self) -> Vec<&'static str> {
        self.complaints.lock().clone()
    }
}

/// Whether a file is what a download has left that did not come to its end.
pub fn is_partial(content: &[u8]) -> bool {
    content.contains(&PARTIAL)
}

/// One running instance.
struct Job {
    program: FetcherProgram,
    info: FetcherInfo,
    running: Arc<dyn Running>,
    /// What it has downloaded into the cache.
    downloaded: Mutex<Vec<PathBuf>>,
    /// The step that comes next; `None` once it has ended.
    next: Mutex<Option<OpId>>,
}

impl Program for FetcherProgram {
    fn start(&self, what: &Command, running: Arc<dyn Running>) -> Box<dyn Fn(i32) + Send + Sync> {
        let environment = what.environment.as_ref();
        let text = environment.and_then(|it| it.get("MESOS_FETCHER_INFO"));
        let Some(info) = text.and_then(|text| mesos::json::parse::<FetcherInfo>(text).ok()) else {
            running.exit(1 << 8);
            return Box::new(|_| {});
        };
        let job = Arc::new(Job {
            program: self.clone(),
            info,
            running,
            downloaded: Mutex::default(),
            next: Mutex::default(),
        });
        let faults = [Fault::FetchFail, Fault::FetchStall];
        let fault = self.operations.inject("program", MESOS_FETCHER, &faults);
        Job::begin(&job, 0, fault);
        Box::new(move |signal| {
            if !is_ignored_by_default(signal) {
                job.exit(signal);
            }
        })
    }
}

impl Job {
    /// Begins with the URI of this number, or ends well after the last one.
    fn begin(job: &Arc<Job>, number: usize, fault: Option<Fault>) {
        let Some(item) = job.info.items.get(number) else {
            job.exit(0);
            return;
        };
        if let Err(status) = job.begin_item(item) {
            job.exit(status);
            return;
        }
        let (operations, context) = (&job.program.operations, job.program.host.context());
        let then = Arc::clone(job);
        let end = move || {
            if fault == Some(Fault::FetchFail) {
                then.exit(1 << 8);
            } else {
                then.end_item(number);
                Job::begin(&then, number + 1, None);
            }
        };
        let next = match fault {
            Some(Fault::FetchStall) => operations.hold(context, FETCH, end),
            _ => operations.schedule(context, FETCH, DURATION, end),
        };
        *job.next.lock() = Some(next);
    }

    /// Checks what it is told, and begins with a download. An error is the status to exit with.
    fn begin_item(&self, item: &Item) -> Result<(), i32> {
        const FAILED: i32 = 1 << 8;
        match (item.action(), self.cache_file(item)) {
            (Action::BypassCache, _) => {
                self.size(&item.uri.value).ok_or(FAILED)?;
                Ok(())
            }
            (_, None) => self.complain("the fetcher was given no name of a cached file"),
            (Action::DownloadAndCache, Some(path)) => {
                if self.downloaded.lock().contains(&path) {
                    // A URI that the command names more than once.
                    return Ok(());
                }
                if self.program.host.exists(&path) {
                    return self.complain("a cached file is downloaded twice");
                }
                self.downloaded.lock().push(path.clone());
                let directory = path.parent().unwrap_or(Path::new("/"));
                self.program.host.mkdir(directory).map_err(|_| FAILED)?;
                let size = self.size(&item.uri.value).ok_or(FAILED)?;
                self.write(&path, PARTIAL, (size / 2).max(1));
                Ok(())
            }
            (Action::RetrieveFromCache, Some(path)) => match self.program.host.read(&path) {
                Ok(content) if !is_partial(&content) => Ok(()),
                Ok(_) => self.complain("a cached file is used before it is whole"),
                Err(_) => self.complain("a cached file is gone while it is in use"),
            },
        }
    }

    fn complain(&self, what: &'static str) -> Result<(), i32> {
        self.program.complaints.lock().push(what);
        Err(1 << 8)
    }

    /// Completes the item of this number.
    fn end_item(&self, number: usize) {
        let Some(item) = self.info.items.get(number) else { return };
        let uri = &item.uri;
        let cached = self.cache_file(item);
        let size = match (item.action(), &cached) {
            (Action::RetrieveFromCache, Some(path)) => self.program.host.size(path, true).ok(),
            _ => self.known_size(&uri.value),
        };
        let Some(size) = size else { return };
        if let (Action::DownloadAndCache, Some(path)) = (item.action(), &cached) {
            self.write(path, WHOLE, size);
        }
        let name = uri.output_file.as_deref().or_else(|| basename(&uri.value).ok());
        if let Some(name) = name {
            self.write(&self.sandbox().join(name), WHOLE, size);
        }
    }

    /// Where in the cache an item's file is.
    fn cache_file(&self, item: &Item) -> Option<PathBuf> {
        let directory = Path::new(self.info.cache_directory.as_ref()?);
        Some(directory.join(item.cache_filename.as_ref()?))
    }

    /// The sandbox, wherever the link to it leads.
    fn sandbox(&self) -> PathBuf {
        let path = PathBuf::from(&self.info.sandbox_directory);
        match self.program.host.node(&path) {
            Some(Node::Link(target)) => target,
            _ => path,
        }
    }

    /// The size of a download that begins.
    fn size(&self, uri: &str) -> Option<u64> {
        if is_net_uri(uri) { self.program.servers.download(uri) } else { self.known_size(uri) }
    }

    /// The size of a download.
    fn known_size(&self, uri: &str) -> Option<u64> {
        let home = self.info.frameworks_home.as_deref().map(Path::new);
        match uri_to_local_path(uri, home) {
            Ok(Some(path)) => self.program.host.size(&path, true).ok(),
            _ => self.program.servers.file(uri).map(|file| file.size),
        }
    }

    fn write(&self, path: &Path, filling: u8, size: u64) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.program.host.put(path, &vec![filling; size]);
    }

    fn exit(&self, status: i32) {
        if let Some(next) = self.next.lock().take() {
            self.program.operations.cancel(next);
        }
        self.running.exit(status);
    }
}
