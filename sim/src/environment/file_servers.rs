//! Servers of files, and what they say of their files' sizes.

use super::faults::Fault;
use super::operations::Operations;
use containerizer::fetcher::Net;
use parking_lot::Mutex;
use process::simulated::ContextId;
use process::{Future, Label, Promise};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const HEAD: Label = Label::plain("FileServers", "content_length");

/// From a question about a file to its answer.
const LATENCY: Duration = Duration::from_millis(20);

/// A file that is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServedFile {
    /// Its size in bytes.
    pub size: u64,
    /// Whether the server keeps the size to itself.
    pub unsaid: bool,
    /// How often its size was asked for.
    pub asked: u32,
    /// How often its download has begun.
    pub downloads: u32,
}

struct Shared {
    operations: Operations,
    context: ContextId,
    files: Mutex<BTreeMap<String, ServedFile>>,
}

/// All servers of files there are; a cheap handle to them.
#[derive(Clone)]
pub struct FileServers(Arc<Shared>);

impl FileServers {
    /// Servers without a file.
    pub fn new(operations: &Operations) -> Self {
        FileServers(Arc::new(Shared {
            operations: operations.clone(),
            context: operations.add_context("file servers"),
            files: Mutex::default(),
        }))
    }

    /// Serves a file of this size.
    pub fn serve(&self, uri: impl Into<String>, size: u64) {
        self.0.files.lock().entry(uri.into()).or_default().size = size;
    }

    /// Serves a file of this size without saying how large it is.
    pub fn serve_silently(&self, uri: impl Into<String>, size: u64) {
        let mut files = self.0.files.lock();
        let file = files.entry(uri.into()).or_default();
        (file.size, file.unsaid) = (size, true);
    }

    /// What became of the file of this URI.
    pub fn file(&self, uri: &str) -> Option<ServedFile> {
        self.0.files.lock().get(uri).copied()
    }

    /// The size of a file that is now downloaded.
    pub(super) fn download(&self, uri: &str) -> Option<u64> {
        let mut files = self.0.files.lock();
        let file = files.get_mut(uri)?;
        file.downloads += 1;
        Some(file.size)
    }

    fn announce(&self, uri: &str) -> Result<u64, String> {
        let size = {
            let mut files = self.0.files.lock();
            let file = files.get_mut(uri).ok_or("No URL content-length available")?;
            file.asked += 1;
            if file.unsaid {
                return Err("No URL content-length available".to_owned());
            }
            file.size
        };
        match self.0.operations.inject("file server", uri, &[Fault::SizeFail, Fault::SizeWrong]) {
            Some(Fault::SizeFail) => Err("No URL content-length available".to_owned()),
            Some(_) => Ok((size / 2).max(1)),
            None => Ok(size),
        }
    }
}

impl Net for FileServers {
    fn content_length(&self, uri: &str) -> Future<u64> {
        let promise = Promise::new();
        let future = promise.future();
        let (servers, uri) = (self.clone(), uri.to_owned());
        self.0.operations.schedule_about(self.0.context, HEAD, LATENCY, move || {
            match servers.announce(&uri) {
                Ok(size) => promise.set(size),
                Err(error) => promise.fail(error),
            };
        });
        future
    }
}
