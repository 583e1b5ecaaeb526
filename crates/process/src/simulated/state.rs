//! The data of a simulation: contexts with their outboxes and mailboxes, timers, the record.

use super::network::Net;
use super::outbox::{Outbox, Sent};
use super::record::{EventRecord, Note};
use super::{AnyCell, Crash, Mail};
use crate::clock::{Time, Timer};
use crate::future::{Future, Nothing, Promise};
use crate::label::{EventId, Label};
use crate::pid::{Pid, Process, Upid};
use crate::times::{Times, Update};
use crate::transport::{OnExited, Port};
use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

/// A process or an environment context of one simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(pub(super) u32);

impl ContextId {
    /// The code that drives the simulation, outside any process.
    pub const MAIN: ContextId = ContextId(0);
    /// The clock, in whose context timers fire.
    pub const CLOCK: ContextId = ContextId(1);

    /// No context: what is sent there finds its receiver by name when it arrives.
    pub(super) const NETWORK: ContextId = ContextId(u32::MAX);

    /// The context's number; contexts are numbered in the order of creation.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// What lies in an outbox or a mailbox.
pub(super) enum Mailed {
    Event(Box<dyn Mail>),
    Control(Control),
}

/// What is no message: the start and the end of a process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Initialize,
    Terminate,
    /// A terminate that goes to the front of the mailbox.
    Inject,
}

impl Control {
    pub(super) fn label(self) -> Label {
        let what = match self {
            Control::Initialize => "initialize",
            Control::Terminate | Control::Inject => "terminate",
        };
        Label::plain("process", what)
    }
}

impl Mailed {
    pub(super) fn label(&self) -> Label {
        match self {
            Mailed::Event(mail) => mail.label(),
            Mailed::Control(control) => control.label(),
        }
    }

    #[inline]
    fn method(&self) -> &'static str {
        match self {
            Mailed::Event(mail) => mail.method(),
            Mailed::Control(control) => control.label().method,
        }
    }

    fn is_injected(&self) -> bool {
        matches!(self, Mailed::Control(Control::Inject))
    }
}

/// What lies in a mailbox, and the event that sent it.
pub(super) struct Received {
    pub(super) mail: Mailed,
    pub(super) cause: EventId,
}

/// What happens when a timer fires, the event that started it, and in which context that was.
pub(super) struct Armed {
    pub(super) action: Box<dyn FnOnce() + Send>,
    pub(super) cause: EventId,
    pub(super) creator: ContextId,
}

pub(super) struct ContextState {
    pub(super) name: String,
    pub(super) outbox: Outbox,
    mailbox: VecDeque<Received>,
    /// The process at rest; taken out while it handles an event.
    cell: Option<Box<dyn AnyCell>>,
    /// A process's address, typed and untyped.
    pub(super) port: Option<Rc<dyn Port>>,
    pub(super) upid: Option<Upid>,
    /// This is or was a process.
    pub(super) process: bool,
    pub(super) alive: bool,
    waiters: Option<Promise<Nothing>>,
}

impl ContextState {
    #[inline]
    fn can_work(&self) -> bool {
        !self.mailbox.is_empty() && self.alive && self.outbox.is_empty()
    }
}

/// What went from an outbox straight into its receiver's hands: the event has begun.
pub(super) struct Direct {
    pub(super) from: ContextId,
    pub(super) to: ContextId,
    pub(super) mail: Mailed,
    /// Of the event's label.
    pub(super) method: &'static str,
    pub(super) cell: Box<dyn AnyCell>,
}

/// From where to where something was flushed; it and its cause, if the receiver is gone.
type Flushed = (ContextId, ContextId, Option<(Mailed, EventId)>);

/// What an event replaced as the current one; given back when it ends.
pub(super) struct Outer {
    context: ContextId,
    event: EventId,
    busy: bool,
}

impl Outer {
    /// What an event replaces that is within no other one.
    pub(super) const NONE: Outer =
        Outer { context: ContextId::MAIN, event: EventId(0), busy: false };
}

/// Things taken out of the state so that they can be dropped outside its borrow.
#[derive(Default)]
pub(super) struct Remains {
    cells: Vec<Box<dyn AnyCell>>,
    mail: Vec<Mailed>,
    sent: Vec<Mailed>,
    timers: Vec<Armed>,
    waiters: Vec<Promise<Nothing>>,
    ports: Vec<Rc<dyn Port>>,
    links: Vec<OnExited>,
}

impl Remains {
    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
            && self.mail.is_empty()
            && self.sent.is_empty()
            && self.timers.is_empty()
            && self.waiters.is_empty()
    }
}

pub(super) struct State {
    pub(super) now: Time,
    /// The processes' own times, while the clock is paused.
    pub(super) paused: Option<Times<ContextId>>,
    pub(super) digest: u64,
    pub(super) next_event: u64,
    next_seq: u64,
    next_timer: u64,
    contexts: Vec<ContextState>,
    /// Contexts with something in their outbox, ordered by the age of its head.
    pub(super) enabled: Vec<ContextId>,
    /// Processes spawned since the last pump; they still have to initialize.
    pub(super) spawned: Vec<ContextId>,
    pub(super) timers: BTreeMap<(Time, u64), Armed>,
    ids: BTreeMap<String, u64>,
    lanes: BTreeMap<(Upid, ContextId), ContextId>,
    pub(super) by_upid: BTreeMap<Upid, ContextId>,
    pub(super) net: Net,
    pub(super) current_context: ContextId,
    pub(super) current_event: EventId,
    /// An event is being handled: nothing else may be handled now.
    pub(super) busy: bool,
    pub(super) closed: bool,
    /// No process may start now.
    pub(super) finalizing: bool,
    tracing: bool,
    pub(super) events: Vec<EventRecord>,
    pub(super) notes: Vec<Note>,
    pub(super) crash: Option<Crash>,
}

impl State {
    pub(super) fn new(tracing: bool) -> Self {
        let mut state = State {
            now: Time::default(),
            paused: None,
            digest: 0xcbf2_9ce4_8422_2325,
            next_event: 1,
            next_seq: 1,
            next_timer: 1,
            contexts: Vec::with_capacity(16),
            enabled: Vec::with_capacity(16),
            spawned: Vec::new(),
            timers: BTreeMap::new(),
            ids: BTreeMap::new(),
            lanes: BTreeMap::new(),
            by_upid: BTreeMap::new(),
            net: Net::default(),
            current_context: ContextId::MAIN,
            current_event: EventId(0),
            busy: false,
            closed: false,
            finalizing: false,
            tracing,
            events: Vec::new(),
            notes: Vec::new(),
            crash: None,
        };
        state.add_context("main".to_owned());
        state.add_context("clock".to_owned());
        state
    }

    pub(super) fn context(&self, id: ContextId) -> &ContextState {
        &self.contexts[id.0 as usize]
    }

    fn context_mut(&mut self, id: ContextId) -> &mut ContextState {
        &mut self.contexts[id.0 as usize]
    }

    pub(super) fn add_context(&mut self, name: String) -> ContextId {
        let id = ContextId(self.contexts.len() as u32);
        self.contexts.push(ContextState {
            name,
            outbox: Outbox::default(),
            mailbox: VecDeque::new(),
            cell: None,
            port: None,
            upid: None,
            process: false,
            alive: false,
            waiters: None,
        });
        id
    }

    /// The environment context of the connection from one process to another.
    pub(super) fn lane(&mut self, from: &Upid, to: ContextId) -> ContextId {
        if let Some(&lane) = self.lanes.get(&(from.clone(), to)) {
            return lane;
        }
        let name = format!("{} -> {}", from.id(), self.context(to).name);
        let lane = self.add_context(name);
        self.lanes.insert((from.clone(), to), lane);
        lane
    }

    /// Whether a process may not start under this name now: the runtime is being finalized, or one
    /// with the name runs.
    pub(super) fn refuses(&self, upid: &Upid) -> bool {
        self.finalizing || self.by_upid.contains_key(upid)
    }

    pub(super) fn start(
        &mut self,
        id: ContextId,
        cell: Box<dyn AnyCell>,
        upid: &Upid,
        port: Rc<dyn Port>,
    ) {
        let cause = self.current_event;
        self.pass_time(self.current_context, id, Update::Force);
        self.by_upid.insert(upid.clone(), id);
        let context = self.context_mut(id);
        context.cell = Some(cell);
        context.port = Some(port);
        context.upid = Some(upid.clone());
        context.process = true;
        context.alive = true;
        let mail = Mailed::Control(Control::Initialize);
        context.mailbox.push_back(Received { mail, cause });
        self.spawned.push(id);
    }

    /// Puts a message into the sender's outbox.
    #[inline(always)]
    pub(super) fn send(&mut self, from: ContextId, to: ContextId, mail: Mailed) {
        let (seq, cause) = (self.next_seq, self.current_event);
        self.next_seq += 1;
        if self.context_mut(from).outbox.push(Sent { to, seq, cause, mail }) {
            // The newest message of all: its place is at the end.
            self.enabled.push(from);
        }
    }

    /// The head of the `index`th flushable outbox goes to a receiver that handles it at once.
    /// `None`, and nothing was done, when that is not possible: the receiver has something else to
    /// handle first, or something to send, or is gone; others are to handle something first; times
    /// have to be set; or there is a receiver to be found yet.
    #[inline(always)]
    pub(super) fn begin_direct(&mut self, index: usize) -> Option<Direct> {
        if self.busy || !self.spawned.is_empty() || self.paused.is_some() {
            return None;
        }
        let from = *self.enabled.get(index)?;
        let to = self.context(from).outbox.head()?.to;
        let receiver = self.contexts.get_mut(to.0 as usize)?;
        // To itself it may send if that is the last thing it has sent.
        let sends = if from == to { 1 } else { 0 };
        if !receiver.mailbox.is_empty() || receiver.outbox.len() > sends {
            return None;
        }
        let cell = receiver.cell.take()?;
        let (mail, cause) = self.take_head(index, from)?;
        let method = self.begin_mail(to, &mail, cause);
        Some(Direct { from, to, mail, method, cell })
    }

    /// Takes the head of the outbox of `from`, the `index`th flushable one.
    #[inline(always)]
    fn take_head(&mut self, index: usize, from: ContextId) -> Option<(Mailed, EventId)> {
        let outbox = &mut self.context_mut(from).outbox;
        let sent = outbox.pop()?;
        match outbox.head().map(|head| head.seq) {
            // As a rule it is the only one, and `remove` moves what is behind it, be it nothing.
            None if index + 1 == self.enabled.len() => self.enabled.truncate(index),
            None => drop(self.enabled.remove(index)),
            Some(seq) => self.reorder(index, seq),
        }
        Some(sent)
    }

    /// Moves the head of the `index`th flushable outbox into its receiver's mailbox. Says from
    /// where to where, and gives the message and its cause back when the receiver is gone.
    pub(super) fn flush(&mut self, index: usize) -> Option<Flushed> {
        let from = *self.enabled.get(index)?;
        let mut to = self.context(from).outbox.head()?.to;
        let (mut mail, cause) = self.take_head(index, from)?;
        if to == ContextId::NETWORK {
            match self.arrive(mail) {
                Ok(found) => (to, mail) = found,
                Err(mail) => return Some((from, from, Some((mail, cause)))),
            }
        }
        if !self.context(to).alive {
            return Some((from, to, Some((mail, cause))));
        }
        self.pass_time(from, to, Update::Safe);
        let mailbox = &mut self.context_mut(to).mailbox;
        if mail.is_injected() {
            mailbox.push_front(Received { mail, cause });
        } else {
            mailbox.push_back(Received { mail, cause });
        }
        Some((from, to, None))
    }

    /// Moves the `index`th enabled context to where its new head's age puts it: further back.
    fn reorder(&mut self, index: usize, seq: u64) {
        let head = |context: &ContextId| self.context(*context).outbox.head().map(|head| head.seq);
        let later = &self.enabled[index + 1..];
        let older = later.iter().take_while(|other| head(other) < Some(seq)).count();
        self.enabled[index..=index + older].rotate_left(1);
    }

    /// Whether the process has something that it may handle now.
    #[inline]
    pub(super) fn has_work(&self, id: ContextId) -> bool {
        self.context(id).can_work()
    }

    pub(super) fn take_work(&mut self, id: ContextId) -> Option<(Box<dyn AnyCell>, Received)> {
        let context = self.context_mut(id);
        if !context.can_work() {
            return None;
        }
        let cell = context.cell.take()?;
        let mail = context.mailbox.pop_front()?;
        Some((cell, mail))
    }

    /// Gives the process back its actor after an event. Returned when the process was killed while
    /// it handled it: to be dropped outside the borrow, since what it holds may send.
    #[inline(always)]
    pub(super) fn put_back(
        &mut self,
        id: ContextId,
        cell: Box<dyn AnyCell>,
    ) -> Option<Box<dyn AnyCell>> {
        let context = self.context_mut(id);
        if !context.alive {
            return Some(cell);
        }
        context.cell = Some(cell);
        None
    }

    /// Begins the event in which a process handles `mail`, and says what it is.
    #[inline(always)]
    pub(super) fn begin_mail(
        &mut self,
        to: ContextId,
        mail: &Mailed,
        cause: EventId,
    ) -> &'static str {
        let method = mail.method();
        self.begin(to, method, cause, || mail.label());
        method
    }

    /// Makes an event the current one: numbers it, records it, adds it to the digest. `method` is
    /// that of the label.
    #[inline(always)]
    pub(super) fn begin(
        &mut self,
        context: ContextId,
        method: &'static str,
        cause: EventId,
        label: impl FnOnce() -> Label,
    ) -> Outer {
        let id = EventId(self.next_event);
        self.next_event += 1;
        self.digest = mix(self.digest, context, method, cause, self.now);
        if self.tracing {
            self.record(id, cause, context, label());
        }
        let outer =
            Outer { context: self.current_context, event: self.current_event, busy: self.busy };
        self.current_context = context;
        self.current_event = id;
        self.busy = true;
        outer
    }

    #[cold]
    fn record(&mut self, id: EventId, cause: EventId, context: ContextId, label: Label) {
        let (time, digest) = (self.now, self.digest);
        self.events.push(EventRecord { id, cause, time, context, label, digest });
    }

    #[inline]
    pub(super) fn end(&mut self, outer: Outer) {
        self.current_context = outer.context;
        self.current_event = outer.event;
        self.busy = outer.busy;
    }

    pub(super) fn crashed(&mut self, context: ContextId, label: Label, panic: &(dyn Any + Send)) {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        let crash = Crash {
            event: self.current_event,
            label,
            context: self.context(context).name.clone(),
            message,
        };
        self.crash.get_or_insert(crash);
    }

    /// Marks a process as gone and takes what it leaves, for dropping. `unsent` takes its outbox
    /// too.
    pub(super) fn take_process(&mut self, id: ContextId, unsent: bool) -> Remains {
        if unsent {
            self.enabled.retain(|&other| other != id);
        }
        let context = self.context_mut(id);
        context.alive = false;
        let mut remains = Remains::default();
        remains.ports.extend(context.port.take());
        remains.cells.extend(context.cell.take());
        remains.mail.extend(context.mailbox.drain(..).map(|received| received.mail));
        if unsent {
            remains.sent.extend(context.outbox.take().map(|sent| sent.mail));
        }
        if let Some(upid) = context.upid.take() {
            // Another process may have been started under this name since.
            if self.by_upid.get(&upid) == Some(&id) {
                self.by_upid.remove(&upid);
            }
            remains.links.extend(self.net.forget(&upid));
        }
        remains
    }

    /// Takes all that is on a lane.
    pub(super) fn empty_lane(&mut self, id: ContextId) -> Vec<Sent> {
        self.enabled.retain(|&other| other != id);
        self.context_mut(id).outbox.take().collect()
    }

    pub(super) fn wait(&mut self, id: ContextId) -> Future<Nothing> {
        let context = self.context_mut(id);
        if !context.alive {
            return Future::ready(Nothing);
        }
        context.waiters.get_or_insert_with(Promise::new).future()
    }

    pub(super) fn take_waiters(&mut self, id: ContextId) -> Option<Promise<Nothing>> {
        self.context_mut(id).waiters.take()
    }

    pub(super) fn add_timer(
        &mut self,
        duration: Duration,
        action: Box<dyn FnOnce() + Send>,
    ) -> Timer {
        let creator = self.current_context;
        let timer = Timer { id: self.next_timer, deadline: self.time_of(creator) + duration };
        self.next_timer += 1;
        let armed = Armed { action, cause: self.current_event, creator };
        self.timers.insert((timer.deadline, timer.id), armed);
        timer
    }

    pub(super) fn find<A: Process>(&self, id: &str) -> Option<Pid<A>> {
        let found = self.contexts.iter().find(|context| context.alive && context.name == id)?;
        found.port.as_ref()?.as_any().downcast_ref::<Pid<A>>().cloned()
    }

    /// The running process that was started last.
    pub(super) fn newest_process(&self) -> Option<ContextId> {
        let index = self.contexts.iter().rposition(|context| context.alive)?;
        Some(ContextId(index as u32))
    }

    pub(super) fn process_ids(&self) -> Vec<String> {
        let alive = self.contexts.iter().filter(|context| context.alive);
        let mut ids: Vec<_> = alive.map(|context| context.name.clone()).collect();
        ids.sort();
        ids
    }

    pub(super) fn count_id(&mut self, prefix: &str) -> u64 {
        let count = self.ids.entry(prefix.to_owned()).or_insert(0);
        *count += 1;
        *count
    }

    pub(super) fn note(&mut self, kind: &'static str, text: impl FnOnce() -> String) {
        if self.tracing {
            let (event, time) = (self.current_event, self.now);
            self.notes.push(Note { event, time, kind, text: text() });
        }
    }

    pub(super) fn take_everything(&mut self) -> Remains {
        self.closed = true;
        let mut remains = Remains::default();
        for index in 0..self.contexts.len() {
            let one = self.take_process(ContextId(index as u32), true);
            remains.cells.extend(one.cells);
            remains.mail.extend(one.mail);
            remains.ports.extend(one.ports);
            remains.links.extend(one.links);
            remains.sent.extend(one.sent);
            remains.waiters.extend(self.contexts[index].waiters.take());
        }
        remains.timers.extend(std::mem::take(&mut self.timers).into_values());
        remains
    }
}

/// Folds an event into the digest. Only portable operations: the result is the same everywhere.
///
/// Of the method's name only the length and the end count: names are long and events are many, and
/// it is the end that tells methods of a process apart. The cause tells senders apart whose
/// messages are of one kind.
fn mix(digest: u64, context: ContextId, method: &str, cause: EventId, now: Time) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let round = |digest: u64, word: u64| (digest ^ word).wrapping_mul(PRIME).rotate_left(23);
    let name = method.as_bytes();
    let (before, end) = match name.last_chunk::<16>() {
        Some(&[before @ .., a, b, c, d, e, f, g, h]) => {
            (u64::from_le_bytes(before), u64::from_le_bytes([a, b, c, d, e, f, g, h]))
        }
        None => ends_of_short(name),
    };
    let name = end ^ before.rotate_left(29) ^ (name.len() as u64) << 32;
    let digest = round(digest, now.since_epoch().as_nanos() as u64 ^ u64::from(context.0) << 44);
    round(round(digest, name), cause.0)
}

/// The last eight bytes of a name, and the eight before them, as far as there are any.
#[cold]
fn ends_of_short(name: &[u8]) -> (u64, u64) {
    let end = |name: &[u8]| match name.last_chunk::<8>() {
        Some(end) => u64::from_le_bytes(*end),
        None => name.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    (end(&name[..name.len().saturating_sub(8)]), end(name))
}
