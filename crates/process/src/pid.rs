//! Addresses of processes: the typed [`Pid`] and the untyped, printable [`Upid`].
//!
//! Mirrors `3rdparty/libprocess/include/process/pid.hpp`, `dispatch.hpp` and `defer.hpp`.

use crate::context::Context;
use crate::event::{Call, Delivery, Event, SimulatedCall};
use crate::future::{Future, Promise, Value};
use crate::http::{Request, Response};
use crate::label::{ByMessage, ByMethod, Named};
use crate::live::current::ProcessNumber;
use crate::remote::Message as ByName;
use crate::spawn::{Exited, wait};
use crate::transport::{Mailbox, Port};
use crate::{Nothing, live, simulated};
use actix::{Actor, Addr, Handler, Message};
use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// A process: an actix actor whose context is [`Context`]. Implemented for every such actor that
/// carries a `process!` line.
#[doc(alias = "process::Process")]
pub trait Process: Actor<Context = Context<Self>> + Handler<Event<Self>> + Send {}

impl<A: Actor<Context = Context<A>> + Handler<Event<A>> + Send> Process for A {}

/// The untyped name of a process: `id@ip:port`.
#[doc(alias = "process::UPID")]
#[derive(Clone)]
pub struct Upid(Arc<Name>);

struct Name {
    id: String,
    address: String,
    /// Of the live process of this name, once something was sent to it by this name.
    mailbox: OnceLock<Box<dyn Mailbox>>,
}

impl Upid {
    /// A name from its two halves, for instance `slave(1)` and `127.0.0.1:5051`.
    pub fn new(id: impl Into<String>, address: impl Into<String>) -> Self {
        Upid(Arc::new(Name { id: id.into(), address: address.into(), mailbox: OnceLock::new() }))
    }

    /// The part before the `@`.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The part after the `@`.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The mailbox that was found under this name. Its process may have ended since, and another
    /// one of this name may have been started.
    ///
    /// Mirrors `UPID::reference` in `3rdparty/libprocess/include/process/pid.hpp`.
    #[doc(alias = "UPID::reference")]
    pub(crate) fn mailbox(&self) -> Option<&dyn Mailbox> {
        self.0.mailbox.get().map(Box::as_ref)
    }

    /// Keeps what was found under this name, unless something was found before.
    pub(crate) fn remember(&self, mailbox: Box<dyn Mailbox>) {
        // Of two that are found at the same time, one is as good as the other.
        let _ = self.0.mailbox.set(mailbox);
    }

    fn key(&self) -> (&str, &str) {
        (self.id(), self.address())
    }

    /// Parses `id@ip:port`; `None` when there is no `@` or no `:` after it.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, address) = text.split_once('@')?;
        let (host, port) = address.rsplit_once(':')?;
        (!host.is_empty() && port.parse::<u16>().is_ok()).then(|| Upid::new(id, address))
    }
}

impl PartialEq for Upid {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.key() == other.key()
    }
}

impl Eq for Upid {}

impl Hash for Upid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Ord for Upid {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Upid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id(), self.address())
    }
}

impl fmt::Debug for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(crate) enum Target<A: Process> {
    Live { address: Addr<A>, control: Arc<live::Control> },
    Simulated(simulated::ContextId),
}

struct Inner<A: Process> {
    upid: Upid,
    target: Target<A>,
}

/// The address of a process of type `A`. Cheap to clone; does not keep the process running.
#[doc(alias = "process::PID")]
pub struct Pid<A: Process>(Arc<Inner<A>>);

impl<A: Process> Clone for Pid<A> {
    fn clone(&self) -> Self {
        Pid(Arc::clone(&self.0))
    }
}

impl<A: Process> fmt::Debug for Pid<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.upid, f)
    }
}

impl<A: Process> PartialEq for Pid<A> {
    fn eq(&self, other: &Self) -> bool {
        self.0.upid == other.0.upid
    }
}

impl<A: Process> Pid<A> {
    pub(crate) fn new(upid: Upid, target: Target<A>) -> Self {
        Pid(Arc::new(Inner { upid, target }))
    }

    /// The untyped name.
    pub fn upid(&self) -> &Upid {
        &self.0.upid
    }

    pub(crate) fn target(&self) -> &Target<A> {
        &self.0.target
    }

    /// Tells the processes of one runtime apart, also those of one name that follow each other.
    pub(crate) fn number(&self) -> u64 {
        match &self.0.target {
            Target::Live { control, .. } => control.process().0,
            Target::Simulated(context) => u64::from(context.number()),
        }
    }

    /// Enqueues `f` to be run in the process. When the process is gone, `f` is dropped.
    fn enqueue(&self, name: impl Named, f: impl FnOnce(&mut A, &mut Context<A>) + Send + 'static) {
        self.enqueue_as::<true>(name, f);
    }

    /// The same; `DISPATCH` says whether filters are to take it for a dispatch.
    #[inline(always)]
    fn enqueue_as<const DISPATCH: bool>(
        &self,
        name: impl Named,
        f: impl FnOnce(&mut A, &mut Context<A>) + Send + 'static,
    ) {
        match &self.0.target {
            Target::Live { address, control } => {
                if live::clock::is_paused() {
                    live::clock::delivered(control.process());
                }
                address.do_send(Event(Box::new(Call::<A, _, _, DISPATCH>::new(name, f))));
            }
            Target::Simulated(to) => {
                simulated::send(
                    *to,
                    SimulatedCall::<A, _, DISPATCH>::boxed(name.label::<A>().method, f),
                );
            }
        }
    }

    /// Tells the process that another one has ended.
    pub(crate) fn exited(&self, who: Upid)
    where
        A: Handler<Exited, Result = ()>,
    {
        self.enqueue_as::<false>(ByMessage::<Exited>::new(), move |actor, context| {
            context.consume_exited(actor, who);
        });
    }

    /// Sends a message whose handler returns a future, and returns that future. If the process is
    /// gone, or goes before it handles the message, the future is abandoned.
    #[doc(alias = "process::dispatch")]
    pub fn dispatch<M, T>(&self, message: M) -> Future<T>
    where
        T: Value,
        M: Message<Result = Future<T>> + Send + 'static,
        A: Handler<M, Result = Future<T>>,
    {
        self.call_named(ByMessage::<M>::new(), move |actor, context| actor.handle(message, context))
    }

    /// Sends a message without a result.
    #[doc(alias = "process::dispatch")]
    pub fn tell<M>(&self, message: M)
    where
        M: Message<Result = ()> + Send + 'static,
        A: Handler<M, Result = ()>,
    {
        self.enqueue(ByMessage::<M>::new(), move |actor, context| {
            actor.handle(message, context);
        });
    }

    /// Sends a message as over the network, from the process named `from`: in the simulator it
    /// travels on a first-in first-out lane of its own for each sender and receiver and may arrive
    /// any time after the send; live, within one program, it is a [`tell`](Self::tell).
    #[doc(alias = "ProcessBase::send")]
    pub fn post<M>(&self, from: &Upid, message: M)
    where
        M: Message<Result = ()> + Send + 'static,
        A: Handler<M, Result = ()>,
    {
        match &self.0.target {
            Target::Live { .. } => self.tell(message),
            Target::Simulated(to) => {
                let f = move |actor: &mut A, context: &mut Context<A>| {
                    actor.handle(message, context);
                };
                let method = ByMessage::<M>::new().label::<A>().method;
                simulated::post(from, *to, SimulatedCall::<A, _, true>::boxed(method, f));
            }
        }
    }

    fn call_named<T: Value>(
        &self,
        name: impl Named,
        f: impl FnOnce(&mut A, &mut Context<A>) -> Future<T> + Send + 'static,
    ) -> Future<T> {
        let promise = Promise::new();
        let future = promise.future();
        self.enqueue(name, move |actor, context| {
            promise.associate(&f(actor, context));
        });
        future
    }

    /// Runs a method of the process in its context; see `dispatch!`.
    pub fn call<T: Value>(
        &self,
        method: &'static str,
        f: impl FnOnce(&mut A, &mut Context<A>) -> Future<T> + Send + 'static,
    ) -> Future<T> {
        self.call_named(ByMethod(method), f)
    }

    /// Runs a method without a result in the context of the process; see `dispatch!`.
    pub fn run(
        &self,
        method: &'static str,
        f: impl FnOnce(&mut A, &mut Context<A>) + Send + 'static,
    ) {
        self.enqueue(ByMethod(method), f);
    }

    /// A callback for [`Future::then`] that runs in this process; see `defer!`.
    #[doc(alias = "process::defer")]
    pub fn defer<T: Value, X: Value>(
        &self,
        method: &'static str,
        f: impl FnOnce(&mut A, &mut Context<A>, T) -> Future<X> + Send + 'static,
    ) -> impl FnOnce(&T) -> Future<X> + Send + 'static {
        let pid = self.clone();
        move |value| {
            let value = value.clone();
            pid.call(method, move |actor, context| f(actor, context, value))
        }
    }

    /// A callback for [`Future::on_any`] (or `recover`'s argument) that runs in this process.
    #[doc(alias = "process::defer")]
    pub fn defer_any<T: Value>(
        &self,
        method: &'static str,
        f: impl FnOnce(&mut A, &mut Context<A>, Future<T>) + Send + 'static,
    ) -> impl FnOnce(&Future<T>) + Send + 'static {
        let pid = self.clone();
        move |future| {
            let future = future.clone();
            pid.run(method, move |actor, context| f(actor, context, future));
        }
    }
}

/// The way to a live process, as it is kept beside its name.
struct Door<A: Process> {
    address: Addr<A>,
    process: ProcessNumber,
}

impl<A: Process> Mailbox for Door<A> {
    fn is_open(&self) -> bool {
        self.address.connected()
    }

    fn put(&self, message: ByName) {
        put(&self.address, self.process, message);
    }
}

fn put<A: Process>(address: &Addr<A>, process: ProcessNumber, message: ByName) {
    if live::clock::is_paused() {
        live::clock::delivered(process);
    }
    address.do_send(Event(Box::new(Delivery(message))));
}

impl<A: Process> Port for Pid<A> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn message(&self, message: ByName) {
        match &self.0.target {
            Target::Live { address, control } => put(address, control.process(), message),
            Target::Simulated(to) => simulated::send(*to, mail::<A>(message)),
        }
    }

    fn mail(&self, message: ByName) -> Box<dyn simulated::Mail> {
        mail::<A>(message)
    }

    fn mailbox(&self) -> Option<Box<dyn Mailbox>> {
        match &self.0.target {
            Target::Live { address, control } => {
                Some(Box::new(Door { address: address.clone(), process: control.process() }))
            }
            Target::Simulated(_) => None,
        }
    }

    fn request(&self, request: Request, promise: Promise<Response>) {
        self.enqueue_as::<false>(ByMethod("request"), move |actor, context| {
            context.consume_request(actor, request, promise);
        });
    }

    fn number(&self) -> u64 {
        Pid::number(self)
    }

    fn ended(&self) -> Future<Nothing> {
        wait(self)
    }
}

fn mail<A: Process>(message: ByName) -> Box<dyn simulated::Mail> {
    let method = message.label.unwrap_or("message");
    let f = move |actor: &mut A, context: &mut Context<A>| context.consume_message(actor, &message);
    SimulatedCall::<A, _, false>::boxed(method, f)
}
