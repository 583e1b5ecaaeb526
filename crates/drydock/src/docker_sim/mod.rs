//! `drydock docker-sim`: the simulated Docker daemon as a server for any Docker client.
//!
//! ```text
//!  client ─▶ listen ─▶ server ─▶ route: which Request? ─▶ bridge ─▶ │ world: one thread
//!                        │                                          │ Daemon, SimHost, clock
//!  client ◀─ respond, or takeover (attach, exec) ◀────── bridge ◀── │ pace: when what happens
//!                        └─ admin: /_drydock
//! ```
//!
//! The world has one thread, this program's first; connections are tasks of a runtime with threads
//! of its own. What the daemon does is `sim::environment::daemon`'s; here is only HTTP.

mod address;
mod admin;
mod arguments;
mod bridge;
mod host_files;
mod listen;
mod log;
mod pace;
mod respond;
mod route;
mod scenario;
mod server;
mod stream;
mod takeover;
mod world;

pub use arguments::Arguments;

use crate::error::UsageError;
use address::Address;
use host_files::Shown;
use listen::Listener;
use log::Style;
use pace::Pace;
use scenario::Scenario;
use server::Server;
use sim::environment::daemon::Refusal;
use sim::environment::daemon::rules::{self, Rule};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use world::World;

/// Threads for connections.
const THREADS: usize = 2;

/// Serves until it is told to end. Exit code 0.
pub fn main(arguments: &Arguments) -> Result<ExitCode, UsageError> {
    let asked: Address =
        arguments.listen.parse().map_err(|error| UsageError::new(format!("--listen: {error}")))?;
    let pace = match arguments.virtual_time {
        true => Pace::Virtual,
        false => {
            let speed = pace::speed(&arguments.speed);
            Pace::Speed(speed.map_err(|error| UsageError::new(format!("--speed: {error}")))?)
        }
    };
    let scenario = match &arguments.scenario {
        Some(path) => {
            Scenario::load(path).map_err(|error| UsageError::new(format!("--scenario: {error}")))?
        }
        None => Scenario::built_in(),
    };
    let rules = faults(&scenario, &arguments.fault)?;
    let shown = Shown::new(&arguments.host_files);
    let shown = shown.map_err(|error| UsageError::new(format!("--host-files: {error}")))?;
    let style = Style::new(arguments.json, arguments.verbose);
    let listener =
        Listener::bind(&asked).map_err(|error| UsageError::new(format!("--listen: {error}")))?;

    let (handle, commands) = bridge::channel();
    let mut settings = scenario.settings(since_epoch());
    settings.host_files = Some(Arc::new(shown));
    let mut world = World::new(settings, pace);
    scenario.furnish(&world.daemon);
    world.daemon.set_rules(rules);

    let failed = |what: &str, error: std::io::Error| UsageError::new(format!("{what}: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|error| failed("cannot start threads", error))?;
    let within = runtime.enter();
    let acceptor = listener.acceptor().map_err(|error| failed("cannot listen", error))?;
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut signals = signal(kind).map_err(|error| failed("cannot catch signals", error))?;
        let handle = handle.clone();
        runtime.spawn(async move {
            signals.recv().await;
            handle.run(World::end);
        });
    }
    let help = format!("{}\nFaults\n{}", admin::HELP, rules::HELP);
    let server = Server { world: handle, style, logins: scenario.logins(), help };
    runtime.spawn(server::accept(Arc::new(server), acceptor));
    drop(within);
    style.ready(&listener.address(&asked));

    world.run(&commands);
    drop(listener);
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

/// The faults of the scenario and of the command line, which go first.
fn faults(scenario: &Scenario, given: &[String]) -> Result<Vec<Rule>, UsageError> {
    let mut rules = given
        .iter()
        .map(|text| text.parse().map_err(|error| UsageError::new(format!("--fault: {error}"))))
        .collect::<Result<Vec<Rule>, _>>()?;
    rules.extend(scenario.rules().map_err(UsageError::new)?);
    Ok(rules)
}

/// What time it is: clients compare the daemon's times with their own clock's.
#[allow(clippy::disallowed_methods, reason = "the port of the simulated daemon to the wall clock")]
fn since_epoch() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// What an Engine can do and the simulated daemon cannot.
fn missing(what: &str) -> Refusal {
    Refusal::new(501, format!("the simulated daemon does not simulate {what}"))
}

/// What an Engine says that is in no swarm.
fn no_swarm() -> Refusal {
    let message = "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm \
                   join\" to connect this node to swarm and try again.";
    Refusal::new(503, message)
}
