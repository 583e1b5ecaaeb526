//! Rotating without logrotate, as logrotate does it.

use crate::machine::shell;
use containerizer::logger::logrotate::rotate::Options;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Renames a log that is larger than `size` bytes to its first successor, after each of those has
/// become the next one; the last one goes.
///
/// # Errors
///
/// Says which file or script stood in the way; what was done before stays done.
pub(crate) fn rotate(log: &Path, size: u64, options: &Options) -> Result<(), String> {
    match fs::metadata(log) {
        Ok(metadata) if metadata.len() > size => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("Failed to stat '{}': {error}", log.display())),
    }
    if let Some(script) = &options.prerotate {
        shell(script).map_err(|error| format!("prerotate: {error}"))?;
    }
    let oldest = if options.rotate == 0 { log.to_owned() } else { numbered(log, options.rotate) };
    match fs::remove_file(&oldest) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(format!("Failed to remove '{}': {error}", oldest.display()));
        }
        _ => {}
    }
    for number in (1..options.rotate).rev() {
        rename(&numbered(log, number), &numbered(log, number + 1))?;
    }
    if options.rotate > 0 {
        rename(log, &numbered(log, 1))?;
    }
    match &options.postrotate {
        Some(script) => shell(script).map_err(|error| format!("postrotate: {error}")),
        None => Ok(()),
    }
}

fn numbered(log: &Path, number: u32) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn rename(from: &Path, to: &Path) -> Result<(), String> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("Failed to rename '{}': {error}", from.display()))
        }
        _ => Ok(()),
    }
}
