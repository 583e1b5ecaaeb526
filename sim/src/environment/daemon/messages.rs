//! The daemon's error messages, as the Engine words them.

use docker::{ApiError, ErrorKind};

pub(super) fn no_such_container(name: &str) -> ApiError {
    ApiError::status(404, format!("No such container: {name}"))
}

pub(super) fn no_such_image(reference: &str) -> ApiError {
    ApiError::status(404, format!("No such image: {reference}"))
}

pub(super) fn name_conflict(name: &str, id: &str) -> ApiError {
    ApiError::status(
        409,
        format!(
            "Conflict. The container name \"/{name}\" is already in use by container \"{id}\". \
             You have to remove (or rename) that container to be able to reuse that name."
        ),
    )
}

pub(super) fn kill_no_such_container(name: &str) -> ApiError {
    ApiError::status(404, format!("Cannot kill container: {name}: No such container: {name}"))
}

pub(super) fn kill_not_running(name: &str, id: &str) -> ApiError {
    let message = format!("Cannot kill container: {name}: Container {id} is not running");
    ApiError::status(409, message)
}

pub(super) fn marked_for_removal() -> ApiError {
    let message = "container is marked for removal and cannot be started";
    ApiError::status(409, message)
}

pub(super) fn removal_in_progress(name: &str) -> ApiError {
    ApiError::status(409, format!("removal of container {name} is already in progress"))
}

pub(super) fn remove_running(id: &str) -> ApiError {
    ApiError::status(
        409,
        format!(
            "You cannot remove a running container {id}. Stop the container before attempting \
             removal or force remove"
        ),
    )
}

pub(super) fn start_refused() -> ApiError {
    let message = "failed to create shim: OCI runtime create failed: container_linux.go:380: \
                   starting container process caused: exec format error: unknown";
    ApiError::status(400, message)
}

pub(super) fn server_error(what: &str, subject: &str) -> ApiError {
    ApiError::status(500, format!("cannot {what} {subject}: context deadline exceeded"))
}

pub(super) fn device_busy(name: &str) -> ApiError {
    let message = format!(
        "driver \"overlay2\" failed to remove root filesystem for {name}: unlinkat merged: \
         device or resource busy"
    );
    ApiError::status(500, message)
}

pub(super) fn manifest_unknown(reference: &str) -> ApiError {
    let message = format!("manifest for {reference} not found: manifest unknown: manifest unknown");
    ApiError::status(404, message)
}

pub(super) fn access_denied(reference: &str) -> ApiError {
    let repository = reference.rsplit_once(':').map_or(reference, |(repository, _)| repository);
    let message = format!(
        "pull access denied for {repository}, repository does not exist or may require 'docker \
         login': denied: requested access to the resource is denied"
    );
    ApiError::status(404, message)
}

pub(super) fn cut_short() -> ApiError {
    ApiError { kind: ErrorKind::Stream, message: "unexpected EOF".to_owned() }
}

pub(super) fn no_space_left() -> ApiError {
    let message = "failed to register layer: Error processing tar file(exit status 1): write \
                   /layer: no space left on device";
    ApiError { kind: ErrorKind::Stream, message: message.to_owned() }
}

pub(super) fn unreachable() -> ApiError {
    let message = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the \
                   docker daemon running?";
    ApiError { kind: ErrorKind::Unreachable, message: message.to_owned() }
}
