//! What can go wrong with a pull, and where.

use super::Shared;
use super::exchange::RequestId;
use super::faults::Special;
use crate::environment::faults::Fault;
use std::fmt;
use std::time::Duration;

/// Where in a pull something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// When the registry is asked for the manifest: before the first byte for the client.
    Manifest,
    /// When it is asked for the configuration.
    Config,
    /// In the largest of the layers that this pull fetches, at so many percent of it.
    Layer(u8),
}

/// What goes wrong with a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The registry takes so many times as long for everything.
    Slow(u32),
    /// Layers come with so many bytes a second.
    Trickle(u64),
    /// The registry is silent for this long before the manifest.
    Silence(Duration),
    /// The registry falls silent for ever, until the world is healed or the rules are changed.
    Stall(Place),
    /// The registry cuts the connection, at each attempt.
    Cut(Place),
    /// The registry answers with this status, at each attempt. Of 404 there are two: see
    /// [`Denied`](Trouble::Denied).
    Status(u16, Place),
    /// The registry does not let this client have it, or has it not: it does not say.
    Denied,
    /// The layer is not what its digest says.
    Corrupt,
    /// The daemon has no space for the layer when it extracts it.
    NoSpace,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Manifest => f.write_str("@manifest"),
            Place::Config => f.write_str("@config"),
            Place::Layer(percent) => write!(f, "@{percent}%"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Slow(times) => write!(f, "slow={times}"),
            Trouble::Trickle(rate) => write!(f, "trickle={rate}"),
            Trouble::Silence(time) => write!(f, "silence={}s", time.as_secs_f64()),
            Trouble::Stall(place) => write!(f, "stall{place}"),
            Trouble::Cut(place) => write!(f, "cut{place}"),
            Trouble::Status(status, place) => write!(f, "status={status}{place}"),
            Trouble::Denied => f.write_str("denied"),
            Trouble::Corrupt => f.write_str("corrupt"),
            Trouble::NoSpace => f.write_str("no-space"),
        }
    }
}

/// In the midst of a layer.
const MIDST: Place = Place::Layer(50);

/// The trouble that a pull meets: what a rule has in store for it, or what the stream of choices
/// draws from the budgets.
pub(super) fn choose(daemon: &Shared, id: RequestId, reference: &str) -> Option<Trouble> {
    let special = match daemon.state.lock().exchanges.get_mut(&id) {
        Some(exchange) => std::mem::take(&mut exchange.special),
        None => Special::Nothing,
    };
    if let Special::Trouble(trouble) = special {
        return Some(trouble);
    }
    let faults = [
        Fault::PullSlow,
        Fault::PullStall,
        Fault::PullFail,
        Fault::ClientUnnoticed,
        Fault::PullTrickle,
    ];
    let operations = &daemon.operations;
    Some(match operations.inject("pull", reference, &faults)? {
        Fault::PullSlow => Trouble::Slow(daemon.settings.slowness),
        Fault::PullStall => match operations.choose("pull stalls", 3) {
            0 => Trouble::Stall(Place::Manifest),
            1 => Trouble::Stall(MIDST),
            _ => Trouble::Stall(Place::Config),
        },
        Fault::PullFail => match operations.choose("pull fails", 10) {
            0 => Trouble::Status(404, Place::Manifest),
            1 => Trouble::Denied,
            2 => Trouble::Cut(MIDST),
            3 => Trouble::NoSpace,
            4 => Trouble::Status(401, Place::Manifest),
            5 => Trouble::Status(429, Place::Manifest),
            6 => Trouble::Status(500, Place::Manifest),
            7 => Trouble::Status(503, MIDST),
            8 => Trouble::Cut(Place::Config),
            _ => Trouble::Corrupt,
        },
        Fault::PullTrickle => Trouble::Trickle(daemon.settings.trickle),
        _ => Trouble::Silence(daemon.settings.silence),
    })
}
