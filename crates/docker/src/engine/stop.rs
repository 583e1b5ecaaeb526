//! `Docker::stop`, `Docker::kill` and `Docker::rm` of `src/docker/docker.cpp`.

use super::Engine;
use super::operation::Operation;
use crate::ApiError;
use crate::status::{Call, as_command_line};
use process::{Future, Nothing};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn stop(
    engine: &Engine,
    container: &str,
    timeout: Duration,
    remove: bool,
) -> Future<Nothing> {
    let operation = Operation::new();
    let (engine, container) = (engine.clone(), container.to_owned());
    let timeout_secs = timeout.as_secs();
    operation.request(
        {
            let (engine, container) = (engine.clone(), container.clone());
            move || engine.api.stop_container(&container, timeout_secs)
        },
        move |operation, answer| {
            let answer = as_command_line(Call::Stop, answer, Nothing);
            if remove {
                remove_stopped(operation, engine, container, answer.is_err());
            } else {
                let command = format!("stop -t {timeout_secs} {container}");
                finish(operation, &engine, &command, answer);
            }
        },
    );
    operation.future()
}

/// By force only if the stop failed. Whether it works decides nothing: some daemons leak a mount
/// that keeps a container from being removed (MESOS-7777).
#[doc(alias = "Docker::_stop")]
fn remove_stopped(
    operation: &Arc<Operation<Nothing>>,
    engine: Engine,
    container: String,
    force: bool,
) {
    operation.request(
        || engine.api.remove_container(&container, force, true),
        |operation, _| operation.set(Nothing),
    );
}

pub(super) fn kill(engine: &Engine, container: &str, signal: i32) -> Future<Nothing> {
    let operation = Operation::new();
    let command = format!("kill --signal={signal} {container}");
    let api = Arc::clone(&engine.api);
    let engine = engine.clone();
    operation.request(
        || api.kill_container(container, signal),
        move |operation, answer| {
            let answer = as_command_line(Call::Kill, answer, Nothing);
            finish(operation, &engine, &command, answer);
        },
    );
    operation.future()
}

pub(super) fn rm(engine: &Engine, container: &str, force: bool) -> Future<Nothing> {
    let operation = Operation::new();
    let command = format!("rm {}-v {container}", if force { "-f " } else { "" });
    let api = Arc::clone(&engine.api);
    let engine = engine.clone();
    operation.request(
        || api.remove_container(container, force, true),
        move |operation, answer| {
            let call = if force { Call::RemoveForced } else { Call::Remove };
            finish(operation, &engine, &command, as_command_line(call, answer, Nothing));
        },
    );
    operation.future()
}

#[doc(alias = "checkError")]
fn finish(
    operation: &Arc<Operation<Nothing>>,
    engine: &Engine,
    command: &str,
    answer: Result<Nothing, ApiError>,
) {
    match answer {
        Ok(Nothing) => operation.set(Nothing),
        Err(error) => operation.fail(engine.failure(command, &error)),
    }
}
