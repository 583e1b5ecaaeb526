//! Timelines for the tests: one built by hand that looks like a run, and ways to build others.

use crate::timeline::{Event, Lane, LaneKind, Remark, StateChange, Timeline, Verdict};

/// A timeline under construction. Events happen at `now`.
pub struct Run {
    pub timeline: Timeline,
    pub now: u64,
}

impl Run {
    pub fn new(lanes: &[(&str, LaneKind)]) -> Self {
        let lanes = lanes.iter().zip(0..);
        let lanes =
            lanes.map(|((name, kind), id)| Lane { id, name: (*name).to_owned(), kind: *kind });
        Run {
            timeline: Timeline {
                scenario: "destroy-during-pull".to_owned(),
                seed: Some(4711),
                strategy: "random".to_owned(),
                replay: "drydock sim replay trace.json".to_owned(),
                verdict: None,
                lanes: lanes.collect(),
                events: Vec::new(),
                remarks: Vec::new(),
                states: Vec::new(),
                chain: Vec::new(),
            },
            now: 0,
        }
    }

    pub fn event(&mut self, cause: u64, lane: u32, label: &str) -> u64 {
        let step = self.timeline.events.len() as u64;
        let (id, label) = (step + 1, label.to_owned());
        self.timeline.events.push(Event { id, cause, time_ns: self.now, lane, label, step });
        id
    }

    pub fn remark(&mut self, event: u64, kind: &str, text: &str) {
        let (kind, text) = (kind.to_owned(), text.to_owned());
        self.timeline.remarks.push(Remark { event, time_ns: self.now, kind, text });
    }

    pub fn state(&mut self, event: u64, container: &str, state: &str) {
        self.remark(event, "state", &format!("{container} is {state}"));
        let (container, state) = (container.to_owned(), state.to_owned());
        self.timeline.states.push(StateChange { container, state, event, time_ns: self.now });
    }

    pub fn violation(mut self, oracle: &str, message: &str, event: u64) -> Timeline {
        let (oracle, message) = (oracle.to_owned(), message.to_owned());
        self.timeline.chain = self.timeline.causes_of(event);
        self.timeline.verdict = Some(Verdict { oracle, finding: None, message, event });
        self.timeline
    }
}

const CONTAINER: &str = "b9f0c2d4-71aa";
const MS: u64 = 1_000_000;
const LANES: [(&str, LaneKind); 9] = [
    ("scenario", LaneKind::Scenario),
    ("slave(1)", LaneKind::Process),
    ("docker-containerizer(1)", LaneKind::Process),
    ("fetcher(1)", LaneKind::Process),
    ("sandbox-logger(1)", LaneKind::Process),
    ("docker daemon", LaneKind::Docker),
    ("registry", LaneKind::Docker),
    ("host", LaneKind::Host),
    ("clock", LaneKind::Clock),
];
const SCENARIO: u32 = 0;
const SLAVE: u32 = 1;
const CONTAINERIZER: u32 = 2;
const FETCHER: u32 = 3;
const LOGGER: u32 = 4;
const DAEMON: u32 = 5;
const REGISTRY: u32 = 6;
const HOST: u32 = 7;
const CLOCK: u32 = 8;

/// A container is destroyed while its image is pulled, and the pull goes on.
pub fn destroy_while_pulling() -> Timeline {
    let mut run = Run::new(&LANES);
    let pull = launch_until_pull(&mut run);
    let layer = first_layers(&mut run, pull);
    let noticed = destroy(&mut run, layer);
    run.violation(
        "I-CLI",
        "the pull of alpine:3.20 for container b9f0c2d4-71aa (task web.1) is still downloading \
         layer 2 of 5 1.5 s after the container's termination was reported",
        noticed,
    )
}

fn launch_until_pull(run: &mut Run) -> u64 {
    let start = run.event(0, SCENARIO, "Scenario::start");
    let task = run.event(start, SLAVE, "Slave::runTask");
    run.remark(task, "task", "task web.1 of framework f-0001 with image alpine:3.20");
    let later = run.event(start, CLOCK, "Clock::timer");
    run.remark(later, "timer", "destroy in 1.2 s");
    let authorized = run.event(task, SLAVE, "Slave::_run");
    let executor = run.event(authorized, SLAVE, "Slave::launchExecutor");
    let timeout = run.event(executor, CLOCK, "Clock::timer");
    run.remark(timeout, "timer", "executor registration timeout in 1 min");
    let launch = run.event(executor, CONTAINERIZER, "DockerContainerizerProcess::launch");
    run.state(launch, CONTAINER, "FETCHING");
    let fetch = run.event(launch, FETCHER, "FetcherProcess::fetch");
    let logger = run.event(launch, LOGGER, "SandboxLoggerProcess::prepare");
    run.now = 2 * MS;
    let opened = run.event(logger, HOST, "Host::open");
    run.remark(opened, "file", "stdout, stderr in the sandbox");
    let ready = run.event(opened, LOGGER, "SandboxLoggerProcess::prepared");
    let child = run.event(fetch, HOST, "Host::spawn");
    run.remark(child, "process", "mesos-fetcher is pid 4012");
    run.now = 9 * MS;
    let exit = run.event(child, HOST, "Host::exit");
    run.remark(exit, "process", "pid 4012 exited with status 0");
    let reaped = run.event(exit, FETCHER, "FetcherProcess::reaped");
    run.event(ready, CONTAINERIZER, "DockerContainerizerProcess::loggerReady");
    let fetched = run.event(reaped, CONTAINERIZER, "DockerContainerizerProcess::_launch");
    let pull = run.event(fetched, CONTAINERIZER, "DockerContainerizerProcess::pull");
    run.state(pull, CONTAINER, "PULLING");
    pull
}

fn first_layers(run: &mut Run, pull: u64) -> u64 {
    let inspect = run.event(pull, DAEMON, "Docker::inspectImage");
    run.remark(inspect, "docker", "no such image: alpine:3.20");
    run.now = 12 * MS;
    let missing = run.event(inspect, CONTAINERIZER, "DockerContainerizerProcess::imageMissing");
    let request = run.event(missing, DAEMON, "Docker::pull");
    run.remark(request, "docker", "request 7: POST /images/create?fromImage=alpine&tag=3.20");
    let manifest = run.event(request, REGISTRY, "Registry::manifest");
    run.remark(manifest, "registry", "5 layers, 41 MB");
    run.now = 58 * MS;
    let resolved = run.event(manifest, DAEMON, "Docker::manifestResolved");
    let first = run.event(resolved, REGISTRY, "Registry::layer");
    let second = run.event(resolved, REGISTRY, "Registry::layer");
    run.remark(second, "fault", "pull-stalled: layer 2 of 5 sends nothing from byte 1,310,720 on");
    let third = run.event(resolved, REGISTRY, "Registry::layer");
    run.now = 320 * MS;
    let done = run.event(first, DAEMON, "Docker::layerDone");
    run.remark(done, "docker", "layer 1 of 5: 3.6 MB");
    let progress = run.event(done, CONTAINERIZER, "DockerContainerizerProcess::pullProgress");
    run.event(progress, SLAVE, "Slave::containerProgress");
    run.now = 700 * MS;
    let done = run.event(third, DAEMON, "Docker::layerDone");
    run.remark(done, "docker", "layer 3 of 5: 11.2 MB");
    run.event(done, CONTAINERIZER, "DockerContainerizerProcess::pullProgress");
    let fourth = run.event(done, REGISTRY, "Registry::layer");
    run.event(fourth, DAEMON, "Docker::layerDone");
    second
}

fn destroy(run: &mut Run, layer: u64) -> u64 {
    run.now = 1_200 * MS;
    let fired = run.event(3, CLOCK, "Clock::fire");
    let kill = run.event(fired, SCENARIO, "Scenario::destroy");
    let task = run.event(kill, SLAVE, "Slave::killTask");
    let shut = run.event(task, SLAVE, "Slave::shutdownExecutor");
    let usage = run.event(task, CONTAINERIZER, "DockerContainerizerProcess::usage");
    run.event(usage, SLAVE, "Slave::__usage");
    let destroy = run.event(shut, CONTAINERIZER, "DockerContainerizerProcess::destroy");
    run.state(destroy, CONTAINER, "DESTROYING");
    run.remark(destroy, "destroy", "while PULLING: discards the future of the pull");
    let discard = run.event(destroy, DAEMON, "Docker::pull discarded");
    run.remark(discard, "docker", "request 7: its client is gone; the daemon has not noticed");
    let discarded = run.event(destroy, CONTAINERIZER, "DockerContainerizerProcess::pullDiscarded");
    run.event(destroy, FETCHER, "FetcherProcess::kill");
    let closed = run.event(discarded, LOGGER, "SandboxLoggerProcess::close");
    run.event(closed, HOST, "Host::close");
    let stopped = run.event(discarded, CONTAINERIZER, "DockerContainerizerProcess::_destroy");
    let report = run.event(stopped, CONTAINERIZER, "DockerContainerizerProcess::____destroy");
    run.remark(report, "terminated", "b9f0c2d4-71aa: Container destroyed while pulling image");
    run.state(report, CONTAINER, "GONE");
    let terminated = run.event(report, SLAVE, "Slave::executorTerminated");
    let update = run.event(terminated, SLAVE, "Slave::statusUpdate");
    run.remark(update, "update", "TASK_KILLED for web.1, REASON_CONTAINER_LAUNCH_FAILED");
    run.event(update, SCENARIO, "Scenario::statusUpdate");
    run.event(terminated, SLAVE, "Slave::removeExecutor");
    let woken = run.event(terminated, CLOCK, "Clock::timer");
    run.remark(woken, "timer", "I-CLI looks again in 1.5 s");
    run.now = 2_100 * MS;
    let more = run.event(layer, DAEMON, "Docker::layerBytes");
    run.remark(more, "docker", "layer 2 of 5: 1.9 of 14 MB");
    run.now = 2_700 * MS;
    let looks = run.event(woken, CLOCK, "Clock::fire");
    run.event(looks, SCENARIO, "Oracle::pullsOutlive")
}

/// `count` events over ten lanes, with a fault now and then and a violation at the end.
pub fn large(count: u64) -> Timeline {
    let names: Vec<String> = (0..10).map(|n| format!("process({n})")).collect();
    let lanes: Vec<(&str, LaneKind)> =
        names.iter().map(|name| (name.as_str(), LaneKind::Process)).collect();
    let mut run = Run::new(&lanes);
    // Any fixed sequence does; this one looks random enough.
    let mut number = 1_u64;
    for id in 1..=count {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        let draw = number >> 33;
        if draw.is_multiple_of(50) {
            run.now += draw % 7 * 100 * MS;
        }
        let cause = id.saturating_sub(1 + draw % 9);
        let lane = u32::try_from(draw / 16 % 10).unwrap_or(0);
        let event = run.event(cause, lane, &format!("Process{}::handle{}", lane, draw % 13));
        if draw % 400 == 3 {
            run.remark(event, "fault", "message-lost: between process(1) and process(2)");
        }
        let states = ["FETCHING", "PULLING", "MOUNTING", "RUNNING", "DESTROYING", "GONE"];
        if draw % 200 == 7 {
            let state = (id * 36 / (count + 1)) as usize;
            run.state(event, &format!("container-{}", state / 6), states[state % 6]);
        }
    }
    run.violation("I-MAP", "container-3 is still in containers_ after its termination", count)
}
