//! Mesos's messages and value types.
//!
//! The root of the crate is protobuf package `mesos`; its sub-packages are [`slave`], [`internal`]
//! and [`fetcher`]. They are generated from `proto/` with prost, which respells some names:
//! upstream's `ContainerID` is [`ContainerId`], `UUID` is [`Uuid`]; the original is an alias in the
//! documentation. Beside the messages stand the value types that upstream keeps in stout and in
//! `src/common`: [`Bytes`], [`duration`], [`Resources`], the ids, wait [`status`]es and [`json`].

mod bytes;
mod descriptors;
pub mod duration;
mod generated;
mod ids;
pub mod json;
mod number;
mod required;
pub mod resources;
pub mod status;
mod task_state;
pub mod values;

pub use bytes::{Bytes, ParseBytesError};
pub use generated::mesos::*;
pub use required::{DecodeError, decode};
pub use resources::Resources;

#[cfg(test)]
mod wire_tests;
