//! What the program asks of its machine.

use nix::unistd::{SysconfVar, sysconf};
use std::process::{Command, Stdio};

/// The size of a page of memory, in bytes.
#[doc(alias = "os::pagesize")]
pub fn page_size() -> u64 {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    // Linux always knows; this is the smallest one that it has.
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}

/// Whether a shell can run this `logrotate`: asks it for help.
///
/// # Errors
///
/// Says how that ended.
pub fn runs(logrotate: &str) -> Result<(), String> {
    shell(&format!("{logrotate} --help > /dev/null"))
}

/// Mirrors `os::shell`. Its standard input is not ours, which is the log.
#[doc(alias = "os::shell")]
pub(crate) fn shell(command: &str) -> Result<(), String> {
    let output = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("Failed to run '{command}': {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("Failed to execute '{command}': {}; {}", output.status, said.trim()))
}
