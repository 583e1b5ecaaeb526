//! Answers, in the order of the requests, whenever they become ready.
//!
//! Mirrors `HttpProxy` in `3rdparty/libprocess/src/http_proxy.cpp`.

use super::deadline::Deadline;
use crate::clock;
use crate::future::{Future, Outcome};
use crate::http::{Body, PipeReader, Response};
use crate::remote::encoder::{self, Asked, Date};
use bytes::BytesMut;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};

/// Answers that are ready are sent together, up to so many bytes.
const BATCH: usize = 256 * 1024;

/// What a peer is owed.
pub(super) enum Owed {
    /// `100 Continue`: it may send the body.
    Continue,
    /// This answer.
    Ready(Response, Asked),
    /// The answer that this becomes.
    Pending(Future<Response>, Asked),
    /// This answer, after which the connection is closed.
    Last(Response),
}

/// Ends the connection.
struct Closed;

struct Answers {
    write: OwnedWriteHalf,
    left: watch::Receiver<bool>,
    limit: Duration,
    out: BytesMut,
    date: Date,
}

/// Sends what is owed until nothing more will be, or the peer has left.
#[doc(alias = "HttpProxy")]
pub(super) async fn answer(
    write: OwnedWriteHalf,
    mut owed: mpsc::Receiver<Owed>,
    left: watch::Receiver<bool>,
    limit: Duration,
) {
    let mut answers = Answers { write, left, limit, out: BytesMut::new(), date: Date::default() };
    while let Some(next) = owed.recv().await {
        if answers.send(next, &mut owed).await.is_err() {
            break;
        }
    }
    let flushed = answers.flush().await;
    // Whoever still is to answer need not: discards reach the routes.
    owed.close();
    while let Ok(left) = owed.try_recv() {
        discard(&left);
    }
    if flushed.is_ok() {
        // If the peer is gone there is nobody to tell.
        let _ = answers.write.shutdown().await;
    }
}

/// Tells whoever makes an answer that nobody waits for it.
fn discard(owed: &Owed) {
    let response = match owed {
        Owed::Pending(response, _) => response.clone(),
        Owed::Ready(response, _) => Future::ready(response.clone()),
        Owed::Continue | Owed::Last(_) => return,
    };
    response.discard();
    response.on_ready(|response| {
        if let Body::Pipe(reader) = &response.body {
            reader.close();
        }
    });
}

impl Answers {
    async fn send(&mut self, owed: Owed, rest: &mut mpsc::Receiver<Owed>) -> Result<(), Closed> {
        let keep = match owed {
            Owed::Continue => {
                self.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
                true
            }
            Owed::Ready(response, asked) => self.respond(&response, asked).await?,
            Owed::Last(response) => {
                let asked = Asked { gzip: false, keep_alive: false, head: false };
                self.respond(&response, asked).await?
            }
            Owed::Pending(response, asked) => {
                // What is ready must not wait for what is not.
                self.flush().await?;
                let response = self.wait(response).await?;
                self.respond(&response, asked).await?
            }
        };
        if !keep {
            return Err(Closed);
        }
        if rest.is_empty() || self.out.len() >= BATCH {
            self.flush().await?;
        }
        Ok(())
    }

    /// Waits until an answer is there, or the peer has left.
    async fn wait(&mut self, response: Future<Response>) -> Result<Response, Closed> {
        let outcome = tokio::select! {
            outcome = response.outcome() => outcome,
            _ = self.left.wait_for(|left| *left) => {
                discard(&Owed::Pending(response, Asked { gzip: false, keep_alive: false, head: false }));
                return Err(Closed);
            }
        };
        Ok(match outcome {
            Outcome::Ready(response) => response,
            Outcome::Failed(message) => Response::internal_server_error(message),
            Outcome::Discarded => Response::internal_server_error("discarded future"),
            // differs: upstream leaves the client without an answer for ever.
            Outcome::Abandoned => Response::service_unavailable("the process has ended"),
        })
    }

    /// Puts an answer into the buffer; sends its body, when that is a pipe. `false` when it was the
    /// last.
    async fn respond(&mut self, response: &Response, asked: Asked) -> Result<bool, Closed> {
        let seconds = clock::now().since_epoch().as_secs();
        let keep = encoder::response(response, asked, self.date.at(seconds), &mut self.out);
        match &response.body {
            Body::Pipe(reader) if !asked.head => {
                let streamed = self.stream(reader).await;
                reader.close();
                streamed?;
            }
            Body::Pipe(reader) => drop(reader.close()),
            Body::None | Body::Bytes(_) => {}
        }
        Ok(keep)
    }

    /// Mirrors `HttpProxy::stream`.
    #[doc(alias = "HttpProxy::stream")]
    async fn stream(&mut self, reader: &PipeReader) -> Result<(), Closed> {
        loop {
            self.flush().await?;
            let read = reader.read();
            let outcome = tokio::select! {
                outcome = read.outcome() => outcome,
                _ = self.left.wait_for(|left| *left) => return Err(Closed),
            };
            match outcome {
                Outcome::Ready(bytes) if bytes.is_empty() => {
                    encoder::last_chunk(&mut self.out);
                    return Ok(());
                }
                Outcome::Ready(bytes) => encoder::chunk(&bytes, &mut self.out),
                // differs: upstream sends a second status line into the body; a connection that
                // ends within a body says that something went wrong.
                _ => return Err(Closed),
            }
        }
    }

    /// Sends the buffer. A peer that does not read for too long is left.
    async fn flush(&mut self) -> Result<(), Closed> {
        while !self.out.is_empty() {
            let mut deadline = None;
            let written = tokio::select! {
                biased;
                written = self.write.write_buf(&mut self.out) => written,
                () = late(&mut deadline, self.limit) => return Err(Closed),
            };
            if !matches!(written, Ok(1..)) {
                return Err(Closed);
            }
        }
        Ok(())
    }
}

/// Starts the deadline only when it is waited for: most writes do not wait.
async fn late(deadline: &mut Option<Deadline>, limit: Duration) {
    deadline.get_or_insert_with(|| Deadline::after(limit)).passed().await;
}
