//! The two lives of a request: the client's and the daemon's.
//!
//! A request travels to the daemon and takes effect there, which is one op; what the daemon replies
//! travels back, each piece an op that takes along what has queued up behind it. A client that
//! leaves is gone at once. The daemon's part goes on: only requests that are about the client itself
//! end with it, and a pull notices at its next write. Replies to a client that is gone are dropped,
//! effects are not.

use super::Shared;
use super::answer::{Answer, Interest, Refusal, Reply, Sink};
use super::dispatch;
use super::faults::{Fate, Special};
use super::request::{Method, Name, Request};
use crate::environment::faults::Fault;
use crate::environment::operations::{OpId, current_event};
use process::simulated::ContextId;
use process::{EventId, Label};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The number of a request.
pub(super) type RequestId = u64;

/// What the daemon knows of a request.
pub(super) struct Exchange {
    pub(super) method: Method,
    pub(super) subject: Name,
    pub(super) owner: Arc<str>,
    /// The client's environment context, in which replies arrive.
    context: ContextId,
    pub(super) connected: bool,
    /// It has taken effect, or has begun to.
    pub(super) arrived: bool,
    pub(super) cause: EventId,
    interest: Interest,
    /// What a rule or a fault has in store for its answer.
    pub(super) fate: Fate,
    pub(super) special: Special,
    sink: Option<Box<dyn Sink>>,
    /// The op in which a reply arrives.
    delivery: Option<OpId>,
    /// Replies behind that one.
    waiting: VecDeque<Reply>,
    /// The last reply is on its way.
    pub(super) answered: bool,
}

impl Exchange {
    /// Whether its client is there and looks at all that comes.
    pub(super) fn reads(&self) -> bool {
        self.connected && self.interest == Interest::Everything
    }
}

/// Connections of one program to a daemon. It does not keep the daemon alive.
#[derive(Clone)]
pub struct Connection {
    pub(super) daemon: Weak<Shared>,
    pub(super) owner: Arc<str>,
    pub(super) context: ContextId,
    /// Its waits whose head has not come yet: a start is held back behind them.
    pub(super) waits: docker::Waits,
}

/// A request that was sent: for leaving, and for what the client sends later.
#[derive(Clone)]
pub struct Call {
    daemon: Weak<Shared>,
    id: RequestId,
}

impl Connection {
    /// Sends a request on a connection of its own. What the daemon replies goes to `sink`.
    pub fn send(&self, request: Request, interest: Interest, mut sink: Box<dyn Sink>) -> Call {
        let Some(daemon) = self.daemon.upgrade() else {
            sink.take(Reply::Unreachable);
            return Call { daemon: Weak::clone(&self.daemon), id: 0 };
        };
        let method = request.method();
        let exchange = Exchange {
            method,
            subject: request.subject(),
            owner: Arc::clone(&self.owner),
            context: self.context,
            connected: true,
            arrived: false,
            cause: current_event(),
            interest,
            fate: Fate::Answer,
            special: Special::Nothing,
            sink: Some(sink),
            delivery: None,
            waiting: VecDeque::new(),
            answered: false,
        };
        let id = daemon.state.lock().open(exchange);
        let shared = Arc::clone(&daemon);
        daemon.operations.schedule_about(
            daemon.contexts.daemon,
            Label::plain("Daemon", method.name()),
            daemon.settings.travel,
            move || shared.arrive(id, request),
        );
        Call { daemon: Weak::clone(&self.daemon), id }
    }
}

impl Call {
    /// The number of the request.
    pub fn number(&self) -> u64 {
        self.id
    }

    /// The client leaves: it closes its connection. It gets no more replies.
    pub fn hang_up(&self) {
        if let Some(daemon) = self.daemon.upgrade() {
            daemon.client_left(self.id);
        }
    }

    /// The client sends bytes on a connection that was [taken over]; `None` is the end of what it
    /// sends.
    ///
    /// [taken over]: super::Opened::takes_over
    pub fn input(&self, bytes: Option<Arc<[u8]>>) {
        let Some(daemon) = self.daemon.upgrade() else { return };
        let (shared, id) = (Arc::clone(&daemon), self.id);
        daemon.operations.schedule(
            daemon.contexts.daemon,
            Label::plain("Daemon", "input"),
            daemon.settings.travel,
            move || super::output::input(&shared, id, bytes.as_deref()),
        );
    }
}

impl Shared {
    /// The request has reached the daemon: it takes effect, unless a fault strikes.
    fn arrive(self: &Arc<Self>, id: RequestId, request: Request) {
        let (method, subject, connected, up) = {
            let state = self.state.lock();
            let Some(exchange) = state.exchanges.get(&id) else { return };
            (exchange.method, Arc::clone(&exchange.subject), exchange.connected, state.is_up())
        };
        if !up {
            return self.reply(id, Reply::Unreachable, Duration::ZERO);
        }
        if !connected
            && (method.ends_with_client()
                || self.operations.inject("unsent", &subject, &[Fault::RequestUnsent]).is_some())
        {
            return self.close(id);
        }
        self.meet_faults(id, request, method, &subject);
    }

    /// Lets a request take effect after all that could keep it from that.
    pub(super) fn take_effect(self: &Arc<Self>, id: RequestId, request: Request) {
        dispatch::take_effect(self, id, request);
    }

    /// Sends the whole answer, `work` from now plus its travel.
    pub(super) fn answer(
        self: &Arc<Self>,
        id: RequestId,
        result: Result<Answer, Refusal>,
        work: Duration,
    ) {
        self.reply(id, Reply::Answer(result), work);
    }

    /// Sends a refusal.
    pub(super) fn refuse(self: &Arc<Self>, id: RequestId, refusal: Refusal) {
        self.reply(id, Reply::Answer(Err(refusal)), Duration::ZERO);
    }

    /// Sends a reply, `work` from now plus its travel, behind those that are on their way. Drops it
    /// when the client has left, or does not look at such replies.
    pub(super) fn reply(self: &Arc<Self>, id: RequestId, reply: Reply, work: Duration) {
        let last = reply.is_last();
        let (context, reply) = {
            let mut state = self.state.lock();
            let Some(exchange) = state.exchanges.get_mut(&id) else { return };
            if !exchange.connected {
                if last {
                    state.exchanges.remove(&id);
                    state.coverage.answers_dropped += 1;
                }
                return;
            }
            if !last && exchange.interest == Interest::Outcome {
                return;
            }
            let reply = match exchange.fate {
                Fate::Answer => reply,
                // The client waits for ever.
                Fate::Lose => {
                    exchange.answered |= last;
                    return;
                }
                Fate::Break => Reply::Broken,
            };
            if exchange.answered {
                return;
            }
            exchange.answered = reply.is_last();
            if exchange.delivery.is_some() {
                exchange.waiting.push_back(reply);
                return;
            }
            (exchange.context, reply)
        };
        let label = Label::plain("Docker client", reply_label(&reply));
        let latency = work + self.settings.travel;
        let daemon = Arc::clone(self);
        let arrive = move || daemon.deliver(id, reply);
        let op = self.operations.schedule_about(context, label, latency, arrive);
        if let Some(exchange) = self.state.lock().exchanges.get_mut(&id) {
            exchange.delivery = Some(op);
        }
    }

    /// A reply arrives at the client, and with it what has queued up behind it.
    fn deliver(&self, id: RequestId, first: Reply) {
        let mut next = Some(first);
        while let Some(reply) = next {
            let last = reply.is_last();
            let sink = {
                let mut state = self.state.lock();
                let Some(exchange) = state.exchanges.get_mut(&id) else { return };
                let sink = exchange.sink.take();
                if last {
                    state.exchanges.remove(&id);
                }
                sink
            };
            let Some(mut sink) = sink else { return };
            sink.take(reply);
            if last {
                return;
            }
            let mut state = self.state.lock();
            // The client may have left just now.
            let Some(exchange) = state.exchanges.get_mut(&id).filter(|one| one.connected) else {
                drop(state);
                drop(sink);
                return;
            };
            exchange.sink = Some(sink);
            next = exchange.waiting.pop_front();
            if next.is_none() {
                exchange.delivery = None;
            }
        }
    }

    /// Forgets a request.
    pub(super) fn close(&self, id: RequestId) {
        let exchange = self.state.lock().exchanges.remove(&id);
        // Outside the lock: its sink may hold a promise.
        drop(exchange);
    }

    /// The client of this request has left.
    pub(super) fn client_left(self: &Arc<Self>, id: RequestId) {
        let (method, delivery, sink, over) = {
            let mut state = self.state.lock();
            let Some(exchange) = state.exchanges.get_mut(&id) else { return };
            if !std::mem::replace(&mut exchange.connected, false) {
                return;
            }
            exchange.waiting.clear();
            let left = (exchange.method, exchange.delivery.take(), exchange.sink.take());
            let (answered, arrived) = (exchange.answered, exchange.arrived);
            // One that is still travelling is dropped on arrival.
            let over = answered || arrived && left.0.ends_with_client();
            state.detach(id, left.0);
            if over {
                state.exchanges.remove(&id);
            }
            state.coverage.answers_dropped += u32::from(answered);
            (left.0, left.1, left.2, over)
        };
        drop(sink);
        if let Some(delivery) = delivery {
            self.operations.cancel(delivery);
        }
        if !over && method == Method::Pull {
            self.puller_left(id);
        }
    }
}

fn reply_label(reply: &Reply) -> &'static str {
    match reply {
        Reply::Answer(_) | Reply::Opened(_) => "answer",
        Reply::Chunk(super::answer::Chunk::Progress(_)) => "pull progress",
        Reply::Chunk(_) => "output",
        Reply::Ended | Reply::Failed(_) => "stream ended",
        Reply::Broken => "connection broken",
        Reply::Unreachable => "connection refused",
    }
}
