//! How what is addressed to a name gets there: within the program, or over the network.
//!
//! Mirrors `transport` in `3rdparty/libprocess/src/process.cpp`.

use crate::future::{Future, Nothing, Promise};
use crate::http::{Request, Response};
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

    /// What a message is for this process, in the simulator.
    fn mail(&self, message: Message) -> Box<dyn simulated::Mail>;

    /// What can be kept beside its name, if it is a live process.
    fn mailbox(&self) -> Option<Box<dyn Mailbox>>;

    /// Puts a request into the process's mailbox; the promise gets its answer.
    fn request(&self, request: Request, promise: Promise<Response>);

    /// Tells it apart from all others of this runtime, also from those of the same name.
    fn number(&self) -> u64;

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

/// One process wants to be told of the end of another, which is in another program.
pub(crate) struct Link {
    pub(crate) linker: Upid,
    pub(crate) to: Upid,
    pub(crate) remote: RemoteConnection,
    pub(crate) tell: OnExited,
}

/// The number and the end of a process of this runtime, if there is one of that name.
pub(crate) fn local(upid: &Upid) -> Option<(u64, Future<Nothing>)> {
    simulated::network::local(upid).unwrap_or_else(|| live::local(upid.id()))
}

/// Links a process to one of another program.
pub(crate) fn link(link: Link) {
    if let Some(link) = simulated::network::link(link) {
        live::network::link(link);
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
