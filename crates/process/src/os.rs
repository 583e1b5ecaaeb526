//! Becoming somebody else: `os::su` of stout, for programs that are started as root.

use nix::errno::Errno;
use nix::unistd::{Uid, User, initgroups, setgid, setuid};
use std::ffi::CString;

/// The entry of the user of this name: ids, home.
///
/// # Errors
///
/// There is none, or the entries cannot be read; the message names the user.
pub fn user(name: &str) -> Result<User, String> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(format!("there is no user '{name}'")),
        Err(error) => Err(format!("user '{name}': {error}")),
    }
}

/// Gives up the rights of whoever started this program for those of a user: its group, its other
/// groups, itself. There is no way back. For programs of one thread, before they do anything else.
///
/// Mirrors `os::su` in `3rdparty/stout/include/stout/os/posix/su.hpp`.
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
    // differs: upstream believes `setuid`. Going on with root's rights for somebody else is what
    // must not happen.
    if Uid::effective() != user.uid {
        return Err("Failed to setuid: the rights are still those of another".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_known_or_named() {
        assert_eq!(user("root").map(|user| user.uid.as_raw()), Ok(0));
        assert_eq!(su("no-such-user").unwrap_err(), "there is no user 'no-such-user'");
    }
}
