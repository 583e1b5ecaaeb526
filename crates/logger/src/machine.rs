//! What the program asks of its machine.

use nix::unistd::{SysconfVar, User, initgroups, setgid, setuid, sysconf};
use std::ffi::CString;
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

/// Becomes this user, with its groups.
#[doc(alias = "os::su")]
pub(crate) fn su(name: &str) -> Result<(), String> {
    let user = User::from_name(name)
        .map_err(|errno| format!("Failed to look up user '{name}': {errno}"))?
        .ok_or_else(|| format!("Failed to look up user '{name}': no such user"))?;
    if nix::unistd::geteuid() == user.uid && nix::unistd::getegid() == user.gid {
        return Ok(());
    }
    let c_name = CString::new(name).map_err(|_| format!("User '{name}' has a zero byte"))?;
    setgid(user.gid).map_err(|errno| format!("Failed to set gid: {errno}"))?;
    initgroups(&c_name, user.gid)
        .map_err(|errno| format!("Failed to set supplementary groups: {errno}"))?;
    setuid(user.uid).map_err(|errno| format!("Failed to setuid: {errno}"))
}
