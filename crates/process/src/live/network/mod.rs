//! Sockets: messages and requests from other programs, and messages to them.
//!
//! - [`Options`], [`initialize`]: where to listen.
//! - `accept`, `serve`: connections that others open. Requests come in, answers go out, in order.
//! - `sockets`, `outgoing`: connections that this program opens. Messages go out; what comes back is
//!   read and thrown away.
//!
//! Mirrors `ProcessManager::handle`, `SocketManager` and `HttpProxy` in
//! `3rdparty/libprocess/src/{process,http_proxy}.cpp`.

mod accept;
mod answers;
mod deadline;
mod handle;
mod options;
mod outgoing;
mod serve;
mod sockets;

pub use options::Options;

use crate::future::Promise;
use crate::http::{Request, Response};
use crate::live;
use crate::pid::Upid;
use crate::remote::{Limits, Message, counters};
use crate::system;
use crate::transport::Link;
use parking_lot::RwLock;
use slog::{debug, info};
use sockets::Sockets;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::sync::{Semaphore, watch};

/// The address of the processes of a program that does not listen.
pub(crate) const NOWHERE: &str = "127.0.0.1:0";

/// The listening half of a program and its connections.
struct Network {
    /// What stands behind the `@` in the names of this program's processes.
    address: String,
    delegate: Option<String>,
    require_peer_address_ip_match: bool,
    limits: Limits,
    /// How many connections others have open.
    connections: AtomicUsize,
    /// One permit for each byte that may be in flight.
    room: Arc<Semaphore>,
    sockets: Sockets,
    /// Set when no more connections are to be taken.
    refuse: watch::Sender<bool>,
    /// Set when everything is to stop.
    stop: watch::Sender<bool>,
}

static NETWORK: RwLock<Option<Arc<Network>>> = RwLock::new(None);

fn network() -> Option<Arc<Network>> {
    NETWORK.read().clone()
}

/// Makes this program listen, so that processes of other programs reach its own. To be called once,
/// before the first process is started: the address is part of a process's name.
///
/// Mirrors `process::initialize` in `3rdparty/libprocess/src/process.cpp`.
///
/// # Errors
///
/// A message that says which address cannot be listened on and why, or that it is too late.
// differs: upstream does this by itself with the first process. Here a program that does not need
// the network has no open port.
#[doc(alias = "process::initialize")]
pub fn initialize(options: Options) -> Result<SocketAddrV4, String> {
    let mut slot = NETWORK.write();
    if slot.is_some() {
        return Err("the network is initialized already".to_owned());
    }
    if let Some(id) = live::ids().first() {
        return Err(format!(
            "the network must be initialized before the first process; '{id}' runs already"
        ));
    }
    let (listener, bound) = options.bind()?;
    let advertised = options.advertised(bound)?;
    counters::set_log(options.log.clone());
    let (refuse, refused) = watch::channel(false);
    let (stop, _) = watch::channel(false);
    let delegate = options.delegate.clone();
    let permits = options.limits.in_flight.min(Semaphore::MAX_PERMITS);
    let network = Arc::new(Network {
        address: advertised.to_string(),
        delegate: options.delegate,
        require_peer_address_ip_match: options.require_peer_address_ip_match,
        room: Arc::new(Semaphore::new(permits)),
        limits: options.limits,
        connections: AtomicUsize::new(0),
        sockets: Sockets::default(),
        refuse,
        stop,
    });
    let listener = {
        let _entered = live::io().enter();
        tokio::net::TcpListener::from_std(listener)
            .map_err(|error| format!("Failed to listen on {bound}: {error}"))?
    };
    live::io().spawn(accept::accept(Arc::clone(&network), listener, refused));
    *slot = Some(network);
    drop(slot);
    info!(options.log, "libprocess listens on {bound} and calls itself {advertised}");
    system::start(delegate, options.metrics_rate_limit);
    Ok(advertised)
}

/// Takes no connections any more. Those that are open stay.
pub(crate) fn stop_listening() {
    if let Some(network) = network() {
        // Whoever listens may have stopped by itself.
        let _ = network.refuse.send(true);
    }
}

/// Closes all connections. Nobody is told that links have ended. The network can be initialized
/// again.
pub(crate) fn finalize() {
    system::stop();
    let network = NETWORK.write().take();
    if let Some(network) = network {
        // Those who listen for it may be gone already.
        let _ = network.stop.send(true);
        network.sockets.clear();
    }
}

/// What stands behind the `@` in the names of this program's processes.
#[doc(alias = "process::address")]
pub fn address() -> String {
    NETWORK.read().as_ref().map_or_else(|| NOWHERE.to_owned(), |network| network.address.clone())
}

fn is_own(address: &str) -> bool {
    match &*NETWORK.read() {
        Some(network) => network.address == address,
        None => address == NOWHERE,
    }
}

/// Sends a message to a process of this program or of another.
pub(crate) fn send(to: &Upid, message: Message) {
    // One that is closed says nothing: maybe another process of this name has been started since.
    if let Some(mailbox) = to.mailbox().filter(|mailbox| mailbox.is_open()) {
        return mailbox.put(message);
    }
    if to.address() == message.from.address() || is_own(to.address()) {
        if to.mailbox().is_none() {
            live::resolve(to);
        }
        if let Err(message) = live::deliver(message) {
            debug!(counters::log(), "Dropping message for process {}", message.to);
        }
        return;
    }
    match network() {
        Some(network) => Sockets::send(&network, &message),
        None => counters::lost(1, to.address(), "this program does not listen"),
    }
}

/// Links a process of this program to one of another.
pub(crate) fn link(link: Link) {
    match network() {
        Some(network) => Sockets::link(&network, link),
        None => (link.tell)(link.to),
    }
}

/// Forgets what a process was linked to: it has ended.
pub(crate) fn ended(process: &Upid) {
    if let Some(network) = network() {
        network.sockets.forget(process);
        system::remove_help(process.id());
    }
}

/// Puts a request into the mailbox of the process `id` of this program. Dropped, and with it the
/// promise, when there is none.
pub(crate) fn request(id: &str, request: Request, promise: Promise<Response>) {
    live::request(id, request, promise);
}
