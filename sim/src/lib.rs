//! The simulator: the whole agent in a made-up world, under any schedule and any fault.
//!
//! - [`scenario`]: what a run is about. [`world`]: one run. [`campaign`]: many.
//! - [`environment`]: the Docker daemon, the registry and the host that the port runs on here.
//! - [`stream`] and [`strategy`]: every decision of a run, and who makes it.
//! - [`oracle`]: what must hold. [`findings`]: where upstream itself does not hold it.
//! - [`trace`], [`timeline`], [`render`]: runs on disk, as data, as text and pictures.
//!
//! Nothing below this crate knows that it is simulated: it knows ports.

pub mod campaign;
pub mod coverage;
pub mod environment;
pub mod findings;
pub mod oracle;
pub mod render;
pub mod scenario;
pub mod strategy;
pub mod stream;
pub mod timeline;
pub mod trace;
mod watch;
pub mod world;

/// Where the simulated agent logs to: nowhere. Traces show more, and cost nothing when off.
fn log() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}
