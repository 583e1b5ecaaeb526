//! `drydock`: the simulator and the live containerizer on the command line.
//!
//! Exit codes: 0 nothing found, or the task finished; 1 a violation, or the task failed; 2 bad
//! usage or input, with one line that names the file, the field and what was expected.

mod docker_sim;
mod error;
mod run;
mod sim;

use clap::{Parser, Subcommand};
use containerizer::fetcher::MESOS_FETCHER;
use containerizer::logger::logrotate::rotate::NAME as LOGROTATE_LOGGER;
use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

/// A schedule of the simulator is many small things that live short: with the system's allocator a
/// third of its instructions were `malloc` and `free`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The Mesos agent's Docker containerizer in Rust: run it live, or hunt its races in a
/// deterministic simulator.
#[derive(Parser)]
#[command(name = "drydock", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Explore scenarios in the simulator: no Docker needed
    #[command(subcommand)]
    Sim(sim::Command),
    Run(Box<run::Arguments>),
    DockerSim(docker_sim::Arguments),
    /// The program that brings a task's URIs into its sandbox; the agent starts it
    #[command(hide = true)]
    MesosFetcher(fetcher::Arguments),
    /// The program that writes a container's output to files of limited size; the agent starts it
    #[command(hide = true, disable_help_flag = true)]
    MesosLogrotateLogger {
        /// As upstream's program takes them; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Under the name of one of Mesos's programs this is that program.
fn arguments() -> Arguments {
    let mut words: Vec<_> = std::env::args_os().collect();
    let own = words.first().and_then(|path| Path::new(path).file_name());
    let program =
        [MESOS_FETCHER, LOGROTATE_LOGGER].into_iter().find(|name| own == Some(OsStr::new(name)));
    if let Some(name) = program {
        words.insert(1, name.into());
    }
    Arguments::parse_from(words)
}

fn main() -> ExitCode {
    let arguments = arguments();
    let result = match arguments.command {
        Command::Sim(command) => sim::main(command),
        Command::Run(arguments) => run::main(&arguments),
        Command::DockerSim(arguments) => docker_sim::main(&arguments),
        Command::MesosFetcher(arguments) => Ok(fetcher::main(&arguments)),
        Command::MesosLogrotateLogger { arguments } => Ok(logger::main(&arguments)),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("drydock: {error}");
            ExitCode::from(2)
        }
    }
}
