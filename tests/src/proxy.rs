//! An HTTP proxy before the registry that limits rates, injects faults and counts.
//!
//! It runs on a thread of its own, so that a test may block. Content is streamed, never held as a
//! whole. Only loopback, only HTTP/1.1, one upstream connection for each request.
//!
//! Words: a *transfer* is the answer to one `GET` of a blob. It is in flight from the moment the
//! registry has answered until its last byte was handed on or one of the two sides has gone. When
//! the client goes, the connection to the registry is closed at the same moment.
//!
//! Uploads pass through unchanged, not limited and not counted as transfers; the registry must
//! use relative URLs for them, as [`crate::registry`] does.

mod fault;
mod forward;
mod pace;
mod stats;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use fault::Faults;
use pace::Pace;

pub use fault::{Fault, FaultGuard, Target};
pub use stats::{BlobStats, Stats};

/// A condition did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("not within {limit:?}: {what}; the proxy's counters: {stats:#?}")]
pub struct WaitError {
    /// What was waited for.
    pub what: String,
    /// For how long.
    pub limit: Duration,
    /// The counters at the end.
    pub stats: Box<Stats>,
}

/// What the handle, the connections and the guards share.
struct Shared {
    upstream: SocketAddr,
    stats: watch::Sender<Stats>,
    faults: Faults,
    pace: Pace,
    // What the header `Authorization` must be.
    authorization: Mutex<Option<&'static str>>,
}

/// A running proxy. Dropping it closes all its connections.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    // Both are taken by `drop`.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy on a loopback port that the system chooses, before `upstream`.
    pub fn start(upstream: SocketAddr) -> io::Result<Proxy> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            stats: watch::Sender::default(),
            faults: Faults::default(),
            pace: Pace::default(),
            authorization: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serving = shared.clone();
        let thread = std::thread::Builder::new().name("proxy".into()).spawn(move || {
            // The connections' tasks end with the runtime.
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    error = serve(listener, serving) => eprintln!("proxy: {error}"),
                }
            });
        })?;
        Ok(Proxy { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The registry part of the name of an image that is to be pulled through it.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Limits all transfers together to so many bytes a second, from now on; `None` lifts it.
    pub fn limit_total(&self, bytes_per_second: Option<u64>) {
        self.shared.pace.limit_total(bytes_per_second);
    }

    /// Limits each transfer to so many bytes a second, from now on; `None` lifts it.
    pub fn limit_each(&self, bytes_per_second: Option<u64>) {
        self.shared.pace.limit_each(bytes_per_second);
    }

    /// From now on every request needs this as its header `Authorization`, `Basic dTpw` for the
    /// user `u` with the password `p`; others are refused with 401, and counted so.
    pub fn require_authorization(&self, authorization: &'static str) {
        *self.shared.authorization.lock() = Some(authorization);
    }

    /// From now on `fault` befalls each request that `target` matches, until the guard is
    /// dropped. Of two faults of a kind that match, the one injected first acts.
    pub fn inject(&self, target: Target, fault: Fault) -> FaultGuard {
        self.shared.faults.add(target, fault, None)
    }

    /// As [`Proxy::inject`], but only for the first `times` requests that match.
    pub fn inject_times(&self, target: Target, fault: Fault, times: u32) -> FaultGuard {
        self.shared.faults.add(target, fault, Some(times))
    }

    /// The counters, as they are now.
    pub fn stats(&self) -> Stats {
        self.shared.stats.borrow().clone()
    }

    /// Waits until the counters satisfy `condition` and returns them; `what` says in the error
    /// what was expected. Every change of a counter is seen. Needs a tokio runtime with time.
    pub async fn wait_until(
        &self,
        what: &str,
        limit: Duration,
        condition: impl FnMut(&Stats) -> bool,
    ) -> Result<Stats, WaitError> {
        let mut stats = self.shared.stats.subscribe();
        let satisfied = async {
            let seen = stats.wait_for(condition).await;
            seen.expect("this proxy holds the sender").clone()
        };
        let outcome = tokio::time::timeout(limit, satisfied).await;
        outcome.map_err(|_| WaitError {
            what: what.to_owned(),
            limit,
            stats: Box::new(self.stats()),
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It prints its own panic.
            let _ = thread.join();
        }
    }
}

/// Accepts connections for ever; returns only the error that stops it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Error {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => return error,
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| forward::answer(request, shared.clone()));
            // A connection that breaks is what the tests are about: the counters tell.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
