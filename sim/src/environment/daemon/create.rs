//! Creating a container.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::config::{ContainerConfig, Resources, Restart, Settled};
use super::container::{Container, ContainerState, Restarts};
use super::exchange::RequestId;
use super::ids::Kind;
use super::image::ImageSpec;
use super::log::Log;
use super::state::State;
use super::{events, messages, naming, scripts, signals, volumes};
use crate::environment::operations::current_event;
use process::clock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

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
        let created =
            check(&config).and_then(|()| add(daemon, &mut state, name.as_deref(), config));
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
fn check(config: &ContainerConfig) -> Result<(), Refusal> {
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
    for bind in &config.binds {
        let target = bind.split(':').nth(1).unwrap_or(bind);
        if !target.starts_with('/') {
            return Err(Refusal::new(
                500,
                format!(
                    "invalid volume specification: '{bind}': invalid mount config for type \
                     \"volume\": invalid mount path: '{target}' mount path must be absolute"
                ),
            ));
        }
    }
    let score = config.oom_score_adj;
    if !(-1000..=1000).contains(&score) {
        return refuse(format!("Invalid value {score}, range for oom score adj is [-1000, 1000]"));
    }
    check_resources(&config.resources)
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
    let settled = Settled::new(config, &image);
    if settled.entrypoint.is_none() && settled.command.is_empty() {
        return Err(Refusal::new(400, "No command specified"));
    }
    let name = reserve(state, name)?;
    let (number, id) = state.new_id(Kind::Container);
    for bind in &settled.config.binds {
        volumes::used_by(daemon, state, bind);
    }
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
