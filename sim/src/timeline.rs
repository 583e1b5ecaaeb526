//! A recorded run as plain data: what reports and pictures are made from.

use serde::Serialize;

/// What kind of actor a lane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaneKind {
    /// The scenario itself: what the outside does.
    Scenario,
    /// A process of the agent: an actor of the port.
    Process,
    /// A process of an executor.
    Executor,
    /// A connection between two processes.
    Connection,
    /// The Docker daemon and the registry.
    Docker,
    /// The host: its process table and files.
    Host,
    /// The clock.
    Clock,
}

/// One actor.
#[derive(Clone, Debug, Serialize)]
pub struct Lane {
    /// The number events refer to.
    pub id: u32,
    /// Its name: a process id, or the name of an environment actor.
    pub name: String,
    /// What it is.
    pub kind: LaneKind,
}

/// One handled event.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Its number, from 1, in the order of handling.
    pub id: u64,
    /// The event that sent it; 0 for the start.
    pub cause: u64,
    /// Virtual time in nanoseconds since the start.
    pub time_ns: u64,
    /// The lane in which it was handled.
    pub lane: u32,
    /// What it was, for people: `DockerContainerizerProcess::pull`.
    pub label: String,
    /// Which step of the schedule brought it about, from 0.
    pub step: u64,
}

/// A remark made during an event.
#[derive(Clone, Debug, Serialize)]
pub struct Remark {
    /// The event.
    pub event: u64,
    /// Virtual time in nanoseconds since the start.
    pub time_ns: u64,
    /// `state`, `fault`, `docker`, `destroy`, `terminated`, …
    pub kind: String,
    /// The remark.
    pub text: String,
}

/// A container's state from some event on.
#[derive(Clone, Debug, Serialize)]
pub struct StateChange {
    /// The container's id.
    pub container: String,
    /// The new state: `FETCHING` … `DESTROYING`, or `GONE`.
    pub state: String,
    /// The event that changed it.
    pub event: u64,
    /// Virtual time in nanoseconds since the start.
    pub time_ns: u64,
}

/// What was violated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The oracle: `I-TERM`, …
    pub oracle: String,
    /// The id of the finding this is an instance of, if it is a known one.
    pub finding: Option<String>,
    /// What happened, in a sentence that names container and task.
    pub message: String,
    /// The event after which it was noticed.
    pub event: u64,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// The scenario's name.
    pub scenario: String,
    /// The seed, if one produced the run.
    pub seed: Option<u64>,
    /// The strategy's name.
    pub strategy: String,
    /// The command that replays the run.
    pub replay: String,
    /// What was violated, if anything was.
    pub verdict: Option<Verdict>,
    /// All actors.
    pub lanes: Vec<Lane>,
    /// All events.
    pub events: Vec<Event>,
    /// All remarks.
    pub remarks: Vec<Remark>,
    /// All state changes of containers.
    pub states: Vec<StateChange>,
    /// The events on the shortest causal chain to the violation (or to the end), oldest first.
    pub chain: Vec<u64>,
}

impl Timeline {
    /// The event with this number.
    pub fn event(&self, id: u64) -> Option<&Event> {
        // Events are numbered from 1 without gaps, in order.
        self.events.get(usize::try_from(id.checked_sub(1)?).ok()?)
    }

    /// The chain of causes that ends in `event`, oldest first.
    pub fn causes_of(&self, event: u64) -> Vec<u64> {
        let mut chain = Vec::new();
        let mut next = event;
        while let Some(event) = self.event(next) {
            chain.push(event.id);
            if event.cause >= next {
                break;
            }
            next = event.cause;
        }
        chain.reverse();
        chain
    }
}
