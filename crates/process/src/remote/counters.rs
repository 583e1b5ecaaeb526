//! What went wrong with messages and connections: counted, and logged.
//!
//! A hostile peer must not fill the disk with logs: the first of a kind is logged, the second, the
//! fourth, the eighth and so on.

use super::message::Message;
use crate::pid::Upid;
use parking_lot::RwLock;
use slog::{Discard, Logger, o, warn};
use std::fmt::Display;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)*) => {
        #[derive(Default)]
        struct Counters {
            $($name: AtomicU64,)*
        }

        /// How often what has happened in this program, since it started.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Statistics {
            $($(#[doc = $doc])+ pub $name: u64,)*
        }

        static COUNTERS: Counters = Counters {
            $($name: AtomicU64::new(0),)*
        };

        /// The present counts.
        pub fn statistics() -> Statistics {
            Statistics { $($name: COUNTERS.$name.load(Ordering::Relaxed),)* }
        }

        impl Statistics {
            /// All counts with their names.
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counters! {
    /// Connections accepted.
    connections_accepted,
    /// Connections closed at once because there were too many.
    connections_refused,
    /// Connections closed because of what came over them: no HTTP, too large, too slow.
    requests_refused,
    /// Connections that ended in the middle of a request.
    requests_truncated,
    /// Messages received and put into a mailbox.
    messages_delivered,
    /// Messages for a process that does not exist.
    messages_undeliverable,
    /// Messages that could not be made out: no sender, no path.
    messages_malformed,
    /// Messages whose protobuf content could not be decoded.
    messages_undecodable,
    /// Messages that the receiver has no handler for.
    messages_unhandled,
    /// Messages handed to a connection.
    messages_sent,
    /// Messages lost with the connection that they waited for, or that could not be sent.
    messages_lost,
    /// Connections to others that could not be made.
    connects_failed,
    /// Links that broke.
    links_broken,
}

static LOG: LazyLock<RwLock<Logger>> = LazyLock::new(|| RwLock::new(Logger::root(Discard, o!())));

/// Where the network's complaints go.
pub(crate) fn set_log(log: Logger) {
    *LOG.write() = log;
}

/// The logger of the network.
pub(crate) fn log() -> Logger {
    LOG.read().clone()
}

/// Counts one, and logs it if it is time to: after 1, 2, 4, 8, … of a kind.
fn count(counter: &AtomicU64, what: impl Display) {
    let count = counter.fetch_add(1, Ordering::Relaxed) + 1;
    if count.is_power_of_two() {
        warn!(log(), "{what}"; "of_this_kind" => count);
    }
}

pub(crate) fn accepted() {
    COUNTERS.connections_accepted.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn delivered() {
    COUNTERS.messages_delivered.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn sent() {
    COUNTERS.messages_sent.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn connection_refused(peer: impl Display, reason: impl Display) {
    count(&COUNTERS.connections_refused, format_args!("Refused connection from {peer}: {reason}"));
}

pub(crate) fn request_refused(peer: impl Display, reason: impl Display) {
    count(&COUNTERS.requests_refused, format_args!("Refused request from {peer}: {reason}"));
}

pub(crate) fn truncated(peer: impl Display) {
    count(
        &COUNTERS.requests_truncated,
        format_args!("Connection from {peer} ended within a request"),
    );
}

pub(crate) fn undeliverable(message: &Message) {
    count(
        &COUNTERS.messages_undeliverable,
        format_args!(
            "Dropped message '{}' from {}: there is no process '{}'",
            message.name,
            message.from,
            message.to.id()
        ),
    );
}

pub(crate) fn malformed(peer: impl Display, reason: impl Display) {
    count(&COUNTERS.messages_malformed, format_args!("Dropped message from {peer}: {reason}"));
}

pub(crate) fn undecodable(process: &Upid, name: &str, from: &Upid, error: &str) {
    count(
        &COUNTERS.messages_undecodable,
        format_args!("Dropped message '{name}' from {from} to '{}': {error}", process.id()),
    );
}

pub(crate) fn unhandled(message: &Message) {
    count(
        &COUNTERS.messages_unhandled,
        format_args!(
            "Dropped message '{}' from {}: '{}' has no handler for it",
            message.name,
            message.from,
            message.to.id()
        ),
    );
}

pub(crate) fn lost(messages: u64, address: impl Display, reason: impl Display) {
    if messages == 0 {
        return;
    }
    COUNTERS.messages_lost.fetch_add(messages - 1, Ordering::Relaxed);
    count(
        &COUNTERS.messages_lost,
        format_args!("Lost {messages} message(s) to {address}: {reason}"),
    );
}

pub(crate) fn connect_failed(address: impl Display, error: impl Display) {
    count(&COUNTERS.connects_failed, format_args!("Failed to connect to {address}: {error}"));
}

pub(crate) fn link_broken(address: impl Display, reason: impl Display) {
    count(&COUNTERS.links_broken, format_args!("Link to {address} broke: {reason}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_has_a_name() {
        let before = statistics();
        connection_refused("192.0.2.1:7", "too many");
        lost(3, "192.0.2.1:7", "gone");
        lost(0, "192.0.2.1:7", "gone");
        let after = statistics();
        assert!(after.connections_refused > before.connections_refused);
        assert!(after.messages_lost >= before.messages_lost + 3);
        assert!(after.named().iter().any(|(name, count)| {
            *name == "connections_refused" && *count == after.connections_refused
        }));
    }
}
