//! The live host, with real processes.

use process::host::{Command, Follow, Host, Io, OsPid};
use process::live::LocalHost;
use process::{Outcome, after};
use std::path::PathBuf;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

fn shell(command: &str) -> Command {
    Command { stdin: Io::Null, stdout: Io::Null, stderr: Io::Null, ..Command::shell(command) }
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
    let child = host.subprocess(shell("exit 3"), Vec::new()).expect("started");
    until_gone(child.pid());
    assert_eq!(host.reap(child.pid()).wait(LIMIT), Some(Outcome::Ready(Some(3 << 8))));
    assert_eq!(child.status().wait(LIMIT), Some(Outcome::Ready(Some(3 << 8))));
    assert_eq!(host.reap(child.pid()).wait(LIMIT), Some(Outcome::Ready(Some(3 << 8))));
}

#[test]
fn a_killed_child_is_reported_with_its_signal() {
    let host = LocalHost::new();
    let child = host.subprocess(shell("read line < /dev/zero"), Vec::new()).expect("started");
    let status = host.reap(child.pid());
    let trees = host.killtree(child.pid(), 9, Follow::default()).expect("killed");
    assert_eq!(trees.len(), 1, "{trees:?}");
    assert_eq!(status.wait(LIMIT), Some(Outcome::Ready(Some(9))));
}

#[test]
fn of_a_process_that_is_no_child_only_the_end_is_known() {
    let host = LocalHost::new();
    let what = Command { stdout: Io::Pipe, ..shell("sleep 1000 > /dev/null & echo $!") };
    let child = host.subprocess(what, Vec::new()).expect("started");
    let output = process::io::read(child.stdout().expect("a pipe")).wait(LIMIT);
    let Some(Outcome::Ready(output)) = output else { panic!("{output:?}") };
    let output = String::from_utf8(output.to_vec()).expect("text");
    let grandchild = output.trim().parse().expect("a pid");
    until_gone(child.pid());
    let status = host.reap(grandchild);
    let trees = host.killtree(grandchild, 9, Follow::default()).expect("killed");
    assert_eq!(trees.len(), 1, "{trees:?}");
    assert_eq!(status.wait(LIMIT), Some(Outcome::Ready(None)));
}
