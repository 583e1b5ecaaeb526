//! Connections to a daemon, one a request.

use super::counted::Counted;
use ::bollard::BollardRequest;
use ::bollard::errors::Error;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Where a daemon listens.
#[derive(Clone, Debug)]
pub(super) enum Address {
    Unix(PathBuf),
    Tcp(String),
}

/// What a request may expect of its connection.
#[derive(Clone, Default)]
pub(super) struct Terms {
    /// The daemon may send no more than this, in bytes, headers included.
    pub(super) bytes_max: Option<usize>,
    /// Gets hold of the connection once there is one.
    pub(super) hang_up: Option<HangUp>,
}

/// Sends a request on a connection of its own, and returns once the headers of the answer are
/// here. The connection is closed when the request is dropped, or its answer.
pub(super) async fn send(
    address: &Address,
    terms: &Terms,
    request: BollardRequest,
) -> Result<Response<Incoming>, Error> {
    match address {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(unreachable)?;
            if let Some(hang_up) = &terms.hang_up {
                let copy = stream.as_fd().try_clone_to_owned()?;
                hang_up.hold(Socket::Unix(copy.into()));
            }
            send_over(stream, "docker", terms, request).await
        }
        Address::Tcp(host) => {
            let stream = TcpStream::connect(host.as_str()).await.map_err(unreachable)?;
            // Small requests, whose answers we wait for.
            let _ = stream.set_nodelay(true);
            if let Some(hang_up) = &terms.hang_up {
                let copy = stream.as_fd().try_clone_to_owned()?;
                hang_up.hold(Socket::Tcp(copy.into()));
            }
            send_over(stream, host, terms, request).await
        }
    }
}

/// Marks an error as one of connecting: the request was certainly not received.
fn unreachable(error: std::io::Error) -> Error {
    Error::SocketNotFoundError(error.to_string())
}

async fn send_over(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    host: &str,
    terms: &Terms,
    mut request: BollardRequest,
) -> Result<Response<Incoming>, Error> {
    let stream = Counted::new(stream, terms.bytes_max);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends by itself once the sender and the answer's body are gone.
    tokio::spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_str(host).map_err(hyper::http::Error::from)?);
    Ok(sender.send_request(request).await?)
}

/// A second handle to a request's connection, for leaving without turning away: the daemon learns
/// that nobody is there any more, and can still be listened to. It closes the connection for good
/// when its last clone is dropped.
#[derive(Clone, Default)]
pub(super) struct HangUp(Arc<Handle>);

#[derive(Default)]
struct Handle(Mutex<Option<Socket>>);

enum Socket {
    Unix(std::os::unix::net::UnixStream),
    Tcp(std::net::TcpStream),
}

impl Socket {
    /// One that is closed already has nobody at its other end: nothing is left to be told.
    fn shut(&self, how: Shutdown) {
        let _ = match self {
            Socket::Unix(stream) => stream.shutdown(how),
            Socket::Tcp(stream) => stream.shutdown(how),
        };
    }
}

impl HangUp {
    fn hold(&self, socket: Socket) {
        *self.0.0.lock() = Some(socket);
    }

    /// Sends nothing more; the daemon reads the end of the request's connection. `false` when
    /// there is no connection.
    pub(super) fn half_close(&self) -> bool {
        let socket = self.0.0.lock();
        if let Some(socket) = &*socket {
            socket.shut(Shutdown::Write);
        }
        socket.is_some()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(socket) = self.0.get_mut() {
            socket.shut(Shutdown::Both);
        }
    }
}
