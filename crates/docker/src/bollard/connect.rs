//! Which daemon, and whether anybody is there.

use super::daemon::Daemon;
use super::lingering::Lingering;
use super::transport::{Address, Terms};
use super::{Bollard, NEVER};
use crate::{Limits, Waits};
use ::bollard::{API_DEFAULT_VERSION, BollardRequest};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use thiserror::Error;

/// Where the daemon listens unless somebody says otherwise.
const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";

/// Why there is no connection, with the socket that was tried and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Cannot connect to the Docker daemon at {socket}: {reason}. {advice}")]
pub struct ConnectError {
    /// Which socket was tried.
    pub socket: String,
    /// What happened.
    pub reason: String,
    /// What to do, for people.
    pub advice: String,
}

impl Bollard {
    /// Connects to the daemon at `host`, else at the one that the environment's `DOCKER_HOST`
    /// names, else at `unix:///var/run/docker.sock`. A path without a scheme is a unix socket.
    ///
    /// Whether somebody listens is tried at once for a unix socket; for `tcp://host:port` the
    /// first request shows it.
    pub fn connect(host: Option<&str>) -> Result<Self, ConnectError> {
        Self::connect_with(host, Limits::default())
    }

    /// The same with other limits.
    pub fn connect_with(host: Option<&str>, limits: Limits) -> Result<Self, ConnectError> {
        let from_environment = || std::env::var("DOCKER_HOST").ok();
        let socket = host
            .map(str::to_owned)
            .or_else(from_environment)
            .filter(|host| !host.is_empty())
            .unwrap_or_else(|| DEFAULT_SOCKET.to_owned());
        let socket = if socket.starts_with('/') { format!("unix://{socket}") } else { socket };

        let address = parse(&socket)?;
        if let Address::Unix(path) = &address {
            UnixStream::connect(path).map_err(|error| refused(&socket, &error))?;
        }
        let daemon = Daemon::new(address, socket.clone(), limits);
        let terms = Terms { bytes_max: Some(daemon.bytes_max()), hang_up: None };
        let own = daemon.clone();
        let typed = ::bollard::Docker::connect_with_custom_transport(
            move |request: BollardRequest| {
                let (daemon, terms) = (own.clone(), terms.clone());
                Box::pin(async move { daemon.send(&terms, request).await })
            },
            // Only parsed, never dialled: the transport knows where to go.
            Some("http://docker"),
            NEVER,
            API_DEFAULT_VERSION,
        )
        .map_err(|error| ConnectError {
            socket,
            reason: error.to_string(),
            advice: "This is a bug".to_owned(),
        })?;
        let (waits, lingering) = (Waits::default(), Lingering::default());
        Ok(Bollard { daemon, typed, waits, lingering })
    }
}

fn parse(socket: &str) -> Result<Address, ConnectError> {
    let unusable = |reason: &str| ConnectError {
        socket: socket.to_owned(),
        reason: reason.to_owned(),
        advice: "Give unix:///path or tcp://host:port, in DOCKER_HOST or as the docker socket"
            .to_owned(),
    };
    match socket.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Address::Unix(PathBuf::from(path))),
        Some(("unix", _)) => Err(unusable("the path is not absolute")),
        Some(("tcp" | "http", host)) => {
            let host = host.trim_end_matches('/');
            let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            match port {
                Some(_) => Ok(Address::Tcp(host.to_owned())),
                None => Err(unusable("there is no port")),
            }
        }
        Some(_) => Err(unusable("this kind of connection is not supported")),
        None => Err(unusable("it has no scheme")),
    }
}

fn refused(socket: &str, error: &std::io::Error) -> ConnectError {
    let advice = match error.kind() {
        ErrorKind::NotFound => {
            "Is Docker installed and running? If it listens elsewhere, set DOCKER_HOST"
        }
        ErrorKind::PermissionDenied => "Run as root, or as a member of the group docker",
        _ => "Is the docker daemon running?",
    };
    ConnectError { socket: socket.to_owned(), reason: error.to_string(), advice: advice.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_was_tried_and_what_to_do() {
        for (host, reason) in [
            ("unix:///nonexistent/docker.sock", "No such file"),
            ("/nonexistent/docker.sock", "unix:///nonexistent/docker.sock: No such file"),
            ("/dev/null", "unix:///dev/null: Connection refused"),
            ("unix://docker.sock", "not absolute"),
            ("ssh://somebody", "not supported"),
            ("docker.sock", "no scheme"),
            ("tcp://localhost", "no port"),
            ("tcp://localhost:x", "no port"),
        ] {
            let error = Bollard::connect(Some(host)).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(reason) && text.contains(host), "{text}");
            assert!(!error.advice.is_empty());
        }
    }
}
