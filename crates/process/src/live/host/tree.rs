//! Signalling a process with all its descendants.

use crate::host::OsPid;
use nix::sys::signal::{Signal, kill as signal_one};
use nix::unistd::Pid;
use std::collections::BTreeMap;

/// Signals `pid` and its descendants as `/proc` shows them, parents first.
///
/// Mirrors `os::killtree` in stout, without its stop-and-look-again loop.
pub(super) fn kill(pid: OsPid, signal: i32) -> Result<(), String> {
    let signal = Signal::try_from(signal).map_err(|_| format!("{signal} is no signal"))?;
    // Pid 0, 1 and negative numbers mean something else to kill(2) than "this process".
    if pid <= 1 {
        return Err(format!("{pid} is no process that may be killed"));
    }
    let mut due = vec![pid];
    let children = children();
    let mut result = Err(format!("no process with pid {pid}"));
    while let Some(next) = due.pop() {
        if signal_one(Pid::from_raw(next), signal).is_ok() && next == pid {
            result = Ok(());
        }
        due.extend(children.get(&next).into_iter().flatten());
    }
    result
}

fn children() -> BTreeMap<OsPid, Vec<OsPid>> {
    let mut children: BTreeMap<OsPid, Vec<OsPid>> = BTreeMap::new();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for entry in entries {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(parent) = parent_of(&stat) {
            children.entry(parent).or_default().push(pid);
        }
    }
    children
}

/// The fourth field. The second, the name in parentheses, may hold anything, spaces and
/// parentheses included, so counting starts behind its last parenthesis.
fn parent_of(stat: &str) -> Option<OsPid> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parent_of("7 (a) S 3 7"), Some(3));
        assert_eq!(parent_of("7 (a b) c) S 12 7"), Some(12));
        assert_eq!(parent_of("garbage"), None);
    }

    #[test]
    fn init_and_groups_are_never_signalled() {
        for pid in [1, 0, -1] {
            assert!(kill(pid, 15).is_err(), "{pid}");
        }
    }
}
