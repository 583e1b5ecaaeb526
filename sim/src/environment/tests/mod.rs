//! Tests of the environment, and the small driver that they share.

mod containers;
mod engine;
mod host;
mod pull;

use super::daemon::{Daemon, DaemonSettings, ImageSpec};
use super::host::{HostSettings, SimHost};
use super::{Choose, Chooser, Environment, Faults, Natural, NaturalOrder};
use docker::{Api, CreateBody};
use process::simulated::{Installed, Simulation};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A world with one daemon and one client.
struct Rig {
    api: Arc<dyn Api>,
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
        Rig::with(Chooser::new(Never), Faults::none())
    }

    /// A world in which the first choices are these.
    fn choosing(faults: Faults, answers: &[u32]) -> Self {
        Rig::with(Chooser::new(Answers(answers.to_vec())), faults)
    }

    fn natural(faults: Faults) -> Self {
        Rig::with(Chooser::new(Natural), faults)
    }

    fn with(chooser: Chooser, faults: Faults) -> Self {
        let simulation = Simulation::new(false);
        let installed = simulation.install();
        let environment = Environment::new(&simulation, chooser, faults, 1);
        let host = SimHost::new(environment.operations(), HostSettings::default());
        let daemon = Daemon::new(environment.operations(), &host, DaemonSettings::default());
        // Two layers, of one second and half a second.
        let image = Arc::new(ImageSpec::new("app", &[10 * MEGABYTE, 5 * MEGABYTE]));
        daemon.publish("registry/app:1", image);
        daemon.load("busybox", Arc::new(ImageSpec::new("busybox", &[MEGABYTE])));
        let api = daemon.client("agent");
        Rig { api, daemon, host, environment, simulation, _installed: installed }
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
}

fn body(image: &str) -> CreateBody {
    CreateBody { image: image.to_owned(), ..CreateBody::default() }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a request ended with: `200` stands for success.
fn code<T: process::future::Value>(answer: &docker::Answer<T>) -> Option<u16> {
    match answer.get()? {
        Ok(_) => Some(200),
        Err(error) => Some(error.code().unwrap_or(0)),
    }
}
