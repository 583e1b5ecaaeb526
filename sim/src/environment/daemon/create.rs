//! Creating a container.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::config::{ContainerConfig, Resources, Restart, Settled};
use super::container::{Container, ContainerState, Restarts};
use super::exchange::RequestId;
use super::files::{self, Own};
use super::ids::Kind;
use super::image::ImageSpec;
use super::log::Log;
use super::settings::DaemonSettings;
use super::state::State;
use super::{events, messages, naming, scripts, signals, volumes};
use crate::environment::operations::current_event;
use process::clock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Ways to keep what containers write.
const LOG_DRIVERS: [&str; 11] = [
    "json-file",
    "local",
    "none",
    "syslog",
    "journald",
    "gelf",
    "fluentd",
    "awslogs",
    "splunk",
    "gcplogs",
    "logentries",
];

/// What runs containers.
const RUNTIMES: [&str; 3] = ["runc", "io.containerd.runc.v2", "io.containerd.runtime.v1.linux"];

/// Words of a bind's mode.
const MODES: [&str; 14] = [
    "ro",
    "rw",
    "z",
    "Z",
    "private",
    "rprivate",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "nocopy",
    "consistent",
    "cached",
    "delegated",
];

/// The least memory that a container may be limited to.
const LEAST_MEMORY: i64 = 6 << 20;

pub(super) fn create(
    daemon: &Arc<Shared>,
    id: RequestId,
    name: Option<Arc<str>>,
    config: Arc<ContainerConfig>,
) {
    let result = {
        let mut state = daemon.state.lock();
        let created = check(&config, &daemon.settings)
            .and_then(|()| add(daemon, &mut state, name.as_deref(), config));
        if created.as_ref().is_err_and(|refusal| refusal.status == 409) {
            state.coverage.name_conflicts += 1;
        }
        created
    };
    let work = if result.is_ok() { daemon.settings.create } else { Duration::ZERO };
    let answer = result.map(|id| Answer::Created { id, warnings: Vec::new() });
    daemon.answer(id, answer, work);
}

/// Refuses settings that are impossible whatever the image.
fn check(config: &ContainerConfig, settings: &DaemonSettings) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::new(400, message));
    let directory = &config.working_dir;
    if !directory.is_empty() && !directory.starts_with('/') {
        return refuse(format!(
            "the working directory '{directory}' is invalid, it needs to be an absolute path"
        ));
    }
    if !config.stop_signal.is_empty() {
        signals::parse(&config.stop_signal)?;
    }
    if let Some(wrong) = config.env.iter().find(|line| line.is_empty() || line.starts_with('=')) {
        return refuse(format!("invalid environment variable: {wrong}"));
    }
    if config.auto_remove && config.restart != Restart::No {
        return refuse("can't create 'AutoRemove' container with restart policy".to_owned());
    }
    config.binds.iter().try_for_each(|bind| check_bind(bind))?;
    check_network(config)?;
    let score = config.oom_score_adj;
    if !(-1000..=1000).contains(&score) {
        return refuse(format!("Invalid value {score}, range for oom score adj is [-1000, 1000]"));
    }
    check_resources(&config.resources)?;
    let most = settings.processors;
    let nano = config.resources.nano_cpus;
    if nano != 0 && !(10_000_000..=i64::from(most) * 1_000_000_000).contains(&nano) {
        return refuse(format!(
            "Range of CPUs is from 0.01 to {most}.00, as there are only {most} CPUs available"
        ));
    }
    let driver = config.log_driver.as_str();
    if !driver.is_empty() && !LOG_DRIVERS.contains(&driver) {
        return refuse(format!(
            "error looking up logging plugin {driver}: plugin \"{driver}\" not found"
        ));
    }
    let given = config.given.host.iter().find(|(name, _)| name.eq_ignore_ascii_case("Runtime"));
    let runtime = given.and_then(|(_, runtime)| runtime.as_str()).unwrap_or_default();
    if !runtime.is_empty() && !RUNTIMES.contains(&runtime) {
        return refuse(format!("Unknown runtime specified {runtime}"));
    }
    Ok(())
}

/// Refuses a bind that leads to no absolute path, or has a mode that is none.
fn check_bind(bind: &str) -> Result<(), Refusal> {
    let mut parts = bind.split(':');
    let source = parts.next().unwrap_or_default();
    let target = parts.next().unwrap_or(source);
    if !target.starts_with('/') {
        let kind = if source.starts_with('/') { "bind" } else { "volume" };
        return Err(Refusal::new(
            500,
            format!(
                "invalid volume specification: '{bind}': invalid mount config for type \
                 \"{kind}\": invalid mount path: '{target}' mount path must be absolute"
            ),
        ));
    }
    match parts.next() {
        Some(mode) if !mode.split(',').all(|word| MODES.contains(&word)) => {
            Err(Refusal::new(500, format!("invalid mode: {mode}")))
        }
        _ => Ok(()),
    }
}

/// Refuses what a container in another's network cannot have.
fn check_network(config: &ContainerConfig) -> Result<(), Refusal> {
    if !config.network_mode.starts_with("container:") {
        return Ok(());
    }
    let conflict = if !config.hostname.is_empty() {
        "hostname and the network mode"
    } else if !config.ports.is_empty() {
        "port publishing and the container type network mode"
    } else if !config.exposed_ports.is_empty() {
        "port exposing and the container type network mode"
    } else {
        return Ok(());
    };
    Err(Refusal::new(400, format!("conflicting options: {conflict}")))
}

/// Refuses impossible limits.
pub(super) fn check_resources(resources: &Resources) -> Result<(), Refusal> {
    let refuse = |message: &'static str| Err(Refusal::new(400, message));
    let Resources { memory, memory_swap, memory_reservation, cpu_quota, cpu_period, .. } =
        *resources;
    if memory != 0 && memory < LEAST_MEMORY {
        return Err(messages::memory_too_small());
    }
    if memory > 0 && memory_swap > 0 && memory_swap < memory {
        return refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if memory == 0 && memory_swap > 0 {
        return refuse(
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        );
    }
    if memory_reservation > 0 && memory_reservation < LEAST_MEMORY {
        return refuse("Minimum memory reservation allowed is 6MB");
    }
    if memory > 0 && memory < memory_reservation {
        return refuse(
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        );
    }
    if cpu_period != 0 && !(1_000..=1_000_000).contains(&cpu_period) {
        return refuse(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        );
    }
    if cpu_quota > 0 && cpu_quota < 1_000 {
        return refuse("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    }
    Ok(())
}

/// A container of no image has nothing in it.
fn scratch() -> ImageSpec {
    ImageSpec { command: Vec::new(), ..ImageSpec::new("scratch", &[]) }
}

fn add(
    daemon: &Shared,
    state: &mut State,
    name: Option<&str>,
    config: Arc<ContainerConfig>,
) -> Result<Arc<str>, Refusal> {
    let image = if config.image.is_empty() {
        Arc::new(scratch())
    } else {
        Arc::clone(&state.store.find(&config.image)?.image.spec)
    };
    let config = match config.network_mode.strip_prefix("container:").map(|name| state.find(name)) {
        // The container is meant, whatever its name is later.
        Some(Ok(other)) => {
            let network_mode = format!("container:{}", other.id);
            Arc::new(ContainerConfig { network_mode, ..(*config).clone() })
        }
        _ => config,
    };
    let settled = Settled::new(config, &image);
    if settled.argv().is_empty() {
        return Err(Refusal::new(400, "No command specified"));
    }
    let name = reserve(state, name)?;
    let (number, id) = state.new_id(Kind::Container);
    for bind in &settled.config.binds {
        volumes::used_by(daemon, state, bind);
    }
    files::created(state, &settled.config);
    let container = Container {
        number,
        id: Arc::clone(&id),
        name: Arc::clone(&name),
        image: Arc::clone(&image.id),
        resources: completed(settled.config.resources),
        restart: settled.config.restart,
        script: scripts::choose(&daemon.settings, &image, &settled),
        settled: Arc::new(settled),
        state: ContainerState::Created,
        created: clock::now(),
        started: None,
        finished: None,
        exit_code: 0,
        oom_killed: false,
        error: None,
        pid: None,
        program: None,
        cause: current_event(),
        started_in: None,
        starting: false,
        starter: None,
        restarted: false,
        queue: VecDeque::new(),
        stopped_by_hand: false,
        restarts: Restarts::default(),
        unseen: None,
        removing: false,
        remover: None,
        half_way: false,
        stops: Vec::new(),
        waiters: Vec::new(),
        removal_waiters: Vec::new(),
        followers: Vec::new(),
        log: Log::default(),
        files: Own::default(),
        networks: Vec::new(),
        execs: Vec::new(),
    };
    state.names.insert(name, number);
    state.containers.insert(number, container);
    state.coverage.created += 1;
    state.generation += 1;
    events::of_container(daemon, state, number, "create");
    Ok(id)
}

/// Limits that follow from others.
pub(super) fn completed(mut resources: Resources) -> Resources {
    if resources.memory > 0 && resources.memory_swap == 0 {
        resources.memory_swap = resources.memory.saturating_mul(2);
    }
    resources
}

/// The name for a new container, if it is free.
fn reserve(state: &State, name: Option<&str>) -> Result<Arc<str>, Refusal> {
    match name {
        Some(name) => {
            let plain = naming::check(name, name)?;
            free(state, plain)?;
            Ok(plain.into())
        }
        None => {
            let mut failures = 0;
            loop {
                let name = naming::generate(state.next_number(), failures);
                if free(state, &name).is_ok() {
                    return Ok(name.into());
                }
                failures += 1;
            }
        }
    }
}

/// Refuses a name that is taken.
pub(super) fn free(state: &State, name: &str) -> Result<(), Refusal> {
    match state.names.get(name) {
        Some(number) => {
            let id = super::ids::id(Kind::Container, *number);
            Err(messages::name_conflict(name, &id))
        }
        None => Ok(()),
    }
}
