//! Requests that only look: version, inspect, list.

use super::containers::ContainerState;
use super::request::Exchange;
use super::state::normalise;
use super::{Shared, messages};
use docker::{Container, ContainerSummary, Image, Version};
use std::sync::Arc;
use std::time::Duration;

/// The daemon's version: that of the Engine whose behaviour was measured.
const VERSION: Version = Version::new(20, 10, 24);

pub(super) fn version(daemon: &Arc<Shared>, exchange: Exchange<Version>) {
    daemon.answer(exchange, Ok(VERSION), Duration::ZERO);
}

pub(super) fn inspect(daemon: &Arc<Shared>, exchange: Exchange<Container>, name: Arc<str>) {
    let result = {
        let mut state = daemon.state.lock();
        let number = state.resolve(&name);
        match number.and_then(|number| state.containers.get_mut(&number)) {
            None => Err(messages::no_such_container(&name)),
            Some(container) if container.starting => {
                container.enqueue(move |daemon| inspect(daemon, exchange, name));
                return;
            }
            Some(container) => Ok(Container {
                id: container.id.as_ref().to_owned(),
                name: format!("/{}", container.name),
                pid: container.pid,
                started: container.state != ContainerState::Created,
                ..Container::default()
            }),
        }
    };
    daemon.answer(exchange, result, Duration::ZERO);
}

pub(super) fn list(daemon: &Arc<Shared>, exchange: Exchange<Vec<ContainerSummary>>, all: bool) {
    let containers = {
        let state = daemon.state.lock();
        let listed = state.containers.values().rev().filter(|one| all || one.is_running());
        listed
            .map(|container| ContainerSummary {
                id: container.id.as_ref().to_owned(),
                names: vec![format!("/{}", container.name)],
            })
            .collect()
    };
    daemon.answer(exchange, Ok(containers), Duration::ZERO);
}

pub(super) fn inspect_image(daemon: &Arc<Shared>, exchange: Exchange<Image>, reference: &str) {
    let reference = normalise(reference);
    let found = daemon.state.lock().images.get(&*reference).cloned();
    let result = match found {
        None => Err(messages::no_such_image(&reference)),
        Some(image) => Ok(Image {
            id: image.id.as_ref().to_owned(),
            entrypoint: image.entrypoint.clone(),
            environment: Some(image.environment.clone()).filter(|names| !names.is_empty()),
        }),
    };
    daemon.answer(exchange, result, Duration::ZERO);
}
