//! Docker as the containerizer and the executor use it.
//!
//! Two layers. [`Docker`] is upstream's class of that name: operations as `docker run`, `docker
//! pull` and so on behave, mocked by tests. [`Api`] below it is the port to a daemon: one request
//! of the Engine's HTTP API a method. [`Engine`] implements the first over any implementation of
//! the second, so the logic (inspect before pull, retries, stop and remove) is the same over a
//! real Engine ([`Bollard`]) and over the simulator's daemon. [`Guarded`] is an [`Api`] over
//! another one: with it, requests without a clear answer find out what became of them.

mod api;
mod bollard;
mod container;
pub mod create_body;
mod credentials;
mod docker;
mod docker_run;
#[cfg(test)]
mod docker_tests;
mod engine;
mod guard;
mod image;
mod json;
mod limits;
mod mock;
mod progress;
mod reference;
mod run_options;
#[cfg(test)]
mod scripted;
mod status;
mod time;
mod version;
mod waits;

pub use api::{
    Answer, Api, ApiError, Attachment, ContainerSummary, ErrorKind, LingeringPull, PullEvent,
    PullProgress, WaitCondition,
};
pub use bollard::{Bollard, ConnectError};
pub use container::{Addresses, Container, Device};
pub use create_body::CreateBody;
pub use credentials::{Config, ConfigError, ConfigFiles, Credentials, Keychain};
pub use docker::{Docker, Output};
pub use docker_run::{CreateRequest, Requirement};
pub use engine::{Engine, Lingering, PullEnd, PullListener};
pub use guard::Guarded;
pub use image::Image;
pub use json::ParseError;
pub use limits::{Limits, PullLimits};
pub use mock::{Call, Mock};
pub use progress::{Layer, LayerPhase, PullPhase, PullState};
pub use reference::{ImageReference, InvalidReference};
pub use run_options::{
    CreateArguments, PortMapping, RunOptions, RunOptionsError, calculate_oom_score_adj,
};
pub use version::{Version, VersionError};
pub use waits::{Registration, Waits};
