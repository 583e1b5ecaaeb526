//! Twins of `3rdparty/libprocess/src/tests/reap_tests.cpp`: with real processes, and with a process
//! table made by hand, live and in the simulator under many schedules.

#![allow(clippy::zombie_processes, reason = "whether the reaper collects them is what is tested")]

mod support;

use process::future::Value;
use process::host::{Host, OsPid};
use process::live::LocalHost;
use process::reap::{
    HIGH_PID_COUNT, Look, MAX_REAP_INTERVAL, MIN_REAP_INTERVAL, ReaperProcess, Watched,
};
use process::{Future, Pid, generate_id, spawn, terminate};
use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{World, in_both_worlds};

const SIGKILL: i32 = 9;

/// A child that this program's host knows nothing of: upstream's `Fork(Exec(...))`.
fn fork(command: &str) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped());
    shell.spawn().expect("started")
}

fn pid_of(child: &Child) -> OsPid {
    OsPid::try_from(child.id()).expect("a pid")
}

fn kill(pid: OsPid) {
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it runs");
}

/// Lets time pass, and what is due then happen.
fn pass(world: &World, duration: Duration) {
    world.settle();
    world.advance(duration);
    world.settle();
}

/// Advances time until the reaper has looked.
fn reaped<T: Value>(world: &World, status: &Future<T>) -> T {
    // What a kill does, the kernel does in its own time: each look may be too early.
    for _ in 0..60_000 {
        pass(world, MAX_REAP_INTERVAL);
        if status.wait(Duration::from_millis(1)).is_some() {
            break;
        }
    }
    world.ready(status)
}

/// That a process has ended is noticed even if it is no child, but not how.
#[test]
fn non_child_process() {
    let (world, host) = (World::live(), LocalHost::new());
    let mut child = fork("sleep 1000 > /dev/null & echo $!");
    let mut output = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut output).expect("read");
    let grandchild = output.trim().parse().expect("a pid");

    let status = host.reap(grandchild);
    assert!(status.is_pending());
    kill(grandchild);
    assert_eq!(reaped(&world, &status), None);

    let status = host.reap(pid_of(&child));
    assert_eq!(reaped(&world, &status), Some(0));
}

#[test]
fn child_process() {
    let (world, host) = (World::live(), LocalHost::new());
    let child = fork("exec sleep 1000");
    let status = host.reap(pid_of(&child));
    assert!(status.is_pending());
    kill(pid_of(&child));
    // Without advancing time: the kernel tells of the end of a child.
    assert_eq!(world.ready(&status), Some(SIGKILL));
}

#[test]
fn terminated_child_process() {
    let (world, host) = (World::live(), LocalHost::new());
    let child = fork("exit 0");
    let stat = format!("/proc/{}/stat", child.id());
    while !std::fs::read_to_string(&stat).expect("it is not reaped").contains(") Z ") {
        std::thread::yield_now();
    }
    let status = host.reap(pid_of(&child));
    assert_eq!(world.ready(&status), Some(0));
    assert!(!std::fs::exists(&stat).expect("/proc"), "no zombie is left");
}

#[test]
fn there_are_no_pids_below_one() {
    let (world, host) = (World::live(), LocalHost::new());
    let child = fork("exec sleep 1000");
    for pid in [0, -1, -pid_of(&child), OsPid::MIN] {
        assert_eq!(world.ready(&host.reap(pid)), None, "{pid}");
    }
    kill(pid_of(&child));
    let status = host.reap(pid_of(&child));
    assert_eq!(world.ready(&status), Some(SIGKILL), "nobody else has collected it");
}

/// A process table made by hand.
mod table {
    use super::*;

    /// One process; the next one with its pid is another.
    pub struct Process {
        pub is_child: bool,
        pub ended: Option<i32>,
        pub collected: bool,
        pub notice: Option<Box<dyn FnOnce() + Send>>,
        /// Whether the kernel tells of its end.
        pub tells: bool,
    }

    /// Who has which pid; a process stays what it is when its pid goes to another.
    #[derive(Clone, Default)]
    pub struct Table(Arc<Mutex<BTreeMap<OsPid, Arc<Mutex<Process>>>>>);

    pub struct Handle(Arc<Mutex<Process>>);

    impl Table {
        /// Starts a process under this pid, whoever had it before.
        pub fn start(&self, pid: OsPid, is_child: bool, tells: bool) {
            let process = Process { is_child, ended: None, collected: false, notice: None, tells };
            self.0.lock().unwrap().insert(pid, Arc::new(Mutex::new(process)));
        }

        pub fn end(&self, pid: OsPid, status: i32) {
            let process = Arc::clone(&self.0.lock().unwrap()[&pid]);
            let notice = {
                let mut process = process.lock().unwrap();
                process.ended = Some(status);
                process.notice.take()
            };
            if let Some(notice) = notice {
                notice();
            }
        }

        pub fn watch(&self, pid: OsPid) -> Option<Box<dyn Watched>> {
            let process = self.0.lock().unwrap().get(&pid).cloned()?;
            if process.lock().unwrap().collected {
                return None;
            }
            Some(Box::new(Handle(process)))
        }
    }

    impl Watched for Handle {
        fn is_child(&self) -> bool {
            self.0.lock().unwrap().is_child
        }

        fn look(&mut self) -> Look {
            let mut process = self.0.lock().unwrap();
            match process.ended {
                None => Look::Running,
                Some(_) if !process.is_child => Look::Gone,
                Some(_) if process.collected => Look::Collected,
                Some(status) => {
                    process.collected = true;
                    Look::Ended(status)
                }
            }
        }

        fn notify(&mut self, notice: Box<dyn FnOnce() + Send>) -> bool {
            let mut process = self.0.lock().unwrap();
            match (process.tells, process.ended) {
                (false, _) => return false,
                (true, None) => process.notice = Some(notice),
                (true, Some(_)) => {
                    drop(process);
                    notice();
                }
            }
            true
        }
    }

    /// A reaper of this table's processes.
    pub struct Reaper {
        pub table: Table,
        pub pid: Pid<ReaperProcess>,
    }

    impl Reaper {
        pub fn new() -> Self {
            let pid = spawn(generate_id("__reaper__"), ReaperProcess::new());
            Reaper { table: Table::default(), pid }
        }

        pub fn reap(&self, pid: OsPid) -> Future<Option<i32>> {
            let watched = self.table.watch(pid);
            self.pid.call("reap", move |reaper, ctx| reaper.reap(ctx, pid, watched))
        }

        pub fn started(&self, pid: OsPid) -> Future<Option<i32>> {
            let watched = self.table.watch(pid).expect("it runs");
            self.pid.call("started", move |reaper, ctx| reaper.started(ctx, pid, watched))
        }
    }

    impl Drop for Reaper {
        fn drop(&mut self) {
            terminate(&self.pid, true);
        }
    }
}

mod in_a_table {
    use super::*;
    use table::Reaper;

    const STRANGER: (bool, bool) = (false, false);
    const CHILD: (bool, bool) = (true, true);
    /// A child where the kernel does not tell of its end.
    const SILENT_CHILD: (bool, bool) = (true, false);

    fn start(reaper: &Reaper, pid: OsPid, (is_child, tells): (bool, bool)) {
        reaper.table.start(pid, is_child, tells);
    }

    #[test]
    fn non_child_process() {
        in_both_worlds(|world| {
            let reaper = Reaper::new();
            start(&reaper, 7, STRANGER);
            let status = reaper.reap(7);
            pass(world, MAX_REAP_INTERVAL);
            assert!(status.is_pending());
            reaper.table.end(7, SIGKILL);
            assert_eq!(reaped(world, &status), None);
            assert_eq!(reaped(world, &reaper.reap(99)), None, "no such process");
        });
    }

    #[test]
    fn child_process() {
        in_both_worlds(|world| {
            let reaper = Reaper::new();
            start(&reaper, 7, CHILD);
            let status = reaper.reap(7);
            reaper.table.end(7, SIGKILL);
            // The clock stands still.
            assert_eq!(world.ready(&status), Some(SIGKILL));

            start(&reaper, 8, SILENT_CHILD);
            let status = reaper.reap(8);
            world.settle();
            reaper.table.end(8, SIGKILL);
            assert_eq!(reaped(world, &status), Some(SIGKILL));
        });
    }

    #[test]
    fn terminated_child_process() {
        in_both_worlds(|world| {
            let reaper = Reaper::new();
            start(&reaper, 7, CHILD);
            reaper.table.end(7, 0);
            let (one, two) = (reaper.reap(7), reaper.reap(7));
            assert_eq!((world.ready(&one), world.ready(&two)), (Some(0), Some(0)));
            assert_eq!(world.ready(&reaper.reap(7)), Some(0), "it is known for a while");
        });
    }

    #[test]
    fn all_who_wait_for_a_process_are_told() {
        in_both_worlds(|world| {
            let reaper = Reaper::new();
            start(&reaper, 7, CHILD);
            let handle = reaper.started(7);
            let (one, two) = (reaper.reap(7), reaper.reap(7));
            one.discard();
            reaper.table.end(7, 3 << 8);
            let late = reaper.reap(7);
            for status in [&handle, &one, &two, &late] {
                assert_eq!(world.ready(status), Some(3 << 8));
            }
        });
    }

    #[test]
    fn the_next_process_with_a_pid_is_another_one() {
        in_both_worlds(|world| {
            let reaper = Reaper::new();
            // A child that nobody asked for by pid, then a stranger.
            start(&reaper, 7, CHILD);
            let child = reaper.started(7);
            reaper.table.end(7, 5 << 8);
            assert_eq!(world.ready(&child), Some(5 << 8));
            start(&reaper, 7, STRANGER);
            let stranger = reaper.reap(7);
            world.settle();
            assert!(stranger.is_pending(), "not the child's status");
            // The stranger ends, and a child gets its pid before anybody has looked.
            reaper.table.end(7, 0);
            start(&reaper, 7, CHILD);
            let second = reaper.started(7);
            assert_eq!(world.ready(&stranger), None);
            pass(world, MAX_REAP_INTERVAL);
            assert!(second.is_pending());
            reaper.table.end(7, 6 << 8);
            assert_eq!(world.ready(&second), Some(6 << 8));
        });
    }

    #[test]
    fn a_stranger_that_was_replaced_is_not_waited_for_again() {
        in_both_worlds(|world| {
            let reaper = Reaper::new();
            start(&reaper, 7, STRANGER);
            let first = reaper.reap(7);
            world.settle();
            reaper.table.end(7, 0);
            start(&reaper, 7, STRANGER);
            let second = reaper.reap(7);
            assert_eq!(world.ready(&first), None);
            pass(world, MAX_REAP_INTERVAL);
            assert!(second.is_pending());
            reaper.table.end(7, 0);
            assert_eq!(reaped(world, &second), None);
        });
    }

    /// Only the simulator shows that nothing happens.
    fn simulated(test: impl Fn(&World)) {
        (1..=64).map(World::simulated).for_each(|world| test(&world));
    }

    fn next_timer(world: &World) -> Option<Duration> {
        let World::Simulated { simulation, .. } = world else { panic!("a simulation") };
        Some(simulation.next_timer()? - simulation.now())
    }

    #[test]
    fn many_processes_are_looked_at_less_often() {
        simulated(|world| {
            let reaper = Reaper::new();
            start(&reaper, 1000, STRANGER);
            let first = reaper.reap(1000);
            world.settle();
            assert_eq!(next_timer(world), Some(MIN_REAP_INTERVAL));
            let many: Vec<_> = (0..HIGH_PID_COUNT as OsPid)
                .map(|pid| {
                    start(&reaper, pid, STRANGER);
                    reaper.reap(pid)
                })
                .collect();
            pass(world, MIN_REAP_INTERVAL);
            assert_eq!(next_timer(world), Some(MAX_REAP_INTERVAL));
            (0..HIGH_PID_COUNT as OsPid).for_each(|pid| reaper.table.end(pid, 0));
            pass(world, MAX_REAP_INTERVAL - Duration::from_millis(1));
            assert!(many.iter().all(Future::is_pending));
            pass(world, Duration::from_millis(1));
            assert!(many.iter().all(|status| status.get() == Some(&None)));
            assert!(first.is_pending());
            assert_eq!(next_timer(world), Some(MIN_REAP_INTERVAL));
        });
    }

    #[test]
    fn nobody_looks_while_there_is_nothing_to_look_at() {
        simulated(|world| {
            let reaper = Reaper::new();
            start(&reaper, 7, CHILD);
            let child = reaper.reap(7);
            world.settle();
            assert_eq!(next_timer(world), None, "the kernel will tell");
            start(&reaper, 8, STRANGER);
            let stranger = reaper.reap(8);
            world.settle();
            assert!(next_timer(world).is_some());
            reaper.table.end(8, 0);
            assert_eq!(reaped(world, &stranger), None);
            assert_eq!(next_timer(world), None);
            reaper.table.end(7, 0);
            assert_eq!(world.ready(&child), Some(0));
        });
    }
}
