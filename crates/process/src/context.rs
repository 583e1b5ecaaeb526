//! The context in which a process handles its events, in either world.

use crate::clock::{self, Timer};
use crate::event::Event;
use crate::handlers::Handlers;
use crate::pid::{Pid, Process, Target, Upid};
use actix::dev::{AsyncContextParts, ContextParts, Envelope, Mailbox, OneshotSender, ToEnvelope};
use actix::{
    Actor, ActorContext, ActorFuture, ActorState, Addr, AsyncContext, Message, SpawnHandle,
};
use parking_lot::Mutex;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// An actix context that needs no actix: in the live runtime it is driven by actix's mailbox, in
/// the simulator handlers are called inline with it.
///
/// Of actix's own context methods only `stop` and `terminate` work in both worlds. Futures given
/// to `spawn` or `wait` are never polled in the simulator, so ported code does not use them: it
/// has [`Future`](crate::Future), `defer!` and [`delay`](Context::delay).
pub struct Context<A: Process> {
    pid: Pid<A>,
    parts: Option<ContextParts<A>>,
    stopping: bool,
    pub(crate) handlers: Option<Box<Handlers<A>>>,
    pub(crate) links: Links,
}

/// The processes whose end this one wants to hear of; most processes want to hear of none.
pub(crate) type Links = OnceCell<Arc<Mutex<BTreeSet<u64>>>>;

impl<A: Process> Context<A> {
    pub(crate) fn live(pid: Pid<A>, mailbox: &Mailbox<A>) -> Self {
        let parts = Some(ContextParts::new(mailbox.sender_producer()));
        Context { pid, parts, stopping: false, links: Links::new(), handlers: None }
    }

    pub(crate) fn simulated(pid: Pid<A>) -> Self {
        Context { pid, parts: None, stopping: false, links: Links::new(), handlers: None }
    }

    /// The address of this process: libprocess's `self()`.
    #[doc(alias = "self")]
    #[doc(alias = "ProcessBase::self")]
    pub fn pid(&self) -> &Pid<A> {
        &self.pid
    }

    /// The untyped name of this process.
    pub fn upid(&self) -> &Upid {
        self.pid.upid()
    }

    /// Runs `f` in this process after `duration`; the timer can be cancelled.
    #[doc(alias = "process::delay")]
    pub fn delay(
        &self,
        duration: Duration,
        method: &'static str,
        f: impl FnOnce(&mut A, &mut Context<A>) + Send + 'static,
    ) -> Timer {
        clock::delay(duration, &self.pid, method, f)
    }

    pub(crate) fn is_simulated(&self) -> bool {
        matches!(self.pid.target(), Target::Simulated(_))
    }

    /// Whether this process was told to terminate, so that nothing more may reach it.
    pub(crate) fn is_doomed(&self) -> bool {
        match self.pid.target() {
            Target::Live { control, .. } => control.is_doomed(),
            Target::Simulated(_) => false,
        }
    }

    /// Whether the handler that just ran asked to end the process (simulator).
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }
}

impl<A: Process> ActorContext for Context<A> {
    fn stop(&mut self) {
        self.stopping = true;
        if let Some(parts) = &mut self.parts {
            parts.stop();
        }
    }

    fn terminate(&mut self) {
        self.stopping = true;
        if let Some(parts) = &mut self.parts {
            parts.terminate();
        }
    }

    fn state(&self) -> ActorState {
        match &self.parts {
            Some(parts) => parts.state(),
            None if self.stopping => ActorState::Stopping,
            None => ActorState::Running,
        }
    }
}

impl<A: Process> AsyncContextParts<A> for Context<A> {
    fn parts(&mut self) -> &mut ContextParts<A> {
        // In the simulator nothing polls these; they only satisfy actix's traits.
        self.parts.get_or_insert_with(|| ContextParts::new(Mailbox::default().sender_producer()))
    }
}

impl<A: Process> AsyncContext<A> for Context<A> {
    fn spawn<F>(&mut self, future: F) -> SpawnHandle
    where
        F: ActorFuture<A, Output = ()> + 'static,
    {
        self.parts().spawn(future)
    }

    fn wait<F>(&mut self, future: F)
    where
        F: ActorFuture<A, Output = ()> + 'static,
    {
        self.parts().wait(future);
    }

    fn waiting(&self) -> bool {
        self.parts.as_ref().is_some_and(ContextParts::waiting)
    }

    fn cancel_future(&mut self, handle: SpawnHandle) -> bool {
        self.parts().cancel_future(handle)
    }

    fn address(&self) -> Addr<A> {
        match self.pid.target() {
            Target::Live { address, .. } => address.clone(),
            Target::Simulated(_) => Mailbox::default().address(),
        }
    }
}

impl<A: Process> ToEnvelope<A, Event<A>> for Context<A> {
    fn pack(event: Event<A>, _: Option<OneshotSender<()>>) -> Envelope<A> {
        Envelope::with_proxy(event.0)
    }
}

/// A future as a handler's result: actix sends the handle back, as libprocess does.
impl<A, M, T> actix::dev::MessageResponse<A, M> for crate::Future<T>
where
    A: Actor,
    M: Message<Result = crate::Future<T>>,
    T: crate::future::Value,
{
    fn handle(self, _: &mut A::Context, sender: Option<OneshotSender<M::Result>>) {
        if let Some(sender) = sender {
            // The asker may be gone; then nobody wants the future.
            let _ = sender.send(self);
        }
    }
}
