//! One connection that another program has opened: what comes in.

use super::answers::{Owed, answer};
use super::deadline::{self, Deadline};
use super::{Network, handle};
use crate::http::{Response, StatusCode};
use crate::remote::{Decoder, Refusal, counters};
use bytes::BytesMut;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

/// How much is read at once. Upstream: the same.
const READ: usize = 80 * 1024;

/// Bodies below this size do not need room of their own while they arrive.
const UNACCOUNTED: usize = 64 * 1024;

/// Why a connection is not read from any longer.
enum End {
    /// The peer has closed it, or it broke: nobody waits for answers.
    Gone,
    /// The last answer is on its way.
    Said,
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    network: &Arc<Network>,
    stream: TcpStream,
    peer: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let (read, write) = stream.into_split();
    let (owe, owed) = mpsc::channel(network.limits.pipelined);
    let (leave, left) = watch::channel(false);
    let writer = tokio::spawn(answer(write, owed, left, network.limits.request));
    let receiver = Receiver {
        network: Arc::clone(network),
        peer,
        read,
        owe: owe.clone(),
        decoder: Decoder::new(network.limits.clone()),
        input: BytesMut::new(),
        held: None,
        deadline: None,
    };
    let end = tokio::select! {
        // Answers cannot be sent any more: the peer does not read them.
        () = owe.closed() => End::Gone,
        _ = stop.changed() => End::Gone,
        end = receiver.run() => end,
    };
    if matches!(end, End::Gone) {
        // The writer may be gone, too.
        let _ = leave.send(true);
    }
    drop(owe);
    // It ends: it has no more to do, or it was told to leave.
    let _ = writer.await;
}

struct Receiver {
    network: Arc<Network>,
    peer: SocketAddr,
    read: OwnedReadHalf,
    owe: mpsc::Sender<Owed>,
    decoder: Decoder,
    input: BytesMut,
    /// Room for the part of a body that has arrived.
    held: Option<OwnedSemaphorePermit>,
    /// When the request that has begun must have arrived.
    deadline: Option<Deadline>,
}

impl Receiver {
    async fn run(mut self) -> End {
        loop {
            match self.handle_all().await {
                Ok(true) => {}
                Ok(false) => return End::Said,
                Err(refusal) => return self.refuse(refusal).await,
            }
            let read = tokio::select! {
                biased;
                () = deadline::passed(&mut self.deadline) => {
                    let limit = self.network.limits.request;
                    let reason = format!("a request took longer than {limit:?}");
                    let refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT, reason);
                    return self.refuse(refusal).await;
                }
                read = receive(&self.read, &mut self.input) => read,
            };
            if !matches!(read, Ok(1..)) {
                if self.decoder.is_within_request(&self.input) {
                    counters::truncated(self.peer);
                }
                return End::Gone;
            }
        }
    }

    /// Handles all requests that have arrived as a whole. `false` after the last one.
    async fn handle_all(&mut self) -> Result<bool, Refusal> {
        while let Some(request) = self.decoder.next(&mut self.input)? {
            self.deadline = None;
            self.held = None;
            let keep_alive = request.keep_alive;
            let owed = handle::handle(&self.network, self.peer, request).await;
            if self.owe.send(owed).await.is_err() || !keep_alive {
                return Ok(false);
            }
        }
        if !self.decoder.is_within_request(&self.input) {
            return Ok(true);
        }
        if self.deadline.is_none() {
            self.deadline = Some(Deadline::after(self.network.limits.request));
        }
        if self.decoder.wants_continue() {
            // Whether it arrives does not matter: who does not get it sends the body all the same.
            let _ = self.owe.send(Owed::Continue).await;
        }
        self.make_room().await
    }

    /// Takes room for what has arrived of a large body. Waits until there is some, as long as the
    /// request may take.
    async fn make_room(&mut self) -> Result<bool, Refusal> {
        let buffered = self.decoder.buffered();
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if buffered < UNACCOUNTED || buffered <= held {
            return Ok(true);
        }
        let wanted = handle::permits(&self.network, buffered) - held.min(buffered) as u32;
        let room = Arc::clone(&self.network.room).acquire_many_owned(wanted);
        tokio::select! {
            permit = room => match (permit, &mut self.held) {
                (Ok(permit), Some(held)) => held.merge(permit),
                (Ok(permit), held) => *held = Some(permit),
                // Closed: this program is ending.
                (Err(_), _) => return Ok(false),
            },
            () = deadline::passed(&mut self.deadline) => {
                let reason = "too much is in flight";
                return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason));
            }
        }
        Ok(true)
    }

    async fn refuse(&mut self, refusal: Refusal) -> End {
        counters::request_refused(self.peer, &refusal);
        let response = Response::text(refusal.status, refusal.reason);
        // If nobody takes it, nobody waits for it.
        let _ = self.owe.send(Owed::Last(response)).await;
        End::Said
    }
}

/// Reads what there is. Only while there is something a buffer is needed: thousands of idle
/// connections cost next to nothing.
async fn receive(read: &OwnedReadHalf, input: &mut BytesMut) -> std::io::Result<usize> {
    loop {
        read.readable().await?;
        input.reserve(READ);
        match read.try_read_buf(input) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if input.is_empty() {
                    *input = BytesMut::new();
                }
            }
            other => return other,
        }
    }
}
