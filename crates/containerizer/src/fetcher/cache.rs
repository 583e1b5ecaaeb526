//! The cache: which URIs have a file, how much space they take, and which of them go first.
//!
//! Mirrors `FetcherProcess::Cache` in `src/slave/containerizer/fetcher.cpp`. All of it runs in the
//! fetcher's process, so that nothing happens between two steps of one function.

use super::entry::Entry;
use super::uri::basename;
use ::process::host::Host;
use ::process::metrics::PushGauge;
use mesos::command_info::Uri;
use slog::{Logger, debug, warn};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What the names of all its files begin with.
pub const CACHE_FILE_NAME_PREFIX: &str = "c";

/// How many characters of a URI's own name a file's name repeats whole; of a longer one it has both
/// ends.
const NAME_LENGTH: usize = 20;

/// The bookkeeping of the cache.
#[doc(alias = "FetcherProcess::Cache")]
pub struct Cache {
    host: Arc<dyn Host>,
    log: Logger,
    /// How many bytes it may take.
    space: u64,
    /// How many bytes are claimed.
    tally: u64,
    /// The last number that a file's name had.
    #[doc(alias = "filenameSerial")]
    filename_serial: u64,
    table: BTreeMap<String, Arc<Entry>>,
    /// The least recently used first.
    #[doc(alias = "lruSortedEntries")]
    lru_sorted_entries: Vec<Arc<Entry>>,
    /// Told of the tally.
    used: PushGauge,
}

impl Cache {
    pub(super) fn new(space: u64, host: Arc<dyn Host>, used: PushGauge, log: Logger) -> Self {
        Cache {
            host,
            log,
            space,
            tally: 0,
            filename_serial: 0,
            table: BTreeMap::new(),
            lru_sorted_entries: Vec::new(),
            used,
        }
    }

    /// A name for the file of this URI that no other file has. It ends as the URI does, because the
    /// ending tells how to extract an archive, and begins so that people can tell what it is.
    #[doc(alias = "FetcherProcess::Cache::nextFilename")]
    fn next_filename(&mut self, uri: &Uri) -> String {
        // Checked before anything is fetched; without a name of its own it is still unique.
        let name = basename(&uri.value).unwrap_or_default();
        let characters: Vec<char> = name.chars().collect();
        let name = if characters.len() > NAME_LENGTH {
            let (head, tail) =
                (&characters[..NAME_LENGTH / 2], &characters[characters.len() - NAME_LENGTH / 2..]);
            let mut name: String = head.iter().collect();
            name.push('_');
            name.extend(tail);
            name
        } else {
            name.to_owned()
        };
        self.filename_serial += 1;
        format!("{CACHE_FILE_NAME_PREFIX}{}-{name}", self.filename_serial)
    }

    /// Makes an entry, the most recently used one, for a URI that has none.
    #[doc(alias = "FetcherProcess::Cache::create")]
    pub(super) fn create(&mut self, directory: &Path, user: Option<&str>, uri: &Uri) -> Arc<Entry> {
        let key = cache_key(user, &uri.value);
        let filename = self.next_filename(uri);
        debug!(self.log, "Created cache entry '{key}' with file: {filename}");
        let entry = Arc::new(Entry::new(key.clone(), directory.to_owned(), filename));
        self.table.insert(key, Arc::clone(&entry));
        self.lru_sorted_entries.push(Arc::clone(&entry));
        entry
    }

    /// The entry of this user and URI, which becomes the most recently used one. One whose file has
    /// disappeared is removed instead.
    #[doc(alias = "FetcherProcess::Cache::get")]
    pub(super) fn get(&mut self, user: Option<&str>, uri: &str) -> Option<Arc<Entry>> {
        let entry = Arc::clone(self.table.get(&cache_key(user, uri))?);
        if entry.completion().is_ready()
            && let Err(problem) = self.validate(&entry)
        {
            warn!(self.log, "Validation failed: '{problem}'. Removing cache entry...");
            self.remove_or_warn(&entry);
            return None;
        }
        self.forget_use(&entry);
        self.lru_sorted_entries.push(Arc::clone(&entry));
        Some(entry)
    }

    fn forget_use(&mut self, entry: &Arc<Entry>) {
        self.lru_sorted_entries.retain(|other| !Arc::ptr_eq(other, entry));
    }

    /// Whether this very entry is in the cache.
    #[doc(alias = "FetcherProcess::Cache::contains")]
    pub(super) fn contains(&self, entry: &Arc<Entry>) -> bool {
        self.table.get(&entry.key).is_some_and(|found| Arc::ptr_eq(found, entry))
    }

    /// Forgets an entry, deletes its file, whole or in part, and releases its space.
    ///
    /// That is for one whose size is not known, whose download has failed, that is evicted, or
    /// whose file has disappeared. Nobody downloads it any more then, but some may wait for it
    /// still who do not know yet that it has failed.
    ///
    /// # Errors
    ///
    /// When the file stays: then its space stays claimed. And for an entry that is not in the
    /// cache.
    #[doc(alias = "FetcherProcess::Cache::remove")]
    pub(super) fn remove(&mut self, entry: &Arc<Entry>) -> Result<(), String> {
        let key = &entry.key;
        debug!(self.log, "Removing cache entry '{key}' with filename: {}", entry.filename);
        // differs: upstream aborts.
        if !self.contains(entry) {
            return Err(format!("The cache has no such entry any more: '{key}'"));
        }
        self.table.remove(key);
        self.forget_use(entry);

        let path = entry.path();
        if self.host.exists(&path) {
            self.host.remove(&path).map_err(|error| {
                format!(
                    "Could not delete fetcher cache file '{}' with error: {error} for entry \
                     '{key}', leaking cache space: {}B",
                    path.display(),
                    entry.size()
                )
            })?;
        }
        // Space was claimed for it exactly if it has a size.
        if entry.size() > 0 {
            self.release_space(entry.size());
            entry.set_size(0);
        }
        Ok(())
    }

    /// [`remove`](Self::remove), where nothing depends on it. differs: upstream drops the error.
    pub(super) fn remove_or_warn(&mut self, entry: &Arc<Entry>) {
        if let Err(problem) = self.remove(entry) {
            warn!(self.log, "{problem}");
        }
    }

    /// The least recently used entries that nobody needs and that take at least so much space
    /// together.
    #[doc(alias = "FetcherProcess::Cache::selectVictims")]
    fn select_victims(&self, required: u64) -> Result<Vec<Arc<Entry>>, String> {
        let (mut victims, mut space) = (Vec::new(), 0_u64);
        for entry in self.lru_sorted_entries.iter().filter(|entry| !entry.is_referenced()) {
            victims.push(Arc::clone(entry));
            space = space.saturating_add(entry.size());
            if space >= required {
                return Ok(victims);
            }
        }
        Err("Could not find enough cache files to evict".to_owned())
    }

    /// Makes room for so many bytes, by evictions if need be.
    ///
    /// # Errors
    ///
    /// When too much is in use, or a file cannot be deleted.
    #[doc(alias = "FetcherProcess::Cache::reserve")]
    pub(super) fn reserve(&mut self, requested: u64) -> Result<(), String> {
        let available = self.available_space();
        if available >= requested {
            return Ok(());
        }
        let missing = requested - available;
        debug!(self.log, "Freeing up fetcher cache space for: {missing}B");
        let victims = self
            .select_victims(missing)
            .map_err(|_| "Could not free up enough fetcher cache space".to_owned())?;
        victims.iter().try_for_each(|victim| self.remove(victim))
    }

    #[doc(alias = "FetcherProcess::Cache::validate")]
    fn validate(&self, entry: &Entry) -> Result<(), String> {
        debug!(
            self.log,
            "Validating cache entry '{}' with filename: {}", entry.key, entry.filename
        );
        if self.host.exists(&entry.path()) {
            return Ok(());
        }
        Err(format!("Cache file does not exist: {}", entry.filename))
    }

    /// Gives back what was claimed for a file that turned out to be smaller than announced.
    ///
    /// # Errors
    ///
    /// For a file that is larger, or that is not there.
    #[doc(alias = "FetcherProcess::Cache::adjust")]
    pub(super) fn adjust(&mut self, entry: &Arc<Entry>) -> Result<(), String> {
        let (key, path) = (&entry.key, entry.path());
        // differs: upstream aborts.
        if !self.contains(entry) {
            return Err(format!("The cache has no such entry any more: '{key}'"));
        }
        let size = self.host.size(&path, false).map_err(|_| {
            format!("Fetcher cache file for '{key}' disappeared from: {}", path.display())
        })?;
        let expected = entry.size();
        if size > expected {
            self.warn_of_size(entry, "larger", size - expected);
            return Err(format!("More cache size now necessary, not adjusting {key}"));
        }
        if size < expected {
            self.warn_of_size(entry, "smaller", expected - size);
        }
        entry.set_size(size);
        self.release_space(expected - size);
        Ok(())
    }

    #[doc(alias = "delta")]
    fn warn_of_size(&self, entry: &Entry, how: &str, by: u64) {
        warn!(
            self.log,
            "URI download result for '{}' is {how} than expected by {by}B at: {}",
            entry.key,
            entry.path().display()
        );
    }

    /// How many entries there are.
    #[doc(alias = "FetcherProcess::Cache::size")]
    pub fn size(&self) -> usize {
        self.table.len()
    }

    /// Counts so many bytes as used.
    #[doc(alias = "FetcherProcess::Cache::claimSpace")]
    pub(super) fn claim_space(&mut self, bytes: u64) {
        self.set_tally(self.tally.saturating_add(bytes));
        if self.tally > self.space {
            // Tolerated: the disk may have room. It ends when entries go.
            self.warn_of_overflow();
        }
        debug!(self.log, "Claimed cache space: {bytes}B, now using: {}B", self.tally);
    }

    #[doc(alias = "FetcherProcess::Cache::releaseSpace")]
    fn release_space(&mut self, bytes: u64) {
        // No more than was claimed is ever released: an entry's size is what was claimed for it.
        // Upstream aborts where it would be.
        self.set_tally(self.tally.saturating_sub(bytes));
        debug!(self.log, "Released cache space: {bytes}B, now using: {}B", self.tally);
    }

    fn set_tally(&mut self, bytes: u64) {
        self.tally = bytes;
        self.used.set(bytes as f64);
    }

    /// How many bytes may be used.
    #[doc(alias = "FetcherProcess::Cache::totalSpace")]
    pub fn total_space(&self) -> u64 {
        self.space
    }

    /// How many bytes are.
    #[doc(alias = "FetcherProcess::Cache::usedSpace")]
    pub fn used_space(&self) -> u64 {
        self.tally
    }

    /// How many bytes are left.
    #[doc(alias = "FetcherProcess::Cache::availableSpace")]
    pub fn available_space(&self) -> u64 {
        if self.tally > self.space {
            self.warn_of_overflow();
        }
        self.space.saturating_sub(self.tally)
    }

    fn warn_of_overflow(&self) {
        warn!(
            self.log,
            "Fetcher cache space overflow - space used: {}B, exceeds total fetcher cache space: \
             {}B",
            self.tally,
            self.space
        );
    }
}

/// Users do not share what is cached.
#[doc(alias = "cacheKey")]
fn cache_key(user: Option<&str>, uri: &str) -> String {
    match user {
        Some(user) => format!("{user}@{uri}"),
        None => uri.to_owned(),
    }
}
