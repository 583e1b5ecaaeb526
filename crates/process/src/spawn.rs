//! Starting, ending, waiting for and watching processes.
//!
//! Mirrors `spawn`, `terminate`, `wait`, `link` and `ID::generate` of
//! `3rdparty/libprocess/include/process/{process,id}.hpp`.

use crate::context::Context;
use crate::future::{Future, Nothing};
use crate::pid::{Pid, Process, Target, Upid};
use crate::{live, simulated};
use actix::{ActorContext, Handler, Message};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tells a linked process that the process named in it has ended.
#[doc(alias = "process::ExitedEvent")]
#[doc(alias = "ProcessBase::exited")]
#[doc(alias = "inject::exited")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exited(
    /// The process that ended.
    pub Upid,
);

impl Message for Exited {
    type Result = ();
}

static COUNTS: parking_lot::Mutex<BTreeMap<String, u64>> = parking_lot::Mutex::new(BTreeMap::new());

/// A fresh process id: `prefix(1)`, `prefix(2)`, … counted for each prefix and runtime.
#[doc(alias = "ID::generate")]
pub fn generate_id(prefix: &str) -> String {
    let number = simulated::count_id(prefix).unwrap_or_else(|| {
        let mut counts = COUNTS.lock();
        let count = counts.entry(prefix.to_owned()).or_insert(0);
        *count += 1;
        *count
    });
    format!("{prefix}({number})")
}

/// Starts a process under `id` and returns its address. Its `started` (libprocess: `initialize`)
/// runs in its own context, before any message.
///
/// A name is for one process at a time, and while the runtime is [finalized](crate::finalize) no
/// process starts at all. Then `actor` is dropped, standard error (in the simulator, the record)
/// says so, and the address is that of a process that has ended.
#[doc(alias = "process::spawn")]
pub fn spawn<A: Process>(id: impl Into<String>, actor: A) -> Pid<A> {
    let id = id.into();
    match simulated::spawn(id, actor) {
        Ok(pid) => pid,
        Err((id, actor)) => live::spawn(id, actor),
    }
}

/// What to say about a process that may not start.
pub(crate) fn refused(id: &str) -> String {
    format!(
        "Attempted to spawn the process {id} while one with this name runs, or while libprocess is \
         being finalized; what is sent to it is dropped"
    )
}

/// Ends a process: its `stopped` (libprocess: `finalize`) runs, what is left in its mailbox is
/// dropped. With `inject` it jumps the queue of its mailbox, otherwise what was sent before is
/// handled first.
#[doc(alias = "process::terminate")]
pub fn terminate<A: Process>(pid: &Pid<A>, inject: bool) {
    match pid.target() {
        Target::Live { control, .. } => {
            if inject {
                control.doom();
            }
            // A doomed process drops events unseen, this one included; stopping is done by the
            // envelope below, which is not an ordinary event.
            live_stop(pid);
        }
        Target::Simulated(context) => simulated::terminate(*context, inject),
    }
}

/// Ends a process on the spot, as the death of its operating-system process would: in the
/// simulator neither its `stopped` runs nor do its unsent messages leave. A live process cannot be
/// cut off in the middle of a handler; there this is an injected [`terminate`].
pub fn kill<A: Process>(pid: &Pid<A>) {
    match pid.target() {
        Target::Live { .. } => terminate(pid, true),
        Target::Simulated(context) => simulated::kill(*context),
    }
}

fn live_stop<A: Process>(pid: &Pid<A>) {
    if let Target::Live { address, control } = pid.target() {
        if live::clock::is_paused() {
            live::clock::delivered(control.process());
        }
        address.do_send(crate::Event(Box::new(Stop)));
    }
}

/// The envelope that ends a live process even when it is doomed.
struct Stop;

impl<A: Process> actix::dev::EnvelopeProxy<A> for Stop {
    fn handle(&mut self, _: &mut A, context: &mut Context<A>) {
        context.terminate();
    }
}

/// Ready once the process has ended and its `stopped` has run; at once if it has.
#[doc(alias = "process::wait")]
pub fn wait<A: Process>(pid: &Pid<A>) -> Future<Nothing> {
    match pid.target() {
        Target::Live { control, .. } => control.done(),
        Target::Simulated(context) => simulated::wait(*context),
    }
}

impl<A: Process> Context<A> {
    /// Asks for an [`Exited`] message once `other` has ended; at once if it has. Asking twice for
    /// the same end makes no difference.
    #[doc(alias = "ProcessBase::link")]
    pub fn link<B: Process>(&self, other: &Pid<B>)
    where
        A: Handler<Exited, Result = ()>,
    {
        self.watch(other.number(), &wait(other), other.upid());
    }

    /// Waits for the `end` of the process `who`, whose number is `number`.
    pub(crate) fn watch(&self, number: u64, end: &Future<Nothing>, who: &Upid)
    where
        A: Handler<Exited, Result = ()>,
    {
        let links = Arc::clone(self.links.get_or_init(Arc::default));
        if !links.lock().insert(number) {
            return;
        }
        let (pid, who) = (self.pid().clone(), who.clone());
        end.on_any(move |_| {
            links.lock().remove(&number);
            pid.exited(who);
        });
    }
}

/// The running process of type `A` under the name `id`, in this runtime.
pub fn find<A: Process>(id: &str) -> Option<Pid<A>> {
    simulated::find(id).unwrap_or_else(|| live::find(id))
}

/// The names of all running processes of this runtime, sorted.
pub fn process_ids() -> Vec<String> {
    simulated::ids().unwrap_or_else(live::ids)
}
