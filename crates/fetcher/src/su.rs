//! Becoming the user on whose behalf something is fetched.

use nix::errno::Errno;
use nix::unistd::{Uid, User, initgroups, setgid, setuid};
use std::ffi::CString;

/// A user's entry.
pub fn user(name: &str) -> Result<User, String> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(format!("there is no user '{name}'")),
        Err(error) => Err(format!("user '{name}': {error}")),
    }
}

/// Gives up the rights of whoever started this program for those of a user: its group, its other
/// groups, itself. There is no way back.
///
/// Mirrors `os::su` in `stout/os/posix/su.hpp`.
///
/// # Errors
///
/// For an unknown user, and for another one than one's own when one is not root.
#[doc(alias = "os::su")]
pub fn su(name: &str) -> Result<(), String> {
    let user = user(name)?;
    setgid(user.gid).map_err(|error| format!("Failed to set gid: {error}"))?;
    let text = CString::new(name).map_err(|_| format!("user {name:?}: no name"))?;
    match initgroups(&text, user.gid) {
        // Even what changes nothing takes root here, unlike in the two beside.
        Ok(()) | Err(Errno::EPERM) => {}
        Err(error) => return Err(format!("Failed to set supplementary groups: {error}")),
    }
    setuid(user.uid).map_err(|error| format!("Failed to setuid: {error}"))?;
    // differs: upstream believes `setuid`. Fetching with root's rights for somebody else is what
    // must not happen.
    if Uid::effective() != user.uid {
        return Err("Failed to setuid: the rights are still those of another".to_owned());
    }
    Ok(())
}
