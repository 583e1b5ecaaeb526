//! `http://` and `https://` URIs.

use super::speed::{Speed, TICK};
use crate::progress::Progress;
use crate::sink::{Placement, Sink};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use std::error::Error;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// As many redirections as curl follows.
const MAX_REDIRECTIONS: usize = 30;

/// A client, and what runs it.
pub struct Net {
    runtime: Runtime,
    client: Client,
}

impl Net {
    /// A client, and a thread's worth of runtime.
    pub fn new() -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| no_client(&error))?;
        Ok(Net { runtime, client: client()? })
    }

    /// Mirrors `net::download` in `stout/net.hpp`.
    #[doc(alias = "net::download")]
    pub fn download(
        &self,
        uri: &str,
        path: &Path,
        placement: Placement,
        stall_timeout: Option<Duration>,
    ) -> Result<(), String> {
        self.runtime.block_on(async {
            let mut watch = Watch::new(stall_timeout);
            let response = watch.until(0, self.client.get(uri).send()).await?;
            // Redirections have been followed.
            if response.status() != StatusCode::OK {
                return Err(format!(
                    "Error downloading resource, received HTTP return code {}",
                    response.status().as_u16()
                ));
            }
            let mut sink = Sink::create(path, placement, 0o644, Progress::new("Fetched", uri))?;
            receive(response, &mut watch, &mut sink).await?;
            sink.finish()
        })
    }
}

/// A client that trusts what the machine trusts, or whom `SSL_CERT_FILE` says.
pub fn client() -> Result<Client, String> {
    // Fails when there is one already, which does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A machine without any certificates can still use http:// URIs.
    let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
    client.map_err(|error| no_client(&error))
}

fn no_client(error: &dyn Error) -> String {
    format!("Failed to start an HTTP client: {}", whole(error))
}

fn builder() -> ClientBuilder {
    Client::builder()
        .redirect(Policy::limited(MAX_REDIRECTIONS))
        .user_agent(concat!("drydock/", env!("CARGO_PKG_VERSION")))
}

async fn receive(mut response: Response, watch: &mut Watch, sink: &mut Sink) -> Result<(), String> {
    if let Some(size) = response.content_length() {
        sink.expect(size);
    }
    while let Some(data) = watch.until(sink.bytes(), response.chunk()).await? {
        sink.write(&data)?;
    }
    Ok(())
}

/// Ends what has stalled.
struct Watch {
    start: Instant,
    speed: Option<Speed>,
    timeout: Duration,
    /// When the speed is to be measured again.
    next: Instant,
}

impl Watch {
    fn new(timeout: Option<Duration>) -> Self {
        let start = Instant::now();
        let speed = Speed::new(timeout, Duration::ZERO);
        Watch { start, speed, timeout: timeout.unwrap_or_default(), next: start + TICK }
    }

    /// Waits for something while there are so many bytes.
    async fn until<T>(
        &mut self,
        bytes: u64,
        work: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, String> {
        let mut work = pin!(work);
        loop {
            let result = tokio::time::timeout_at(self.next, &mut work).await;
            let now = Instant::now();
            if now >= self.next {
                self.next = now + TICK;
                let now = now - self.start;
                if self.speed.as_mut().is_some_and(|speed| speed.has_stalled(now, bytes)) {
                    return Err(format!(
                        "Error downloading resource: Timeout was reached: less than a byte a \
                         second for {}s",
                        self.timeout.as_secs()
                    ));
                }
            }
            if let Ok(result) = result {
                return result
                    .map_err(|error| format!("Error downloading resource: {}", whole(&error)));
            }
        }
    }
}

/// An error and its causes: the first alone says only which step failed.
pub fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text += &format!(": {more}");
        }
        cause = error.source();
    }
    text
}
