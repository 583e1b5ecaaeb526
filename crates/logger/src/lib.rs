//! `mesos-logrotate-logger`: the companion of the logrotate container logger. Reads its standard
//! input until it ends, and writes it to files of limited size.
//!
//! Mirrors `src/slave/container_loggers/logrotate.cpp`: [`main`] is its `main`, `writer` its
//! `LogrotateLoggerProcess`, as a plain loop (there is nothing else to do while it waits).

mod built_in;
mod machine;
mod writer;

pub use machine::{page_size, runs};
pub use writer::LogrotateLogger;

use containerizer::logger::logrotate::Logrotate;
use containerizer::logger::logrotate::rotate::{Flags, NAME, Request};
use std::process::ExitCode;

/// The program; `arguments` without its name. Says on standard error what is wrong.
pub fn main(arguments: &[String]) -> ExitCode {
    let flags = match Flags::parse(arguments, page_size()) {
        Ok(Request::Run(flags)) => *flags,
        Ok(Request::Help) => {
            println!("{}", usage());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{}", usage());
            return ExitCode::FAILURE;
        }
    };
    match run(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: Flags) -> Result<(), String> {
    if let Logrotate::Program(path) = &flags.logrotate {
        runs(path).map_err(|error| format!("Failed to check logrotate: {error}"))?;
    }
    // It outlives the agent that has started it, and does not get its terminal's signals.
    nix::unistd::setsid()
        .map_err(|errno| format!("Failed to put child in a new session: {errno}"))?;
    if let Some(user) = &flags.user {
        process::os::su(user)
            .map_err(|error| format!("Failed to switch user for logrotate process: {error}"))?;
    }
    let mut logger = LogrotateLogger::create(flags)
        .map_err(|error| format!("Failed to create Logrotate process: {error}"))?;
    logger.run(&mut std::io::stdin().lock())
}

fn usage() -> String {
    format!(
        "Usage: {NAME} [options]\n\n\
         This command pipes from STDIN to the given leading log file.\n\
         When the leading log file reaches '--max_size', it is rotated.\n\n  \
         --log_filename=VALUE       Absolute path to the leading log file (required)\n  \
         --max_size=VALUE           Maximum size of a single log file [default: 10MB]\n  \
         --logrotate_options=VALUE  Additional config options to pass into 'logrotate'\n  \
         --logrotate_path=VALUE     The 'logrotate' to use [default: logrotate]\n  \
         --built_in_rotation=true   Rotate without 'logrotate': 'rotate N' and scripts only\n  \
         --user=VALUE               The user this command should run as"
    )
}
