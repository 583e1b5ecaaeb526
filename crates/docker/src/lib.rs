//! Docker as the containerizer and the executor use it.
//!
//! Two layers. [`Docker`] is upstream's class of that name: operations as `docker run`, `docker
//! pull` and so on behave, mocked by tests. [`Api`] below it is the port to a daemon: one request
//! of the Engine's HTTP API a method. [`Engine`] implements the first over any implementation of
//! the second, so the logic (inspect before pull, retries, stop and remove) is the same over a
//! real Engine ([`Bollard`]) and over the simulator's daemon.

mod api;
mod bollard;
mod container;
pub mod create_body;
mod docker;
mod docker_run;
#[cfg(test)]
mod docker_tests;
mod engine;
mod image;
mod json;
mod mock;
mod reference;
mod run_options;
mod version;

pub use api::{
    Answer, Api, ApiError, Attachment, ContainerSummary, ErrorKind, PullEvent, PullProgress,
    WaitCondition,
};
pub use bollard::{Bollard, ConnectError};
pub use container::{Addresses, Container, Device};
pub use create_body::CreateBody;
pub use docker::{Docker, Output};
pub use docker_run::{CreateRequest, Requirement};
pub use engine::Engine;
pub use image::Image;
pub use json::ParseError;
pub use mock::{Call, Mock};
pub use reference::{ImageReference, InvalidReference};
pub use run_options::{
    CreateArguments, PortMapping, RunOptions, RunOptionsError, calculate_oom_score_adj,
};
pub use version::{Version, VersionError};
