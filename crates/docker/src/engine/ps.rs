//! `Docker::ps` of `src/docker/docker.cpp`: a list, then an inspect of each container on it.

use super::Engine;
use super::operation::Operation;
use crate::{Container, ContainerSummary, Docker};
use process::{Future, collect};
use std::sync::Arc;

/// How many inspects run at once; `DOCKER_PS_MAX_INSPECT_CALLS` in `src/slave/constants.hpp`.
const MAX_INSPECT_CALLS: usize = 100;

struct Ps {
    engine: Engine,
    /// Names still to be inspected, the next one last.
    names: Vec<String>,
    containers: Vec<Container>,
}

pub(super) fn ps(engine: &Engine, all: bool, prefix: Option<&str>) -> Future<Vec<Container>> {
    let operation = Operation::new();
    let prefix = prefix.unwrap_or_default().to_owned();
    let api = Arc::clone(&engine.api);
    let engine = engine.clone();
    operation.request(
        || api.list_containers(all),
        move |operation, rows| match rows {
            Ok(rows) => {
                let names = rows.iter().map(name).filter(|name| name.starts_with(&prefix));
                let names = names.map(str::to_owned).collect();
                inspect_batches(operation, Ps { engine, names, containers: Vec::new() });
            }
            Err(error) => {
                operation.fail(engine.failure(if all { "ps -a" } else { "ps" }, &error));
            }
        },
    );
    operation.future()
}

/// The container's own name, as `docker ps` shows it. Names with a second `/` are links of other
/// containers to this one.
// differs: upstream takes the last word of the line, which for a container with links is a list
// of names, and cannot be inspected.
fn name(row: &ContainerSummary) -> &str {
    let own = row.names.iter().map(|name| name.strip_prefix('/').unwrap_or(name));
    own.into_iter().find(|name| !name.is_empty() && !name.contains('/')).unwrap_or(&row.id)
}

/// From the end of the list, as upstream: the oldest container comes first.
#[doc(alias = "Docker::inspectBatches")]
#[doc(alias = "Docker::createInspectBatch")]
fn inspect_batches(operation: &Arc<Operation<Vec<Container>>>, mut ps: Ps) {
    if ps.names.is_empty() {
        operation.set(ps.containers);
        return;
    }
    let batch = ps.names.split_off(ps.names.len().saturating_sub(MAX_INSPECT_CALLS));
    let batch: Vec<_> = batch.iter().rev().map(|name| ps.engine.inspect(name, None)).collect();
    operation.watch(&collect(batch), |operation, batch| match (batch.get(), batch.failure()) {
        (Some(containers), _) => {
            ps.containers.extend_from_slice(containers);
            inspect_batches(operation, ps);
        }
        (None, Some(message)) => operation.fail(format!("Docker ps batch failed {message}")),
        (None, None) => operation.fail("Docker ps batch discarded"),
    });
}
