//! Messages between programs: libprocess's wire format.
//!
//! A message is one HTTP request, `POST /<receiver id>/<message name>`, whose sender stands in a
//! header field. Answers say nothing and are ignored; whoever wants to answer a message sends one,
//! to the address in the sender's [`Upid`](crate::Upid). What is here does no input or output:
//!
//! - [`Decoder`]: bytes to requests; [`message::classify`]: requests to messages.
//! - [`encoder`]: messages and answers to bytes.
//! - [`Limits`]: what a peer may cost.
//!
//! The sockets are in `live::network`, the simulated network in
//! [`simulated::network`](crate::simulated::network).

pub mod counters;
pub mod decoder;
pub mod encoder;
pub mod limits;
pub mod message;

pub use counters::{Statistics, statistics};
pub use decoder::{Decoder, Refusal};
pub use limits::Limits;
pub use message::Message;

/// What `link` does when there is a link to that address already.
#[doc(alias = "ProcessBase::RemoteConnection")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RemoteConnection {
    /// Shares it.
    #[default]
    Reuse,
    /// Replaces its connection by a new one, without an exited event: for whoever suspects that the
    /// old one is dead without anybody having noticed.
    Reconnect,
}
