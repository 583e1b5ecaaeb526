//! Filters: tests look at events on their way into a handler, and drop some.
//!
//! Mirrors `3rdparty/libprocess/include/process/filter.hpp` and the helpers built on it in
//! `gmock.hpp`: `FUTURE_MESSAGE`, `DROP_MESSAGE`, `DROP_DISPATCH`, `EXPECT_NO_FUTURE_…` and so on.
//! Programs never install one; without, an event costs one load and one branch more.

use crate::future::{Future, Promise, Value};
use crate::http::Request;
use crate::label::Label;
use crate::pid::Upid;
use crate::remote::Message;
use crate::simulated;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a process is about to handle.
#[doc(alias = "process::Event")]
#[derive(Clone, Copy, Debug)]
pub enum Incoming<'a> {
    /// A message by name.
    #[doc(alias = "MessageEvent")]
    Message(&'a Message),
    /// A dispatched method or typed message, a deferred callback, a timer.
    #[doc(alias = "DispatchEvent")]
    Dispatch(Label),
    /// A request to one of its routes.
    #[doc(alias = "HttpEvent")]
    Http(&'a Request),
    /// The end of a process that it is linked to.
    #[doc(alias = "ExitedEvent")]
    Exited(&'a Upid),
}

/// What becomes of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is handled.
    Pass,
    /// It is dropped, as if the process had gone.
    Drop,
}

type Decide = dyn Fn(&Upid, Incoming<'_>) -> Verdict + Send + Sync;

struct Installed {
    id: u64,
    decide: Arc<Decide>,
}

static ACTIVE: AtomicBool = AtomicBool::new(false);
static NEXT: AtomicU64 = AtomicU64::new(1);
static LIVE: Mutex<Vec<Installed>> = Mutex::new(Vec::new());

thread_local! {
    static SIMULATED: RefCell<Vec<Installed>> = const { RefCell::new(Vec::new()) };
}

/// A filter in force. It ends when this is dropped.
pub struct Filter {
    id: u64,
    simulated: bool,
}

/// Shows `decide` every event of this runtime just before it is handled: in the simulator those of
/// the simulation on this thread, otherwise those of all live processes. Of several filters the
/// newest is asked first; the first that drops the event is the last that is asked.
#[doc(alias = "process::filter")]
pub fn install(decide: impl Fn(&Upid, Incoming<'_>) -> Verdict + Send + Sync + 'static) -> Filter {
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let installed = Installed { id, decide: Arc::new(decide) };
    let simulated = simulated::now().is_some();
    if simulated {
        SIMULATED.with_borrow_mut(|filters| filters.push(installed));
    } else {
        LIVE.lock().push(installed);
    }
    ACTIVE.store(true, Ordering::SeqCst);
    Filter { id, simulated }
}

impl Drop for Filter {
    fn drop(&mut self) {
        if self.simulated {
            SIMULATED.with_borrow_mut(|filters| filters.retain(|filter| filter.id != self.id));
        } else {
            LIVE.lock().retain(|filter| filter.id != self.id);
        }
    }
}

/// Whether a filter drops this event. Once a program has had a filter, this takes a lock.
#[inline]
pub(crate) fn drops(simulated: bool, process: &Upid, incoming: Incoming<'_>) -> bool {
    drops_made(simulated, process, || incoming)
}

/// The same, of an event that is described only when there is a filter.
#[inline]
pub(crate) fn drops_made<'a>(
    simulated: bool,
    process: &Upid,
    incoming: impl FnOnce() -> Incoming<'a>,
) -> bool {
    ACTIVE.load(Ordering::Relaxed) && ask(simulated, process, incoming()) == Verdict::Drop
}

#[cold]
fn ask(simulated: bool, process: &Upid, incoming: Incoming<'_>) -> Verdict {
    let copy = |filters: &Vec<Installed>| -> Vec<Arc<Decide>> {
        filters.iter().rev().map(|filter| Arc::clone(&filter.decide)).collect()
    };
    // Asked without a lock: what a filter completes may lead to another event.
    let filters = if simulated { SIMULATED.with_borrow(copy) } else { copy(&LIVE.lock()) };
    let dropped = filters.iter().any(|decide| decide(process, incoming) == Verdict::Drop);
    if dropped { Verdict::Drop } else { Verdict::Pass }
}

/// A future of the first event for which `choose` gives something, and a filter that stays in force
/// as long as it is kept. `verdict` is what becomes of that event; all others pass.
fn first<T: Value>(
    verdict: Verdict,
    choose: impl Fn(&Upid, Incoming<'_>) -> Option<T> + Send + Sync + 'static,
) -> (Future<T>, Filter) {
    let promise = Mutex::new(Some(Promise::new()));
    let future = promise.lock().as_ref().map_or_else(Future::abandoned, Promise::future);
    let filter = install(move |process, incoming| {
        if promise.lock().is_none() {
            return Verdict::Pass;
        }
        let Some(value) = choose(process, incoming) else { return Verdict::Pass };
        let taken = promise.lock().take();
        match taken {
            Some(promise) => {
                promise.set(value);
                verdict
            }
            None => Verdict::Pass,
        }
    });
    (future, filter)
}

/// The first message of this name.
#[doc(alias = "FUTURE_MESSAGE")]
#[doc(alias = "DROP_MESSAGE")]
pub fn future_message(name: &str, verdict: Verdict) -> (Future<Message>, Filter) {
    let name = name.to_owned();
    first(verdict, move |_, incoming| match incoming {
        Incoming::Message(message) if message.name == name => Some(message.clone()),
        _ => None,
    })
}

/// The first dispatch to `process` of the method or message type whose name ends in `method`.
#[doc(alias = "FUTURE_DISPATCH")]
#[doc(alias = "DROP_DISPATCH")]
pub fn future_dispatch(
    process: &Upid,
    method: &'static str,
    verdict: Verdict,
) -> (Future<Label>, Filter) {
    let process = process.clone();
    first(verdict, move |to, incoming| match incoming {
        Incoming::Dispatch(label) if *to == process && label.method.ends_with(method) => {
            Some(label)
        }
        _ => None,
    })
}

/// The first time that `linker` is told of the end of `linkee`.
#[doc(alias = "FUTURE_EXITED")]
#[doc(alias = "DROP_EXITED")]
pub fn future_exited(linkee: &Upid, linker: &Upid, verdict: Verdict) -> (Future<Upid>, Filter) {
    let (linkee, linker) = (linkee.clone(), linker.clone());
    first(verdict, move |to, incoming| match incoming {
        Incoming::Exited(who) if *who == linkee && *to == linker => Some(who.clone()),
        _ => None,
    })
}
