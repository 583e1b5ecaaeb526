//! What oracles and reports see of the daemon.

use super::container::ContainerState;
use super::pull::Phase;
use super::request::Method;
use process::EventId;
use process::host::OsPid;
use std::sync::Arc;

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerView {
    /// Its full id.
    pub id: Arc<str>,
    /// Its name, without the leading `/`.
    pub name: Arc<str>,
    /// How far it has come.
    pub state: ContainerState,
    /// Somebody is removing it.
    pub removing: bool,
    /// Its process on the host, while it runs.
    pub pid: Option<OsPid>,
    /// Its exit code, once it has exited or could not be started.
    pub exit_code: Option<i64>,
    /// It was killed because it used too much memory.
    pub oom_killed: bool,
    /// The event in which the daemon created it.
    pub cause: EventId,
    /// The event in which its process was started, the last time.
    pub started_in: Option<EventId>,
}

/// A request that the daemon has not done with, or whose answer is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// Counts up in the order of the requests.
    pub number: u64,
    /// What it asks for.
    pub method: Method,
    /// The container's name or the image's reference; empty where there is none.
    pub subject: Arc<str>,
    /// The client that made it.
    pub owner: Arc<str>,
    /// Whether its client still waits for the answer.
    pub connected: bool,
    /// The event in which it was made.
    pub cause: EventId,
}

/// A pull that the daemon is busy with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullView {
    /// The number of its request.
    pub request: u64,
    /// The image.
    pub reference: Arc<str>,
    /// The client that asked for it.
    pub owner: Arc<str>,
    /// Whether its client still waits for it.
    pub connected: bool,
    /// How far it has come.
    pub phase: Phase,
    /// The event in which it was asked for.
    pub cause: EventId,
}

/// What has happened at the daemon so far, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Pulls that ended with their image.
    pub pulls_completed: u32,
    /// Of these: the client had left.
    pub pulls_completed_unwatched: u32,
    /// Pulls that ended with an error.
    pub pulls_failed: u32,
    /// Clients that left while the daemon waited for the manifest or the configuration: before
    /// the first byte, and unnoticed.
    pub pulls_left_before_layers: u32,
    /// Clients that left while layers were coming.
    pub pulls_left_in_layers: u32,
    /// Clients that left when all layers had come.
    pub pulls_left_at_the_end: u32,
    /// Pulls that the daemon gave up because it noticed that their client had left.
    pub pulls_aborted: u32,
    /// Layers that a pull did not have to fetch because another one was fetching them.
    pub layers_joined: u32,
    /// Transfers of layers that were cancelled because nobody waited for them any more.
    pub transfers_cancelled: u32,
    /// Containers created.
    pub created: u32,
    /// Containers started.
    pub started: u32,
    /// Containers whose process ended.
    pub exited: u32,
    /// Containers removed.
    pub removed: u32,
    /// Stops that had to resort to SIGKILL.
    pub stops_escalated: u32,
    /// Requests refused because the container's name was taken.
    pub name_conflicts: u32,
    /// Answers that nobody waited for.
    pub answers_dropped: u32,
    /// Programs that were killed for their memory.
    pub oom_kills: u32,
    /// How often the daemon was gone.
    pub restarts: u32,
}
