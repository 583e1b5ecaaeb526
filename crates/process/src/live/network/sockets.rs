//! Connections to other programs: which there are, and who is linked over them.
//!
//! Mirrors `SocketManager` in `3rdparty/libprocess/src/process.cpp`: `link`, `send`, `next`, `close`,
//! `exited`, `swap_implementing_socket`.

use super::Network;
use super::outgoing::{self, Outgoing};
use crate::live;
use crate::pid::Upid;
use crate::remote::{Message, RemoteConnection, counters, encoder};
use crate::transport::{Link, OnExited};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Default)]
struct State {
    connections: u64,
    /// By address: connections that stay.
    persists: BTreeMap<String, Arc<Outgoing>>,
    /// By address: connections that are closed as soon as all is sent.
    temps: BTreeMap<String, Arc<Outgoing>>,
    /// By linkee: who is linked to it.
    linkers: BTreeMap<Upid, BTreeMap<Upid, OnExited>>,
    /// By linker: what it is linked to.
    linkees: BTreeMap<Upid, BTreeSet<Upid>>,
    /// By address: the linkees there.
    remotes: BTreeMap<String, BTreeSet<Upid>>,
}

/// All connections that this program has opened.
#[doc(alias = "SocketManager")]
#[derive(Default)]
pub(super) struct Sockets {
    state: Mutex<State>,
}

impl State {
    fn new_connection(&mut self, address: &str, persistent: bool) -> Arc<Outgoing> {
        self.connections += 1;
        Outgoing::new(self.connections, address, persistent)
    }
}

fn start(network: &Arc<Network>, connection: Arc<Outgoing>) {
    live::io().spawn(outgoing::run(Arc::clone(network), connection));
}

impl Sockets {
    /// Sends over the connection of a link, else over a temporary one.
    ///
    /// Mirrors `SocketManager::send`.
    #[doc(alias = "SocketManager::send")]
    pub(super) fn send(network: &Arc<Network>, message: &Message) {
        let address = message.to.address();
        if !encoder::is_sendable(&message.name) || !encoder::is_sendable(message.to.id()) {
            // differs: upstream sends it, as something else than what was meant.
            return counters::lost(1, address, "its name cannot be part of a request");
        }
        // A temporary connection may end between the look-up and the lock of its queue; then there
        // is none any more, and a new one is made.
        while !Self::queue(network, &Self::connection(network, address), message) {}
    }

    fn connection(network: &Arc<Network>, address: &str) -> Arc<Outgoing> {
        let mut state = network.sockets.state.lock();
        if let Some(found) = state.persists.get(address).or_else(|| state.temps.get(address)) {
            return Arc::clone(found);
        }
        let connection = state.new_connection(address, false);
        state.temps.insert(address.to_owned(), Arc::clone(&connection));
        drop(state);
        start(network, Arc::clone(&connection));
        connection
    }

    /// `false` when the connection is closed.
    fn queue(network: &Network, connection: &Arc<Outgoing>, message: &Message) -> bool {
        let mut queue = connection.queue.lock();
        if queue.closed {
            return false;
        }
        if queue.unsent.len() + message.body.len() > network.limits.outgoing {
            drop(queue);
            let reason = "the peer does not take what is sent to it";
            counters::lost(1, &connection.address, reason);
            network.sockets.closed(connection, reason);
            return true;
        }
        encoder::message(message, &mut queue.unsent);
        queue.messages += 1;
        drop(queue);
        counters::sent();
        connection.wake.notify_one();
        true
    }

    /// Mirrors `SocketManager::link`.
    #[doc(alias = "SocketManager::link")]
    pub(super) fn link(network: &Arc<Network>, link: Link) {
        let Link { linker, to, remote, tell } = link;
        let address = to.address();
        let mut state = network.sockets.state.lock();
        let existing = state.persists.get(address).cloned();
        let created = match (&existing, remote) {
            (Some(_), RemoteConnection::Reuse) => None,
            (Some(existing), RemoteConnection::Reconnect) => Some(swap(&mut state, existing)),
            (None, _) => {
                let connection = state.new_connection(address, true);
                state.persists.insert(address.to_owned(), Arc::clone(&connection));
                Some(connection)
            }
        };
        state.remotes.entry(address.to_owned()).or_default().insert(to.clone());
        state.linkees.entry(linker.clone()).or_default().insert(to.clone());
        let replaced = state.linkers.entry(to).or_default().insert(linker, tell);
        // Dropped outside the lock: what it holds is not ours.
        drop(state);
        drop(replaced);
        if let Some(connection) = created {
            start(network, connection);
        }
    }

    /// A temporary connection has nothing to send: forgets it, unless there is something after all.
    ///
    /// Mirrors the end of `SocketManager::next`.
    #[doc(alias = "SocketManager::next")]
    pub(super) fn dispose(&self, connection: &Outgoing) -> bool {
        let mut state = self.state.lock();
        let mut queue = connection.queue.lock();
        if !queue.unsent.is_empty() {
            return false;
        }
        queue.closed = true;
        if state.temps.get(&connection.address).is_some_and(|temp| temp.id == connection.id) {
            state.temps.remove(&connection.address);
        }
        true
    }

    /// A connection has ended: what was queued is lost, and whoever is linked over it is told.
    ///
    /// Mirrors `SocketManager::close`.
    #[doc(alias = "SocketManager::close")]
    pub(super) fn closed(&self, connection: &Outgoing, reason: &str) {
        let exited = {
            let mut state = self.state.lock();
            let address = &connection.address;
            let is = |found: Option<&Arc<Outgoing>>| found.is_some_and(|c| c.id == connection.id);
            if is(state.persists.get(address)) {
                state.persists.remove(address);
                counters::link_broken(address, reason);
                exited(&mut state, address)
            } else {
                if is(state.temps.get(address)) {
                    state.temps.remove(address);
                }
                Vec::new()
            }
        };
        counters::lost(connection.close(), &connection.address, reason);
        for (linkee, tell) in exited {
            tell(linkee);
        }
    }

    /// A process of this program has ended: it is linked to nothing any more.
    ///
    /// Mirrors `SocketManager::exited(ProcessBase*)`.
    pub(super) fn forget(&self, process: &Upid) {
        let mut state = self.state.lock();
        let mut dropped = Vec::new();
        for linkee in state.linkees.remove(process).unwrap_or_default() {
            let Some(linkers) = state.linkers.get_mut(&linkee) else { continue };
            dropped.extend(linkers.remove(process));
            if !linkers.is_empty() {
                continue;
            }
            state.linkers.remove(&linkee);
            if let Some(remotes) = state.remotes.get_mut(linkee.address()) {
                remotes.remove(&linkee);
                if remotes.is_empty() {
                    state.remotes.remove(linkee.address());
                }
            }
        }
        // Dropped outside the lock: what they hold is not ours.
        drop(state);
        drop(dropped);
    }

    /// Forgets everything. The connections end with the network.
    pub(super) fn clear(&self) {
        let state = std::mem::take(&mut *self.state.lock());
        for connection in state.persists.values().chain(state.temps.values()) {
            connection.close();
        }
    }
}

/// Puts a new connection in the place of one that serves a link. What the old one has not begun to
/// send goes over the new one; nobody is told.
///
/// Mirrors `SocketManager::swap_implementing_socket`.
#[doc(alias = "SocketManager::swap_implementing_socket")]
fn swap(state: &mut State, existing: &Arc<Outgoing>) -> Arc<Outgoing> {
    let connection = state.new_connection(&existing.address, true);
    {
        let mut from = existing.queue.lock();
        let mut to = connection.queue.lock();
        to.unsent = from.unsent.split();
        to.messages = std::mem::take(&mut from.messages);
    }
    state.persists.insert(existing.address.clone(), Arc::clone(&connection));
    existing.close();
    connection
}

/// Everybody who is linked to something at an address, and to what.
///
/// Mirrors `SocketManager::exited(const Address&)`.
#[doc(alias = "SocketManager::exited")]
fn exited(state: &mut State, address: &str) -> Vec<(Upid, OnExited)> {
    let mut told = Vec::new();
    for linkee in state.remotes.remove(address).unwrap_or_default() {
        for (linker, tell) in state.linkers.remove(&linkee).unwrap_or_default() {
            if let Some(linkees) = state.linkees.get_mut(&linker) {
                linkees.remove(&linkee);
                if linkees.is_empty() {
                    state.linkees.remove(&linker);
                }
            }
            told.push((linkee.clone(), tell));
        }
    }
    told
}
