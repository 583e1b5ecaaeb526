//! `drydock run`: one task on an agent inside this program.
//!
//! `house` builds agent, containerizer and master; `watch` sees the task through, and `output`
//! says what happened. Everything below is the same code that the simulator runs.

mod arguments;
mod credentials;
mod event;
mod house;
mod log;
mod loggers;
mod master;
mod output;
mod progress;
mod task;
mod watch;

pub use arguments::Arguments;

use crate::error::UsageError;
use docker::{Bollard, ConfigFiles, Engine, Guarded, Limits, Version};
use house::{House, Plan};
use mesos::TaskState;
use output::Output;
use process::Outcome;
use progress::PullBar;
use slog::{Logger, info};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use watch::Watch;

/// Longer than the Engine's client itself waits for an answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Runs a task. Exit code 0: it finished; 1: it did not.
pub fn main(arguments: &Arguments) -> Result<ExitCode, UsageError> {
    let task = task::from_arguments(arguments, &house::agent_id())?;
    let shown = std::io::stderr().is_terminal() && !arguments.json && !arguments.verbose;
    let bar = PullBar::new(shown);
    let keychain = ConfigFiles::new(credentials::own()?, Limits::default());
    let engine = connect(arguments.docker_socket.as_deref())?
        .with_pull_listener(Arc::new(bar.clone()))
        .with_keychain(Arc::new(keychain));
    let (work_dir, log_file, log) = open_work_dir(&arguments.work_dir, arguments.verbose)?;
    info!(log, "Running task '{}'", task.task_id; "docker" => engine.socket().to_owned());

    let container_logger = loggers::Choice::from_arguments(arguments)?;
    let hooks = loggers::hooks(arguments, &log)?;
    let (events, receiver) = mpsc::channel();
    event::watch_process(&events);
    let mut output = Output::new(arguments.json, bar, &task.task_id.value, &log_file);
    let house = House::build(Plan {
        engine,
        container_logger,
        hooks,
        work_dir,
        registration_timeout: arguments.registration_timeout,
        task,
        events,
        log,
    })
    .map_err(UsageError::new)?;
    let watch = Watch::launch(&house, &receiver, &mut output, arguments.kill_after);
    let elapsed = watch.finish(arguments.keep);
    output.finish(elapsed);
    let finished = output.last() == Some(TaskState::TaskFinished);
    Ok(ExitCode::from(u8::from(!finished)))
}

/// Connects to Docker and asks for its version, so that what is wrong is said before anything is
/// done.
fn connect(host: Option<&str>) -> Result<Engine, UsageError> {
    let api = Bollard::connect(host).map_err(|error| {
        UsageError::new(format!("{error} (or use --docker_socket, which goes first)"))
    })?;
    let socket = api.socket().to_owned();
    let api = Guarded::new(Arc::new(api), Limits::default());
    let engine = Engine::create(Arc::new(api), socket.as_str(), Version::MINIMUM);
    match engine.wait(CONNECT_LIMIT) {
        Some(Outcome::Ready(engine)) => Ok(engine),
        Some(Outcome::Failed(problem)) if problem.contains(&socket) => {
            Err(UsageError::new(problem))
        }
        Some(Outcome::Failed(problem)) => Err(UsageError::new(format!("{socket}: {problem}"))),
        Some(Outcome::Discarded | Outcome::Abandoned) | None => {
            Err(UsageError::new(format!("{socket}: Timed out getting docker version")))
        }
    }
}

/// Makes the work directory, if need be, and opens the log in it. Docker wants absolute paths,
/// without a colon.
fn open_work_dir(
    directory: &Path,
    verbose: bool,
) -> Result<(PathBuf, PathBuf, Logger), UsageError> {
    let at = |path: &Path, problem: &dyn std::fmt::Display| {
        UsageError::new(format!("--work_dir: {}: {problem}", path.display()))
    };
    let mountable = |path: PathBuf| match path.to_str() {
        Some(text) if !text.contains(':') => Ok(path),
        Some(_) => Err(at(&path, &"Docker cannot mount a path with a colon")),
        None => Err(at(&path, &"expected a path in UTF-8")),
    };
    let path = std::path::absolute(directory).map_err(|error| at(directory, &error))?;
    let path = mountable(path)?;
    std::fs::create_dir_all(&path).map_err(|error| at(&path, &error))?;
    let path = mountable(path.canonicalize().map_err(|error| at(&path, &error))?)?;
    let file = path.join("agent.log");
    let log = log::open(&file, verbose).map_err(|error| at(&file, &error))?;
    Ok((path, file, log))
}
