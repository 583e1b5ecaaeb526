//! The live host, with real processes.

#![allow(clippy::disallowed_methods, reason = "a test of real processes in real time")]

use process::host::{Host, Io, OsPid, Subprocess};
use process::live::LocalHost;
use process::{Outcome, after};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

fn shell(command: &str) -> Subprocess {
    Subprocess {
        path: "/bin/sh".to_owned(),
        argv: ["sh", "-c", command].map(str::to_owned).to_vec(),
        environment: BTreeMap::new(),
        stdin: Io::Null,
        stdout: Io::Null,
        stderr: Io::Null,
        setsid: false,
        directory: None,
    }
}

/// Waits until the kernel knows the process no longer, not even as a zombie.
fn until_gone(pid: OsPid) {
    let path = PathBuf::from(format!("/proc/{pid}"));
    for _ in 0..LIMIT.as_millis() {
        if !path.exists() {
            return;
        }
        after(Duration::from_millis(1)).wait(LIMIT);
    }
    panic!("process {pid} is still there");
}

#[test]
fn the_status_of_a_child_is_known_even_when_it_was_faster_than_the_question() {
    let host = LocalHost::new();
    let pid = host.subprocess(shell("exit 3"), Vec::new()).expect("started");
    until_gone(pid);
    assert_eq!(host.reap(pid).wait(LIMIT), Some(Outcome::Ready(Some(3 << 8))));
}

#[test]
fn a_killed_child_is_reported_with_its_signal() {
    let host = LocalHost::new();
    let pid = host.subprocess(shell("read line < /dev/zero"), Vec::new()).expect("started");
    let status = host.reap(pid);
    host.killtree(pid, 9).expect("killed");
    assert_eq!(status.wait(LIMIT), Some(Outcome::Ready(Some(9))));
}

#[test]
fn of_a_process_that_is_no_child_only_the_end_is_known() {
    let mut other = std::process::Command::new("/bin/sh")
        .args(["-c", "read line"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    let host = LocalHost::new();
    let status = host.reap(OsPid::try_from(other.id()).expect("a pid"));
    drop(other.stdin.take());
    other.wait().expect("ended");
    assert_eq!(status.wait(LIMIT), Some(Outcome::Ready(None)));
}
