//! Where a program listens, and how others reach it.

use crate::metrics::RateLimit;
use crate::remote::Limits;
use nix::unistd::gethostname;
use slog::{Discard, Logger, o};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, ToSocketAddrs};
use std::str::FromStr;

/// How a program takes part in the network.
///
/// Mirrors the flags of libprocess that are read from `LIBPROCESS_*`, `struct Flags` in
/// `3rdparty/libprocess/src/process.cpp`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The process that gets requests for processes that do not exist.
    pub delegate: Option<String>,
    /// The address to listen on.
    // differs: upstream listens on all addresses unless told otherwise.
    pub ip: Ipv4Addr,
    /// The port to listen on; 0 for one that is free.
    pub port: u16,
    /// The address under which others reach this program, if it is another.
    pub advertise_ip: Option<Ipv4Addr>,
    /// The port under which others reach this program, if it is another.
    pub advertise_port: Option<u16>,
    /// Refuse messages whose sender claims another address than the one they came from.
    pub require_peer_address_ip_match: bool,
    /// How often `/metrics/snapshot` and `/metrics` may be asked for together.
    pub metrics_rate_limit: Option<RateLimit>,
    /// What peers may cost.
    pub limits: Limits,
    /// Where refusals and broken links are reported.
    pub log: Logger,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            delegate: None,
            ip: Ipv4Addr::LOCALHOST,
            port: 0,
            advertise_ip: None,
            advertise_port: None,
            require_peer_address_ip_match: false,
            metrics_rate_limit: Some(RateLimit::default()),
            limits: Limits::default(),
            log: Logger::root(Discard, o!()),
        }
    }
}

impl Options {
    /// The options that the variables `LIBPROCESS_IP`, `_PORT`, `_ADVERTISE_IP`, `_ADVERTISE_PORT`,
    /// `_REQUIRE_PEER_ADDRESS_IP_MATCH` and `_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT` ask for. `variable` gives the value of one.
    ///
    /// # Errors
    ///
    /// A value that is none, with the variable's name.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut options = Options::default();
        if let Some(ip) = parse(&variable, "LIBPROCESS_IP", "an IPv4 address")? {
            options.ip = ip;
        }
        if let Some(port) = parse(&variable, "LIBPROCESS_PORT", "a port from 0 to 65535")? {
            options.port = port;
        }
        options.advertise_ip = parse(&variable, "LIBPROCESS_ADVERTISE_IP", "an IPv4 address")?;
        options.advertise_port =
            parse(&variable, "LIBPROCESS_ADVERTISE_PORT", "a port from 0 to 65535")?;
        let name = "LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH";
        options.require_peer_address_ip_match = match variable(name).as_deref() {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(other) => return Err(format!("{name}: expected true or false, got '{other}'")),
        };
        let limit = variable(RateLimit::VARIABLE);
        options.metrics_rate_limit =
            RateLimit::from_setting(limit.as_deref()).map_err(|error| error.to_string())?;
        Ok(options)
    }

    pub(super) fn bind(&self) -> Result<(TcpListener, SocketAddrV4), String> {
        let wanted = SocketAddrV4::new(self.ip, self.port);
        let failed = |error: std::io::Error| format!("Failed to listen on {wanted}: {error}");
        // The standard library allows the reuse of addresses, as upstream does.
        let listener = TcpListener::bind(wanted).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        match listener.local_addr().map_err(failed)? {
            SocketAddr::V4(bound) => Ok((listener, bound)),
            SocketAddr::V6(bound) => Err(format!("{bound} is no IPv4 address")),
        }
    }

    /// The address that others are told.
    pub(super) fn advertised(&self, bound: SocketAddrV4) -> Result<SocketAddrV4, String> {
        let port = self.advertise_port.unwrap_or(bound.port());
        let ip = match self.advertise_ip {
            Some(ip) => ip,
            None if bound.ip().is_unspecified() => own_address()?,
            None => *bound.ip(),
        };
        Ok(SocketAddrV4::new(ip, port))
    }
}

fn parse<T: FromStr>(
    variable: impl Fn(&str) -> Option<String>,
    name: &str,
    expected: &str,
) -> Result<Option<T>, String> {
    let Some(text) = variable(name) else { return Ok(None) };
    let parsed = text.parse().map_err(|_| format!("{name}: expected {expected}, got '{text}'"))?;
    Ok(Some(parsed))
}

/// The first IPv4 address that this machine's name resolves to.
fn own_address() -> Result<Ipv4Addr, String> {
    let name =
        gethostname().map_err(|error| format!("Failed to get this machine's name: {error}"))?;
    let name = name.to_string_lossy();
    let failed = |why: &str| {
        format!(
            "Failed to obtain the IP address for '{name}': {why}; set LIBPROCESS_ADVERTISE_IP, or \
             listen on one address only"
        )
    };
    let found = (&*name, 0).to_socket_addrs().map_err(|error| failed(&error.to_string()))?;
    let mut found = found.filter_map(|address| match address.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    });
    found.next().ok_or_else(|| failed("it has no IPv4 address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &'static [(&str, &str)]) -> Result<Options, String> {
        Options::from_environment(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read() {
        let options = from(&[
            ("LIBPROCESS_IP", "0.0.0.0"),
            ("LIBPROCESS_PORT", "5051"),
            ("LIBPROCESS_ADVERTISE_IP", "192.0.2.7"),
            ("LIBPROCESS_ADVERTISE_PORT", "80"),
            ("LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH", "1"),
        ])
        .unwrap();
        assert_eq!((options.ip, options.port), (Ipv4Addr::UNSPECIFIED, 5051));
        assert!(options.require_peer_address_ip_match);
        let bound = SocketAddrV4::new(options.ip, options.port);
        assert_eq!(options.advertised(bound).unwrap().to_string(), "192.0.2.7:80");
        assert_eq!(from(&[]).unwrap().ip, Ipv4Addr::LOCALHOST);
    }

    #[test]
    fn a_wrong_value_is_named() {
        for (name, value) in [
            ("LIBPROCESS_IP", "localhost"),
            ("LIBPROCESS_PORT", "65536"),
            ("LIBPROCESS_ADVERTISE_IP", "::1"),
            ("LIBPROCESS_ADVERTISE_PORT", "-1"),
            ("LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH", "yes"),
            ("LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT", "often"),
        ] {
            let error = Options::from_environment(|n| (n == name).then(|| value.to_owned()));
            let error = error.err().unwrap();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
    }
}
