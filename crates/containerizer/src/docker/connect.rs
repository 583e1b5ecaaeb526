//! The Docker that an agent's flags ask for.

use crate::Flags;
use ::process::Future;
use docker::{Bollard, ConfigFiles, Engine, Guarded, Limits, Version};
use std::sync::Arc;

/// Connects to the daemon at `--docker_socket`, with the credentials of `--docker_config` for
/// sandboxes that have none of their own, and checks its version.
///
/// # Errors
///
/// What is wrong with the address; and, as a failure of the future, a daemon that cannot be asked or
/// is older than [`Version::MINIMUM`].
///
/// Mirrors `DockerContainerizer::create` as far as Docker goes.
#[doc(alias = "DockerContainerizer::create")]
pub fn connect(flags: &Flags) -> Result<Future<Engine>, String> {
    // The flag is a path; tests and people may give an address.
    let socket = match flags.docker_socket.starts_with('/') {
        true => format!("unix://{}", flags.docker_socket),
        false => flags.docker_socket.clone(),
    };
    let limits = Limits::default();
    let api = Bollard::connect_with(Some(&socket), limits.clone())
        .map_err(|error| format!("Failed to create docker: {error}"))?;
    let keychain = ConfigFiles::new(flags.docker_config.clone(), limits.clone());
    let api = Guarded::new(Arc::new(api), limits);
    let engine = Engine::create(Arc::new(api), flags.docker_socket.as_str(), Version::MINIMUM);
    Ok(engine.map(move |engine| engine.clone().with_keychain(Arc::new(keychain))))
}
