//! Connections that are taken over: attach and exec. Raw bytes both ways from then on.

use super::bridge::Exchange;
use super::respond::{RAW_STREAM, Told};
use super::stream::Stream;
use bytes::Bytes;
use sim::environment::daemon::{Refusal, Reply, json};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

/// How much of what a client sends is taken in at a time.
const PIECE: usize = 16 << 10;

/// A connection's future without HTTP.
pub struct Takeover {
    /// What it begins with.
    pub head: String,
    /// The request that it carries on; none where it was refused.
    pub exchange: Option<Exchange>,
    /// The bytes are those of a terminal.
    pub tty: bool,
    /// What is said of it.
    pub told: Told,
}

/// The head of an answer that takes the connection over: 101 for those who ask for an upgrade, 200
/// for those who do not.
pub fn head(upgrade: bool) -> String {
    if upgrade {
        format!(
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: {RAW_STREAM}\r\nConnection: Upgrade\r\n\
             Upgrade: tcp\r\n\r\n"
        )
    } else {
        format!("HTTP/1.1 200 OK\r\nContent-Type: {RAW_STREAM}\r\n\r\n")
    }
}

/// A refusal on a connection that had been taken over before it was known.
pub fn refused(refusal: &Refusal) -> String {
    let status = hyper::StatusCode::from_u16(refusal.status);
    let reason = status.ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: {RAW_STREAM}\r\n\r\n{}\r\n",
        refusal.status, refusal.message
    )
}

impl Takeover {
    /// Carries on, until one of both sides ends it. `early` is what the client has sent already.
    pub async fn run(self, mut stream: Stream, early: Bytes) {
        let Takeover { head, exchange, tty, told } = self;
        if stream.write_all(head.as_bytes()).await.is_err() {
            return told.left();
        }
        let Some(mut exchange) = exchange else {
            // The client may have gone.
            let _ = stream.shutdown().await;
            return;
        };
        let (mut reader, mut writer) = tokio::io::split(stream);
        if !early.is_empty() {
            exchange.input(Some(early.as_ref().into())).await;
        }
        let mut ended = false;
        let mut piece = vec![0; PIECE];
        loop {
            tokio::select! {
                reply = exchange.next() => {
                    match write(&mut writer, reply, tty).await {
                        Ok(true) => {}
                        // The client may have gone.
                        Ok(false) => return drop(writer.shutdown().await),
                        Err(_) => break,
                    }
                }
                read = reader.read(&mut piece), if !ended => match read {
                    Ok(0) => {
                        ended = true;
                        let whole = join(reader, writer);
                        if whole.is_gone().await {
                            break;
                        }
                        (reader, writer) = tokio::io::split(whole);
                        exchange.input(None).await;
                    }
                    Ok(length) => exchange.input(Some(piece[..length].into())).await,
                    Err(_) => break,
                },
            }
        }
        told.left();
    }
}

fn join(reader: ReadHalf<Stream>, writer: WriteHalf<Stream>) -> Stream {
    reader.unsplit(writer)
}

/// Writes a reply; whether there may be more.
async fn write(writer: &mut WriteHalf<Stream>, reply: Reply, tty: bool) -> io::Result<bool> {
    match reply {
        Reply::Chunk(chunk) => writer.write_all(&json::chunk(&chunk, tty)).await?,
        Reply::Failed(message) => writer.write_all(message.as_bytes()).await?,
        Reply::Answer(Err(refusal)) => writer.write_all(refusal.message.as_bytes()).await?,
        Reply::Opened(_) => {}
        Reply::Answer(Ok(_)) | Reply::Ended | Reply::Broken | Reply::Unreachable => {
            return Ok(false);
        }
    }
    Ok(true)
}
