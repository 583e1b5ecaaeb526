//! `POST /containers/{}/attach`: a container's output, written to where it belongs.

use super::daemon::{Ask, Daemon, encode};
use super::frames::{Frames, Stream};
use super::{error::broken, spawn};
use crate::{ApiError, Attachment, ErrorKind, Output};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::upgrade::Upgraded;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use process::Nothing;
use process::io::Descriptor;
use std::path::Path;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, sink};
use tokio::sync::oneshot;

/// Where one stream goes.
enum Sink {
    Writer(Box<dyn AsyncWrite + Send + Unpin>),
    /// Closed with the sink.
    Open(Descriptor),
}

impl Sink {
    fn writer(writer: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        Sink::Writer(Box::new(writer))
    }

    // differs: upstream's client is killed by the signal when nobody reads what it writes any more;
    // here that output is lost and the run goes on.
    async fn write(&mut self, data: &[u8]) {
        match self {
            Sink::Writer(writer) => {
                let _ = writer.write_all(data).await;
            }
            Sink::Open(descriptor) => {
                let _ = process::io::write(descriptor, data.to_vec()).outcome().await;
            }
        }
    }

    async fn flush(&mut self) {
        if let Sink::Writer(writer) = self {
            let _ = writer.flush().await;
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Sink::Open(descriptor) = self {
            descriptor.close();
        }
    }
}

/// So much of the output is read at once, in bytes.
const READ_BYTES: usize = 32 << 10;

/// Attaches, then goes on in a task of its own until the container ends. It begins once it is told
/// that somebody received the attachment, and ends when it learns that nobody will.
pub(super) async fn attach(
    daemon: Daemon,
    name: String,
    stdout: Output,
    stderr: Output,
    wanted: oneshot::Receiver<()>,
) -> Result<Attachment, ApiError> {
    let out = open(&stdout, || Sink::writer(tokio::io::stdout())).await?;
    let err = open(&stderr, || Sink::writer(tokio::io::stderr())).await?;
    let path = format!("/containers/{}/attach?stream=1&stdout=1&stderr=1", encode(&name));
    let response = daemon.ask(&Ask::long(Method::POST, path).with_upgrade()).await?;
    let source = Source::of(response).await?;
    let copy = async move {
        if wanted.await.is_ok() {
            copy(source, out, err).await;
        }
        Nothing
    };
    Ok(Attachment { finished: spawn(copy) })
}

/// Closes the connection behind the headers: whatever reads from it comes to its end.
pub(super) async fn hang_up(response: Response<Incoming>) -> Result<Nothing, ApiError> {
    Source::of(response).await.map(|_| Nothing)
}

/// The connection behind the headers: a raw one, or, from daemons that do not switch, a body.
enum Source {
    Raw(Box<TokioIo<Upgraded>>),
    Body(Incoming),
}

impl Source {
    async fn of(response: Response<Incoming>) -> Result<Self, ApiError> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let upgraded = hyper::upgrade::on(response).await.map_err(broken)?;
            Ok(Source::Raw(Box::new(TokioIo::new(upgraded))))
        } else {
            Ok(Source::Body(response.into_body()))
        }
    }

    /// What comes next; `None` at the end, whether orderly or not.
    async fn next(&mut self) -> Option<Bytes> {
        match self {
            Source::Raw(stream) => {
                let mut data = Vec::with_capacity(READ_BYTES);
                let read = stream.read_buf(&mut data).await.ok()?;
                (read > 0).then(|| data.into())
            }
            Source::Body(body) => loop {
                if let Ok(data) = body.frame().await?.ok()?.into_data() {
                    return Some(data);
                }
            },
        }
    }
}

async fn open(output: &Output, inherited: impl FnOnce() -> Sink) -> Result<Sink, ApiError> {
    Ok(match output {
        Output::Null => Sink::writer(sink()),
        Output::Inherit => inherited(),
        Output::Path(path) => Sink::writer(append(path).await?),
        Output::Fd(descriptor) => Sink::Open(descriptor.duplicate().map_err(unusable)?),
    })
}

/// No answer of the daemon, and nothing that asking again would change.
fn unusable(message: String) -> ApiError {
    ApiError { kind: ErrorKind::Malformed, message }
}

async fn append(path: &Path) -> Result<File, ApiError> {
    let opened = OpenOptions::new().append(true).create(true).open(path).await;
    opened.map_err(|error| unusable(format!("Failed to open '{}': {error}", path.display())))
}

/// A sink that fails (a full disk) loses its output, as it does under the command line; the
/// container goes on, and so does the reading, lest the container block.
async fn copy(mut source: Source, mut out: Sink, mut err: Sink) {
    let mut frames = Frames::new();
    while let Some(data) = source.next().await {
        let mut data = &data[..];
        while let Some((stream, piece)) = frames.next(&mut data) {
            let sink = if stream == Stream::Stdout { &mut out } else { &mut err };
            sink.write(piece.bytes()).await;
        }
        out.flush().await;
        err.flush().await;
    }
}
