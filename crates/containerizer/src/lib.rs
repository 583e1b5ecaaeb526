//! Containerizers: the interface, Docker's implementation, and the actors it works with.
//!
//! [`gpu`], [`hooks`] are ports; [`state`] is what an agent has checkpointed. Start with [`Containerizer`], then [`docker`], [`fetcher`] and [`logger`].

mod cgroups;
mod composing;
mod containerizer;
pub mod docker;
pub mod factory;
pub mod fetcher;
mod flags;
pub mod gpu;
pub mod hooks;
pub mod logger;
mod paths;
pub mod resources;
pub mod state;

pub use composing::{ComposingContainerizer, ComposingContainerizerProcess};
pub use containerizer::{Connection, Containerizer, LaunchResult};
pub use factory::ContainerizerFactory;
pub use flags::Flags;
