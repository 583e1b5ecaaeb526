//! `drydock`: the simulator and the live containerizer on the command line.
//!
//! Exit codes: 0 nothing found, or the task finished; 1 a violation, or the task failed; 2 bad
//! usage or input, with one line that names the file, the field and what was expected.

mod error;
mod sim;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

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
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Sim(command) => sim::main(command),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("drydock: {error}");
            ExitCode::from(2)
        }
    }
}
