//! Listening: the socket, and what may be in its place.

use super::address::Address;
use super::stream::Stream;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A socket that listens; dropping it removes its file.
pub struct Listener {
    socket: Socket,
    file: Option<SocketFile>,
}

enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// The file of a socket, with what tells it from another one of the same name.
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

/// The asynchronous half of a listener.
pub enum Acceptor {
    /// Of a socket in the file system.
    Unix(tokio::net::UnixListener),
    /// Of a port.
    Tcp(tokio::net::TcpListener),
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    path.symlink_metadata().map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Listener {
    /// Listens. A socket file that nobody listens at any more is replaced.
    ///
    /// # Errors
    ///
    /// What is in the way, for people.
    pub fn bind(address: &Address) -> Result<Self, String> {
        let listener = match address {
            Address::Unix(path) => bind_unix(path),
            Address::Tcp(address) => TcpListener::bind(address)
                .map(|socket| Listener { socket: Socket::Tcp(socket), file: None })
                .map_err(|error| error.to_string()),
        };
        listener.map_err(|problem| format!("{address}: {problem}"))
    }

    /// Where it listens: with the port that the system chose.
    pub fn address(&self, asked: &Address) -> Address {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().map_or_else(|_| asked.clone(), Address::Tcp),
            Socket::Unix(_) => asked.clone(),
        }
    }

    /// Its asynchronous half, within a runtime.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn acceptor(&self) -> io::Result<Acceptor> {
        Ok(match &self.socket {
            Socket::Unix(socket) => {
                let socket = socket.try_clone()?;
                socket.set_nonblocking(true)?;
                Acceptor::Unix(tokio::net::UnixListener::from_std(socket)?)
            }
            Socket::Tcp(socket) => {
                let socket = socket.try_clone()?;
                socket.set_nonblocking(true)?;
                Acceptor::Tcp(tokio::net::TcpListener::from_std(socket)?)
            }
        })
    }
}

fn bind_unix(path: &Path) -> Result<Listener, String> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.to_string()),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err("this file exists and is no socket".to_owned());
        }
        Ok(_) => match UnixStream::connect(path) {
            Ok(_) => {
                return Err(
                    "somebody listens there already: end that, or choose another path".to_owned()
                );
            }
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path).map_err(|error| {
                    format!("the stale socket there cannot be removed: {error}")
                })?;
            }
            Err(error) => return Err(format!("the socket there cannot be tried: {error}")),
        },
    }
    let socket = UnixListener::bind(path).map_err(|error| error.to_string())?;
    let identity = identity(path).map_err(|error| error.to_string())?;
    let file = SocketFile { path: path.to_owned(), identity };
    Ok(Listener { socket: Socket::Unix(socket), file: Some(file) })
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Only one's own: somebody may have put another one there.
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // Nobody is left who could do something about a file that stays.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.file.take();
    }
}

impl Acceptor {
    /// The next connection.
    ///
    /// # Errors
    ///
    /// What the system says: of that connection, or that there can be no more for now.
    pub async fn accept(&self) -> io::Result<Stream> {
        match self {
            Acceptor::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
            Acceptor::Tcp(listener) => {
                let stream = listener.accept().await?.0;
                // Lines of progress are small, and wanted at once.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(path: &Path) -> Address {
        Address::Unix(path.to_owned())
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sim.sock");
        // One whose listener is gone: the file stays.
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let listener = Listener::bind(&unix(&path)).unwrap();
        let refused = Listener::bind(&unix(&path)).err().unwrap();
        assert!(refused.contains("somebody listens there already"), "{refused}");
        assert!(refused.starts_with("unix:///"), "{refused}");
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_no_socket_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("precious");
        std::fs::write(&path, "data").unwrap();
        assert!(Listener::bind(&unix(&path)).err().unwrap().contains("is no socket"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "data");
        let missing = Listener::bind(&unix(&directory.path().join("no/sim.sock")));
        assert!(missing.err().unwrap().contains("No such file"));
    }

    #[test]
    fn only_ones_own_socket_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sim.sock");
        let first = Listener::bind(&unix(&path)).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _second = Listener::bind(&unix(&path)).unwrap();
        drop(first);
        assert!(path.exists());
    }

    #[test]
    fn the_system_chooses_a_port() {
        let asked: Address = "tcp://127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(&asked).unwrap();
        let found = listener.address(&asked);
        assert_ne!(found, asked);
        assert!(Listener::bind(&found).is_err());
    }
}
