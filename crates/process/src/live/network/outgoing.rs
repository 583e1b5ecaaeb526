//! One connection that this program has opened: what goes out.

use super::Network;
use super::deadline::Deadline;
use crate::remote::counters;
use bytes::BytesMut;
use parking_lot::Mutex;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

/// How long to wait for the peer to take all and close, once there is nothing more to send.
const LINGER: Duration = Duration::from_secs(5);

/// How much of what comes back is read at once, to be thrown away. Upstream: the same.
const IGNORED: usize = 80 * 1024;

#[derive(Default)]
pub(super) struct Queue {
    pub(super) unsent: BytesMut,
    /// How many messages that is.
    pub(super) messages: u64,
    /// Nothing is taken any more.
    pub(super) closed: bool,
}

impl Queue {
    /// Swaps what is unsent for a buffer that is empty, and says how many messages it is; `None`
    /// when the queue is closed.
    fn take(&mut self, empty: &mut BytesMut) -> Option<u64> {
        if self.closed {
            return None;
        }
        if self.unsent.is_empty() {
            // Nothing is kept while there is nothing to send: links idle for days.
            self.unsent = BytesMut::new();
            *empty = BytesMut::new();
        }
        std::mem::swap(&mut self.unsent, empty);
        Some(std::mem::take(&mut self.messages))
    }
}

/// A connection to another program.
pub(super) struct Outgoing {
    pub(super) id: u64,
    pub(super) address: String,
    /// It is there for a link, and not just until its queue is empty.
    pub(super) persistent: bool,
    pub(super) queue: Mutex<Queue>,
    /// There is something to send.
    pub(super) wake: Notify,
    /// It was closed.
    closing: Notify,
}

impl Outgoing {
    pub(super) fn new(id: u64, address: &str, persistent: bool) -> Arc<Self> {
        Arc::new(Outgoing {
            id,
            address: address.to_owned(),
            persistent,
            queue: Mutex::default(),
            wake: Notify::new(),
            closing: Notify::new(),
        })
    }

    /// Ends the connection; what was not sent is lost.
    pub(super) fn close(&self) -> u64 {
        let lost = {
            let mut queue = self.queue.lock();
            queue.closed = true;
            queue.unsent = BytesMut::new();
            std::mem::take(&mut queue.messages)
        };
        self.closing.notify_one();
        lost
    }
}

/// Why a connection ended.
enum End {
    /// There was nothing more to send on it.
    Done,
    /// Somebody has closed it.
    Closed,
    /// It could not be made, or broke.
    Broken(String),
}

/// Connects, sends what is queued, and tells the network when it is over.
pub(super) async fn run(network: Arc<Network>, connection: Arc<Outgoing>) {
    let mut stop = network.stop.subscribe();
    let end = tokio::select! {
        end = converse(&network, &connection) => end,
        () = connection.closing.notified() => End::Closed,
        _ = stop.changed() => End::Closed,
    };
    let reason = match end {
        End::Done => return,
        End::Closed => "it was closed".to_owned(),
        End::Broken(reason) => reason,
    };
    network.sockets.closed(&connection, &reason);
}

async fn converse(network: &Network, connection: &Outgoing) -> End {
    let stream = match TcpStream::connect(&*connection.address).await {
        Ok(stream) => stream,
        Err(error) => {
            counters::connect_failed(&connection.address, &error);
            return End::Broken(error.to_string());
        }
    };
    // Messages are small and wanted soon. Without this they are merely slower.
    let _ = stream.set_nodelay(true);
    let (mut read, mut write) = stream.into_split();
    let end = tokio::select! {
        end = send(network, connection, &mut write) => end,
        reason = ignore(&mut read) => End::Broken(reason),
    };
    if let End::Done = end {
        // To close while answers are unread would reset the connection, and the peer could lose
        // what it has not read yet. If it is gone already there is nobody to tell.
        let _ = write.shutdown().await;
        tokio::select! {
            _ = ignore(&mut read) => {}
            () = async { Deadline::after(LINGER).passed().await } => {}
        }
    }
    end
}

/// Reads and throws away, until the peer closes or the connection breaks.
///
/// Mirrors `ignore_recv_data` in `3rdparty/libprocess/src/process.cpp`.
#[doc(alias = "ignore_recv_data")]
async fn ignore(read: &mut OwnedReadHalf) -> String {
    let mut data = BytesMut::new();
    loop {
        if let Err(error) = read.readable().await {
            return error.to_string();
        }
        data.reserve(IGNORED);
        match read.try_read_buf(&mut data) {
            Ok(0) => return "the peer has closed it".to_owned(),
            Ok(_) => data.clear(),
            // A buffer only while something comes: links idle for days.
            Err(error) if error.kind() == ErrorKind::WouldBlock => data = BytesMut::new(),
            Err(error) => return error.to_string(),
        }
    }
}

async fn send(network: &Network, connection: &Outgoing, write: &mut OwnedWriteHalf) -> End {
    let mut batch = BytesMut::new();
    loop {
        // The buffers change places: one is filled while the other is written.
        let messages = connection.queue.lock().take(&mut batch);
        let Some(messages) = messages else { return End::Closed };
        if batch.is_empty() {
            if !connection.persistent && network.sockets.dispose(connection) {
                return End::Done;
            }
            connection.wake.notified().await;
            continue;
        }
        if let Err(error) = write.write_all(&batch).await {
            return broken(connection, messages, &error.to_string());
        }
        batch.clear();
    }
}

fn broken(connection: &Outgoing, messages: u64, reason: &str) -> End {
    counters::lost(messages, &connection.address, reason);
    End::Broken(reason.to_owned())
}
