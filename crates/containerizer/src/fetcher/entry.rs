//! One file of the cache, and who uses it.

use ::process::{Future, Nothing, Promise};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file of the cache: perhaps there already, perhaps being downloaded. Shared by the cache and
/// by all fetches that wait for it or use it; one that the cache has forgotten lives on with them.
///
/// Mirrors `FetcherProcess::Cache::Entry` in `src/slave/containerizer/fetcher_process.hpp`.
#[doc(alias = "FetcherProcess::Cache::Entry")]
pub struct Entry {
    /// Whose URI it is: unique in the cache.
    pub key: String,
    /// Where the file is.
    pub directory: PathBuf,
    /// Its name, unlike that of all others.
    pub filename: String,
    // Only the fetcher's process reads and writes these two: what could race is ordered by its
    // mailbox.
    size: AtomicU64,
    references: AtomicU64,
    promise: Promise<Nothing>,
}

impl Entry {
    pub(super) fn new(key: String, directory: PathBuf, filename: String) -> Self {
        Entry {
            key,
            directory,
            filename,
            size: AtomicU64::new(0),
            references: AtomicU64::new(0),
            promise: Promise::new(),
        }
    }

    /// Where its file is.
    #[doc(alias = "FetcherProcess::Cache::Entry::path")]
    pub fn path(&self) -> PathBuf {
        self.directory.join(&self.filename)
    }

    /// How much space the cache has claimed for it, in bytes: 0 until it has.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    pub(super) fn set_size(&self, size: u64) {
        self.size.store(size, Ordering::Relaxed);
    }

    /// The file is there.
    #[doc(alias = "FetcherProcess::Cache::Entry::complete")]
    pub(super) fn complete(&self) -> bool {
        self.promise.set(Nothing)
    }

    /// The file will not be there; whoever waits has to do without. `false` when the entry had been
    /// completed or failed before, where upstream aborts.
    #[doc(alias = "FetcherProcess::Cache::Entry::fail")]
    pub(super) fn fail(&self) -> bool {
        self.promise.fail(format!("Could not download to fetcher cache: {}", self.key))
    }

    /// Ready once the file is there; failed when it will not be.
    #[doc(alias = "FetcherProcess::Cache::Entry::completion")]
    pub fn completion(&self) -> Future<Nothing> {
        self.promise.future()
    }

    /// One fetch more that must find it.
    #[doc(alias = "FetcherProcess::Cache::Entry::reference")]
    pub(super) fn reference(&self) {
        self.references.fetch_add(1, Ordering::Relaxed);
    }

    /// One fetch less.
    #[doc(alias = "FetcherProcess::Cache::Entry::unreference")]
    pub(super) fn unreference(&self) {
        let less = |references: u64| references.checked_sub(1);
        // A counter that has come to zero stays there: upstream aborts.
        let _ = self.references.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Whether some fetch must find it: then it is not evicted.
    #[doc(alias = "FetcherProcess::Cache::Entry::isReferenced")]
    pub fn is_referenced(&self) -> bool {
        self.references.load(Ordering::Relaxed) > 0
    }
}
