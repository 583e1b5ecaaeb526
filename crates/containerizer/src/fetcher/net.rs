//! The `Net` port: what the agent itself asks of servers of files.

use ::process::Future;

/// Servers of files, as far as the agent asks them; the fetcher's program downloads by itself.
pub trait Net: Send + Sync + 'static {
    /// How many bytes a download of an `http`, `https`, `ftp` or `ftps` URI would bring. Fails when
    /// the server cannot be asked or does not say.
    #[doc(alias = "net::contentLength")]
    fn content_length(&self, uri: &str) -> Future<u64>;
}

/// No servers: for hosts whose tasks' URIs are not to be cached. A URI whose size cannot be told is
/// fetched past the cache.
pub struct NoNet;

impl Net for NoNet {
    fn content_length(&self, uri: &str) -> Future<u64> {
        Future::failed(format!("Nobody can be asked for the size of '{uri}' here"))
    }
}
