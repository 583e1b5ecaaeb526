//! `Docker::run` of `src/docker/docker.cpp`, or rather what `docker run` does on its behalf:
//! create, attach, wait, start, and the exit code.

use super::operation::Operation;
use super::{Engine, as_client};
use crate::status::{Call, as_command_line};
use crate::{ApiError, Attachment, CreateBody, CreateRequest, Output, RunOptions, WaitCondition};
use parking_lot::Mutex;
use process::{Future, Nothing};
use std::sync::Arc;
use std::time::Duration;

/// Exit code of `docker run` when the daemon refused or could not be asked.
const DAEMON_ERROR: i64 = 125;
/// Exit code when the command is there but cannot be invoked.
const CANNOT_INVOKE: i64 = 126;
/// Exit code when there is no such command.
const NOT_FOUND: i64 = 127;

/// How long the output may go on after the container has ended.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

type Status = Option<i32>;

struct Run {
    engine: Engine,
    name: String,
    stdout: Output,
    stderr: Output,
    /// Whether its standard input is open, and waits for a client.
    stdin: bool,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    attachment: Option<Attachment>,
    started: bool,
    exit: Option<Result<i64, ApiError>>,
}

pub(super) fn run(
    engine: &Engine,
    options: &RunOptions,
    stdout: Output,
    stderr: Output,
) -> Future<Status> {
    let operation = Operation::new();
    let engine = engine.clone();
    let CreateRequest { name, body, requirements } = match options.create_request() {
        Ok(request) => request,
        Err(problem) => {
            operation.fail(problem.to_string());
            return operation.future();
        }
    };
    let run = Run {
        name: name.unwrap_or_default(),
        // Of a stream that nobody attaches to nothing is seen.
        stdout: if body.attach_stdout { stdout } else { Output::Null },
        stderr: if body.attach_stderr { stderr } else { Output::Null },
        stdin: body.attach_stdin && body.open_stdin,
        engine,
        progress: Mutex::default(),
    };
    let strictest = requirements.into_iter().max_by(|a, b| a.minimum.cmp(&b.minimum));
    let Some(strictest) = strictest else {
        create(&operation, run, body);
        return operation.future();
    };
    let valid = run.engine.validate_version(strictest.minimum.clone());
    operation.watch(&valid, move |operation, valid| match valid.failure() {
        None if valid.is_ready() => create(operation, run, body),
        None => operation.discard(),
        Some(problem) => operation.fail(format!("{strictest}: {problem}")),
    });
    operation.future()
}

// differs: `docker run` pulls an image that is missing; here images are pulled by the
// containerizer alone, where a pull has a limit and can be cancelled.
fn create(operation: &Arc<Operation<Status>>, mut run: Run, body: CreateBody) {
    let (api, wanted) = (Arc::clone(&run.engine.api), run.name.clone());
    operation.request(
        || api.create_container(&wanted, &body),
        move |operation, created| match created {
            Ok(id) => {
                if run.name.is_empty() {
                    run.name = id;
                }
                attach(operation, Arc::new(run));
            }
            Err(error) => refused(operation, &run, &error, "\nSee 'docker run --help'."),
        },
    );
}

fn attach(operation: &Arc<Operation<Status>>, run: Arc<Run>) {
    if operation.is_over() {
        return;
    }
    let answer = run.engine.api.attach_container(&run.name, &run.stdout, &run.stderr);
    operation.request(
        || answer.clone(),
        move |operation, attached| match attached {
            Ok(attachment) => {
                run.progress.lock().attachment = Some(attachment);
                close_stdin(operation, run);
            }
            // differs: the command line ends with 1 here, which is a container's exit code, too.
            Err(error) => refused(operation, &run, &error, ""),
        },
    );
    // Attached, but too late: nobody else would hang up. Runs behind the callback above, so what
    // that one has seen as not over is its own affair.
    let operation = Arc::clone(operation);
    answer.on_any(move |answer| {
        if let (true, Some(Ok(attachment))) = (operation.is_over(), answer.get()) {
            attachment.finished.discard();
        }
    });
}

/// The client has nothing to say: what it attached to ends before the container begins.
fn close_stdin(operation: &Arc<Operation<Status>>, run: Arc<Run>) {
    if !run.stdin {
        return start(operation, run);
    }
    let closing = Arc::clone(&run);
    operation.request(
        || run.engine.api.close_stdin(&run.name),
        move |operation, closed| match closed {
            Ok(Nothing) => start(operation, closing),
            Err(error) => refused(operation, &closing, &error, ""),
        },
    );
}

/// The wait is asked for before the start, or it could miss the exit of a short container.
// differs: with `--rm` the command line waits for the removal of the container, not for its exit.
fn start(operation: &Arc<Operation<Status>>, run: Arc<Run>) {
    let (waiting, starting) = (Arc::clone(&run), Arc::clone(&run));
    operation.request(
        || run.engine.api.wait_container(&run.name, WaitCondition::NextExit),
        move |operation, exit| {
            waiting.progress.lock().exit = Some(exit);
            proceed(operation, &waiting);
        },
    );
    operation.request(
        || run.engine.api.start_container(&run.name),
        move |operation, answer| match as_command_line(Call::Start, answer, Nothing) {
            Ok(Nothing) => {
                starting.progress.lock().started = true;
                proceed(operation, &starting);
            }
            // The container stays where it is, not started: there is no `--rm` in upstream.
            Err(error) => refused(operation, &starting, &error, ""),
        },
    );
    // A discard, or the end by one of the requests above, also ends the attachment.
    let attachment = run.progress.lock().attachment.clone();
    if let Some(attachment) = attachment {
        let run = Arc::clone(&run);
        operation.watch(&attachment.finished, move |operation, _| {
            run.progress.lock().attachment = None;
            proceed(operation, &run);
        });
    }
}

/// Called after each event: ends the run once start, wait and output are all done.
fn proceed(operation: &Arc<Operation<Status>>, run: &Arc<Run>) {
    let (exit, attached) = {
        let progress = run.progress.lock();
        match (&progress.exit, progress.started) {
            (Some(exit), true) => (exit.clone(), progress.attachment.is_some()),
            _ => return,
        }
    };
    match exit {
        Err(error) => {
            let text = format!("error waiting for container: {}\n", as_client(&error));
            run.engine.api.write_output(&run.stderr, &text);
            operation.set(wait_status(DAEMON_ERROR));
        }
        Ok(code) if !attached => operation.set(wait_status(code)),
        // differs: the command line waits for the end of the output without a limit, and with
        // some daemons it never comes.
        Ok(code) => operation.after(DRAIN_TIMEOUT, move |operation| {
            operation.set(wait_status(code));
        }),
    }
}

/// Ends the run as the command line does when the daemon said no: with the daemon's words on
/// standard error and a code that tells why.
fn refused(operation: &Arc<Operation<Status>>, run: &Run, error: &ApiError, hint: &str) {
    let text = as_client(error);
    let text = format!("docker: {}.{hint}\n", text.strip_suffix('.').unwrap_or(&text));
    run.engine.api.write_output(&run.stderr, &text);
    operation.set(wait_status(exit_code(error)));
}

/// What `docker run` reads from the daemon's message about a failed create or start.
fn exit_code(error: &ApiError) -> i64 {
    let says = |texts: &[&str]| {
        error.code().is_some() && texts.iter().any(|text| error.message.contains(text))
    };
    if says(&[
        "executable file not found",
        "no such file or directory",
        "system cannot find the file",
    ]) {
        NOT_FOUND
    } else if says(&["permission denied", "is a directory"]) {
        CANNOT_INVOKE
    } else {
        DAEMON_ERROR
    }
}

/// As `wait` shows an exit with this code; of a code only the last eight bits reach anybody.
fn wait_status(code: i64) -> Status {
    i32::try_from(code & 0xff).ok().map(|code| code << 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn codes_follow_the_command_line() {
        for (message, code) in [
            ("Conflict. The container name \"/x\" is already in use", 125),
            (
                "unable to start container process: exec: \"/no/such/cmd\": stat /no/such/cmd: no such file or directory: unknown",
                127,
            ),
            ("exec: \"nope\": executable file not found in $PATH: unknown", 127),
            ("exec: \"/etc/passwd\": permission denied: unknown", 126),
            ("exec: \"/etc\": is a directory: unknown", 126),
            ("", 125),
        ] {
            assert_eq!(exit_code(&ApiError::status(500, message)), code, "{message}");
        }
        let kind = ErrorKind::Unreachable;
        let message = "no such file or directory".to_owned();
        assert_eq!(exit_code(&ApiError { kind, message }), 125);
        assert_eq!(wait_status(137), Some(137 << 8));
        assert_eq!(wait_status(0), Some(0));
        assert_eq!(wait_status(256), Some(0));
    }
}
