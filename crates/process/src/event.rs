//! The one kind of message that travels between processes: a closure with a name.
//!
//! Typed messages, dispatched methods and deferred callbacks are all packed into an [`Event`]. It
//! is one allocation, and either world can deliver it: actix as an envelope, the simulator inline.

use crate::context::Context;
use crate::filter::{self, Incoming};
use crate::label::{Label, Named};
use crate::pid::Process;
use crate::remote::Message;
use crate::simulated::AnyCell;
use crate::transport::Port;
use crate::{live, simulated};
use actix::dev::EnvelopeProxy;
use std::any::Any;
use std::marker::PhantomData;

/// Something to be run in the context of a process of type `A`.
///
/// Processes accept it through the `process!` macro; nobody constructs one directly.
pub struct Event<A: Process>(pub(crate) Box<dyn EnvelopeProxy<A> + Send>);

impl<A: Process> actix::Message for Event<A> {
    type Result = ();
}

impl<A: Process> Event<A> {
    /// Runs the event. Called by the handler that `process!` writes.
    pub fn deliver(mut self, actor: &mut A, context: &mut Context<A>) {
        self.0.handle(actor, context);
    }
}

/// The content of an event: what `dispatch` and `defer` box. `DISPATCH`: filters are to take it for
/// one of these; otherwise it is a message, a request or an exit, and asks them itself.
pub(crate) struct Call<A, N, F, const DISPATCH: bool> {
    name: N,
    f: Option<F>,
    process: PhantomData<fn(A)>,
}

impl<A, N, F, const DISPATCH: bool> Call<A, N, F, DISPATCH>
where
    A: Process,
    N: Named,
    F: FnOnce(&mut A, &mut Context<A>) + Send + 'static,
{
    pub(crate) fn new(name: N, f: F) -> Self {
        Call { name, f: Some(f), process: PhantomData }
    }
}

impl<A, N, F, const DISPATCH: bool> EnvelopeProxy<A> for Call<A, N, F, DISPATCH>
where
    A: Process,
    N: Named,
    F: FnOnce(&mut A, &mut Context<A>) + Send + 'static,
{
    fn handle(&mut self, actor: &mut A, context: &mut Context<A>) {
        let Some(f) = self.f.take() else { return };
        if context.is_doomed() {
            // A terminated process drops what is left in its mailbox, as upstream does.
            return;
        }
        let incoming = || Incoming::Dispatch(self.name.label::<A>());
        if DISPATCH && filter::drops_made(false, context.upid(), incoming) {
            return;
        }
        live::current::handling();
        f(actor, context);
    }
}

/// A message by name, on its way to a live process. It needs no label: whoever looks at it, a
/// filter, sees the message itself.
pub(crate) struct Delivery(pub(crate) Message);

impl<A: Process> EnvelopeProxy<A> for Delivery {
    fn handle(&mut self, actor: &mut A, context: &mut Context<A>) {
        if !context.is_doomed() {
            live::current::handling();
            context.consume_message(actor, &self.0);
        }
    }
}

/// A [`Call`] in the simulator.
pub(crate) struct SimulatedCall<A, F, const DISPATCH: bool> {
    method: &'static str,
    f: F,
    process: PhantomData<fn(A)>,
}

impl<A, F, const DISPATCH: bool> SimulatedCall<A, F, DISPATCH>
where
    A: Process,
    F: FnOnce(&mut A, &mut Context<A>) + Send + 'static,
{
    /// `method` is that of the label, whose process is `A`.
    pub(crate) fn boxed(method: &'static str, f: F) -> Box<dyn simulated::Mail> {
        Box::new(SimulatedCall::<A, F, DISPATCH> { method, f, process: PhantomData })
    }
}

impl<A, F, const DISPATCH: bool> simulated::Mail for SimulatedCall<A, F, DISPATCH>
where
    A: Process,
    F: FnOnce(&mut A, &mut Context<A>) + Send + 'static,
{
    fn label(&self) -> Label {
        Label::method::<A>(self.method)
    }

    fn method(&self) -> &'static str {
        self.method
    }

    fn deliver(self: Box<Self>, cell: &mut dyn AnyCell) {
        let cell: &mut dyn Any = cell;
        if let Some(cell) = cell.downcast_mut::<simulated::Cell<A>>() {
            let upid = cell.context.upid();
            if DISPATCH && filter::drops_made(true, upid, || Incoming::Dispatch(self.label())) {
                return;
            }
            (self.f)(&mut cell.actor, &mut cell.context);
        }
    }

    fn arrive(self: Box<Self>, _: &dyn Port) -> Box<dyn simulated::Mail> {
        self
    }
}
