//! Everything in any order: nothing brings the containerizer down, each container ends once, and
//! each question is answered.

mod support;

use containerizer::docker::State;
use containerizer::gpu::Gpu;
use containerizer::state::{ExecutorState, FrameworkState, RunState, SlaveState};
use containerizer::{Containerizer, LaunchResult};
use docker::Image;
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::status::w_exitcode;
use mesos::{ContainerId, ExecutorInfo, resources};
use process::future::Value;
use process::host::OsPid;
use process::simulated::ContextId;
use process::{Future, Nothing, Promise, Upid};
use std::collections::BTreeMap;
use std::sync::Arc;
use support::fakes::{Calls, Life};
use support::{World, config, custom_executor, inspected, io, with_uri};

const SCHEDULES: u64 = 2_000;
const STEPS: usize = 120;
const CONTAINERS: usize = 3;

/// Pids from here on are those of executors in containers.
const CONTAINED: OsPid = 100_000;

/// The executor of an earlier life.
const RECOVERED: OsPid = 99_999;
const ADDRESS: &str = "127.0.0.1:4000";

/// A small generator; which one does not matter, as long as it is the same everywhere.
struct Choices(u64);

impl Choices {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.below(from.len())].clone())
    }
}

struct Run {
    world: World,
    choices: Choices,
    launches: BTreeMap<ContainerId, Future<LaunchResult>>,
    ends: Vec<(ContainerId, Future<Option<ContainerTermination>>)>,
    updates: Vec<Future<Nothing>>,
    recovery: Future<Nothing>,
    recovered: bool,
    ordinary: usize,
}

/// The container of an earlier life.
fn known() -> ContainerId {
    ContainerId::new("c1c1c1c1-0000-4000-8000-000000000001")
}

/// What `docker ps` shows then: that one, an orphan, and one that is not ours.
fn found() -> Vec<docker::Container> {
    let names = [
        "/mesos-c1c1c1c1-0000-4000-8000-000000000001",
        "/mesos-s0.c1c1c1c1-0000-4000-8000-000000000002",
        "/mesos-x",
    ];
    let named = |name: &str| docker::Container { name: name.to_owned(), ..Default::default() };
    names.map(named).to_vec()
}

fn container(index: usize) -> ContainerId {
    ContainerId::new(format!("container-{index}"))
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut run = Run {
            world: World::new(),
            choices: Choices(seed),
            launches: BTreeMap::new(),
            ends: Vec::new(),
            updates: Vec::new(),
            recovery: Future::ready(Nothing),
            recovered: false,
            ordinary: 0,
        };
        if run.choices.below(3) == 0 {
            run.recover();
        }
        run
    }

    /// Every third run begins with an executor of an earlier life, alive or not, and an orphan.
    fn recover(&mut self) {
        if self.choices.below(4) > 0 {
            self.world.host.listeners.lock().insert(ADDRESS.parse().expect("an address"));
        }
        let run = RunState {
            forked_pid: Some(RECOVERED),
            libprocess_pid: Some(Upid::new("executor(1)", ADDRESS)),
            ..RunState::default()
        };
        let executor = ExecutorState {
            info: Some(ExecutorInfo::default()),
            latest: Some(known()),
            runs: [(known(), run)].into(),
            ..ExecutorState::default()
        };
        let framework =
            FrameworkState { executors: [("e".into(), executor)].into(), ..Default::default() };
        let state =
            SlaveState { frameworks: [("f".into(), framework)].into(), ..Default::default() };
        self.recovery = self.world.containerizer.recover(Some(Arc::new(state)));
        self.recovered = true;
    }

    fn launch(&mut self) {
        let index = self.launches.len();
        if index == CONTAINERS {
            return;
        }
        let mut config = if self.choices.below(2) == 0 { with_uri(config()) } else { config() };
        let task = config.task_info.as_mut().and_then(|task| task.container.as_mut());
        let docker = task.and_then(|container| container.docker.as_mut()).expect("there is one");
        docker.image = container(index).value;
        if self.choices.below(8) == 0 {
            config.resources = vec![resources::scalar("gpus", 1.0)];
        }
        if self.choices.below(3) == 0 {
            config = ContainerConfig { command_info: config.command_info, ..custom_executor() };
            let executor = config.executor_info.as_mut().and_then(|it| it.container.as_mut());
            let docker = executor.and_then(|it| it.docker.as_mut()).expect("there is one");
            docker.image = container(index).value;
        }
        let containerizer = &self.world.containerizer;
        let path = Some(format!("/meta/{index}").into());
        let launch = containerizer.launch(&container(index), config.into(), BTreeMap::new(), path);
        self.launches.insert(container(index), launch);
    }

    fn end(&mut self, destroy: bool) {
        let container = container(self.choices.below(CONTAINERS));
        let containerizer = &self.world.containerizer;
        let end = match destroy {
            true => containerizer.destroy(&container),
            false => containerizer.wait(&container),
        };
        self.ends.push((container, end));
    }

    fn update(&mut self) {
        let container = container(self.choices.below(CONTAINERS));
        let requests = vec![resources::scalar("cpus", 1.0)];
        let update = self.world.containerizer.update(&container, requests, BTreeMap::new());
        self.updates.push(update);
    }

    /// Answers one of the open calls.
    fn answer<T: Value>(
        &mut self,
        context: ContextId,
        calls: &Calls<T>,
        answer: impl FnOnce(&Promise<T>, usize) -> bool,
    ) {
        if let Some(call) = self.choices.pick(&calls.open()) {
            let choice = self.choices.below(4);
            self.world.in_context(context, || answer(&call, choice));
        }
    }

    /// Answers an inspect: the container runs, with a pid that no other one has.
    fn inspected(&mut self, inspect: &Promise<docker::Container>) {
        let pid = CONTAINED + self.world.host.files.lock().len() as OsPid;
        self.world.has_cgroups(pid);
        self.world.in_docker(|| inspect.set(inspected(pid)));
    }

    /// The executors that are watched and run.
    fn executors(&self) -> Vec<OsPid> {
        let host = &self.world.host;
        let reaped = self.world.journal.about("reap ");
        let pids = reaped.iter().filter_map(|line| line["reap ".len()..].parse().ok());
        let contained = pids.filter(|pid| *pid >= RECOVERED && !host.ended(*pid));
        host.running().into_iter().chain(contained).collect()
    }

    fn exit(&mut self, pid: OsPid) {
        let statuses = [Some(0), Some(w_exitcode(1, 0)), Some(w_exitcode(0, 9)), None];
        let status = self.choices.pick(&statuses).flatten();
        self.world.in_context(self.world.contexts.host, || self.world.host.exit(pid, status));
    }

    fn step(&mut self) {
        let contexts = self.world.contexts;
        match self.choices.below(38) {
            0 | 1 => self.launch(),
            2 => self.end(true),
            3 => self.end(false),
            4 => self.update(),
            5 | 6 => {
                let pulls = Arc::clone(&self.world.pulls);
                self.answer(contexts.docker, &pulls, |pull, choice| match choice {
                    0 => pull.fail("no such image"),
                    // Unless it is asked to, a pull is discarded by nobody.
                    1 if pull.future().has_discard() => pull.discard(),
                    _ => pull.set(Image::default()),
                });
            }
            7 | 8 => {
                let logger = Arc::clone(&self.world.logger);
                self.answer(contexts.logger, &logger.prepares, |prepare, choice| match choice {
                    0 => prepare.fail("no pipe"),
                    _ => prepare.set(io()),
                });
            }
            9 => {
                let stops = Arc::clone(&self.world.stops);
                self.answer(contexts.docker, &stops, |stop, choice| match choice {
                    0 => stop.fail("no such container"),
                    1 => stop.discard(),
                    _ => stop.set(Nothing),
                });
            }
            10 => {
                if let Some(pid) = self.choices.pick(&self.executors()) {
                    self.exit(pid);
                }
            }
            11 => {
                let operations =
                    ["fork", "checkpoint", "unmount", "mounts", "kill", "touch", "write"];
                let operation = self.choices.pick(&operations).unwrap_or_default();
                self.world.host.fails(operation, "broken");
            }
            12 | 13 => self.world.host.recovers(),
            14 => drop(self.world.sim.fire_timer()),
            15 => {
                let gpus = Arc::clone(&self.world.gpus);
                self.answer(contexts.host, &gpus.allocations, |gpus, choice| match choice {
                    0 => gpus.fail("none left"),
                    _ => gpus.set([Gpu { major: 195, minor: 0 }].into()),
                });
            }
            16 => {
                let gpus = Arc::clone(&self.world.gpus);
                self.answer(contexts.host, &gpus.deallocations, |done, choice| match choice {
                    0 => done.fail("broken"),
                    _ => done.set(Nothing),
                });
            }
            17 => {
                let runs = Arc::clone(&self.world.runs);
                self.answer(contexts.docker, &runs, |run, choice| match choice {
                    0 => run.fail("no daemon"),
                    1 => run.set(Some(w_exitcode(125, 0))),
                    2 => run.set(None),
                    _ => run.set(Some(0)),
                });
            }
            18 => {
                let inspects = Arc::clone(&self.world.inspects);
                self.answer(contexts.docker, &inspects, |inspect, choice| match choice {
                    0 => inspect.fail("no daemon"),
                    1 if inspect.future().has_discard() => inspect.discard(),
                    1 => inspect.set(docker::Container::default()),
                    _ => false,
                });
            }
            22 | 23 => {
                let lists = Arc::clone(&self.world.lists);
                self.answer(contexts.docker, &lists, |list, choice| match choice {
                    0 => list.fail("no daemon"),
                    _ => list.set(found()),
                });
                if self.choices.below(4) == 0 && self.recovered {
                    let end = self.world.containerizer.destroy(&known());
                    self.ends.push((known(), end));
                }
            }
            19..=21 => {
                if let Some(inspect) = self.choices.pick(&self.world.inspects.open()) {
                    self.inspected(&inspect);
                }
            }
            _ => {
                let choice = self.choices.below(self.world.sim.flushable().max(1));
                self.world.sim.flush(choice);
            }
        }
    }

    /// Lets everything that is open come to its end: calls are answered, processes exit, and the
    /// agent destroys everything.
    fn finish(&mut self) {
        for round in 0.. {
            assert!(round < 20, "no end in sight");
            self.world.settle();
            for pull in self.world.pulls.open() {
                self.world.in_docker(|| pull.set(Image::default()));
            }
            for prepare in self.world.logger.prepares.open() {
                self.world.in_docker(|| prepare.set(io()));
            }
            for list in self.world.lists.open() {
                self.world.in_docker(|| list.set(found()));
            }
            for stop in self.world.stops.open() {
                self.world.in_docker(|| stop.set(Nothing));
            }
            for gpus in self.world.gpus.allocations.open() {
                self.world.in_docker(|| gpus.set([Gpu { major: 195, minor: 0 }].into()));
            }
            for done in self.world.gpus.deallocations.open() {
                self.world.in_docker(|| done.set(Nothing));
            }
            for inspect in self.world.inspects.open() {
                self.inspected(&inspect);
            }
            for pid in self.executors() {
                self.exit(pid);
            }
            let pending = self.launches.values().any(Future::is_pending);
            if self.world.count() == 0 && !pending && !self.recovery.is_pending() {
                break;
            }
            let recovered = self.recovered.then(known);
            for container in self.launches.keys().chain(&recovered) {
                let end = self.world.containerizer.destroy(container);
                self.ends.push((container.clone(), end));
            }
        }
        while self.world.sim.fire_timer() {
            self.world.settle();
        }
        self.world.settle();
    }

    /// Taken up if the daemon could be asked; ended once, its orphan stopped.
    fn check_recovered(&self, life: Option<&Life>) {
        let lines = self.world.journal.lines();
        let orphans = lines.iter().filter(|line| line.ends_with("remove")).count();
        let answered = life.is_some();
        assert_eq!(orphans, usize::from(answered));
        if let Some(life) = life {
            assert_eq!((life.terminations.len(), life.erased), (1, 1));
            assert_eq!(life.states[0], State::Running);
            let removed = format!("rm {}", &found()[0].name[1..]);
            assert_eq!(lines.iter().filter(|line| **line == removed).count(), 1);
        }
        let dead = !lines.contains(&format!("reap {RECOVERED}"));
        let signalled = lines.iter().any(|line| line.starts_with(&format!("kill {RECOVERED} ")));
        assert!(!dead || !signalled, "a pid that may be another process's is left alone");
    }

    fn check(&mut self) {
        let mut lives = self.world.observed.lives();
        self.check_recovered(lives.get(&known()));
        for (container, end) in self.ends.extract_if(.., |(id, _)| *id == known()) {
            let told = end.get().unwrap_or_else(|| panic!("{container}: {end}"));
            let truth = lives.get(&known()).map(|life| life.terminations.clone());
            assert!(told.is_none() || truth == told.clone().map(|told| vec![Ok(told)]));
        }
        lives.remove(&known());
        assert_eq!(lives.len(), self.launches.len(), "each that was launched is seen");
        for (container, life) in &lives {
            assert_eq!(life.terminations.len(), 1, "{container}");
            assert!(life.terminations[0].is_ok(), "{container}");
            assert_eq!(life.erased, 1, "{container}");
            assert!(life.states.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", life.states);
        }
        for (container, end) in &self.ends {
            // Whoever was told anything was told the one truth.
            let told = end.get().unwrap_or_else(|| panic!("{container}: {end}"));
            if let Some(told) = told {
                assert_eq!(lives[container].terminations, [Ok(told.clone())], "{container}");
            }
        }
        assert!(self.updates.iter().all(|update| !update.is_pending()));
        let lines = self.world.journal.lines();
        for (container, life) in &lives {
            let successful = self.launches[container].is_ready();
            self.ordinary += usize::from(successful);
            check_steps(&lines, &container.value, successful);
            let message = life.terminations[0].as_ref().ok().and_then(|it| it.message.as_deref());
            let was_stopped = lines.contains(&format!("stop mesos-{container} 5s"));
            assert!(!was_stopped || message == Some("Container killed"), "{message:?}");
            let removed = lines.iter().filter(|line| **line == format!("rm mesos-{container}"));
            assert_eq!(removed.count(), usize::from(successful), "what ran is removed, and once");
        }
    }
}

/// Nothing is started twice, nor for a container that has ended.
fn check_steps(lines: &[String], container: &str, successful: bool) {
    let position = |wanted: &str| {
        let mut found = lines.iter().enumerate().filter(|(_, line)| line.starts_with(wanted));
        let first = found.next().map(|(index, _)| index);
        assert_eq!(found.next(), None, "{wanted} twice");
        first
    };
    let steps = [
        position(&format!("pull {container} ")),
        position(&format!("prepare {container}")),
        position(&format!("fork mesos-docker-executor {container}"))
            .or(position(&format!("run mesos-{container}"))),
        position(&format!("terminated {container}")),
        position(&format!("erased {container}")),
    ];
    let taken: Vec<_> = steps.into_iter().flatten().collect();
    assert!(taken.is_sorted(), "{container}: {lines:?}");
    assert!(!successful || taken.len() == steps.len(), "a success leaves nothing out");
}

#[test]
fn whatever_comes_in_whatever_order_each_container_ends_once() {
    let mut successes = 0;
    for seed in 0..SCHEDULES {
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step();
            let crash = run.world.sim.crash();
            assert!(crash.is_none(), "seed {seed}: {crash:?}");
        }
        run.world.host.recovers();
        run.finish();
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.check()));
        assert!(checked.is_ok(), "seed {seed}: {:#?}", run.world.journal.lines());
        successes += run.ordinary;
    }
    // Neither everything nor nothing was broken off.
    let all = SCHEDULES as usize * CONTAINERS;
    assert!((all / 10..all * 9 / 10).contains(&successes), "{successes} of {all} ran");
}

#[test]
fn a_schedule_can_be_repeated() {
    let digest = |seed| {
        let mut run = Run::new(seed);
        (0..STEPS).for_each(|_| run.step());
        run.finish();
        (run.world.sim.digest(), run.world.journal.lines())
    };
    for seed in 0..20 {
        assert_eq!(digest(seed), digest(seed));
    }
}
