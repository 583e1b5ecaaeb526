//! Where the simulated daemon listens.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// An address, as `docker -H` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A port on loopback; 0 for one that is free.
    Tcp(SocketAddr),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix://") {
            if !path.starts_with('/') {
                return Err(format!(
                    "'{text}': expected an absolute path, as in unix:///tmp/sim.sock"
                ));
            }
            return Ok(Address::Unix(path.into()));
        }
        let Some(rest) = text.strip_prefix("tcp://") else {
            return Err(format!("'{text}': expected unix:///PATH or tcp://127.0.0.1:PORT"));
        };
        let port = rest.trim_end_matches('/').strip_prefix("localhost:");
        let address = match port {
            Some(port) => {
                port.parse().ok().map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
            }
            None => rest.trim_end_matches('/').parse().ok(),
        };
        match address {
            None => Err(format!("'{text}': expected tcp://127.0.0.1:PORT")),
            Some(address) if address.ip().is_loopback() => Ok(Address::Tcp(address)),
            Some(address) => Err(format!(
                "'{text}': {} is no address of this machine alone; whoever reaches the simulated \
                 daemon may do anything with it, so it listens on loopback only",
                address.ip()
            )),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
            Address::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_docker_takes_them() {
        for text in ["unix:///tmp/sim.sock", "tcp://127.0.0.1:2375", "tcp://[::1]:0"] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(text.into()));
        }
        let local: Address = "tcp://localhost:1".parse().unwrap();
        assert_eq!(local.to_string(), "tcp://127.0.0.1:1");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, reason) in [
            ("", "expected unix:///PATH"),
            ("/tmp/sim.sock", "expected unix:///PATH"),
            ("unix://sim.sock", "absolute path"),
            ("tcp://127.0.0.1", "expected tcp://"),
            ("tcp://127.0.0.1:66000", "expected tcp://"),
            ("tcp://somewhere:1", "expected tcp://"),
            ("tcp://0.0.0.0:2375", "loopback only"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
