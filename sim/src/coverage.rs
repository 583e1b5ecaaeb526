//! Coverage: the situations that a campaign has reached, and those it should have.

use crate::environment::Fault;
use crate::oracle::DestroyedIn;
use containerizer::docker::State;
use std::fmt;

/// A situation that a run reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A container's end began in this state.
    Destroyed(DestroyedIn),
    /// A pull ended with its image.
    PullCompleted,
    /// A pull ended with an error.
    PullFailed,
    /// A pull's client left before the first byte of a layer.
    PullLeftBeforeLayers,
    /// A pull's client left while layers were coming.
    PullLeftInLayers,
    /// A pull's client left when all layers had come.
    PullLeftAtTheEnd,
    /// A pull went on to its end although its client had left.
    PullUnwatched,
    /// The launch ended well.
    Launched,
    /// A terminal update reached the master: the state of the task.
    Update(mesos::TaskState),
    /// A fault was injected.
    Fault(Fault),
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mark::Destroyed(DestroyedIn::State(state)) => write!(f, "destroyed in {state}"),
            Mark::Destroyed(DestroyedIn::LaunchFailed) => {
                f.write_str("destroyed after a failed launch")
            }
            Mark::PullCompleted => f.write_str("pull completed"),
            Mark::PullFailed => f.write_str("pull failed"),
            Mark::PullLeftBeforeLayers => f.write_str("pull cancelled before its first layer"),
            Mark::PullLeftInLayers => f.write_str("pull cancelled while layers were coming"),
            Mark::PullLeftAtTheEnd => f.write_str("pull cancelled after its last layer"),
            Mark::PullUnwatched => f.write_str("pull completed although cancelled"),
            Mark::Launched => f.write_str("launched"),
            Mark::Update(state) => write!(f, "task ended {state}"),
            Mark::Fault(fault) => write!(f, "fault {}", fault.name()),
        }
    }
}

/// Situations that a campaign over `destroy-during-pull` must have reached to mean something.
pub const SOMETIMES: [Mark; 10] = [
    Mark::Destroyed(DestroyedIn::State(State::Fetching)),
    Mark::Destroyed(DestroyedIn::State(State::Pulling)),
    Mark::Destroyed(DestroyedIn::State(State::Mounting)),
    Mark::Destroyed(DestroyedIn::State(State::Running)),
    Mark::Destroyed(DestroyedIn::LaunchFailed),
    Mark::PullCompleted,
    Mark::PullFailed,
    Mark::PullLeftBeforeLayers,
    Mark::PullLeftInLayers,
    Mark::Launched,
];
