//! The control groups of containers, as files: version 1, a hierarchy for each subsystem, as the
//! recorded Engine had them.

use super::Shared;
use super::cgroup;
use super::container::Container;
use super::state::State;
use crate::environment::host::KernelFiles;
use process::host::OsPid;
use std::fmt::Write as _;
use std::sync::Weak;

const ROOT: &str = "/sys/fs/cgroup";
const SUBSYSTEMS: [&str; 3] = ["cpu", "cpuacct", "memory"];

/// No limit, as the kernel writes it: the largest multiple of a page.
const UNLIMITED: u64 = 0x7fff_ffff_ffff_f000;

pub(super) struct ControlGroups(pub(super) Weak<Shared>);

impl KernelFiles for ControlGroups {
    fn read(&self, path: &str) -> Option<String> {
        if path == "/proc/mounts" {
            return Some(mounts());
        }
        let daemon = self.0.upgrade()?;
        if let Some(pid) = path.strip_prefix("/proc/").and_then(|it| it.strip_suffix("/cgroup")) {
            let pid: OsPid = pid.parse().ok()?;
            // A process that has ended is in no group of its own any more.
            let running = daemon.host.is_running(pid);
            let state = daemon.state.lock();
            let group = state.containers.values().find(|it| it.pid == Some(pid));
            let group = group.map_or("/".to_owned(), |it| format!("/docker/{}", it.id));
            return running.then(|| membership(&group));
        }
        let (subsystem, id, file) = parse(path)?;
        let state = daemon.state.lock();
        let container = state.containers.values().find(|it| &*it.id == id && it.pid.is_some())?;
        content(&state, container, subsystem, file)
    }

    fn write(&self, path: &str, content: &str) -> Option<Result<(), String>> {
        let (_, id, file) = parse(path)?;
        let daemon = self.0.upgrade()?;
        let mut state = daemon.state.lock();
        let mut all = state.containers.values_mut();
        let container = all.find(|it| &*it.id == id && it.pid.is_some())?;
        let Ok(value) = content.trim().parse::<i64>() else {
            return Some(Err(format!("Failed to write '{path}': Invalid argument")));
        };
        // Docker says 0 where the kernel says -1.
        let limit = value.max(0);
        let resources = &mut container.resources;
        match file {
            "cpu.shares" => resources.cpu_shares = value.max(2),
            "cpu.cfs_period_us" => resources.cpu_period = value,
            "cpu.cfs_quota_us" => resources.cpu_quota = limit,
            "memory.limit_in_bytes" => resources.memory = limit,
            "memory.soft_limit_in_bytes" => resources.memory_reservation = limit,
            _ => return Some(Err(format!("Failed to open '{path}': Permission denied"))),
        }
        Some(Ok(()))
    }
}

fn mounts() -> String {
    let mut table = "proc /proc proc rw 0 0\n".to_owned();
    for subsystem in SUBSYSTEMS {
        let _ = writeln!(table, "cgroup {ROOT}/{subsystem} cgroup rw,{subsystem} 0 0");
    }
    table
}

fn membership(group: &str) -> String {
    let mut lines = String::new();
    for (number, subsystem) in SUBSYSTEMS.iter().enumerate() {
        let _ = writeln!(lines, "{}:{subsystem}:{group}", number + 1);
    }
    lines
}

/// Subsystem, container and file of `/sys/fs/cgroup/memory/docker/<id>/memory.stat`.
fn parse(path: &str) -> Option<(&str, &str, &str)> {
    let (subsystem, rest) = path.strip_prefix(ROOT)?.strip_prefix('/')?.split_once("/docker/")?;
    let (id, file) = rest.split_once('/')?;
    SUBSYSTEMS.contains(&subsystem).then_some((subsystem, id, file))
}

fn content(state: &State, container: &Container, subsystem: &str, file: &str) -> Option<String> {
    let figures = cgroup::figures(state, container);
    let reservation = u64::try_from(container.resources.memory_reservation).ok();
    let number = match (subsystem, file) {
        ("cpu", "cpu.shares") => figures.cpu_shares.to_string(),
        ("cpu", "cpu.cfs_period_us") => figures.cpu_period.to_string(),
        ("cpu", "cpu.cfs_quota_us") => {
            figures.cpu_quota.map_or("-1".to_owned(), |quota| quota.to_string())
        }
        ("cpu", "cpu.stat") => "nr_periods 0\nnr_throttled 0\nthrottled_time 0".to_owned(),
        ("cpuacct", "cpuacct.stat") => {
            // In hundredths of a second.
            format!("user {}\nsystem 0", figures.processor_time.as_millis() / 10)
        }
        ("memory", "memory.limit_in_bytes") => {
            figures.memory_limit.unwrap_or(UNLIMITED).to_string()
        }
        ("memory", "memory.soft_limit_in_bytes") => {
            reservation.filter(|limit| *limit > 0).unwrap_or(UNLIMITED).to_string()
        }
        ("memory", "memory.stat") => format!("cache 0\nrss {}", figures.memory),
        _ => return None,
    };
    Some(format!("{number}\n"))
}
