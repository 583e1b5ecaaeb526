//! A world: one run of a scenario, from the first event until it has come to rest.

mod agent;
mod checks;
mod containerizer;
mod driver;
mod silence;

use crate::coverage::Mark;
use crate::environment::Faults;
use crate::environment::daemon::{DaemonSettings, ImageSpec};
use crate::environment::host::HostSettings;
use crate::environment::{
    Chooser, Daemon, Environment, FetcherProgram, FileServers, SimHost, network,
};
use crate::oracle::{Ledger, Violation};
use crate::scenario::{Level, Scenario, TaskSpec};
use crate::strategy::Strategy;
use crate::stream::{Decision, Stream};
use crate::timeline::{Event, Lane, LaneKind, Remark, StateChange};
use ::containerizer::fetcher::{Fetcher, MESOS_FETCHER};
use driver::{Driver, External};
use parking_lot::Mutex;
use process::Time;
use process::simulated::Simulation;
use std::rc::Rc;
use std::sync::Arc;

/// How one run is made.
pub struct RunOptions {
    /// Who decides.
    pub strategy: Box<dyn Strategy + Send>,
    /// The fault budgets.
    pub faults: Faults,
    /// Record events and remarks, for reports.
    pub tracing: bool,
    /// Keep the decisions, for traces.
    pub keep_decisions: bool,
}

/// What became of a run.
pub struct RunResult {
    /// A digest of all its events, in order.
    pub digest: u64,
    /// How many events were handled.
    pub events: u64,
    /// How many steps the schedule had.
    pub steps: u64,
    /// How much virtual time passed.
    pub end: Time,
    /// What was violated; at most one of each signature.
    pub violations: Vec<Violation>,
    /// The situations that were reached.
    pub marks: Vec<Mark>,
    /// The decisions, if they were kept.
    pub decisions: Vec<Decision>,
    /// For a replay: where it stopped fitting the recorded stream.
    pub divergence: Option<String>,
    /// What was recorded, if it was.
    pub recording: Option<Recording>,
}

/// The events of a recorded run.
pub struct Recording {
    /// All actors.
    pub lanes: Vec<Lane>,
    /// All events.
    pub events: Vec<Event>,
    /// All remarks.
    pub remarks: Vec<Remark>,
    /// All state changes of containers.
    pub states: Vec<StateChange>,
    /// The digest after each event.
    pub digests: Vec<u64>,
}

/// What a scenario's level adds to the world: actors, what the outside does, and oracles.
trait Case {
    /// What the outside does, and when.
    fn externals(&mut self) -> Vec<External>;

    /// Checks when no message is on its way.
    fn settled(&self, world: &World, violations: &mut Vec<Violation>) {
        let _ = (world, violations);
    }

    /// Checks when the healed world has come to rest.
    fn at_rest(&self, world: &World, violations: &mut Vec<Violation>);

    /// The situations reached.
    fn marks(&self, world: &World, marks: &mut Vec<Mark>);
}

/// The parts of a run that the driver and the oracles look at.
struct World {
    simulation: Rc<Simulation>,
    environment: Environment,
    daemon: Daemon,
    host: SimHost,
    servers: FileServers,
    fetcher_program: FetcherProgram,
    ledger: Ledger,
}

impl World {
    fn new(
        scenario: &Scenario,
        faults: Faults,
        chooser: Chooser,
        simulation: &Rc<Simulation>,
    ) -> World {
        let latencies = scenario.explore.latencies;
        let environment = Environment::new(simulation, chooser, faults, latencies);
        network::connect(simulation, environment.operations());
        let host = SimHost::new(environment.operations(), HostSettings::default());
        let settings = DaemonSettings {
            bandwidth: scenario.registry.bandwidth.0.as_u64(),
            registry: scenario.registry.latency.0,
            ..DaemonSettings::default()
        };
        let daemon = Daemon::new(environment.operations(), &host, settings);
        let servers = FileServers::new(environment.operations());
        let program = FetcherProgram::new(environment.operations(), &host, &servers);
        host.register(MESOS_FETCHER, Arc::new(program.clone()));
        for uri in uris(&scenario.task) {
            servers.serve(uri.value, scenario.task.uri_size.0.as_u64());
        }
        World {
            simulation: Rc::clone(simulation),
            environment,
            daemon,
            host,
            servers,
            fetcher_program: program,
            ledger: Ledger::default(),
        }
    }

    /// Makes a directory on the host before the run begins. A fault cannot hit this: there is
    /// nothing yet that it could disturb.
    fn make_directory(&self, path: &str) {
        let made = process::host::Host::mkdir(&self.host, std::path::Path::new(path));
        debug_assert!(made.is_ok(), "{made:?}");
    }

    /// Starts the agent's fetcher.
    fn fetcher(&self, flags: &::containerizer::Flags) -> Fetcher {
        let (host, net) = (Arc::new(self.host.clone()), Arc::new(self.servers.clone()));
        // It fails when an old cache cannot be deleted; a world begins without one.
        Fetcher::spawn(flags, host, net, crate::log()).expect("there is no cache yet")
    }

    fn add_image(&self, scenario: &Scenario, script: crate::environment::daemon::Script) {
        let layers: Vec<_> = scenario.image.layers.iter().map(|size| size.0.as_u64()).collect();
        let mut image = ImageSpec::new("image", &layers);
        image.script = Arc::new(script);
        let image = Arc::new(image);
        self.daemon.publish(&scenario.image.reference, Arc::clone(&image));
        if scenario.image.present {
            self.daemon.load(&scenario.image.reference, image);
        }
    }
}

/// Runs a scenario once.
pub fn run(scenario: &Scenario, options: RunOptions) -> RunResult {
    let RunOptions { strategy, faults, tracing, keep_decisions } = options;
    let _silenced = silence::panics();
    let simulation = Simulation::new(tracing);
    let installed = simulation.install();
    let stream = Arc::new(Mutex::new(Stream::new(strategy, keep_decisions)));
    let chooser = Chooser::shared(Arc::clone(&stream));
    let world = World::new(scenario, faults, chooser.clone(), &simulation);

    let mut case: Box<dyn Case> = match scenario.level {
        Level::Containerizer => Box::new(containerizer::ContainerizerCase::new(scenario, &world)),
        Level::Agent => Box::new(agent::AgentCase::new(scenario, &world)),
    };
    let externals = case.externals();
    let mut driver = Driver::new(&world, &stream, scenario.explore.max_steps);
    driver.place(externals, &chooser, scenario.explore.moments);
    driver.run(case.as_ref());

    let (steps, violations, starts) = driver.finish();
    let mut marks = Vec::new();
    case.marks(&world, &mut marks);
    for fault in world.environment.injected() {
        marks.push(Mark::Fault(fault));
    }
    let recording = tracing.then(|| record(&world, &starts));
    let mut stream = stream.lock();
    let result = RunResult {
        digest: simulation.digest(),
        events: simulation.events_handled(),
        steps,
        end: simulation.now(),
        violations,
        marks,
        decisions: stream.take_decisions(),
        divergence: stream.divergence(),
        recording,
    };
    drop(stream);
    drop(case);
    // Operations and actors hold promises whose callbacks may send: everything goes while the
    // simulation is still installed.
    drop(world);
    drop(installed);
    result
}

/// The URIs that a scenario's task wants.
fn uris(task: &TaskSpec) -> Vec<mesos::command_info::Uri> {
    let uri = |number| mesos::command_info::Uri {
        value: format!("http://files.example/file-{number}"),
        cache: task.cached.then_some(true),
        ..Default::default()
    };
    let again = if task.twice { task.uris.min(1) } else { 0 };
    (1..=task.uris).chain(1..=again).map(uri).collect()
}

/// Turns what the simulation recorded into plain data. `starts` are the numbers of the first
/// events of all steps.
fn record(world: &World, starts: &[u64]) -> Recording {
    let (events, notes) = world.simulation.take_record();
    let mut lanes: Vec<u32> = events.iter().map(|event| event.context.number()).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let mut recording = Recording {
        lanes: Vec::new(),
        events: Vec::with_capacity(events.len()),
        remarks: Vec::new(),
        states: Vec::new(),
        digests: Vec::with_capacity(events.len()),
    };
    let mut named = std::collections::BTreeMap::new();
    for event in &events {
        named
            .entry(event.context.number())
            .or_insert_with(|| world.simulation.context_name(event.context));
        let step = starts.partition_point(|start| *start <= event.id.0).saturating_sub(1);
        recording.events.push(Event {
            id: event.id.0,
            cause: event.cause.0,
            time_ns: nanoseconds(event.time),
            lane: event.context.number(),
            label: event.label.to_string(),
            step: step as u64,
        });
        recording.digests.push(event.digest);
    }
    for (id, name) in named {
        recording.lanes.push(Lane { id, kind: lane_kind(id, &name), name });
    }
    for note in notes {
        let time_ns = nanoseconds(note.time);
        if note.kind == "state"
            && let Some((container, state)) = note.text.rsplit_once(' ')
        {
            recording.states.push(StateChange {
                container: container.to_owned(),
                state: state.to_owned(),
                event: note.event.0,
                time_ns,
            });
        }
        recording.remarks.push(Remark {
            event: note.event.0,
            time_ns,
            kind: note.kind.to_owned(),
            text: note.text,
        });
    }
    recording
}

fn nanoseconds(time: Time) -> u64 {
    u64::try_from(time.since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

fn lane_kind(id: u32, name: &str) -> LaneKind {
    match name {
        _ if id == 0 => LaneKind::Scenario,
        _ if id == 1 => LaneKind::Clock,
        "host" | "reaper" => LaneKind::Host,
        "outside" | "main" => LaneKind::Scenario,
        _ if name.contains(" -> ") => LaneKind::Connection,
        _ if name.starts_with("client(") || name.starts_with("master(") => LaneKind::Scenario,
        _ if name.contains("executor") => LaneKind::Executor,
        _ if name.ends_with(')') => LaneKind::Process,
        _ => LaneKind::Docker,
    }
}
