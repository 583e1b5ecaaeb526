//! Says how far something long is.

use crate::log::log;
use process::{Time, clock};
use std::time::Duration;

/// How often.
const INTERVAL: Duration = Duration::from_secs(5);

/// Counts bytes, and says now and then how many there were.
pub struct Progress {
    /// `Fetched`, `Extracted`; empty for what is only counted.
    done: &'static str,
    what: String,
    bytes: u64,
    of: Option<u64>,
    reported: Time,
}

impl Progress {
    /// Nothing yet of `what`.
    pub fn new(done: &'static str, what: &str) -> Self {
        Progress { done, what: what.to_owned(), bytes: 0, of: None, reported: clock::now() }
    }

    /// Only counts: something else says how far it is.
    pub fn silent() -> Self {
        Progress::new("", "")
    }

    /// How much there will be.
    pub fn expect(&mut self, bytes: u64) {
        self.of = Some(bytes);
    }

    /// So much more.
    pub fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        // It goes on while a machine's clock is set back.
        let now = clock::now();
        if now - self.reported >= INTERVAL && !self.done.is_empty() {
            self.reported = now;
            let of = self.of.map(|bytes| format!(" of {bytes}")).unwrap_or_default();
            log!(Info, "{} {}{of} bytes of '{}'", self.done, self.bytes, self.what);
        }
    }

    /// How much there was.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
