//! The kernel's process table, as `/proc` shows it.
//!
//! Mirrors `stout/os/linux.hpp` and `stout/proc.hpp`.

use crate::host::{OsPid, ProcessInfo};
use crate::pstree::Table;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;

/// The process table, and what was met in it so far. Those are held by pidfds, so that signals go
/// to the process that was looked at, and to no other that has got its pid since; where there are
/// no pidfds (kernels before 5.3) they go to the pid.
#[derive(Default)]
pub(super) struct Kernel {
    met: BTreeMap<OsPid, Option<OwnedFd>>,
}

impl Table for Kernel {
    fn processes(&mut self) -> Result<Vec<ProcessInfo>, String> {
        let at = |error| format!("Failed to list /proc: {error}");
        let mut processes = Vec::new();
        for entry in std::fs::read_dir("/proc").map_err(at)? {
            let name = entry.map_err(at)?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // Those that disappear while the list is made are not in it.
            if let Ok(Some(process)) = read_stat(pid) {
                processes.push(process);
            }
        }
        processes.sort_unstable_by_key(|process| process.pid);
        Ok(processes)
    }

    fn process(&mut self, pid: OsPid) -> Result<Option<ProcessInfo>, String> {
        let Some(number) = Pid::from_raw(pid) else { return Ok(None) };
        let pidfd = match pidfd_open(number, PidfdFlags::empty()) {
            Ok(pidfd) => Some(pidfd),
            Err(Errno::SRCH) => return Ok(None),
            Err(_) => None,
        };
        let Some(mut process) = read_stat(pid)? else { return Ok(None) };
        // What was read is about the process that is held, unless that one is gone by now.
        if !process.zombie && pidfd.as_ref().is_some_and(has_ended) {
            return Ok(None);
        }
        process.command = command_line(pid).unwrap_or(process.command);
        self.met.insert(pid, pidfd);
        Ok(Some(process))
    }

    fn signal(&mut self, pid: OsPid, signal: i32) {
        let (Some(number), Some(signal)) = (Pid::from_raw(pid), Signal::from_named_raw(signal))
        else {
            return;
        };
        // It may have ended, or be somebody else's: as upstream, the others get theirs.
        let _ = match self.met.get(&pid) {
            Some(Some(pidfd)) => pidfd_send_signal(pidfd, signal),
            _ => kill_process(number, signal),
        };
    }

    fn is_spared(&self, pid: OsPid) -> bool {
        pid == 1 || u32::try_from(pid) == Ok(std::process::id())
    }
}

fn has_ended(pidfd: &OwnedFd) -> bool {
    let mut ended = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut ended, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Mirrors `proc::status` in `stout/proc.hpp`.
#[doc(alias = "proc::status")]
fn read_stat(pid: OsPid) -> Result<Option<ProcessInfo>, String> {
    let path = format!("/proc/{pid}/stat");
    let stat = match std::fs::read(&path) {
        Ok(stat) => stat,
        Err(error)
            if error.kind() == ErrorKind::NotFound
                || error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(format!("Failed to read {path}: {error}")),
    };
    parse_stat(&String::from_utf8_lossy(&stat))
        .map(Some)
        .ok_or_else(|| format!("Failed to parse {path}: it is not what proc(5) says"))
}

/// The name in parentheses may hold anything, spaces and parentheses included: the fields after it
/// are counted from its last parenthesis.
fn parse_stat(stat: &str) -> Option<ProcessInfo> {
    let (before, after) = stat.rsplit_once(')')?;
    let (pid, name) = before.split_once(" (")?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse().ok());
    Some(ProcessInfo {
        pid: pid.parse().ok()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        started: fields.get(19)?.parse().ok()?,
        command: name.to_owned(),
        zombie: *fields.first()? == "Z",
    })
}

/// The arguments with spaces in between; `None` for zombies and threads of the kernel.
#[doc(alias = "proc::cmdline")]
fn command_line(pid: OsPid) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_behind_any_name() {
        let check = |stat: &str, expected: Option<(OsPid, OsPid, OsPid, OsPid, &str, bool)>| {
            let found = parse_stat(stat);
            let found = found.as_ref().map(|it| {
                (it.pid, it.parent, it.group, it.session, it.command.as_str(), it.zombie)
            });
            assert_eq!(found, expected, "{stat}");
        };
        let rest = "0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0";
        check(&format!("7 (a) S 3 5 4 {rest}"), Some((7, 3, 5, 4, "a", false)));
        check(&format!("7 (a b) c) Z 12 5 4 {rest}"), Some((7, 12, 5, 4, "a b) c", true)));
        check("7 (a) S 3 5 4", None);
        check("garbage", None);
        assert_eq!(parse_stat(&format!("7 (a) S 3 5 4 {rest}")).map(|it| it.started), Some(4711));
    }

    #[test]
    fn this_program_is_in_the_table() {
        let own = OsPid::try_from(std::process::id()).expect("a pid");
        let mut table = Kernel::default();
        let processes = table.processes().expect("a list");
        let listed = processes.iter().find(|process| process.pid == own).expect("listed");
        let looked_at = table.process(own).expect("read").expect("it runs");
        assert_eq!((looked_at.parent, looked_at.started), (listed.parent, listed.started));
        assert!(table.is_spared(own) && table.is_spared(1) && !table.is_spared(own + 1));
    }
}
