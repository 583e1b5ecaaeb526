//! What a container uses, and what it may use.

use super::Shared;
use super::container::Container;
use super::events;
use super::program::Key;
use super::state::State;
use process::clock;
use std::sync::Arc;
use std::time::Duration;

/// How long a program runs that a fault lets run out of memory.
pub(super) const DOOM: Duration = Duration::from_secs(1);

/// The figures of a container's control group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// Memory in use, bytes.
    pub memory: u64,
    /// The most that was ever in use.
    pub memory_max: u64,
    /// How much may be in use; `None` without a limit.
    pub memory_limit: Option<u64>,
    /// Processor time used.
    pub processor_time: Duration,
    /// Shares of the processors, 1024 by default.
    pub cpu_shares: u64,
    /// Microseconds of processor time in each period; `None` without a limit.
    pub cpu_quota: Option<u64>,
    /// The length of a period in microseconds.
    pub cpu_period: u64,
    /// How many processes it has.
    pub processes: u32,
    /// How long it has run.
    pub age: Duration,
}

const SHARES: u64 = 1024;
const PERIOD: u64 = 100_000;

/// The limit of a container's memory.
fn limit(container: &Container) -> Option<u64> {
    u64::try_from(container.resources.memory).ok().filter(|limit| *limit > 0)
}

/// All programs of a container: what they have.
pub(super) fn figures(state: &State, container: &Container) -> Cgroup {
    let execs =
        container.execs.iter().filter_map(|number| state.execs.get(number)?.program.as_ref());
    let programs = container.program.iter().chain(execs);
    let resources = &container.resources;
    let positive = |value: i64| u64::try_from(value).ok().filter(|value| *value > 0);
    let mut figures = Cgroup {
        memory_limit: limit(container),
        cpu_shares: positive(resources.cpu_shares).unwrap_or(SHARES),
        cpu_period: positive(resources.cpu_period).unwrap_or(PERIOD),
        age: container.started.map_or(Duration::ZERO, |started| clock::now() - started),
        ..Cgroup::default()
    };
    figures.cpu_quota = positive(resources.cpu_quota)
        .or_else(|| Some(positive(resources.nano_cpus)? * figures.cpu_period / 1_000_000_000));
    for program in programs {
        figures.memory += program.memory();
        figures.memory_max += program.memory_max();
        figures.processor_time += program.processor_time();
        figures.processes += 1;
    }
    if let Some(quota) = figures.cpu_quota {
        let share = quota as f64 / figures.cpu_period as f64;
        figures.processor_time = figures.processor_time.min(figures.age.mul_f64(share));
    }
    figures
}

/// How much more memory a program may have.
pub(super) fn room(state: &State, key: Key, total: u64) -> u64 {
    let number = match key {
        Key::Container(number) => Some(number),
        Key::Exec(number) => state.execs.get(&number).map(super::exec::Exec::container),
    };
    let Some(container) = number.and_then(|number| state.containers.get(&number)) else { return 0 };
    let limit = limit(container).unwrap_or(total);
    limit.saturating_sub(figures(state, container).memory)
}

/// A program of a container is about to be killed for its memory.
pub(super) fn out_of_memory(daemon: &Arc<Shared>, key: Key) {
    let mut state = daemon.state.lock();
    let number = match key {
        Key::Container(number) => Some(number),
        Key::Exec(number) => state.execs.get(&number).map(super::exec::Exec::container),
    };
    let Some(container) = number.and_then(|number| state.containers.get_mut(&number)) else {
        return;
    };
    container.oom_killed = matches!(key, Key::Container(_));
    let number = container.number;
    state.coverage.oom_kills += 1;
    events::of_container(daemon, &mut state, number, "oom");
}
