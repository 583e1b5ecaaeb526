//! The bridge between the world's one thread and the connections' tasks.
//!
//! A task sends [`Command`]s, which run on the world's thread. For a request it gets an
//! [`Exchange`], to which the daemon's replies come; dropping that before the last one is the
//! client's leaving.

use super::world::World;
use parking_lot::Mutex;
use sim::environment::daemon::{Call, Chunk, Interest, Method, Reply, Request, WaitCondition};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll};
use tokio::sync::{mpsc as async_mpsc, oneshot};

/// What is to be done on the world's thread.
pub type Command = Box<dyn FnOnce(&mut World) + Send>;

/// More than so many bytes of replies wait for a client that does not read: its connection breaks.
const MOST_WAITING: usize = 32 << 20;

/// While so many wait, virtual time does not run ahead.
const MANY_WAITING: usize = 1 << 20;

/// What a reply costs beside the bytes that it carries.
const REPLY_COST: usize = 512;

/// The way to the world.
#[derive(Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    next: Arc<AtomicU64>,
}

/// A way to the world, and its other end.
pub fn channel() -> (Handle, mpsc::Receiver<Command>) {
    let (commands, receiver) = mpsc::channel();
    (Handle { commands, next: Arc::default() }, receiver)
}

impl Handle {
    /// Runs `f` on the world's thread, unless the world has ended.
    pub fn run(&self, f: impl FnOnce(&mut World) + Send + 'static) {
        // A world that has ended takes its clients along.
        let _ = self.commands.send(Box::new(f));
    }

    /// What `f` returns on the world's thread; nothing if the world has ended.
    pub async fn look<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut World) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.run(move |world| {
            // Whoever asked may have left.
            let _ = sender.send(f(world));
        });
        receiver.await.ok()
    }

    /// Sends a request to the daemon; `line` is what people see of it.
    pub fn ask(&self, request: Request, line: Arc<str>) -> Exchange {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, replies) = async_mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let sink_waiting = Arc::clone(&waiting);
        self.run(move |world| world.open(id, request, line, sender, sink_waiting));
        Exchange { id, handle: self.clone(), replies, waiting, over: false }
    }
}

/// A request that was sent, and what comes back. Dropping it is leaving.
pub struct Exchange {
    id: u64,
    handle: Handle,
    replies: async_mpsc::UnboundedReceiver<Reply>,
    waiting: Arc<AtomicUsize>,
    over: bool,
}

impl Exchange {
    /// The next reply. After the last one, and where the world has ended, the connection breaks.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Reply> {
        self.replies.poll_recv(context).map(|reply| {
            let reply = reply.unwrap_or(Reply::Broken);
            self.over |= reply.is_last();
            self.waiting.fetch_sub(
                cost(&reply).min(self.waiting.load(Ordering::Relaxed)),
                Ordering::Relaxed,
            );
            reply
        })
    }

    /// The same.
    pub async fn next(&mut self) -> Reply {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// Sends bytes on a connection that was taken over, `None` for their end; comes back when the
    /// world has them.
    pub async fn input(&self, bytes: Option<Arc<[u8]>>) {
        let id = self.id;
        self.handle.look(move |world| world.exchanges.input(id, bytes)).await;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.over {
            let id = self.id;
            self.handle.run(move |world| world.exchanges.hang_up(id));
        }
    }
}

/// What a reply takes of memory, about.
fn cost(reply: &Reply) -> usize {
    match reply {
        Reply::Chunk(Chunk::Output(_, bytes)) => REPLY_COST + bytes.len(),
        _ => REPLY_COST,
    }
}

/// An exchange, on the world's side.
struct Open {
    call: Call,
    line: Arc<str>,
    /// Virtual time may jump ahead for it.
    waits: bool,
    waiting: Arc<AtomicUsize>,
}

/// All exchanges that are not over.
#[derive(Default)]
pub struct Exchanges {
    open: BTreeMap<u64, Open>,
    /// Those that have ended since it was last looked at, with whether the client is still owed
    /// something.
    ended: Arc<Mutex<Vec<(u64, Ended)>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The last reply was sent.
    Answered,
    /// The client does not read, or is gone.
    CutOff,
}

impl Exchanges {
    /// Whether some have ended that were not settled.
    pub fn some_ended(&self) -> bool {
        !self.ended.lock().is_empty()
    }

    /// Forgets those that have ended.
    pub fn settle(&mut self) {
        let ended = std::mem::take(&mut *self.ended.lock());
        for (id, how) in ended {
            match how {
                Ended::Answered => {
                    self.open.remove(&id);
                }
                Ended::CutOff => self.hang_up(id),
            }
        }
    }

    /// The client has left.
    pub fn hang_up(&mut self, id: u64) {
        if let Some(open) = self.open.remove(&id) {
            open.call.hang_up();
        }
    }

    fn input(&self, id: u64, bytes: Option<Arc<[u8]>>) {
        if let Some(open) = self.open.get(&id) {
            open.call.input(bytes);
        }
    }

    /// Whether a client waits for something that takes time, and none is flooded with answers.
    pub fn somebody_waits(&self) -> bool {
        let flooded = |open: &Open| open.waiting.load(Ordering::Relaxed) > MANY_WAITING;
        self.open.values().any(|open| open.waits) && !self.open.values().any(flooded)
    }

    /// The daemon's number of each request, and what people see of it.
    pub fn lines(&self) -> BTreeMap<u64, Arc<str>> {
        let line = |open: &Open| (open.call.number(), Arc::clone(&open.line));
        self.open.values().map(line).collect()
    }
}

impl World {
    fn open(
        &mut self,
        id: u64,
        request: Request,
        line: Arc<str>,
        sender: async_mpsc::UnboundedSender<Reply>,
        waiting: Arc<AtomicUsize>,
    ) {
        let waits = waits(&request);
        let ended = Arc::clone(&self.exchanges.ended);
        let counter = Arc::clone(&waiting);
        let mut sender = Some(sender);
        let sink = move |reply: Reply| {
            let Some(to_client) = &sender else { return };
            let last = reply.is_last();
            let cost = cost(&reply);
            let before = counter.fetch_add(cost, Ordering::Relaxed);
            let sent = before + cost <= MOST_WAITING && to_client.send(reply).is_ok();
            if last || !sent {
                sender = None;
                ended.lock().push((id, if sent { Ended::Answered } else { Ended::CutOff }));
            }
        };
        let call = self.connection.send(request, Interest::Everything, Box::new(sink));
        self.exchanges.open.insert(id, Open { call, line, waits, waiting });
    }
}

/// Whether virtual time may jump ahead for a request. It may not for those that only watch what
/// others do, nor for waits that are made before a start: `docker run -d` leaves with one open.
fn waits(request: &Request) -> bool {
    match request {
        Request::Events(options) => options.until.is_some(),
        Request::Stats { stream, .. } => !stream,
        Request::Wait { condition, .. } => *condition == WaitCondition::NotRunning,
        other => other.method() != Method::Ping,
    }
}
