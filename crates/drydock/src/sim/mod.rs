//! `drydock sim`: list, run, replay.

mod arguments;
mod list;
mod output;
mod replay;
mod run;

pub use arguments::duration;

use crate::error::UsageError;
use clap::Subcommand;
use std::process::ExitCode;

/// The subcommands.
#[derive(Subcommand)]
pub enum Command {
    /// Show scenarios, strategies, faults, oracles and known findings
    List(list::Arguments),
    /// Run a campaign: many schedules of one scenario
    Run(run::Arguments),
    /// Run a trace again, event for event, and draw it
    Replay(replay::Arguments),
}

/// Runs a subcommand.
pub fn main(command: Command) -> Result<ExitCode, UsageError> {
    match command {
        Command::List(arguments) => list::main(&arguments),
        Command::Run(arguments) => run::main(&arguments),
        Command::Replay(arguments) => replay::main(&arguments),
    }
}
