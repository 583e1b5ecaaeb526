//! Twins of `3rdparty/libprocess/src/tests/reap_tests.cpp`, on the simulated host under many
//! schedules.

use super::Rig;
use super::schedules::under_many_schedules;
use crate::environment::host::{Behaviour, SIGKILL, Scripted};
use process::host::{Command, Follow, Host, Subprocess};
use std::time::Duration;

fn start(rig: &Rig, behaviour: Behaviour) -> Subprocess {
    rig.host.register_scripted("program", Scripted { behaviour, ..Scripted::default() });
    rig.host.subprocess(Command::new("program", ["program"]), Vec::new()).expect("started")
}

#[test]
fn non_child_process() {
    under_many_schedules(|rig, schedule| {
        rig.run_container("app");
        let pid = rig.daemon.container("app").and_then(|container| container.pid).expect("a pid");
        let (status, other) = (rig.host.reap(pid), rig.host.reap(pid));
        schedule.some(rig, 5);
        assert!(status.is_pending());
        rig.host.killtree(pid, SIGKILL, Follow::default()).expect("killed");
        schedule.all(rig);
        // It ended, but nobody here can know how.
        assert_eq!((status.get(), other.get()), (Some(&None), Some(&None)));
    });
}

#[test]
fn child_process() {
    under_many_schedules(|rig, schedule| {
        let s = start(rig, Behaviour::default());
        let status = rig.host.reap(s.pid());
        schedule.some(rig, 3);
        assert!(status.is_pending());
        rig.host.killtree(s.pid(), SIGKILL, Follow::default()).expect("killed");
        schedule.all(rig);
        assert_eq!(status.get(), Some(&Some(SIGKILL)));
        assert_eq!(s.status().get(), Some(&Some(SIGKILL)));
    });
}

#[test]
fn terminated_child_process() {
    under_many_schedules(|rig, schedule| {
        let runs_for = Some(Duration::from_millis(10));
        let s = start(rig, Behaviour { runs_for, status: 3 << 8, ..Behaviour::default() });
        while rig.host.is_running(s.pid()) {
            schedule.some(rig, 1);
        }
        // The reaper may have looked already.
        schedule.some(rig, 1);
        let status = rig.host.reap(s.pid());
        schedule.all(rig);
        assert_eq!(status.get(), Some(&Some(3 << 8)));
        assert!(rig.host.processes().is_empty(), "no zombie is left");
    });
}
