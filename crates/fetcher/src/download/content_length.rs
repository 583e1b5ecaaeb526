//! How large a download would be: what an agent asks before it caches something.

use super::net::{client, whole};
use containerizer::fetcher::Net;
use process::live;
use process::{Future, Promise};
use reqwest::Client;
use reqwest::header::CONTENT_LENGTH;

/// Servers of files in the real world, asked by HEAD requests.
pub struct LiveNet {
    client: Client,
}

impl LiveNet {
    /// A client that trusts what the machine trusts.
    ///
    /// # Errors
    ///
    /// When the machine's certificates cannot be used, nor none.
    pub fn new() -> Result<Self, String> {
        Ok(LiveNet { client: client()? })
    }
}

impl Net for LiveNet {
    /// Mirrors `net::contentLength` in `stout/net.hpp`: redirections are followed, and what a
    /// server says with an error counts as well.
    fn content_length(&self, uri: &str) -> Future<u64> {
        // differs: upstream's library speaks FTP, the one here does not.
        if uri.starts_with("ftp") {
            return Future::failed("FTP is not supported");
        }
        let (promise, request) = (Promise::new(), self.client.head(uri));
        let future = promise.future();
        drop(live::io().spawn(async move {
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) => {
                    promise.fail(whole(&error));
                    return;
                }
            };
            // Of the header: the response to a HEAD request has no body to ask for its length.
            let length = response.headers().get(CONTENT_LENGTH);
            match length.and_then(|length| length.to_str().ok()?.trim().parse().ok()) {
                Some(length) => promise.set(length),
                None => promise.fail("No URL content-length available"),
            };
        }));
        future
    }
}
