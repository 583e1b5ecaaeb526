//! The live runtime: actix mailboxes on actix-rt arbiters, a clock thread, an I/O runtime.
//!
//! Started by the first [`spawn`](crate::spawn); one an operating-system process, as libprocess.

pub(crate) mod clock;
pub(crate) mod current;
pub(crate) mod finalize;
mod host;
pub(crate) mod network;
mod registry;
pub(crate) mod settle;

pub use host::LocalHost;
pub use network::{Options, address, initialize};

use crate::context::Context;
use crate::future::{Future, Nothing, Promise};
use crate::http::{Request, Response};
use crate::pid::{Pid, Process, Target, Upid};
use crate::remote::Message;
use crate::transport::Port;
use actix::Addr;
use actix::dev::channel::channel;
use actix::dev::{ContextFut, Mailbox};
use actix_rt::{Arbiter, ArbiterHandle, System};
use dashmap::DashMap;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use tokio::runtime::Handle;

/// Messages beyond this many wait in actix's overflow queue; `do_send` never refuses one.
const MAILBOX_CAPACITY: usize = 16;

/// What the outside needs to know of a running process.
pub(crate) struct Control {
    process: current::ProcessNumber,
    doomed: AtomicBool,
    exited: Mutex<Option<Promise<Nothing>>>,
    done: Future<Nothing>,
}

impl Control {
    fn new() -> Self {
        let promise = Promise::new();
        let done = promise.future();
        let process = registry::number();
        let doomed = AtomicBool::new(false);
        Control { process, doomed, exited: Mutex::new(Some(promise)), done }
    }

    #[inline]
    pub(crate) fn process(&self) -> current::ProcessNumber {
        self.process
    }

    #[inline]
    pub(crate) fn is_doomed(&self) -> bool {
        self.doomed.load(Ordering::Relaxed)
    }

    pub(crate) fn doom(&self) {
        self.doomed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn done(&self) -> Future<Nothing> {
        self.done.clone()
    }

    fn exit(&self) {
        let promise = self.exited.lock().take();
        if let Some(promise) = promise {
            promise.set(Nothing);
        }
    }
}

struct Runtime {
    arbiters: Vec<ArbiterHandle>,
    next: AtomicUsize,
    processes: DashMap<String, Box<dyn Port>>,
    io: Handle,
}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(|| start(worker_threads()))
}

/// As many arbiters as cores, at least two: a process that computes must not stop all others.
fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).max(2)
}

fn start(threads: usize) -> Runtime {
    let (sender, receiver) = mpsc::channel();
    // actix's System needs a thread that stays in its event loop.
    std::thread::Builder::new()
        .name("actix-system".to_owned())
        .spawn(move || {
            let system = System::new();
            let arbiters = (0..threads).map(|_| Arbiter::new().handle()).collect::<Vec<_>>();
            // The receiver waits for exactly this; it cannot be gone.
            let _ = sender.send(arbiters);
            let _ = system.run();
        })
        .expect("the process may start one more thread at start-up");
    let arbiters = receiver.recv().expect("the system thread sends its arbiters before it runs");

    let io = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("io")
        .enable_all()
        .build()
        .expect("a tokio runtime needs two threads and an event queue");
    let handle = io.handle().clone();
    // The runtime lives as long as the program.
    std::mem::forget(io);
    Runtime { arbiters, next: AtomicUsize::new(0), processes: DashMap::new(), io: handle }
}

/// The tokio runtime on which backends do their input and output. What completes there runs
/// callbacks there: they must be deferred if they touch a process.
pub fn io() -> &'static Handle {
    &runtime().io
}

pub(crate) fn spawn<A: Process>(id: String, actor: A) -> Pid<A> {
    let runtime = runtime();
    let (sender, receiver) = channel::<A>(MAILBOX_CAPACITY);
    let control = Arc::new(Control::new());
    let pid = Pid::new(
        Upid::new(id, address()),
        Target::Live { address: Addr::new(sender), control: Arc::clone(&control) },
    );
    clock::created(control.process());
    let Some(residence) = registry::Residence::new(&pid, &control) else {
        eprintln!("{}", crate::spawn::refused(pid.upid().id()));
        control.exit();
        return pid;
    };

    let arbiter = runtime.next.fetch_add(1, Ordering::Relaxed) % runtime.arbiters.len();
    let own = pid.clone();
    let started = runtime.arbiters[arbiter].spawn_fn(move || {
        let mailbox = Mailbox::new(receiver);
        let context = Context::live(own, &mailbox);
        actix_rt::spawn(registry::run(residence, ContextFut::new(context, actor, mailbox)));
    });
    debug_assert!(started, "arbiters run as long as the program");
    pid
}

pub(crate) fn find<A: Process>(id: &str) -> Option<Pid<A>> {
    let found = RUNTIME.get()?.processes.get(id)?;
    found.as_any().downcast_ref::<Pid<A>>().cloned()
}

pub(crate) fn ids() -> Vec<String> {
    let Some(runtime) = RUNTIME.get() else { return Vec::new() };
    let mut ids: Vec<_> = runtime.processes.iter().map(|entry| entry.key().clone()).collect();
    ids.sort();
    ids
}

fn with_process<R>(id: &str, f: impl FnOnce(&dyn Port) -> R) -> Option<R> {
    let process = RUNTIME.get()?.processes.get(id)?;
    Some(f(&**process))
}

/// Keeps the way to the process of this name beside the name, if there is one.
///
/// Mirrors `UPID::resolve` in `3rdparty/libprocess/src/process.cpp`.
#[doc(alias = "UPID::resolve")]
pub(crate) fn resolve(upid: &Upid) {
    if let Some(mailbox) = with_process(upid.id(), |process| process.mailbox()).flatten() {
        upid.remember(mailbox);
    }
}

/// Puts a message into the mailbox of a process of this program; gives it back when there is none.
pub(crate) fn deliver(message: Message) -> Result<(), Box<Message>> {
    match RUNTIME.get().and_then(|runtime| runtime.processes.get(message.to.id())) {
        Some(process) => {
            process.message(message);
            Ok(())
        }
        None => Err(Box::new(message)),
    }
}

/// Puts a request into the mailbox of a process; `false`, and the promise dropped, when there is
/// none.
pub(crate) fn request(id: &str, request: Request, promise: Promise<Response>) -> bool {
    with_process(id, |process| process.request(request, promise)).is_some()
}

pub(crate) fn is_running(id: &str) -> bool {
    with_process(id, |_| ()).is_some()
}

/// The number and the end of a process; `None` when there is none.
pub(crate) fn local(id: &str) -> Option<(u64, Future<Nothing>)> {
    with_process(id, |process| (process.number(), process.ended()))
}
