//! Tests of the environment, and the small driver that they share.

mod container_logger_tests;
mod containerizer;
mod containers;
mod engine;
mod events;
mod execs;
mod fetcher_cache_tests;
mod fetcher_tests;
mod files;
mod host;
mod images;
mod logs;
mod network;
mod networks;
mod pausing;
mod pipes;
mod programs;
mod pull;
mod reap_tests;
mod recorded;
mod registry;
mod restarts;
mod rules;
mod schedules;
mod stats;
mod statuses;
mod tasks;
mod waiting;

use super::daemon::{
    Answer, Call, Chunk, Connection, ContainerConfig, Daemon, DaemonSettings, ImageSpec, Interest,
    LogOptions, Programs, Refusal, Reply, Request, Stream, Streams, json,
};
use super::host::{HostSettings, SimHost};
use super::{Choose, Chooser, Environment, Faults, Natural, NaturalOrder};
use docker::{Api, CreateBody};
use parking_lot::Mutex;
use process::simulated::{Installed, Simulation};
use serde_json::Value;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A world with one daemon and one client.
struct Rig {
    api: Arc<dyn Api>,
    connection: Connection,
    daemon: Daemon,
    host: SimHost,
    environment: Environment,
    simulation: Rc<Simulation>,
    _installed: Installed,
}

/// Gives these answers, then natural ones.
struct Answers(Vec<u32>);

impl Choose for Answers {
    fn choose(&mut self, _: &'static str, _: u32) -> u32 {
        if self.0.is_empty() { 0 } else { self.0.remove(0) }
    }
}

/// Must not be asked.
struct Never;

impl Choose for Never {
    fn choose(&mut self, label: &'static str, _: u32) -> u32 {
        panic!("asked about {label}")
    }
}

const MEGABYTE: u64 = 1_000_000;

impl Rig {
    /// A world in which nothing goes wrong, and no choice is made.
    fn new() -> Self {
        Rig::with(Chooser::new(Never), Faults::none(), DaemonSettings::default())
    }

    /// The same, with command lines that do what they say, and an image `bb` in which there is
    /// nothing else.
    fn interpreting() -> Self {
        Rig::set(|settings| settings.interpret = true)
    }

    /// A world in which nothing goes wrong, with a daemon that is set up differently.
    fn set(change: impl FnOnce(&mut DaemonSettings)) -> Self {
        let mut settings = DaemonSettings::default();
        change(&mut settings);
        let rig = Rig::with(Chooser::new(Never), Faults::none(), settings);
        let mut image = ImageSpec::new("bb", &[MEGABYTE]);
        image.programs = Programs::Known;
        image.environment.insert("PATH".to_owned(), "/bin".to_owned());
        rig.daemon.load("bb:1", Arc::new(image));
        rig
    }

    /// A world in which the first choices are these.
    fn choosing(faults: Faults, answers: &[u32]) -> Self {
        let chooser = Chooser::new(Answers(answers.to_vec()));
        Rig::with(chooser, faults, DaemonSettings::default())
    }

    fn natural(faults: Faults) -> Self {
        Rig::with(Chooser::new(Natural), faults, DaemonSettings::default())
    }

    fn with(chooser: Chooser, faults: Faults, settings: DaemonSettings) -> Self {
        Rig::spread(chooser, faults, settings, 1)
    }

    /// A world whose latencies are drawn.
    fn drawing(chooser: Chooser, faults: Faults) -> Self {
        Rig::spread(chooser, faults, DaemonSettings::default(), 4)
    }

    fn spread(chooser: Chooser, faults: Faults, settings: DaemonSettings, spread: u32) -> Self {
        let simulation = Simulation::new(false);
        let installed = simulation.install();
        let environment = Environment::new(&simulation, chooser, faults, spread);
        let host = SimHost::new(environment.operations(), HostSettings::default());
        let daemon = Daemon::new(environment.operations(), &host, settings);
        // Two layers, of one second and half a second.
        let image = Arc::new(ImageSpec::new("app", &[10 * MEGABYTE, 5 * MEGABYTE]));
        daemon.publish("registry/app:1", image);
        daemon.load("busybox", Arc::new(ImageSpec::new("busybox", &[MEGABYTE])));
        let (api, connection) = (daemon.client("agent"), daemon.connect("people"));
        Rig { api, connection, daemon, host, environment, simulation, _installed: installed }
    }

    fn order(&self) -> NaturalOrder<'_> {
        NaturalOrder::new(&self.simulation, &self.environment)
    }

    /// Takes the next step that is due before `limit`.
    fn step(&self, limit: process::Time) -> bool {
        self.order().step(limit)
    }

    /// Lets this much virtual time pass.
    fn pass(&self, time: Duration) {
        self.order().pass(time);
        assert!(self.simulation.crash().is_none(), "{:?}", self.simulation.crash());
    }

    /// Lets time pass until nothing is pending.
    fn settle(&self) {
        self.order().settle();
        assert!(self.simulation.crash().is_none(), "{:?}", self.simulation.crash());
    }

    /// Creates and starts a container that runs until it is stopped.
    fn run_container(&self, name: &str) {
        let created = self.api.create_container(name, &body("busybox"));
        self.settle();
        assert!(created.get().is_some_and(Result::is_ok), "{created:?}");
        let started = self.api.start_container(name);
        self.settle();
        assert!(started.get().is_some_and(Result::is_ok), "{started:?}");
    }

    /// Sends a request and keeps all that is replied.
    fn send(&self, request: Request) -> Talk {
        let replies = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&replies);
        let sink = Box::new(move |reply: Reply| seen.lock().push(reply));
        let call = self.connection.send(request, Interest::Everything, sink);
        Talk { call, replies }
    }

    /// Sends a request and lets some time pass, which is enough for most.
    fn ask(&self, request: Request) -> Talk {
        let talk = self.send(request);
        self.pass(Duration::from_millis(400));
        talk
    }

    /// Creates a container of `bb` with this command line.
    fn create(&self, name: &str, command: &[&str]) -> Talk {
        let config = ContainerConfig {
            image: "bb:1".to_owned(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            ..ContainerConfig::default()
        };
        self.create_as(name, config)
    }

    fn create_as(&self, name: &str, config: ContainerConfig) -> Talk {
        self.ask(Request::Create { name: Some(name.into()), config: Arc::new(config) })
    }

    fn start(&self, name: &str) -> Talk {
        self.ask(Request::Start { container: name.into() })
    }

    /// Creates and starts a container that runs this text in a shell.
    fn run(&self, name: &str, text: &str) {
        self.create(name, &["sh", "-c", text]).expect(201);
        self.start(name).expect(204);
    }

    /// The body of an inspection.
    fn inspect(&self, name: &str) -> Value {
        let request = Request::Inspect { container: name.into(), size: false };
        self.ask(request).body()
    }

    /// All that a container has written to standard output and standard error.
    fn logs(&self, name: &str) -> String {
        let streams = Streams { stdin: false, stdout: true, stderr: true };
        let options = LogOptions { streams, ..LogOptions::default() };
        self.ask(Request::Logs { container: name.into(), options }).text()
    }
}

/// A request, and what came of it.
struct Talk {
    call: Call,
    replies: Arc<Mutex<Vec<Reply>>>,
}

impl Talk {
    fn replies(&self) -> Vec<Reply> {
        self.replies.lock().clone()
    }

    fn is_over(&self) -> bool {
        self.replies().last().is_some_and(Reply::is_last)
    }

    /// Whether nothing was replied at all.
    fn is_silent(&self) -> bool {
        self.replies().is_empty()
    }

    /// The status of the answer, for a request of the kind that it was.
    fn status(&self, method: super::daemon::Method) -> Option<u16> {
        json::status(method, self.replies().first()?)
    }

    #[track_caller]
    fn expect(&self, status: u16) -> &Self {
        let replies = self.replies();
        let found = match replies.first() {
            Some(Reply::Answer(Ok(Answer::Created { .. } | Answer::ExecCreated(_)))) => 201,
            Some(Reply::Answer(Ok(Answer::NetworkCreated(_)))) => 201,
            Some(Reply::Answer(Ok(Answer::Done))) => 204,
            Some(Reply::Answer(Ok(Answer::NotModified))) => 304,
            Some(Reply::Answer(Ok(_)) | Reply::Opened(_)) => 200,
            Some(Reply::Answer(Err(refusal))) => refusal.status,
            _ => 0,
        };
        assert_eq!(found, status, "{replies:?}");
        self
    }

    #[track_caller]
    fn refusal(&self) -> Refusal {
        match self.replies().last() {
            Some(Reply::Answer(Err(refusal))) => refusal.clone(),
            other => panic!("no refusal: {other:?}"),
        }
    }

    #[track_caller]
    fn answer(&self) -> Answer {
        match self.replies().last() {
            Some(Reply::Answer(Ok(answer))) => answer.clone(),
            other => panic!("no answer: {other:?}"),
        }
    }

    #[track_caller]
    fn body(&self) -> Value {
        json::value(&self.answer()).expect("this answer has a body")
    }

    fn chunks(&self) -> Vec<Chunk> {
        let chunk = |reply: Reply| match reply {
            Reply::Chunk(chunk) => Some(chunk),
            _ => None,
        };
        self.replies().into_iter().filter_map(chunk).collect()
    }

    /// All that was written, with `!` in front of each piece of standard error.
    fn text(&self) -> String {
        let piece = |chunk: Chunk| match chunk {
            Chunk::Output(stream, bytes) => {
                let mark = if stream == Stream::Stderr { "!" } else { "" };
                format!("{mark}{}", String::from_utf8_lossy(&bytes))
            }
            _ => String::new(),
        };
        self.chunks().into_iter().map(piece).collect()
    }
}

fn body(image: &str) -> CreateBody {
    CreateBody { image: image.to_owned(), ..CreateBody::default() }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a request ended with: `200` stands for success.
fn code<T: process::future::Value>(answer: &docker::Answer<T>) -> Option<u16> {
    match answer.get()? {
        Ok(_) => Some(200),
        Err(error) => Some(error.code().unwrap_or(0)),
    }
}
