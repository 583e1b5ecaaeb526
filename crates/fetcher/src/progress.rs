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
        if let Some(line) = self.line(bytes, clock::now()) {
            log!(Info, "{line}");
        }
    }

    /// So much more, at `now`: what is to be said of it, if it is time again.
    fn line(&mut self, bytes: u64, now: Time) -> Option<String> {
        self.bytes += bytes;
        // It goes on while a machine's clock is set back.
        if now - self.reported < INTERVAL || self.done.is_empty() {
            return None;
        }
        self.reported = now;
        let of = self.of.map(|bytes| format!(" of {bytes}")).unwrap_or_default();
        Some(format!("{} {}{of} bytes of '{}'", self.done, self.bytes, self.what))
    }

    /// How much there was.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_five_seconds_something_is_said() {
        let mut progress = Progress::new("Fetched", "http://host/a");
        let begin = progress.reported;
        let mut said = Vec::new();
        for second in 1..=12 {
            if second == 7 {
                progress.expect(1200);
            }
            let line = progress.line(100, begin + Duration::from_secs(second));
            said.extend(line.map(|line| (second, line)));
        }
        let expected = [
            (5, "Fetched 500 bytes of 'http://host/a'".to_owned()),
            (10, "Fetched 1000 of 1200 bytes of 'http://host/a'".to_owned()),
        ];
        assert_eq!(said, expected);
        assert_eq!(progress.bytes(), 1200);
        let late = begin + Duration::from_secs(60);
        assert_eq!(Progress::silent().line(1, late), None);
    }
}
