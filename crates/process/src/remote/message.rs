//! Messages by name, and which requests are messages.

use super::decoder::Decoded;
use crate::http::percent_decode;
use crate::pid::Upid;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// A message between processes that know each other by name only.
#[doc(alias = "process::Message")]
#[derive(Clone, Debug)]
pub struct Message {
    /// What it is: for protobuf messages their full type name.
    pub name: Cow<'static, str>,
    /// Who says it has sent it.
    pub from: Upid,
    /// Whom it is for.
    pub to: Upid,
    /// The content.
    pub body: Bytes,
    /// Its last name, for traces; `None` when it came from outside.
    pub(crate) label: Option<&'static str>,
    /// The room that it takes of what may be in flight, until it is handled.
    pub(crate) room: Option<Arc<OwnedSemaphorePermit>>,
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.from, &self.to, &self.body)
            == (&other.name, &other.from, &other.to, &other.body)
    }
}

impl Message {
    /// A message of a name that is made up at run time.
    pub fn new(
        from: Upid,
        to: Upid,
        name: impl Into<Cow<'static, str>>,
        body: impl Into<Bytes>,
    ) -> Self {
        Message { name: name.into(), from, to, body: body.into(), label: None, room: None }
    }

    /// The protobuf message `message`, under its full name.
    pub fn protobuf<M: prost::Message + prost::Name>(from: Upid, to: Upid, message: &M) -> Self {
        Message {
            name: Cow::Owned(M::full_name()),
            from,
            to,
            body: message.encode_to_vec().into(),
            label: Some(M::NAME),
            room: None,
        }
    }
}

const AGENT: &[u8] = b"libprocess/";

/// Whether a request is a message: it is posted, and either its user agent is libprocess, or it
/// names a sender.
///
/// Mirrors `libprocess` in `3rdparty/libprocess/src/process.cpp`.
#[doc(alias = "process::libprocess")]
pub fn is_message(request: &Decoded) -> bool {
    request.method == "POST"
        && (request.header("libprocess-from").is_some()
            || request.header("user-agent").is_some_and(|agent| agent.starts_with(AGENT)))
}

/// Makes a message to a process at `address` of a request that [is one](is_message).
///
/// Mirrors `parse` in `3rdparty/libprocess/src/process.cpp`.
///
/// # Errors
///
/// No sender that could be an address, or a path that cannot be decoded.
#[doc(alias = "process::parse")]
pub fn classify(request: Decoded, address: &str) -> Result<Message, String> {
    let claimed = match request.header("libprocess-from") {
        Some(from) => from,
        None => {
            let agent = request.header("user-agent").unwrap_or_default();
            agent.strip_prefix(AGENT).unwrap_or_default()
        }
    };
    let text = std::str::from_utf8(claimed).unwrap_or_default().trim();
    // differs: upstream delivers a message from nobody (`@0.0.0.0:0`) when it cannot parse this.
    let from = Upid::parse(text).ok_or_else(|| {
        format!("Failed to determine sender from request headers: '{}'", claimed.escape_ascii())
    })?;
    let path = std::str::from_utf8(&request.target)
        .ok()
        .and_then(|target| target.split(['?', '#']).next())
        .ok_or("Failed to decode URL path: it is not UTF-8")?;
    let path = path.strip_prefix('/').ok_or("Request URL path must start with '/'")?;
    let (id, name) = path.split_once('/').unwrap_or((path, ""));
    let id = percent_decode(id).map_err(|error| format!("Failed to decode URL path: {error}"))?;
    let (name, to) = (name.to_owned(), Upid::new(id, address));
    Ok(Message::new(from, to, name, request.body))
}
