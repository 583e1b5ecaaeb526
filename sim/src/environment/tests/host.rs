//! The host: processes, reaping, signals, files.

use super::Rig;
use crate::environment::host::{AGENT_PID, Node, Scripted, SimHost};
use crate::environment::{Fault, Faults};
use parking_lot::Mutex;
use process::host::{ChildHook, Command, Follow, Host, Io, OsPid, Program, Running};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn command(path: &str) -> Command {
    Command {
        stdin: Io::Null,
        stdout: Io::Null,
        stderr: Io::Null,
        child_hooks: vec![ChildHook::Setsid],
        ..Command::new(path, [path])
    }
}

fn start(rig: &Rig, path: &str) -> OsPid {
    match rig.host.subprocess(command(path), Vec::new()) {
        Ok(subprocess) => subprocess.pid(),
        Err(error) => panic!("{error}"),
    }
}

fn kill(rig: &Rig, pid: OsPid, signal: i32) -> usize {
    rig.host.killtree(pid, signal, Follow::default()).expect("a tree, or none").len()
}

/// Ends with status 0 on SIGTERM and remembers all signals.
#[derive(Default)]
struct Polite(Arc<Mutex<Vec<i32>>>);

impl Program for Polite {
    fn start(&self, _: &Command, running: Arc<dyn Running>) -> Box<dyn Fn(i32) + Send + Sync> {
        let seen = Arc::clone(&self.0);
        Box::new(move |signal| {
            seen.lock().push(signal);
            if signal == 15 {
                running.exit(0);
            }
        })
    }
}

#[test]
fn a_child_is_reaped_with_its_status() {
    let rig = Rig::new();
    rig.host.register_scripted("mesos-fetcher", Scripted::fetcher());
    let pid = start(&rig, "/usr/libexec/mesos/mesos-fetcher");
    let reaped = rig.host.reap(pid);
    assert!(rig.host.is_running(pid));
    let view = rig.host.processes().remove(0);
    assert_eq!((view.pid, view.parent, &*view.program), (pid, AGENT_PID, "mesos-fetcher"));
    rig.settle();
    assert_eq!(reaped.get(), Some(&Some(0)));
    assert!(rig.host.processes().is_empty());
}

#[test]
fn the_status_of_a_child_is_kept() {
    let rig = Rig::new();
    rig.host.register_scripted("mesos-fetcher", Scripted::fetcher());
    let pid = start(&rig, "mesos-fetcher");
    rig.settle();
    assert!(rig.host.processes().is_empty(), "its pid is free");
    let (first, second) = (rig.host.reap(pid), rig.host.reap(pid));
    rig.settle();
    assert_eq!((first.get(), second.get()), (Some(&Some(0)), Some(&Some(0))));
}

#[test]
fn the_status_of_a_stranger_is_not_known() {
    let rig = Rig::new();
    rig.run_container("c1");
    let Some(pid) = rig.daemon.container("c1").and_then(|container| container.pid) else {
        panic!("no pid")
    };
    let reaped = rig.host.reap(pid);
    rig.settle();
    assert!(reaped.is_pending());
    rig.api.kill_container("c1", 9);
    rig.settle();
    assert_eq!(reaped.get(), Some(&None));
    let unknown = rig.host.reap(4_000_000);
    rig.settle();
    assert_eq!(unknown.get(), Some(&None));
}

#[test]
fn a_failing_parent_hook_kills_the_child_before_it_runs() {
    let rig = Rig::new();
    let seen = Polite::default();
    let signals = Arc::clone(&seen.0);
    rig.host.register("polite", Arc::new(seen));
    let hooks: Vec<process::host::ParentHook> = vec![
        Box::new(|_| Ok(())),
        Box::new(|pid| Err(format!("cannot checkpoint {pid}"))),
        Box::new(|_| panic!("not reached")),
    ];
    let started = rig.host.subprocess(command("polite"), hooks);
    let Err(error) = started else { panic!("started") };
    assert!(error.ends_with("in parent for child '101': cannot checkpoint 101"), "{error}");
    assert!(rig.host.processes().is_empty());
    rig.settle();
    assert!(signals.lock().is_empty());
}

#[test]
fn killtree_delivers_signals_and_sigkill_always_ends() {
    let rig = Rig::new();
    let polite = Polite::default();
    let signals = Arc::clone(&polite.0);
    rig.host.register("polite", Arc::new(polite));
    let (first, second) = (start(&rig, "polite"), start(&rig, "polite"));
    rig.settle();
    let reaped = (rig.host.reap(first), rig.host.reap(second));
    assert_eq!(kill(&rig, first, 15), 1);
    assert!(signals.lock().is_empty(), "delivery is an event of its own");
    assert_eq!(kill(&rig, second, 9), 1);
    assert_eq!(kill(&rig, 9_999, 9), 0);
    rig.settle();
    assert_eq!((reaped.0.get(), reaped.1.get()), (Some(&Some(0)), Some(&Some(9))));
    assert_eq!(*signals.lock(), [15, 9]);
}

#[test]
fn a_scripted_program_dies_of_sigterm() {
    let rig = Rig::new();
    rig.host.register_scripted("mesos-docker-executor", Scripted::executor());
    let pid = start(&rig, "mesos-docker-executor");
    let reaped = rig.host.reap(pid);
    rig.pass(Duration::from_secs(1000));
    assert!(reaped.is_pending());
    assert_eq!(kill(&rig, pid, 15), 1);
    rig.settle();
    assert_eq!(reaped.get(), Some(&Some(15)));
}

#[test]
fn the_fetcher_fails_or_stalls_by_choice() {
    let faults = Faults::none().with(Fault::FetchFail, 1).with(Fault::FetchStall, 1);
    let rig = Rig::choosing(faults, &[2, 1]);
    rig.host.register_scripted("mesos-fetcher", Scripted::fetcher());
    let (stalls, fails) = (start(&rig, "mesos-fetcher"), start(&rig, "mesos-fetcher"));
    let (stalled, failed) = (rig.host.reap(stalls), rig.host.reap(fails));
    rig.settle();
    assert!(stalled.is_pending());
    assert_eq!(failed.get(), Some(&Some(1 << 8)));
    rig.environment.heal();
    rig.settle();
    assert_eq!(stalled.get(), Some(&Some(0)));
}

#[test]
fn a_stalled_program_that_was_killed_stays_dead_when_healed() {
    let rig = Rig::choosing(Faults::none().with(Fault::FetchStall, 1), &[1]);
    rig.host.register_scripted("mesos-fetcher", Scripted::fetcher());
    let pid = start(&rig, "mesos-fetcher");
    let reaped = rig.host.reap(pid);
    rig.settle();
    assert_eq!(kill(&rig, pid, 9), 1);
    rig.settle();
    assert_eq!(reaped.get(), Some(&Some(9)));
    assert_eq!(rig.environment.stalled(), 0);
}

#[test]
fn an_agent_that_restarts_does_not_learn_the_status_of_its_former_children() {
    let rig = Rig::new();
    rig.host.register_scripted("mesos-docker-executor", Scripted::executor());
    let pid = start(&rig, "mesos-docker-executor");
    let before = rig.host.reap(pid);
    rig.settle();
    rig.host.orphan_children_of_agent();
    assert!(before.is_abandoned());
    let after = rig.host.reap(pid);
    assert_eq!(kill(&rig, pid, 9), 1);
    rig.settle();
    assert_eq!(after.get(), Some(&None));
}

/// Holds what holds it.
struct Holder {
    _world: (SimHost, Arc<dyn docker::Api>),
    _token: Arc<()>,
}

impl Program for Holder {
    fn start(&self, _: &Command, running: Arc<dyn Running>) -> Box<dyn Fn(i32) + Send + Sync> {
        Box::new(move |signal| running.exit(signal))
    }
}

#[test]
fn a_world_that_goes_takes_its_programs_along() {
    let token = Arc::new(());
    let rig = Rig::new();
    let world = (rig.host.clone(), Arc::clone(&rig.api));
    let holder = Holder { _world: world, _token: Arc::clone(&token) };
    rig.host.register("holder", Arc::new(holder));
    start(&rig, "holder");
    rig.run_container("c1");
    rig.api.pull_image("registry/app:1", None);
    rig.pass(Duration::from_millis(500));
    start(&rig, "holder");
    drop(rig);
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn what_cannot_be_executed_is_not_started() {
    let rig = Rig::new();
    rig.host.register_scripted("fetcher", Scripted::fetcher());
    let error = |command| rig.host.subprocess(command, Vec::new()).expect_err("not started");
    assert_eq!(
        error(command("/bin/nothing")),
        "Failed to execute '/bin/nothing': No such file or directory"
    );
    let mut nowhere = command("fetcher");
    nowhere.child_hooks.push(ChildHook::Chdir("/nowhere".into()));
    assert_eq!(
        error(nowhere),
        "Failed to execute Subprocess::ChildHook for 'fetcher': could not change to directory \
         '/nowhere': No such file or directory"
    );
    assert!(rig.host.processes().is_empty());
    rig.settle();
}

#[test]
fn files_are_made_where_there_is_a_directory() {
    let rig = Rig::new();
    let host = &rig.host;
    let (sandbox, stdout) = (Path::new("/var/lib/mesos/run"), Path::new("/var/lib/mesos/run/out"));
    assert!(host.touch(stdout, None).is_err());
    assert_eq!(host.mkdir(sandbox), Ok(()));
    assert_eq!(host.mkdir(Path::new("/var/lib")), Ok(()));
    assert_eq!(host.touch(stdout, Some("nobody")), Ok(()));
    let file = Node::File { content: Vec::new(), owner: Some("nobody".to_owned()) };
    assert_eq!(host.node(stdout), Some(file));
    let pid = Path::new("/meta/slaves/1/forked.pid");
    assert_eq!(host.checkpoint(pid, b"101"), Ok(()));
    assert_eq!(host.checkpoint(pid, b"102"), Ok(()));
    assert!(matches!(host.node(pid), Some(Node::File { content, .. }) if content == b"102"));
    let link = Path::new("/var/lib/mesos/latest");
    assert_eq!(host.symlink(sandbox, link), Ok(()));
    assert!(host.symlink(sandbox, link).is_err());
    assert_eq!(host.remove(link), Ok(()));
    assert!(host.remove(link).is_err() && host.remove(sandbox).is_err());
    assert!(host.mkdir(&stdout.join("below")).is_err());
}

#[test]
fn mounts_are_listed_until_they_are_undone() {
    let rig = Rig::new();
    let target = Path::new("/sandbox/volume");
    assert_eq!(rig.host.mount(Path::new("/volumes/1"), target, true), Ok(()));
    assert_eq!(rig.host.mounts(), Ok(vec![target.to_owned()]));
    assert_eq!(rig.host.unmount(target), Ok(()));
    assert!(rig.host.unmount(target).is_err());
}

#[test]
fn a_checkpoint_fails_by_choice() {
    let rig = Rig::choosing(Faults::none().with(Fault::CheckpointFail, 1), &[1]);
    let path = Path::new("/meta/pid");
    assert_eq!(
        rig.host.checkpoint(path, b"1"),
        Err("Failed to write '/meta/pid': No space left on device".to_owned())
    );
    assert_eq!(rig.host.checkpoint(path, b"1"), Ok(()));
}
