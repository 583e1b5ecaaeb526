//! The log of a run: everything in `agent.log`, warnings on stderr when they are asked for.

use slog::{Drain, Duplicate, Level, LevelFilter, Logger, o};
use slog_term::{FullFormat, PlainSyncDecorator};
use std::fs::OpenOptions;
use std::path::Path;

/// A logger that appends to this file, line by line, without a thread of its own: nothing is lost
/// when the program ends.
pub fn open(path: &Path, verbose: bool) -> std::io::Result<Logger> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    // A full disk must not end the program.
    let file = FullFormat::new(PlainSyncDecorator::new(file)).build().ignore_res();
    if !verbose {
        return Ok(Logger::root(file, o!("run" => std::process::id())));
    }
    let stderr = FullFormat::new(PlainSyncDecorator::new(std::io::stderr())).build();
    let warnings = LevelFilter::new(stderr.ignore_res(), Level::Warning);
    Ok(Logger::root(Duplicate(file, warnings).ignore_res(), o!("run" => std::process::id())))
}
