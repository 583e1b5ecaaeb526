//! Nothing is left behind: no zombie, no descriptor, no end of somebody else's pipe in a child.
//!
//! What is counted is the whole program's, so these tests run one after the other.

mod support;

use process::host::{ChildHook, Command, FdType, Host, Io, OsPid, ParentHook, Subprocess};
use process::io;
use process::live::LocalHost;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use support::World;

const PATIENCE: Duration = Duration::from_secs(60);

/// Nobody else runs; the runtimes and whatever else opens descriptors for good have been started.
struct Alone {
    world: World,
    host: LocalHost,
}

impl Alone {
    fn new() -> Self {
        let alone = Alone { world: World::live(), host: LocalHost::new() };
        let s = alone.start(Command { stdout: Io::Pipe, ..Command::shell("sleep 0.01") });
        alone.world.ready(&io::read(s.stdout().expect("a pipe")));
        alone.world.ready(&s.status());
        drop(s);
        alone.comes_to(&BTreeMap::new(), 0);
        alone
    }

    fn start(&self, command: Command) -> Subprocess {
        self.host.subprocess(command, Vec::new()).expect("started")
    }

    /// Waits until there are so many children, and no more descriptors than there were. A task of
    /// the runtime may have something in its hands a moment longer than the test.
    #[track_caller]
    fn comes_to(&self, descriptors: &BTreeMap<i32, PathBuf>, count: usize) {
        let (_keep, never) = mpsc::channel::<()>();
        let mut left = (self::descriptors(), children());
        for _ in 0..PATIENCE.as_millis() {
            let more = left.0.iter().filter(|(number, _)| !descriptors.contains_key(number));
            if left.1.len() == count && (descriptors.is_empty() || more.count() == 0) {
                return;
            }
            let _ = never.recv_timeout(Duration::from_millis(1));
            left = (self::descriptors(), children());
        }
        panic!("children {:?}, descriptors {:?}, before {descriptors:?}", left.1, left.0);
    }
}

/// What this program has open: the numbers and what is behind them.
fn descriptors() -> BTreeMap<i32, PathBuf> {
    let listed = std::fs::read_dir("/proc/self/fd").expect("/proc").flatten();
    listed
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            let target = std::fs::read_link(entry.path()).ok()?;
            // Not the directory that is being read.
            (!target.ends_with("fd")).then_some((number, target))
        })
        .collect()
}

/// This program's children, zombies included.
fn children() -> Vec<OsPid> {
    let own = std::process::id().to_string();
    let listed = std::fs::read_dir("/proc").expect("/proc").flatten();
    listed
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            (stat.rsplit_once(')')?.1.split_whitespace().nth(1)? == own).then_some(pid)
        })
        .collect()
}

/// A command that uses all that has to be cleaned up.
fn lavish(host: &LocalHost) -> Command {
    let (_, stderr) = host.pipe().expect("a pipe");
    let (whitelisted, duplicated) = host.pipe().expect("a pipe");
    Command {
        stdin: Io::Pipe,
        stdout: Io::Pipe,
        stderr: Io::Fd(stderr, FdType::Owned),
        child_hooks: vec![ChildHook::Dup2 { from: duplicated, to: 7 }, ChildHook::Setsid],
        whitelist: vec![whitelisted],
        ..Command::shell("cat")
    }
}

#[test]
fn of_a_failed_start_neither_a_zombie_nor_a_descriptor_is_left() {
    let alone = Alone::new();
    let before = descriptors();
    let succeeds = || -> ParentHook { Box::new(|_| Ok(())) };
    let fails = || -> ParentHook { Box::new(|pid| Err(format!("no place for {pid}"))) };
    for _ in 0..20 {
        let unreached: ParentHook = Box::new(|_| panic!("not reached"));
        let hooks = vec![succeeds(), fails(), unreached];
        let error = alone.host.subprocess(lavish(&alone.host), hooks).expect_err("failed");
        let (before, after) = error.split_once(" for child '").expect("its pid");
        assert_eq!(before, "Failed to execute Subprocess::ParentHook in parent");
        let (pid, after) = after.split_once("': ").expect("the reason");
        assert_eq!(after, format!("no place for {pid}"));

        let nothing = Command { path: "/bin/nothing".to_owned(), ..lavish(&alone.host) };
        alone.host.subprocess(nothing, vec![succeeds()]).expect_err("no such program");
        let nowhere = Command {
            child_hooks: vec![ChildHook::Chdir("/nowhere".into())],
            ..lavish(&alone.host)
        };
        alone.host.subprocess(nowhere, Vec::new()).expect_err("no such directory");
        let unreadable = Command { stderr: Io::Path("/".into()), ..lavish(&alone.host) };
        alone.host.subprocess(unreadable, Vec::new()).expect_err("a directory");
        // At once: nobody else collects what was never reported.
        assert_eq!(children(), Vec::<OsPid>::new());
    }
    alone.comes_to(&before, 0);
}

#[test]
fn a_hook_that_panics_leaves_nothing_either() {
    let alone = Alone::new();
    let before = descriptors();
    let command = lavish(&alone.host);
    let hook: ParentHook = Box::new(|_| panic!("a bug in a hook"));
    let started = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        alone.host.subprocess(command, vec![hook]).is_ok()
    }));
    assert!(started.is_err());
    assert_eq!(children(), Vec::<OsPid>::new());
    alone.comes_to(&before, 0);
}

#[test]
fn of_a_child_that_has_ended_nothing_is_left() {
    let alone = Alone::new();
    let before = descriptors();
    for _ in 0..20 {
        let s = alone.start(lavish(&alone.host));
        s.stdin().expect("a pipe").close();
        alone.world.ready(&io::read(s.stdout().expect("a pipe")));
        assert_eq!(alone.world.ready(&s.status()), Some(0));
    }
    alone.comes_to(&before, 0);
    // Also when nobody is interested.
    for _ in 0..20 {
        drop(alone.start(Command { stdin: Io::Null, ..lavish(&alone.host) }));
    }
    alone.comes_to(&before, 0);
}

#[test]
fn a_pipe_lives_as_long_as_the_child_or_a_handle() {
    let alone = Alone::new();
    let before = descriptors();
    let what = || Command { stdin: Io::Pipe, stdout: Io::Pipe, ..Command::shell("cat") };

    // The handle goes, the child stays: it does not see the end of its input.
    let s = alone.start(what());
    let (pid, status) = (s.pid(), s.status());
    let number = s.stdin().and_then(io::Descriptor::number).expect("a pipe");
    drop(s);
    let pipe = descriptors().remove(&number).expect("it is still open");
    let read_end = std::fs::read_link(format!("/proc/{pid}/fd/0")).expect("the child's input");
    assert_eq!(pipe, read_end);
    let killed = alone.host.killtree(pid, 9, process::host::Follow::default()).expect("killed");
    assert_eq!(killed.len(), 1);
    assert_eq!(alone.world.ready(&status), Some(9));
    alone.comes_to(&before, 0);

    // The child goes, the handle stays: what it has written can be read.
    let s = alone.start(Command { stdout: Io::Pipe, ..Command::shell("echo hello") });
    alone.world.ready(&s.status());
    assert_eq!(&alone.world.ready(&io::read(s.stdout().expect("a pipe")))[..], b"hello\n");
    drop(s);
    alone.comes_to(&before, 0);
}

/// A child that waits for its hooks holds no end of another child's pipe: else the other would
/// not see the end of its input.
#[test]
fn a_child_that_waits_for_its_hooks_holds_nothing_of_others() {
    let alone = Alone::new();
    let other = alone.start(Command { stdin: Io::Pipe, ..Command::shell("cat > /dev/null") });
    let (stdin, status) = (other.stdin().expect("a pipe").clone(), other.status());
    let hook: ParentHook = Box::new(move |_| {
        stdin.close();
        match status.wait(PATIENCE) {
            Some(process::Outcome::Ready(Some(0))) => Ok(()),
            outcome => Err(format!("the other child has not ended: {outcome:?}")),
        }
    });
    let s = alone.host.subprocess(Command::shell("exit 0"), vec![hook]).expect("started");
    alone.world.ready(&s.status());
}

#[test]
fn children_started_at_the_same_time_inherit_nothing_from_each_other() {
    let alone = Alone::new();
    let before = descriptors();
    let seen = Arc::new(Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let seen = Arc::clone(&seen);
            scope.spawn(move || {
                let host = LocalHost::new();
                for _ in 0..25 {
                    let hook: ParentHook = Box::new(|_| {
                        std::thread::yield_now();
                        Ok(())
                    });
                    let command = Command {
                        stdin: Io::Pipe,
                        stdout: Io::Pipe,
                        stderr: Io::Pipe,
                        ..Command::new("ls", ["ls", "/dev/fd"])
                    };
                    let s = host.subprocess(command, vec![hook]).expect("started");
                    let output = io::read(s.stdout().expect("a pipe")).wait(PATIENCE);
                    let Some(process::Outcome::Ready(output)) = output else {
                        panic!("{output:?}")
                    };
                    let _ = s.status().wait(PATIENCE);
                    seen.lock().unwrap().push(output);
                }
            });
        }
    });
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 200);
    // The streams, and the directory that `ls` has opened.
    assert!(seen.iter().all(|output| &output[..] == b"0\n1\n2\n3\n"), "{seen:?}");
    alone.comes_to(&before, 0);
}
