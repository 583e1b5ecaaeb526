//! What a peer may cost: limits that turn hostile or broken input into a counted refusal.

use std::time::Duration;

/// Limits of the listening side. Upstream has only the one for heads; peers that speak libprocess
/// properly meet none of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request line and its header fields. Upstream (its HTTP parser): the same.
    pub head: usize,
    /// Bytes of a body.
    pub body: usize,
    /// How long a request may take from its first byte to its last, and how long a peer may take to
    /// read an answer. A connection between requests may idle for ever: that is what a link is.
    pub request: Duration,
    /// Connections that others have opened to this program.
    pub connections: usize,
    /// Answers that one connection may be owed. It is not read from while it is owed that many.
    pub pipelined: usize,
    /// Bytes that have come from all peers together and that no process has handled yet, halves of
    /// requests included. Above it, a connection is not read from until there is room.
    pub in_flight: usize,
    /// Bytes that may wait to be sent to one peer. One that lags further behind is cut off.
    pub outgoing: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head: 80 * 1024,
            body: 64 << 20,
            request: Duration::from_secs(60),
            connections: 10_000,
            pipelined: 128,
            in_flight: 512 << 20,
            outgoing: 256 << 20,
        }
    }
}
