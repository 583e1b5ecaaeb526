//! `Docker::inspect` of `src/docker/docker.cpp`: once, or again and again until the container has
//! started.

use super::operation::Operation;
use super::{Engine, as_client};
use crate::{ApiError, Container};
use process::Future;
use std::sync::Arc;
use std::time::Duration;

struct Inspect {
    engine: Engine,
    container: String,
    retry_interval: Option<Duration>,
}

pub(super) fn inspect(
    engine: &Engine,
    container: &str,
    retry_interval: Option<Duration>,
) -> Future<Container> {
    let operation = Operation::new();
    let inspect =
        Inspect { engine: engine.clone(), container: container.to_owned(), retry_interval };
    attempt(&operation, Arc::new(inspect));
    operation.future()
}

#[doc(alias = "Docker::_inspect")]
fn attempt(operation: &Arc<Operation<Container>>, inspect: Arc<Inspect>) {
    let (engine, name) = (inspect.engine.clone(), inspect.container.clone());
    operation.request(
        || engine.api.inspect_container(&name),
        move |operation, answer| answered(operation, inspect, answer),
    );
}

#[doc(alias = "Docker::__inspect")]
#[doc(alias = "Docker::___inspect")]
fn answered(
    operation: &Arc<Operation<Container>>,
    inspect: Arc<Inspect>,
    answer: Result<Container, ApiError>,
) {
    let retry_interval = inspect.retry_interval;
    match (answer, retry_interval) {
        (Ok(container), None) => operation.set(container),
        (Ok(container), Some(_)) if container.started => operation.set(container),
        // differs: upstream gives up on an answer that it cannot parse, even when told to retry;
        // here such an answer is one more failure, because a cut-off answer looks the same.
        (_, Some(interval)) => operation.after(interval, |operation| attempt(operation, inspect)),
        (Err(error), None) => operation.fail(format!(
            "Failed to inspect container '{}': {}",
            inspect.container,
            as_client(&error)
        )),
    }
}
