//! Support for the Docker suites: the tests that run against a real Docker Engine.
//!
//! Nothing in here depends on the code under test. A suite uses it to set the stage and to check
//! what happened, over its own small clients, while the port acts through bollard.
//!
//! # Start here
//!
//! ```no_run
//! use drydock_tests::{DockerLab, ImageSpec};
//!
//! # async fn example() {
//! let Some(lab) = DockerLab::require() else { return }; // Prints what is missing, and skips.
//! let image = lab.images.push(&ImageSpec::busybox()).await.expect("push");
//! let name = lab.proxy_name(&image); // A pull of this name goes through `lab.proxy`.
//! # }
//! ```
//!
//! # Map
//!
//! ```text
//!  suite ──▶ code under test ──▶ Docker Engine ──pull──▶ proxy ──▶ registry
//!    │                               ▲  ▲                 ▲           ▲
//!    ├── engine: look, set up, remove┘  │                 │           │
//!    ├── images: make, load ────────────┴──────push───────┼───────────┘
//!    └── proxy: limits, faults, counters, wait_until ─────┘
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`conformance`] | conversations with a daemon, for the real one and the simulated one |
//! | [`lab`] | all of the below together, for one test |
//! | [`require`] | skip or fail when something is missing |
//! | [`engine`] | a minimal client of the Docker Engine |
//! | [`registry`] | Debian's `docker-registry` on loopback |
//! | [`proxy`] | limits rates, injects faults, counts; in front of the registry |
//! | [`images`] | busybox images, pushed to the registry and removed from the Engine |
//! | [`names`] | names that no other test uses |
//!
//! # Running the suites
//!
//! `tests/docker-setup`, as root, installs and starts what the suites need; the suites install
//! nothing. Then `cargo test -p drydock-tests --test 'docker_*'`. Suites are named `docker_*.rs`;
//! with `DRYDOCK_REQUIRE_DOCKER=1` in the environment they fail where they would be skipped.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the suites run in the real world: real clocks, sockets, threads and processes"
)]

pub mod conformance;
pub mod engine;
pub mod images;
pub mod lab;
pub mod names;
pub mod proxy;
pub mod registry;
pub mod require;

mod background;
mod probe;

pub use engine::{Engine, EngineError, Network, Pull};
pub use images::{ImageMaker, ImageSpec, PushedImage};
pub use lab::DockerLab;
pub use proxy::{Fault, FaultGuard, Proxy, Stats, Target};
pub use registry::Registry;
pub use require::require_engine;
