//! How what is addressed to a name gets there: within the program, or over the network.
//!
//! Mirrors `transport` in `3rdparty/libprocess/src/process.cpp`.

use crate::future::{Future, Nothing, Promise};
use crate::http::{Request, Response};
use crate::label::EventId;
use crate::pid::Upid;
use crate::remote::{Message, RemoteConnection};
use crate::{live, simulated};
use bytes::Bytes;
use std::any::Any;
use std::borrow::Cow;

/// Tells a process that another has ended.
pub(crate) type OnExited = Box<dyn Fn(Upid) + Send + Sync>;

/// The way to a live process of any type, kept beside its name.
pub(crate) trait Mailbox: Send + Sync {
    /// Whether the process still runs.
    fn is_open(&self) -> bool;

    /// Puts a message in.
    fn put(&self, message: Message);
}

/// A process of any type, as the network reaches it.
pub(crate) trait Port: Send + Sync {
    fn as_any(&self) -> &dyn Any;

    /// Puts a message into the process's mailbox.
    fn message(&self, message: Message);

    /// What a message is for this process, in the simulator. `cause` is the event that sent it.
    fn mail(&self, message: Message, cause: EventId) -> Box<dyn simulated::Mail>;

    /// What can be kept beside its name, if it is a live process.
    fn mailbox(&self) -> Option<Box<dyn Mailbox>>;

    /// Puts a request into the process's mailbox; the promise gets its answer.
    fn request(&self, request: Request, promise: Promise<Response>);

    /// Ready once the process has ended.
    fn ended(&self) -> Future<Nothing>;
}

/// Sends a message, wherever it is for. `to` is whom it is for, too: an older clone of that name,
/// beside which the way to the process is kept.
pub(crate) fn send(to: &Upid, message: Message) {
    if simulated::is_installed() {
        simulated::network::send(message);
    } else {
        live::network::send(to, message);
    }
}

/// Sends a message on behalf of nobody, or of somebody else.
#[doc(alias = "process::post")]
pub fn post(from: &Upid, to: &Upid, name: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) {
    send(to, Message::new(from.clone(), to.clone(), name, body));
}

/// Links one process to another. `first` says that it is not linked yet.
pub(crate) fn link(
    linker: &Upid,
    to: &Upid,
    remote: RemoteConnection,
    first: bool,
    tell: OnExited,
) {
    if let Some(tell) = simulated::network::link(linker, to, remote, first, tell) {
        live::network::link(linker, to, remote, first, tell);
    }
}

/// Makes a request to a process of this runtime, as it would come over HTTP. Abandoned when there
/// is no such process, or it ends before it answers.
pub fn request(to: &Upid, request: Request) -> Future<Response> {
    let promise = Promise::new();
    let future = promise.future();
    if let Some((request, promise)) = simulated::network::request(to, request, promise) {
        live::network::request(to.id(), request, promise);
    }
    future
}
