//! The conformance suite: conversations with a Docker daemon, recorded from a real Engine, that
//! the simulated daemon must have in the same way.

pub mod differential;

mod groups;
mod http;
mod normalise;
mod progress;
mod real;
mod record;
mod stage;
mod talk;

pub use groups::{Conversation, all};
pub use http::{Answer, Open};
pub use normalise::Normaliser;
pub use real::RealStage;
pub use record::{Difference, Records, document};
pub use stage::{Stage, Transfers, Trouble};
pub use talk::{IDLE, Talk};
