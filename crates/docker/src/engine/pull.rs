//! `Docker::pull` of `src/docker/docker.cpp`: inspect, pull if need be, inspect again.

use super::operation::Operation;
use super::{Engine, as_client};
use crate::{ApiError, ErrorKind, Image};
use process::Future;
use std::path::Path;
use std::sync::Arc;

pub(super) fn pull(engine: &Engine, _directory: &Path, image: &str, force: bool) -> Future<Image> {
    let operation = Operation::new();
    let engine = engine.clone();
    // Without a tag the daemon would fetch every tag of the repository. A registry's port is no
    // tag: only what stands behind the last slash counts.
    let last = image.rsplit('/').next().unwrap_or(image);
    let tagged = if last.contains(':') { image.to_owned() } else { format!("{image}:latest") };
    if force {
        let named = image.to_owned();
        fetch(&operation, engine, named, tagged);
    } else {
        let (api, wanted) = (Arc::clone(&engine.api), tagged.clone());
        operation.request(
            || api.inspect_image(&wanted),
            move |operation, answer| match answer {
                Ok(image) => operation.set(image),
                Err(error) if error.kind == ErrorKind::Malformed => {
                    operation.fail(format!("Unable to create image: {error}"));
                }
                // Whatever the reason: if the image is there after all, the pull is short.
                Err(_) => fetch(operation, engine, tagged.clone(), tagged),
            },
        );
    }
    operation.future()
}

/// `named` is what the pull is of in messages; `tagged` the same with a tag.
#[doc(alias = "Docker::__pull")]
fn fetch(operation: &Arc<Operation<Image>>, engine: Engine, named: String, tagged: String) {
    let (api, wanted) = (Arc::clone(&engine.api), tagged.clone());
    let progress = engine.progress.clone();
    operation.request(
        || api.pull_image(&wanted, progress),
        move |operation, answer| match answer {
            Ok(_) => inspect_pulled(operation, &engine, tagged),
            Err(error) => operation.fail(engine.failure(&format!("pull {named}"), &error)),
        },
    );
}

// differs: upstream starts the whole operation over, which never ends when the image vanishes as
// often as it is pulled.
#[doc(alias = "Docker::___pull")]
#[doc(alias = "Docker::____pull")]
fn inspect_pulled(operation: &Arc<Operation<Image>>, engine: &Engine, tagged: String) {
    let wanted = tagged.clone();
    operation.request(
        || engine.api.inspect_image(&wanted),
        move |operation, answer: Result<Image, ApiError>| match answer {
            Ok(image) => operation.set(image),
            Err(error) if error.kind == ErrorKind::Malformed => {
                operation.fail(format!("Unable to create image: {error}"));
            }
            Err(error) => {
                operation.fail(format!("Failed to inspect image '{tagged}': {}", as_client(&error)))
            }
        },
    );
}
