//! Containerizers: the interface, Docker's implementation, and the actors it works with.
//!
//! Start with [`Containerizer`], then [`docker`], [`fetcher`] and [`logger`].

mod containerizer;
pub mod docker;
pub mod fetcher;
mod flags;
pub mod logger;

pub use containerizer::{Containerizer, LaunchResult};
pub use flags::Flags;
