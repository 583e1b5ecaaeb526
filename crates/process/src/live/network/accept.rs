//! Accepting connections.

use super::deadline::Deadline;
use super::{Network, serve};
use crate::remote::counters;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long to wait when the operating system has no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until no more are to be taken.
pub(super) async fn accept(
    network: Arc<Network>,
    listener: TcpListener,
    mut refuse: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            _ = refuse.changed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(&network, stream, peer),
            Err(error) => {
                counters::connection_refused("somebody", error);
                Deadline::after(PAUSE).passed().await;
            }
        }
    }
}

/// Counts a connection as long as it lives.
struct Admitted(Arc<Network>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

fn admit(network: &Arc<Network>, stream: TcpStream, peer: SocketAddr) {
    let open = network.connections.fetch_add(1, Ordering::Relaxed);
    let admitted = Admitted(Arc::clone(network));
    if open >= network.limits.connections {
        counters::connection_refused(peer, format_args!("{open} connections are open"));
        // The descriptor is closed at once: an answer would have to be waited for.
        return;
    }
    counters::accepted();
    // Answers are small and wanted soon. Without this they are merely slower.
    let _ = stream.set_nodelay(true);
    let stop = network.stop.subscribe();
    tokio::spawn(async move {
        serve::serve(&admitted.0, stream, peer, stop).await;
    });
}
