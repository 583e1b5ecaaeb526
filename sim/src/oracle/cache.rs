//! I-CACHE: what must hold of the fetcher's cache once nobody fetches any more.

use super::Violation;
use crate::environment::host::{Node, SimHost};
use crate::environment::{FetcherProgram, fetcher};
use containerizer::fetcher::Fetcher;
use std::path::Path;

/// How the cause begins of what goes wrong with a URI that is named twice.
pub const TWICE: &str = "a command names a URI twice: ";

/// A fetcher, and where its cache is.
pub struct CacheUnderTest<'a> {
    /// The fetcher.
    pub fetcher: &'a Fetcher,
    /// Its program.
    pub program: &'a FetcherProgram,
    /// The machine they run on.
    pub host: &'a SimHost,
    /// The cache's directory.
    pub directory: &'a Path,
    /// Whether some command named one URI twice: upstream's own cache does not survive that.
    pub named_twice: bool,
}

impl CacheUnderTest<'_> {
    /// What the program was told and must never be: checked at any time.
    pub fn check_program(&self, violations: &mut Vec<Violation>) {
        for complaint in self.program.complaints() {
            violations.push(self.violation(complaint, complaint));
        }
    }

    fn violation(&self, cause: &str, message: impl Into<String>) -> Violation {
        let twice = if self.named_twice { TWICE } else { "" };
        Violation::new("I-CACHE", format!("{twice}{cause}"), message)
    }

    /// What lies in the cache when nobody fetches.
    pub fn check_files(&self, violations: &mut Vec<Violation>) {
        let mut bytes = 0;
        for (path, node) in self.host.files() {
            let Node::File { content, .. } = node else { continue };
            if !Path::new(&path).starts_with(self.directory) {
                continue;
            }
            bytes += content.len();
            if fetcher::is_partial(&content) {
                violations.push(self.violation(
                    "the cache keeps a partial file",
                    format!("{path} is what a download has left that did not come to its end"),
                ));
            }
        }
        let metrics = self.fetcher.metrics();
        let bytes = bytes as f64;
        let (total, used) =
            (metrics.cache_size_total_bytes.get(), metrics.cache_size_used_bytes.get());
        if bytes > total {
            violations.push(self.violation(
                "the cache is larger than it may be",
                format!("{bytes} bytes are cached, {total} may be"),
            ));
        }
        if used > bytes {
            violations.push(self.violation(
                "the cache counts space that nothing takes",
                format!("{used} bytes are counted, {bytes} are there: the rest is lost for good"),
            ));
        }
        if used < bytes {
            violations.push(self.violation(
                "the cache does not count all it has",
                format!("{bytes} bytes are there, {used} are counted"),
            ));
        }
    }
}
