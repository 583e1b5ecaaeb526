//! How large a download will be, asked before it begins.

use super::hdfs::Hdfs;
use super::net::Net;
use super::uri::{is_net_uri, uri_to_local_path};
use crate::Flags;
use ::process::host::Host;
use ::process::{Future, async_};
use slog::{Logger, debug};
use std::sync::Arc;

/// Whom to ask for the size of a URI.
pub(super) struct Sizes {
    pub(super) host: Arc<dyn Host>,
    pub(super) net: Arc<dyn Net>,
    pub(super) log: Logger,
}

impl Sizes {
    /// The size of a URI in bytes: always ready in the end, with the reason if it cannot be told.
    pub(super) fn ask(&self, uri: &str, flags: &Flags) -> Future<Result<u64, String>> {
        debug!(self.log, "Fetching size for URI: {uri}");
        self.fetch_size(uri, flags)
            .map(|size| Ok(*size))
            .recover(|size| Future::ready(Err(size.failure().unwrap_or("discarded").to_owned())))
    }

    /// Mirrors `fetchSize` in `src/slave/containerizer/fetcher.cpp`.
    #[doc(alias = "fetchSize")]
    // differs: upstream's blocks a thread that others wait for until the server has answered.
    fn fetch_size(&self, uri: &str, flags: &Flags) -> Future<u64> {
        let home = flags.frameworks_home.as_deref();
        match uri_to_local_path(uri, home) {
            Err(error) => return Future::failed(error),
            Ok(Some(path)) => {
                let host = Arc::clone(&self.host);
                let size = async_(move || {
                    host.size(&path, true).map_err(|error| {
                        format!(
                            "Could not determine file size for: '{}', error: {error}",
                            path.display()
                        )
                    })
                });
                return size.then(|size| match size {
                    Ok(size) => Future::ready(*size),
                    Err(error) => Future::failed(error.as_str()),
                });
            }
            Ok(None) => {}
        }
        if is_net_uri(uri) {
            let named = uri.to_owned();
            return self.net.content_length(uri).then(move |size| match size {
                0 => Future::failed(format!("URI reported content-length 0: {named}")),
                size => Future::ready(*size),
            });
        }
        let client = Hdfs::create(Arc::clone(&self.host), flags.hadoop_home.as_deref());
        let client = client.repair(|client| {
            let why = client.failure().unwrap_or_default();
            Future::failed(format!("Failed to create HDFS client: {why}"))
        });
        let uri = uri.to_owned();
        client.then(move |client| {
            client.du(&uri).repair(|size| {
                let why = size.failure().unwrap_or_default();
                Future::failed(format!("Hadoop client could not determine size: {why}"))
            })
        })
    }
}
