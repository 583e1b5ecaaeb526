//! A simulated Docker daemon with its registry.
//!
//! It behaves as Docker Engine 20.10.24 (API 1.41) was measured to, down to statuses and words. It
//! is plain data behind one lock, changed by ops, and does not know who asks: [`docker::Api`] is
//! one way to it (`client.rs`), an HTTP server another.
//!
//! # The life of a request
//!
//! ```text
//! client                        daemon                                        host, registry
//!   │ Connection::send ─travel─▶ arrive            exchange.rs
//!   │                              │ is it there? rules and faults            faults.rs, rules.rs
//!   │                              ▼
//!   │                            take_effect       dispatch.rs: waits while the container starts
//!   │                              ▼
//!   │                            the effect        create.rs, starting.rs, pull.rs, ...  ──ops──▶
//!   │ Sink::take ◀──travel──── answer, reply       exchange.rs
//!   ▼
//! Call::hang_up ─────────────▶ client_left: what is about the client alone ends (wait, attach,
//!                               logs, events, stats); a pull notices at its next write; the rest
//!                               goes on, and its answer is dropped
//! ```
//!
//! What arrives is a [`Request`]; what comes back is a series of [`Reply`]s, the last of which
//! [is the last](Reply::is_last): a whole [`Answer`] or a [`Refusal`]; or [`Opened`], [`Chunk`]s and
//! an end. A client whose [`Interest`] is the outcome gets the last reply only. Nothing is turned
//! into JSON before somebody asks for it: see [`json`].
//!
//! # Driving it
//!
//! Nothing happens by itself. A `process::simulated::Simulation` is installed on the thread, an
//! [`Environment`](crate::environment::Environment) is made for it, a [`SimHost`] and a [`Daemon`]
//! on top. Whoever drives runs the environment's pending ops: the world's driver in the order that
//! a strategy chooses, [`NaturalOrder`](crate::environment::NaturalOrder) in the order of time, at
//! once or as a real clock gets there. An HTTP server holds all this on one thread. For each
//! request it decodes a [`Request`] ([`ContainerConfig::from_json`], [`Filters::parse`],
//! [`signals::parse`], [`reference::join`], [`stamp::parse`]), sends it with a [`Sink`] that hands
//! replies to the connection, and hangs up when the connection closes.
//!
//! - The status: [`json::status`] of the first reply; [`Opened`] is 200, or 101 where it
//!   [takes the connection over](Opened::takes_over) and the client asks for an upgrade.
//! - The body: [`json::body`] of an answer, [`json::chunk`] of each piece, [`json::error`] of a
//!   refusal. The refusal of an attach is plain text with the content type of its stream.
//! - [`Reply::Broken`]: the connection is closed as it is. [`Reply::Unreachable`]: there is nobody
//!   to connect to.
//! - [`Call::input`] for what the client sends on a connection that was taken over.
//!
//! Faults are drawn from the environment's budgets by the stream of choices, or set while it runs
//! by [`Daemon::set_rules`]; [`rules::HELP`] says how they are written. [`Daemon::restart`] ends
//! the daemon and starts it again.
//!
//! # Adding a request
//!
//! 1. [`Request`]: the variant, its [`Method`], its subject, and whether it takes the container's
//!    lock.
//! 2. A handler in a file of its own, `fn(&Arc<Shared>, RequestId, ...)`: changes the state under
//!    the lock, answers after it. What takes time is an op; what may turn out differently a choice.
//! 3. `dispatch.rs`: one line.
//! 4. [`Answer`], if it says something new, and its JSON; refusals in `messages.rs`.
//! 5. A test in `environment/tests/` that asks through [`Connection::send`].
//!
//! # Not modelled
//!
//! Builds, pushes, commits, archives, health checks, plug-ins, swarm, IPv6, links; the contents of
//! images, and most of what there is about files (`files/` says what there is). A layer's bandwidth
//! does not depend on that of other layers.

mod answer;
mod attaching;
mod cgroup;
mod client;
mod config;
mod container;
mod create;
mod decode;
mod dispatch;
mod ended;
mod events;
mod exchange;
mod exec;
mod faults;
mod files;
mod filters;
pub mod go_json;
mod handle;
mod ids;
mod image;
mod images;
mod inspect;
pub mod json;
mod kernel;
mod lifecycle;
mod listing;
mod log;
mod logs;
mod messages;
mod naming;
mod network;
mod networks;
mod observe;
mod output;
mod pausing;
mod program;
mod progress;
mod pull;
pub mod reference;
mod removing;
mod renaming;
mod request;
mod restarting;
pub mod rules;
mod script;
pub mod scripts;
mod settings;
mod shell;
pub mod signals;
pub mod stamp;
mod starting;
mod state;
mod stats;
mod stopping;
mod store;
mod system;
mod top;
mod transfer;
mod trouble;
mod updating;
mod volumes;
mod waiting;

pub use answer::{Answer, Chunk, Interest, Opened, Refusal, Reply, Sink};
pub use cgroup::Cgroup;
pub use config::{
    ContainerConfig, DeviceMapping, EndpointConfig, Given, PortBinding, Resources, Restart, Update,
};
pub use container::ContainerState;
pub use events::Event;
pub use exchange::{Call, Connection};
pub use exec::ExecView;
pub use files::{HostFile, HostFiles};
pub use filters::Filters;
pub use handle::Daemon;
pub use image::{ImageSpec, Layer, Programs, chain_ids};
pub use images::{ImageView, RemovedImage};
pub use inspect::Inspection;
pub use lifecycle::Shutdown;
pub use listing::Row;
pub use network::{Attached, Member, NetworkConfig, NetworkView};
pub use observe::{ContainerView, Coverage, PullView, RequestView};
pub use progress::{Progress, Status};
pub use pull::Phase;
pub use request::{
    Credentials, EventOptions, ExecConfig, ListOptions, LogOptions, Method, Name, Request, Streams,
    WaitCondition,
};
pub use script::{End, Reaction, Script, StartRefusal, Step, Stream};
pub use settings::{DaemonSettings, Engine};
pub use shell::{Handler, Text};
pub use stats::{Sample, StatsView};
pub use system::{DiskUsage, Info};
pub use trouble::{Place, Trouble};
pub use volumes::Volume;

use crate::environment::host::SimHost;
use crate::environment::operations::Operations;
use parking_lot::Mutex;
use process::simulated::ContextId;
use state::State;
use std::sync::Weak;

/// The environment contexts of a daemon.
#[derive(Clone, Copy, Debug)]
struct Contexts {
    daemon: ContextId,
    registry: ContextId,
}

struct Shared {
    operations: Operations,
    contexts: Contexts,
    settings: DaemonSettings,
    host: SimHost,
    state: Mutex<State>,
    this: Weak<Shared>,
}
