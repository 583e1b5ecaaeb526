//! `Docker::pull` of `src/docker/docker.cpp`: inspect, pull if need be, inspect again.

use super::listener::Followed;
use super::operation::Operation;
use super::{Engine, as_client};
use crate::{ApiError, Credentials, ErrorKind, Image};
use process::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Pull {
    engine: Engine,
    directory: PathBuf,
    /// What the pull is of in messages.
    named: String,
    /// The same with a tag.
    tagged: String,
}

pub(super) fn pull(engine: &Engine, directory: &Path, image: &str, force: bool) -> Future<Image> {
    let operation = Operation::new();
    let (engine, directory) = (engine.clone(), directory.to_owned());
    // Without a tag the daemon would fetch every tag of the repository. A registry's port is no
    // tag: only what stands behind the last slash counts.
    let last = image.rsplit('/').next().unwrap_or(image);
    let tagged = if last.contains(':') { image.to_owned() } else { format!("{image}:latest") };
    let named = if force { image.to_owned() } else { tagged.clone() };
    let pull = Pull { engine, directory, named, tagged };
    if force {
        find_credentials(&operation, pull);
    } else {
        let (api, wanted) = (Arc::clone(&pull.engine.api), pull.tagged.clone());
        operation.request(
            || api.inspect_image(&wanted),
            move |operation, answer| match answer {
                Ok(image) => operation.set(image),
                Err(error) if error.kind == ErrorKind::Malformed => {
                    operation.fail(format!("Unable to create image: {error}"));
                }
                // Whatever the reason: if the image is there after all, the pull is short.
                Err(_) => find_credentials(operation, pull),
            },
        );
    }
    operation.future()
}

/// Where upstream prepares the home directory of the command line.
fn find_credentials(operation: &Arc<Operation<Image>>, pull: Pull) {
    let Some(keychain) = pull.engine.keychain.clone() else {
        return fetch(operation, pull, None);
    };
    if operation.is_over() {
        return;
    }
    let found = keychain.credentials(&pull.directory, &pull.tagged);
    operation.watch(&found, move |operation, found| match (found.get(), found.failure()) {
        (Some(credentials), _) => fetch(operation, pull, credentials.clone()),
        (None, problem) => operation.fail(format!(
            "Failed to find credentials for the pull of '{}': {}",
            pull.named,
            problem.unwrap_or("discarded")
        )),
    });
}

#[doc(alias = "Docker::__pull")]
fn fetch(operation: &Arc<Operation<Image>>, pull: Pull, credentials: Option<Credentials>) {
    let Pull { engine, named, tagged, .. } = pull;
    let (api, wanted) = (Arc::clone(&engine.api), tagged.clone());
    let followed = Followed::new(&engine, &tagged);
    operation.request(
        || {
            let progress = followed.as_ref().map(Followed::progress);
            let answer = api.pull_image_as(&wanted, credentials.as_ref(), progress);
            if let Some(followed) = followed {
                followed.watch(&answer);
            }
            answer
        },
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
