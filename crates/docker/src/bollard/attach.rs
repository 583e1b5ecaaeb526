//! `POST /containers/{}/attach`: a container's output, written to where it belongs.

use super::spawn;
use crate::{ApiError, Attachment, ErrorKind, Output};
use ::bollard::container::{AttachContainerResults, LogOutput};
use ::bollard::query_parameters::AttachContainerOptions;
use futures_util::StreamExt;
use process::Nothing;
use std::path::Path;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncWrite, AsyncWriteExt, sink};
use tokio::sync::oneshot;

use std::future::Future;

type Sink = Box<dyn AsyncWrite + Send + Unpin>;

/// Attaches, then goes on in a task of its own until the container ends. It begins once it is told
/// that somebody received the attachment, and ends when it learns that nobody will.
pub(super) fn attach(
    client: ::bollard::Docker,
    name: String,
    stdout: &Output,
    stderr: &Output,
    wanted: oneshot::Receiver<()>,
) -> impl Future<Output = Result<Attachment, ApiError>> + Send + 'static {
    let (out, err) = (stdout.clone(), stderr.clone());
    async move {
        let out = open(&out, Box::new(tokio::io::stdout())).await?;
        let err = open(&err, Box::new(tokio::io::stderr())).await?;
        let options = AttachContainerOptions {
            stream: true,
            stdout: true,
            stderr: true,
            ..Default::default()
        };
        let attached = client.attach_container(&name, Some(options)).await?;
        let copy = async move {
            if wanted.await.is_ok() {
                copy(attached, out, err).await;
            }
            Nothing
        };
        Ok(Attachment { finished: spawn(copy) })
    }
}

async fn open(output: &Output, inherited: Sink) -> Result<Sink, ApiError> {
    Ok(match output {
        Output::Null => Box::new(sink()),
        Output::Inherit => inherited,
        Output::Path(path) => Box::new(append(path).await?),
    })
}

async fn append(path: &Path) -> Result<File, ApiError> {
    OpenOptions::new().append(true).create(true).open(path).await.map_err(|error| ApiError {
        // No answer of the daemon, and nothing that asking again would change.
        kind: ErrorKind::Malformed,
        message: format!("Failed to open '{}': {error}", path.display()),
    })
}

/// A sink that fails (a full disk) loses its output, as it does under the command line; the
/// container goes on, and so does the reading, lest the container block.
async fn copy(attached: AttachContainerResults, mut out: Sink, mut err: Sink) {
    let AttachContainerResults { mut output, input: _input } = attached;
    while let Some(Ok(chunk)) = output.next().await {
        let (sink, data) = match &chunk {
            LogOutput::StdErr { message } => (&mut err, message),
            LogOutput::StdOut { message }
            | LogOutput::StdIn { message }
            | LogOutput::Console { message } => (&mut out, message),
        };
        let _ = sink.write_all(data).await;
        let _ = sink.flush().await;
    }
}
