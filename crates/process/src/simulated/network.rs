//! The simulated network: messages by name between processes, and the links between programs.
//!
//! In a simulation every process has an address, like `10.0.0.1:5051`; those that share one are one
//! program, and send to each other as dispatches do. Between two addresses there is a *connection*,
//! a first-in first-out lane: the message at its head may arrive at any time after it was sent.
//! A policy decides what becomes of each message on its way ([`Simulation::set_network`]): through
//! it the driver of a simulation injects faults.
//!
//! | real | here |
//! |---|---|
//! | latency | the moment at which the driver flushes the lane |
//! | loss, duplication | [`Verdict::Lose`], [`Verdict::Duplicate`] |
//! | a connection breaks | [`Verdict::Break`], [`Simulation::break_connection`]: what is under way is lost, and those who are linked are told |
//! | partition, half-open connection | [`Simulation::cut`]: nothing arrives in one direction, and nobody is told |
//! | reordering | a new connection, by a link beside a temporary one, by [`RemoteConnection::Reconnect`] or after a break, is a lane of its own |

use super::state::{ContextId, Mailed, State};
use super::{AnyCell, Mail, Simulation, with_current};
use crate::future::{Future, Nothing, Promise};
use crate::http::{Request, Response};
use crate::label::{EventId, Label};
use crate::pid::Upid;
use crate::remote::{Message, RemoteConnection};
use crate::transport::{Link, OnExited, Port};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What becomes of a message between two programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It is on its way.
    #[default]
    Deliver,
    /// It is lost, and nobody is told.
    Lose,
    /// It arrives twice.
    Duplicate,
    /// The connection breaks before it is sent: this message and all under way are lost, and those
    /// who are linked over it are told.
    Break,
}

type Policy = Box<dyn FnMut(&Message) -> Verdict>;

/// From which address to which.
type Pair = (String, String);

/// A connection that stays, for links.
struct Connection {
    lane: ContextId,
    /// It has died, and nobody has noticed: whoever sends over it will.
    stale: bool,
}

/// A lane for messages without a link, and the event that used it last.
struct Temporary {
    lane: ContextId,
    event: u64,
}

/// The network of one simulation.
#[derive(Default)]
pub(super) struct Net {
    address: Option<String>,
    policy: Option<Policy>,
    persists: BTreeMap<Pair, Connection>,
    temps: BTreeMap<Pair, Vec<Temporary>>,
    cut: BTreeSet<Pair>,
    linkers: BTreeMap<Upid, BTreeMap<Upid, OnExited>>,
}

impl Simulation {
    /// Processes that are started by the driver, and not by another process, get this address from
    /// now on. Those that are started by a process get that one's.
    pub fn set_address(&self, address: &str) {
        self.state.borrow_mut().net.address = Some(address.to_owned());
    }

    /// Decides from now on what becomes of each message between two addresses.
    pub fn set_network(&self, policy: impl FnMut(&Message) -> Verdict + 'static) {
        self.state.borrow_mut().net.policy = Some(Box::new(policy));
    }

    /// Nothing that is sent from one address to another arrives, until [`heal`](Self::heal); what
    /// was sent before still does. Nobody is told.
    pub fn cut(&self, from: &str, to: &str) {
        self.state.borrow_mut().net.cut.insert((from.to_owned(), to.to_owned()));
    }

    /// Ends a [`cut`](Self::cut).
    pub fn heal(&self, from: &str, to: &str) {
        self.state.borrow_mut().net.cut.remove(&(from.to_owned(), to.to_owned()));
    }

    /// The connection of the links from one address to another dies, and nobody notices before
    /// somebody sends over it: that message is lost, and the connection breaks. A new connection
    /// works. `false` when there is none.
    pub fn make_stale(&self, from: &str, to: &str) -> bool {
        let mut state = self.state.borrow_mut();
        let connection = state.net.persists.get_mut(&(from.to_owned(), to.to_owned()));
        connection.map(|connection| connection.stale = true).is_some()
    }

    /// Breaks the connection of the links from one address to another: what is under way on it is
    /// lost, and those who are linked are told. `false` when there is none.
    pub fn break_connection(&self, from: &str, to: &str) -> bool {
        let pair = (from.to_owned(), to.to_owned());
        let Some(connection) = self.state.borrow_mut().net.persists.remove(&pair) else {
            return false;
        };
        let told = self.state.borrow_mut().net.take_linkers(&pair);
        let lost = self.state.borrow_mut().empty_lane(connection.lane);
        self.run_in(connection.lane, Label::plain("network", "break"), EventId(0), || {
            drop(lost);
            for (linkee, tell) in told {
                tell(linkee);
            }
        });
        true
    }

    /// The death of a program: [kills](Self::kill) all its processes and breaks all connections
    /// from it and to it.
    pub fn kill_program(&self, address: &str) {
        let processes = self.state.borrow().processes_at(address);
        for process in processes {
            self.kill(process);
        }
        let pairs: Vec<Pair> = {
            let state = self.state.borrow();
            let ends_there = |(from, to): &&Pair| from == address || to == address;
            state.net.persists.keys().filter(ends_there).cloned().collect()
        };
        for (from, to) in pairs {
            self.break_connection(&from, &to);
        }
    }

    /// Asks the policy, with nothing borrowed: it may draw from a stream of choices.
    fn verdict(&self, message: &Message) -> Verdict {
        let Some(mut policy) = self.state.borrow_mut().net.policy.take() else {
            return Verdict::Deliver;
        };
        let verdict = policy(message);
        self.state.borrow_mut().net.policy.get_or_insert(policy);
        verdict
    }

    fn send_message(&self, message: Message) {
        let (from, to) = (message.from.address(), message.to.address());
        if from == to {
            return self.send_locally(message);
        }
        let pair = (from.to_owned(), to.to_owned());
        if self.state.borrow().net.cut.contains(&pair) {
            return;
        }
        if self.state.borrow().net.persists.get(&pair).is_some_and(|connection| connection.stale) {
            self.break_connection(&pair.0, &pair.1);
            return;
        }
        let copies = match self.verdict(&message) {
            Verdict::Deliver => 1,
            Verdict::Duplicate => 2,
            Verdict::Lose => return,
            Verdict::Break => {
                self.break_connection(&pair.0, &pair.1);
                return;
            }
        };
        let mut state = self.state.borrow_mut();
        let lane = state.connection(&pair);
        for _ in 0..copies {
            if !state.closed {
                let mail = Mailed::Event(Box::new(Arriving(message.clone())));
                state.send(lane, ContextId::NETWORK, mail);
            }
        }
    }

    /// Within one program a message is in the receiver's mailbox as a dispatch is.
    fn send_locally(&self, message: Message) {
        let port = self.state.borrow().port(&message.to);
        if let Some(port) = port {
            port.message(message);
        }
    }

    fn link_processes(&self, link: Link) {
        let Link { linker, to, remote, tell } = link;
        let pair = (linker.address().to_owned(), to.address().to_owned());
        let nobody = self.state.borrow().processes_at(to.address()).is_empty();
        if nobody || self.state.borrow().net.cut.contains(&pair) {
            // The connection cannot be made.
            return tell(to);
        }
        let replaced = {
            let mut state = self.state.borrow_mut();
            if remote == RemoteConnection::Reconnect || !state.net.persists.contains_key(&pair) {
                let lane = state.add_lane(&pair);
                state.net.persists.insert(pair, Connection { lane, stale: false });
            }
            state.net.linkers.entry(to).or_default().insert(linker, tell)
        };
        // Dropped outside the borrow.
        drop(replaced);
    }
}

impl Net {
    /// Whoever is linked from one address to another, and to what.
    fn take_linkers(&mut self, (from, to): &Pair) -> Vec<(Upid, OnExited)> {
        let mut told = Vec::new();
        for (linkee, linkers) in &mut self.linkers {
            if linkee.address() != to {
                continue;
            }
            let gone: Vec<Upid> =
                linkers.keys().filter(|linker| linker.address() == from).cloned().collect();
            for linker in gone {
                told.extend(linkers.remove(&linker).map(|tell| (linkee.clone(), tell)));
            }
        }
        self.linkers.retain(|_, linkers| !linkers.is_empty());
        told
    }

    /// Forgets what a process was linked to: it has ended. To be dropped outside the borrow.
    pub(super) fn forget(&mut self, process: &Upid) -> Vec<OnExited> {
        if self.linkers.is_empty() {
            return Vec::new();
        }
        self.linkers.values_mut().filter_map(|linkers| linkers.remove(process)).collect()
    }
}

impl State {
    /// The address of a process that is being started now.
    pub(super) fn address_here(&self) -> String {
        let spawner = self.context(self.current_context).upid.as_ref();
        match (spawner, &self.net.address) {
            (Some(spawner), _) => spawner.address().to_owned(),
            (None, Some(address)) => address.clone(),
            (None, None) => "sim:0".to_owned(),
        }
    }

    /// The lane that a message takes now. Over a link there is one. Otherwise a temporary
    /// connection, which is gone once all is sent: whatever a later event sends goes over another
    /// one and may overtake it.
    fn connection(&mut self, pair: &Pair) -> ContextId {
        if let Some(connection) = self.net.persists.get(pair) {
            return connection.lane;
        }
        let event = self.current_event.0;
        let mut temps = self.net.temps.remove(pair).unwrap_or_default();
        let free = temps
            .iter_mut()
            .find(|temp| temp.event == event || self.context(temp.lane).outbox.is_empty());
        let lane = match free {
            Some(temp) => {
                temp.event = event;
                temp.lane
            }
            None => {
                let lane = self.add_lane(pair);
                temps.push(Temporary { lane, event });
                lane
            }
        };
        self.net.temps.insert(pair.clone(), temps);
        lane
    }

    fn add_lane(&mut self, (from, to): &Pair) -> ContextId {
        self.add_context(format!("{from} -> {to}"))
    }

    /// Finds the receiver of a message that has come to the end of its lane.
    pub(super) fn arrive(&self, mail: Mailed) -> Result<(ContextId, Mailed), Mailed> {
        let Mailed::Event(mail) = mail else { return Err(mail) };
        let receiver = mail.destination().and_then(|upid| self.find_upid(upid));
        match receiver {
            Some((context, port)) => Ok((context, Mailed::Event(mail.arrive(&*port)))),
            None => Err(Mailed::Event(mail)),
        }
    }

    fn port(&self, upid: &Upid) -> Option<Rc<dyn Port>> {
        self.find_upid(upid).map(|(_, port)| port)
    }

    fn find_upid(&self, upid: &Upid) -> Option<(ContextId, Rc<dyn Port>)> {
        let context = *self.by_upid.get(upid)?;
        Some((context, Rc::clone(self.context(context).port.as_ref()?)))
    }

    fn processes_at(&self, address: &str) -> Vec<ContextId> {
        let all = self.by_upid.iter().filter(|(upid, _)| upid.address() == address);
        all.map(|(_, context)| *context).collect()
    }
}

/// A message on a lane, which still has to find its receiver.
struct Arriving(Message);

impl Mail for Arriving {
    fn label(&self) -> Label {
        Label::plain("network", self.method())
    }

    fn method(&self) -> &'static str {
        self.0.label.unwrap_or("message")
    }

    fn deliver(self: Box<Self>, _: &mut dyn AnyCell) {
        unreachable!("a message is turned into an event of its receiver before it is delivered")
    }

    fn destination(&self) -> Option<&Upid> {
        Some(&self.0.to)
    }

    fn arrive(self: Box<Self>, port: &dyn Port) -> Box<dyn Mail> {
        port.mail(self.0)
    }
}

/// Sends a message in the simulation of this thread.
pub(crate) fn send(message: Message) {
    with_current(|simulation| simulation.send_message(message));
}

/// Links in the simulation of this thread; given back when there is none.
pub(crate) fn link(link: Link) -> Option<Link> {
    let mut link = Some(link);
    with_current(|simulation| link.take().map(|link| simulation.link_processes(link)));
    link
}

/// The number and the end of a process of the simulation of this thread; `None` when there is no
/// simulation.
pub(crate) fn local(upid: &Upid) -> Option<Option<(u64, Future<Nothing>)>> {
    let port = with_current(|simulation| simulation.state.borrow().port(upid))?;
    Some(port.map(|port| (port.number(), port.ended())))
}

/// Makes a request in the simulation of this thread; given back when there is none.
pub(crate) fn request(
    to: &Upid,
    request: Request,
    promise: Promise<Response>,
) -> Option<(Request, Promise<Response>)> {
    let mut what = Some((request, promise));
    let refused = with_current(|simulation| {
        let port = simulation.state.borrow().port(to);
        let (request, promise) = what.take()?;
        match port {
            Some(port) => {
                port.request(request, promise);
                None
            }
            // Dropped outside the simulation's borrow: abandoned.
            None => Some(promise),
        }
    });
    drop(refused);
    what
}
